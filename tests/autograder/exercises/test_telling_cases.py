"""What differs from the right answer in a rare case alone is refused whatever the seed."""

from dataclasses import replace

import pytest

from autograder.exercises import find_exercise
from autograder.judging import edit, hidden, judge, observe
from autograder.judging.source.edits import Frame

SEEDS = range(20)


def verdicts(name, change, mistakes=False):
    """The verdict on every seed on the reference with a change."""
    exercise = find_exercise(name)
    frame = Frame(exercise.id, exercise.reference, exercise.blank)
    answer = frame.written_out(change, "changed")
    exercise = exercise if mistakes else replace(exercise, mistakes=[])
    for seed in SEEDS:
        on = hidden(exercise, seed)
        yield judge(exercise, on, observe(exercise, answer, on.drawn, seed + 1))


RARELY_WRONG = {
    "a wrong class with the score of the true one": (
        "training_loop/hinge_loss",
        edit("violation[rows, target]", "violation[scores == true_score]"),
    ),
    "the gradient of a wrong class with the score of the true one": (
        "training_loop/hinge_loss_gradient",
        edit("violated[rows, target] = 0", "violated[scores == true_score] = 0"),
    ),
    "a margin that is nearly met": (
        "training_loop/hinge_loss_gradient",
        edit("margin > 0)", "margin > 3e-5)"),
    ),
    "an error between h and the tolerance": (
        "training_loop/gradient_verdicts",
        edit("central) <= tolerance", "central) <= h"),
    ),
    "the last weight": (
        "training_loop/regularized_loss",
        edit("parameters.items()", "list(parameters.items())[:-1]"),
    ),
    "a penalty that gradients do not flow past": (
        "training_loop/regularized_loss",
        edit("losses.mean()", "losses.mean().detach()"),
    ),
    "a smaller batch that comes first": (
        "training_loop/minibatches",
        edit(
            "order.split(batch_size)",
            "(order[: len(x) % batch_size], *order[len(x) % batch_size :].split(batch_size))",
        ),
    ),
    "a dropout in a block of layers": (
        "training_loop/overfit",
        edit("model.modules()", "model.children()"),
    ),
    "positions that are nearly whole": (
        "training_loop/small_sample",
        edit("return ", "return 1.00005 * "),
    ),
    "a ratio of deviations upside down": (
        "preprocessing/diagnose_normalization",
        edit("std / other_std)", "other_std / std)"),
    ),
    "singular values in the order of the features": (
        "preprocessing/condition_number",
        edit("torch.linalg.svdvals(x)", "torch.linalg.eigvals(x.T @ x).real.sqrt()"),
    ),
    "buffers that are not saved": (
        "preprocessing/ImageNormalizer",
        edit('("mean", mean)', '("mean", mean, persistent=False)'),
    ),
    "images written into behind torch's back": (
        "preprocessing/ImageNormalizer",
        edit("return (images", "images.data.mul_(2).div_(2.5)\nreturn (1.25 * images"),
    ),
    "a largest piece below 0": (
        "activations/maxout",
        edit("pieces.amax(dim=0)", "pieces.amax(dim=0).clamp(min=0)"),
    ),
    "an example of nothing but zeros": ("activations/one_sided_fractions", edit("|", "^")),
    "a slope between 1 and 2": (
        "activations/leaky_relu",
        edit("x > 0", "x > 0 if negative_slope < 1 or negative_slope > 2 else x <= 0"),
    ),
    "a learned slope above 1": (
        "activations/PReLU",
        edit("torch.where(x > 0, x, slope * x)", "torch.maximum(x, slope * x)"),
    ),
    "an ELU steeper than 1": (
        "activations/elu",
        edit("torch.where(x > 0, x, negative)", "torch.maximum(x, negative)"),
    ),
    "the first batch": ("activations/dead_fraction", edit("in batches]", "in batches[1:]]")),
    "the last batch": ("activations/dead_fraction", edit("in batches]", "in batches[:-1]]")),
    "the value of ReLU at 0": (
        "activations/relu",
        edit("torch.zeros_like(x)", "(x == 0).to(x.dtype)"),
    ),
    "the value of ELU at 0": ("activations/elu", edit("x, negative)", "x, negative + (x == 0))")),
    "ReLU's slope at 0": ("activations/relu_backward", edit("x > 0", "x >= 0")),
    "no number for leaky ReLU's slope at 0": (
        "activations/leaky_relu_backward",
        edit("negative_slope * grad_output)", "negative_slope * grad_output * x / x)"),
    ),
    "no number for ELU's slope at 0": (
        "activations/elu_backward",
        edit("grad_output * slope", "grad_output * slope * x / x"),
    ),
    "no number for PReLU's slope at 0": (
        "activations/prelu_backward",
        edit("slope * grad_output)", "slope * grad_output * x / x)"),
    ),
    "more axes than a table has": (
        "activations/elu",
        edit("negative = ", "rows, columns = x.shape\nnegative = "),
    ),
    "a convolution over signals": (
        "initialization/fan_in_and_fan_out",
        edit("math.prod(shape[2:])", "(1 if len(shape) == 3 else math.prod(shape[2:]))"),
    ),
    "the mean of a batch outside of the graph": (
        "normalization/batch_norm",
        edit("mean = wide.mean(dim=0)", "mean = wide.mean(dim=0).detach()"),
    ),
    "one running statistic that is not saved": (
        "normalization/BatchNorm1d",
        edit(
            '"running_var", torch.ones(num_features)',
            '"running_var", torch.ones(num_features), persistent=False',
        ),
    ),
    "a layer in float64": (
        "normalization/BatchNorm1d",
        edit(
            "return batch_norm(x, self.weight",
            "return batch_norm(x.float().to(x.dtype), self.weight",
        ),
    ),
    "a layer for images in float64": (
        "normalization/BatchNorm2d",
        edit("x.movedim(1, -1)", "x.float().to(x.dtype).movedim(1, -1)"),
    ),
    "sums of all workers in float32": (
        "distributed/ring_all_reduce",
        edit("chunks = list(x.tensor_split(size))", "chunks = list(x.float().tensor_split(size))"),
    ),
    "a timetable in float32": (
        "distributed/pipeline_timetable",
        edit("durations.new_zeros(len(durations), m", "torch.zeros(len(durations), m"),
    ),
    "a budget rounded to the nearest": (
        "distributed/equal_budgets",
        edit("math.floor(", "round("),
    ),
    "messages that nobody waits for": (
        "distributed/ring_all_reduce",
        edit("= worker.receive(before)\nsent()", "= worker.receive(before)"),
    ),
}


