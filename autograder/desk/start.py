"""``course start``: a student's own folder, and JupyterLab on its course home."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import autograder
from autograder.desk import jupyter
from autograder.desk.folder import is_laid_out, lay_out
from autograder.desk.home import HOME
from autograder.desk.labs import given_out

DEFAULT = "training-labs"
_COURSE_PARTS = ("labs", "solutions", "build", "autograder", "course_lib")


class NotStarted(Exception):
    """Why there is no folder to work in; the message says what to do next."""


def start(lab: str | None, folder: Path | None, *, browser: bool) -> None:
    """Lay out a student's folder, or bring it up to date, and run JupyterLab on it.

    ``folder`` left out is the current one where it is a student's, else ``training-labs`` at home.

    Raises: NotStarted.
    """
    labs = given_out()
    page = _page(lab, list(labs))
    folder = _chosen(folder)
    server = jupyter.running_on(folder)
    open_now = jupyter.open_notebooks(server) if server else ()
    try:
        notes = lay_out(folder, labs, open_now)
    except OSError as error:
        raise NotStarted(
            f"cannot write {error.filename or folder}: {error.strerror}; nothing that was there is "
            "lost. Mend that, or choose another place with --folder FOLDER"
        ) from None
    for note in notes:
        print(note)
    print(f"Your folder: {folder}")
    if server:
        print(f"JupyterLab already runs on it: {server.page(page)}")
        if browser:
            webbrowser.open(server.page(page))
        return
    print("JupyterLab starts now; end it here with Ctrl-C when you are done.", flush=True)
    jupyter.launch(folder, page, browser=browser)


def _page(lab: str | None, slugs: list[str]) -> str:
    if not slugs:
        raise NotStarted("this installation has no labs: install the course again (README.md)")
    if lab is None:
        return HOME
    for slug in slugs:
        number, _, name = slug.partition("_")
        if lab in (slug, name, number, str(int(number))):
            return f"{slug}/{slug}.ipynb"
    raise NotStarted(f"there is no lab {lab!r}; there are {', '.join(slugs)}")


def _chosen(folder: Path | None) -> Path:
    if folder is None:
        folder = Path.cwd() if is_laid_out(Path.cwd()) else Path.home() / DEFAULT
    folder = folder.expanduser().resolve()
    checkout = Path(autograder.__file__).resolve().parents[1]
    within = folder.relative_to(checkout).parts[:1] if folder.is_relative_to(checkout) else None
    if within == () or (within and within[0] in _COURSE_PARTS):
        raise NotStarted(f"{folder} is the course's own; choose a folder outside {checkout}")
    if folder.exists() and not folder.is_dir():
        raise NotStarted(f"{folder} is a file; choose another place with --folder FOLDER")
    return folder
