"""Weight decay beside Adam's moments."""

import torch

from autograder import probes
from autograder.exercises.optimizers.adam import draw_default
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.trajectories import (
    RUN_CHECKS,
    TORCH_OPTIMIZERS,
    changed_rates,
    draw_run,
)
from autograder.judging import edit
from course_lib import optimizers


def draw_adamw(rng):
    """A decay large enough to be seen, which changes with the rate."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    higher["weight_decay"] = float(rng.uniform(1.0, 2.0))
    betas = [float(rng.uniform(0.7, 0.85)), float(rng.uniform(0.92, 0.97))]
    decay = float(rng.uniform(0.3, 0.6))
    settings = {"lr": rate, "betas": betas, "eps": 0.01, "weight_decay": decay}
    return draw_run(rng, settings, later=(lower, higher))


def draw_rests(rng):
    """Parameters that at times have no gradient: they do not decay either."""
    rate = float(rng.uniform(0.05, 0.2))
    betas = [float(rng.uniform(0.7, 0.85)), float(rng.uniform(0.92, 0.97))]
    settings = {"lr": rate, "betas": betas, "eps": 0.01, "weight_decay": 0.5}
    return draw_run(rng, settings, later=changed_rates(rng, rate), rests=True)


adam_w = lab.exercise(
    optimizers.AdamW,
    title="AdamW: decay that stays out of the moments",
    statement="""For plain gradient descent a penalty $\\tfrac\\lambda2\\|w\\|^2$ in the loss and a weight that
shrinks by $1-\\eta\\lambda$ per step are the same thing. For Adam they are not: a penalty's gradient
λ w goes into m and v and is divided by $\\sqrt{\\hat v}$. AdamW lets the weight shrink by itself,

$$w \\leftarrow (1-\\eta\\lambda)\\, w - \\eta\\,\\frac{\\hat m}{\\sqrt{\\hat v}+\\varepsilon},$$

