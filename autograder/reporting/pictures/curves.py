"""Functions of one variable: rates over steps, losses over epochs, activations over x."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.reporting.pictures.frame import (
    MARK,
    WANTED,
    YOURS,
    Picture,
    Seen,
    as_numbers,
    finished,
    legend,
    look_at,
    number,
    panels,
)

_FEWEST_POINTS = 15
# Up and down this often over its whole range, what is drawn over x is no function of x.
_MOST_SWINGS = 3.0
# Inputs as large as this ask for stability; the shape of a function is nearer to zero.
_NEAR = 8.0


def over_steps(seen: Seen) -> Picture | None:
    """The results of ``each`` over its argument, or of one of the ``histories`` over its turns."""
    probe = seen.exercise.probe
    if probe.name == "each":
        name = probe.parameters["argument"]
        x = as_numbers(seen.inputs[name])
        wanted = as_numbers(seen.expected["result"])
        yours = None if wanted is None else as_numbers(seen.observed.get("result"), wanted.shape)
        return _curve(seen, name, x, yours, wanted)
    if probe.name == "histories":
        return _history(seen)
    if isinstance(seen.expected.get("result"), dict):
        listed = seen.expected["result"].get("returned")
        wanted = as_numbers(listed) if isinstance(listed, list) else None
        if wanted is not None and not seen.correct:
            yours = as_numbers((seen.observed.get("result") or {}).get("returned"), wanted.shape)
            return _curve(seen, "turn", np.arange(len(wanted)), yours, wanted)
    return None


def _history(seen: Seen) -> Picture | None:
    """The first run that went wrong: the metrics that were given above, the answers below."""
    runs = zip(seen.observed.get("result") or [], seen.expected["result"], strict=False)
    pairs = [(as_numbers(one), as_numbers(other)) for one, other in runs]
    differ = (n for n, (one, other) in enumerate(pairs) if not seen.same(one, other))
    run = next(differ, 0)
    yours, wanted = pairs[run]
    if wanted is None or yours is None or yours.shape != wanted.shape:
        return None
    given = as_numbers(seen.inputs["runs"][run]["history"])
    return _curve(seen, "evaluation", np.arange(1, len(wanted) + 1), yours, wanted, given)


def is_elementwise(seen: Seen) -> bool:
    """Whether an exercise asks for a function of x, entry by entry, or for its slope."""
    several = (np.ndarray, list, dict)
    arrays = {name for name, value in seen.inputs.items() if isinstance(value, several)}
    called = seen.exercise.probe.name in ("call", "gradients")
    return called and "x" in arrays and arrays <= {"x", "grad_output"}


def over_x(seen: Seen) -> Picture | None:
    """An elementwise function, or its slope, over x."""
    x = as_numbers(seen.inputs.get("x"))
    if seen.correct or x is None or not is_elementwise(seen):
        return None
    for what, yours, wanted in _functions_of(seen, x):
        # The slope is told from the gradient where something was sent back.
        told = np.isfinite(wanted) & (np.abs(x) <= _NEAR)
        points = x[told], yours[told], wanted[told]
        if _is_function(points[0], points[2]) and not seen.same(points[1], points[2]):
            return _scatter(what, *points)
    return None


def _functions_of(seen: Seen, x: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What may be a function of x, by its name: what a student has, what is wanted."""
    results = [one.get("result") for one in (seen.observed, seen.expected)]
    upstream = as_numbers(seen.inputs.get("grad_output"), x.shape)
    if seen.exercise.probe.name == "gradients":
        dicts = [r if isinstance(r, dict) else {} for r in results]
        values = [as_numbers(r.get("value"), x.shape) for r in dicts]
        slopes = [as_numbers((r.get("gradients") or {}).get("x"), x.shape) for r in dicts]
    else:
        slopes = [as_numbers(result, x.shape) for result in results]
        values = slopes if upstream is None else [None]
    if values[0] is not None and values[-1] is not None:
        yield "value", values[0], values[-1]
    if upstream is not None and slopes[0] is not None and slopes[-1] is not None:
        sent = np.where(upstream == 0, np.nan, upstream)
        yield "slope", slopes[0] / sent, slopes[-1] / sent


def _is_function(x: np.ndarray, y: np.ndarray) -> bool:
    if x.size < _FEWEST_POINTS:
        return False
    along = y[np.argsort(x, kind="stable")]
    swings, reach = np.abs(np.diff(along)).sum(), along.max() - along.min()
    return bool(0 < swings <= _MOST_SWINGS * reach)


def _scatter(what: str, x: np.ndarray, yours: np.ndarray, wanted: np.ndarray) -> Picture:
    order = np.argsort(x, kind="stable")
    figure, (axes,) = panels()
    axes.plot(x[order], wanted[order], "-", color=WANTED, linewidth=2.5, label="wanted")
    axes.plot(x, yours, "o", color=YOURS, markersize=4, label="yours")
    axes.set_ylim(*look_at(wanted, yours))
    axes.set_xlabel("x")
    axes.set_ylabel(what)
    legend(axes)
    worst = _furthest(yours, wanted)
    words = f"{number(yours[worst])} instead of {number(wanted[worst])}"
    alt = f"Your {what} over x beside the wanted one; furthest off is x = {number(x[worst])}: "
    return finished(figure, f"{alt}{words}.")


def _curve(
    seen: Seen,
    name: str,
    x: np.ndarray | None,
    yours: np.ndarray | None,
    wanted: np.ndarray | None,
    given: np.ndarray | None = None,
) -> Picture | None:
    if x is None or yours is None or wanted is None or wanted.ndim != 1 or x.shape != wanted.shape:
        return None
    if seen.same(yours, wanted) != seen.correct:
        return None
    order = np.argsort(x, kind="stable")
    x, yours, wanted = x[order], yours[order], wanted[order]
    figure, axes = panels(1 if given is None else 2, width=6.0 if given is None else 7.6)
    if given is not None:
        axes[0].plot(x, given, "o-", color=MARK, markersize=2.5, linewidth=1)
        axes[0].set_xlabel(name)
        axes[0].set_ylabel("the metrics given")
    last = axes[-1]
    last.plot(x, wanted, "-", color=WANTED, linewidth=4, alpha=0.45, label="wanted")
    last.plot(x, yours, "o-", color=YOURS, markersize=3, linewidth=1.4, label="yours")
    last.set_ylim(*look_at(wanted, yours))
    last.set_xlabel(name)
    worst = _furthest(yours, wanted)
    where = f"{name} {number(x[0])} to {number(x[-1])}"
    if seen.correct:
        legend(last)
        return finished(figure, f"Your curve over {where} lies on the wanted one.")
    last.axvline(x[worst], color=MARK, linewidth=1, linestyle=":", label="furthest apart")
    legend(last)
    words = f"at {name} {number(x[worst])}: {number(yours[worst])} instead of"
    alt = f"Your curve over {where} beside the wanted one; they are furthest apart {words}"
    return finished(figure, f"{alt} {number(wanted[worst])}.")


def _furthest(yours: np.ndarray, wanted: np.ndarray) -> int:
    with np.errstate(all="ignore"):
        return int(np.nan_to_num(np.abs(yours - wanted), nan=np.inf, posinf=np.inf).argmax())
