"""References are as accurate as torch in every precision, over a grid of hard inputs."""

import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
import torch

from course_lib import (
    activations,
    augmentation,
    capstone,
    distributed,
    initialization,
    normalization,
    optimizers,
    preprocessing,
    regularization,
    schedules,
    search,
    training_loop,
    transfer,
)
from tests.course_lib.hard_inputs import CASES, NOT_COMPARED
from tests.course_lib.hard_inputs.case import Case

LABS = (
    training_loop,
    activations,
    preprocessing,
    initialization,
    normalization,
    optimizers,
    schedules,
    regularization,
    augmentation,
    search,
    transfer,
    distributed,
    capstone,
)

FACTOR = 4
"""An answer in several roundings may be off by that many times what torch's single one is."""


def tensors(result: Any) -> list[torch.Tensor]:
    """The tensors of a result, in order, as float64."""
    parts = [result] if isinstance(result, torch.Tensor) else list(result)
    return [part.detach().double() for part in parts]


def rounded(arguments: Sequence[Any], dtype: torch.dtype) -> list[Any]:
    """The arguments in a precision; class numbers and settings as they are."""
    return [
        a.to(dtype) if isinstance(a, torch.Tensor) and a.is_floating_point() else a
        for a in arguments
    ]


def versions(arguments: list[Any], dtype: torch.dtype) -> list[list[Any]]:
    """What torch's error is measured on: the arguments themselves, in float64 other roundings.

    Nothing is there that is more exact than torch in float64; its error is taken to be what one
    more rounding of the arguments, up or down, makes of the result.
    """
    if dtype is not torch.float64:
        return [arguments]
    return [
        [
            a * (1 + torch.finfo(dtype).eps * torch.randn_like(a).sign())
            if isinstance(a, torch.Tensor) and a.is_floating_point()
            else a
            for a in arguments
        ]
        for _ in range(5)
    ]


@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        pytest.param(
            case, dtype, id=f"{case.reference(lab)} {case.name.partition(': ')[2]} {dtype}"
        )
        for lab, cases in CASES.items()
        for case in cases
        for dtype in case.dtypes
    ],
)
def test_a_reference_is_as_accurate_as_torch(case: Case, dtype: torch.dtype) -> None:
    arguments = rounded(case.arguments, dtype)
    exact = tensors(case.torchs(*rounded(arguments, torch.float64)))
    found = tensors(case.ours(*arguments))
    theirs = [tensors(case.torchs(*moved)) for moved in versions(arguments, dtype)]
    assert len(found) == len(exact)
    for ours, wanted, *torchs in zip(found, exact, *theirs, strict=True):
        assert ours.shape == wanted.shape
        assert torch.equal(ours.isnan(), torchs[0].isnan()), "not a number where torch has one"
        assert ours[torchs[0].isfinite()].isfinite().all(), "an overflow where torch has none"
        compared = torchs[0].isfinite() & wanted.isfinite()
        error = (ours - wanted)[compared].abs()
        size = wanted[compared].abs()
        of_torch = torch.stack([(t - wanted)[compared].abs() for t in torchs]).amax(dim=0)
        if case.whole and error.numel():
            size, of_torch = size.max(), of_torch.max()
        info = torch.finfo(dtype)
        allowed = FACTOR * torch.maximum(
            of_torch, info.eps * size + info.smallest_normal * info.eps
        )
        assert (error <= allowed).all(), f"errors {error.tolist()}, allowed {allowed.tolist()}"


def public_names(module: ModuleType) -> set[str]:
    """The functions and classes that a lab's module defines for others."""
    lab = module.__name__.rpartition(".")[2]
    return {
        f"{lab}.{name}"
        for name, value in vars(module).items()
        if inspect.isroutine(value) or inspect.isclass(value)
        if value.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_reference_is_in_the_grid_or_has_a_reason_not_to_be() -> None:
    excused = [name for names in NOT_COMPARED.values() for name in names.split()]
    compared = {case.reference(lab) for lab, cases in CASES.items() for case in cases}
    names = set().union(*map(public_names, LABS))
    assert len(excused) == len(set(excused))
    assert not compared & set(excused)
    assert compared | set(excused) == names
