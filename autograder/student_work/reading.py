"""Reading a notebook's file, however damaged, without trusting it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

MAX_BYTES = 50 * 2**20


class Unreadable(Exception):
    """A file from which no notebook can be had; the message is a sentence for people."""


def read_notebook(path: Path) -> tuple[NotebookNode, list[str]]:
    """The notebook in a file as nbformat 4, with notes on what had to be mended.

    Raises: Unreadable, with the reason in a sentence.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Unreadable(
            f"{path.name} has {size / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} MB are read "
            "(clear its outputs and hand it in again)"
        )
    raw = path.read_bytes()
    notes: list[str] = []
    text = _decoded(raw, path.name, notes)
    if not text.strip():
        raise Unreadable(f"{path.name} is empty")
    if "\0" in text:
        raise Unreadable(f"{path.name} is no notebook: it holds NUL bytes")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "<<<<<<<" in text and ">>>>>>>" in text:
            raise Unreadable(f"{path.name} holds the conflict markers of a merge") from None
        raise Unreadable(f"{path.name} cannot be parsed: {error}") from None
    if "\\ud" in text.lower():
        # Half a character can be written in JSON and nowhere else.
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return _as_version_4(data, path.name, notes), notes


def _decoded(raw: bytes, name: str, notes: list[str]) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        notes.append("the file began with a byte order mark")
    for encoding in ("utf-8-sig", "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "utf-8-sig":
            notes.append(f"the file was not UTF-8 and was read as {encoding}")
        return text
    raise Unreadable(f"{name} is not text")


def _as_version_4(data: Any, name: str, notes: list[str]) -> NotebookNode:
    if not isinstance(data, dict) or not isinstance(data.get("nbformat"), int):
        raise Unreadable(f"{name} is no Jupyter notebook")
    if data["nbformat"] > 4:
        raise Unreadable(f"{name} has the unknown notebook format {data['nbformat']}")
    try:
        if data["nbformat"] < 4:
            old = data["nbformat"]
            converted = nbformat.convert(nbformat.from_dict(data), 4)
            notes.append(f"the notebook was converted from format {old}")
            data = json.loads(nbformat.v4.writes(converted))
        cells = data.get("cells")
        if not isinstance(cells, list):
            raise Unreadable(f"{name} holds no cells")
        return _clean(cells, data, notes)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"{name} is damaged: {type(error).__name__}: {error}") from None


def _clean(cells: list[Any], data: dict[str, Any], notes: list[str]) -> NotebookNode:
    """A notebook of cells that surely have a type, a source, metadata and outputs."""
    kept = []
    for cell in cells:
        if not isinstance(cell, dict):
            notes.append("something that is no cell was left out")
            continue
        kind = cell.get("cell_type")
        source = cell.get("source", "")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        metadata, outputs = cell.get("metadata"), cell.get("outputs")
        metadata = metadata if isinstance(metadata, dict) else {}
        outputs = outputs if isinstance(outputs, list) else []
        id = cell.get("id")
        kept.append(
            NotebookNode(
                id=id if isinstance(id, str) else "",
                cell_type=kind if kind in ("code", "markdown") else "raw",
                source=source,
                metadata=nbformat.from_dict(metadata),
                outputs=[nbformat.from_dict(o) for o in outputs if isinstance(o, dict)],
            )
        )
    metadata = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
    return NotebookNode(cells=kept, metadata=nbformat.from_dict(metadata))
