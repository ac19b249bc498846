"""Newton's method: one step, its damping, and a path that diverges without it."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.curvature import symmetric
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Alternative, Mistake, Part
from autograder.judging.checks import check, find, finding, leaves_inputs_alone, matches_reference
from course_lib import optimizers


def draw_step(rng):
    """An indefinite Hessian, far from diagonal, and a damping that shows."""
    size = int(rng.integers(3, 6))
    values = rng.uniform(1.5, 4, size)
    values[0] = -rng.uniform(2, 3)
    return {
        "w": rng.normal(size=size),
        "gradient": rng.normal(size=size) * 2,
        "hessian": symmetric(rng, values),
        "damping": float(rng.uniform(0.3, 1.0)),
    }


def draw_undamped(rng):
    inputs = draw_step(rng)
    del inputs["damping"]
    return inputs


def adds_the_step(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return w + torch.linalg.solve(damped, gradient)


def multiplies_by_the_hessian(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return w - damped @ gradient


def diagonal_only(w, gradient, hessian, damping=0.0):
    return w - gradient / (hessian.diagonal() + damping)


def damping_forgotten(w, gradient, hessian, damping=0.0):
    return w - torch.linalg.solve(hessian, gradient)


def damping_everywhere(w, gradient, hessian, damping=0.0):
    return w - torch.linalg.solve(hessian + damping, gradient)


def damping_as_a_rate(w, gradient, hessian, damping=0.0):
    return w - (1 - damping) * torch.linalg.solve(hessian, gradient)


def only_the_step(w, gradient, hessian, damping=0.0):
    damped = hessian + damping * torch.eye(len(w), dtype=w.dtype)
    return torch.linalg.solve(damped, gradient)


def absolute_curvature(w, gradient, hessian, damping=0.0):
    values, axes = torch.linalg.eigh(hessian)
    return w - axes @ ((axes.T @ gradient) / (values.abs() + damping))


def subtracts_the_damping(w, gradient, hessian, damping=0.0):
    damped = hessian - damping * torch.eye(len(w), dtype=w.dtype)
    return w - torch.linalg.solve(damped, gradient)


def with_the_inverse(w, gradient, hessian, damping=0.0):
    size = hessian.shape[0]
    return w - torch.linalg.inv(hessian + damping * torch.eye(size, dtype=w.dtype)) @ gradient


def along_the_axes(w, gradient, hessian, damping=0.0):
    values, axes = torch.linalg.eigh(hessian)
    return w - axes @ ((axes.T @ gradient) / (values + damping))


def with_numpy(w, gradient, hessian, damping=0.0):
    h = hessian.numpy(force=True).copy()
    h[np.diag_indices_from(h)] += damping
    return w - torch.as_tensor(np.linalg.solve(h, gradient.numpy(force=True)))


lab.exercise(
    optimizers.newton_step,
    title="One step of Newton's method",
    statement="""Gradient descent knows the slope. Newton's method also knows the curvature, models the
loss by a quadratic, and jumps to the point at which this model has no slope:

$$w \\leftarrow w - (H + \\delta I)^{-1} g .$$

With δ = 0 (the default of `damping`) this is Newton's method; on a quadratic a single step is exact,
whatever its condition number. A positive δ keeps steps short where the curvature is small.

Return the new w, and leave the arguments alone. H may be indefinite. Do not form the inverse if you
can help it: `torch.linalg.solve` is faster and more accurate.""",
    points=3,
    minutes=6,
    difficulty=1,
    core=True,
    syllabus=("6.4", "6.11"),
    inputs=(draw_step, draw_undamped, draw_step),
    probe=probes.call(),
    checks=[matches_reference("the new point"), leaves_inputs_alone()],
    mistakes=[
        Mistake(
            "diagonal_only",
            diagonal_only,
            "You divide by the diagonal of H, entry by entry. The directions of an oblique valley "
            "are coupled: solve (H + δI) x = g.",
        ),
        Mistake(
            "damping_forgotten",
            damping_forgotten,
            "The damping is missing: solve with H + δ I.",
        ),
        Mistake(
            "damping_everywhere",
            damping_everywhere,
            "`hessian + damping` adds δ to every entry. It belongs on the diagonal: δ times the "
            "identity, `torch.eye`.",
        ),
        Mistake(
            "damping_as_a_rate",
            damping_as_a_rate,
            "You shorten the step by the factor 1 − δ. That is a learning rate; damping adds δ to "
            "the curvature of every direction.",
        ),
        Mistake(
            "adds_the_step",
            adds_the_step,
            "You add the step. w − (H + δI)⁻¹ g.",
        ),
        Mistake(
            "multiplies_by_the_hessian",
            multiplies_by_the_hessian,
            "You multiply the gradient by H. Steep directions need short steps: solve with H.",
        ),
        Mistake(
            "only_the_step",
            only_the_step,
            "You return the step. Asked for is the new point, w minus the step.",
        ),
        Mistake(
            "absolute_curvature",
            absolute_curvature,
            "You take the absolute values of the eigenvalues (saddle-free Newton, Dauphin et al. "
            "2014). Newton's own step uses H as it is, and goes toward saddles too.",
        ),
        Mistake(
            "subtracts_the_damping",
            subtracts_the_damping,
            "You subtract δ from the curvature, which makes steps longer. H + δ I.",
        ),
    ],
    alternatives=[
        Alternative("with the inverse", with_the_inverse),
        Alternative("along the axes", along_the_axes),
        Alternative("numpy", with_numpy),
    ],
    forbidden=("scipy.optimize",),
    hints=(
        "`torch.eye(len(w), dtype=w.dtype)` is I.",
        "`torch.linalg.solve(A, b)` gives A⁻¹ b.",
    ),
)


def draw_starts(rng):
    """Starts on both sides of 1, at which Newton's method stops converging, and of 0."""
    signs = rng.permutation([-1, 1, 1])
    return {
        "start": signs
        * np.array([rng.uniform(0.5, 0.9), rng.uniform(1.1, 1.3), rng.uniform(2, 3)]),
        "steps": int(rng.integers(2, 5)),
        "damping": float(rng.uniform(0.2, 0.6)),
    }


