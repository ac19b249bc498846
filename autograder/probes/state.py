"""The global state a probe runs in: known before, restored after."""

from __future__ import annotations

import contextlib
import io
import random
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch

from autograder.probes.generators import Generators
from autograder.probes.precision import FULL, compute_in, precision

_heard: ContextVar[io.StringIO | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def heard(output: io.StringIO) -> Iterator[None]:
    """Take in what answers print while they are looked at."""
    token = _heard.set(output)
    try:
        yield
    finally:
        _heard.reset(token)


@contextlib.contextmanager
def known_state(seed: int, device: str = "cpu", *, quiet: bool = True) -> Iterator[Generators]:
    """Run with torch's and numpy's defaults and fresh random numbers; put everything back after.

    New tensors are made on ``device``, "cpu" or "cuda"; what is yielded are the generators.

    A student who changed the default dtype, let products be rounded to TF32, switched gradients off
    or turned warnings into errors is judged as if they had not. What the answer prints goes
    nowhere, unless it is ``heard``: prints and warnings cost nothing, also under stock nbgrader,
    which zeroes a cell for a line on stderr. Where it is not ``quiet``, prints are shown as always.

    Raises: ValueError for a device that is not there.
    """
    wanted = _find_device(device)
    saved_dtype = torch.get_default_dtype()
    saved_device = torch.get_default_device()
    saved_deterministic = torch.are_deterministic_algorithms_enabled()
    saved_torch, saved_numpy, saved_random = (
        torch.random.get_rng_state(),
        np.random.get_state(),
        random.getstate(),
    )
    saved_precision = precision()
    saved_cuda = torch.cuda.get_rng_state_all() if wanted.type == "cuda" else []
    saved_recursion = sys.getrecursionlimit()
    output = _heard.get() or (io.StringIO() if quiet else None)
    try:
        use_device(wanted)
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(False)
        compute_in(FULL)
        sys.setrecursionlimit(3000)
        generators = Generators(seed)
        with (
            torch.enable_grad(),
            torch.inference_mode(False),
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(output or sys.stdout),
            contextlib.redirect_stderr(output or sys.stderr),
        ):
            warnings.resetwarnings()
            warnings.simplefilter("ignore")
            yield generators
    finally:
        use_device(saved_device)
        torch.set_default_dtype(saved_dtype)
        torch.use_deterministic_algorithms(saved_deterministic)
        compute_in(saved_precision)
        torch.random.set_rng_state(saved_torch)
        torch.cuda.set_rng_state_all(saved_cuda)
        np.random.set_state(saved_numpy)
        random.setstate(saved_random)
        sys.setrecursionlimit(saved_recursion)


def _find_device(name: str) -> torch.device:
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"answers are probed on the device 'cpu' or 'cuda', not on {name!r}")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"{name!r} is no device: {str(error)[:100]}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"the device {name!r} is asked for, and torch finds no GPU here")
    return device


def use_device(device: torch.device) -> None:
    """Make new tensors of this thread on a device."""
    # A default device leads every call of torch through Python; for the CPU there need be none.
    torch.set_default_device(None)
    if torch.get_default_device() != device:
        torch.set_default_device(device)


def on_the_cpu() -> contextlib.AbstractContextManager[Any]:
    """New tensors are made on the CPU in here."""
    # Where they are anyway, no call of torch need be led through Python.
    on_it = torch.get_default_device().type == "cpu"
    return contextlib.nullcontext() if on_it else torch.device("cpu")
