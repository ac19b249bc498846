"""The hidden inputs of a lab's release, and what the references give on them."""

from __future__ import annotations

from autograder.judging import Exercise, Hidden, Lab, hidden
from autograder.judging.seeds import hidden_seed


class References:
    """The hidden inputs of a lab's release and what the references give on them, once a batch."""

    def __init__(self, lab: Lab, secret: bytes, device: str = "cpu") -> None:
        self.lab = lab
        self.device = device
        self._secret = secret
        self._hidden: dict[str, Hidden] = {}

    def of(self, exercise: Exercise) -> Hidden:
        """What answers to an exercise are judged on."""
        if exercise.id not in self._hidden:
            seed = hidden_seed(self._secret, self.lab.name, self.lab.version, exercise.id)
            self._hidden[exercise.id] = hidden(exercise, seed, self.device)
        return self._hidden[exercise.id]
