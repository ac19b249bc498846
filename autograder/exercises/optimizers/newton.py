"""Newton's method: one step, its damping, and where it leads from beside a saddle."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.curvature import symmetric
from autograder.exercises.optimizers.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


_EYE = "torch.eye(len(w)).to(hessian)"
_KEPT = f"unconverted(torch.eye(len(w)), {_EYE})"
_DAMPED = f"damped = hessian + damping * {_EYE}"


def draw_step(rng):
    """An indefinite Hessian, far from diagonal, and a damping that shows."""
    size = int(rng.integers(3, 6))
    values = rng.uniform(1.5, 4, size)
    values[0] = -rng.uniform(2, 3)
    return {
        "w": rng.normal(size=size),
        "gradient": rng.normal(size=size) * 2,
        "hessian": symmetric(rng, values),
        "damping": int(rng.integers(20, 65)) / 64,  # the same number in float32
    }


def draw_undamped(rng):
    inputs = draw_step(rng)
    del inputs["damping"]
    return inputs


newton_step = lab.exercise(
    optimizers.newton_step,
    title="One step of Newton's method",
    statement="""Gradient descent knows the slope. Newton's method also knows the curvature, models the
loss by a quadratic, and jumps to the point at which this model has no slope:

$$w \\leftarrow w - (H + \\delta I)^{-1} g .$$

With δ = 0 (the default of `damping`) this is Newton's method; on a quadratic a single step is exact,
whatever its condition number. A positive δ keeps steps short where the curvature is small.

