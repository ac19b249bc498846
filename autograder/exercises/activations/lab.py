"""The lab that the exercises of this package join, and inputs on which no two activations agree."""

import numpy as np

from autograder.judging import Lab

lab = Lab("activations", number=2, title="Activations")

AT_THE_KINK = "both sides are 0 at 0, and any finite slope will do there"
OVERWRITTEN = "the result is right, and a remark tells the student that x was overwritten"
IN_FLOAT32 = 1e-5
"""How near a share must come: whoever turns truth values into numbers may write `.float()`."""

AUTOGRAD = ("torch.autograd", "torch.func", ".backward", ".requires_grad_")


def draw_shape(rng):
    """Three different sizes, so that what is right for tables alone is not right here."""
    return tuple(int(n) for n in rng.permutation([3, 4, 5, 6])[:3])


def draw_values(rng, spread=2.0):
    """Numbers of both signs, two of them exactly 0, and no others near it."""
    shape = draw_shape(rng)
    x = rng.choice([-1.0, 1.0], size=shape) * (0.05 + np.abs(rng.normal(size=shape)) * spread)
    return put_in(rng, x, [0.0, 0.0])


def draw_slope(rng, low, high):
    """A number of few binary digits: times a mask, which torch computes in float32, it is exact."""
    return float(np.round(rng.uniform(low, high) * 64) / 64)


def put_in(rng, x, values):
    """x with these values at random places, none of them where x is 0."""
    x.flat[rng.choice(np.flatnonzero(x), size=len(values), replace=False)] = values
    return x


def draw_gradient(rng, x):
    """A gradient from above for every entry of x, of both signs."""
    return rng.normal(size=np.shape(x)) + 0.3


def draw_gradient_off_zero(rng, x):
    """The same, but 0 where x is: whatever slope one gives a kink there, the product is the same.

    Only a slope that is no number shows.
    """
    return np.where(x == 0, 0.0, draw_gradient(rng, x))


def in_a_line(draw):
    """The same inputs with all arrays along one axis: an answer for any shape is right for both."""
    return _reshaped(draw, np.ravel)


def of_nothing(draw):
    """The same inputs without a single example."""
    return _reshaped(draw, lambda array: array[:0])


def _reshaped(draw, reshape):
    def draw_reshaped(rng):
        return {
            name: reshape(value) if isinstance(value, np.ndarray) else value
            for name, value in draw(rng).items()
        }

    return draw_reshaped


def without(draw, *names):
    """The same inputs without some arguments, so that their defaults count."""

    def draw_the_others(rng):
        return {name: value for name, value in draw(rng).items() if name not in names}

    return draw_the_others
