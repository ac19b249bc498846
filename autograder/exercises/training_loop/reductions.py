"""Sum or mean: what a loss divides by, and what that does to the rate."""

import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_the_graph, leaves_inputs_alone, matches_reference
from course_lib import training_loop

SQUARED_ERRORS = (
    "torch.nn.functional.mse_loss",
    "torch.nn.MSELoss",
    "torch.nn.functional.huber_loss",
)


def _outputs(reduction, *further):
    def draw(rng):
        shape = int(rng.integers(3, 6)), 7, *further
        return {
            "prediction": rng.normal(size=shape),
            "target": 1 + rng.normal(size=shape),
            "reduction": reduction,
        }

    return draw


squared_error = lab.exercise(
    training_loop.squared_error,
    title="Three reductions",
    statement="""Square the differences and reduce them as torch does: `"none"` keeps them all, `"sum"`
adds them up, `"mean"` divides the sum by the number of **elements**, whatever the shape. For a regression with seven
outputs that is 7·N, not N: the "mean" loss is then a seventh of what it costs an example. It is a
loss to train with: gradients flow through it.

Old code has `size_average=True` (today's `reduction="mean"`) and `size_average=False`
(`reduction="sum"`).""",
    points=2,
    core=False,
    syllabus=("1.6",),
    inputs=(_outputs("none"), _outputs("sum"), _outputs("mean"), _outputs("mean", 2)),
    probe=probes.call(differentiable=True),
    checks=[matches_reference("the squared error"), keeps_the_graph(), leaves_inputs_alone()],
    forbidden=SQUARED_ERRORS,
    hints=("`tensor.numel()` counts elements, `len(tensor)` the first axis only.",),
)


squared_error.mistake(
    "divided_by_examples",
    edit("squares.mean()", "squares.sum() / len(squares)"),
    "Your mean divides by the number of examples N. torch's divides by the number of elements, N "
    "times the number of outputs.",
)
squared_error.mistake(
    "sum_and_mean_swapped",
    edit('reduction == "sum"', 'reduction == "mean"'),
    "Sum and mean have changed places.",
)
squared_error.mistake(
    "divided_by_outputs",
    edit("squares.mean()", "squares.sum() / squares.shape[1]"),
    "Your mean divides by the number of outputs alone; the examples are still summed.",
)
squared_error.mistake(
    "divided_by_two_axes",
    edit("squares.mean()", "squares.sum() / (squares.shape[0] * squares.shape[1])"),
    "Your mean divides by the sizes of the first two axes; a tensor may have more. Divide by "
    "`numel()`.",
)
squared_error.mistake(
    "root_of_the_mean",
    edit("squares.mean()", "squares.mean().sqrt()"),
    "You take the root of the mean. Nothing is rooted here: it is the mean of the squares.",
)
squared_error.mistake(
    "differences_kept",
    edit('"none":\n    return squares', '"none":\n    return prediction - target'),
    '`"none"` keeps the squares; you return the differences.',
)


@squared_error.mistake("You average whatever `reduction` says. It asks for one of three results.")
def reduction_ignored(prediction, target, *, reduction="mean"):
    return ((prediction - target) ** 2).mean()


@squared_error.mistake('You average for `"sum"` too.')
def always_the_mean(prediction, target, *, reduction="mean"):
    squares = (prediction - target) ** 2
    return squares if reduction == "none" else squares.mean()


@squared_error.mistake('You sum for `"mean"` too.')
def always_the_sum(prediction, target, *, reduction="mean"):
    squares = (prediction - target) ** 2
    return squares if reduction == "none" else squares.sum()


squared_error.mistake(
    "one_for_each_example",
    edit('"none":\n    return squares', '"none":\n    return squares.sum(dim=1)'),
    '`"none"` keeps every element; you return one number for each example.',
)
squared_error.mistake(
    "averages_examples_in_the_sum",
    edit("squares.sum()", "squares.mean(dim=1).sum()"),
    'Your `"sum"` averages over the outputs. It adds up everything.',
)
squared_error.mistake(
    "halved", edit("** 2", "** 2 / 2"), "You halve the squares. Many books do; torch does not."
)


