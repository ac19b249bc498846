"""What `course grade` prints: progress, a line for each submission, a summary."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from autograder.grading.course import Course, is_safe_name
from autograder.grading.many.batch import grade
from autograder.grading.many.proof import BatchRefused
from autograder.grading.many.summary import LEGEND, Summary
from autograder.grading.running.record import not_run
from autograder.judging import Lab

WITHOUT_A_BOX = (
    "--unsafe-no-box: student code runs without confinement. It can read and write everything "
    "that you can: other submissions, the gradebook, the course's secret, your files and the "
    "network. Scores are still computed outside of it."
)


@dataclass(frozen=True)
class How:
    """Where and in what submissions are graded."""

    jobs: int = 1
    scheduler: str | None = None
    device: str = "cpu"
    unsafe_no_box: bool = False
    force: bool = False


def grade_and_print(
    root: Path, labs: Sequence[Lab], how: How, *, json_file: Path | None = None
) -> int:
    """Grade labs and print what came out; 0 when every batch was graded, else 1."""
    if how.unsafe_no_box:
        print(WITHOUT_A_BOX)
    finished: list[tuple[Lab, list[Summary]]] = []
    for lab in labs:
        try:
            summaries = _with_bar(root, lab, how)
        except BatchRefused as reason:
            print(reason)
            continue
        finished.append((lab, summaries))
        _print_table(lab, summaries)
    written = json_file is None or _write_json(json_file, _records(Course(root), finished))
    return 0 if written and len(finished) == len(labs) else 1


def _with_bar(root: Path, lab: Lab, how: How) -> list[Summary]:
    with tqdm(desc=lab.slug, unit="submission", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
            counted[:] = done, total

        counted = [0, 0]
        try:
            return grade(root, lab, progress=progress, **asdict(how))
        except KeyboardInterrupt:
            bar.close()
            done, total = counted
            print(
                f"{lab.slug}: {done} of {total or 'all'} submissions have their records, which are "
                "kept; run the same command again for the rest"
            )
            raise


def _print_table(lab: Lab, summaries: Sequence[Summary]) -> None:
    if not summaries:
        print(f"{lab.slug}: nothing to grade; put notebooks into submitted/STUDENT/{lab.slug}/")
        return
    width = max(len(_plain(one.student)) for one in summaries)
    print(f"\n{lab.title}: one mark for each exercise, in the lab's order")
    for one in summaries:
        score = f"{one.score:5g}/{one.max_score:g}"
        print(f"  {_plain(one.student):{width}}  {score}  {one.marks}  {_plain(one.note)[:70]}")
    graded = [one for one in summaries if one.status == "graded"]
    scores = sorted(one.score for one in graded)
    middle = scores[len(scores) // 2] if scores else 0
    ungraded = len(summaries) - len(graded)
    print(f"  {len(scores)} graded, {ungraded} without a gradable notebook, median {middle:g}")
    unconfined = sum(not one.confined for one in graded)
    if unconfined:
        print(
            f"  {unconfined} ran without confinement, and their records say so; "
            "`course grade --force` grades them again in the box"
        )
    print(f"  {LEGEND}")


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _records(course: Course, finished: Iterable[tuple[Lab, list[Summary]]]) -> Iterator[str]:
    """The records as JSON, one at a time; a student whose name is no file name has none on disk."""
    for lab, summaries in finished:
        for one in summaries:
            if is_safe_name(one.student):
                yield course.record(one.student, lab.slug).read_text(encoding="utf-8").rstrip()
            else:
                yield json.dumps(not_run(one.student, lab, one.note).to_dict(), indent=1)


def _write_json(path: Path, records: Iterable[str]) -> bool:
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write("[")
            for number, record in enumerate(records):
                file.write(f"{',' if number else ''}\n{record}")
            file.write("\n]\n")
    except OSError as error:
        print(f"cannot write {path}: {error}; the records themselves are kept, run it again")
        return False
    return True
