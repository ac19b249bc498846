"""The global random generators: seeded before an answer runs, and what it did to them after."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import torch

UNTOUCHED, USED, RESEEDED = DONE = ("untouched", "used", "reseeded")

_FAR = 2**22
"""Words of a stream that are looked through for where an answer has left it."""

_WINDOW = 16
"""Bytes of a stream by which its place is found: four words."""


class Generators:
    """Torch's, numpy's and ``random``'s global generators while an answer is observed.

    A random answer may use them; one that seeds them makes what others draw predictable.
    """

    def __init__(self, seed: int) -> None:
        self._first = self._seed = seed
        self._renewed = 0
        self._worst = UNTOUCHED
        seed_everything(seed)

    def seed(self, seed: int) -> None:
        """Give the answer other random numbers from here on."""
        self._note()
        self._seed = seed
        seed_everything(seed)

    def renew(self) -> None:
        """Give the answer fresh random numbers: the first time those of the case, then others."""
        self.seed(self._first + 1000 * self._renewed)
        self._renewed += 1

    def done(self) -> str:
        """What was done to any of them: ``untouched``, ``used`` or ``reseeded``.

        They are seeded anew, for looking uses them.
        """
        self.seed(self._seed)
        return self._worst

    def _note(self) -> None:
        looks = [_torch(self._seed), _numpy(self._seed), _random(self._seed)]
        if torch.get_default_device().type == "cuda":
            looks.append(_cuda(self._seed))
        self._worst = max(self._worst, *looks, key=DONE.index)


def seed_everything(seed: int) -> None:
    """Seed torch, numpy and ``random`` alike."""
    # torch.manual_seed would load its compiler, and note a stack for every GPU that is not there.
    torch.default_generator.manual_seed(seed)
    if torch.get_default_device().type == "cuda":
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _torch(seed: int) -> str:
    if torch.default_generator.initial_seed() != seed:
        return RESEEDED
    fresh = torch.Generator("cpu").manual_seed(seed).get_state()
    return UNTOUCHED if torch.equal(torch.default_generator.get_state(), fresh) else USED


def _cuda(seed: int) -> str:
    generator = torch.cuda.default_generators[torch.cuda.current_device()]
    if generator.initial_seed() != seed:
        return RESEEDED
    return USED if generator.get_offset() else UNTOUCHED


# To make generators takes far longer than to seed them.
_NUMPY, _RANDOM = np.random.RandomState(0), random.Random(0)

# Numpy and ``random`` do not say what they were seeded with. Who has only drawn numbers has left a
# generator somewhere in the stream of its seed: the next four words are found there.


def _numpy(seed: int) -> str:
    left = np.random.bytes(_WINDOW)
    _NUMPY.seed(seed % 2**32)
    return _left_at(left, _NUMPY.bytes)


def _random(seed: int) -> str:
    left = random.randbytes(_WINDOW)
    _RANDOM.seed(seed)
    return _left_at(left, _RANDOM.randbytes)


def _left_at(left: bytes, fresh: Callable[[int], bytes]) -> str:
    stream = fresh(_WINDOW)
    if left == stream:
        return UNTOUCHED
    words = np.frombuffer(stream + fresh(4 * _FAR), np.uint32)
    wanted = np.frombuffer(left, np.uint32)
    places = np.flatnonzero(words == wanted[0])
    return USED if any(np.array_equal(words[p : p + 4], wanted) for p in places) else RESEEDED
