"""Trajectories: where the parameters went, step by step, and where they should have gone."""

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
    panels,
)


def path(seen: Seen) -> Picture | None:
    """The two entries of a parameter that went furthest astray, in their plane."""
    drawn = [one for one in _paths(seen) if one[1].shape[1] >= 2]
    astray = [one for one in drawn if not seen.same(one[1], one[2])]
    if not drawn or bool(astray) == seen.correct:
        return None
    name, yours, wanted = min(astray or drawn[:1], key=lambda one: _left_at(seen, one[1], one[2]))
    left = _left_at(seen, yours, wanted)
    with np.errstate(all="ignore"):
        off = np.nan_to_num(np.abs(yours - wanted), nan=np.inf, posinf=np.inf)[: left + 1].max(0)
    i, j = np.sort(np.argsort(off, kind="stable")[-2:])
    figure, (axes,) = panels(height=3.2)
    for line, color, size, label in ((wanted, WANTED, 4, "wanted"), (yours, YOURS, 3, "yours")):
        wide = label == "wanted"
        axes.plot(line[:, i], line[:, j], "o-", color=color, markersize=size,
                  linewidth=4 if wide else 1.4, alpha=0.45 if wide else 1, label=label)  # fmt: skip
    axes.plot(*wanted[0, [i, j]], "s", color=MARK, markersize=6, label="where it begins")
    if not seen.correct:
        mark = yours[left] if np.isfinite(yours[left]).all() else wanted[left]
        axes.plot(mark[i], mark[j], "o", color=MARK, markersize=11, fillstyle="none",
                  label=f"step {left}: off the path")  # fmt: skip
    axes.set_xlim(*look_at(wanted[:, i], yours[:, i]))
    axes.set_ylim(*look_at(wanted[:, j], yours[:, j]))
    axes.set_xlabel(f"entry {i} of {name}")
    axes.set_ylabel(f"entry {j} of {name}")
    legend(axes)
    alt = f"The path of two entries of {name} over {len(wanted) - 1} steps: yours "
    ends = "is the wanted one." if seen.correct else f"leaves the wanted one in step {left}."
    return finished(figure, alt + ends)


def _left_at(seen: Seen, yours: np.ndarray, wanted: np.ndarray) -> int:
    """The first step after which the two are not the same."""
    pairs = zip(yours, wanted, strict=True)
    return next((n for n, (one, other) in enumerate(pairs) if not seen.same(one, other)), 0)


def _paths(seen: Seen) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The paths of parameters, by their names, from where they begin: arrays (steps + 1, n)."""
    result, wanted = seen.observed.get("result"), seen.expected.get("result")
    name = seen.exercise.probe.name
    if name in ("optimizer", "descent") and isinstance(result, list) and isinstance(wanted, list):
        if name == "descent":
            result, wanted = _by_parameter(result), _by_parameter(wanted)
        pairs = zip(seen.inputs["parameters"], result, wanted, strict=True)
        for number, (start, one, other) in enumerate(pairs):
            right = as_numbers(other)
            mine = None if right is None else as_numbers(one, right.shape)
            if mine is not None and right is not None and len(right):
                lines = (np.concatenate([start[None], line]) for line in (mine, right))
                yours, asked = (line.reshape(len(line), -1) for line in lines)
                yield f"parameter {number}", yours, asked
    elif name == "call" and "start" in seen.inputs and isinstance(wanted, np.ndarray):
        mine = as_numbers(result, wanted.shape)
        if mine is not None and wanted.ndim == 2:
            yield "w", mine, wanted.astype(np.float64)


def _by_parameter(steps: list[dict[str, list[np.ndarray]]]) -> list[list[np.ndarray]]:
    return [list(values) for values in zip(*(step["values"] for step in steps), strict=True)]
