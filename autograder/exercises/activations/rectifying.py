"""ReLU: values that leave the input alone."""

import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AT_THE_KINK,
    draw_gradient_off_zero,
    draw_values,
    in_a_line,
    lab,
    of_nothing,
)
from autograder.judging.checks import (
    check,
    finding,
    keeps_dtype,
    matches_reference,
)
from course_lib import activations


LIBRARY_RELUS = (
    "torch.relu",
    "torch.relu_",
    "torch.nn.functional",
    "torch.nn.ReLU",
    ".relu",
    ".relu_",
)


def _with_gradient(rng):
    x = draw_values(rng)
    return {"x": x, "grad_output": draw_gradient_off_zero(rng, x)}


@check("x is left as it was")
def leaves_x(case):
    changed = case.observed.get("changed")
    return finding(not changed, "x unchanged", "x changed", "x was changed in place")


relu = lab.exercise(
    activations.relu,
    title="ReLU",
    statement=r"""Write $\text{relu}(x) = \max(0, x)$ for tensors of any shape, also for an empty one.

Here one thing is demanded that elsewhere earns only a remark: **leave `x` as it is** and return a
new tensor. The backward pass asks which *inputs* were positive; once they are overwritten, whoever
else holds `x` (a residual connection, a measurement) reads something else.""",
    points=1,
    minutes=3,
    core=False,
    syllabus=("2.3",),
    inputs=(_with_gradient, in_a_line(_with_gradient), of_nothing(_with_gradient), _with_gradient),
    probe=probes.gradients("x"),
    checks=[
        matches_reference("the values", of="result.value"),
        matches_reference("the gradient", of="result.gradients.x"),
        leaves_x,
        keeps_dtype(of="result.value"),
    ],
    forbidden=LIBRARY_RELUS,
    equivalent_mutants={
        "return torch.where(x <= 0, torch.zeros_like(x), x) => "
        "return torch.where(x < 0, torch.zeros_like(x), x)": AT_THE_KINK,
    },
    hints=("`torch.where(condition, this, that)` chooses entry by entry, and so does `clamp`.",),
)


@relu.mistake(
    "Your values are right, but you wrote them into `x`. Make a new tensor: `x.clamp(min=0)`, or "
    "work on `x.clone()`.",
    origin="1 of 132 students",
)
def in_place(x):
    x[x < 0] = 0
    return x


@relu.mistake("This is |x|: negative numbers become 0, not positive.")
def absolute(x):
    return x.abs()


@relu.mistake("You return 1 where x is positive. ReLU returns x itself there.")
def step(x):
    return (x > 0).to(x.dtype)


@relu.mistake("You keep the negative side. ReLU is max(0, x), not min.")
def negative_part(x):
    return x.clamp(max=0)


@relu.mistake("You also cut off at 1. ReLU has no upper limit.")
def capped(x):
    return x.clamp(0, 1)


@relu.mistake(
    "`x.max()` is the largest of all entries. The maximum is meant entry by entry, of x and 0: "
    "`torch.maximum` or `clamp`."
)
def largest_of_all(x):
    return x.max().clamp(min=0).expand_as(x)


@relu.mistake("You return max(0, −x): the sign of x is the other way round.")
def mirrored(x):
    return (-x).clamp(min=0)


@relu.alternative
def by_clamp(x):
    return x.clamp(min=0)


@relu.alternative
def by_mask(x):
    return x * (x > 0)


@relu.alternative
def half_of_both(x):
    return (x + x.abs()) / 2


@relu.alternative
def by_maximum(x):
    return torch.maximum(x, torch.tensor(0.0, dtype=x.dtype))


@relu.alternative
def copied_first(x):
    y = x.clone()
    y[y < 0] = 0
    return y
