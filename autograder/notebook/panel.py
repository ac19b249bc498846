"""``progress``: how far a student is, in the lab and in the course.

The panel is plain HTML, so that every frontend and a printed page show it; where it stands in the
notebook, it is drawn anew after each check.
"""

from __future__ import annotations

from typing import Any

from autograder.desk.progress import Progress, Standing
from autograder.exercises import labs
from autograder.judging import Exercise, Kind, Lab
from autograder.judging.predictions import told
from autograder.notebook.cards import Note, Page
from autograder.notebook.current import ipython, latest_lab
from autograder.notebook.opened import OpenLab
from autograder.reporting.pages import render
from autograder.reporting.verdict import LOOKS, Look

_shown: set[str] = set()


def progress(*, course: bool = False) -> Page | Note | None:
    """How far you are in this lab, or with ``course=True`` in all labs of the course."""
    opened = latest_lab()
    if opened is None:
        return Note("Run the notebook's first code cell, which opens the lab; then `progress()`.")
    if course:
        return _course(opened)
    page = _lab(opened)
    if ipython() is None:
        return page
    from IPython.display import display

    display(page, display_id=_display_id(opened))
    _shown.add(opened.lab.name)
    return None


def refresh(opened: OpenLab) -> None:
    """Draw the panel anew where it stands in the notebook."""
    if opened.lab.name in _shown:
        from IPython.display import update_display

        update_display(_lab(opened), display_id=_display_id(opened))


def _display_id(opened: OpenLab) -> str:
    return f"progress-{opened.lab.name}"


def _lab(opened: OpenLab) -> Page:
    known, lab = opened.progress, opened.lab
    groups: list[Any] = [_group(lab, known, core=True), _group(lab, known, core=False)]
    upcoming = next((e for e in lab.exercises.values() if e.core and not _done(e, known)), None)
    up_next = "" if upcoming is None else upcoming.title
    title = f"Lab {lab.number} · {lab.title}"
    html = render("progress.html", title=title, groups=groups, up_next=up_next, kept=opened.kept)
    lines = [title, *(line for group in groups for line in _lines(group))]
    return Page(
        html,
        "\n".join(
            [
                *lines,
                f"next: {up_next}"
                if up_next
                else "the code and the predictions of the core are done",
            ]
        ),
    )


def _group(lab: Lab, known: Progress, *, core: bool) -> dict[str, Any]:
    """What the panel shows of the core of a lab, or of what is further."""
    chosen = [e for e in lab.exercises.values() if e.core == core]
    standings = [known.of(e.id) for e in chosen]
    return {
        "name": "Core" if core else "Further",
        "score": sum(s.score for s in standings),
        "points": sum(e.points for e in chosen if e.automatic),
        "exercises": [_row(e, known.of(e.id)) for e in chosen if e.automatic],
        "predictions": [_prediction(e, known) for e in chosen if e.kind is Kind.PREDICTION],
        "written": [e.title for e in chosen if e.kind is Kind.WRITTEN],
    }


def _row(exercise: Exercise, standing: Standing) -> dict[str, Any]:
    looks = {str(reason): look for reason, look in LOOKS.items()}
    look: Look = looks.get(standing.reason, looks["not_attempted"])
    tries = f"{standing.tries} {'try' if standing.tries == 1 else 'tries'}"
    hints = f"{standing.hints} {'hint' if standing.hints == 1 else 'hints'}"
    return {
        "name": exercise.name,
        "title": exercise.title,
        "look": look,
        "score": standing.score,
        "points": exercise.points,
        "told": ", ".join([tries] * bool(standing.tries) + [hints] * bool(standing.hints)),
    }


def _prediction(exercise: Exercise, known: Progress) -> dict[str, str]:
    said, outcome = known.predictions.get(exercise.id), known.outcomes.get(exercise.id)
    return {
        "title": exercise.title,
        "predicted": "" if said is None else told(exercise, said),
        "outcome": "" if outcome is None else told(exercise, outcome),
    }


def _done(exercise: Exercise, known: Progress) -> bool:
    if exercise.kind is Kind.PREDICTION:
        return exercise.id in known.predictions
    return known.of(exercise.id).solved or exercise.kind is Kind.WRITTEN


def _lines(group: dict[str, Any]) -> list[str]:
    lines = [f"{group['name']}: {group['score']:g} of {group['points']:g} points"]
    lines += [f"  {row['look'].mark} {row['name']}  {row['told']}" for row in group["exercises"]]
    for row in group["predictions"]:
        said = f"you predicted {row['predicted']}" if row["predicted"] else "not predicted yet"
        outcome = f"; it came out {row['outcome']}" if row["outcome"] else ""
        lines.append(f"  {row['title']}: {said}{outcome}")
    return lines


def _course(opened: OpenLab) -> Page:
    rows: list[dict[str, Any]] = []
    for lab in labs():
        known = opened.progress if lab is opened.lab else opened.progress_of(lab)
        core, further = _group(lab, known, core=True), _group(lab, known, core=False)
        rows.append({"title": f"{lab.number} · {lab.title}", "core": core, "further": further})
    text = "\n".join(
        f"{row['title']}: core {row['core']['score']:g} of {row['core']['points']:g} points, "
        f"further {row['further']['score']:g} of {row['further']['points']:g}"
        for row in rows
    )
    return Page(render("course.html", rows=rows), text)
