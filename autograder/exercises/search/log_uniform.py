"""Numbers drawn evenly over orders of magnitude."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.search.lab import lab
from autograder.judging import edit
from autograder.judging.statistics import entries_are_independent, is_log_uniform_on, shape_is
from course_lib import search


def _range(rng):
    low = float(10 ** rng.uniform(-9, -8))
    return {
        "low": low,
        "high": low * float(10 ** rng.uniform(2.5, 3.5)),
        "count": int(rng.integers(350, 500)),
    }


def _around_one(rng):
    """A range on both sides of 1, where logarithms have both signs."""
    low, high = float(10 ** rng.uniform(-2, -1.2)), float(10 ** rng.uniform(0.6, 1.5))
    return {"low": low, "high": high, "count": int(rng.integers(350, 500))}


_CALLER = "dtype and device are for callers who ask; what is asked for is the distribution"

log_uniform = lab.exercise(
    search.log_uniform,
    title="Draw over orders of magnitude",
    statement=(
        "Is a good rate 0.001, 0.01 or 0.1? You do not know its order of magnitude. Draw so that each is "
        "equally likely: return `count` independent random numbers between `low` and `high` whose "
        "**logarithms** are uniform. (`dtype` and `device` are those of the result.)"
    ),
    points=3,
    minutes=5,
    syllabus=("10.5",),
    hide=("Formula",),
    inputs=(_range, _around_one, _range),
    probe=probes.draws(count=3),
    checks=[
        shape_is(lambda count, **_: (count,)),
        is_log_uniform_on(
            lambda low, **_: low, lambda high, **_: high, "every decade is equally likely"
        ),
        entries_are_independent(),
    ],
    equivalent_mutants={
        "logarithms = torch.empty(count, dtype=dtype, device=device) => logarithms = -torch.empty(count, dtype=dtype, device=device)": "what is overwritten has no sign",
        "logarithms = torch.empty(count, dtype=dtype, device=device) => logarithms = torch.empty(count, device=device)": _CALLER,
        "logarithms = torch.empty(count, dtype=dtype, device=device) => logarithms = torch.empty(count, dtype=dtype)": _CALLER,
    },
    hints=(
        "Draw the logarithm uniformly, between which bounds? Then undo the logarithm.",
        "The base does not matter as long as it is the same on the way there and back: e and `math.log`, or "
        "10 and `math.log10`.",
        "`torch.empty(count).uniform_(math.log(low), math.log(high)).exp()`",
    ),
)


@log_uniform.mistake(
    "Your numbers are uniform themselves: nine of ten lie in the highest decade, and small rates are "
    "hardly ever tried. Draw the *logarithm* uniformly.",
    origin="the field's folklore",
)
def uniform(low, high, count, *, dtype=None, device=None):
    return torch.empty(count).uniform_(low, high)


@log_uniform.mistake("These are the logarithms. Undo them: 10**u, or e**u if they are natural.")
def decimal_exponents(low, high, count, *, dtype=None, device=None):
    return torch.empty(count).uniform_(math.log10(low), math.log10(high))


log_uniform.mistake(
    "natural_exponents",
    edit(".exp()", ""),
    "These are the natural logarithms. Undo them: e**u.",
)
log_uniform.mistake(
    "ten_to_the_natural",
    edit("return logarithms", "return 10 ** logarithms").also(".exp()", ""),
    "You raise 10 to *natural* logarithms. With `math.log` it is e**u; with 10**u it is `math.log10`.",
)


@log_uniform.mistake(
    "You raise e to *decimal* logarithms, which gives a far smaller range. With `math.log10` it is "
    "10**u."
)
def e_to_the_decimal(low, high, count, *, dtype=None, device=None):
    return torch.empty(count).uniform_(math.log10(low), math.log10(high)).exp()


@log_uniform.mistake(
    "You raise 10 to the bounds themselves. The exponents lie between log₁₀ low and log₁₀ high.",
    origin="the notes' `10 ** uniform(-6, -3)`, where the bounds are exponents already",
)
def ten_to_the_bounds(low, high, count, *, dtype=None, device=None):
    return 10 ** torch.empty(count).uniform_(low, high)


@log_uniform.mistake(
    "These bounds are those of somebody else's lecture notes, 10⁻⁶ to 10⁻³. Here they are `low` and "
    "`high`.",
    origin="the notes",
)
def range_of_the_notes(low, high, count, *, dtype=None, device=None):
    return 10.0 ** torch.empty(count).uniform_(-6, -3)


@log_uniform.mistake(
    "The bounds are in reverse order, as in the notes' `uniform(-3, -6)`. The old `np.random.uniform` "
    "lets that pass; `default_rng().uniform` and torch refuse it: the lower one comes first.",
    origin="the notes",
    raises="ValueError",
)
def reversed_bounds(low, high, count, *, dtype=None, device=None):
    return 10.0 ** np.random.default_rng().uniform(np.log10(high), np.log10(low), count)


@log_uniform.mistake(
    "You draw whole exponents: only 10⁻³, 10⁻², … can come. Everything between them is worth trying, too."
)
def whole_decades(low, high, count, *, dtype=None, device=None):
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return 10.0 ** torch.randint(first, last + 1, (count,)).double()


@log_uniform.mistake(
    "The numbers are the same at every call: a grid, or a seed fixed inside. Asked for are random ones, "
    "drawn anew each time."
)
def evenly_spaced(low, high, count, *, dtype=None, device=None):
    return torch.logspace(math.log10(low), math.log10(high), count)


@log_uniform.mistake(
    "The numbers are the same at every call: a grid, or a seed fixed inside. Asked for are random ones, "
    "drawn anew each time."
)
def same_every_time(low, high, count, *, dtype=None, device=None):
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(count, generator=generator)
    return low * (high / low) ** u


@log_uniform.alternative
def by_a_power(low, high, count, *, dtype=None, device=None):
    return low * (high / low) ** torch.rand(count, dtype=dtype, device=device)


@log_uniform.alternative
def by_decades(low, high, count, *, dtype=None, device=None):
    first, last = math.log10(low), math.log10(high)
    return 10 ** (first + (last - first) * torch.rand(count))


@log_uniform.alternative
def from_old_numpy_with_bounds_reversed(low, high, count, *, dtype=None, device=None):
    exponents = np.random.uniform(np.log10(high), np.log10(low), size=count)
    return torch.tensor(10.0**exponents, dtype=dtype, device=device)


@log_uniform.alternative
def as_a_list(low, high, count, *, dtype=None, device=None):
    rng = np.random.default_rng()
    return torch.tensor(
        [float(np.exp(rng.uniform(np.log(low), np.log(high)))) for _ in range(count)]
    )
