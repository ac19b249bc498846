"""Runs with the same seeds, compared one by one."""

from autograder import probes
from autograder.exercises.capstone.lab import lab
from autograder.exercises.capstone.measuring import NO_NEGATIVE_SHARES, NUMBER_EITHER_WAY
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import capstone


def _paired(rng):
    """Runs with luck in common; once the change is worse, and there it is that the order differs."""
    count = int(rng.integers(5, 10))
    start = rng.uniform(0.7, 0.78) + 0.03 * rng.standard_normal(count)
    differences = rng.uniform(0.02, 0.04) + 0.01 * rng.standard_normal(count)
    start[1] = start[0] + 0.002
    differences[:2] = 0.04, -0.01
    order = rng.permutation(count)
    return {"accuracies": (start + differences)[order], "baseline": start[order]}


paired_gain = lab.exercise(
    capstone.paired_gain,
    title="The same seeds for both",
    core=False,
    statement=(
        "If both are run with the *same* seeds, and a seed that is lucky for one is lucky for the other, luck "
        "cancels out of each difference. Return the mean of the differences, run by run, in points, and its "
        "standard error, s/√n of the *differences*."
    ),
    points=2,
    minutes=4,
    syllabus=("14.2",),
    hide=("Formula",),
    inputs=_paired,
    probe=probes.call(),
    checks=[
        matches_reference("the gain in points", of="result.0"),
        matches_reference("its standard error", of="result.1"),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "return (100 * differences.mean().item(), 100 * error.item()) => return (100 * unconverted(differences.mean(), differences.mean().item()), 100 * error.item())": NUMBER_EITHER_WAY,
        "return (100 * differences.mean().item(), 100 * error.item()) => return (100 * differences.mean().item(), 100 * unconverted(error, error.item()))": NUMBER_EITHER_WAY,
        "right only for positive accuracies": NO_NEGATIVE_SHARES,
        "right only for positive baseline": NO_NEGATIVE_SHARES,
    },
    hints=("`differences = accuracies - baseline`, and nothing but these from there on.",),
)

paired_gain.mistake(
    "unpaired",
    edit(
        "differences.std() / len(differences) ** 0.5",
        "((accuracies.var() + baseline.var()) / len(differences)) ** 0.5",
    ),
    "That is the error of two samples that have nothing to do with each other. Take the standard deviation "
    "of the differences.",
)
paired_gain.mistake(
    "biased",
    edit("differences.std()", "differences.std(correction=0)"),
    "Your standard deviation divides by n. Divide by n − 1, as `.std()` of torch does.",
)
paired_gain.mistake(
    "scatter_of_one",
    edit(" / len(differences) ** 0.5", ""),
    "That is how much single differences scatter. Their mean scatters √n times less.",
)
paired_gain.mistake(
    "divided_by_n",
    edit("len(differences) ** 0.5", "len(differences)"),
    "You divide by n: a standard error is s/√n.",
)
paired_gain.mistake(
    "sign_reversed",
    edit("accuracies - baseline", "baseline - accuracies"),
    "A gain is positive when the change is better than the baseline.",
)
paired_gain.mistake(
    "sorted_first",
    edit("accuracies - baseline", "accuracies.sort().values - baseline.sort().values"),
    "You sort both before you subtract. Then the pairs are no longer of the same seed.",
)
paired_gain.mistake(
    "shares",
    edit("100 * differences.mean()", "differences.mean()").also("100 * error", "error"),
    "These are shares of 1. In points they are 100 times as large.",
)
paired_gain.mistake(
    "absolute",
    edit("accuracies - baseline", "(accuracies - baseline).abs()"),
    "You take the size of each difference. Where the change is worse the difference is negative, and stays so.",
)
paired_gain.mistake(
    "error_not_in_points",
    edit("100 * error", "error"),
    "The gain is in points and its error is not: times 100, too.",
)
paired_gain.mistake(
    "variance_for_error",
    edit("differences.std() / len(differences) ** 0.5", "differences.var() / len(differences)"),
    "s²/n is the *variance* of the mean. Its standard error is the root.",
)
paired_gain.mistake(
    "of_medians",
    edit("differences.mean()", "differences.median()"),
    "You take the median of the differences. Asked for is their mean.",
)
paired_gain.mistake(
    "root_of_n_less_one",
    edit("len(differences) ** 0.5", "(len(differences) - 1) ** 0.5"),
    "n − 1 is in `.std()` already. The standard error is s/√n.",
)


@paired_gain.alternative
def by_hand(accuracies, baseline):
    d = 100 * (accuracies - baseline)
    n = len(d)
    mean = d.sum() / n
    return mean, (((d - mean) ** 2).sum() / (n - 1) / n).sqrt()
