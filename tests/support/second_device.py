"""A device that computes on the CPU and keeps the rules of a GPU; it lasts as long as its process.

``with_second_device()`` makes probes accept the device ``far``. Its tensors are told from those
of the CPU by PyTorch's own dispatcher: they cannot be mixed but for numbers without axes in
operations element by element, cannot become numpy arrays, cannot be drawn by a generator of the
CPU, and are drawn from streams of their own, another one for each dtype, as CUDA's are. Products of
matrices of whole numbers are not there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._pytree import tree_iter, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from autograder.probes import generators, state, values

NAME = "far"
_HERE = torch.device("cpu")
_COPIES = {"copy_", "_to_copy", "set_data"}
_INDEXING = {"index", "index_put_", "_index_put_impl_", "_unsafe_index", "index_put"}
_FLOATS_ONLY = {"mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot", "convolution", "addbmm"}

_lock = threading.RLock()
_streams: dict[torch.dtype, torch.Tensor] = {}
_seed = [0, 0]
"""The seed, and how many numbers have been asked for since."""


class Far(torch.Tensor):
    """A tensor of the second device, with its numbers in ``near``, a tensor of the CPU."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> Far:
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            near.size(),
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=f"{NAME}:0",
        )
        made.near = near
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})

    @property
    def data(self) -> torch.Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Far) -> None:
        torch.Tensor.data.__set__(self, value)  # type: ignore[attr-defined]
        self.near = value.near

    def numpy(self, *, force: bool = False) -> Any:
        if not force:
            raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy")
        return self.near.numpy()

    def __array__(self, dtype: Any = None) -> Any:
        return self.numpy()

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None) -> torch.Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype, device=device or self.device)

    def tolist(self) -> Any:
        return self.near.tolist()

    def data_ptr(self) -> int:
        return self.near.data_ptr()

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        if id(self) not in memo:
            copied = self.detach().clone()
            if isinstance(self, torch.nn.Parameter):
                copied = torch.nn.Parameter(copied, self.requires_grad)
            memo[id(self)] = copied.requires_grad_(self.requires_grad)
        return memo[id(self)]

    def __repr__(self, **_: Any) -> str:
        return f"{self.near!r} on {NAME}"

    def __format__(self, form: str) -> str:
        return format(self.near, form)


