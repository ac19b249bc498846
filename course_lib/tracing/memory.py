"""The memory a traced kernel sees: copies of its tensors, far apart, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

Offsets = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

GUARD = 1 << 16
"""Bytes between two blocks, so that who runs over the end of one does not land in the next."""


@dataclass
class Block:
    """A piece of the arena that one or several tensors share, from ``start`` to ``end``.

    ``raw`` are the bytes that it is a copy of.
    """

    start: int
    end: int
    raw: torch.Tensor
    names: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called: ``x_ptr``, or ``x_ptr and out_ptr``."""
        return " and ".join(dict.fromkeys(self.names))


class Memory:
    """Copies of named tensors in an arena of their own, which begins at the address ``start``.

    ``given`` says of every byte whether it belongs to a tensor: the gaps of a strided view do not.
    """

    def __init__(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        named = list(tensors)
        joined = _joined([_span(tensor) for _, tensor in named])
        self.size = GUARD + sum(_rounded(end - start) + GUARD for start, end in joined)
        self._arena = torch.empty(self.size, dtype=torch.uint8, device="cpu")
        self.start = self._arena.data_ptr()
        self.given: Marks = np.zeros(self.size, bool)
        self.blocks: list[Block] = []
        self.copies: dict[str, torch.Tensor] = {}
        at = GUARD
        for start, end in joined:
            inside = [(n, t) for n, t in named if start <= t.data_ptr() and _span(t)[1] <= end]
            self._lay(at, end - start, start, [(n, t) for n, t in inside if n not in self.copies])
            at += _rounded(end - start) + GUARD
        self._starts = np.array([block.start for block in self.blocks], np.int64)

    def bring_back(self, written: Marks) -> None:
        """Put the bytes that were written into the tensors that were copied."""
        for block in self.blocks:
            marks = torch.from_numpy(written[block.start : block.end])
            if bool(marks.any()):
                own = self._arena[block.start : block.end]
                block.raw.copy_(torch.where(marks, own, block.raw.cpu()))

    def offsets(self, name: str) -> Offsets:
        """Where in the arena every element of a tensor begins; shaped as it is."""
        copy = self.copies[name]
        at = np.full((), copy.data_ptr() - self.start, np.int64)
        for size, stride in zip(copy.shape, copy.stride(), strict=True):
            at = at[..., None] + np.arange(size) * (stride * copy.element_size())
        return at

    def numbers(self, offsets: Offsets) -> Offsets:
        """For offsets of given bytes, which of the blocks they are in."""
        return np.searchsorted(self._starts, offsets, side="right") - 1

    def nearest(self, offset: int) -> Block:
        """The block that an offset is in, or closest to."""
        return min(self.blocks, key=lambda b: max(b.start - offset, offset - b.end + 1, 0))

    def element(self, offset: int) -> str:
        """The element that an offset is in, in words: ``x_ptr[3, 5]``."""
        for name in self.nearest(offset).names:
            at = self.offsets(name)
            found = np.argwhere((at <= offset) & (offset < at + self.copies[name].element_size()))
            if len(found):
                return f"{name}[{', '.join(map(str, found[0]))}]"
        return self.nearest(offset).name

    def _lay(self, at: int, size: int, start: int, inside: list[tuple[str, torch.Tensor]]) -> None:
        """Copy what lies at an address, and the tensors in it, to a place in the arena."""
        storage = inside[0][1].untyped_storage()
        raw = torch.empty(0, dtype=torch.uint8, device=inside[0][1].device)
        raw.set_(storage, start - storage.data_ptr(), (size,), (1,))
        self._arena[at : at + size].copy_(raw)
        self.blocks.append(Block(at, at + size, raw, [name for name, _ in inside]))
        for name, tensor in inside:
            first = (at + tensor.data_ptr() - start) // tensor.element_size()
            copy = torch.empty(0, dtype=tensor.dtype, device="cpu")
            copy.set_(self._arena.untyped_storage(), first, tensor.shape, tensor.stride())
            self.copies[name] = copy
            elements = self.offsets(name).ravel()
            for byte in range(tensor.element_size()):
                self.given[elements + byte] = True


def _span(tensor: torch.Tensor) -> tuple[int, int]:
    """The addresses that a tensor's elements lie between."""
    start = tensor.data_ptr()
    if not tensor.numel():
        return start, start
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    return start, start + (reach + 1) * tensor.element_size()


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of addresses in their order, those that overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _rounded(size: int) -> int:
    return -(-size // 64) * 64
