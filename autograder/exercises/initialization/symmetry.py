"""Constant weights: units that never learn to differ."""

import numpy as np
import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.experiments import seeded
from autograder.exercises.initialization.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import initialization


def _labels(rng):
    # Unequal class counts, one class absent: equal counts would hide the answer's second term.
    classes = int(rng.integers(4, 9))
    priors = np.append(rng.dirichlet(np.ones(classes - 1)), 0.0)
    return {
        "labels": rng.choice(classes, size=int(rng.integers(15, 40)), p=priors),
        "classes": classes,
    }


output_bias_gradient_at_zero = lab.value(
    initialization.output_bias_gradient_at_zero,
    title="What can still learn when every weight is zero?",
    statement=(
        "A network whose weights and biases are all zero gives the same scores, zero, for every "
        "example. Derive the gradient of the mean softmax cross-entropy with respect to the "
        "**output bias**, for a batch with the given `labels`, and return it as a tensor with one "
        "entry per class.\n\n"
        "Every *weight* gradient of a deep network is zero here (each is a product with a zero "
        "activation or a zero weight). Is this one?"
    ),
    points=3,
    minutes=8,
    core=False,
    syllabus=("4.1",),
    hide=("Formula", "Source"),
    inputs=_labels,
    probe=probes.call(),
    checks=[matches_reference("the gradient of the output bias", rtol=1e-5), leaves_inputs_alone()],
    hints=(
        "The gradient of softmax cross-entropy with respect to the scores of one example is "
        "`softmax(scores) − one_hot(label)`. What is the softmax of equal scores?",
        "The bias is added to the scores of every example, and the loss is a mean: average "
        "`1/C − one_hot(label)` over the batch.",
        "`torch.bincount(labels, minlength=classes)` counts the labels of each class.",
    ),
)


@output_bias_gradient_at_zero.mistake(
    "You say that this gradient vanishes too. The scores are all zero, but the softmax of zeros "
    "is 1/C for every class, not the label: ∂L/∂b = mean(softmax − one-hot)."
)
def all_zero(labels, classes):
    return torch.zeros(classes)


@output_bias_gradient_at_zero.mistake(
    "This is the gradient of the summed loss. The loss is the mean over the batch, so divide by "
    "the number of examples."
)
def summed(labels, classes):
    counts = torch.bincount(labels, minlength=classes)
    return len(labels) / classes - counts.double()


@output_bias_gradient_at_zero.mistake(
    "The sign is the other way round: the gradient is softmax − one-hot. A class that is frequent "
    "has a negative gradient, so that descent raises its score."
)
def sign_swapped(labels, classes):
    counts = torch.bincount(labels, minlength=classes)
    return counts / len(labels) - 1 / classes


@output_bias_gradient_at_zero.mistake(
    "This is the softmax alone. Subtract the one-hot labels, averaged over the batch: the share "
    "of each class."
)
def probabilities_only(labels, classes):
    return torch.full((classes,), 1 / classes)


@output_bias_gradient_at_zero.mistake(
    "This is the part that comes from the labels. The softmax contributes 1/C to every class."
)
def frequencies_only(labels, classes):
    return -torch.bincount(labels, minlength=classes) / len(labels)


@output_bias_gradient_at_zero.mistake(
    "Every class that occurs counts once in yours: `g[labels] -= …` writes each place once, "
    "however often its label comes. Use `torch.bincount` or `index_add_`."
)
def each_class_once(labels, classes):
    gradient = torch.full((classes,), 1 / classes)
    gradient[labels] -= 1 / len(labels)
    return gradient


@output_bias_gradient_at_zero.alternative
def by_one_hot(labels, classes):
    return (1 / classes - F.one_hot(labels, classes).double()).mean(dim=0)


@output_bias_gradient_at_zero.alternative
def by_loop(labels, classes):
    gradient = [1.0 / classes] * classes
    for label in labels.tolist():
        gradient[label] -= 1.0 / len(labels)
    return torch.tensor(gradient)


@output_bias_gradient_at_zero.alternative
def by_autograd(labels, classes):
    bias = torch.zeros(classes, requires_grad=True)
    F.cross_entropy(bias.expand(len(labels), classes), labels).backward()
    return bias.grad


def _weights_with_twins(rng):
    units, inputs = int(rng.integers(20, 90)), int(rng.integers(5, 12))
    kinds = int(rng.integers(8, units - 4))
    rows = rng.normal(size=(kinds, inputs))
    copies = rng.integers(0, kinds, units - kinds - 1)
    order = rng.permutation(np.concatenate([np.arange(kinds), copies]))
    order = np.append(order[0], order)
    # Rows share entries: the whole row has to be compared. Twins differ by less than the
    # tolerance in every entry, and by more than it as a whole. One row in four is like the one
    # before it but for a single entry: different by more than the tolerance, but not on average.
    # There is a unit with its negative. The first two are twins that differ in one entry alone.
    rows[3] = -rows[2]
    rows[:, 0] = np.round(rows[:, 0])
    rows[1::4] = rows[: len(rows[1::4]) * 4 : 4]
    rows[1::4, 1] += 2.2e-3
    near = rng.uniform(0, 0.45e-3, size=(units, 1)) * rng.choice([-1, 1], size=(units, inputs))
    near[:2] = 0
    near[:2, 1] = 0.49e-3, -0.49e-3
    return {"weight": rows[order] + near, "tolerance": 1e-3}


