"""Templates, with everything that comes from files escaped, cut to a length and kept in line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_LONGEST = 600


def visible(text: object, longest: int = _LONGEST) -> str:
    """Text on one line, without what steers a terminal or turns the reading direction."""
    line = " ".join(str(text)[: 4 * longest].split())
    shown = line
    if not line.isprintable():
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


_MARKS = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|(?<![\w*])\*\*(?=\S)(?P<strong>.+?)(?<=\S)\*\*(?![\w*])"
    r"|(?<![\w*])\*(?=[^\s*])(?P<em>[^*]+?)(?<=\S)\*(?![\w*])"
)


def prose(text: object) -> Markup:
    """Text of ours or of a student, escaped, with its `code`, **bold** and *italics* set."""
    return Markup(_set(str(escape(text)), "<{0}>{1}</{0}>"))


def plain(text: str) -> str:
    """The same text without the marks, for a terminal."""
    return _set(text, "{1}")


def _set(text: str, form: str) -> str:
    def one(found: re.Match[str]) -> str:
        kind = str(found.lastgroup)
        inner = found[kind]
        return form.format(kind, inner if kind == "code" else _set(inner, form))

    return _MARKS.sub(one, text)


def condensed(notes: Iterable[str], lab: str) -> list[str]:
    """Notes that say the same of many exercises, as one note that counts them."""
    name = re.compile(rf"{re.escape(lab)}/\w+(?:, {re.escape(lab)}/\w+)*")
    groups: dict[str, list[str]] = {}
    for note in notes:
        groups.setdefault(name.sub("\0", note, count=1), []).append(note)
    told = []
    for pattern, group in groups.items():
        count = sum(found[0].count(", ") + 1 for n in group if (found := name.search(n)))
        # Equal notes need no repetition, and one or two exercises can be named.
        alike = list(dict.fromkeys(group))
        told += alike if count <= 2 else [pattern.replace("\0", f"{count} exercises")]
    return told


_ENVIRONMENT.filters["prose"] = prose
_ENVIRONMENT.filters["visible"] = visible


def render(template: str, **values: Any) -> str:
    """Fill a template in."""
    return _ENVIRONMENT.get_template(template).render(**values)
