"""Gradient descent as a class: the loop over the parameters in which every later rule stands."""

import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.trajectories import (
    TORCH_OPTIMIZERS,
    changed_rates,
    cleared,
    draw_run,
    follows_with_gradients,
    follows_without_gradients,
    leave_gradients_alone,
    stay_leaves,
)
from autograder.judging import Part, edit
from autograder.judging.checks import check, finding, keeps_dtype
from course_lib import optimizers


@check("`step` calls `update`, with the memory of each parameter")
def calls_update(case):
    for number, (asked, seen) in enumerate(
        zip(case.inputs["steps"], case.observed["steps"], strict=False)
    ):
        wanted = [n for n, gradient in enumerate(asked["gradients"]) if gradient is not None]
        if seen["updated"] != wanted:
            return finding(
                False,
                f"parameters {wanted} in step {number + 1}",
                f"{seen['updated']}",
                "`self.update(parameter, parameter.grad, self.state[parameter])` is not called for "
                "each parameter that has a gradient",
            )
    return finding(True)


def draw_descent(rng):
    """Plain steps whose rate changes."""
    rate = float(rng.uniform(0.1, 0.4))
    return draw_run(rng, {"lr": rate}, later=changed_rates(rng, rate))


def draw_default(rng):
    """No rate given: that of torch counts until it is changed."""
    return draw_run(rng, {}, later=({}, {"lr": float(rng.uniform(0.1, 0.4))}))


def draw_rests(rng):
    """Parameters that at times have no gradient."""
    rate = float(rng.uniform(0.1, 0.4))
    return draw_run(rng, {"lr": rate}, later=changed_rates(rng, rate), rests=True)


NEVER_MOVES = (
    "The tensors that came in never move, and these are the ones the model holds. `parameter = "
    "parameter - …` makes a new tensor, whether it stays a local name, is returned, or is put into "
    "the optimizer's own list. Change the old one in place: `parameter -= …`."
)

BREAKS_THE_FRAME = (
    "Plain gradient descent comes out right, and the optimizers after it would not. `step` calls "
    "`self.update(parameter, parameter.grad, self.state[parameter])`: it neither moves a parameter "
    "itself nor hands over all of `self.state`. And a parameter goes on requiring a gradient: no "
    "`requires_grad_(False)`; under `torch.no_grad()` it may be changed in place."
)


gradient_descent = lab.exercise(
    optimizers.GradientDescent,
    title="Gradient descent, and the frame of everything after it",
    statement="""Write gradient descent in the form that every optimizer of this lab (and of
`torch.optim`) has. `__init__` is given. It keeps the parameters in a list, the learning rate as
`self.lr`, and for each parameter a dictionary `self.state[parameter]` that is empty at first and
belongs to it alone; later rules will remember things there. You write three methods:

- `zero_grad()` forgets all gradients, so that the next `backward()` does not add to old ones.
- `step()` calls `self.update(parameter, parameter.grad, self.state[parameter])` once for every
  parameter that has a gradient. One whose `.grad` is None **rests** (it is frozen, or took no part
  in this loss).
- `update(parameter, gradient, state)` changes **one** parameter: $w \\leftarrow w - \\eta\\, g$.
  All later optimizers inherit the rest and replace only this method.

*Conventions:* the tensors that came in are changed **in place** (the model holds the same ones),
outside of any graph: afterwards each is still a leaf that requires a gradient. Read `self.lr` at
every step, for schedules change it.""",
    parts=[
        Part(
            "the steps",
            3,
            (
                follows_with_gradients(),
                calls_update,
                stay_leaves,
                leave_gradients_alone,
                keeps_dtype(of="result.0"),
            ),
        ),
        Part("parameters without a gradient", 1, (follows_without_gradients(),)),
    ],
    minutes=10,
    difficulty=2,
    syllabus=("6.1",),
    blank=("zero_grad", "step", "update"),
    inputs=(cleared(draw_descent), draw_default, cleared(draw_rests), cleared(draw_descent)),
    probe=probes.optimizer(),
    equivalent_mutants={
        f"{method}: everything is done under torch.no_grad()": "so are its steps, and rightly"
        for method in ("zero_grad", "step")
    },
    forbidden=TORCH_OPTIMIZERS,
    hints=(
        "`zero_grad` and `step` are loops over `self.parameters`; `update` is one line.",
        "`with torch.no_grad():` around the loop of `step`, `if parameter.grad is not None:` in it.",
        "`parameter -= self.lr * gradient` changes the tensor in place.",
    ),
)


