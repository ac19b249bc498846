"""The running statistics that training keeps for later."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_features,
    draw_rows,
    draw_table,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.judging import Part
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import normalization


def draw_update(rng):
    """Statistics that have moved before, and a small batch that differs from them."""
    features = draw_features(rng)
    return {
        "running_mean": rng.normal(size=features) * 2,
        "running_var": rng.uniform(0.3, 4, features),
        "x": draw_table(rng, draw_rows(rng), features),
        "momentum": float(rng.uniform(0.1, 0.35)),
    }


update_running_statistics = lab.exercise(
    normalization.update_running_statistics,
    title="Keep running statistics",
    statement="""When a trained network meets a single example there is no batch to take a mean
over. So training keeps, beside the parameters, a **moving average** of every feature's mean and
variance, and lets each batch pull it a little its way:

$$r \\leftarrow (1-m)\\,r + m\\cdot\\text{batch}$$

Return the new pair `(mean, variance)` as tensors of shape (C,), and leave the arguments alone: here
this is demanded, not only recommended.

*Conventions:* m (`momentum`) weights the **new** batch, as in torch (Keras and Flax weight the old
value). The variance that is *stored* divides by **N − 1**: it is to estimate the spread of all
data, not only of this batch. (The one you normalize with in training divides by N.)""",
    parts=[
        Part("the running mean", 1, (matches_reference("the new running mean", of="result.0"),)),
        Part(
            "the running variance",
            3,
            (
                matches_reference("the new running variance", of="result.1"),
                leaves_inputs_alone(stated=True),
                keeps_dtype(),
            ),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("5.2",),
    inputs=(draw_update, without(draw_update, "momentum"), draw_update),
    probe=probes.call(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "statistics that outlive the step are kept "
        "outside of the graph",
    },
    forbidden=TORCH_BATCH_NORM,
    hints=(
        "With m = 0.1, nine tenths of the new value are the old one.",
        "`x.var(dim=0)` divides by N − 1 unless you ask for something else. Here, for once, "
        "that default is what you want.",
        "`new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)`; the variance "
        "has the same form.",
    ),
)


@update_running_statistics.mistake(
    "You add ε to the variance before you store it. ε belongs to the division; the stored "
    "variance is the variance alone.",
    origin="9 of 127 students",
)
def stores_eps(running_mean, running_var, x, *, momentum=0.1):
    variance = x.var(dim=0) + 1e-5
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    return new_mean, (1 - momentum) * running_var + momentum * variance


@update_running_statistics.mistake(
    "The numbers are right, the shape is (1, C) instead of (C,): `keepdim=True` keeps an axis "
    "that the running statistics do not have.",
    origin="5 of 120 students",
)
def keeps_an_axis(running_mean, running_var, x, *, momentum=0.1):
    mean, variance = x.mean(dim=0, keepdim=True), x.var(dim=0, keepdim=True)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    return new_mean, (1 - momentum) * running_var + momentum * variance


@update_running_statistics.mistake(
    "You average the standard deviation where the variance is wanted. Average Σ (x − μ)² / (N − "
    "1), without a root.",
    origin="2 of 127 students",
)
def averages_the_deviation(running_mean, running_var, x, *, momentum=0.1):
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    return new_mean, (1 - momentum) * running_var + momentum * x.std(dim=0)


@update_running_statistics.mistake(
    "You average standard deviations and square the average. The square of a mean is not the mean "
    "of the squares: average the variances themselves.",
    origin="2 of 127 students",
)
def squares_the_averaged_deviation(running_mean, running_var, x, *, momentum=0.1):
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    new_std = (1 - momentum) * running_var.sqrt() + momentum * x.std(dim=0)
    return new_mean, new_std**2


@update_running_statistics.mistake(
    "You return the statistics of this batch alone and forget the past: r ← (1 − m) r + m · batch.",
    origin="1 of 127 students",
)
def last_batch_only(running_mean, running_var, x, *, momentum=0.1):
    return x.mean(dim=0), x.var(dim=0)


@update_running_statistics.mistake(
    "The running statistics come back as they went in. Move them toward the batch: r ← (1 − m) r "
    "+ m · batch.",
    origin="1 of 127 students",
)
def never_updated(running_mean, running_var, x, *, momentum=0.1):
    return running_mean.clone(), running_var.clone()


@update_running_statistics.mistake(
    "You store the biased variance, divided by N. It is right for normalizing; torch and this lab "
    "store the unbiased one, Σ (x − μ)² / (N − 1)."
)
def biased_variance(running_mean, running_var, x, *, momentum=0.1):
    mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    return new_mean, (1 - momentum) * running_var + momentum * variance


@update_running_statistics.mistake(
    "You weight the old value with m and the batch with 1 − m (the convention of Keras and Flax). "
    "Here, as in torch, m weights the new batch: (1 − m) r + m · batch."
)
def swapped_momentum(running_mean, running_var, x, *, momentum=0.1):
    new_mean = momentum * running_mean + (1 - momentum) * x.mean(dim=0)
    return new_mean, momentum * running_var + (1 - momentum) * x.var(dim=0)


@update_running_statistics.mistake(
    "Two things: you weight the old value with m (here m weights the new batch: (1 − m) r + m · "
    "batch), and you store the variance divided by N where N − 1 is wanted."
)
def swapped_momentum_biased(running_mean, running_var, x, *, momentum=0.1):
    new_mean = momentum * running_mean + (1 - momentum) * x.mean(dim=0)
    variance = x.var(dim=0, unbiased=False)
    return new_mean, momentum * running_var + (1 - momentum) * variance


@update_running_statistics.mistake(
    "Two things: `keepdim=True` keeps an axis that the running statistics do not have, (1, C) "
    "instead of (C,); and you store the variance divided by N where N − 1 is wanted."
)
def keeps_an_axis_biased(running_mean, running_var, x, *, momentum=0.1):
    mean, variance = x.mean(dim=0, keepdim=True), x.var(dim=0, keepdim=True, unbiased=False)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    return new_mean, (1 - momentum) * running_var + momentum * variance


@update_running_statistics.mistake(
    "You changed the default of `momentum` in the signature. It is 0.1, as in torch."
)
def another_default(running_mean, running_var, x, *, momentum=0.9):
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    return new_mean, (1 - momentum) * running_var + momentum * x.var(dim=0)


@update_running_statistics.mistake(
    "You move the running mean only. The running variance moves in the same way, toward Σ (x − "
    "μ)² / (N − 1)."
)
def variance_never_updated(running_mean, running_var, x, *, momentum=0.1):
    return (1 - momentum) * running_mean + momentum * x.mean(dim=0), running_var.clone()


@update_running_statistics.mistake(
    "You add m · batch without shrinking the old value, so the statistics grow and grow. An "
    "average keeps the weights' sum at 1: (1 − m) r + m · batch."
)
def forgets_nothing(running_mean, running_var, x, *, momentum=0.1):
    return running_mean + momentum * x.mean(dim=0), running_var + momentum * x.var(dim=0)


@update_running_statistics.mistake(
    "Your correction is upside down: you multiply the biased variance by (N − 1)/N. The unbiased "
    "one is larger: multiply by N/(N − 1)."
)
def corrected_the_wrong_way(running_mean, running_var, x, *, momentum=0.1):
    variance = x.var(dim=0, unbiased=False) * (len(x) - 1) / len(x)
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    return new_mean, (1 - momentum) * running_var + momentum * variance


@update_running_statistics.mistake(
    "You take mean and variance of each example over its features (dim=1). The running statistics "
    "have one entry per feature: take them over the batch, dim=0.",
    raises="RuntimeError",
)
def statistics_of_each_example(running_mean, running_var, x, *, momentum=0.1):
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=1)
    return new_mean, (1 - momentum) * running_var + momentum * x.var(dim=1)


@update_running_statistics.mistake(
    "You return the variance first. The order asked for is (mean, variance)."
)
def variance_before_mean(running_mean, running_var, x, *, momentum=0.1):
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    return (1 - momentum) * running_var + momentum * x.var(dim=0), new_mean


@update_running_statistics.mistake(
    "The numbers are right, but you wrote them into the arguments (`mul_`, `add_`, `+=`). Leave "
    "`running_mean` and `running_var` as they are and return new tensors: whoever holds the old "
    "ones may still need them."
)
def in_place(running_mean, running_var, x, *, momentum=0.1):
    running_mean.mul_(1 - momentum).add_(momentum * x.mean(dim=0))
    running_var.mul_(1 - momentum).add_(momentum * x.var(dim=0))
    return running_mean, running_var


@update_running_statistics.alternative
def with_torch_var(running_mean, running_var, x, *, momentum=0.1):
    new_mean = (1 - momentum) * running_mean + momentum * x.mean(0)
    return new_mean, (1 - momentum) * running_var + momentum * x.var(0)


@update_running_statistics.alternative
def with_lerp(running_mean, running_var, x, *, momentum=0.1):
    variance, mean = torch.var_mean(x, dim=0)
    return torch.lerp(running_mean, mean, momentum), running_var.lerp(variance, momentum)


@update_running_statistics.alternative
def by_a_step(running_mean, running_var, x, *, momentum=0.1):
    n = x.shape[0]
    unbiased = x.var(dim=0, unbiased=False) * n / (n - 1)
    return [
        running_mean - momentum * (running_mean - x.mean(dim=0)),
        running_var + momentum * (unbiased - running_var),
    ]
