"""Gradient descent on raw and on preprocessed features: how long."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import LIBRARIES, without
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing


def draw_regression(rng):
    """Much of y cannot be explained: the smallest loss is far from zero."""
    return _regression(rng)[0]


def draw_just_in_time(rng):
    """The goal is reached at the last step that is looked at."""
    drawn, steps = _regression(rng)
    return {**drawn, "max_steps": steps + 1}


def _regression(rng):
    rows, columns = int(rng.integers(24, 40)), int(rng.integers(3, 5))
    _, x = _features(rng, rows, np.geomspace(3, 1, columns) * np.sqrt(rows))
    y = x @ rng.choice([-1, 1], columns) * rng.uniform(0.5, 1.5) + 2 * rng.normal(size=rows) + 1
    rate = float(rng.uniform(0.15, 0.3)) / _steepest(x)
    tolerance, steps = _between_two_steps(x, y, rate, float(rng.uniform(3e-4, 1e-3)))
    drawn = {"x": x, "y": y, "learning_rate": rate, "tolerance": tolerance, "max_steps": 500}
    return drawn, steps


def _features(rng, rows, spreads):
    """Features that stretch along random directions, and those of the rows."""
    left, _ = np.linalg.qr(rng.normal(size=(rows, len(spreads))))
    right, _ = np.linalg.qr(rng.normal(size=(len(spreads), len(spreads))))
    return left, left * spreads @ right.T


def _steepest(x):
    return float(np.linalg.eigvalsh(x.T @ x / len(x))[-1])


def _between_two_steps(x, y, rate, tolerance):
    """A tolerance near the one given that no rounding, of float32 either, reaches a step sooner;
    and the steps to it.
    """
    error, steps = -np.linalg.lstsq(x, y, rcond=None)[0], 0
    excess = first = np.mean((x @ error) ** 2)
    while excess > tolerance * first:
        error, steps = error - rate * x.T @ (x @ error) / len(x), steps + 1
        before, excess = excess, np.mean((x @ error) ** 2)
    return float(np.sqrt(before * excess) / first), steps


def draw_few_rows(rng):
    """y can nearly be explained, and a gradient that is n times too large converges."""
    rows, columns = int(rng.integers(6, 9)), 3
    left, x = _features(rng, rows, np.array([3.0, 2.0, 1.0]) * rng.uniform(0.9, 1.1, columns))
    fit = left @ (rng.choice([-1, 1], columns) * rng.uniform(2, 4, columns))
    noise = rng.normal(size=rows)
    noise -= left @ (left.T @ noise)
    rate = float(rng.uniform(1.0, 1.7)) / rows / _steepest(x)
    tolerance, _ = _between_two_steps(x, fit, rate, float(rng.uniform(0.002, 0.01)))
    y = fit + noise * np.sqrt(tolerance / 3 * np.sum(fit**2) / np.sum(noise**2))
    return {"x": x, "y": y, "learning_rate": rate, "tolerance": tolerance, "max_steps": 500}


def draw_diverging(rng):
    """The rate is so large that the loss overflows, and then is no number."""
    drawn = draw_regression(rng)
    rate = float(rng.uniform(30, 60)) / _steepest(drawn["x"])
    return {**drawn, "learning_rate": rate, "max_steps": int(rng.integers(350, 400))}


def draw_easily_content(rng):
    """Any loss will do: no update is needed."""
    return {**draw_regression(rng), "tolerance": float(rng.uniform(1.1, 2))}


def draw_impatient(rng):
    """The limit is reached before the goal is."""
    return {**draw_regression(rng), "max_steps": int(rng.integers(5, 12))}


gradient_descent_steps = lab.exercise(
    preprocessing.gradient_descent_steps,
    title="Count the steps",
    statement="""Write the instrument with which preprocessings are compared. Run gradient descent on
$L(w) = \\frac{1}{2n}\\lVert Xw-y\\rVert^2$ from **w = 0** with a constant learning rate, and return
after how many updates the loss has come down to