gradient_descent.mistake(
    "rebinds",
    edit("parameter -= self.lr", "parameter = parameter - self.lr"),
    NEVER_MOVES,
)


@gradient_descent.mistake(
    "Your update runs with gradients switched on, and torch refuses to change a leaf in place "
    "there. Put it under `with torch.no_grad():`.",
    raises="RuntimeError",
)
class InsideTheGraph:
    def step(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                self.update(parameter, parameter.grad, self.state[parameter])


gradient_descent.mistake(
    "does_not_clear",
    edit("parameter.grad = None", "gradient = parameter.grad\ndel gradient"),
    "After `zero_grad()` the gradients are still there, and the next backward pass adds to them: "
    "step k moves by the sum of all gradients so far. Set `parameter.grad = None`.",
)
gradient_descent.mistake(
    "clears_what_is_not_there",
    edit("parameter.grad = None", "parameter.grad.zero_()"),
    "`zero_grad` stumbles over a `.grad` that is None: before the first backward pass all are. "
    "Set `parameter.grad = None`, or zero only what is there.",
)
gradient_descent.mistake(
    "needs_every_gradient",
    edit("if parameter.grad is not None:\n    self", "self"),
    "You update parameters whose `.grad` is None. They have nothing to move by: skip them.",
)
gradient_descent.mistake(
    "stops_at_the_first",
    edit(
        "if parameter.grad is not None:\n    self", "if parameter.grad is None:\n    return\nself"
    ),
    "At the first parameter without a gradient you leave `step`, and those after it do not move. "
    "Skip this one and go on (`continue`).",
)
gradient_descent.mistake(
    "stops_when_any_rests",
    edit(
        "with torch.no_grad():",
        "if any(p.grad is None for p in self.parameters):\n    return\nwith torch.no_grad():",
    ),
    "One parameter without a gradient stops all of them. Only that one rests.",
)


@gradient_descent.mistake(NEVER_MOVES)
class ReplacesInItsList:
    def step(self):
        for n, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                moved = (parameter - self.lr * parameter.grad).detach().requires_grad_()
                moved.grad = parameter.grad
                self.parameters[n] = moved


@gradient_descent.mistake(BREAKS_THE_FRAME)
class SwitchesGradientsOff:
    def step(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.requires_grad_(False)
                self.update(parameter, parameter.grad, self.state[parameter])


gradient_descent.mistake(
    "steps_itself",
    edit(
        "self.update(parameter, parameter.grad, self.state[parameter])",
        "parameter -= self.lr * parameter.grad",
    ),
    BREAKS_THE_FRAME,
)
gradient_descent.mistake(
    "shares_the_memory",
    edit("self.state[parameter])", "self.state)"),
    BREAKS_THE_FRAME,
)
gradient_descent.mistake(
    "climbs",
    edit("parameter -=", "parameter +="),
    "You add the gradient: the loss grows. w ← w − η g.",
)
gradient_descent.mistake(
    "normalizes_the_gradient",
    edit("self.lr * gradient", "self.lr * gradient / gradient.norm()"),
    "You divide by the length of the gradient, so that every step is equally long. Plain gradient "
    "descent takes g as it is: its steps shrink near a minimum.",
)


@gradient_descent.alternative
class ThroughData:
    def zero_grad(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()

    def step(self):
        for parameter in self.parameters:
            if parameter.grad is None:
                continue
            self.update(parameter, parameter.grad, self.state[parameter])

    def update(self, parameter, gradient, state):
        parameter.data = parameter.data - self.lr * gradient


@gradient_descent.alternative
class AddsInPlace:
    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)

    @torch.no_grad()
    def step(self):
        for parameter, state in self.state.items():
            if parameter.grad is not None:
                self.update(parameter, parameter.grad, state)

    def update(self, parameter, gradient, state):
        parameter.add_(gradient, alpha=-self.lr)


@gradient_descent.alternative
class CopiesBack:
    def step(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                self.update(parameter, parameter.grad.mul_(self.lr), self.state[parameter])

    @torch.no_grad()
    def update(self, parameter, gradient, state):
        parameter.copy_(parameter - gradient)