def draw_free(rng):
    inputs = draw_starts(rng)
    del inputs["damping"]
    return {**inputs, "steps": 3}


def curvature_reused(start, steps, damping=0.0):
    curvature = (1 + start**2) ** -1.5
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - w / torch.sqrt(1 + w**2) / (curvature + damping))
    return torch.stack(path)


def slope_reused(start, steps, damping=0.0):
    slope = start / torch.sqrt(1 + start**2)
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - slope / ((1 + w**2) ** -1.5 + damping))
    return torch.stack(path)


def undamped(start, steps, damping=0.0):
    path = [start]
    for _ in range(steps):
        path.append(-(path[-1] ** 3))
    return torch.stack(path)


def gradient_descent(start, steps, damping=0.0):
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - w / torch.sqrt(1 + w**2))
    return torch.stack(path)


def start_left_out(start, steps, damping=0.0):
    path, w = [], start
    for _ in range(steps):
        w = w - w / torch.sqrt(1 + w**2) / ((1 + w**2) ** -1.5 + damping)
        path.append(w)
    return torch.stack(path)


def last_point_only(start, steps, damping=0.0):
    w = start
    for _ in range(steps):
        w = w - w / torch.sqrt(1 + w**2) / ((1 + w**2) ** -1.5 + damping)
    return w


def root_forgotten(start, steps, damping=0.0):
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - w / torch.sqrt(1 + w**2) / ((1 + w**2) ** -0.5 + damping))
    return torch.stack(path)


def damping_in_front(start, steps, damping=0.0):
    path = [start]
    for _ in range(steps):
        w = path[-1]
        path.append(w - (1 - damping) * (w + w**3))
    return torch.stack(path)


def by_autograd(start, steps, damping=0.0):
    path = [start.clone()]
    for _ in range(steps):
        w = path[-1].clone().requires_grad_()
        (slope,) = torch.autograd.grad((1 + w**2).sqrt().sum(), w, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), w)
        path.append((w - slope / (curvature + damping)).detach())
    return torch.stack(path)


def entry_by_entry(start, steps, damping=0.0):
    paths = torch.empty(steps + 1, len(start), dtype=start.dtype)
    for n, w in enumerate(start.tolist()):
        for k in range(steps + 1):
            paths[k, n] = w
            w -= w * (1 + w * w) / (1 + damping * (1 + w * w) ** 1.5)
    return paths


@check("the first step")
def first_step(case):
    path = np.asarray(find(case.observed, "result"))
    wanted = np.asarray(find(case.expected, "result"))
    if path.shape != wanted.shape:
        return finding(False, f"shape {wanted.shape}", f"shape {path.shape}", "another shape")
    near = np.allclose(path[:2], wanted[:2], rtol=1e-4)
    return finding(near, str(wanted[1]), str(path[1]), "already the first step differs")


lab.exercise(
    optimizers.newton_path,
    title="Newton's method off the quadratic",
    statement="""*"Second-order methods have no learning rate."* On a quadratic they need none. Try
$f(w) = \\sqrt{1+w^2}$, convex and smooth, with its only minimum at 0 and

$$f'(w) = \\frac{w}{\\sqrt{1+w^2}},\\qquad f''(w) = \\frac{1}{(1+w^2)^{3/2}} .$$

Follow $w \\leftarrow w - f'(w)\\,/\\,(f''(w)+\\delta)$ for `steps` steps, for every entry of `start`
by itself, and return all points including the start, shape (steps + 1, D).""",
    parts=[
        Part("one step", 1, (first_step,)),
        Part("the path", 2, (matches_reference("the path"), leaves_inputs_alone())),
    ],
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("6.11",),
    hide=("Convention",),
    inputs=(draw_starts, draw_free, draw_starts),
    probe=probes.call(),
    mistakes=[
        Mistake(
            "curvature_reused",
            curvature_reused,
            "You compute the curvature once, at the start, and reuse it. Newton's method needs it "
            "at every point anew; that is what makes it expensive, and fast near a minimum.",
            origin="folklore",
        ),
        Mistake(
            "slope_reused",
            slope_reused,
            "You compute the slope once, at the start. Both f′ and f″ belong to the current point.",
        ),
        Mistake(
            "undamped",
            undamped,
            "The damping is missing. Divide by f″(w) + δ.",
        ),
        Mistake(
            "gradient_descent",
            gradient_descent,
            "This is gradient descent with rate 1: the curvature is missing.",
        ),
        Mistake(
            "start_left_out",
            start_left_out,
            "The first row is to be the start itself: steps + 1 rows in all.",
        ),
        Mistake(
            "last_point_only",
            last_point_only,
            "You return the last point. Asked for is the whole path.",
        ),
        Mistake(
            "root_forgotten",
            root_forgotten,
            "Your curvature is (1 + w²)^(−1/2). Differentiate once more: f″(w) = (1 + w²)^(−3/2).",
        ),
        Mistake(
            "damping_in_front",
            damping_in_front,
            "You shorten the step by 1 − δ, a learning rate. Damping is added to the curvature.",
        ),
    ],
    alternatives=[
        Alternative("by autograd", by_autograd),
        Alternative("entry by entry", entry_by_entry),
    ],
    hints=(
        "A list that starts with `start`, a loop that appends, `torch.stack` at the end.",
        "Inside the loop compute slope and curvature at `path[-1]`.",
    ),
)
