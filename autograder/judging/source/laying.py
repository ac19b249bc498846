"""Answers laid into notebooks: the instructor's, the student's, anybody's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from autograder.judging.exercise import Exercise, Kind
from autograder.judging.predictions import told, wanted
from autograder.judging.source.docstrings import docstring_lines, hidden_rows
from autograder.judging.source.reading import definition_of, docstring_of, header_end, renamed
from autograder.judging.source.regions import regions

STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
TEXT_STUB = "YOUR ANSWER HERE"


def solution_source(exercise: Exercise) -> str:
    """The answer as the instructor has it, what students write between solution marks."""
    if exercise.kind is Kind.WRITTEN:
        return exercise.explanation.strip() or TEXT_STUB
    if exercise.kind is Kind.PREDICTION:
        return f"{exercise.name} = {_literal(exercise, _outcome(exercise))}"
    return _lay(exercise, lambda body, indent: [
        f"{indent}### BEGIN SOLUTION", *body, f"{indent}### END SOLUTION"])  # fmt: skip


@lru_cache(maxsize=1024)
def starter_source(exercise: Exercise) -> str:
    """The answer as students get it: nbgrader's stub, or the planted mistake of a repair."""
    if exercise.kind is Kind.WRITTEN:
        return TEXT_STUB
    if exercise.kind is Kind.PREDICTION:
        return f"{exercise.name} = None  # your prediction: {wanted(exercise)}"
    if exercise.kind is Kind.REPAIR:
        return _planted(exercise)
    return _lay(exercise, lambda body, indent: [indent + line for line in STUB])


def cell_id(*parts: str) -> str:
    """The id of a cell in a built notebook, the same from build to build.

    That of an exercise's cell is made of its lab, its id and the cell's role.
    """
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def answer_source(exercise: Exercise, answer: Any) -> str:
    """The source of a reference, an alternative or a mistake, under the exercise's name.

    Raises: SourceError for an answer that is not written with ``def`` or ``class``.
    """
    lines, node = definition_of(answer)
    return "\n".join(renamed(lines, node, exercise.name)).rstrip()


def _lay(exercise: Exercise, fill: Callable[[list[str], str], list[str]]) -> str:
    lines, node = definition_of(exercise.reference)
    written = {region.first: region for region in regions(exercise, lines, node)}
    hidden = hidden_rows(exercise, lines, node)
    lines = renamed(lines, node, exercise.name)
    laid: list[str] = []
    row = 1
    while row <= len(lines):
        region = written.get(row)
        if region:
            laid += fill(lines[row - 1 : region.last], region.indent)
            row = region.last
        else:
            laid += hidden.get(row, [lines[row - 1]])
        row += 1
    return "\n".join(laid)


def _planted(exercise: Exercise) -> str:
    lines, node = definition_of(exercise.planted_mistake.answer)
    reference_lines, reference = definition_of(exercise.reference)
    given = docstring_lines(exercise, reference_lines, reference)
    own = docstring_of(node)
    head = header_end(lines, node)
    lines = renamed(lines, node, exercise.name)
    rest = lines[own.end_lineno if own and own.end_lineno else head :]
    return "\n".join([*lines[:head], *given, *rest])


def _outcome(exercise: Exercise) -> float | str:
    if exercise.outcome is not None:
        return exercise.outcome()
    return exercise.choices[0] if exercise.choices else 0.0


def _literal(exercise: Exercise, outcome: float | str) -> str:
    """A prediction as a literal: its letter, or a number to three digits."""
    if not isinstance(outcome, str):
        return f"{outcome:.3g}"
    return json.dumps(told(exercise, outcome)[0])
