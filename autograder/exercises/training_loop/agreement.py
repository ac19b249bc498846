"""When two gradients are equal: relative errors, entry by entry."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _two_gradients(rng):
    """Entries of very different size; one pair zero, one pair half zero, small ones far apart."""
    size = int(rng.integers(7, 11))
    numeric = rng.uniform(0.5, 2, size) * rng.choice([-1, 1], size)
    numeric *= 10.0 ** rng.permutation(np.linspace(-10, 2, size))
    analytic = numeric * (1 + rng.uniform(0.01, 0.9, size) * rng.choice([-1, 1], size))
    places = rng.permutation(size)
    numeric[places[0]] = analytic[places[0]] = 0.0
    analytic[places[1]] = 0.0
    analytic[places[2]] *= -1
    return {"analytic": analytic, "numeric": numeric}


relative_error = lab.exercise(
    training_loop.relative_error,
    title="When are two gradients equal?",
    statement="""Compare two gradients **entry by entry**: $|a_i - n_i| / \\max(|a_i|, |n_i|)$, and 0
where both are 0 (they agree).

Why so carefully: an absolute error of 1e-8 is perfect for an entry of size 1 and ruin for one of
size 1e-8; and dividing by the largest entry of the whole tensor hides one wrong small entry among
large right ones.""",
    points=2,
    core=False,
    syllabus=("1.7",),
    inputs=_two_gradients,
    probe=probes.call(),
    checks=[matches_reference("the relative errors"), leaves_inputs_alone()],
    equivalent_mutants={
        **{
            "scale = torch.maximum(analytic.abs(), numeric.abs()) => "
            f"scale = torch.maximum({changed})": "an argument that is changed is remarked upon"
            for changed in ("analytic.abs_(), numeric.abs()", "analytic.abs(), numeric.abs_()")
        },
        "everything is done under torch.no_grad()": "errors are read, nothing is trained by them",
    },
    hints=(
        "`torch.maximum(analytic.abs(), numeric.abs())` is the larger one of each pair.",
        "`torch.where(scale == 0, 0, …)`.",
    ),
)


@relative_error.mistake(
    "This is the absolute error. A gradient of size 1e-7 that is wrong by a factor of 2 would "
    "pass any such test. Divide by the size of the entry."
)
def absolute_error(analytic, numeric):
    return (analytic - numeric).abs()


@relative_error.mistake(
    "You divide by |a| + |n|, as the code of CS231n's assignments does. Only another convention, up to twice smaller; ours "
    "divides by the larger of the two."
)
def by_the_sum(analytic, numeric):
    total = analytic.abs() + numeric.abs()
    return torch.where(total == 0, 0, (analytic - numeric).abs() / total)


@relative_error.mistake("Where both are 0 yours is 0/0 = NaN. The two agree there: the error is 0.")
def not_a_number_for_zeros(analytic, numeric):
    return (analytic - numeric).abs() / torch.maximum(analytic.abs(), numeric.abs())


@relative_error.mistake(
    "You divide all entries by the largest of the tensor. One wrong small entry then disappears "
    "among large right ones: every entry needs its own size."
)
def by_the_largest_entry(analytic, numeric):
    return (analytic - numeric).abs() / torch.maximum(analytic.abs(), numeric.abs()).max()


@relative_error.mistake(
    "You divide by the numeric entry, which may be 0 while the other is not: divide by the larger "
    "of the two."
)
def by_the_numeric_one(analytic, numeric):
    error = (analytic - numeric).abs() / numeric.abs()
    return torch.where((analytic == 0) & (numeric == 0), 0, error)


@relative_error.mistake(
    "You divide by |a| + |n|, and by 1e-8 at least. Ours divides by the larger of the two, and an "
    "error is 0 only where both are exactly 0."
)
def cs231n_floor(analytic, numeric):
    return (analytic - numeric).abs() / (analytic.abs() + numeric.abs()).clamp(min=1e-8)


@relative_error.mistake(
    "You divide by 1e-5 at least. Entries smaller than that are then judged by their absolute "
    "error, and any of them passes."
)
def floor_in_the_denominator(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs()).clamp(min=1e-5)
    return (analytic - numeric).abs() / scale


@relative_error.mistake(
    "You add 1e-8 to the denominator. Entries of that size or smaller then look right whatever "
    "they are. Treat the one case 0/0 on its own instead: `torch.where`."
)
def epsilon_added(analytic, numeric):
    return (analytic - numeric).abs() / (torch.maximum(analytic.abs(), numeric.abs()) + 1e-8)


@relative_error.mistake(
    "You add 1e-12 to the denominator. That changes the error of tiny entries, which this test is "
    "about. Treat the one case 0/0 on its own instead: `torch.where`."
)
def tiny_epsilon_added(analytic, numeric):
    return (analytic - numeric).abs() / (torch.maximum(analytic.abs(), numeric.abs()) + 1e-12)


@relative_error.mistake(
    "You divide by 1e-8 at least. Entries smaller than that are then judged by their absolute "
    "error, and any of them passes."
)
def at_least_epsilon(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs()).clamp(min=1e-8)
    return (analytic - numeric).abs() / scale


@relative_error.mistake(
    "You divide by the mean of |a| and |n|. Only another convention; ours divides by the larger "
    "of the two, so that an error is at most 2."
)
def by_the_mean(analytic, numeric):
    mean = (analytic.abs() + numeric.abs()) / 2
    return torch.where(mean == 0, 0, (analytic - numeric).abs() / mean)


@relative_error.mistake(
    "You divide by the analytic entry, which may be 0 while the numeric one is not: divide by the "
    "larger of the two."
)
def by_the_analytic_one(analytic, numeric):
    return torch.where(analytic == 0, 0, (analytic - numeric).abs() / analytic.abs())


@relative_error.mistake(
    "You give 0 wherever one of the two is 0. Only where both are do they agree: a gradient that "
    "is 0 and should not be has error 1."
)
def zero_where_one_is(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs())
    one_is = (analytic == 0) | (numeric == 0)
    return torch.where(one_is, 0, (analytic - numeric).abs() / scale)


@relative_error.mistake("You return the largest error; asked for is the error of every entry.")
def the_largest_alone(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs())
    return torch.where(scale == 0, 0, (analytic - numeric).abs() / scale).max()


@relative_error.mistake(
    'Your errors have signs; a large negative one would pass a test for "at most". Take the '
    "absolute value of the difference."
)
def signs_kept(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs())
    return torch.where(scale == 0, 0, (analytic - numeric) / scale)


@relative_error.mistake(
    "You compare the sizes only: a gradient of the wrong sign has error 0. Subtract first, then "
    "take the absolute value."
)
def of_the_sizes(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs())
    return torch.where(scale == 0, 0, (analytic.abs() - numeric.abs()).abs() / scale)


@relative_error.mistake(
    "The larger of a and n is the wrong one where both are negative: compare |a| and |n|."
)
def largest_without_absolute(analytic, numeric):
    scale = torch.maximum(analytic, numeric)
    return torch.where(scale == 0, 0, (analytic - numeric).abs() / scale)


@relative_error.mistake(
    "You compare whole tensors by their norms. One wrong small entry disappears in it; give an "
    "error for each entry."
)
def of_the_norms(analytic, numeric):
    return (analytic - numeric).norm() / torch.maximum(analytic.norm(), numeric.norm())


@relative_error.mistake("Two zeros agree: their error is 0.")
def zeros_count_as_wrong(analytic, numeric):
    scale = torch.maximum(analytic.abs(), numeric.abs())
    return torch.where(scale == 0, 1, (analytic - numeric).abs() / scale)


@relative_error.alternative
def with_nan_to_num(analytic, numeric):
    scale = torch.max(analytic.abs(), numeric.abs())
    return torch.nan_to_num((analytic - numeric).abs() / scale, nan=0.0)


@relative_error.alternative
def entry_after_entry(analytic, numeric):
    errors = []
    for a, n in zip(analytic.flatten().tolist(), numeric.flatten().tolist(), strict=True):
        errors.append(0.0 if a == n == 0 else abs(a - n) / max(abs(a), abs(n)))
    return torch.tensor(errors, dtype=analytic.dtype).view(analytic.shape)
