"""The loss curve: an epoch's mean, and a smoothed line that begins where the losses do."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import search


def _epoch(rng):
    batches, size = int(rng.integers(4, 9)), int(rng.integers(16, 40))
    sizes = np.full(batches, size)
    sizes[-1] = int(rng.integers(1, size // 3))
    losses = rng.uniform(0.5, 2, batches)
    losses[0], losses[-1] = rng.uniform(-0.9, -0.2), losses[-1] + 2
    return {"losses": losses, "sizes": sizes}


epoch_mean = lab.exercise(
    search.epoch_mean,
    title="The mean of an epoch",
    statement=(
        "An epoch's batches had the mean losses `losses` (B,) and `sizes` (B,) examples; the last one is "
        "smaller, for N is no multiple of the batch size. Return the mean loss per **example**."
    ),
    points=2,
    minutes=3,
    core=False,
    syllabus=("10.10",),
    hide=("Formula",),
    inputs=_epoch,
    probe=probes.call(),
    checks=[matches_reference("the mean", float32_constants=True), leaves_inputs_alone()],
    equivalent_mutants={
        "return ((losses * sizes).sum() / sizes.sum()).item() => return unconverted((losses * sizes).sum() / sizes.sum(), ((losses * sizes).sum() / sizes.sum()).item())": "a tensor of one number is as good",
    },
    hints=("How much loss did all examples of a batch have together?",),
)


@epoch_mean.mistake(
    "Every batch counts the same in yours, so an example of the small last batch counts many times. "
    "Weight by the sizes.",
    origin="the field's folklore",
)
def mean_of_means(losses, sizes):
    return losses.mean().item()


epoch_mean.mistake(
    "divided_by_the_batches",
    edit("sizes.sum()", "len(losses)"),
    "You divide the total by the number of batches. Divide it by the number of examples.",
)
epoch_mean.mistake(
    "sum_of_means_over_examples",
    edit("(losses * sizes).sum()", "losses.sum()"),
    "You add the batches' *means* and divide by the number of examples. A batch's total is its mean times its "
    "size.",
)
epoch_mean.mistake(
    "sizes_of_the_first",
    edit("sizes.sum()", "(sizes[0] * len(sizes))"),
    "You count the last batch as if it were full.",
)
epoch_mean.mistake(
    "without_the_last",
    edit(
        "(losses * sizes).sum() / sizes.sum()",
        "(losses[:-1] * sizes[:-1]).sum() / sizes[:-1].sum()",
    ),
    "You leave the last batch out. Its examples count like all others.",
)


@epoch_mean.mistake("You return the total. Divide it by the number of examples.")
def the_total(losses, sizes):
    return (losses * sizes).sum().item()


@epoch_mean.alternative
def by_weights(losses, sizes):
    return float(losses @ (sizes / sizes.sum()).to(losses.dtype))


@epoch_mean.alternative
def by_a_loop(losses, sizes):
    total, seen = 0.0, 0
    for loss, size in zip(losses, sizes, strict=True):
        total, seen = total + loss * size, seen + size
    return total / seen


HALF_AN_EPOCH = (
    "below the validation loss",
    "equal to the validation loss, up to noise",
    "above the validation loss",
)


def outcome_of_the_running_mean() -> str:
    """Measured on MNIST-1D: in the first epochs the running mean of training is above validation."""
    return HALF_AN_EPOCH[2]


lab.prediction(
    "running_mean_of_the_first_epoch",
    title="Predict: the second epoch's two losses",
    statement=(
        "A training loop prints after each epoch the mean of the batch losses *during* it, and the validation "
        "loss at its end. Nothing overfits so early. Where is the training loss of the second epoch?"
    ),
    minutes=1,
    core=False,
    syllabus=("10.7", "10.10"),
    choices=HALF_AN_EPOCH,
    outcome=outcome_of_the_running_mean,
    explanation=(
        "The running mean is that of networks half an epoch younger, on average. While the loss falls fast, it "
        "is above the loss at the epoch's end, on whatever data. To compare, shift it by half an epoch, or "
        "measure both at the end."
    ),
)


def _noisy(rng):
    count = int(rng.integers(12, 25))
    losses = 4 * np.exp(-np.linspace(0, 2, count)) + rng.normal(size=count) * 0.5 - 2
    return {"losses": losses, "beta": float(rng.uniform(0.7, 0.95))}


def _constant(rng):
    count = int(rng.integers(6, 12))
    return {"losses": np.full(count, rng.uniform(1, 3)), "beta": float(rng.uniform(0.3, 0.95))}


def _by_default(rng):
    return {"losses": _noisy(rng)["losses"]}


smooth = lab.repair(
    search.smooth,
    planted="no_correction",
    title="Repair: a smoothed curve that begins near zero",
    statement=(
        "This function smooths a loss curve: each point is an average of the past, older losses counting ever "
        "less. Of a constant loss of 2 it makes a curve that begins at 0.2 and climbs to 2 within some twenty "
        "steps. Mend it: a constant must stay as it is, and each point depends on the losses up to there "
        "alone."
    ),
    points=2,
    minutes=4,
    core=False,
    syllabus=("10.10", "10.2"),
    hide=("Formula",),
    inputs=(_noisy, _constant, _by_default, _noisy),
    probe=probes.call(),
    checks=[matches_reference("the smoothed curve"), leaves_inputs_alone(), keeps_dtype()],
    equivalent_mutants={
        "average, smoothed = (losses.new_zeros(()), torch.empty_like(losses)) => average, smoothed = through_half((losses.new_zeros(()), torch.empty_like(losses)))": "zero and what is overwritten lose nothing",
        "everything is done under torch.no_grad()": "a curve is drawn, and nothing is differentiated",
    },
    hints=(
        "The weights of the losses in a_t add up to 1 − β^{t+1}, not to 1.",
        "Divide by that sum.",
    ),
)

smooth.mistake(
    "no_correction",
    edit("average / (1 - beta ** (step + 1))", "average"),
    "The average still begins near 0: its weights add up to 1 − β^{t+1}. Divide by that.",
)
smooth.mistake(
    "exponent_too_small",
    edit("beta ** (step + 1)", "beta ** max(step, 1)"),
    "The exponent is one too small: after the first loss the weights add up to 1 − β¹, and `step` is 0 there.",
)
smooth.mistake(
    "corrected_average_kept",
    edit("average = beta * average + (1 - beta) * loss",
         "average = beta * (smoothed[step - 1] if step else 0) + (1 - beta) * loss"),
    "You go on from the *corrected* average. Keep the raw one, and correct only what you give out.",
)  # fmt: skip


@smooth.mistake(
    "You start at the first loss. A constant stays, but the first loss then has a weight of β^t, as if it had "
    "been there forever: start at 0 and divide by 1 − β^{t+1}."
)
def starts_at_the_first(losses, *, beta=0.9):
    smoothed = losses.clone()
    for step in range(1, len(losses)):
        smoothed[step] = beta * smoothed[step - 1] + (1 - beta) * losses[step]
    return smoothed


@smooth.mistake(
    "Your average looks into the future: it is centered, so a point depends on losses that come later. A curve "
    "that is drawn while training can not."
)
def centered(losses, *, beta=0.9):
    steps = torch.arange(len(losses))
    weights = beta ** (steps[:, None] - steps).abs().to(losses.dtype)
    return weights @ losses / weights.sum(1)


smooth.mistake(
    "weights_swapped",
    edit("beta * average + (1 - beta) * loss", "(1 - beta) * average + beta * loss").also(
        "beta ** (step + 1)", "(1 - beta) ** (step + 1)"
    ),
    "β is the weight of the *old* average; you give it to the new loss.",
)
smooth.mistake(
    "always_nine_tenths",
    edit("beta * average + (1 - beta) * loss", "0.9 * average + 0.1 * loss").also(
        "1 - beta ** (step + 1)", "1 - 0.9 ** (step + 1)"
    ),
    "You smooth with 0.9 whatever is asked for: use `beta`.",
)
smooth.mistake(
    "mean_of_the_past",
    edit("average / (1 - beta ** (step + 1))", "losses[: step + 1].mean()"),
    "You average the whole past evenly. Older losses should count ever less.",
)


@smooth.alternative
def by_the_sum_of_weights(losses, *, beta=0.9):
    average, weight, smoothed = 0.0, 0.0, []
    for loss in losses:
        average = beta * average + loss
        weight = beta * weight + 1
        smoothed.append(average / weight)
    return torch.stack(smoothed)


@smooth.alternative
def by_a_table(losses, *, beta=0.9):
    steps = torch.arange(len(losses))
    ages = (steps[:, None] - steps).to(losses.dtype)
    weights = torch.where(ages >= 0, beta ** ages.clamp(min=0), torch.zeros_like(ages))
    return (weights * losses).sum(1) / weights.sum(1)
