"""The proof that an observation which does not depend on the inputs scores nothing."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from autograder.auditing.draws import Draw, NotJudged
from autograder.auditing.result import Audit
from autograder.judging.essence import Observation

_REPLAYS = 5


class Forgeries:
    """Constants, and what the reference gave on earlier draws, score 0 on every draw."""

    def __init__(self, result: Audit) -> None:
        self._result = result
        self._earlier: deque[list[Observation]] = deque(maxlen=_REPLAYS)
        self._draws = 0
        self._scored: dict[str, list[int]] = {}

    def look(self, draw: Draw) -> None:
        """Judge forged observations on a draw: all replays on the first few, then the last."""
        earlier = list(self._earlier)
        replays = earlier if self._draws < _REPLAYS else earlier[-1:]
        forged = [("a replayed observation", replay) for replay in replays]
        forged += [("a constant observation", constant) for constant in _constants(draw)]
        for name, observed in forged:
            self._result.forgeries += 1
            try:
                score = draw.judge(observed).score
            except NotJudged as error:
                self._result.problems.append(f"{name} that is forged {error}")
                continue
            self._result.forgeries_rejected += score == 0
            if score:
                self._scored.setdefault(name, []).append(draw.seed)
        self._earlier.append(draw.on.expected)
        self._draws += 1

    def report(self) -> None:
        """Note which forgeries scored."""
        for name, seeds in self._scored.items():
            on = f"{len(set(seeds))} of {self._draws} seeds, first on seed {seeds[0]}"
            self._result.problems.append(f"{name} that is forged scores points on {on}")


def _constants(draw: Draw) -> list[Any]:
    count = len(draw.on.drawn)
    filled = [[_filled(o, value) for o in draw.on.expected] for value in (0.0, 1.0, float("nan"))]
    return [
        *filled,
        [{} for _ in range(count)],
        [{"result": np.zeros(()), "raised": None, "steps": []} for _ in range(count)],
        [{"result": "full marks", "raised": {"type": 1, "message": 2}} for _ in range(count)],
        [{"result": {"not data": "Liar"}, "steps": [{"result": None}], "raised": None}] * count,
        [],
    ]


def _filled(value: Any, number: float) -> Any:
    if isinstance(value, np.ndarray):
        return np.full(value.shape, number)
    if isinstance(value, dict):
        return {key: _filled(item, number) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, number) for item in value]
    if isinstance(value, str):
        return "full marks"  # its words are part of the answer
    return number if isinstance(value, (int, float)) else value
