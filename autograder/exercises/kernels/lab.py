"""The lab that the exercises of this package join, and what several of them draw and say."""

import math

import numpy as np

from autograder.judging import Lab
from autograder.judging.likeness import Alike

lab = Lab("kernels", number=13, title="Write the kernels under your training loop")

LOADS_BEYOND = (
    "You load beyond the end of a tensor: the last block is rarely full. Every `tl.load` takes `mask=`, which says of each "
    "lane whether there is something to load."
)
STORES_BEYOND = "Your store writes beyond the end, over what belongs to somebody else. `tl.store` takes the same `mask=` as the loads."
LEAVES_OUT = (
    "Your mask ends too early: elements of the output are never written, and whatever was in that memory stays there. "
    "Element i is there as long as i < n."
)
FIRST_BLOCK = "All programs work on the first block: `tl.program_id(0)` does not enter. Program k begins at element k · BLOCK."
OVERLAPPING = "Program k begins at element k, so that blocks overlap and most elements belong to no program. It begins at k · BLOCK."
LOADS_TWICE = (
    "The numbers are right, and you load something twice. A kernel like this one takes as long as its bytes do: load each "
    "number once, and keep it."
)
WRITES_TWICE = (
    "The numbers are right, and two programs write the same elements. Give every element to one program: k · BLOCK to "
    "(k + 1) · BLOCK − 1."
)


def output(*shape):
    """Memory of a shape that nobody has written."""
    return {"make": "output", "shape": [int(size) for size in shape]}


def ragged(rng, programs=3):
    """A block size, and a number of elements that needs so many programs and does not fill them."""
    block = int(rng.choice([8, 16, 32]))
    return block, (programs - 1) * block + int(rng.integers(2, block - 1))


def whole(rng, programs=3):
    """A block size, and a number of elements that fills so many programs."""
    block = int(rng.choice([8, 16, 32]))
    return block, programs * block


def numbers(rng, *shape):
    """Numbers of both signs, and of sizes that differ."""
    return rng.normal(size=shape) * rng.uniform(0.5, 3, size=shape)


def held(inputs, *names):
    """How many bytes the tensors of these arguments hold; outputs are as wide as the first of them."""
    arguments = [inputs["arguments"][name] for name in names]
    return sum(_bytes(argument, arguments[0].itemsize) for argument in arguments)


def _bytes(argument, itemsize):
    if isinstance(argument, dict):
        return itemsize * math.prod(argument["shape"])
    return np.asarray(argument).nbytes


def by_what_it_does(seen):
    """What tells kernels apart: their numbers, what they load and store, and whether they race."""
    traced = seen["traced"]
    moved = {name: traced[name] for name in ("loaded", "stored")}
    return Alike({"result": seen["result"], **moved, "races": bool(traced["races"])})