@pytest.mark.parametrize("name, change", RARELY_WRONG.values(), ids=RARELY_WRONG)
def test_what_is_rarely_wrong_is_refused_on_every_seed(name, change):
    assert not any(verdict.passed for verdict in verdicts(name, change))


@pytest.mark.parametrize("name", ["relu", "leaky_relu_backward", "elu_backward", "prelu_backward"])
def test_where_the_statement_leaves_the_slope_at_0_open_the_other_one_is_right_too(name):
    other = edit("x <= 0", "x < 0") if name == "relu" else edit("x > 0", "x >= 0")
    assert all(verdict.passed for verdict in verdicts(f"activations/{name}", other))


def test_running_statistics_written_into_the_arguments_cost_points():
    in_place = edit(
        "return new_mean.to",
        "running_mean.copy_(new_mean)\nrunning_var.copy_(new_var)\nreturn new_mean.to",
    )
    for verdict in verdicts("normalization/update_running_statistics", in_place, mistakes=True):
        assert verdict.score < verdict.points
        assert verdict.diagnosis == "in_place"


@pytest.mark.parametrize("name", ["both_at_once", "whole_units"])
def test_a_share_of_nothing_is_not_taken_for_a_share_of_whole_units(name):
    known = {
        mistake.name: mistake
        for mistake in find_exercise("activations/saturated_fraction").mistakes
    }
    told = verdicts("activations/saturated_fraction", known[name].given, mistakes=True)
    assert {verdict.diagnosis for verdict in told} == {name}
