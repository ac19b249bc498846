"""The heavy ball: momentum with the rate outside of the velocity."""

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
from course_lib.optimizers import GradientDescent


def draw_momentum(rng):
    """A rate that changes while the velocity lives on, and later a momentum that changes."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    higher["momentum"] = float(rng.uniform(0.4, 0.6))
    settings = {"lr": rate, "momentum": float(rng.uniform(0.7, 0.85))}
    return draw_run(rng, settings, later=(lower, higher))


def draw_default(rng):
    """Neither rate nor momentum given; the rate changes."""
    return draw_run(rng, {}, later=({"lr": float(rng.uniform(0.01, 0.1))}, {}))


def draw_rests(rng):
    """Parameters that at times have no gradient, so that their velocity rests as well."""
    rate = float(rng.uniform(0.05, 0.2))
    settings = {"lr": rate, "momentum": float(rng.uniform(0.7, 0.85))}
    return draw_run(rng, settings, later=changed_rates(rng, rate), rests=True)


RUNS = (draw_momentum, draw_default, draw_rests)

NO_EFFECT = (
    "Your steps are those of plain gradient descent: b has no effect. Either you move by g where "
    "b is meant, or the new b is not put back into `state`, so that it is 0 every time. (Or "
    "`step` of your `GradientDescent` moves the parameters itself and never calls `self.update`.)"
)

momentum_exercise = lab.exercise(
    optimizers.Momentum,
    title="Momentum",
    statement="""A ball that rolls keeps its speed: along a lasting slope it gets faster and faster,
across a narrow valley its swings cancel. Each parameter has a velocity b,

$$b \\leftarrow \\mu\\, b + g,\\qquad w \\leftarrow w - \\eta\\, b .$$

Write `update`; keep b in `state` (b starts at 0, so that the first step is plain gradient descent).

