"""Gradient descent on raw and on preprocessed features: how long, and to where."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    NOT_TRAINED,
    draw_table,
    without,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import preprocessing


def draw_regression(rng, limit=500):
    """Much of y cannot be explained: the smallest loss is far from zero."""
    rows, columns = int(rng.integers(24, 40)), int(rng.integers(3, 5))
    x = rng.normal(size=(rows, columns)) * rng.uniform(0.8, 1.2, columns)
    x[:, 1] += x[:, 0] * rng.uniform(1.5, 2.5)
    y = x @ rng.choice([-1, 1], columns) * rng.uniform(0.5, 1.5) + 2 * rng.normal(size=rows) + 1
    rate = float(rng.uniform(0.15, 0.3)) / _steepest(x)
    return _descent(x, y, rate, float(rng.uniform(0.002, 0.01)), limit)


def _steepest(x):
    return float(np.linalg.eigvalsh(x.T @ x / len(x))[-1])


def _descent(x, y, rate, tolerance, limit):
    """A tolerance near the one given that no rounding, of float32 either, reaches a step sooner.

    Without a limit there is one step more than are needed.
    """
    steps, error = 0, -np.linalg.lstsq(x, y, rcond=None)[0]
    excess = first = np.mean((x @ error) ** 2)
    while excess > tolerance * first:
        error = error - rate * x.T @ (x @ error) / len(x)
        steps, before, excess = steps + 1, excess, np.mean((x @ error) ** 2)
    tolerance = float(np.sqrt(before * excess) / first)
    limit = limit or steps + 1
    return {"x": x, "y": y, "learning_rate": rate, "tolerance": tolerance, "max_steps": limit}


def _few_rows(rng, rows, rate, tolerance, unexplained):
    """So much of y, measured by the rest, cannot be explained."""
    columns = 3
    left, _ = np.linalg.qr(rng.normal(size=(rows, columns)))
    right, _ = np.linalg.qr(rng.normal(size=(columns, columns)))
    x = left * np.array([3.0, 2.0, 1.0]) * rng.uniform(0.9, 1.1, columns) @ right.T
    fit = left @ (rng.choice([-1, 1], columns) * rng.uniform(2, 4, columns))
    noise = rng.normal(size=rows)
    noise -= left @ (left.T @ noise)
    y = fit + noise * np.sqrt(unexplained * np.sum(fit**2) / np.sum(noise**2))
    return _descent(x, y, rate / _steepest(x), tolerance, limit=500)


def draw_few_rows(rng):
    """y can nearly be explained, and a gradient that is n times too large converges."""
    rows, tolerance = int(rng.integers(6, 9)), float(rng.uniform(0.002, 0.01))
    return _few_rows(rng, rows, float(rng.uniform(1.0, 1.7)) / rows, tolerance, tolerance / 3)


def draw_demanding(rng):
    """The goal is so near to the smallest loss that few digits miss it."""
    rows, tolerance = int(rng.integers(6, 9)), float(10 ** rng.uniform(-9, -8))
    return _few_rows(rng, rows, float(rng.uniform(0.5, 0.9)), tolerance, 1.0)


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


def draw_just_in_time(rng):
    """The goal is reached one step before the limit."""
    return draw_regression(rng, limit=None)


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
        draw_demanding,
        draw_impatient,
        without(draw_regression, "tolerance"),
        draw_few_rows,
        draw_diverging,
        draw_easily_content,
        draw_just_in_time,
    ),
    probe=probes.call(),
    checks=[matches_reference("the number of steps"), leaves_inputs_alone()],
    forbidden=(*LIBRARIES, "torch.optim"),
    equivalent_mutants={
        "w = torch.zeros_like(best) => w = -torch.zeros_like(best)": "minus zero is zero",
        "residual = x @ w - y => residual = x @ w + y": "the mirror image: −w on its way to −w*, "
        "with the same losses",
        "range(max_steps) => range(0, max_steps + 1)": "what is reached by the last step, or not at "
        "all, gives max_steps",
        "(residual ** 2).mean() / 2 <= goal => (residual ** 2).mean() / 2 < goal": "rounding decides "
        "where both sides are equal",
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


def draw_layer(rng):
    columns, outputs = int(rng.integers(5, 8)), int(rng.integers(2, 5))
    return {
        "weight": rng.normal(size=(outputs, columns)),
        "bias": rng.normal(size=outputs),
        "mean": draw_table(rng, 1, columns)[0],
        "std": rng.uniform(0.3, 4, columns),
    }


fold_standardization = lab.exercise(
    preprocessing.fold_standardization,
    title="The same function, written for raw features",
    statement="""“Standardized features let a linear model express more.” Test it: take a linear
layer that was trained on standardized inputs, $y = W\\,\\frac{x-\\mu}{\\sigma} + b$, and find the
layer $y = W'x + b'$ that gives the same outputs for the **raw** inputs. Return `(W', b')`.

`weight` is (out, in) as in torch, `bias` (out,), `mean` and `std` (in,).""",
    points=3,
    minutes=7,
    difficulty=2,
    core=False,
    syllabus=("3.6",),
    hide=("Formula", "Source"),
    inputs=draw_layer,
    probe=probes.call(),
    checks=[
        matches_reference("the weight", of="result.0"),
        matches_reference("the bias", of="result.1"),
        leaves_inputs_alone(),
    ],
    equivalent_mutants=NOT_TRAINED,
    forbidden=LIBRARIES,
    hints=(
        "Multiply out: W((x − μ)/σ) + b. What stands in front of x_i?",
        "`weight / std` divides column i by `std[i]`.",
    ),
)


@fold_standardization.mistake(
    "You leave the bias as it is. Subtracting μ from the input shifts the output by −W'μ."
)
def bias_kept(weight, bias, mean, std):
    return weight / std, bias


@fold_standardization.mistake(
    "In the bias you use W where W' = W/σ belongs: the mean is divided by σ too."
)
def old_weight_in_the_bias(weight, bias, mean, std):
    return weight / std, bias - weight @ mean


@fold_standardization.mistake(
    "This is the way back: a layer for raw inputs, rewritten for standardized ones. Asked for is "
    "y = W'x + b' for raw x, with W' = W/σ."
)
def other_direction(weight, bias, mean, std):
    return weight * std, bias + weight @ mean


@fold_standardization.mistake("You multiply by σ. The inputs were divided by it.")
def multiplied(weight, bias, mean, std):
    folded = weight * std
    return folded, bias - folded @ mean


@fold_standardization.mistake("The sign of the mean's part is the other way round: b' = b − W'μ.")
def added(weight, bias, mean, std):
    folded = weight / std
    return folded, bias + folded @ mean


@fold_standardization.mistake("You leave the weight as it is. Column i is divided by σ_i.")
def weight_kept(weight, bias, mean, std):
    return weight, bias - weight @ (mean / std)


@fold_standardization.mistake(
    "In the bias you multiply the mean by σ. It is divided by it: W (μ/σ)."
)
def mean_multiplied_by_std(weight, bias, mean, std):
    return weight / std, bias - weight @ (mean * std)


@fold_standardization.mistake(
    "You divide the bias by a standard deviation. It is added behind the scaling."
)
def bias_divided(weight, bias, mean, std):
    folded = weight / std
    return folded, (bias - weight @ mean) / std.mean()


@fold_standardization.mistake("You divide by σ². The inputs are divided by σ.")
def by_the_variance(weight, bias, mean, std):
    folded = weight / std**2
    return folded, bias - folded @ mean


@fold_standardization.alternative
def by_probing(weight, bias, mean, std):
    def layer(x):
        return weight @ ((x - mean) / std) + bias

    at_zero = layer(torch.zeros_like(mean))
    columns = [layer(unit) - at_zero for unit in torch.eye(len(mean), dtype=mean.dtype)]
    return torch.stack(columns, dim=1), at_zero


@fold_standardization.alternative
def by_diagonal_matrix(weight, bias, mean, std):
    return weight @ torch.diag(1 / std), bias - weight @ (mean / std)
