"""The room a kernel sees: a `course_lib` with stubs, the probes, and nothing else of ours."""

from __future__ import annotations

import ast
import contextlib
import copy
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import autograder.box.inside
import autograder.probes
import course_lib
from course_lib import GIVEN

_NOTEBOOK_CALLS = '''"""What a notebook may call while it is graded: nothing happens."""


class Unjudged:
    """What stands under a check in here: no points for whoever reads them off a notebook."""

    def __repr__(self):
        return "0"


def check(exercise, **options):
    """The grader checks, outside."""
    return Unjudged()


def nothing(*arguments, **options):
    """What helps a student at work has nothing to do in here."""


commit = committed = failing = hint = open_lab = progress = reference = resume = nothing
'''

# Not NotImplementedError: that is what an untouched starter raises.
_REFUSAL = '''
class WriteThisYourself(RuntimeError):
    """A notebook calls what it is to define."""

'''

_SITE = """# An editable install of the course must not open a way around this room.
import sys

sys.meta_path[:] = [f for f in sys.meta_path if "Editable" not in getattr(f, "__name__", "")]
sys.path[:] = [p for p in sys.path if p != {repository!r}]
"""


@contextlib.contextmanager
def temporary_room() -> Iterator[Path]:
    """A sealed room for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="course-room-") as folder:
        # A box that root starts belongs to a user without rights, who must get in.
        os.chmod(folder, 0o711)
        yield seal(Path(folder, "room"))


def seal(room: Path) -> Path:
    """Lay the sealed packages into an empty folder and return it."""
    library = Path(course_lib.__file__).parent
    target = room / "course_lib"
    target.mkdir(parents=True)
    for source in sorted(library.rglob("*.py")):
        inside = source.relative_to(library)
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        if inside.name == "__init__.py" or inside.parts[0].removesuffix(".py") in GIVEN:
            shutil.copy(source, target / inside)
        else:
            module = ".".join(("course_lib", *inside.with_suffix("").parts))
            (target / inside).write_text(stubs(source.read_text(), module))
    (target / "datasets").symlink_to(library / "datasets", target_is_directory=True)
    site = _SITE.format(repository=str(library.parent.resolve()))
    (room / "sitecustomize.py").write_text(site)
    package = room / "autograder"
    package.mkdir()
    (package / "__init__.py").write_text(_NOTEBOOK_CALLS)
    (package / "box").mkdir()
    (package / "box" / "__init__.py").touch()
    for entering in (autograder.probes, autograder.box.inside):
        source = Path(entering.__file__ or "").parent
        target = package / source.relative_to(library.parent / "autograder")
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    return room


def stubs(source: str, module: str) -> str:
    """The public functions and classes of a module with bodies that say who is to write them."""
    lines = [f'"""Stubs: {module} is what this lab\'s exercises ask for."""', ""]
    lines += ["from __future__ import annotations", "", _REFUSAL]
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            lines += [ast.unparse(ast.fix_missing_locations(_stub(node, module))), ""]
    return "\n".join(lines) + "\n"


def _stub(node: ast.FunctionDef | ast.ClassDef, module: str) -> ast.stmt:
    """A definition with its signature and the first line of its docstring, and no more."""
    message = (
        f"{module}.{node.name} is what an exercise asks for: "
        "write it in the notebook instead of importing it"
    )
    refusal = ast.parse(f"raise WriteThisYourself({message!r})").body
    first = (ast.get_docstring(node) or "").partition("\n")[0]
    told: list[ast.stmt] = [ast.Expr(ast.Constant(first))] if first else []
    stub = copy.deepcopy(node)
    stub.decorator_list = []
    if isinstance(stub, ast.ClassDef):
        construct = ast.parse("def __init__(self, *arguments, **options):\n    pass").body
        construct[0].body = refusal  # type: ignore[attr-defined]
        stub.bases, stub.keywords, stub.body = [], [], [*told, *construct]
        return stub
    # A default is an expression, which would need the module's names.
    stub.args.defaults = [ast.Constant(...) for _ in stub.args.defaults]
    stub.args.kw_defaults = [d and ast.Constant(...) for d in stub.args.kw_defaults]
    stub.body = [*told, *refusal]
    return stub