distinct_units = lab.exercise(
    initialization.distinct_units,
    title="Count the units that differ",
    statement=(
        "Two hidden units with equal incoming weights compute the same thing. Count how many "
        "*different* units a weight matrix of shape (out, in) holds: the number of rows that are "
        "not, within `tolerance` in every entry, a copy of an earlier row.\n\n"
        "You will use it to watch whether training breaks the symmetry of a constant "
        "initialization."
    ),
    points=2,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("4.1",),
    dtypes=("float64", "float64", "float64", "float64"),
    inputs=_weights_with_twins,
    probe=probes.call(),
    checks=[matches_reference("the number of distinct units"), leaves_inputs_alone()],
    equivalent_mutants={
        "repeated = (distance <= tolerance).tril(diagonal=-1).any(dim=1) => "
        "repeated = (distance <= tolerance).tril(diagonal=-1).any(dim=0)": "counts the rows without "
        "a later copy: as many as those without an earlier one",
        "repeated = (distance <= tolerance).tril(diagonal=-1).any(dim=1) => "
        "repeated = (distance < tolerance).tril(diagonal=-1).any(dim=1)": "no two units differ by the "
        "tolerance to the last digit",
        "distance = torch.cdist(weight, weight, p=math.inf) => "
        "distance = through_half(torch.cdist(weight, weight, p=math.inf))": "three digits tell on "
        "which side of the tolerance a distance lies",
    },
    hints=(
        "In which axis does `nn.Linear` store its units?",
        "Compare every row with every earlier one: the largest absolute difference of two rows.",
        "`(weight[:, None] - weight[None]).abs().amax(dim=2)` is the table of those differences.",
    ),
)


@distinct_units.mistake(
    "You compare rows exactly. Twins drift apart by rounding during training, so rows within "
    "`tolerance` of each other count once."
)
def exact_rows(weight, tolerance=1e-6):
    return len(torch.unique(weight, dim=0))


@distinct_units.mistake("You compare columns. In torch's layout (out, in) a unit is a row.")
def columns(weight, tolerance=1e-6):
    gaps = (weight.T[:, None] - weight.T[None]).abs().amax(dim=2)
    return int((~torch.tril(gaps <= tolerance, diagonal=-1).any(dim=1)).sum())


@distinct_units.mistake(
    "You count distinct numbers. A unit is a whole row: two rows are twins only when all their "
    "entries agree."
)
def distinct_entries(weight, tolerance=1e-6):
    entries = weight.flatten()
    gaps = (entries[:, None] - entries[None]).abs()
    return int((~torch.tril(gaps <= tolerance, diagonal=-1).any(dim=1)).sum())


@distinct_units.mistake(
    "You compare the Euclidean distance of two rows with `tolerance`; it is meant for every entry "
    "by itself, the largest difference."
)
def euclidean(weight, tolerance=1e-6):
    gaps = torch.cdist(weight, weight)
    return int((~torch.tril(gaps <= tolerance, diagonal=-1).any(dim=1)).sum())


@distinct_units.mistake(
    "You count the copies. Asked for are the units that remain when copies are dropped."
)
def counts_twins(weight, tolerance=1e-6):
    gaps = (weight[:, None] - weight[None]).abs().amax(dim=2)
    return int(torch.tril(gaps <= tolerance, diagonal=-1).any(dim=1).sum())


@distinct_units.mistake(
    "You compare the mean difference of two rows with `tolerance`; a single entry that differs by "
    "more makes another unit."
)
def mean_difference(weight, tolerance=1e-6):
    gaps = (weight[:, None] - weight[None]).abs().mean(dim=2)
    return int((~torch.tril(gaps <= tolerance, diagonal=-1).any(dim=1)).sum())


@distinct_units.mistake(
    "You add up the differences of two rows and compare the sum with `tolerance`; it is meant for "
    "every entry by itself."
)
def sum_of_differences(weight, tolerance=1e-6):
    gaps = (weight[:, None] - weight[None]).abs().sum(dim=2)
    return int((~torch.tril(gaps <= tolerance, diagonal=-1).any(dim=1)).sum())


@distinct_units.mistake(
    "You round and compare exactly. Two numbers closer than `tolerance` can round to different "
    "values: compare differences."
)
def rounded(weight, tolerance=1e-6):
    return len(torch.unique(torch.round(weight / tolerance), dim=0))


@distinct_units.mistake(
    "You compare each row with the one above it only. A copy can stand anywhere: compare with "
    "every earlier row."
)
def row_above_only(weight, tolerance=1e-6):
    gaps = (weight[1:] - weight[:-1]).abs().amax(dim=1)
    return 1 + int((gaps > tolerance).sum())


@distinct_units.alternative
def by_collecting(weight, tolerance=1e-6):
    kept = []
    for row in weight:
        if not any(torch.allclose(row, other, rtol=0, atol=tolerance) for other in kept):
            kept.append(row)
    return len(kept)


@distinct_units.alternative
def by_distances(weight, tolerance=1e-6):
    gaps = (weight[:, None] - weight[None]).abs().amax(dim=2)
    earlier = torch.tril(gaps <= tolerance, diagonal=-1)
    return int((~earlier.any(dim=1)).sum())


@seeded
def _zero_biases():
    x = torch.randn(200, 10)
    labels = (x[:, 0] * x[:, 1] > 0).long()
    model = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    for layer in (model[0], model[2]):
        torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(200):
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return "it trains" if loss.item() < 0.3 else "it does not train"


lab.prediction(
    "zero_biases",
    title="Predict: zero biases",
    statement=(
        "Zero *weights* keep all units of a layer equal. Now the weights are random, and only the "
        "**biases** start at zero. Does the network train?"
    ),
    minutes=1,
    core=False,
    choices=("it trains", "it does not train"),
    outcome=_zero_biases,
    explanation="Random weights have broken the symmetry already; the biases follow.",
)
