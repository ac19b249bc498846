"""What the Hessian says about a point without a gradient."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.optimizers.curvature import symmetric
from autograder.exercises.optimizers.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers

_SIGNS = "up, down = (eigenvalues > tolerance, eigenvalues < -tolerance)"


def _curved(rng, *signs):
    """A Hessian with eigenvalues of these signs along oblique axes."""
    values = np.array([sign * rng.uniform(0.5, 3) for sign in signs])
    return symmetric(rng, rng.permutation(values))


def _disguised_saddle(rng):
    """Eigenvalues of both signs behind a diagonal that is positive throughout."""
    (a, b), c = rng.uniform(0.5, 1.5, 2), rng.choice([-1, 1]) * rng.uniform(2, 4)
    return np.array([[a, c, 0.0], [c, b, 0.0], [0.0, 0.0, rng.uniform(0.5, 3)]])


def draw_points(rng):
    """Points of every kind in any order; some are flat in a direction, one has an even saddle."""
    hessians = [
        _disguised_saddle(rng),
        _curved(rng, 1, 1, 1),
        _curved(rng, 1, 1),
        _curved(rng, -1, -1),
        _curved(rng, -1, -1, -1),
        _curved(rng, 1, 1, 0),
        _curved(rng, -1, 0, -1),
        _curved(rng, 1, -1, 0, 1),
        _curved(rng, -1, -1, 1, 1),
        np.zeros((2, 2)),
    ]
    return {"hessians": [hessians[n] for n in rng.permutation(len(hessians))]}


def draw_nearly_flat(rng):
    """Eigenvalues below the tolerance that is given, and one above it by less than float16 sees."""
    inputs = draw_points(rng)
    hessians = [*inputs["hessians"], _curved(rng, 1, 1, 0.01), _curved(rng, 1, -0.01, 1)]
    hessians.append(symmetric(rng, np.array([rng.uniform(0.5, 3), 0.100005, rng.uniform(0.5, 3)])))
    order = rng.permutation(len(hessians))
    return {"hessians": [hessians[n] for n in order], "tolerance": 0.1}


classify_critical_points = lab.exercise(
    optimizers.classify_critical_points,
    title="Minimum, maximum or saddle?",
    statement="""Where the gradient is zero the Hessian decides what the point is. For each of the
`hessians` (a list of symmetric matrices, not all of one size) say what it is, and return the list of
these words:

| eigenvalues | result |
|---|---|
| some positive, some negative (whatever the others are) | `"saddle"` |
| all positive | `"minimum"` |
| all negative | `"maximum"` |
| some zero, the others of one sign, or all zero | `"degenerate"`: the Hessian cannot tell |

