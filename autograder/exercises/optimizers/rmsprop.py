"""RMSProp, whose line in the lecture notes is to be mended."""

import math
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


def draw_rmsprop(rng):
    """An ε as large as the smaller gradients; the rate, then the rate and ρ, change."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    higher["alpha"] = float(rng.uniform(0.9, 0.97))
    settings = {"lr": rate, "alpha": float(rng.uniform(0.7, 0.85)), "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher))


def draw_rmsprop_default(rng):
    """Nothing given: gradients as small as the default ε show it."""
    return draw_run(rng, {}, later=({"lr": float(rng.uniform(0.02, 0.1))}, {}), tiny=3e-7)


def draw_rmsprop_rests(rng):
    """Parameters that at times have no gradient, and an ε that changes."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    lower["eps"] = 0.03
    settings = {"lr": rate, "alpha": float(rng.uniform(0.7, 0.85)), "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher), rests=True)


r_m_s_prop = lab.repair(
    optimizers.RMSProp,
    planted="as_in_the_notes",
    title="Find the error in the lecture notes: RMSProp",
    statement="""AdaGrad divides every entry's step by the root of the **sum** of its squared gradients. A
sum never forgets: the steps only ever get smaller. RMSProp takes a moving **average**, which is to
follow the scale of the recent gradients:

$$c \\leftarrow \\rho\\, c + (1-\\rho)\\, g^2,\\qquad w \\leftarrow w - \\eta\\,\\frac{g}{\\sqrt{c}+\\varepsilon}.$$

The cell below has the lines as they stand in a set of lecture notes (`decay` is ρ). They run, the
loss falls for a while, and then it stays where it is, as if training had converged. One character is
wrong. Test the line first: feed it the constant gradient 1 and print `cache`. Toward what should it
tend?

*Conventions:* torch's: ρ is called `alpha`, ε stands outside the root (TensorFlow's inside), c
starts at 0 and is not corrected for that.""",
    points=3,
    minutes=6,
    syllabus=("6.8",),
    blank=("update",),
    inputs=(draw_rmsprop, draw_rmsprop_default, draw_rmsprop_rests),
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        "With g = 1 the average must tend to 1. Write out two steps of the line in the notes.",
        "`cache += x` is `cache = cache + x`. How often is the old cache counted?",
    ),
)


r_m_s_prop.mistake(
    "eps_inside_the_root",
    edit('(torch.sqrt(state["c"]) + self.eps)', 'torch.sqrt(state["c"] + self.eps)'),
    "Your ε is inside the root (TensorFlow's convention). Here and in torch it stands outside: √c "
    "+ ε. At ε = 1e-8 and gradients of order 1 nobody sees the difference; with gradients below "
    "√ε everybody does.",
    origin="21 of 248 students",
)
r_m_s_prop.mistake(
    "another_eps",
    edit("+ self.eps", "+ 1e-7"),
    "You always use ε = 1e-7, whatever the caller passes. Use `self.eps`.",
    origin="6 of 248 students",
)
r_m_s_prop.mistake(
    "tiny_eps",
    edit("+ self.eps", "+ 1e-8"),
    "You always use ε = 1e-8, whatever the caller passes. Use `self.eps`.",
    origin="6 of 248 students",
)
r_m_s_prop.mistake(
    "larger_eps",
    edit("+ self.eps", "+ 1e-6"),
    "You always use ε = 1e-6, whatever the caller passes. Use `self.eps`.",
    origin="6 of 248 students, with other numbers",
)
r_m_s_prop.mistake(
    "never_stores",
    edit('state["c"] =', "c =").also('torch.sqrt(state["c"])', "torch.sqrt(c)"),
    "You compute a new c but do not store it, so that every step starts from c = 0.",
    origin="3 of 248 students",
)
r_m_s_prop.mistake(
    "rate_for_the_average",
    edit("(1 - self.alpha)", "self.lr"),
    "You weight g² with the learning rate where 1 − ρ is meant. They are equal for 0.01 and 0.99, "
    "which hides it.",
    origin="1 of 134 students",
)
r_m_s_prop.mistake(
    "eps_added_to_the_weights",
    edit('(torch.sqrt(state["c"]) + self.eps)', 'torch.sqrt(state["c"]) + self.eps'),
    "`… / sqrt(c) + eps` divides first and then adds ε to the step. Put the denominator in "
    "parentheses.",
    origin="1 of 124 students",
)


@r_m_s_prop.mistake(
    "`w - … / sqrt(c) + eps` divides first and then adds ε to the weights. Put the denominator in "
    "parentheses.",
    origin="1 of 124 students",
)
def eps_added_afterwards(self, parameter, gradient, state):
    state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
    parameter.copy_(parameter - self.lr * gradient / torch.sqrt(state["c"]) + self.eps)


r_m_s_prop.mistake(
    "own_key",
    edit('state.get("c", 0)', 'state["cache"]'),
    "You ask `state` for a key that is not there in the first step. `state.get(…)` with zeros, as "
    "in the cell you were given, begins the average.",
    origin="1 of 124 students",
    raises="KeyError",
)
r_m_s_prop.mistake(
    "no_root",
    edit('torch.sqrt(state["c"])', 'state["c"]'),
    "You divide by c. Divide by its root, √c + ε.",
    origin="1 of 124 students",
)


