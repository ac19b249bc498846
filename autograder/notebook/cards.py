"""Small things that a notebook shows: a sentence, rich for a person and plain for a terminal."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from autograder.reporting.pages import prose


@dataclass(frozen=True)
class Note:
    """A sentence under a cell; `code` in it is set as code."""

    text: str
    mark: str = ""

    def __repr__(self) -> str:
        return f"{self.mark} {self.text}".strip()

    def _repr_html_(self) -> str:
        mark = f"<b>{html.escape(self.mark)}</b> " if self.mark else ""
        return (
            '<div style="border-left:4px solid #7f7f7f;padding:3px 0 3px 14px;margin:4px 0;'
            f'font-size:14px;max-width:860px">{mark}{prose(self.text)}</div>'
        )


@dataclass(frozen=True)
class Page:
    """Something longer: HTML that is safe, and the same as text."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return re.sub(r"\n\s*", "\n", self.html)