$$L(w_t) - L^* \\le \\texttt{tolerance}\\cdot\\big(L(0) - L^*\\big) ,$$

where $L^*$ is the smallest loss that any w reaches (`torch.linalg.lstsq` finds it). No update yet
is 0 steps. If it is not reached within `max_steps` updates, return `max_steps`, also where the rate
is too large: there the loss becomes infinite and then NaN, which has reached nothing.

Comparing *losses*, and not gradients or weights, is what makes the number mean the same for raw and
for scaled features.""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("3.6",),
    inputs=(
        draw_regression,
        draw_impatient,
        draw_just_in_time,
        without(draw_regression, "tolerance"),
        draw_few_rows,
        draw_diverging,
        draw_easily_content,
        draw_regression,
    ),
    probe=probes.call(),
    checks=[matches_reference("the number of steps"), leaves_inputs_alone()],
    forbidden=(*LIBRARIES, "torch.optim"),
    equivalent_mutants={
        "w = torch.zeros_like(best) => w = -torch.zeros_like(best)": "minus zero is zero",
        "residual = x @ w - y => residual = x @ w + y": "the mirror image: −w on its way to −w*, "
        "with the same losses",
        "best = torch.linalg.lstsq(x, y[:, None]).solution[:, 0] => "
        "best = through_half(torch.linalg.lstsq(x, y[:, None]).solution[:, 0])": "the loss is flat at "
        "its minimum",
        "range(max_steps) => range(0, max_steps + 1)": "max_steps is returned either way",
        "(residual ** 2).mean() / 2 <= goal => (residual ** 2).mean() / 2 < goal": "no loss meets "
        "the goal exactly",
    },
    hints=(
        "The gradient is `x.T @ (x @ w - y) / len(x)`.",
        "Compute `goal` = L* + tolerance · (L(0) − L*) once, before the loop.",
        "Look first, then update: `for step in range(max_steps): if …: return step`.",
    ),
)


gradient_descent_steps.mistake(
    "looked_too_late",
    edit(
        "for step in range(max_steps):",
        "for step in range(max_steps):\n    w = w - learning_rate * x.T @ (x @ w - y) / len(x)",
    ).also("w = w - learning_rate * (x.T @ residual) / len(x)", ""),
    "You look at the loss after the update but count as if before it: your number is one too small.",
)
gradient_descent_steps.mistake(
    "counted_from_one",
    edit("range(max_steps)", "range(1, max_steps + 1)"),
    "You count one step too many: before the first update it is 0 steps.",
)
gradient_descent_steps.mistake(
    "looked_only_after",
    edit(
        "for step in range(max_steps):",
        "for step in range(1, max_steps + 1):\n    w = w - learning_rate * x.T @ (x @ w - y) / len(x)",
    ).also("w = w - learning_rate * (x.T @ residual) / len(x)", ""),
    "You look at the loss only after an update. Where w = 0 is good enough already (a tolerance "
    "of 1 or more), the answer is 0.",
)
gradient_descent_steps.mistake(
    "ended_by_nan",
    edit("if (residual**2).mean() / 2 <= goal", "if not (residual**2).mean() / 2 > goal"),
    "Right where it converges. With too large a rate the loss becomes NaN, for which every "
    "comparison is false: `while loss > goal` ends there, as if it had arrived. Ask `if loss <= "
    "goal`.",
)
gradient_descent_steps.mistake(
    "excess_forgotten",
    edit("floor + tolerance * ((y**2).mean() / 2 - floor)", "tolerance * (y**2).mean() / 2"),
    "You compare the loss itself with its first value. Noise in y keeps it above L*, so it may "
    "never get there: subtract L* on both sides.",
)
gradient_descent_steps.mistake(
    "gradient_doubled",
    edit("learning_rate * (", "2 * learning_rate * ("),
    "Your gradient is twice as large: that of ‖Xw − y‖²/n. The loss has a ½.",
)
gradient_descent_steps.mistake(
    "not_averaged",
    edit("(x.T @ residual) / len(x)", "(x.T @ residual)"),
    "Your gradient is a sum over the rows. The loss is their mean: divide by n.",
)
gradient_descent_steps.mistake(
    "uphill",
    edit("w - learning_rate", "w + learning_rate"),
    "You add the gradient. Its negative leads downhill.",
)
gradient_descent_steps.mistake(
    "share_of_the_first_loss",
    edit("tolerance * ((y**2).mean() / 2 - floor)", "tolerance * (y**2).mean() / 2"),
    "You take the tolerance as a share of L(0). It is one of the excess, L(0) − L*.",
)
gradient_descent_steps.mistake(
    "until_the_weights_are_near",
    edit("(residual**2).mean() / 2 <= goal", "(w - best).norm() <= tolerance * best.norm()"),
    "You compare the weights with the best ones. Along a flat direction they may be far away and "
    "the loss nearly the smallest: compare losses.",
)
gradient_descent_steps.mistake(
    "absolute_tolerance",
    edit("tolerance * ((y**2).mean() / 2 - floor)", "tolerance"),
    "You compare the excess with `tolerance` itself. It is meant as a share of the excess at the "
    "start.",
)
gradient_descent_steps.mistake(
    "relative_to_the_optimum",
    edit("floor + tolerance * ((y**2).mean() / 2 - floor)", "floor * (1 + tolerance)"),
    "You take the tolerance as a share of L*. It is one of L(0) − L*.",
)
gradient_descent_steps.mistake(
    "until_the_gradient_is_small",
    edit(
        "(residual**2).mean() / 2 <= goal",
        "(x.T @ residual).norm() <= tolerance * (x.T @ y).norm()",
    ),
    "You stop when the gradient is small. In a long flat valley it is small long before the loss "
    "is.",
)
gradient_descent_steps.mistake(
    "started_at_ones",
    edit("zeros_like", "ones_like").also("(y**2)", "((x.sum(dim=1) - y) ** 2)"),
    "Start at w = 0.",
)


@gradient_descent_steps.alternative
def by_the_normal_equations(x, y, learning_rate, *, tolerance=1e-3, max_steps=10_000):
    hessian, target = x.T @ x / len(x), x.T @ y / len(x)
    best = torch.linalg.solve(hessian, target)
    error = -best
    excess = first = error @ hessian @ error
    steps = 0
    while not excess <= tolerance * first and steps < max_steps:
        error = error - learning_rate * hessian @ error
        excess = error @ hessian @ error
        steps += 1
    return steps


@gradient_descent_steps.alternative
def in_numpy(x, y, learning_rate, *, tolerance=1e-3, max_steps=10_000):
    x, y = x.numpy().astype(float), y.numpy().astype(float)
    w, best = np.zeros(x.shape[1]), np.linalg.lstsq(x, y, rcond=None)[0]
    losses = [0.5 * np.mean((x @ w - y) ** 2)]
    floor = 0.5 * np.mean((x @ best - y) ** 2)
    for _ in range(max_steps):
        with np.errstate(all="ignore"):
            w = w - learning_rate * x.T @ (x @ w - y) / len(y)
            losses.append(0.5 * np.mean((x @ w - y) ** 2))
    near = np.array(losses) - floor <= tolerance * (losses[0] - floor)
    return int(np.argmax(near)) if near.any() else max_steps


@gradient_descent_steps.alternative
def by_autograd(x, y, learning_rate, *, tolerance=1e-3, max_steps=10_000):
    w = torch.zeros(x.shape[1], dtype=x.dtype, requires_grad=True)
    floor = ((x @ torch.linalg.pinv(x) @ y - y) ** 2).mean()
    first = (y**2).mean()
    for step in range(max_steps):
        loss = ((x @ w - y) ** 2).mean()
        if loss - floor <= tolerance * (first - floor):
            return step
        (gradient,) = torch.autograd.grad(loss / 2, w)
        with torch.no_grad():
            w -= learning_rate * gradient
    return max_steps
