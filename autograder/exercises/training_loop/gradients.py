"""The gradient from numbers alone: central differences."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import A_NUMBER, AUTOGRAD
from autograder.exercises.training_loop.lab import lab
from autograder.exercises.training_loop.signatures import returned_and_its_dtype
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from course_lib import training_loop
from course_lib.training_loop import numeric_gradient as right_gradient

CHECKERS = ("torch.autograd.gradcheck", "torch.autograd.gradcheck.gradcheck")


def _telling_seed(rng, count):
    """A seed after which two evaluations of the noisy function differ, and differ from seed 0's."""

    def kept(seed):
        generator = torch.Generator().manual_seed(seed)
        return (torch.rand(2, count, generator=generator) > 0.3).tolist()

    while True:
        seed = int(rng.integers(1, 1000))
        once, again = kept(seed)
        if again != once != kept(0)[0]:
            return seed


def _function(kind, shape, h):
    def draw(rng):
        sizes = [int(n) for n in shape(rng)]
        return {
            "function": {
                "make": "function",
                "kind": kind,
                "coefficients": rng.uniform(0.5, 2, math.prod(sizes)),
            },
            "x": rng.uniform(0.4, 2, sizes) * rng.choice([-1, 1], sizes),
            "h": h(rng),
            "seed": _telling_seed(rng, math.prod(sizes)),
        }

    return draw


NUMERIC_CASES = (
    # A large h: a one-sided difference is far off, and the central one's own error is seen.
    _function(
        "cubic", lambda rng: (rng.integers(3, 5), 2), lambda rng: float(rng.uniform(0.1, 0.3))
    ),
    _function("noisy", lambda rng: (rng.integers(6, 9),), lambda rng: 1e-4),
    # In float32, where only an answer that computes in float64 is near.
    _function("cubic", lambda rng: (2, rng.integers(3, 5)), lambda rng: 1e-6),
)


@check("the gradient is computed in float64")
def in_double(case):
    returned = case.observed["result"]["returned"]
    kind = returned.dtype.name if isinstance(returned, np.ndarray) else "no array"
    return finding(kind == "float64", "float64", kind, f"{kind}, wanted float64")


@check("the numeric gradient to nine digits")
def to_nine_digits(case):
    """Where x is float32, only the rounding of h and of float64 is left."""
    wanted, got = case.expected["result"]["returned"], case.observed["result"]["returned"]
    error = np.abs(np.asarray(got, float) - wanted).max() / np.abs(wanted).max()
    return finding(
        error < 1e-7,
        "a relative error below 1e-7",
        f"{error:.1e}",
        f"a relative error of {error:.0e}",
    )


@check("where the function draws random numbers, the noise drops out")
def free_of_noise(case):
    if case.inputs["function"]["kind"] != "noisy":
        return finding(True)
    wanted, got = case.expected["result"]["returned"], case.observed["result"]["returned"]
    error = np.abs(np.asarray(got, float) - wanted).max() / np.abs(wanted).max()
    return finding(
        error < 10,
        "slopes of the function",
        f"{error:.0f} times their size",
        "what is divided by 2h is noise: seed before every evaluation",
    )


STEP_SIZES = ("h = 1e-2", "h = 1e-5", "h = 1e-12")


def outcome_for_h() -> str:
    """The error of a central difference of exp at 1, in float64."""
    point = torch.tensor(1.0, dtype=torch.float64)
    errors = [
        float(abs((torch.exp(point + h) - torch.exp(point - h)) / (2 * h) - torch.exp(point)))
        for h in (1e-2, 1e-5, 1e-12)
    ]
    return STEP_SIZES[errors.index(min(errors))]


lab.prediction(
    "best_step_size",
    title="Predict: the smaller the better?",
    statement="""A derivative is a limit for h → 0. With central differences in float64, which of these h
gives the smallest error?""",
    minutes=1,
    core=False,
    syllabus=("1.7",),
    choices=STEP_SIZES,
    outcome=outcome_for_h,
    explanation="""Two errors pull in opposite directions: that of the formula falls with h², that of
rounding grows like 10⁻¹⁶/h. They meet near h = 10⁻⁵. At h = 10⁻¹² only four digits of the difference
are left.""",
)


