"""Whether a notebook holds somebody's work, or is as it was built.

Standard library only: a student's first start should not wait for nbgrader to load.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

_ANSWERS = ("answer", "written")


def work_in(path: Path) -> str | None:
    """What of somebody's work a notebook's file holds, as a clause; None where it holds none.

    A file that cannot be read may hold anything. Outputs are no work: a run brings them back.
    """
    try:
        cells = [(_role(cell), cell) for cell in json.loads(path.read_bytes())["cells"]]
        changed = [c for role, c in cells if role in _ANSWERS and not is_as_built(c)]
        added = [c for role, c in cells if role is None and _source(c).strip()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"cannot be read ({type(error).__name__}: {error}), so that it may hold answers"
    if changed:
        exercise = changed[0]["metadata"]["autograder"].get("exercise")
        return f"holds an answer to {exercise}" + (
            f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        )
    return "holds a cell that was not built" if added else None


def is_as_built(cell: dict[str, Any]) -> bool:
    """Whether an answer's cell is still the starter that it was built with.

    nbgrader's checksum of the cell says so.
    """
    about = cell["metadata"].get("nbgrader")
    if not isinstance(about, dict):
        return False
    parts = [_source(cell), cell["cell_type"]]
    parts += [str(about.get(key, False)) for key in ("grade", "solution", "locked")]
    parts.append(str(about.get("grade_id")))
    if about.get("grade"):
        parts.append(str(float(about.get("points", 0))))
    return hashlib.md5("".join(parts).encode()).hexdigest() == about.get("checksum")


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _role(cell: dict[str, Any]) -> str | None:
    """What the build said that a cell is; of cells of a student's own, nothing."""
    role = cell["metadata"].get("autograder", {}).get("role")
    return role if role != "student" else None
