"""Checks that coins fall, and quantities are drawn, by themselves."""

from __future__ import annotations

import math

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.statistics.chance import count_score, overlap_score, scatter_score
from autograder.judging.statistics.draws import Reading, numbers_of, statistical
from autograder.judging.verdict import Finding


def coins_are_independent(
    property: str = "every coin is thrown by itself", *, of: Reading = ""
) -> Check:
    """The events among the entries of a reading happen independently along every axis.

    No axis shares its coins or throws them too evenly (the counts along it scatter as binomial
    ones do), no place has coins of its own, and neighbors agree as often as chance has it. An entry
    that is not zero is an event. Coins that always fall the same way are left to ``share_is``.
    """

    def look(case: Case, numbers: np.ndarray) -> Finding:
        events = numbers != 0
        share = float(events.mean())
        if share in (0.0, 1.0):
            return finding(True, "independent coins", "all fall the same way", margin=0.0)
        counts = _counts(events)
        alpha = case.alpha / max(1, 2 * events.ndim + len(counts))
        scores = {name: scatter_score(k, size, share, alpha) for name, (k, size) in counts.items()}
        scores |= _neighbors(events, share, alpha)
        name = max(scores, key=lambda key: abs(scores[key]), default="")
        worst = scores.get(name, 0.0)
        gist = _dependence(name, worst)
        return finding(
            abs(worst) <= 1,
            "independent coins",
            gist if abs(worst) > 1 else "as by chance",
            gist,
            margin=abs(worst),
        )

    return statistical(property, of, look)


def _dependence(name: str, score: float) -> str:
    if name.startswith("call"):
        return "the calls share their coins" if score > 0 else "one call decides the next"
    if score < 0:
        return "thrown too evenly: how many fall one way is fixed"
    return "some places have another share" if name.startswith("across") else "some share a coin"


def are_independent(one: Reading, other: Reading, property: str) -> Check:
    """Two quantities of a draw have nothing to do with each other.

    Each is sorted into its values, or into quarters where there are more than six; how many draws
    fall into a cell of the table is judged by Fisher's exact distribution.
    """

    def look(case: Case) -> Finding:
        first, second = numbers_of(case, one), numbers_of(case, other)
        if first is None or second is None or first.shape != second.shape or not first.size:
            return finding(False, "two numbers a draw", "another form", margin=math.inf)
        rows, columns = _classes(first.ravel()), _classes(second.ravel())
        table = np.zeros((rows.max() + 1, columns.max() + 1), dtype=int)
        np.add.at(table, (rows, columns), 1)
        size, left, top = len(rows), table.sum(axis=1), table.sum(axis=0)
        alpha = case.alpha / table.size
        score = max(
            overlap_score(int(count), size, int(left[i]), int(top[j]), alpha)
            for (i, j), count in np.ndenumerate(table)
        )
        gist = "one depends on the other"
        return finding(score <= 1, "independent", gist if score > 1 else "", gist, margin=score)

    return Check(property, look, statistical=True)


def _classes(values: np.ndarray) -> np.ndarray:
    distinct, classes = np.unique(values, return_inverse=True)
    if len(distinct) <= 6:
        return classes.reshape(-1)
    return np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values, side="right")


def _counts(events: np.ndarray) -> dict[str, tuple[np.ndarray, int]]:
    """Counts of disjoint groups of coins, and how many are in each: the lines along every axis, and
    the slices across it.
    """
    found = {}
    for axis in range(events.ndim):
        others = tuple(a for a in range(events.ndim) if a != axis)
        name = "call" if axis == 0 else f"axis {axis}"
        found[f"{name}, along"] = events.sum(axis=axis).ravel(), events.shape[axis]
        if events.ndim > 2:  # of two axes, along the one is across the other
            across = events.sum(axis=others)
            found[f"across {name}"] = across, events.size // len(across)
    return {name: (k, size) for name, (k, size) in found.items() if size > 1 and len(k) > 1}


def _neighbors(events: np.ndarray, share: float, alpha: float) -> dict[str, float]:
    """How far the number of agreeing neighbors along each axis is from that of chance."""
    scores = {}
    chance = share**2 + (1 - share) ** 2
    for axis in range(events.ndim):
        for start in (0, 1):
            line = np.moveaxis(events, axis, 0)[start:]
            pairs = len(line) // 2
            agree = line[0 : 2 * pairs : 2] == line[1 : 2 * pairs : 2]
            if agree.size:
                score = count_score(int(agree.sum()), agree.size, chance, alpha)
                sign = 1 if agree.mean() > chance else -1
                name = "call" if axis == 0 else f"axis {axis}"
                scores[f"{name}, neighbors {start}"] = sign * score
    return scores