@r_m_s_prop.mistake(
    "You divide by the average as it was before this gradient; the first step divides by ε alone "
    "and explodes. Use the new c.",
    origin="1 of 124 students",
)
def old_average(self, parameter, gradient, state):
    old = state.get("c", torch.zeros_like(parameter))
    state["c"] = self.alpha * old + (1 - self.alpha) * gradient**2
    parameter -= self.lr * gradient / (torch.sqrt(old) + self.eps)


@r_m_s_prop.mistake(
    "You overwrite `self.lr`, so that all later steps, and all other parameters, start from the "
    "divided rate. Use a variable of your own.",
    origin="1 of 124 students",
    raises="RuntimeError",
)
def changes_the_rate(self, parameter, gradient, state):
    state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
    self.lr = self.lr / (torch.sqrt(state["c"]) + self.eps)
    parameter -= self.lr * gradient


@r_m_s_prop.mistake(
    "`cache += decay * cache + …` adds the average to what is there: it is multiplied by 1 + ρ at "
    "every step and grows without end, until nothing moves any more. An average is replaced: "
    "`cache = decay * cache + (1 - decay) * gradient**2`.",
    origin="lecture notes",
)
def as_in_the_notes(self, parameter, gradient, state):
    cache, decay = state.get("cache", torch.zeros_like(parameter)), self.alpha
    cache += decay * cache + (1 - decay) * gradient**2
    state["cache"] = cache
    parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


@r_m_s_prop.mistake(
    "You correct c for its start at zero, as Adam does. RMSProp does not: its first step has the "
    "size η/√(1 − ρ)."
)
def bias_corrected(self, parameter, gradient, state):
    state["t"] = state.get("t", 0) + 1
    state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
    corrected = state["c"] / (1 - self.alpha ** state["t"])
    parameter -= self.lr * gradient / (torch.sqrt(corrected) + self.eps)


r_m_s_prop.mistake(
    "fixed_memory",
    edit("self.alpha * state", "0.99 * state").also("(1 - self.alpha)", "(1 - 0.99)"),
    "You always use ρ = 0.99. Read `self.alpha`, which the caller may set and change.",
)
r_m_s_prop.mistake(
    "starts_at_the_first_square",
    edit('("c", 0)', '("c", gradient**2)'),
    "Your c starts at the first g². Here it starts at 0.",
)
r_m_s_prop.mistake(
    "starts_at_one",
    edit('("c", 0)', '("c", 1)'),
    "Your c starts at 1. Here it starts at 0.",
)
r_m_s_prop.mistake(
    "weights_exchanged",
    edit("self.alpha * state", "(1 - self.alpha) * state").also(
        "(1 - self.alpha) * gradient", "self.alpha * gradient"
    ),
    "You weight the old average with 1 − ρ and the new square with ρ. ρ is the memory: c ← ρ c + "
    "(1 − ρ) g².",
)


@r_m_s_prop.mistake(
    "Your average becomes negative, and its root is not a number. It is a sum of two parts with "
    "the weights ρ and 1 − ρ, and replaces what was there."
)
def minus_for_plus(self, parameter, gradient, state):
    cache, decay = state.get("cache", torch.zeros_like(parameter)), self.alpha
    cache -= decay * cache + (1 - decay) * gradient**2
    state["cache"] = cache
    parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


r_m_s_prop.mistake(
    "sums_the_squares",
    edit("self.alpha * state", "state").also("(1 - self.alpha) * gradient", "gradient"),
    "This is AdaGrad: squares add up forever. RMSProp forgets: c ← ρ c + (1 − ρ) g².",
)
r_m_s_prop.mistake(
    "nothing_forgotten",
    edit("self.alpha * state", "state"),
    "You removed the decay of the old average: squares add up forever, as in AdaGrad. c ← ρ c + "
    "(1 − ρ) g².",
)
r_m_s_prop.mistake(
    "squared_eps_inside_the_root",
    edit('(torch.sqrt(state["c"]) + self.eps)', 'torch.sqrt(state["c"] + self.eps**2)'),
    "√(c + ε²) is not √c + ε: the two agree only where one of them is negligible.",
)


@r_m_s_prop.alternative
def r_m_s_in_place(self, parameter, gradient, state):
    cache, decay = state.setdefault("cache", torch.zeros_like(parameter)), self.alpha
    cache *= decay
    cache += (1 - decay) * gradient**2
    parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


@r_m_s_prop.alternative
def with_lerp(self, parameter, gradient, state):
    before = state.get("c", torch.zeros_like(gradient))
    state["c"] = before.lerp(gradient.square(), 1 - self.alpha)
    parameter.data -= self.lr / (state["c"].sqrt() + self.eps) * gradient


@r_m_s_prop.alternative
def keeps_plus_equals(self, parameter, gradient, state):
    cache, decay = state.get("cache", torch.zeros_like(parameter)), self.alpha
    cache += (1 - decay) * (gradient**2 - cache)
    state["cache"] = cache
    parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


@r_m_s_prop.alternative
def entry_by_entry(self, parameter, gradient, state):
    flat, slopes = parameter.view(-1), gradient.reshape(-1)
    averages = state.setdefault("averages", [0.0] * len(flat))
    for n, g in enumerate(slopes.tolist()):
        averages[n] = self.alpha * averages[n] + (1 - self.alpha) * g * g
        flat[n] -= self.lr * g / (math.sqrt(averages[n]) + self.eps)