numeric_gradient = lab.exercise(
    training_loop.numeric_gradient,
    title="The gradient from numbers alone",
    statement="""A gradient that you derived by hand has to be checked against one that needs no
derivation: move one entry of x by ±h, look at what the function does, divide. Return a tensor of the
shape of x, for any shape.

- **Central** differences: move both ways and divide by the distance between the two points. The
  error falls with h², that of a one-sided difference only with h.
- In **float64**, x included, whatever x comes in: two nearly equal numbers are subtracted.
- Call `torch.manual_seed(seed)` before **every** evaluation: a function with dropout or noise in it
  must draw the same numbers both times, or you measure the noise.""",
    points=3,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("1.7",),
    hide=("Formula",),
    inputs=NUMERIC_CASES,
    seeds=True,
    probe=probes.supplied(),
    signature=returned_and_its_dtype,
    checks=[
        matches_reference("the numeric gradient", of="result.returned"),
        free_of_noise,
        in_double,
        to_nine_digits,
        leaves_inputs_alone(),
    ],
    forbidden=AUTOGRAD + CHECKERS,
    equivalent_mutants={
        "entries = x.detach().double().flatten() => entries = x.double().flatten()": "x asks for no gradient here",
        "gradient = torch.zeros_like(entries) => gradient = torch.ones_like(entries)": "every entry is written afterwards",
        "values.append(function(moved.reshape(x.shape)).item()) => values.append(unconverted(function(moved.reshape(x.shape)), function(moved.reshape(x.shape)).item()))": A_NUMBER,
        "the random number generators are seeded with 0": "they are seeded before every evaluation",
        "right only for arguments that hold something": "without entries there is no gradient",
        "gradient = torch.zeros_like(entries) => gradient = -torch.zeros_like(entries)": "every entry "
        "is written afterwards",
    },
    hints=(
        "`entries = x.double().flatten()`: move entry i of a clone, then `.reshape(x.shape)`.",
        "`.item()` turns the function's value into a number.",
    ),
)


numeric_gradient.mistake(
    "one_sided",
    edit("(h, -h)", "(h, 0)").also("/ (2 * h)", "/ h"),
    "You compare f(x + h) with f(x): a one-sided difference, whose error falls only with h. Use "
    "f(x + h) and f(x − h), and divide by 2h: then it falls with h².",
)
numeric_gradient.mistake(
    "divided_by_h",
    edit("/ (2 * h)", "/ h"),
    "You divide by h. Between x − h and x + h lies 2h, so every slope is twice too large.",
)
numeric_gradient.mistake(
    "in_the_dtype_of_x",
    edit(".double()", ""),
    "You compute in the dtype of x. In float32 seven digits are all there is, and the difference "
    "of two nearly equal values keeps one or two of them. Convert x to float64 first.",
)
numeric_gradient.mistake(
    "in_float32",
    edit("double()", "float()").also(
        "function(moved.reshape(x.shape))", "function(moved.reshape(x.shape)).float()"
    ),
    "You compute in float32. The difference of two nearly equal values then keeps one or two "
    "digits. Everything has to be float64.",
)
numeric_gradient.mistake(
    "fresh_randomness",
    edit("gradient = torch", "torch.manual_seed(seed)\ngradient = torch").also(
        "torch.manual_seed(seed)", ""
    ),
    "The function is evaluated with other random numbers each time (you seed once, or never), so "
    "what you divide by 2h is the noise. Seed before every evaluation.",
)
numeric_gradient.mistake(
    "seeded_once_for_both",
    edit("values = []", "values = []\ntorch.manual_seed(seed)").also("torch.manual_seed(seed)", ""),
    "You seed once for the two evaluations of an entry. The first one uses random numbers up, so "
    "the second draws others, and what you divide by 2h is noise. Seed before each of them.",
)