*Conventions:* torch's, with η **outside** of the velocity. CS231n's form with η inside is the same as
long as η is constant, and your check changes η (and, once, μ) on the way. There is no factor 1 − μ
(torch calls that *dampening*), so that under a constant gradient the speed tends to $\\eta g/(1-\\mu)$,
ten times the plain step at μ = 0.9.""",
    points=3,
    minutes=8,
    syllabus=("6.5",),
    blank=("update",),
    inputs=RUNS,
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        'What is remembered between two steps? `state["b"]`, and the first time it is not there.',
        '`state.get("b", 0)` gives 0 the first time.',
        "Two lines: the new b into `state`, then `parameter -= self.lr * …`.",
    ),
)


momentum_exercise.mistake(
    "gradient_step_as_well",
    edit('self.lr * state["b"]', 'self.lr * (gradient + state["b"])'),
    "You take the plain gradient step and the step along b as well. b already contains g: w ← w − "
    "η b alone.",
    origin="2 of 134 students",
)
momentum_exercise.mistake(
    "never_stores",
    edit('state["b"] =', "b =").also('self.lr * state["b"]', "self.lr * b"),
    NO_EFFECT,
    origin="1 of 134 students",
)
momentum_exercise.mistake(
    "adds_the_gradient",
    edit('parameter -= self.lr * state["b"]', "parameter += gradient"),
    "You add the gradient itself to the weights (`w + dw`): b is computed and never used, η is "
    "missing, and the loss grows. The step is w ← w − η b.",
    origin="1 of 128 students",
)
momentum_exercise.mistake(
    "steps_by_the_gradient", edit('self.lr * state["b"]', "self.lr * gradient"), NO_EFFECT
)


@momentum_exercise.mistake(
    "Your velocity contains the learning rate (the convention of CS231n, v ← μ v − η g). Here, as "
    "in torch, η stays outside: b ← μ b + g, w ← w − η b. The two differ as soon as η changes: "
    "yours keeps moving at the old rate.",
    origin="folklore",
)
def rate_inside_the_velocity(self, parameter, gradient, state):
    state["v"] = self.momentum * state.get("v", 0) - self.lr * gradient
    parameter += state["v"]


momentum_exercise.mistake(
    "dampened",
    edit("+ gradient", "+ (1 - self.momentum) * gradient"),
    "You weight g with 1 − μ, which makes b an average and the steps 1/(1 − μ) times smaller. "
    "Torch calls that dampening, and its default is none: b ← μ b + g.",
)


@momentum_exercise.mistake(
    "From the second step on you weight g with 1 − μ (dampening). The rule here has no such "
    "factor: b ← μ b + g."
)
def dampened_after_the_first(self, parameter, gradient, state):
    if "b" not in state:
        state["b"] = gradient.clone()
    else:
        state["b"] = self.momentum * state["b"] + (1 - self.momentum) * gradient
    parameter -= self.lr * state["b"]


@momentum_exercise.mistake(
    "All parameters share one velocity. Each has its own: keep b in `state`, which belongs to the "
    "parameter. (And `step` has to hand over `self.state[parameter]`, not all of `self.state`.)",
    raises="RuntimeError",
)
def shared_velocity(self, parameter, gradient, state):
    if not hasattr(self, "b"):
        self.b = 0
    self.b = self.momentum * self.b + gradient
    parameter -= self.lr * self.b


@momentum_exercise.mistake(
    "You keep one velocity for each shape: parameters of one shape share it. Each has its own: keep "
    "b in `state`, which belongs to the parameter."
)
def one_velocity_a_shape(self, parameter, gradient, state):
    velocities = self.__dict__.setdefault("velocities", {})
    b = self.momentum * velocities.get(parameter.shape, 0) + gradient
    velocities[parameter.shape] = b
    parameter -= self.lr * b


@momentum_exercise.mistake(
    "In the first step you store the gradient tensor itself as b. The next backward pass "
    "overwrites it, and your velocity with it. Store a copy (`gradient.clone()`)."
)
def keeps_the_gradient_itself(self, parameter, gradient, state):
    if "b" not in state:
        state["b"] = gradient
    else:
        state["b"] = self.momentum * state["b"] + gradient
    parameter -= self.lr * state["b"]


@momentum_exercise.mistake(
    "In the first step you store the gradient tensor itself as b, and then change b in place: b "
    "and `.grad` are one tensor, and each overwrites the other. Store a copy "
    "(`gradient.clone()`)."
)
def overwrites_the_gradient(self, parameter, gradient, state):
    if "b" not in state:
        state["b"] = gradient
    else:
        state["b"].mul_(self.momentum).add_(gradient)
    parameter -= self.lr * state["b"]


momentum_exercise.mistake(
    "starts_at_the_gradient",
    edit('("b", 0)', '("b", gradient)'),
    "Your b starts at g, and g is then added once more: the first step is 1 + μ times too long. b "
    "starts at 0.",
)


@momentum_exercise.mistake(
    "In the first step you only set b to 0 and do not move. b = 0 is what was there before: b ← μ "
    "· 0 + g holds in the first step too, which is plain gradient descent."
)
def first_step_lost(self, parameter, gradient, state):
    if "b" in state:
        state["b"] = self.momentum * state["b"] + gradient
    else:
        state["b"] = torch.zeros_like(parameter)
    parameter -= self.lr * state["b"]


@momentum_exercise.mistake(
    "The learning rate acts twice, in the velocity and in the step. Here it stands in the step "
    "only: b ← μ b + g, w ← w − η b."
)
def rate_twice(self, parameter, gradient, state):
    state["v"] = self.momentum * state.get("v", 0) - self.lr * gradient
    parameter += self.lr * state["v"]


momentum_exercise.mistake(
    "nothing_there_yet",
    edit('state.get("b", 0)', 'state["b"]'),
    "`state` is empty in the first step, and you ask it for a key that nobody has put in. "
    '`state.get("b", 0)` gives 0 then.',
    origin="1 of 124 students, in RMSProp",
    raises="KeyError",
)


@momentum_exercise.mistake(
    "You step along the old b and update it afterwards, so that each gradient acts one step late. "
    "First b ← μ b + g, then w ← w − η b."
)
def old_velocity(self, parameter, gradient, state):
    b = state.get("b", 0)
    parameter -= self.lr * b
    state["b"] = self.momentum * b + gradient


momentum_exercise.mistake(
    "wrong_sign",
    edit("parameter -=", "parameter +="),
    "You climb: with b ← μ b + g the step is w ← w − η b. (A velocity that collects −g is added; "
    "one of the two signs, not both or none.)",
)
momentum_exercise.mistake(
    "looks_ahead",
    edit('self.lr * state["b"]', 'self.lr * (gradient + self.momentum * state["b"])'),
    "This is Nesterov's step, g + μ b. Plain momentum moves by b alone.",
)
momentum_exercise.mistake(
    "another_momentum",
    edit("self.momentum * state", "0.9 * state"),
    "You always use μ = 0.9. Read `self.momentum`, which the caller may set and change.",
)


@momentum_exercise.alternative
def in_place_buffer(self, parameter, gradient, state):
    if not state:
        state["velocity"] = torch.zeros_like(parameter)
    state["velocity"].mul_(self.momentum).add_(gradient)
    parameter.add_(state["velocity"], alpha=-self.lr)


@momentum_exercise.alternative
def rebound_data(self, parameter, gradient, state):
    velocities = self.__dict__.setdefault("velocities", {})
    before = velocities.get(id(parameter))
    b = gradient.clone() if before is None else before * self.momentum + gradient
    velocities[id(parameter)] = b
    parameter.data = parameter.data - b * self.lr


@momentum_exercise.alternative
def negative_velocity(self, parameter, gradient, state):
    state.setdefault("v", torch.zeros_like(gradient))
    state["v"] = self.momentum * state["v"] - gradient
    parameter += self.lr * state["v"]


@momentum_exercise.alternative
class OwnLoop(GradientDescent):
    def __init__(self, parameters, lr=1e-3, momentum=0.9):
        super().__init__(parameters, lr)
        self.momentum = momentum
        self.buffers = [torch.zeros_like(p.detach()) for p in self.parameters]

    def step(self):
        for p, b in zip(self.parameters, self.buffers, strict=True):
            if p.grad is None:
                continue
            b *= self.momentum
            b += p.grad
            p.data -= self.lr * b


MOMENTUM_OF_ONE = (
    "its swings become smaller, as with μ = 0.9 but slower",
    "its swings keep their size",
    "its swings become larger and larger",
)


def outcome_with_momentum_of_one() -> str:
    """The amplitude early and late, of a heavy ball with μ = 1."""
    w = torch.tensor([1.0], dtype=torch.float64)
    optimizer, path = optimizers.Momentum([w], lr=0.01, momentum=1.0), []
    for _ in range(400):
        w.grad = w.clone()
        optimizer.step()
        path.append(float(w))
    ratio = max(path[-200:]) / max(path[:200])
    return MOMENTUM_OF_ONE[1 if abs(ratio - 1) < 0.05 else 0 if ratio < 1 else 2]


lab.prediction(
    "momentum_of_one",
    title="Predict: a momentum of one",
    statement="""The heavy ball on $f(w) = w^2/2$ with η = 0.01 and **μ = 1**, for 400 steps. What
does it do?""",
    minutes=1,
    difficulty=2,
    syllabus=("6.5",),
    choices=MOMENTUM_OF_ONE,
    outcome=outcome_with_momentum_of_one,
    explanation="""μ is what is *kept*, and 1 − μ the friction. Without friction nothing is lost: the ball
swings forever. Names that call μ a "damping" have it the wrong way round.""",
)
