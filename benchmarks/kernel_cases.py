"""What the kernels of the course are measured on: one case for each public function.

A case makes its tensors in two sizes: small ones for the interpreter, which is slow, and ones that
no cache of a GPU holds. The fewest bytes are those of the kernels' own formulas.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional as F

from course_lib.kernels import (
    activations,
    augmentation,
    batch_norm,
    cross_entropy,
    dropout,
    elementwise,
    fused,
    optimizers,
)


@dataclass(frozen=True)
class Work:
    """What one call works on.

    ``inputs`` are the arguments; with an ``upstream`` gradient, the backward pass of the function
    is the call. ``fewest`` is the fewest bytes that any kernel could move through memory. A trace
    counts every access: ``fewest_accesses`` where that are more, for the rest is served by a cache.
    """

    inputs: tuple[Any, ...]
    fewest: int
    upstream: torch.Tensor | None = None
    fewest_accesses: int = 0

    def wider(self) -> Work:
        """The same in float32, to the last bit."""
        inputs = tuple(map(_wider, self.inputs))
        return Work(inputs, self.fewest, _wider(self.upstream), self.fewest_accesses)

    @property
    def budget(self) -> int:
        """The bytes that a trace is compared with."""
        return self.fewest_accesses or self.fewest


Way = Callable[[Work], Callable[[], Any]]
"""Prepares a call of one implementation; preparing is not measured."""


@dataclass(frozen=True)
class Case:
    """One public function of ``course_lib.kernels``, and what it is compared with.

    ``make(device, dtype, large)`` gives fresh work; what is ``drawn`` at random differs from
    torch's; ``note`` says what the bytes count.
    """

    name: str
    make: Callable[[str, torch.dtype, bool], Work]
    ours: Way
    torchs: Way
    compiled: Way | None = None
    others: Mapping[str, Way] = field(default_factory=dict)
    halves: bool = True
    drawn: bool = False
    note: str = ""


def _wider(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.dtype not in (torch.float16, torch.bfloat16):
        return value
    return value.detach().to(torch.float32).requires_grad_(value.requires_grad)


def forward(function: Callable[..., Any]) -> Way:
    """Call a function."""
    return lambda work: functools.partial(function, *work.inputs)


def backward(function: Callable[..., torch.Tensor]) -> Way:
    """Call what propagates a gradient through a function that was called before."""

    def prepare(work: Work) -> Callable[[], Any]:
        of = [t for t in work.inputs if isinstance(t, torch.Tensor) and t.requires_grad]
        result = function(*work.inputs)
        return lambda: torch.autograd.grad(result, of, work.upstream, retain_graph=True)

    return prepare


def both(function: Callable[..., torch.Tensor]) -> Way:
    """Call a loss, and propagate its gradient to the first argument."""

    def prepare(work: Work) -> Callable[[], Any]:
        def call() -> Any:
            leaf = work.inputs[0].detach().requires_grad_()
            return torch.autograd.grad(function(leaf, *work.inputs[1:]), leaf)

        return call

    return prepare


def stepping(make: Callable[[Sequence[torch.Tensor]], Any]) -> Way:
    """Take a step with an optimizer."""
    return lambda work: make(work.inputs).step


def with_compiled(way: Callable[[Any], Way], function: Callable[..., Any]) -> dict[str, Way]:
    """The technique of torch, and the same through ``torch.compile``."""

    def compiled(work: Work) -> Callable[[], Any]:
        return way(_compiled(function))(work)

    return {"torchs": way(function), "compiled": compiled}


@functools.cache
def _compiled(function: Callable[..., Any]) -> Any:
    return torch.compile(function, dynamic=False)


def _found(module: str, name: str, way: Callable[[Any], Way]) -> dict[str, Way]:
    """An implementation of another project, where that is installed."""
    with contextlib.suppress(Exception):  # one that does not fit this torch may raise anything
        package = module.partition(".")[0].partition("_")[0]
        return {package: way(getattr(importlib.import_module(module), name))}
    return {}


SHAPES = {
    "elements": ((3000,), (2**26,)),
    "images": ((8, 3, 16, 16), (256, 64, 56, 56)),
    "photographs": ((2, 2, 64, 64), (256, 3, 224, 224)),
    "few classes": ((37, 130), (65536, 1000)),
    "many classes": ((2, 20000), (4096, 50264)),
    "features": ((24, 125), (2**16, 1024)),
    "parameters": ((700, 1024, 3), (160_000,) * 160),
}
"""Small and large."""

P, SEED = 0.1, 7


def _shape(what: str, large: bool) -> tuple[int, ...]:
    return SHAPES[what][large]


def _random(shape: tuple[int, ...], device: str, dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(shape, device=device).to(dtype)


def _one(device: str, dtype: torch.dtype, large: bool) -> Work:
    x = _random(_shape("elements", large), device, dtype)
    return Work((x,), activations.activation_bytes(x.numel(), x.element_size()))


def _two(device: str, dtype: torch.dtype, large: bool) -> Work:
    x, y = (_random(_shape("elements", large), device, dtype) for _ in range(2))
    return Work((x, y), elementwise.vector_add_bytes(x.numel(), x.element_size()))


def _one_back(device: str, dtype: torch.dtype, large: bool) -> Work:
    x, upstream = (_random(_shape("elements", large), device, dtype) for _ in range(2))
    fewest = activations.activation_backward_bytes(x.numel(), x.element_size())
    return Work((x.requires_grad_(),), fewest, upstream)


def _dropped(device: str, dtype: torch.dtype, large: bool) -> Work:
    x = _random(_shape("elements", large), device, dtype)
    return Work((x,), dropout.dropout_bytes(x.numel(), x.element_size()))


def _dropped_back(device: str, dtype: torch.dtype, large: bool) -> Work:
    work = _one_back(device, dtype, large)
    x = work.inputs[0]
    return Work(work.inputs, dropout.dropout_bytes(x.numel(), x.element_size()), work.upstream)


def _branch(device: str, dtype: torch.dtype, large: bool) -> Work:
    shape = _shape("features", large)
    residual, x = (_random(shape, device, dtype) for _ in range(2))
    n, width, size = x.numel(), shape[1], x.element_size()
    fewest = fused.add_branch_bytes(n, width, size)
    accesses = fewest + (n - width) * size
    return Work((residual, x, _random((width,), device, dtype)), fewest, None, accesses)


def _classes(what: str, reads: int) -> Callable[[str, torch.dtype, bool], Work]:
    def make(device: str, dtype: torch.dtype, large: bool) -> Work:
        rows, classes = _shape(what, large)
        logits = _random((rows, classes), device, dtype)
        targets = torch.randint(classes, (rows,), device=device)
        size = logits.element_size()
        fewest = cross_entropy.cross_entropy_bytes(rows, classes, size, reads=reads)
        return Work((logits, targets), fewest)

    return make


def _normalized(device: str, dtype: torch.dtype, large: bool) -> Work:
    x = _random(_shape("images", large), device, dtype)
    channels = x.shape[1]
    scale, shift, mean = (_random((channels,), device, torch.float32) for _ in range(3))
    fewest = batch_norm.batch_norm_bytes(x.numel(), channels, x.element_size())
    return Work((x, scale, shift, mean, torch.ones_like(mean)), fewest)


def _normalized_back(device: str, dtype: torch.dtype, large: bool) -> Work:
    work = _normalized(device, dtype, large)
    x, scale, shift, *running = work.inputs
    fewest = batch_norm.batch_norm_backward_bytes(x.numel(), x.shape[1], x.element_size())
    leaves = [tensor.requires_grad_() for tensor in (x, scale, shift)]
    return Work((*leaves, *running), fewest, torch.randn_like(x))


def _parameters(bytes_of: Callable[[int], int]) -> Callable[[str, torch.dtype, bool], Work]:
    def make(device: str, dtype: torch.dtype, large: bool) -> Work:
        sizes = _shape("parameters", large)
        parameters = tuple(_random((n,), device, dtype).requires_grad_() for n in sizes)
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        return Work(parameters, bytes_of(sum(sizes)))

    return make


def _mixed(device: str, dtype: torch.dtype, large: bool) -> Work:
    x = _random(_shape("photographs", large), device, dtype)
    partner = torch.randperm(len(x), device=device)
    fewest = augmentation.mixup_bytes(x.numel(), x.element_size())
    return Work((x, partner, torch.rand(len(x), device=device)), fewest)


def _blanked(device: str, dtype: torch.dtype, large: bool) -> Work:
    x = _random(_shape("photographs", large), device, dtype)
    count, channels, height, width = x.shape
    box = torch.tensor([height // 4, width // 4, height // 2, width // 2], device=device)
    area = count * (height // 2) * (width // 2)
    fewest = augmentation.cutout_bytes(area, channels, x.element_size())
    return Work((x, box.expand(count, 4).contiguous()), fewest)


def _warped(device: str, dtype: torch.dtype, large: bool) -> Work:
    x = _random(_shape("photographs", large), device, dtype)
    turned = torch.tensor([[0.9, -0.2, 0.03], [0.2, 0.9, -0.02]], device=device, dtype=dtype)
    theta = turned.expand(len(x), 2, 3).contiguous()
    accesses = augmentation.affine_warp_bytes(x.numel(), x.element_size())
    fewest = augmentation.affine_warp_bytes(x.numel(), x.element_size(), corners=1)
    return Work((x, theta), fewest, None, accesses)


def _gelu(x: torch.Tensor) -> torch.Tensor:
    return activations.activation(x, "gelu")


def _our_dropout(x: torch.Tensor) -> torch.Tensor:
    return dropout.dropout(x, P, SEED)


def _torchs_dropout(x: torch.Tensor) -> torch.Tensor:
    return F.dropout(x, P)


def _our_branch(residual: torch.Tensor, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return fused.add_branch(residual, x, bias, "gelu", P, SEED)


def _torchs_branch(residual: torch.Tensor, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return residual + F.dropout(F.gelu(x + bias), P)


def _our_norm(x: torch.Tensor, *of_channels: torch.Tensor) -> torch.Tensor:
    return batch_norm.batch_norm(x, *of_channels)


def _torchs_norm(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
) -> torch.Tensor:
    return F.batch_norm(x, mean, variance, weight, bias, training=True)


def _torchs_mix(x: torch.Tensor, partner: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    share = weight.to(x.dtype)[:, None, None, None]
    return torch.lerp(x[partner], x, share)


def _torchs_blank(x: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    top, left, height, width = boxes[:, :, None].unbind(1)
    rows = torch.arange(x.shape[2], device=x.device)
    columns = torch.arange(x.shape[3], device=x.device)
    in_rows = (rows >= top) & (rows < top + height)
    in_columns = (columns >= left) & (columns < left + width)
    return x.masked_fill_(in_rows[:, None, :, None] & in_columns[:, None, None, :], 0)


def _torchs_warp(x: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


_LIGER = _found("liger_kernel.transformers.functional", "liger_cross_entropy", both)

CASES = (
    Case("sum of two", _two, forward(elementwise.add), **with_compiled(forward, torch.add)),
    Case("gelu", _one, forward(_gelu), **with_compiled(forward, F.gelu)),
    Case("gelu, backward", _one_back, backward(_gelu), **with_compiled(backward, F.gelu)),
    Case(
        "dropout",
        _dropped,
        forward(_our_dropout),
        **with_compiled(forward, _torchs_dropout),
        drawn=True,
    ),
    Case(
        "dropout, backward",
        _dropped_back,
        backward(_our_dropout),
        **with_compiled(backward, _torchs_dropout),
        drawn=True,
    ),
    Case(
        "bias, gelu, dropout, residual",
        _branch,
        forward(_our_branch),
        **with_compiled(forward, _torchs_branch),
        drawn=True,
        note="the bias is loaded once for every element, from a cache",
    ),
    Case(
        "cross-entropy and gradient, few classes",
        _classes("few classes", reads=1),
        both(cross_entropy.mean_cross_entropy),
        **with_compiled(both, F.cross_entropy),
        others=_LIGER,
    ),
    Case(
        "cross-entropy and gradient, many classes",
        _classes("many classes", reads=2),
        both(cross_entropy.mean_cross_entropy),
        **with_compiled(both, F.cross_entropy),
        others=_LIGER,
        note="rows that no program can hold are read twice",
    ),
    Case(
        "batch normalization",
        _normalized,
        forward(_our_norm),
        **with_compiled(forward, _torchs_norm),
        note="two passes over x",
    ),
    Case(
        "batch normalization, backward",
        _normalized_back,
        backward(_our_norm),
        **with_compiled(backward, _torchs_norm),
        note="two passes over x and dy",
    ),
    Case(
        "SGD with momentum, a step",
        _parameters(optimizers.sgd_momentum_bytes),
        stepping(lambda parameters: optimizers.SGDMomentum(list(parameters), momentum=0.9)),
        stepping(lambda parameters: torch.optim.SGD(parameters, 1e-3, momentum=0.9, fused=True)),
        others=_found(
            "apex.optimizers",
            "FusedSGD",
            lambda made: stepping(lambda parameters: made(list(parameters), 1e-3, momentum=0.9)),
        ),
        halves=False,
    ),
    Case(
        "AdamW, a step",
        _parameters(optimizers.adamw_bytes),
        stepping(lambda parameters: optimizers.AdamW(list(parameters))),
        stepping(lambda parameters: torch.optim.AdamW(parameters, fused=True)),
        others=_found(
            "apex.optimizers",
            "FusedAdam",
            lambda made: stepping(lambda parameters: made(list(parameters))),
        ),
        halves=False,
    ),
    Case("mixup", _mixed, forward(augmentation.mix), **with_compiled(forward, _torchs_mix)),
    Case(
        "cutout in place",
        _blanked,
        forward(augmentation.blank),
        **with_compiled(forward, _torchs_blank),
        note="the boxes alone",
    ),
    Case(
        "affine warp",
        _warped,
        forward(augmentation.warp),
        **with_compiled(forward, _torchs_warp),
        note="four corners for each pixel, three of them from a cache",
    ),
)
