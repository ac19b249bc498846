"""The hidden inputs of a lab's release, and what the references give on them."""

from __future__ import annotations

from typing import Any

from autograder.judging import Exercise, Lab, cases
from autograder.judging.judge import Mistaken, Observation, expected_observations
from autograder.judging.seeds import hidden_seed


class References:
    """The hidden inputs of a lab's release and what the references give on them, once a batch."""

    def __init__(self, lab: Lab, secret: bytes, device: str = "cpu") -> None:
        self.lab = lab
        self.device = device
        self._secret = secret
        self._drawn: dict[str, tuple[int, list[dict[str, Any]], list[Observation]]] = {}
        self._mistaken: dict[str, Mistaken] = {}

    def of(self, exercise: Exercise) -> tuple[int, list[dict[str, Any]], list[Observation]]:
        """The seed, the cases and the expected observations of an exercise."""
        if exercise.id not in self._drawn:
            seed = hidden_seed(self._secret, self.lab.name, self.lab.version, exercise.id)
            drawn = cases(exercise, seed)
            self._drawn[exercise.id] = (
                seed,
                drawn,
                expected_observations(exercise, drawn, seed, self.device),
            )
        return self._drawn[exercise.id]

    def mistaken(self, exercise: Exercise) -> Mistaken:
        """What mistakes give on the cases of an exercise, filled as answers fail."""
        return self._mistaken.setdefault(exercise.id, {})
