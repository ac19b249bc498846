"""The soft threshold, and the step that lands in L1's corner."""

import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _thresholded(*sizes):
    def draw(rng):
        shape = tuple(int(n) for n in rng.permutation(sizes))
        threshold = float(rng.uniform(0.5, 0.9))
        size = rng.choice([0.0, 0.4, 0.8, 1.3, 2.1, 3.2], size=shape) * threshold
        w = rng.choice([-1.0, 1.0], size=shape) * size * rng.uniform(0.97, 1.03, size=shape)
        w.flat[:4] = 0.0, 0.7 * threshold, -1.6 * threshold, 1.8 * threshold
        return {"w": w, "threshold": threshold}

    return draw


def _of_nothing(rng):
    given = _thresholded(4, 5)(rng)
    return {**given, "w": given["w"][:0]}


soft_threshold = lab.exercise(
    regularization.soft_threshold,
    title="The soft threshold",
    statement=r"""Which v makes $\frac12 (v-w)^2 + \theta|v|$ least? Not far from w, but |v| costs. Work it
out for w > θ, for w < −θ and in between, and return it for every entry of w (any shape).""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("8.2",),
    hide=("Formula",),
    inputs=(_thresholded(4, 6), _thresholded(3, 4, 5), _of_nothing, _thresholded(33)),
    probe=probes.call(),
    checks=[matches_reference("the thresholded weights"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=("torch.nn", "torch.softshrink", "torch.ops"),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "weights are replaced, not trained through",
        "return torch.sign(w) * (w.abs() - threshold).clamp(min=0) => "
        "return torch.sign(w) * (w.abs_() - threshold).clamp(min=0)": "a remark tells the student that "
        "w was overwritten",
    },
    hints=(
        "For v > 0 the derivative is v − w + θ.",
        "Large ones move toward 0 by θ, and what would cross it stays there.",
    ),
)

soft_threshold.mistake(
    "hard_threshold",
    edit("(w.abs() - threshold).clamp(min=0)", "torch.where(w.abs() > threshold, w.abs(), 0.0)"),
    "This is the *hard* threshold: large entries stay as they are. The soft one moves them toward 0 by θ.",
)
soft_threshold.mistake(
    "crosses_zero",
    edit(".clamp(min=0)", ""),
    "Small entries cross 0 and come out on the other side. What would cross it stays there: max(|w| − θ, 0).",
)
soft_threshold.mistake(
    "sign_lost",
    edit("torch.sign(w) * ", ""),
    "Negative entries come out positive: multiply by sign(w).",
)
soft_threshold.mistake(
    "positive_ones_only",
    edit("torch.sign(w) * (w.abs() - threshold)", "(w - threshold)"),
    "Negative entries are lost: below −θ the answer is w + θ.",
)
soft_threshold.mistake(
    "cut_off",
    edit("torch.sign(w) * (w.abs() - threshold).clamp(min=0)", "w.clamp(-threshold, threshold)"),
    "You cut w off at ±θ. That is what the soft threshold takes *away*.",
)
soft_threshold.mistake(
    "grows",
    edit("w.abs() - threshold", "w.abs() + threshold"),
    "Your entries move away from 0. The price θ|v| pulls them toward it.",
)
soft_threshold.mistake(
    "half_of_it",
    edit("- threshold)", "- threshold / 2)"),
    "Entries move by θ/2. The derivative of θ|v| is θ, and that of (v − w)²/2 is v − w.",
)


@soft_threshold.mistake(
    "Your signs are the wrong way round. For w > θ the derivative v − w + θ is 0 at v = w − θ, for w < −θ at "
    "v = w + θ: both move toward 0."
)
def signs_swapped(w, threshold):
    v = torch.zeros_like(w)
    v[w > threshold] = w[w > threshold] + threshold
    v[w < -threshold] = w[w < -threshold] - threshold
    return v


soft_threshold.mistake(
    "turned_round",
    edit("torch.sign(w) * (w", "-torch.sign(w) * (w"),
    "The sizes are right, and every sign is turned round: v has the sign of w.",
)


@soft_threshold.alternative
def by_cases(w, threshold):
    v = torch.zeros_like(w)
    v[w > threshold] = w[w > threshold] - threshold
    v[w < -threshold] = w[w < -threshold] + threshold
    return v


@soft_threshold.alternative
def by_two_relus(w, threshold):
    return torch.relu(w - threshold) - torch.relu(-w - threshold)


@soft_threshold.alternative
def by_what_it_takes_away(w, threshold):
    return w - torch.clamp(w, -threshold, threshold)


def _step(*shape):
    def draw(rng):
        size = (int(rng.integers(21, 30)), *shape)
        lr, l1 = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.6, 1.0))
        w = rng.normal(size=size)
        w[:8] *= 0.2
        return {
            "w": w,
            "gradient": rng.normal(size=size),
            "lr": lr,
            "l1": l1,
            "l2": float(rng.uniform(0.7, 1.3)),
        }

    return draw


proximal_step = lab.exercise(
    regularization.proximal_step,
    title="A step that lands in the corner",
    statement=r"""Treat the two parts of the objective each in its own way. First a gradient step on the loss
alone, $v = w - \eta g$. Then go to where

$$\tfrac{1}{2\eta}\,(u - v)^2 + \lambda_1 |u| + \tfrac{\lambda_2}{2}u^2$$

is least: a soft threshold (which one?), divided by a number (which one?). Return that u, of the shape of w.""",
    points=3,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("8.2", "8.3"),
    hide=("Formula", "Convention"),
    inputs=(_step(3), _step(), _step(2, 3)),
    probe=probes.call(),
    checks=[matches_reference("the new weights"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=("torch.nn", "torch.softshrink", "torch.ops"),
    needs=("regularization/soft_threshold",),
    hints=(
        "Multiply by η: ½(u − v)² + ηλ₁|u| + (ηλ₂/2) u².",
        "For u > 0 the derivative is u − v + ηλ₁ + ηλ₂u = 0.",
    ),
)

proximal_step.mistake(
    "threshold_without_the_rate",
    edit("lr * l1)", "l1)"),
    "Your threshold is λ₁. Multiplied by η the objective has ηλ₁|u|: the threshold is η λ₁.",
)
proximal_step.mistake(
    "no_quotient",
    edit(" / (1 + lr * l2)", ""),
    "The L2 part is missing: it divides by 1 + η λ₂.",
)
proximal_step.mistake(
    "decay_factor",
    edit("/ (1 + lr * l2)", "* (1 - lr * l2)"),
    "1 − η λ₂ is the factor of a *gradient* step. Where the objective is least it is 1/(1 + η λ₂).",
)
proximal_step.mistake(
    "quotient_without_the_rate",
    edit("lr * l2)", "l2)"),
    "You divide by 1 + λ₂. It is 1 + η λ₂.",
)
proximal_step.mistake(
    "quotient_first",
    edit(
        "soft_threshold(after_the_loss, lr * l1) / (1 + lr * l2)",
        "soft_threshold(after_the_loss / (1 + lr * l2), lr * l1)",
    ),
    "You divide first and threshold then. From u − v + ηλ₁ + ηλ₂u = 0: threshold v, and divide the result.",
)
proximal_step.mistake(
    "no_rate_in_either",
    edit("lr * l1)", "l1)").also("(1 + lr * l2)", "(1 + l2)"),
    "The learning rate is missing in the second half: the threshold is η λ₁, the divisor 1 + η λ₂.",
)
proximal_step.mistake(
    "threshold_first",
    edit("w - lr * gradient", "w").also(
        "soft_threshold(after_the_loss, lr * l1) / (1 + lr * l2)",
        "soft_threshold(after_the_loss, lr * l1) / (1 + lr * l2) - lr * gradient",
    ),
    "You threshold the old weight and step afterwards, so that zeros do not last. The step on the loss comes first.",
)
proximal_step.mistake(
    "uphill",
    edit("w - lr * gradient", "w + lr * gradient"),
    "The step on the loss goes uphill: w − η g.",
)
proximal_step.mistake(
    "no_step_on_the_loss",
    edit("w - lr * gradient", "w"),
    "The gradient step on the loss is missing: v = w − η g.",
)
proximal_step.mistake(
    "subgradient_step",
    edit(
        "soft_threshold(after_the_loss, lr * l1) / (1 + lr * l2)",
        "after_the_loss - lr * (l1 * torch.sign(w) + l2 * w)",
    ),
    "This is one gradient step on everything. It jumps across 0 instead of landing there.",
)


@proximal_step.alternative
def by_hand(w, gradient, *, lr, l1, l2):
    v = w - lr * gradient
    u = torch.zeros_like(v)
    above, below = v > lr * l1, v < -lr * l1
    u[above] = (v[above] - lr * l1) / (1 + lr * l2)
    u[below] = (v[below] + lr * l1) / (1 + lr * l2)
    return u