with m and v from the gradient of the loss alone. Write `update` (most of it is your Adam's).

*Conventions:* as in `torch.optim.AdamW` the decay is multiplied by η, and w on the right-hand side
is the weight **before** the step, in whichever order you write the two.""",
    points=4,
    minutes=8,
    difficulty=2,
    syllabus=("6.10",),
    blank=("update",),
    inputs=(draw_adamw, draw_default, draw_rests),
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        "Copy the lines of your Adam. One line is missing.",
        "Before the step, `parameter *= …` shrinks the old weight in place.",
    ),
)


adam_w.mistake(
    "penalty_in_the_gradient",
    edit(
        "beta1, beta2 = self.betas",
        "gradient = gradient + self.weight_decay * parameter\nbeta1, beta2 = self.betas",
    ).also("parameter *= 1 - self.lr * self.weight_decay", ""),
    "You add λ w to the gradient: L2 regularization. Adam then divides it by √v̂ like everything "
    "else, so that entries with large gradients hardly decay, and with a zero loss gradient every "
    "weight moves by η. Decoupled decay stays out of g, m and v: w ← (1 − ηλ) w.",
    origin="folklore",
)
adam_w.mistake(
    "decay_without_the_rate",
    edit("self.lr * self.weight_decay", "self.weight_decay"),
    "You shrink by 1 − λ, without the learning rate. In torch's convention the decay follows the "
    "schedule: 1 − ηλ.",
)
adam_w.mistake(
    "no_decay",
    edit("parameter *= 1 - self.lr * self.weight_decay", ""),
    "This is Adam: the weight decay is missing.",
)
adam_w.mistake(
    "decays_the_new_weight",
    edit("parameter *= 1 - self.lr * self.weight_decay", "").also(
        "+ self.eps)", "+ self.eps)\nparameter *= 1 - self.lr * self.weight_decay"
    ),
    "You decay the weight after Adam's step, and with it the step. The order may be either, but "
    "the decay takes the weight as it was before: (1 − ηλ) w − η m̂/(√v̂ + ε).",
)
adam_w.mistake(
    "penalty_after_the_moments",
    edit("parameter *= 1 - self.lr * self.weight_decay", "").also(
        "m_hat / (", "(m_hat + self.weight_decay * parameter) / ("
    ),
    "You add λ w to m̂, and then both are divided by √v̂ + ε. The decay is not to be divided: it "
    "stands beside Adam's step.",
)
adam_w.mistake(
    "decays_twice",
    edit(
        "beta1, beta2 = self.betas",
        "gradient = gradient + self.weight_decay * parameter\nbeta1, beta2 = self.betas",
    ),
    "You decay the weight and add λ w to the gradient as well. Only the first is wanted.",
)
adam_w.mistake(
    "grows",
    edit("1 - self.lr", "1 + self.lr"),
    "Your factor is 1 + ηλ: weights grow. 1 − ηλ.",
)
adam_w.mistake(
    "small_decay",
    edit("self.lr * self.weight_decay", "self.lr * 0.01"),
    "You always use λ = 0.01. Use `self.weight_decay`.",
)
adam_w.mistake(
    "twice_the_decay",
    edit("1 - self.lr", "1 - 2 * self.lr"),
    "Your factor is 1 − 2ηλ, which belongs to a penalty λ‖w‖². Here λ is the decay itself: 1 − ηλ.",
)
adam_w.mistake(
    "decays_the_first_moment",
    edit(
        "parameter *= 1 - self.lr * self.weight_decay",
        "m_hat = m_hat + self.weight_decay * parameter * torch.sqrt(v_hat)",
    ),
    "You pass the decay through m̂ and multiply by √v̂ to undo the division, which ε spoils. Let "
    "the decay stand beside the step: w ← (1 − ηλ) w.",
)
adam_w.mistake(
    "no_bias_correction",
    edit(' / (1 - beta1 ** state["t"])', "").also(' / (1 - beta2 ** state["t"])', ""),
    "The decay is right, Adam's step is not: m and v are not corrected for their start at zero.",
)
adam_w.mistake(
    "eps_inside_the_root",
    edit("torch.sqrt(v_hat) + self.eps", "torch.sqrt(v_hat + self.eps)"),
    "The decay is right; your ε is inside the root. It stands outside: √v̂ + ε.",
)
adam_w.mistake(
    "eps_before_the_correction",
    edit(
        "m_hat / (torch.sqrt(v_hat) + self.eps)",
        'm_hat * (1 - beta2 ** state["t"]) ** 0.5 / (torch.sqrt(state["v"]) + self.eps)',
    ),
    "The decay is right; your ε stands beside √v. It belongs beside the corrected √v̂.",
)
adam_w.mistake(
    "starts_at_two",
    edit('("t", 0)', '("t", 1)'),
    "The decay is right; your t is 2 in the first step. It is 1 there.",
)
adam_w.mistake(
    "time_stands_still",
    edit('state.get("t", 0) + 1', "1"),
    "The decay is right; every step is corrected as if it were the first. Store t in `state` and "
    "use it as the exponent.",
)
adam_w.mistake(
    "keeps_the_corrected",
    edit("m_hat =", 'm_hat = state["m"] =').also("v_hat =", 'v_hat = state["v"] ='),
    "The decay is right; you store m̂ and v̂, so that the next step corrects them again. Keep m "
    "and v.",
)
adam_w.mistake(
    "tiny_eps",
    edit("+ self.eps", "+ 1e-8"),
    "The decay is right; you always use ε = 1e-8. Use `self.eps`.",
)


@adam_w.alternative
def decays_afterwards(self, parameter, gradient, state):
    before = parameter.clone()
    (b1, b2), t = self.betas, state.get("t", 0) + 1
    m = b1 * state.get("m", 0) + (1 - b1) * gradient
    v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
    state.update(t=t, m=m, v=v)
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)
    parameter -= self.lr * self.weight_decay * before


@adam_w.alternative
def all_in_one(self, parameter, gradient, state):
    (b1, b2), t = self.betas, state.get("t", 0) + 1
    m = b1 * state.get("m", 0) + (1 - b1) * gradient
    v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
    state.update(t=t, m=m, v=v)
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    step = m_hat / (v_hat.sqrt() + self.eps) + self.weight_decay * parameter.detach()
    parameter.data = parameter.data - self.lr * step
