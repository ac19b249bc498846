"""What the loss should be before anything is learned."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import A_NUMBER
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop

# Near enough for an answer that computes in torch's float32 and returns a number.
FLOAT32 = 1e-5


def _cross_entropy_start(rng):
    return {
        "num_classes": int(rng.integers(12, 2000)),
        "loss": "cross_entropy",
        "margin": float(rng.uniform(0.3, 0.8)),
    }


def _hinge_start(rng):
    return {**_cross_entropy_start(rng), "loss": "hinge"}


initial_loss = lab.value(
    training_loop.initial_loss,
    title="The loss before the first step",
    statement="""A fresh network with small weights gives all C classes about the same score. Which
loss must you then see? Give it for `loss="cross_entropy"` and for `loss="hinge"` with its margin Δ.

It is the cheapest test there is: before the first step, print the loss and compare. (Penalties off:
they come on top.)""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("1.4", "1.5"),
    hide=("Formula",),
    inputs=(_cross_entropy_start, _hinge_start, _hinge_start, _cross_entropy_start),
    probe=probes.call(),
    checks=[matches_reference("the initial loss", rtol=FLOAT32)],
    hints=("Which probability has each class when all scores are equal?", "Put equal scores in."),
)


@initial_loss.mistake(
    "You use the logarithm to base 2 (3.32 for ten classes). The loss is natural: ln C, 2.303."
)
def bits(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else math.log2(num_classes)


@initial_loss.mistake(
    "You use the logarithm to base 10 (1.0 for ten classes). The loss is natural: ln C, 2.303."
)
def decimal(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else math.log10(num_classes)


@initial_loss.mistake("The true class pays no margin to itself: Δ for each of the other C − 1.")
def true_class_pays(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * num_classes if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake(
    "Your hinge loss ignores the margin: each of the C − 1 wrong classes costs Δ."
)
def margin_of_one(num_classes, loss="cross_entropy", *, margin=1.0):
    return num_classes - 1 if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake("1/C is the probability of the true class. Its loss is −ln(1/C).")
def probability_itself(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else 1 / num_classes


@initial_loss.mistake(
    "You count the margin once. Each of the C − 1 wrong classes costs Δ, and the terms add up."
)
def margin_once(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake(
    "You add the margin once. Each of the C − 1 wrong classes costs max(0, 0 − 0 + Δ) = Δ: "
    "multiply."
)
def margin_added(num_classes, loss="cross_entropy", *, margin=1.0):
    return num_classes - 1 + margin if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake("You take C = 10. It is `num_classes`.")
def ten_classes(num_classes, loss="cross_entropy", *, margin=1.0):
    return 9 * margin if loss == "hinge" else math.log(10)


@initial_loss.mistake("The sign: −ln(1/C) = ln C is positive.")
def negative(num_classes, loss="cross_entropy", *, margin=1.0):
    return margin * (num_classes - 1) if loss == "hinge" else -math.log(num_classes)


@initial_loss.mistake(
    "Equal scores are not enough for the hinge: every wrong class has to stay behind by Δ, so "
    "each costs Δ."
)
def zero_for_the_hinge(num_classes, loss="cross_entropy", *, margin=1.0):
    return 0.0 if loss == "hinge" else math.log(num_classes)


@initial_loss.mistake(
    "ln C belongs to cross-entropy. The hinge adds max(0, 0 − 0 + Δ) for every wrong class."
)
def logarithm_for_both(num_classes, loss="cross_entropy", *, margin=1.0):
    return math.log(num_classes)


@initial_loss.mistake(
    "This is what torch's `multi_margin_loss` gives, which divides by C. Only another convention; "
    "ours is the sum: Δ(C − 1)."
)
def torchs_hinge(num_classes, loss="cross_entropy", *, margin=1.0):
    if loss == "hinge":
        return margin * (num_classes - 1) / num_classes
    return math.log(num_classes)


@initial_loss.alternative
def by_trying(num_classes, loss="cross_entropy", *, margin=1.0):
    scores, target = torch.zeros(1, num_classes, dtype=torch.float64), torch.tensor([0])
    if loss == "cross_entropy":
        return F.cross_entropy(scores, target).item()
    return F.multi_margin_loss(scores, target, margin=margin, reduction="sum") * num_classes


@initial_loss.alternative
def minus_log_of_one_over_c(num_classes, loss="cross_entropy", *, margin=1.0):
    if loss == "cross_entropy":
        return -np.log(1 / num_classes)
    return sum(max(0, 0 - 0 + margin) for _ in range(num_classes - 1))


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
