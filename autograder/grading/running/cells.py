"""The student's cells that have run: what they define, and how each answer's cell ended."""

from __future__ import annotations

import ast

from autograder.grading.running.outcome import Outcome
from autograder.judging import Exercise
from autograder.judging.cells import bound_names, parse_cell


class Cells:
    """The cells of one submission so far; ``sources`` has them in the order in which they ran."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self._failed: dict[str, Outcome] = {}

    def add(self, source: str, outcome: Outcome, exercise: Exercise | None) -> None:
        """Note a cell that has run; ``exercise`` is the one that it was laid out for, if any."""
        self.sources.append(source)
        names = bound_names(source) or ({exercise.name} if exercise else set())
        for name in names:
            # The last cell that defines an answer decides: how it ended is how the answer ended.
            if outcome.status == "ok":
                self._failed.pop(name, None)
            else:
                self._failed[name] = outcome

    def failure(self, name: str) -> Outcome | None:
        """How the cell that defines an answer ended, where it did not end well."""
        return self._failed.get(name)

    def defining(self, name: str) -> str:
        """The last cell that defines a name; empty where none does."""
        return next((s for s in reversed(self.sources) if name in bound_names(s)), "")

    def define(self, name: str, *, since: int) -> bool:
        """Whether a name was defined (again) after so many cells."""
        return any(name in bound_names(source) for source in self.sources[since:])


def definition_in(source: str, name: str) -> str:
    """The function or class of a name that a cell defines last, without the rest of the cell."""
    tree = parse_cell(source)
    nodes = [n for n in tree.body if getattr(n, "name", None) == name] if tree else []
    return ast.unparse(nodes[-1]) if nodes else ""
