"""What the exercises on random weights share: shapes, checks and what they forbid."""

from autograder import probes
from autograder.judging.statistics import (
    entries_are_independent,
    mean_is,
    shape_is,
    std_is,
)

DRAWS = probes.draws(count=8)
INITIALIZERS = ("torch.nn.init",)


def indifferent(*signs, draw="std * torch.randn(shape, dtype=dtype, device=device)"):
    """Mutants of a random answer that change nothing the exercise is about."""
    plain = "std * torch.randn(shape{})" if "std" in draw else draw.partition("(")[0] + "(shape{})"
    tail = "" if "std" in draw else ".uniform_(-bound, bound)"
    negative = f"-({draw})" if "std" in draw else f"-{draw}"
    sign = "zero-mean symmetric numbers have the same distribution with the other sign"
    caller = "dtype and device are for callers who ask; what is asked for is the distribution"
    return {
        f"return {draw} => return {negative}": sign,
        f"return {draw} => return {plain.format(', device=device')}{tail}": caller,
        f"return {draw} => return {plain.format(', dtype=dtype')}{tail}": caller,
        **{f"{name} = {value} => {name} = -{negated}": sign for name, value, negated in signs},
    }


ALL_POSITIVE = (
    "`torch.rand` draws uniformly between 0 and 1, so that all your weights are positive. Asked "
    "for are normal numbers around 0: `torch.randn`."
)
NOT_NORMAL = "Right spread, but uniform. Asked for are normal weights: `torch.randn`."
UNIFORM = "torch.empty(shape, dtype=dtype, device=device).uniform_(-bound, bound)"


def drawn_with(std, law):
    """The checks of random weights: entries of this spread and law, each drawn by itself."""
    return [
        shape_is(lambda shape, **_: shape),
        mean_is(lambda **_: 0),
        std_is(std),
        law,
        entries_are_independent(),
    ]


def draw_linear(rng):
    """A linear layer with more inputs than outputs."""
    return {"shape": [int(rng.integers(20, 60)), int(rng.integers(120, 190))]}


def draw_convolution(rng):
    """A convolution whose kernel is not square."""
    return {"shape": [int(rng.integers(29, 40)), int(rng.integers(5, 12)), 3, 5]}