Return the new w as a tensor of its own (changing an argument in place costs no points, but draws a
remark). H may be indefinite. Do not form the inverse if you can help it: `torch.linalg.solve` is
faster and more accurate.""",
    points=3,
    minutes=6,
    core=False,
    syllabus=("6.4", "6.11"),
    inputs=(draw_step, draw_undamped, draw_step),
    probe=probes.call(),
    equivalent_mutants={
        f"{_DAMPED} => {_DAMPED.replace(_EYE, _KEPT)}": "zeros and ones are exact in float32, and the sum "
        "has the dtype of H",
    },
    checks=[matches_reference("the new point"), leaves_inputs_alone()],
    forbidden=("scipy.optimize",),
    hints=(
        "`torch.eye(len(w), dtype=w.dtype)` is I.",
        "`torch.linalg.solve(A, b)` gives A⁻¹ b.",
    ),
)


@newton_step.mistake(
    "You divide by the diagonal of H, entry by entry. The directions of an oblique valley are "
    "coupled: solve (H + δI) x = g."
)
def diagonal_only(w, gradient, hessian, damping=0.0):
    return w - gradient / (hessian.diagonal() + damping)


@newton_step.mistake("The damping is missing: solve with H + δ I.")
def damping_forgotten(w, gradient, hessian, damping=0.0):
    return w - torch.linalg.solve(hessian, gradient)


@newton_step.mistake(
    "`hessian + damping` adds δ to every entry. It belongs on the diagonal: δ times the identity, "
    "`torch.eye`."
)
def damping_everywhere(w, gradient, hessian, damping=0.0):
    return w - torch.linalg.solve(hessian + damping, gradient)


@newton_step.mistake(
    "You shorten the step by the factor 1 − δ. That is a learning rate; damping adds δ to the "
    "curvature of every direction."
)
def damping_as_a_rate(w, gradient, hessian, damping=0.0):
    return w - (1 - damping) * torch.linalg.solve(hessian, gradient)


@newton_step.mistake("You add the step. w − (H + δI)⁻¹ g.")
def adds_the_step(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return w + torch.linalg.solve(damped, gradient)


@newton_step.mistake(
    "You multiply the gradient by H. Steep directions need short steps: solve with H."
)
def multiplies_by_the_hessian(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return w - damped @ gradient


@newton_step.mistake("You return the step. Asked for is the new point, w minus the step.")
def only_the_step(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return torch.linalg.solve(damped, gradient)


@newton_step.mistake("You return the movement. Asked for is the new point: add it to w.")
def minus_the_step(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return -torch.linalg.solve(damped, gradient)


@newton_step.mistake(
    "`H**-1` and `1 / H` invert every entry by itself. The inverse of a matrix is another thing: "
    "`torch.linalg.solve(A, g)` gives A⁻¹ g."
)
def reciprocal_entries(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return w - damped**-1 @ gradient


@newton_step.mistake("You add δ I to the inverse. It is added to H, before inverting.")
def damps_the_inverse(w, gradient, hessian, damping=0.0):
    damping = damping * torch.eye(len(w), dtype=w.dtype)
    return w - (torch.linalg.inv(hessian) + damping) @ gradient


@newton_step.mistake(
    "Cholesky's factorization exists for positive definite matrices only, and H may be "
    "indefinite. `torch.linalg.solve` takes every H that can be inverted.",
    raises="_LinAlgError",
)
def only_for_a_minimum(w, gradient, hessian, damping=0.0):
    factor = torch.linalg.cholesky(hessian + damping * torch.eye(len(w), dtype=w.dtype))
    return w - torch.cholesky_solve(gradient.unsqueeze(1), factor).squeeze(1)


@newton_step.mistake(
    "You take the absolute values of the eigenvalues (saddle-free Newton, Dauphin et al. 2014). "
    "Newton's own step uses H as it is, and goes toward saddles too."
)
def absolute_curvature(w, gradient, hessian, damping=0.0):
    values, axes = torch.linalg.eigh(hessian)
    return w - axes @ ((axes.T @ gradient) / (values.abs() + damping))


@newton_step.mistake("You subtract δ from the curvature, which makes steps longer. H + δ I.")
def subtracts_the_damping(w, gradient, hessian, damping=0.0):
    damped = hessian - damping * torch.eye(len(w), dtype=w.dtype)
    return w - torch.linalg.solve(damped, gradient)


@newton_step.alternative
def with_the_inverse(w, gradient, hessian, damping=0.0):
    size = hessian.shape[0]
    return w - torch.linalg.inv(hessian + damping * torch.eye(size, dtype=w.dtype)) @ gradient


@newton_step.alternative
def along_the_axes(w, gradient, hessian, damping=0.0):
    values, axes = torch.linalg.eigh(hessian)
    return w - axes @ ((axes.T @ gradient) / (values + damping))


@newton_step.alternative
def with_an_identity_in_float32(w, gradient, hessian, damping=0.0):
    damped = hessian + torch.eye(len(w)) * damping
    return w - torch.linalg.solve(damped, gradient[:, None])[:, 0]


@newton_step.alternative
def with_numpy(w, gradient, hessian, damping=0.0):
    h = hessian.numpy(force=True).copy()
    h[np.diag_indices_from(h)] += damping
    return w - torch.as_tensor(np.linalg.solve(h, gradient.numpy(force=True)))


NEWTON_AT_A_SADDLE = (
    "away from the saddle: the loss falls there",
    "to the saddle, in one step",
    "nowhere: the Hessian cannot be inverted",
)


def outcome_at_a_saddle() -> str:
    """One step on x² − y²."""
    w, hessian = torch.tensor([1.0, 0.5]), torch.diag(torch.tensor([2.0, -2.0]))
    moved = optimizers.newton_step(w, hessian @ w, hessian)
    return NEWTON_AT_A_SADDLE[1 if bool(moved.abs().max() < 1e-6) else 0]


lab.prediction(
    "newton_at_a_saddle",
    title="Predict: Newton's method near a saddle",
    statement="""$f(x, y) = x^2 - y^2$ has a saddle at (0, 0) and falls without end along ±y. Where does
one step of Newton's method lead from (1, 0.5)?""",
    minutes=1,
    core=False,
    syllabus=("6.4",),
    choices=NEWTON_AT_A_SADDLE,
    outcome=outcome_at_a_saddle,
    explanation="""Newton's method looks for a point without slope, and the saddle is one. Along y it
divides by a negative curvature and goes uphill. Gradient descent goes away from the saddle.""",
)
