"""What `course grade` prints: progress, a line for each submission, a summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from autograder.grading.batch import UNCONFINED, BatchRefused, grade
from autograder.grading.record import Record
from autograder.judging import Lab, Reason

_SHORT = {
    Reason.CORRECT: "✓",
    Reason.PARTLY_CORRECT: "◐",
    Reason.WRONG: "✗",
    Reason.NOT_ATTEMPTED: "·",
    Reason.AWAITING_REVIEW: "?",
    Reason.FORBIDDEN: "F",
    Reason.NOT_RUN: "-",
}


def grade_and_print(
    root: Path,
    labs: Sequence[Lab],
    *,
    jobs: int,
    force: bool = False,
    json_file: Path | None = None,
) -> int:
    """Grade labs and print what came out; 0 when every batch was graded, else 1."""
    print(UNCONFINED)
    records: list[Record] = []
    refused = 0
    for lab in labs:
        try:
            graded = _with_bar(root, lab, jobs, force)
        except BatchRefused as reason:
            print(reason)
            refused += 1
            continue
        records += graded
        _print_table(lab, graded)
    if json_file is not None:
        data = [record.to_dict() for record in records]
        json_file.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n")
    return 1 if refused else 0


def _with_bar(root: Path, lab: Lab, jobs: int, force: bool) -> list[Record]:
    with tqdm(desc=lab.slug, unit="submission", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return grade(root, lab, jobs=jobs, force=force, progress=progress)


def _print_table(lab: Lab, records: Sequence[Record]) -> None:
    if not records:
        print(f"{lab.slug}: nothing to grade; put notebooks into submitted/STUDENT/{lab.slug}/")
        return
    width = max(len(_plain(record.student)) for record in records)
    print(f"\n{lab.title}: one mark for each exercise, in the lab's order")
    for record in records:
        marks = "".join(_SHORT.get(verdict.reason, "!") for verdict in record.verdicts)
        remark = record.notes[0] if record.notes else ""
        score = f"{record.score:5g}/{record.max_score:g}"
        print(f"  {_plain(record.student):{width}}  {score}  {marks}  {_plain(remark)[:70]}")
    scores = sorted(record.score for record in records if record.status == "graded")
    ungraded = sum(record.status != "graded" for record in records)
    middle = scores[len(scores) // 2] if scores else 0
    print(f"  {len(scores)} graded, {ungraded} without a gradable notebook, median {middle:g}")
    print("  ✓ correct  ◐ partly  ✗ wrong  · not attempted  ! raised, timed out or crashed  "
          "F forbidden  ? by hand  - not run")  # fmt: skip


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
