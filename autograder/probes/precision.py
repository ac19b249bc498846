"""How exactly products of float32 are computed: torch may round what it multiplies to TF32."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch


class Precision(NamedTuple):
    """Torch's settings by their older names, and by the newer ones where this torch has those."""

    products: str
    convolutions_in_tf32: bool
    newer: tuple[str, ...]


def precision() -> Precision:
    """The settings as they are."""
    # The older names cannot be read where only the newer were set, and have not been touched then.
    try:
        products = torch.get_float32_matmul_precision()
    except RuntimeError:
        products = "highest"
    try:
        in_tf32 = bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:
        in_tf32 = True
    return Precision(products, in_tf32, tuple(place.fp32_precision for place in _places()))


def compute_in(wanted: Precision) -> None:
    """Set them. The older names go first: to set one changes the newer that it stands for."""
    torch.set_float32_matmul_precision(wanted.products)
    torch.backends.cudnn.allow_tf32 = wanted.convolutions_in_tf32
    for place, value in zip(_places(), wanted.newer, strict=True):
        place.fp32_precision = value


def _places() -> tuple[Any, ...]:
    backends: Any = torch.backends
    if not hasattr(backends.cudnn, "conv"):
        return ()
    return (
        backends.cuda.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.mkldnn.matmul,
        backends.mkldnn.conv,
    )


FULL = Precision("highest", False, tuple("ieee" for _ in _places()))
"""No product of float32 is rounded to TF32."""
