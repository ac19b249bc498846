"""The course home, ``Home.md``: the labs, how long they take, how far one is, what is next."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.desk.labs import LabFacts, Task, read_facts
from autograder.desk.progress import Progress
from autograder.student_work.writing import write_whole

HOME = "Home.md"
FACTS = Path(".course") / "labs.json"
MARK = "<!-- This page is written anew with your progress; notes in it would be lost. -->"
BAR = 10


def write_home(folder: Path) -> bool:
    """Write the course home of a student's folder anew; false where the folder has none.

    A file of that name which the course did not write is left alone.

    Raises: OSError where it cannot be written.
    """
    labs, page = read_facts(folder / FACTS), folder / HOME
    before = page.read_bytes() if page.exists() else MARK.encode()
    if not labs or not before.startswith(MARK.encode()):
        return False
    text = home_text(labs, folder).encode()
    if text != before:
        write_whole(page, text)
    return True


def home_text(labs: Iterable[LabFacts], folder: Path) -> str:
    """The course home as Markdown, with the progress that the folder holds."""
    labs = list(labs)
    progress = {lab.slug: Progress.read(folder / lab.slug) for lab in labs}
    rows = [_row(lab, progress[lab.slug]) for lab in labs]
    return "\n".join(
        [
            MARK,
            "",
            "# Training neural networks",
            "",
            _next(labs, progress),
            "",
            "| | lab | core | further | your core points | further points |",
            "|--:|:--|:--|:--|:--|:--|",
            *rows,
            "",
            "Core exercises are enough; further ones are optional. Points are those of your best "
            "tries. Texts are graded by hand and count on top.",
            "",
            "Write where it says `# YOUR CODE HERE`, run the gray cell below, read, repeat. This "
            "page shows your progress when it is opened: close its tab and open it again in the "
            "file list on the left.",
            "",
        ]
    )


def _row(lab: LabFacts, progress: Progress) -> str:
    core, further = ([t for t in lab.tasks if t.core is kind] for kind in (True, False))
    cells = [
        str(lab.number),
        f"[{_plain(lab.title)}]({lab.notebook})",
        _time(core),
        _time(further),
        _bar(core, progress),
        _bar(further, progress),
    ]
    return "| " + " | ".join(cells) + " |"


def _time(tasks: list[Task]) -> str:
    minutes = sum(task.minutes for task in tasks)
    return f"{minutes} min" if minutes else "–"


def _bar(tasks: list[Task], progress: Progress) -> str:
    total = sum(task.points for task in tasks if task.counts)
    if not total:
        return "–"
    earned = sum(min(_score(task, progress), task.points) for task in tasks if task.counts)
    # Full only when everything is there, empty only when nothing is.
    filled = min(max(round(BAR * earned / total), earned > 0), BAR - (earned < total))
    return "▰" * filled + "▱" * (BAR - filled) + f" {earned:g} of {total:g}"


def _score(task: Task, progress: Progress) -> float:
    standing = progress.exercises.get(task.exercise)
    return standing.score if standing else 0.0


def _next(labs: list[LabFacts], progress: dict[str, Progress]) -> str:
    """What to do next: the first core exercise that is open, in a begun lab if there is one."""
    open_still = [
        (not progress[lab.slug].exercises, lab, task)
        for lab in labs
        for task in lab.tasks
        if task.core and task.counts and _score(task, progress[lab.slug]) < task.points
    ]
    if not open_still:
        return "**All core exercises are solved.** What is further is still there to explore."
    fresh, lab, task = min(open_still, key=lambda found: found[0])
    link = f"[lab {lab.number}, {_plain(lab.title)}]({lab.notebook})"
    if fresh:
        return f"**Next:** begin {link}."
    return f"**Next:** *{_plain(task.title)}* (about {task.minutes} minutes) in {link}."


def _plain(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\|[]<>*_`" else c for c in text)
