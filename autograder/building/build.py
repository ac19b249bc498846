"""From labs to files: what ``course build`` writes and ``course build --check`` compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from autograder.building.errors import BuildError
from autograder.building.names import require_names
from autograder.building.notebooks import lab_notebook, notebook_text
from autograder.building.script import read_script
from autograder.judging import Exercise, Lab
from autograder.judging.source.laying import solution_source, starter_source
from autograder.student_work.holding import work_in
from autograder.student_work.writing import write_whole

Proof = Callable[[NotebookNode, Lab], list[str]]
"""Says what is wrong with an instructor's notebook once it has been run and judged."""

_REMEDY = "run `course build`"


def build(
    labs: Iterable[Lab], root: Path, pages: Mapping[Path, str] = {}, proof: Proof | None = None
) -> list[Path]:
    """Write the instructor's and the students' notebooks, and other pages; return their paths.

    Nothing is written unless every lab builds and passes its proof, and nothing in the place of a
    notebook that holds somebody's answers.

    Raises: BuildError.
    """
    texts, labs = dict(pages), list(labs)
    for lab in labs:
        _require_no_work(student_path(lab, root), root)
    for lab in labs:
        instructor, student = instructor_notebook(lab, root), student_notebook(lab, root)
        for problem in proof(instructor, lab) if proof else []:
            raise BuildError(problem, file=script_path(lab))
        texts[instructor_path(lab, root)] = notebook_text(instructor)
        texts[student_path(lab, root)] = notebook_text(student)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return list(texts)


def check(labs: Iterable[Lab], root: Path, pages: Mapping[Path, str] = {}) -> list[str]:
    """What is out of date in ``labs/`` and of the pages, one line each; writes nothing.

    Raises: BuildError.
    """
    problems = []
    texts = {student_path(lab, root): notebook_text(student_notebook(lab, root)) for lab in labs}
    for path, text in (texts | dict(pages)).items():
        shown = path.relative_to(root)
        if not path.is_file():
            problems.append(f"{shown}: missing; {_REMEDY}")
        elif path.read_bytes() != text.encode():
            problems.append(f"{shown}: out of date; {_REMEDY}")
    return problems + [f"{extra.relative_to(root)}: built from no lab" for extra in _extra(root)]


def _require_no_work(path: Path, root: Path) -> None:
    work = work_in(path) if path.exists() else None
    if work:
        raise BuildError(
            f"this notebook {work}, and nothing was built, for a build would replace it; move it "
            "away (`course start` makes a folder to work in) and build again",
            file=path.relative_to(root),
        )


def instructor_notebook(lab: Lab, root: Path) -> NotebookNode:
    """The notebook of a lab with its solutions.

    Raises: BuildError.
    """
    return laid_notebook(lab, root, solution_source)


def solved_notebook(lab: Lab, root: Path) -> NotebookNode:
    """The notebook of a lab with the answers that checks judge, for which no experiment need run.

    Raises: BuildError.
    """

    def answer(exercise: Exercise) -> str:
        return solution_source(exercise) if exercise.automatic else starter_source(exercise)

    return laid_notebook(lab, root, answer)


def student_notebook(lab: Lab, root: Path) -> NotebookNode:
    """The notebook of a lab as students get it.

    Raises: BuildError.
    """
    return laid_notebook(lab, root, starter_source)


def laid_notebook(lab: Lab, root: Path, answer: Callable[[Exercise], str]) -> NotebookNode:
    """The notebook of a lab with what ``answer`` gives in the answers of its exercises.

    Raises: BuildError.
    """
    shown_as = script_path(lab)
    blocks = read_script(root / shown_as, shown_as)
    notebook = lab_notebook(lab, blocks, shown_as, answer)
    require_names(lab, blocks, shown_as)
    return notebook


def script_path(lab: Lab) -> Path:
    """The solution file of a lab, from the root of the repository."""
    return Path("solutions") / f"{lab.slug}.py"


def instructor_path(lab: Lab, root: Path) -> Path:
    """Where the notebook with the solutions is built."""
    return root / "build" / "source" / lab.slug / f"{lab.slug}.ipynb"


def student_path(lab: Lab, root: Path) -> Path:
    """Where the students' notebook is built."""
    return root / "labs" / lab.slug / f"{lab.slug}.ipynb"


def _extra(root: Path) -> list[Path]:
    """Files in ``labs/`` that no solution file stands for."""
    expected = {
        root / "labs" / script.stem / f"{script.stem}.ipynb"
        for script in (root / "solutions").glob("*.py")
    }
    found = (root / "labs").rglob("*")
    return sorted(
        path
        for path in found
        if path.is_file() and path not in expected and ".ipynb_checkpoints" not in path.parts
    )
