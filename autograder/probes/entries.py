"""A probe for a whole training: what it gives, what it costs, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from autograder.probes.generators import Generators
from autograder.probes.observing import Observing
from autograder.probes.registry import Inputs, Observation, probe
from autograder.probes.values import changed, to_plain, to_torch

_ALONE, _AGAIN = 6, 64


class _Counting(TorchDispatchMode):
    """Counts FLOPs as ``FlopCounterMode`` does, whose account by modules would double the time; and
    notices whether there is backpropagation.
    """

    total = 0
    goes_back = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.goes_back |= "backward" in func._overloadpacket.__name__
        flops = flop_registry.get(func._overloadpacket)
        if flops is not None:
            self.total += flops(*args, **(kwargs or {}), out_val=out)
        return out


@probe(trains=True)
def entry(answer: Callable[..., Any], inputs: Inputs, generators: Generators) -> Observation:
    """Train with the answer once for every seed, and ask what has been trained for scores.

    ``inputs`` is ``{"images": bytes (N, H, W), "labels": (N,), "asked": bytes (M, H, W), "seeds":
    [int, …], "counted": int}``; the answer is called as ``answer(images, labels, seed)`` with
    brightness in [0, 1], and what it returns with the images that are asked. Of every run the
    result has the ``scores`` (M, K), those of the first images asked ``twice`` and asked one at a
    time (``alone``), and whether it ``trains_when_asked``. The ``flops`` are those of the training
    whose number is ``counted``.
    """
    runs: list[Observation] = []
    with Observing(result=None, changed=[]) as seen:
        for number, seed in enumerate(inputs["seeds"]):
            generators.renew()
            given = {name: to_torch(inputs[name]) for name in ("images", "labels")}
            given["images"] = given["images"] / 255
            kept = {name: to_plain(value) for name, value in given.items()}
            run: Observation = {}
            if number == inputs["counted"]:
                with _Counting() as counter:  # type: ignore[no-untyped-call]
                    predict = answer(**given, seed=seed)
                run["flops"] = float(counter.total)
            else:
                predict = answer(**given, seed=seed)
            asked = to_torch(inputs["asked"]) / 255
            with _Counting() as asking:  # type: ignore[no-untyped-call]
                run["scores"] = to_plain(predict(asked.clone()))
            run["trains_when_asked"] = asking.goes_back
            run["alone"] = [to_plain(predict(asked[n : n + 1].clone())) for n in range(_ALONE)]
            run["twice"] = [to_plain(predict(asked[:_AGAIN].clone())) for _ in range(2)]
            runs.append(run)
            seen["changed"] = sorted({*seen["changed"], *changed(kept, given)})
        seen["result"] = runs
    return seen
