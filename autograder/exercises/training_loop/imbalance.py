"""What the loss can fall to without a look at the inputs, when classes are not equally frequent."""

import math

import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import A_NUMBER, FLOAT32
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _counts(rng):
    classes = int(rng.integers(4, 9))
    counts = rng.integers(1, 40, classes) * rng.integers(1, 9, classes)
    counts[rng.choice(classes, 2, replace=False)] = 0, 1
    return {"counts": counts}


label_entropy = lab.value(
    training_loop.label_entropy,
    title="The best constant answer",
    statement="""With unequal classes ln C is where a network starts, not what it has to beat. The best
prediction that **never looks at its input** gives every class the share it has among the labels.
Return its mean cross-entropy, the *label entropy*, as a number. `counts` holds how many examples
each class has; a class without any adds nothing.

A loss that falls from ln C to this value and stays there has learned the last bias, nothing else.""",
    points=2,
    difficulty=2,
    core=False,
    syllabus=("1.4",),
    hide=("Formula", "Source"),
    inputs=_counts,
    probe=probes.call(),
    checks=[matches_reference("the label entropy", rtol=FLOAT32), leaves_inputs_alone()],
    equivalent_mutants={
        "seen = counts[counts > 0].double() => seen = unconverted(counts[counts > 0], counts[counts > 0].double())": "float32 is near enough",
        "return -(share * share.log()).sum().item() => return -unconverted((share * share.log()).sum(), (share * share.log()).sum().item())": A_NUMBER,
        "seen = counts[counts > 0].double() => seen = -counts[counts > 0].double()": "the sign "
        "cancels in the shares",
    },
    hints=(
        "An example of class c costs −ln q_c if the answer gives q_c to its class. Average over all "
        "examples.",
        "−Σ p_c ln q_c is smallest at q = p.",
    ),
)


@label_entropy.mistake(
    "This is ln C, the loss of equal probabilities. A constant answer can do better when classes "
    "are unequal: −Σ p ln p with their shares p."
)
def ignores_the_counts(counts):
    return math.log(len(counts))


@label_entropy.mistake(
    "This is the logarithm of the number of classes that occur, as if they were equally frequent. "
    "Weight by their shares: −Σ p ln p."
)
def ignores_the_counts_but_not_the_zeros(counts):
    return math.log(int((counts > 0).sum()))


@label_entropy.mistake(
    "A class without examples gives 0 · ln 0, which is NaN on a computer and 0 in the formula. "
    "Leave such classes out (or use `torch.special.xlogy`)."
)
def not_a_number_at_zero(counts):
    share = counts.double() / counts.sum()
    return -(share * share.log()).sum()


@label_entropy.mistake("This is the entropy in bits. The loss uses the natural logarithm.")
def in_bits(counts):
    seen = counts[counts > 0].float()
    share = seen / seen.sum()
    return -(share * share.log2()).sum()


@label_entropy.mistake("The minus is missing: logarithms of shares are negative.")
def without_the_minus(counts):
    seen = counts[counts > 0].double()
    share = seen / seen.sum()
    return (share * share.log()).sum()


@label_entropy.mistake(
    "The shares are the weights of the mean already; do not divide by the number of classes."
)
def mean_over_classes(counts):
    seen = counts[counts > 0].double()
    share = seen / seen.sum()
    return -(share * share.log()).mean()


@label_entropy.mistake(
    "This is the loss on an example of the largest class. The mean is over all examples: each "
    "class counts with its share."
)
def largest_class_only(counts):
    share = counts / counts.sum()
    return -torch.log(share.max())


@label_entropy.mistake(
    "You average −ln p over the classes. It is averaged over the examples, so a class counts with "
    "its share: −Σ p ln p."
)
def logarithms_not_weighted(counts):
    seen = counts[counts > 0].double()
    return -(seen / seen.sum()).log().mean()


@label_entropy.mistake(
    "You divide the counts by the number of classes. A share is a part of all examples: counts / "
    "counts.sum()."
)
def divided_by_the_classes(counts):
    share = counts / len(counts)
    return -torch.special.xlogy(share, share).sum()


@label_entropy.mistake(
    "You add up the loss of all examples. Asked for is its mean: −Σ p ln p with shares p."
)
def summed_over_examples(counts):
    share = counts / counts.sum()
    return -torch.special.xlogy(counts, share).sum()


@label_entropy.mistake(
    "You add up −ln p over the classes, without their weights: each class counts with its share, "
    "−Σ p ln p."
)
def logarithms_added_up(counts):
    seen = counts[counts > 0]
    return -(seen / seen.sum()).log().sum()


@label_entropy.mistake(
    "A softmax of the counts makes the largest class nearly certain. The shares are counts / "
    "counts.sum()."
)
def by_softmax_of_counts(counts):
    share = torch.softmax(counts.double(), dim=0)
    return -torch.special.xlogy(share, share).sum()


@label_entropy.alternative
def by_xlogy(counts):
    share = counts / counts.sum()
    return -torch.special.xlogy(share, share).sum()


@label_entropy.alternative
def by_examples(counts):
    total = sum(counts.tolist())
    return sum(n / total * math.log(total / n) for n in counts.tolist() if n)
