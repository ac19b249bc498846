"""nbgrader's ``generate_assignment`` made to give the student notebooks that ``labs/`` has."""

from __future__ import annotations

from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

from autograder.building.notebooks import lay_starter
from autograder.exercises import find_exercise


class LayStarters(ClearSolutions):
    """Lays starters into the answers of our exercises; clears other solutions as nbgrader does.

    It takes the place of ``ClearSolutions``, which could not start a repair from its planted
    mistake.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Called by nbconvert for each cell."""
        marked = cell.metadata.get("autograder", {})
        if marked.get("role") in ("answer", "written"):
            lay_starter(cell, find_exercise(marked["exercise"]))
            return cell, resources
        result: tuple[NotebookNode, Any] = super().preprocess_cell(cell, resources, cell_index)
        return result


def generate_preprocessors() -> list[type]:
    """nbgrader's list for ``c.GenerateAssignment.preprocessors``, with ours in place of its own."""
    stock = GenerateAssignment.preprocessors.default_args[0]
    return [LayStarters if step is ClearSolutions else step for step in stock]