@numeric_gradient.mistake("You seed with 0 whatever `seed` says.")
def seed_ignored(function, x, *, h=1e-5, seed=0):
    return right_gradient(function, x, h=h, seed=0)


@numeric_gradient.mistake(
    "You turn the result back into the dtype of x, and lose the digits that float64 gained. "
    "Return float64."
)
def returned_in_the_dtype_of_x(function, x, *, h=1e-5, seed=0):
    return right_gradient(function, x, h=h, seed=seed).to(x.dtype)


@numeric_gradient.mistake("You return a vector. The gradient has the shape of x: `.view(x.shape)`.")
def flattened(function, x, *, h=1e-5, seed=0):
    return right_gradient(function, x, h=h, seed=seed).flatten()


numeric_gradient.mistake(
    "rows_at_once",
    edit(".flatten()", ""),
    "You go along the first axis only: where x has two, `x[i]` is a whole row, and all its "
    "entries move together. `view(-1)` makes one axis of any shape.",
)


@numeric_gradient.mistake(
    "You go through two axes; x may have one, or three. `view(-1)` makes one of any shape."
)
def two_axes(function, x, *, h=1e-5, seed=0):
    gradient = torch.zeros_like(x, dtype=torch.float64)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            values = []
            for step in (h, -h):
                moved = x.double().clone()
                moved[i, j] += step
                torch.manual_seed(seed)
                values.append(function(moved).item())
            gradient[i, j] = (values[0] - values[1]) / (2 * h)
    return gradient


@numeric_gradient.mistake(
    "The entries you have moved stay moved, at x − h, while the next ones are looked at. Put each "
    "back, or move a fresh copy."
)
def not_put_back(function, x, *, h=1e-5, seed=0):
    gradient = torch.zeros_like(x, dtype=torch.float64)
    moved = x.double().clone()
    for i in range(x.numel()):
        moved.view(-1)[i] += h
        torch.manual_seed(seed)
        above = function(moved).item()
        moved.view(-1)[i] -= 2 * h
        torch.manual_seed(seed)
        gradient.view(-1)[i] = (above - function(moved).item()) / (2 * h)
    return gradient


numeric_gradient.mistake(
    "put_back_wrongly",
    edit("(h, -h)", "(h, 0)"),
    "You move by +h and then by −h, which is back at x: f(x + h) − f(x), divided by 2h, is half "
    "the slope. From x + h to x − h the entry moves by 2h.",
)


@numeric_gradient.mistake(
    "You move all entries together: that is the sum of all slopes. Move one at a time."
)
def all_entries_at_once(function, x, *, h=1e-5, seed=0):
    values = []
    for step in (h, -h):
        torch.manual_seed(seed)
        values.append(function(x.double() + step).item())
    return torch.full_like(x, (values[0] - values[1]) / (2 * h), dtype=torch.float64)


numeric_gradient.mistake(
    "backwards", edit("(h, -h)", "(-h, h)"), "The sign is turned: it is f(x + h) − f(x − h)."
)
numeric_gradient.mistake(
    "default_step",
    edit("(h, -h)", "(1e-5, -1e-5)").also("(2 * h)", "2e-5"),
    "You use h = 1e-5 whatever `h` says.",
)


@numeric_gradient.alternative
def with_unit_vectors(function, x, *, h=1e-5, seed=0):
    def value(moved):
        torch.manual_seed(seed)
        return function(moved.view(x.shape))

    flat = x.double().flatten()
    units = torch.eye(flat.numel(), dtype=torch.float64)
    slopes = [(value(flat + h * e) - value(flat - h * e)) / (2 * h) for e in units]
    return torch.stack(slopes).view(x.shape)


@numeric_gradient.alternative
def moved_there_and_back(function, x, *, h=1e-5, seed=0):
    point = x.detach().to(torch.float64).clone()
    gradient = torch.empty_like(point)
    for index in np.ndindex(*x.shape):
        kept = point[index].item()
        point[index] = kept + h
        torch.manual_seed(seed)
        above = float(function(point))
        point[index] = kept - h
        torch.manual_seed(seed)
        below = float(function(point))
        point[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient
