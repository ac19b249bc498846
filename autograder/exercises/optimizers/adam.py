"""Adam, as the paper has it and as the lecture notes have it."""

from autograder.judging import edit
from course_lib.optimizers import GradientDescent
import numpy as np
import torch
from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.trajectories import (
    RUN_CHECKS,
    TORCH_OPTIMIZERS,
    changed_rates,
    draw_run,
)
from course_lib import optimizers


def draw_adam(rng):
    """Memories short enough to matter in twelve steps, and an ε as large as small gradients."""
    rate = float(rng.uniform(0.05, 0.2))
    betas = [float(rng.uniform(0.7, 0.85)), float(rng.uniform(0.92, 0.97))]
    settings = {"lr": rate, "betas": betas, "eps": 0.01}
    return draw_run(rng, settings, later=changed_rates(rng, rate))


def draw_default(rng):
    """Nothing given: gradients as small as the default ε show it."""
    return draw_run(rng, {}, later=({"lr": float(rng.uniform(0.02, 0.1))}, {}), tiny=3e-8)


def draw_rests(rng):
    """Parameters that at times have no gradient: each counts its own steps. And another ε."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    higher["eps"] = 0.05
    betas = [float(rng.uniform(0.7, 0.85)), float(rng.uniform(0.92, 0.97))]
    settings = {"lr": rate, "betas": betas, "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher), rests=True)


ZERO_FIRST = (
    "Your t is 0 in the first step, and 1 − β⁰ = 0 stands in a denominator. Increment t before you "
    "use it."
)

adam = lab.exercise(
    optimizers.Adam,
    title="Adam",
    statement="""Momentum's averaged direction, RMSProp's scale for every entry, and one thing more. Both averages
start at zero and are therefore too small at first; Adam divides by what is missing. In step t = 1, 2, …

$$m \\leftarrow \\beta_1 m + (1-\\beta_1)\\, g,\\qquad v \\leftarrow \\beta_2 v + (1-\\beta_2)\\, g^2,$$

$$\\hat m = \\frac{m}{1-\\beta_1^t},\\qquad \\hat v = \\frac{v}{1-\\beta_2^t},\\qquad
w \\leftarrow w - \\eta\\,\\frac{\\hat m}{\\sqrt{\\hat v}+\\varepsilon} .$$

Write `update`.

*Conventions:* t is **1** in the first step, and every parameter counts its own (one that starts late
is corrected from its own start). ε stands **outside** the root, beside the corrected $\\sqrt{\\hat v}$.
`self.betas` is the pair (β₁, β₂).

A test you can do in your head: with ε = 0 the first step is η in the direction of −sign(g), for a
gradient of any size.""",
    points=5,
    minutes=12,
    difficulty=2,
    syllabus=("6.9",),
    blank=("update",),
    inputs=(draw_adam, draw_default, draw_rests),
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        "Three things are kept in `state`: t, m and v.",
        '`state["t"] = state.get("t", 0) + 1`, and the same for m and v.',
        '`m_hat = state["m"] / (1 - beta1 ** state["t"])`; what you keep is m, not m̂.',
    ),
)


adam.mistake(
    "no_bias_correction",
    edit(' / (1 - beta1 ** state["t"])', "").also(' / (1 - beta2 ** state["t"])', ""),
    "You do not correct m and v for their start at zero. They begin far too small, v more than m: "
    "your first step is (1 − β₁)/√(1 − β₂) times too large, 3.16 times with torch's defaults. "
    "Divide by 1 − β₁ᵗ and 1 − β₂ᵗ. (The lecture notes print this as Adam.)",
    origin="17 of 261 students; lecture notes",
)
adam.mistake(
    "starts_at_two",
    edit('("t", 0)', '("t", 1)'),
    "Your t is 2 in the first step. t starts at 0 and is incremented before it is used, so that "
    "the first step has t = 1.",
    origin="15 of 134 students",
)
adam.mistake(
    "eps_before_the_correction",
    edit(
        "m_hat / (torch.sqrt(v_hat) + self.eps)",
        'm_hat * (1 - beta2 ** state["t"]) ** 0.5 / (torch.sqrt(state["v"]) + self.eps)',
    ),
    "You fold the corrections into the rate (the paper's efficient form) and add ε to √v. There ε "
    "has to be scaled as well, ε √(1 − β₂ᵗ): √v̂ + ε is what is asked for.",
    origin="7 of 134 students",
)
adam.mistake(
    "eps_inside_the_root",
    edit("torch.sqrt(v_hat) + self.eps", "torch.sqrt(v_hat + self.eps)"),
    "Your ε is inside the root. Here, in the paper and in torch it stands outside: √v̂ + ε.",
    origin="6 of 261 students",
)
adam.mistake(
    "time_stands_still",
    edit('state.get("t", 0) + 1', "1"),
    "Every step of yours is corrected as if it were the first, by 1 − β₁ and 1 − β₂. The "
    "correction is 1 − βᵗ: t has to be incremented, stored in `state`, and used as the exponent.",
    origin="8 of 261 students",
)
adam.mistake(
    "another_eps",
    edit("+ self.eps", "+ 1e-7"),
    "You always use ε = 1e-7, whatever the caller passes. Use `self.eps`.",
    origin="2 of 261 students",
)
adam.mistake(
    "tiny_eps",
    edit("+ self.eps", "+ 1e-8"),
    "You always use ε = 1e-8, whatever the caller passes. Use `self.eps`.",
    origin="2 of 261 students",
)
adam.mistake(
    "counts_from_zero", edit('("t", 0)', '("t", -1)'), ZERO_FIRST, origin="2 of 128 students"
)
adam.mistake(
    "counts_from_zero_in_numbers",
    edit('("t", 0)', '("t", -1)').also(
        'state["m"] / (1 - beta1 ** state["t"])', '1 / (1 - beta1 ** state["t"]) * state["m"]'
    ),
    ZERO_FIRST,
    raises="ZeroDivisionError",
)
adam.mistake(
    "starts_at_five",
    edit('("t", 0)', '("t", 4)'),
    "Your t starts at 5, which suits one published test and no training. It is 1 in the first "
    "step.",
    origin="2 of 261 students",
)
adam.mistake(
    "five_incremented",
    edit('("t", 0)', '("t", 5)'),
    "Your t starts at 5, so that it is 6 in the first step. It has to be 1 there.",
    origin="2 of 261 students",
)
adam.mistake(
    "always_five",
    edit('state.get("t", 0) + 1', "5"),
    "Your t is 5 in every step, which suits one published test and no training. It counts the "
    "steps: 1, 2, …, and is kept in `state`.",
    origin="1 of 128 students",
)
adam.mistake(
    "eps_inside_uncorrected",
    edit(' / (1 - beta1 ** state["t"])', "")
    .also(' / (1 - beta2 ** state["t"])', "")
    .also("torch.sqrt(v_hat) + self.eps", "torch.sqrt(v_hat + self.eps)"),
    "Two things: your ε is inside the root, and m and v are not corrected for their start at "
    "zero. √v̂ + ε, with v̂ = v / (1 − β₂ᵗ), and m̂ = m / (1 − β₁ᵗ).",
    origin="7 of 134 students have the ε and another fault",
)
adam.mistake(
    "one_beta_for_both",
    edit("1 - beta2 **", "1 - beta1 **"),
    "You correct v with β₁. Each average is corrected with its own β: v̂ = v / (1 − β₂ᵗ).",
    origin="1 of 128 students",
)
adam.mistake(
    "keeps_the_corrected",
    edit("m_hat =", 'm_hat = state["m"] =').also("v_hat =", 'v_hat = state["v"] ='),
    "You store m̂ and v̂, so that the next step corrects what is corrected already. Keep m and v; "
    "m̂ and v̂ are for this step only.",
    origin="1 of 133 students",
)
adam.mistake(
    "keeps_the_corrected_mean",
    edit("m_hat =", 'm_hat = state["m"] ='),
    "You store m̂, so that the next step corrects what is corrected already. Keep m; m̂ is for this "
    "step only.",
)
adam.mistake(
    "no_square",
    edit("gradient * gradient", "gradient"),
    "Your v averages g where g² is meant, so that it can be negative, and the root of that is not a "
    "number: v ← β₂ v + (1 − β₂) g².",
)
adam.mistake(
    "one_plus",
    edit("1 - beta1 **", "1 + beta1 **").also("1 - beta2 **", "1 + beta2 **"),
    "You divide by 1 + βᵗ. The averages start too small and must grow: divide by 1 − βᵗ.",
    origin="1 of 133 students",
)
adam.mistake(
    "times_t",
    edit("beta1 ** state", "beta1 * state").also("beta2 ** state", "beta2 * state"),
    "You multiply β by t where it is raised to the power t: the correction is 1 − βᵗ (`beta**t`). "
    "1 − β t is negative from the second step on, and the root of a negative v̂ is not a number.",
    origin="students of comparable courses",
)
adam.mistake(
    "fixed_betas",
    edit("beta1, beta2 = self.betas", "beta1, beta2 = 0.9, 0.999"),
    "You always use β₁ = 0.9 and β₂ = 0.999. Read `self.betas`, which the caller may set.",
    origin="students of comparable courses",
)


@adam.mistake(
    "m and v are one tensor with you: what is put into the one stands in the other as well. "
    "`m = v = zeros` gives one tensor two names; make two.",
    origin="students of comparable courses",
)
def one_tensor_for_both(self, parameter, gradient, state):
    if not state:
        state["t"] = 0
        state["m"] = state["v"] = torch.zeros_like(parameter)
    (b1, b2), m, v = self.betas, state["m"], state["v"]
    state["t"] += 1
    m.mul_(b1).add_(gradient, alpha=1 - b1)
    v.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
    m_hat, v_hat = m / (1 - b1 ** state["t"]), v / (1 - b2 ** state["t"])
    parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


adam.mistake(
    "weight_for_gradient",
    edit("(1 - beta1) * gradient", "(1 - beta1) * parameter").also(
        "gradient * gradient", "parameter * parameter"
    ),
    "You use the weight where the gradient is meant: your averages are of w.",
    origin="1 of 128 students",
)
adam.mistake(
    "one_clock_for_all",
    edit('state["t"] = state.get("t", 0)', 'state["t"] = self.t = getattr(self, "t", 0)'),
    "You keep one t for the whole optimizer, and `update` is called once per parameter: with "
    "three parameters t grows by 3 per step. Keep t in `state`, beside m and v.",
)


@adam.mistake(
    "You count the steps of the optimizer. A parameter that rests has not taken them: its "
    "averages are younger. Keep t in `state`, beside m and v."
)
class ClockOfTheOptimizer(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def step(self):
        self.t = getattr(self, "t", 0) + 1
        super().step()

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, self.t
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


adam.mistake(
    "only_the_first_corrected",
    edit(' / (1 - beta2 ** state["t"])', ""),
    "You correct m but not v, which starts at zero as well: v̂ = v / (1 − β₂ᵗ).",
)
adam.mistake(
    "only_the_second_corrected",
    edit(' / (1 - beta1 ** state["t"])', ""),
    "You correct v but not m, which starts at zero as well: m̂ = m / (1 − β₁ᵗ).",
)
adam.mistake(
    "betas_exchanged",
    edit("beta1, beta2 =", "beta2, beta1 ="),
    "Your betas are exchanged: the first belongs to the average of g, the second to that of g².",
)
adam.mistake(
    "no_root",
    edit("torch.sqrt(v_hat)", "v_hat"),
    "You divide by v̂. Divide by its root, √v̂ + ε.",
)
adam.mistake(
    "sums_gradients",
    edit("(1 - beta1) * gradient", "gradient"),
    "Your m sums up gradients (b ← β₁ b + g, as momentum does). Adam's is an average: β₁ m + (1 − "
    "β₁) g.",
)
adam.mistake(
    "eps_added_to_the_weights",
    edit("(torch.sqrt(v_hat) + self.eps)", "torch.sqrt(v_hat) + self.eps"),
    "`… / sqrt(v_hat) + eps` divides first and then adds ε to the step. Put the denominator in "
    "parentheses.",
)
adam.mistake(
    "never_stores",
    edit('state["m"] =', "m =")
    .also('state["m"] /', "m /")
    .also('state["v"] =', "v =")
    .also('state["v"] /', "v /"),
    "You compute new averages but do not store them: each step knows its own gradient only.",
)


@adam.alternative
def in_place(self, parameter, gradient, state):
    if not state:
        state["step"] = 0
        state["exp_avg"] = torch.zeros_like(parameter)
        state["exp_avg_sq"] = torch.zeros_like(parameter)
    state["step"] += 1
    b1, b2 = self.betas
    state["exp_avg"].lerp_(gradient, 1 - b1)
    state["exp_avg_sq"].mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
    step_size = self.lr / (1 - b1 ** state["step"])
    root = (1 - b2 ** state["step"]) ** 0.5
    denominator = state["exp_avg_sq"].sqrt() / root + self.eps
    parameter.addcdiv_(state["exp_avg"], denominator, value=-step_size)


@adam.alternative
def efficient(self, parameter, gradient, state):
    b1, b2 = self.betas
    t, m, v = state.get("all", (0, 0.0, 0.0))
    t += 1
    m = m + (1 - b1) * (gradient - m)
    v = v + (1 - b2) * (gradient**2 - v)
    state["all"] = (t, m, v)
    root = np.sqrt(1 - b2**t)
    parameter.copy_(parameter - self.lr * root / (1 - b1**t) * m / (v**0.5 + self.eps * root))


@adam.alternative
def powers_multiplied_up(self, parameter, gradient, state):
    b1, b2 = self.betas
    m, v, p1, p2 = state.get("kept", (0, 0, 1.0, 1.0))
    p1, p2 = p1 * b1, p2 * b2
    m, v = b1 * m + (1 - b1) * gradient, b2 * v + (1 - b2) * gradient * gradient
    state["kept"] = (m, v, p1, p2)
    parameter.data = parameter.data - self.lr * (m / (1 - p1)) / ((v / (1 - p2)).sqrt() + self.eps)


@adam.alternative
def counts_afterwards(self, parameter, gradient, state):
    (b1, b2), t = self.betas, state.get("t", 1)
    m, v = state.get("moments", (torch.zeros_like(parameter), torch.zeros_like(parameter)))
    m = m * b1 + gradient * (1 - b1)
    v = v * b2 + gradient * gradient * (1 - b2)
    parameter -= self.lr * m / (1 - b1**t) / ((v / (1 - b2**t)) ** 0.5 + self.eps)
    state["moments"], state["t"] = (m, v), t + 1


@adam.alternative
def memory_in_float32(self, parameter, gradient, state):
    beta1, beta2 = self.betas
    if not state:
        state["t"] = torch.tensor(0)
        state["m"], state["v"] = torch.zeros(parameter.shape), torch.zeros(parameter.shape)
    state["t"] += 1
    state["m"] = beta1 * state["m"] + (1 - beta1) * gradient
    state["v"] = beta2 * state["v"] + (1 - beta2) * gradient.square()
    m_hat = state["m"] / (1 - beta1 ** state["t"])
    v_hat = state["v"] / (1 - beta2 ** state["t"])
    parameter.sub_(self.lr * m_hat / (v_hat.sqrt() + self.eps))
