"""Newton's method off the quadratic: a path that diverges without damping."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import check, find, finding, leaves_inputs_alone, matches_reference
from autograder.judging.comparison import Tolerance, same
from course_lib import optimizers


def draw_starts(rng):
    """Starts on both sides of 1, at which Newton's method stops converging, and of 0.

    None so large that f″, which autograd finds as a small difference, is lost in rounding.
    """
    signs = rng.permutation([-1, 1, 1])
    return {
        "start": signs
        * np.array([rng.uniform(0.5, 0.9), rng.uniform(1.1, 1.3), rng.uniform(1.6, 2.2)]),
        "steps": int(rng.integers(2, 5)),
        "damping": float(rng.uniform(0.2, 0.6)),
    }


def draw_free(rng):
    inputs = draw_starts(rng)
    del inputs["damping"]
    return {**inputs, "steps": 3}


@check("the first step")
def first_step(case):
    path = np.asarray(find(case.observed, "result"))
    wanted = np.asarray(find(case.expected, "result"))
    if path.shape != wanted.shape:
        return finding(False, f"shape {wanted.shape}", f"shape {path.shape}", "another shape")
    if same(path[:2], wanted[:2], Tolerance(dtype=case.dtype)):
        return finding(True)
    return finding(False, str(wanted[1]), str(path[1]), "already the first step differs")


NEWTON_FROM_TWO = (
    "at 0, up to rounding",
    "closer to 0 than at the start, but not there",
    "more than a million away",
)


def outcome_from_two() -> str:
    """Three undamped steps from 2."""
    reached = float(optimizers.newton_path(torch.tensor([2.0]), 3)[-1, 0])
    return NEWTON_FROM_TWO[0 if abs(reached) < 1e-6 else 1 if abs(reached) < 2 else 2]


lab.prediction(
    "newton_from_two",
    title="Predict: a method without a learning rate",
    statement="""*"Second-order methods have no learning rate."* (lecture notes) Newton's method on
$f(w) = \\sqrt{1+w^2}$, convex, with its minimum at 0, starts at w = 2. Where is it after **three**
steps?""",
    minutes=2,
    core=False,
    syllabus=("6.11",),
    choices=NEWTON_FROM_TWO,
    outcome=outcome_from_two,
    explanation="""Each step maps w to −w³: 2, −8, 512, −134 million. Far from the minimum the curvature is
so small that the quadratic model has its minimum far beyond the real one. Newton's method needs
damping or a line search, which is a learning rate by another name.""",
)


newton_path = lab.exercise(
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
    equivalent_mutants={
        "everything is done under torch.no_grad()": "a path is looked at, not differentiated"
    },
    hints=(
        "A list that starts with `start`, a loop that appends, `torch.stack` at the end.",
        "Inside the loop compute slope and curvature at `path[-1]`.",
    ),
)


newton_path.mistake(
    "curvature_reused",
    edit("(1 + w**2) ** -1.5", "(1 + start**2) ** -1.5"),
    "You compute the curvature once, at the start, and reuse it. Newton's method needs it at "
    "every point anew; that is what makes it expensive, and fast near a minimum.",
    origin="folklore",
)
newton_path.mistake(
    "slope_reused",
    edit("w / torch.sqrt(1 + w**2)", "start / torch.sqrt(1 + start**2)"),
    "You compute the slope once, at the start. Both f′ and f″ belong to the current point.",
)
newton_path.mistake(
    "undamped",
    edit(" + damping)", ")"),
    "The damping is missing. Divide by f″(w) + δ.",
)
newton_path.mistake(
    "gradient_descent",
    edit("slope / (curvature + damping)", "slope"),
    "This is gradient descent with rate 1: the curvature is missing.",
)
newton_path.mistake(
    "start_left_out",
    edit("torch.stack(path)", "torch.stack(path[1:])"),
    "The first row is to be the start itself: steps + 1 rows in all.",
)
newton_path.mistake(
    "last_point_only",
    edit("torch.stack(path)", "path[-1]"),
    "You return the last point. Asked for is the whole path.",
)
newton_path.mistake(
    "one_tensor",
    edit("[start]", "[start.clone()]").also(
        "path.append(w - slope / (curvature + damping))",
        "w -= slope / (curvature + damping)\npath.append(w)",
    ),
    "`w -= …` changes w in place, and the list holds the same tensor at every entry: all rows are "
    "the last point. Make a new tensor each time: `w = w - …`.",
)
newton_path.mistake(
    "one_row_short",
    edit("range(steps)", "range(steps - 1)"),
    "One step is missing: the start and `steps` steps are steps + 1 rows.",
)
newton_path.mistake(
    "always_from_the_start",
    edit("path[-1]", "path[0]"),
    "Every step of yours sets out from `start`. The next one sets out from where the last one "
    "arrived, `path[-1]`.",
)
newton_path.mistake(
    "damping_behind",
    edit("(curvature + damping)", "curvature + damping"),
    "`f1 / f2 + damping` divides first. Put the denominator in parentheses: f″(w) + δ.",
)
newton_path.mistake(
    "adds_the_movement",
    edit("w - slope", "w + slope"),
    "You add the step. w − f′/(f″ + δ).",
)
newton_path.mistake(
    "root_forgotten",
    edit("-1.5", "-0.5"),
    "Your curvature is (1 + w²)^(−1/2). Differentiate once more: f″(w) = (1 + w²)^(−3/2).",
)
newton_path.mistake(
    "damping_in_front",
    edit("slope / (curvature + damping)", "(1 - damping) * slope / curvature"),
    "You shorten the step by 1 − δ, a learning rate. Damping is added to the curvature.",
)


@newton_path.alternative
def by_autograd(start, steps, damping=0.0):
    path = [start.clone()]
    for _ in range(steps):
        w = path[-1].clone().requires_grad_()
        (slope,) = torch.autograd.grad((1 + w**2).sqrt().sum(), w, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), w)
        path.append((w - slope / (curvature + damping)).detach())
    return torch.stack(path)


@newton_path.alternative
def entry_by_entry(start, steps, damping=0.0):
    paths = torch.empty(steps + 1, len(start), dtype=start.dtype)
    for n, w in enumerate(start.tolist()):
        for k in range(steps + 1):
            paths[k, n] = w
            w -= w * (1 + w * w) / (1 + damping * (1 + w * w) ** 1.5)
    return paths
