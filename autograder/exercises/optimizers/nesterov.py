"""Nesterov's momentum, in torch's variables."""

import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.momentum import RUNS
from autograder.exercises.optimizers.trajectories import RUN_CHECKS, TORCH_OPTIMIZERS
from autograder.judging import edit
from course_lib import optimizers


nesterov = lab.exercise(
    optimizers.Nesterov,
    title="Nesterov's momentum",
    statement="""Momentum will carry the weights on by $-\\eta\\mu b$ in the next step, whatever the
gradient says there. Nesterov's variant makes this movement now, and lets the next gradient correct
it:

$$b \\leftarrow \\mu\\, b + g,\\qquad w \\leftarrow w - \\eta\\,(g + \\mu\\, b)\\quad\\text{with the new } b.$$

Write `update`.

*Convention:* this is torch's form. Its w is the look-ahead point, at which the network computes its
gradients. Sutskever's form keeps the other point and asks for the gradient at $w + \\mu v$. Do one or
the other: looking ahead in both places is a bug. In CS231n's notation, v with η inside, the same
is $w \\leftarrow w - \\mu v_{old} + (1+\\mu) v_{new}$, identical as long as η is constant.""",
    points=3,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("6.6",),
    blank=("update",),
    inputs=RUNS,
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        "The first line is that of `Momentum`.",
        "Only the second line changes: instead of b, it moves by g plus μ times the new b.",
    ),
)


nesterov.mistake(
    "plain_momentum",
    edit('(gradient + self.momentum * state["b"])', 'state["b"]'),
    "This is plain momentum. Either you step by b itself, or you look ahead along the *old* "
    "velocity: g + μ b_old is just the new b. Update b first, then step by g + μ b.",
)
nesterov.mistake(
    "adds_the_new_velocity",
    edit('self.momentum * state["b"]', 'state["b"]'),
    "You step by g + b. The look-ahead is one step of decay ahead: g + μ b.",
)
nesterov.mistake(
    "double_look_ahead",
    edit('* state["b"])', '* (gradient + self.momentum * state["b"]))'),
    "You look ahead twice: once in b and once more in the step. w ← w − η (g + μ b).",
)


@nesterov.mistake(
    "You store the look-ahead g + μ b as the velocity. What is kept is b; g + μ b is used for "
    "this step only."
)
def keeps_the_look_ahead(self, parameter, gradient, state):
    b = self.momentum * state.get("b", 0) + gradient
    state["b"] = gradient + self.momentum * b
    parameter -= self.lr * state["b"]


@nesterov.mistake(
    "Your velocity contains the learning rate (the convention of CS231n). Here η stays outside: b "
    "← μ b + g. The two differ as soon as η changes."
)
def nesterov_with_the_rate_inside(self, parameter, gradient, state):
    old = state.get("v", torch.zeros_like(parameter))
    state["v"] = self.momentum * old - self.lr * gradient
    parameter += (1 + self.momentum) * state["v"] - self.momentum * old


nesterov.mistake(
    "nesterov_never_stores",
    edit('state["b"] =', "b =").also('* state["b"]', "* b"),
    "You compute a new b but do not store it, so that every step starts from b = 0.",
)
nesterov.mistake(
    "along_both",
    edit("(gradient +", '(state["b"] +'),
    "You step by b + μ b. b holds the old gradients already; the look-ahead is added to the new "
    "gradient alone: g + μ b.",
)
nesterov.mistake(
    "starts_at_the_gradient",
    edit('("b", 0)', '("b", gradient)'),
    "Your b starts at g, and g is then added once more. b starts at 0.",
)
nesterov.mistake(
    "dampened_nesterov",
    edit("0) + gradient", "0) + (1 - self.momentum) * gradient"),
    "You weight g with 1 − μ inside b. The rule has no such factor: b ← μ b + g.",
)


@nesterov.alternative
def shifted_variable(self, parameter, gradient, state):
    mu = self.momentum
    old = state.get("u", torch.zeros_like(parameter))
    new = mu * old - gradient
    state["u"] = new
    parameter += self.lr * ((1 + mu) * new - mu * old)


@nesterov.alternative
def two_movements(self, parameter, gradient, state):
    state.setdefault("b", torch.zeros_like(parameter))
    state["b"] *= self.momentum
    state["b"] += gradient
    parameter.sub_(self.lr * gradient)
    parameter.sub_(state["b"], alpha=self.lr * self.momentum)
