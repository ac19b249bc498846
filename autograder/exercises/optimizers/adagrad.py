"""AdaGrad: a step size for every entry."""

import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.trajectories import (
    RUN_CHECKS,
    TORCH_OPTIMIZERS,
    changed_rates,
    draw_run,
)
from autograder.judging import edit
from course_lib import optimizers


def draw_adagrad(rng):
    """An ε as large as the smaller gradients, and rates that change."""
    rate = float(rng.uniform(0.1, 0.4))
    return draw_run(rng, {"lr": rate, "eps": 0.01}, later=changed_rates(rng, rate))


def draw_adagrad_default(rng):
    """Nothing given: gradients as small as the default ε show it."""
    return draw_run(rng, {}, later=({"lr": float(rng.uniform(0.05, 0.2))}, {}), tiny=3e-10)


def draw_adagrad_rests(rng):
    """Parameters that at times have no gradient, and an ε that changes."""
    rate = float(rng.uniform(0.1, 0.4))
    lower, higher = changed_rates(rng, rate)
    higher["eps"] = 0.05
    settings = {"lr": rate, "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher), rests=True)


ada_grad = lab.exercise(
    optimizers.AdaGrad,
    title="AdaGrad: a rate for every entry",
    statement="""One learning rate for all entries is a compromise when their gradients differ by
orders of magnitude. AdaGrad adds up the squares of every entry's gradients and divides by the root:

$$c \\leftarrow c + g^2,\\qquad w \\leftarrow w - \\eta\\,\\frac{g}{\\sqrt{c}+\\varepsilon}$$

(all operations entry by entry, c from 0). Under a constant gradient step t has the size $\\eta/\\sqrt t$,
whatever the gradient's scale. Write `update`.

*Convention:* ε stands **outside** the root, as in torch.""",
    points=3,
    minutes=6,
    core=False,
    syllabus=("6.7",),
    blank=("update",),
    inputs=(draw_adagrad, draw_adagrad_default, draw_adagrad_rests),
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        'As in `Momentum`: something is kept in `state`, `state.get("c", 0)` the first time.',
        "`parameter -= self.lr * gradient / (torch.sqrt(…) + self.eps)`.",
    ),
)


ada_grad.mistake(
    "eps_inside_the_root",
    edit('(torch.sqrt(state["c"]) + self.eps)', 'torch.sqrt(state["c"] + self.eps)'),
    "Your ε is inside the root (TensorFlow's convention for these rules). Here and in torch it "
    "stands outside: √c + ε. With gradients below √ε the two differ widely.",
)
ada_grad.mistake(
    "no_root",
    edit('torch.sqrt(state["c"])', 'state["c"]'),
    "You divide by c. Divide by its root, √c + ε: then the scale of the gradients cancels.",
)
ada_grad.mistake(
    "not_squared",
    edit("gradient**2", "gradient"),
    "You add up g, not g²: positive and negative gradients cancel, and the root of a negative sum "
    "is not a number.",
)
ada_grad.mistake(
    "absolute_values",
    edit("gradient**2", "gradient.abs()").also('torch.sqrt(state["c"])', 'state["c"]'),
    "You add up |g| and divide by the sum: steps then shrink like 1/t. AdaGrad adds squares and "
    "takes the root, for 1/√t.",
)
ada_grad.mistake(
    "another_eps",
    edit("+ self.eps", "+ 1e-7"),
    "You always use ε = 1e-7. Use `self.eps`.",
)
ada_grad.mistake(
    "default_eps",
    edit("+ self.eps", "+ 1e-10"),
    "You always use ε = 1e-10, whatever the caller passes. Use `self.eps`.",
)
ada_grad.mistake(
    "no_eps",
    edit(" + self.eps", ""),
    "The ε is missing: divide by √c + ε.",
)
ada_grad.mistake(
    "first_square_twice",
    edit('("c", 0)', '("c", gradient**2)'),
    "Your c starts at the first g², which is then added once more. c starts at 0.",
)


@ada_grad.mistake(
    "You divide c by the number of steps, which makes it an average. AdaGrad keeps the sum: that "
    "is why its steps shrink like 1/√t."
)
def an_average(self, parameter, gradient, state):
    state["t"] = state.get("t", 0) + 1
    state["c"] = state.get("c", 0) + gradient**2
    parameter -= self.lr * gradient / (torch.sqrt(state["c"] / state["t"]) + self.eps)


ada_grad.mistake(
    "eps_added_to_the_weights",
    edit('(torch.sqrt(state["c"]) + self.eps)', 'torch.sqrt(state["c"]) + self.eps'),
    "`… / sqrt(c) + eps` divides first and then adds ε to the step. Put the denominator in "
    "parentheses: `/ (sqrt(c) + eps)`.",
)


@ada_grad.mistake(
    "You divide by the old sum and update it afterwards; the first step divides by ε alone. First "
    "c ← c + g²."
)
def old_sum(self, parameter, gradient, state):
    old = state.get("c", torch.zeros_like(parameter))
    parameter -= self.lr * gradient / (torch.sqrt(old) + self.eps)
    state["c"] = old + gradient**2


ada_grad.mistake(
    "never_stores",
    edit('state["c"] =', "c =").also('torch.sqrt(state["c"])', "torch.sqrt(c)"),
    "You compute a new c but do not store it: every step divides by |g|.",
)
ada_grad.mistake(
    "one_sum_for_all",
    edit("gradient**2", "(gradient**2).sum()"),
    "You keep one sum for the whole tensor. The point of AdaGrad is a sum for every entry.",
)


@ada_grad.alternative
def with_addcdiv(self, parameter, gradient, state):
    if "sum" not in state:
        state["sum"] = torch.zeros_like(parameter)
    state["sum"].addcmul_(gradient, gradient)
    parameter.addcdiv_(gradient, state["sum"].sqrt().add_(self.eps), value=-self.lr)


@ada_grad.alternative
def rate_per_entry(self, parameter, gradient, state):
    state["squares"] = state.get("squares", 0) + gradient * gradient
    rate = self.lr / (self.eps + state["squares"] ** 0.5)
    parameter.copy_(parameter - rate * gradient)
