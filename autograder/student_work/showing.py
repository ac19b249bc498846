"""What of a student's may be shown to people: text without markup, plain outputs, pictures."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

MAX_IMAGE = 400_000
MAX_TEXT = 20_000

_PNG = b"\x89PNG\r\n\x1a\n"
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=[#A-Za-z])")
# A browser drops white space inside a scheme. "The data: …" is prose, "data:text/html" is a page.
_GAP = r"[\s\x00-\x1f]*"
_SCRIPT = re.compile(
    "(" + "|".join(_GAP.join(word) for word in ("javascript", "vbscript")) + ")" + _GAP + ":",
    re.IGNORECASE,
)
_DATA = re.compile(r"(data)\s*:(?=\S)", re.IGNORECASE)


def sanitized(markdown: str) -> str:
    """A student's markdown in which no HTML, entity or link of a dangerous scheme is left.

    A space breaks each of them: what is harmless (``a<b``, ``&``) stays readable, in code too.
    """
    broken = _ENTITY.sub("& ", _TAG.sub("< ", markdown))
    return _DATA.sub(r"\1 :", _SCRIPT.sub(r"\1 :", broken))


def shown_outputs(outputs: list[Any]) -> Iterator[NotebookNode]:
    """Of stored outputs what may be shown: plain text and PNG pictures, up to a size."""
    text = 0
    image = 0
    for output in outputs:
        kind = output.get("output_type")
        data = output.get("data")
        if kind == "stream" and isinstance(output.get("text"), (str, list)):
            written = "".join(map(str, output["text"]))[: MAX_TEXT - text]
            text += len(written)
            if written:
                yield NotebookNode(output_type="stream", name="stdout", text=written)
        elif kind in ("display_data", "execute_result") and isinstance(data, dict):
            picture, plain = _picture(data.get("image/png")), data.get("text/plain")
            kept = NotebookNode()
            if picture and image + len(picture) <= MAX_IMAGE:
                kept["image/png"] = picture
                image += len(picture)
            if isinstance(plain, (str, list)):
                written = "".join(map(str, plain))[: MAX_TEXT - text]
                text += len(written)
                if written:
                    kept["text/plain"] = written
            if kept:
                yield NotebookNode(output_type="display_data", data=kept, metadata={})


def _picture(value: Any) -> str:
    """A stored picture as clean base64; nothing where it is no PNG, for pages quote it as it is."""
    if isinstance(value, list):
        value = "".join(map(str, value))
    if not isinstance(value, str) or len(value) > 2 * MAX_IMAGE:
        return ""
    try:
        raw = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(raw).decode("ascii") if raw.startswith(_PNG) else ""
