"""The student's cells that have run: what they define, and how each answer's cell ended."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass

from autograder.answering.outcome import Outcome
from autograder.judging import Exercise
from autograder.judging.cells import bound_names, parse_cell
from autograder.judging.source.reading import DEFINITIONS


@dataclass(frozen=True)
class Ran:
    """A cell that has run, how that ended, and the names that it has defined, or was to define.

    ``meant`` is the answer that the cell is laid out for, if any.
    """

    source: str
    outcome: Outcome
    names: frozenset[str]
    defined: frozenset[str]
    meant: str = ""


class Cells:
    """The cells of a notebook so far, in the order in which they ran.

    A cell that is run again takes the place of its earlier run, as it does in the notebook.
    """

    def __init__(self) -> None:
        self._ran: dict[Hashable, Ran] = {}
        self._lost: dict[str, Hashable] = {}

    @property
    def sources(self) -> list[str]:
        """The sources of the cells."""
        return [ran.source for ran in self._ran.values()]

    def add(
        self,
        source: str,
        outcome: Outcome,
        exercise: Exercise | None = None,
        *,
        saved: frozenset[str] = frozenset(),
        key: Hashable = None,
    ) -> None:
        """Note a cell that has run.

        ``exercise`` is the one that the cell was laid out for, if any; ``saved`` names what it has
        defined although it did not end well; ``key`` tells a cell from others, and its next run
        from this one (left out, each run is a cell of its own).
        """
        names = bound_names(source)
        if exercise and not names:
            names = frozenset({exercise.name})
        key = len(self._ran) if key is None else key
        before = self._ran.pop(key, None)
        for name in before.names - names if before else ():
            self._lost[name] = key
        for name in names:
            self._lost.pop(name, None)
        defined = names if outcome.status == "ok" else saved
        self._ran[key] = Ran(source, outcome, names, defined, exercise.name if exercise else "")

    def failure(self, name: str) -> Outcome | None:
        """How the last cell that was to define a name ended, where it has not defined it."""
        last = self._last(name)
        return last.outcome if last and name not in last.defined else None

    def remark(self, name: str) -> Outcome | None:
        """How the cell that has defined a name ended, where it did not end well."""
        last = self._last(name)
        well = last is None or last.outcome.status == "ok" or name not in last.defined
        return None if well else last.outcome  # type: ignore[union-attr]

    def lost(self, name: str) -> str | None:
        """The source of the cell that has defined a name and, run again, does so no more."""
        ran = self._ran.get(self._lost[name]) if name in self._lost else None
        return ran.source if ran and self._last(name) is None else None

    def instead(self, name: str) -> list[str]:
        """What the cell that is laid out for an answer defines, where that is not the answer."""
        cell = next((ran for ran in reversed(self._ran.values()) if ran.meant == name), None)
        return sorted(cell.defined) if cell and name not in cell.names else []

    def defining(self, name: str) -> str:
        """The last cell that defines a name; empty where none does."""
        last = self._last(name)
        return last.source if last else ""

    def define(self, name: str, *, since: int) -> bool:
        """Whether a name was defined (again) after so many cells."""
        return any(name in bound_names(source) for source in self.sources[since:])

    def newer(self, name: str) -> list[str]:
        """What a definition builds on, as its bases do, and what was defined again after it."""
        later: set[str] = set()
        for ran in reversed(self._ran.values()):
            if name in ran.names:
                return sorted(later & _built_on(definition_in(ran.source, name)))
            later |= ran.defined
        return []

    def _last(self, name: str) -> Ran | None:
        return next((r for r in reversed(self._ran.values()) if name in r.names), None)


def definition_in(source: str, name: str) -> str:
    """The function or class of a name that a cell defines last, without the rest of the cell."""
    tree = parse_cell(source)
    nodes = [n for n in tree.body if getattr(n, "name", None) == name] if tree else []
    return ast.unparse(nodes[-1]) if nodes else ""


def definitions_in(source: str) -> str:
    """A cell's imports, functions, classes and plain assignments, each on its own.

    It is run after a cell that did not end well: what stands above or below the line that failed is
    an answer all the same. What calls something is left out.
    """
    tree = parse_cell(source)
    kept = [statement for statement in tree.body if _defines(statement)] if tree else []
    if not kept:
        return ""
    passing = [ast.ExceptHandler(ast.Name("Exception"), None, [ast.Pass()])]
    tries: list[ast.stmt] = [ast.Try([statement], passing, [], []) for statement in kept]
    return ast.unparse(ast.fix_missing_locations(ast.Module(tries, [])))


def _defines(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        inside = statement.value
        lazy = isinstance(inside, ast.Lambda)
        return lazy or not any(isinstance(n, ast.Call) for n in ast.walk(statement))
    return isinstance(statement, (ast.Import, ast.ImportFrom, *DEFINITIONS))


def _built_on(definition: str) -> set[str]:
    """The names that a definition reads when it is made: its bases, decorators, defaults."""
    if not definition:
        return set()
    node = ast.parse(definition).body[0]
    assert isinstance(node, DEFINITIONS)
    made: list[ast.AST] = [*node.decorator_list]
    if isinstance(node, ast.ClassDef):
        made += [*node.bases, *(keyword.value for keyword in node.keywords)]
    else:
        made += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    return {n.id for part in made for n in ast.walk(part) if isinstance(n, ast.Name)}
