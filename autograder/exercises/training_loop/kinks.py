"""Judging a gradient entry by entry, and saying so where a kink makes it impossible."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import AUTOGRAD
from autograder.exercises.training_loop.gradients import CHECKERS
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop
from course_lib.training_loop import gradient_verdicts as right_verdicts
from course_lib.training_loop import numeric_gradient
from course_lib.training_loop import relative_error


def _kinked(rng, h, tolerance):
    """Right and wrong entries, away from the kinks of the ReLU and right beside them.

    The limits are far from their defaults, and some entries lie between.
    """
    size = int(rng.integers(18, 23))
    x = rng.uniform(0.3, 2, size) * rng.choice([-1, 1], size)
    slopes = np.where(x > 0, 1.0, 0.0) + 0.2 * x
    places = rng.permutation(size)
    at_kink, bends_little, small, wrong, nearly = np.split(places[:15], [4, 7, 9, 12])
    x[at_kink] = rng.uniform(0.05, 0.4, 4) * h * rng.choice([-1, 1], 4)
    x[bends_little] = rng.uniform(0.8, 0.9, 3) * h
    x[small] = rng.uniform(-0.6, -0.3, 2)
    slopes[places[:9]] = np.where(x[places[:9]] > 0, 1.0, 0.0) + 0.2 * x[places[:9]]
    coefficients = rng.uniform(0.5, 2, size)
    coefficients[bends_little] = *rng.uniform(4, 6, 2), rng.uniform(0.5, 1)
    analytic = coefficients * slopes
    # Wrong by more than the tolerance, in small entries by less than that in absolute numbers.
    analytic[small] *= 1 + rng.uniform(0.006, 0.01, 2)
    analytic[wrong] *= 1 + rng.choice([-1, 1], 3) * rng.uniform(0.02, 0.5, 3)
    # Within a coarse tolerance: one within h, too, and two not.
    off = [*rng.uniform(2e-4, 4e-4, 1), *rng.uniform(1.3e-3, 2e-3, 2)]
    analytic[nearly] *= 1 + rng.choice([-1, 1], 3) * off
    # Beside a kink, and yet what the central difference says.
    chosen = at_kink[0]
    analytic[chosen] = coefficients[chosen] * (0.5 + x[chosen] / (2 * h) + 0.2 * x[chosen])
    return {
        "function": {"make": "function", "kind": "hinges", "coefficients": coefficients},
        "x": x,
        "analytic": analytic,
        "h": h,
        "tolerance": tolerance,
        "kink": 0.3,
    }


def _coarse(rng):
    return _kinked(rng, float(rng.uniform(5e-4, 1e-3)), 3e-3)


def _fine(rng):
    """So small a step that float32 is not enough, for any of the function's values."""
    drawn = _kinked(rng, 1e-5, 1e-5)
    coefficients = drawn["function"]["coefficients"]
    # One term is so large that the value of the function loses digits in float32.
    large = int(np.argmax(drawn["x"]))
    drawn["analytic"][large] *= 2e4 / coefficients[large]
    coefficients[large] = 2e4
    return drawn


EXACTLY = "no error meets its limit exactly"

gradient_verdicts = lab.exercise(
    training_loop.gradient_verdicts,
    title="Right, wrong, or standing on a kink",
    statement="""A ReLU at x = 1e-7 looked at with h = 1e-5 has slope 1, but the points x ± h lie on both
sides of its kink: the central difference says 0.505. The gradient is not wrong, the *test* is. Give
a word for each entry of `analytic`:

1. `"right"` if it agrees with the central difference: relative error (use your `relative_error`) at
   most `tolerance`;
2. otherwise `"inconclusive"` if the function bends there: the two one-sided differences,
   (f(x + h) − f(x))/h and (f(x) − f(x − h))/h, have a relative error above `kink`;
3. otherwise `"wrong"`.""",
    points=2,
    minutes=9,
    difficulty=3,
    core=False,
    syllabus=("1.7",),
    needs=("training_loop/relative_error",),
    inputs=(_coarse, _coarse, _fine),
    seeds=True,
    probe=probes.supplied(),
    checks=[matches_reference("the verdicts", of="result.returned"), leaves_inputs_alone()],
    forbidden=AUTOGRAD + CHECKERS,
    equivalent_mutants={
        "the random number generators are seeded with 0": "`numeric_gradient`, which answers may "
        "call, seeds as well",
        "relative_error(analytic[i].double(), central) <= tolerance => "
        "relative_error(analytic[i].double(), central) < tolerance": EXACTLY,
        "relative_error(forward, backward) > kink => relative_error(forward, backward) >= kink": EXACTLY,
        "relative_error(analytic[i].double(), central) <= tolerance => relative_error(unconverted(analytic[i], analytic[i].double()), central) <= tolerance": "beside float64 torch computes in float64",
        "everything is done under torch.no_grad()": "verdicts are read, nothing is trained by them",
        "moved = torch.zeros_like(x, dtype=torch.float64) => "
        "moved = -torch.zeros_like(x, dtype=torch.float64)": "−0 is 0",
        "relative_error(analytic[i].double(), central) <= tolerance => "
        "relative_error(central, analytic[i].double()) <= tolerance": "relative errors are symmetric",
        "relative_error(forward, backward) > kink => relative_error(backward, forward) > kink": "relative "
        "errors are symmetric",
    },
    hints=(
        "The central difference is the mean of the two one-sided ones.",
        'Ask for "right" first; only entries that disagree need the second question.',
    ),
)