class _Module:
    """What torch asks of a device."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        seed_second(seed)

    def device_count(self) -> int:
        return 1


def seed_second(seed: int) -> None:
    """Seed the streams of the device."""
    with _lock:
        _streams.clear()
        _seed[:] = seed, 0


@contextlib.contextmanager
def with_second_device() -> Iterator[str]:
    """Probes accept the device in here, and look at its generator; its name is yielded."""
    find, seed, note, read = (
        state._find_device,
        generators.seed_everything,
        generators.Generators._note,
        values._Reader._tensor,
    )

    def seed_everything(number: int) -> None:
        seed(number)
        seed_second(number)

    def noted(self: Any) -> None:
        note(self)
        look = generators.RESEEDED if _seed[0] != self._seed else generators.UNTOUCHED
        look = generators.USED if _seed[1] and look == generators.UNTOUCHED else look
        self._worst = max(self._worst, look, key=generators.DONE.index)

    state._find_device = lambda name: torch.device(name) if name == NAME else find(name)
    generators.seed_everything = seed_everything
    generators.Generators._note = noted  # type: ignore[method-assign]
    values._Reader._tensor = lambda self, value: read(  # type: ignore[method-assign]
        self, value.near if isinstance(value, Far) else value
    )
    try:
        yield NAME
    finally:
        state._find_device, generators.seed_everything = find, seed
        generators.Generators._note = note  # type: ignore[method-assign]
        values._Reader._tensor = read  # type: ignore[method-assign]


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    name = func._schema.name.removeprefix("aten::")
    given = list(tree_iter((args, kwargs)))
    tensors = [item for item in given if isinstance(item, torch.Tensor)]
    wanted = next((item for item in given if isinstance(item, torch.device)), None)
    if name not in _COPIES:
        _refuse_mixtures(func, name, args, kwargs, tensors)
    with _streams_of(func, given):
        out = func(*tree_map(_near, args), **tree_map(_near, kwargs))
    if func._schema.is_mutable:
        return _same_objects(func, args, kwargs, out)
    if wanted is not None and wanted.type != NAME:
        return out
    return tree_map(lambda item: Far(item) if isinstance(item, torch.Tensor) else item, out)


def _near(item: Any) -> Any:
    if isinstance(item, Far):
        return item.near
    return _HERE if isinstance(item, torch.device) and item.type == NAME else item


def _refuse_mixtures(func: Any, name: str, args: Any, kwargs: Any, tensors: list[Any]) -> None:
    far = [t for t in tensors if isinstance(t, Far)]
    near = [t for t in tensors if not isinstance(t, Far)]
    if name in _INDEXING:
        if not isinstance(args[0], Far):
            raise RuntimeError("indices should be either on cpu or on the same device")
        near = [t for t in near if t is not None and t.dtype not in (torch.int64, torch.bool)]
    if torch.Tag.pointwise in func.tags or name in (*_INDEXING, "fill_"):
        mutated = args[0] if name.endswith("_") and args else kwargs.get("out")
        near = [t for t in near if t.ndim or t is mutated]
    if far and near:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but {name} got {NAME} and cpu"
        )
    if name in _FLOATS_ONLY and any(not (t.is_floating_point() or t.is_complex()) for t in far):
        raise RuntimeError(f'"{name}_{NAME}" not implemented for whole numbers')


@contextlib.contextmanager
def _streams_of(func: Any, given: list[Any]) -> Iterator[None]:
    if torch.Tag.nondeterministic_seeded not in func.tags:
        yield
        return
    if any(isinstance(item, torch.Generator) for item in given):
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")
    dtype = next((item for item in given if isinstance(item, torch.dtype)), None)
    dtype = dtype or next((t.dtype for t in given if isinstance(t, torch.Tensor)), torch.float32)
    with _lock:
        kept = torch.get_rng_state()
        if dtype not in _streams:
            torch.default_generator.manual_seed(_seed[0] * 1009 + sum(map(ord, str(dtype))))
        else:
            torch.set_rng_state(_streams[dtype])
        try:
            _seed[1] += 1
            yield
        finally:
            _streams[dtype] = torch.get_rng_state()
            torch.set_rng_state(kept)


def _same_objects(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    """What an operation wrote into, as the objects that it was given."""
    written = []
    for place, argument in enumerate(func._schema.arguments):
        value = args[place] if place < len(args) else kwargs.get(argument.name)
        if argument.alias_info is not None and argument.alias_info.is_write:
            written += [t for t in tree_iter(value) if isinstance(t, torch.Tensor)]
    for one in written:
        if isinstance(one, Far) and one.shape != one.near.shape:
            torch.Tensor.data.__set__(one, Far(one.near))  # type: ignore[attr-defined]
    by_near = {id(_near(one)): one for one in written}
    return tree_map(
        lambda item: by_near.get(id(item), Far(item)) if isinstance(item, torch.Tensor) else item,
        out,
    )


def _made_near(make: Any) -> Any:
    """``torch.tensor`` and its like fill tensors behind the dispatcher's back."""

    def made(data: Any, *args: Any, device: Any = None, **kwargs: Any) -> Any:
        if device is None:
            device = data.device if isinstance(data, torch.Tensor) else torch.empty(0).device
        wanted = torch.device(device)
        if wanted.type != NAME:
            return make(data, *args, device=wanted, **kwargs)
        asks = kwargs.pop("requires_grad", False)
        near = data.cpu() if isinstance(data, torch.Tensor) else data
        return make(near, *args, device="cpu", **kwargs).to(wanted).requires_grad_(asks)

    return made


for _name in ("tensor", "as_tensor", "asarray"):
    setattr(torch, _name, _made_near(getattr(torch, _name)))
Far.__qualname__ = "torch.Tensor"
_setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
torch.__future__.set_overwrite_module_params_on_conversion(True)
_everything = torch.library.Library("_", "IMPL")


def _fallback(op: Any, *args: Any, **kwargs: Any) -> Any:
    return _computed(op, args, kwargs)


_everything.fallback(_fallback, "PrivateUse1")
