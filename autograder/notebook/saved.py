"""The notebook as it was saved: whether an answer's cell has changed since it ran."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.judging import Exercise


def changed_since(notebook: Path, exercise: Exercise, ran: str, ran_at: float) -> bool:
    """Whether an answer's cell was saved with another text after it had run.

    What is changed and not saved yet no kernel can know.
    """
    try:
        if notebook.stat().st_mtime <= ran_at:
            return False
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = [
            "".join(cell["source"])
            for cell in cells
            if cell["metadata"].get("autograder") == {"role": "answer", "exercise": exercise.id}
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return len(sources) == 1 and sources[0].strip() != ran.strip()
