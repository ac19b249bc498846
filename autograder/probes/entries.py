"""A probe for a whole training: what it gives, what it costs, and whether it can be trusted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.state import on_the_cpu
from autograder.probes.values import changed, to_plain, to_torch

_ALONE, _AGAIN = 6, 64
_FLOPS = dict(flop_registry)  # an answer may change the original


class _Account:
    """What has been computed since the account was opened, in whatever thread."""

    def __init__(self) -> None:
        self.total = 0
        self.goes_back = False


class _Counting(TorchDispatchMode):
    """Counts FLOPs as ``FlopCounterMode`` does, whose account by modules would double the time; and
    notices whether there is backpropagation.
    """

    def __init__(self, account: Callable[[], _Account]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._account = account

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        account = self._account()
        account.goes_back |= "backward" in func._overloadpacket.__name__
        flops = _FLOPS.get(func._overloadpacket)
        if flops is not None:
            account.total += flops(*args, **(kwargs or {}), out_val=out)
        return out


class _Books:
    """The account that is open: of this thread, and of every other that is started meanwhile."""

    def __init__(self) -> None:
        self._open = _Account()

    def _now(self) -> _Account:
        return self._open

    @contextlib.contextmanager
    def account(self) -> Iterator[_Account]:
        """What is computed in here, and in other threads from here on."""
        self._open = _Account()
        with _Counting(self._now):
            yield self._open

    @contextlib.contextmanager
    def in_threads(self) -> Iterator[None]:
        """Threads that start in here count, too: a dispatch mode knows its own thread alone."""
        boot: Any = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

        def counting(thread: threading.Thread) -> None:
            with _Counting(self._now):
                boot(thread)

        threading.Thread._bootstrap_inner = counting  # type: ignore[attr-defined]
        try:
            yield
        finally:
            threading.Thread._bootstrap_inner = boot  # type: ignore[attr-defined]


@probe(trains=True)
def entry(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Train with the answer once for every seed, and ask what has been trained for scores.

    ``inputs`` is ``{"images": bytes (N, H, W), "labels": (N,), "asked": bytes (M, H, W), "seeds":
    [int, …], "counted": int}``; the answer is called as ``answer(images, labels, seed)`` with
    brightness in [0, 1], and what it returns with the images that are asked. Of every run the
    result has the ``scores`` (M, K), those of the first images asked ``twice`` and asked one at a
    time (``alone``), and whether it ``trains_when_asked``. The ``flops`` are those of the training
    whose number is ``counted``. All of it is on the CPU.
    """
    runs: list[Observation] = []
    books = _Books()
    # On a GPU the same seed would not give the same network, to the last bit.
    with on_the_cpu(), Observing(result=None, changed=[]) as seen, books.in_threads():
        for number, seed in enumerate(inputs["seeds"]):
            generators.renew()
            given = {name: to_torch(inputs[name]) for name in ("images", "labels")}
            given["images"] = given["images"] / 255
            kept = {name: to_plain(value) for name, value in given.items()}
            run: Observation = {}
            if number == inputs["counted"]:
                with books.account() as spent:
                    predict = answer(**given, seed=seed)
                run["flops"] = float(spent.total)
            else:
                predict = answer(**given, seed=seed)
            asked = to_torch(inputs["asked"]) / 255
            with books.account() as asking:
                run["scores"] = to_plain(predict(asked.clone()))
            run["trains_when_asked"] = asking.goes_back
            run["alone"] = [to_plain(predict(asked[n : n + 1].clone())) for n in range(_ALONE)]
            run["twice"] = [to_plain(predict(asked[:_AGAIN].clone())) for _ in range(2)]
            runs.append(run)
            seen["changed"] = sorted({*seen["changed"], *changed(kept, given)})
        seen["result"] = runs
    return seen
