"""Answers written as what differs from the reference, and nothing else."""

from __future__ import annotations

import ast
import builtins
import difflib
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from autograder.judging.cells import free_names
from autograder.judging.source.reading import code_of, renamed
from autograder.probes.definition import UndefinedAnswer, definition

Answer = Callable[..., Any]


class EditError(ValueError):
    """An answer that cannot be made of the reference; the message says where and why."""


@dataclass(frozen=True)
class Edit:
    """Replacements in the reference's code, all made at once.

    The code is without docstrings and comments. Each text stands exactly once in it; the further
    lines of a text are indented from where its first line stands.
    """

    changes: tuple[tuple[str, str], ...]

    def also(self, old: str, new: str) -> Edit:
        """These replacements and one more."""
        return Edit((*self.changes, (old, new)))


def edit(old: str, new: str) -> Edit:
    """The reference with a text of its code replaced by another."""
    return Edit(((old, new),))


@dataclass(frozen=True)
class Frame:
    """What the answers to an exercise stand in: its id, its reference, the methods to write."""

    exercise: str = ""
    reference: Answer | None = None
    blank: tuple[str, ...] = ()

    def written_out(self, given: Any, name: str) -> Answer:
        """An answer that can be called, made of what an author wrote.

        An edit becomes the reference with the edit. Where the reference is a class, a function
        stands for its one blank method, and a class of nothing but blank methods for these; all
        else is an answer by itself.

        Raises: EditError.
        """
        place = f"{self.exercise}, {name}"
        if isinstance(given, Edit):
            assert self.reference is not None
            source = _edited(code_of(self.reference), given, self.reference, place)
            return self._defined(source, place, self.reference.__module__)
        methods = self._methods(given, place)
        if methods:
            source = _with_methods(code_of(self.reference), methods)
            return self._defined(source, place, given.__module__)
        answer: Answer = given
        return answer

    def _methods(self, given: Any, place: str) -> dict[str, str]:
        """The sources of the methods that an author wrote; none where it is a whole answer."""
        if not isinstance(self.reference, type) or not isinstance(given, (type, FunctionType)):
            return {}
        source = code_of(given)
        node = ast.parse(source).body[0]
        if isinstance(node, ast.ClassDef):
            methods = {m.name: ast.unparse(m) for m in node.body if isinstance(m, ast.FunctionDef)}
            return methods if set(methods) <= set(self.blank) else {}
        assert isinstance(node, ast.FunctionDef)
        if len(self.blank) == 1:
            lines = renamed(source.split("\n"), node, self.blank[0])
            return {self.blank[0]: "\n".join(lines)}
        if node.args.args and node.args.args[0].arg == "self":
            raise EditError(
                f"{place}: a function stands for the method to write where there is one, and here "
                f"there are {len(self.blank)}; write a class of those that differ"
            )
        return {}

    def _defined(self, source: str, place: str, module: str) -> Answer:
        """What a source defines that was written in a module, with what the reference's knows."""
        assert self.reference is not None
        of = vars(sys.modules[self.reference.__module__])
        namespace = {**vars(sys.modules[module]), **of, "__name__": module}
        unknown = free_names(source) - {*namespace, *dir(builtins)}
        if unknown:
            raise EditError(f"{place}: {module} knows no {', '.join(sorted(unknown))}")
        try:
            made: Answer = definition(source, self.reference.__name__, namespace, place)
        except UndefinedAnswer as error:
            raise EditError(str(error)) from error
        return made


UNFRAMED = Frame()
"""That of answers that no exercise has taken in."""


def _with_methods(source: str, methods: dict[str, str]) -> str:
    """A class with sources in place of some of its methods."""
    lines = source.split("\n")
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    own = [m for m in body if isinstance(m, ast.FunctionDef) and m.name in methods]
    for method in reversed(own):
        first = min([method.lineno, *(d.lineno for d in method.decorator_list)])
        new = textwrap.indent(methods[method.name], " " * method.col_offset)
        lines[first - 1 : method.end_lineno] = new.split("\n")
    return "\n".join(lines)


def _edited(source: str, asked: Edit, reference: Any, place: str) -> str:
    """The code with every replacement made.

    Raises: EditError.
    """
    spots = [(*_the_spot(source, old, reference, place), new) for old, new in asked.changes]
    changed, end = "", len(source)
    for start, stop, indent, new in sorted(spots, reverse=True):
        if stop > end:
            raise EditError(f"{place}: two of the edits change the same text")
        changed = new.replace("\n", f"\n{indent}") + source[stop:end] + changed
        end = start
    changed = source[:end] + changed
    try:
        same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
    except SyntaxError as error:
        raise EditError(f"{place}: after the edit, {error.msg}: {error.text!r}") from None
    if same:
        raise EditError(f"{place}: the edit changes nothing")
    return changed


def _the_spot(source: str, old: str, reference: Any, place: str) -> tuple[int, int, str]:
    found = list(_spots(source, old))
    if len(found) == 1:
        return found[0]
    lines = [line.strip() for line in source.splitlines()]
    shown = difflib.get_close_matches(old.split("\n")[0], lines, n=2, cutoff=0.2)
    if found:
        shown = [lines[source.count("\n", 0, start)] for start, _, _ in found]
    raise EditError(
        f"{place}: {old!r} must stand once in the code of "
        f"{reference.__module__}.{reference.__qualname__} and stands {len(found)} times"
        + (f"; {'it is in' if found else 'close to it are'}" if shown else "")
        + "".join(f"\n    {line}" for line in shown)
    )


def _spots(source: str, old: str) -> Iterator[tuple[int, int, str]]:
    """Where a text stands, from and to, and the indentation of the line it starts on."""
    start = 0
    for line in source.splitlines(keepends=True):
        indent = line[: len(line) - len(line.lstrip())]
        text = old.replace("\n", f"\n{indent}")
        at = source.find(text, start)
        while start <= at < start + len(line):
            yield at, at + len(text), indent
            at = source.find(text, at + 1)
        start += len(line)