An eigenvalue between −`tolerance` and `tolerance` counts as zero.""",
    points=3,
    minutes=6,
    core=False,
    syllabus=("6.4",),
    inputs=(draw_points, draw_nearly_flat, draw_points),
    probe=probes.call(),
    equivalent_mutants={
        f"{_SIGNS} => {_SIGNS.replace(old, new)}": "what lies just at the tolerance is left open, "
        "and rounding decides"
        for old, new in ((" > ", " >= "), (" < ", " <= "))
    },
    checks=[matches_reference("the kind of every point"), leaves_inputs_alone()],
    hints=(
        "`torch.linalg.eigvalsh` is for symmetric matrices and gives real numbers.",
        "Ask for the saddle first, then for `all()`.",
    ),
)


@classify_critical_points.mistake(
    "A zero gradient alone does not make a minimum: x² − y² has one at its saddle.",
    origin="folklore",
)
def always_a_minimum(hessians, tolerance=1e-6):
    return ["minimum" for _ in hessians]


classify_critical_points.mistake(
    "from_the_diagonal",
    edit("torch.linalg.eigvalsh(hessian)", "hessian.diagonal()"),
    "You read the diagonal. [[1, 3], [3, 1]] has a positive one and the eigenvalues 4 and −2: a "
    "saddle. Compute the eigenvalues.",
)


@classify_critical_points.mistake(
    "You go by the determinant and one entry, the test for functions of two variables. With two "
    "directions down the determinant is positive again: in more than two dimensions all "
    "eigenvalues have to be looked at."
)
def from_the_determinant(hessians, tolerance=1e-6):
    kinds = []
    for hessian in hessians:
        determinant = torch.linalg.det(hessian)
        if determinant.abs() <= tolerance:
            kinds.append("degenerate")
        elif determinant < 0:
            kinds.append("saddle")
        else:
            kinds.append("minimum" if hessian[0, 0] > 0 else "maximum")
    return kinds


classify_critical_points.mistake(
    "zeros_count_as_up",
    edit("eigenvalues > tolerance", "eigenvalues >= -tolerance"),
    "Eigenvalues of zero pass for positive ones with you. There the Hessian cannot tell: "
    '"degenerate".',
)


@classify_critical_points.mistake(
    "You ask for “not negative” and “not positive”: with an eigenvalue of zero the Hessian cannot "
    'tell, "degenerate".'
)
def zeros_count_as_either(hessians, tolerance=1e-6):
    kinds = []
    for hessian in hessians:
        values = torch.linalg.eigvalsh(hessian)
        if (values >= -tolerance).all():
            kinds.append("minimum")
        else:
            kinds.append("maximum" if (values <= tolerance).all() else "saddle")
    return kinds


classify_critical_points.mistake(
    "saddle_otherwise",
    edit('"degenerate"', '"saddle"'),
    "You call everything else a saddle. A saddle needs both signs; zeros and one sign are "
    '"degenerate".',
)
classify_critical_points.mistake(
    "degenerate_if_all_zero",
    edit("up.any() and down.any()", "not (up | down).any()")
    .also('append("saddle")', 'append("degenerate")')
    .also('else "degenerate"', 'else "saddle"'),
    "You say “degenerate” only where all eigenvalues are zero. One zero beside one sign is "
    "enough: a saddle needs both signs.",
)
classify_critical_points.mistake(
    "no_tolerance",
    edit("eigenvalues > tolerance, eigenvalues < -tolerance", "eigenvalues > 0, eigenvalues < 0"),
    "You compare with 0. Computed eigenvalues are hardly ever exactly 0: within ± `tolerance` "
    "they count as zero.",
)
classify_critical_points.mistake(
    "degenerate_first",
    edit("up.any() and down.any()", "not (up | down).all()")
    .also('append("saddle")', 'append("degenerate")')
    .also('else "degenerate"', 'else "saddle"'),
    "You say “degenerate” as soon as one eigenvalue is zero. With both signs among the others it "
    "is a saddle for certain.",
)
classify_critical_points.mistake(
    "ignores_the_tolerance",
    edit(
        "eigenvalues > tolerance, eigenvalues < -tolerance",
        "eigenvalues > 1e-6, eigenvalues < -1e-6",
    ),
    "You always use 1e-6. Use `tolerance`.",
)
classify_critical_points.mistake(
    "up_and_down_exchanged",
    edit("up, down =", "down, up ="),
    "Minimum and maximum are exchanged: positive curvature everywhere is a valley.",
)


@classify_critical_points.mistake(
    "The trace is the sum of the eigenvalues and hides their signs. Look at each of them."
)
def from_the_trace(hessians, tolerance=1e-6):
    kinds = []
    for hessian in hessians:
        trace = hessian.trace()
        if trace.abs() <= tolerance:
            kinds.append("saddle")
        else:
            kinds.append("minimum" if trace > 0 else "maximum")
    return kinds


@classify_critical_points.alternative
def from_the_extremes(hessians, tolerance=1e-6):
    kinds = []
    for hessian in hessians:
        values = np.linalg.eigvalsh(hessian.numpy(force=True))
        lowest, highest = values[0], values[-1]
        if lowest < -tolerance and highest > tolerance:
            kinds.append("saddle")
        elif lowest > tolerance:
            kinds.append("minimum")
        else:
            kinds.append("maximum" if highest < -tolerance else "degenerate")
    return kinds


@classify_critical_points.alternative
def by_counting(hessians, tolerance=1e-6):
    names = {(True, True): "saddle", (True, False): "minimum", (False, True): "maximum"}
    kinds = []
    for hessian in hessians:
        values = torch.linalg.eigvals(hessian).real.tolist()
        up = sum(v > tolerance for v in values)
        down = sum(v < -tolerance for v in values)
        flat = not (up and down) and up + down < len(values)
        kinds.append("degenerate" if flat else names[bool(up), bool(down)])
    return tuple(kinds)