@squared_error.mistake(
    "The numbers are right, but no gradient flows back from them, and nothing would learn: no "
    "`torch.no_grad()`, no `.detach()`, no numpy on the way to a loss."
)
@torch.no_grad()
def without_a_gradient(prediction, target, *, reduction="mean"):
    squares = (prediction - target) ** 2
    return {"none": squares, "sum": squares.sum(), "mean": squares.mean()}[reduction]


squared_error.mistake(
    "absolute",
    edit("(prediction - target) ** 2", "(prediction - target).abs()"),
    "These are absolute differences; asked for are squares.",
)


@squared_error.mistake(
    "You add up first and square then, so that errors of opposite sign cancel. Square first."
)
def square_of_the_sum(prediction, target, *, reduction="mean"):
    difference = prediction - target
    if reduction == "none":
        return difference**2
    return difference.sum() ** 2 if reduction == "sum" else difference.mean() ** 2


@squared_error.alternative
def by_name(prediction, target, *, reduction="mean"):
    squares = torch.square(target - prediction)
    return {"none": squares, "sum": torch.sum(squares), "mean": torch.mean(squares)}[reduction]


@squared_error.alternative
def by_dot_product(prediction, target, *, reduction="mean"):
    difference = (prediction - target).flatten()
    if reduction == "none":
        return (difference * difference).view(prediction.shape)
    total = difference @ difference
    return total / len(difference) if reduction == "mean" else total


def _rate(rng):
    return {
        "learning_rate": float(rng.uniform(0.02, 0.9)),
        "batch_size": int(rng.integers(17, 300)),
    }


learning_rate_for_sum = lab.value(
    training_loop.learning_rate_for_sum,
    title="A summed loss needs another rate",
    statement="""You have a good learning rate η for SGD on the **mean** loss of batches of n examples.
A program sums the losses instead (`reduction="sum"`). Which rate makes it take exactly the same
steps?""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("1.6",),
    hide=("Formula", "Source"),
    inputs=_rate,
    probe=probes.call(),
    checks=[matches_reference("the learning rate", rtol=1e-5)],
    hints=("How long is the gradient of the sum, compared with that of the mean?",),
)


@learning_rate_for_sum.mistake(
    "With the same rate the steps are n times as long: the gradient of the sum is n times that of "
    "the mean."
)
def unchanged(learning_rate, batch_size):
    return learning_rate


@learning_rate_for_sum.mistake(
    "The other way round: the summed gradient is n times as long already, so the rate has to be n "
    "times smaller."
)
def multiplied(learning_rate, batch_size):
    return learning_rate * batch_size


@learning_rate_for_sum.mistake("The rate η itself is missing: it is divided by n.")
def rate_left_out(learning_rate, batch_size):
    return 1 / batch_size


@learning_rate_for_sum.mistake(
    "The gradient of the sum is exactly n times that of the mean; no root is involved."
)
def by_the_root(learning_rate, batch_size):
    return learning_rate / batch_size**0.5


@learning_rate_for_sum.mistake("No root is involved: ∇L_sum = n ∇L_mean.")
def times_the_root(learning_rate, batch_size):
    return learning_rate * batch_size**0.5


@learning_rate_for_sum.mistake("Once is enough: ∇L_sum = n ∇L_mean.")
def squared(learning_rate, batch_size):
    return learning_rate / batch_size**2


@learning_rate_for_sum.mistake("There are n examples, not n − 1, in a mean.")
def one_less(learning_rate, batch_size):
    return learning_rate / (batch_size - 1)


@learning_rate_for_sum.alternative
def by_inverse(learning_rate, batch_size):
    return (1 / batch_size) * learning_rate


@learning_rate_for_sum.alternative
def as_a_tensor(learning_rate, batch_size):
    return torch.tensor(learning_rate, dtype=torch.float64).div(batch_size)