@gradient_verdicts.mistake(
    "You call entries beside a kink wrong. If the two one-sided differences disagree by more than "
    '`kink`, nothing can be said: "inconclusive".'
)
def no_kinks(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    verdicts = []
    for i in range(len(x)):
        moved = torch.zeros_like(x, dtype=torch.float64)
        moved[i] = h
        central = (function(x + moved) - function(x - moved)) / (2 * h)
        error = (analytic[i] - central).abs() / torch.maximum(analytic[i].abs(), central.abs())
        verdicts.append("right" if error <= tolerance else "wrong")
    return verdicts


@gradient_verdicts.mistake(
    "You call every disagreement inconclusive; then no gradient is ever wrong. Only where the "
    "one-sided differences disagree is there a kink."
)
def every_error_is_a_kink(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    verdicts = no_kinks(function, x, analytic, h=h, tolerance=tolerance, kink=kink)
    return ["inconclusive" if verdict == "wrong" else verdict for verdict in verdicts]


@gradient_verdicts.mistake(
    "You take small x for a kink. A function may bend anywhere: compare its one-sided differences."
)
def near_zero_is_a_kink(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    verdicts = no_kinks(function, x, analytic, h=h, tolerance=tolerance, kink=kink)
    return [
        "inconclusive" if verdict == "wrong" and value.abs() < kink + 0.5 else verdict
        for verdict, value in zip(verdicts, x, strict=True)
    ]


@gradient_verdicts.mistake("You judge the gradient as a whole. Each entry gets its own word.")
def one_verdict_for_all(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    verdicts = no_kinks(function, x, analytic, h=h, tolerance=tolerance, kink=kink)
    worst = "right" if all(verdict == "right" for verdict in verdicts) else "wrong"
    return [worst] * len(x)


gradient_verdicts.mistake(
    "absolute_tolerance",
    edit("relative_error(analytic[i].double(), central)", "(analytic[i] - central).abs()"),
    "You compare the difference itself with `tolerance`. The limit is for the relative error: a "
    "small entry may be quite wrong and differ by less.",
)
gradient_verdicts.mistake(
    "h_for_the_tolerance",
    edit("central) <= tolerance", "central) <= h"),
    "You compare the relative error with `h`, which is the step. The limit is `tolerance`.",
)
gradient_verdicts.mistake(
    "absolute_kink",
    edit("relative_error(forward, backward)", "(forward - backward).abs()"),
    "You compare the difference of the one-sided differences with `kink` as it is. The limit is "
    "for their relative error: use your `relative_error` here too.",
)
gradient_verdicts.mistake(
    "kink_asked_first",
    edit(
        "if relative_error(analytic",
        "if relative_error(forward, backward) > kink:\n"
        '    verdicts.append("inconclusive")\n'
        "elif relative_error(analytic",
    ),
    "You ask for the kink first. Where the gradient agrees with the central difference it is "
    '"right", kink or not; only entries that disagree need the second question.',
)


@gradient_verdicts.mistake(
    "You take 1e-6 for the limit whatever `tolerance` says (or leave it out where you call "
    "something)."
)
def default_tolerance(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    return right_verdicts(function, x, analytic, h=h, kink=kink)


@gradient_verdicts.mistake("You take 1e-2 for the limit whatever `kink` says.")
def default_kink(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    return right_verdicts(function, x, analytic, h=h, tolerance=tolerance)


@gradient_verdicts.mistake(
    "You take 1e-6 and 1e-2 for the limits whatever `tolerance` and `kink` say."
)
def default_limits(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    return right_verdicts(function, x, analytic, h=h)


@gradient_verdicts.mistake("You use h = 1e-5 whatever `h` says.")
def default_step(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    return right_verdicts(function, x, analytic, tolerance=tolerance, kink=kink)


gradient_verdicts.mistake(
    "forward_difference_judges",
    edit("[i].double(), central)", "[i].double(), forward)"),
    "You judge by the forward difference, whose own error is of the order of h. The central "
    "difference decides what is right; the one-sided ones only tell kinks.",
)
gradient_verdicts.mistake(
    "in_float32",
    edit("verdicts = []", "verdicts, x, analytic = [], x.float(), analytic.float()")
    .also("x.double()", "x")
    .also(", dtype=torch.float64", "")
    .also("[i].double()", "[i]"),
    "You compute in float32. With a small h the difference of two nearly equal values keeps one "
    "or two digits: x and the gradient have to be float64.",
)
gradient_verdicts.mistake(
    "words_swapped",
    edit("backward) > kink", "backward) <= kink"),
    "Kinks and errors have changed places: inconclusive is where the one-sided differences "
    "disagree.",
)


@gradient_verdicts.alternative
def with_numpy(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    def apart(a, b):
        return 0.0 if a == b == 0 else abs(a - b) / max(abs(a), abs(b))

    point, verdicts = x.double().numpy(), []
    for i, a in enumerate(analytic.double().tolist()):
        above, below = point.copy(), point.copy()
        above[i] += h
        below[i] -= h
        f = [function(torch.from_numpy(p)).item() for p in (below, point, above)]
        if apart(a, (f[2] - f[0]) / (2 * h)) <= tolerance:
            verdicts.append("right")
        elif apart((f[2] - f[1]) / h, (f[1] - f[0]) / h) > kink:
            verdicts.append("inconclusive")
        else:
            verdicts.append("wrong")
    return verdicts


@gradient_verdicts.alternative
def with_the_numeric_gradient(function, x, analytic, *, h=1e-5, tolerance=1e-6, kink=1e-2):
    central = numeric_gradient(function, x, h=h)
    steps = h * torch.eye(len(x), dtype=torch.float64)
    here = function(x.double())
    forward = torch.stack([(function(x + e) - here) / h for e in steps])
    bent = relative_error(forward, 2 * central - forward) > kink
    right = relative_error(analytic.double(), central) <= tolerance
    return [
        "right" if ok else "inconclusive" if at_kink else "wrong"
        for ok, at_kink in zip(right, bent, strict=True)
    ]
