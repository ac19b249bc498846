"""Solution files: jupytext percent scripts read as a list of cells that know their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jupytext

from autograder.building.errors import BuildError

ROLES = ("setup", "show")
OPEN = "open"
"""The tag of a show cell whose code students should read: it does not start folded."""

_MARKER = re.compile(r"#\s*%%(?!%)")


@dataclass(frozen=True)
class Block:
    """One cell of a solution file: text, setup, show, or the directive of an exercise.

    ``line`` is that of the cell's marker; ``exercise`` is the name that a directive carries. A show
    cell has a ``title``, and is ``folded`` unless students should read its code.
    """

    role: str
    source: str
    line: int
    exercise: str | None = None
    title: str = ""
    folded: bool = False


def read_script(path: Path, shown_as: Path) -> list[Block]:
    """The cells of a solution file, in order; ``shown_as`` is how errors call the file.

    Raises: BuildError for a file that is missing or whose cells are not marked as they must be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); every lab has a solution file"
        raise BuildError(reason, file=shown_as) from None
    cells = jupytext.reads(text, fmt="py:percent").cells
    lines = _marker_lines(text)
    if len(lines) != len(cells):
        raise BuildError(
            "something stands before the first `# %%` marker, or a string holds a marker",
            file=shown_as,
            line=1,
        )
    return [_block(cell, line, shown_as) for cell, line in zip(cells, lines, strict=True)]


def _marker_lines(text: str) -> list[int]:
    """The lines of the cell markers; those inside triple-quoted strings are none."""
    from jupytext.stringparser import StringParser

    quoted = StringParser("python")
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        inside = quoted.is_quoted()
        quoted.read_line(line)
        if not inside and _MARKER.match(line):
            lines.append(number)
    return lines


def _block(cell: dict[str, object], line: int, file: Path) -> Block:
    metadata = cell["metadata"]
    assert isinstance(metadata, dict)
    source, exercise = str(cell["source"]), metadata.get("exercise")
    if cell["cell_type"] == "markdown" and exercise is None:
        return Block("text", source, line)
    if cell["cell_type"] != "code":
        raise BuildError(f"a {cell['cell_type']} cell does not belong here", file=file, line=line)
    if exercise is not None:
        if source.strip():
            raise BuildError(
                "the cell of an exercise is empty in the solution file; the reference fills it",
                file=file,
                line=line,
                exercise=str(exercise),
            )
        return Block("exercise", "", line, str(exercise))
    tags = metadata.get("tags", [])
    roles = [role for role in ROLES if role in tags]
    if len(roles) != 1 or set(tags) - set(roles) - ({OPEN} if roles == ["show"] else set()):
        raise BuildError(
            'a code cell is marked `# %% tags=["setup"]` (every run needs it), '
            '`# %% tags=["show"]` (it only shows something) or `# %% exercise="NAME"`; '
            f"this one has {tags or 'no tag'}",
            file=file,
            line=line,
        )
    if roles == ["show"]:
        head, _, body = source.partition("\n")
        title = head.removeprefix("#").strip()
        if not head.startswith("# ") or not title or not body.strip():
            raise BuildError(
                "a show cell begins with a comment that says what it shows, which students read "
                "while its code is folded",
                file=file,
                line=line,
            )
        return Block("show", body.lstrip("\n"), line, title=title, folded=OPEN not in tags)
    return Block(roles[0], source, line)
