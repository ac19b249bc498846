"""What is compared of two answers where some of what was observed is a matter of spelling."""

from typing import Any

import numpy as np

from autograder.judging.likeness import Alike


def value_and_its_gradient(observation: dict[str, Any]) -> Alike:
    """A loss, and its gradient where the loss is finite.

    Where it is not, which entries of the gradient are NaN depends on how the same is spelled: with
    `scores.max()` in the graph or `.item()`, with one logarithm or all.
    """
    value, gradient = observation["result"]["value"], observation["result"]["gradient"]
    finite = np.isfinite(np.asarray(value, float)).all()
    return Alike(value, gradient if finite else None)


def returned_and_its_dtype(observation: dict[str, Any]) -> Alike:
    """What was returned, and the dtype it has, for an exercise that asks for one."""
    returned = observation["result"]["returned"]
    return Alike(returned, returned.dtype.name if isinstance(returned, np.ndarray) else "")


def value_dtype_and_place(observation: dict[str, Any]) -> Alike:
    """What came back, its dtype, and what came back on another device."""
    return Alike(observation["result"])
