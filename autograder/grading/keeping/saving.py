"""Where what grading made of a submission goes: notebook, gradebook, page, record."""

from __future__ import annotations

import time
from typing import Any

from nbgrader.utils import parse_utc
from sqlalchemy.exc import IntegrityError, OperationalError
from traitlets.config.loader import Config, PyFileConfigLoader

from autograder.grading.course import Course, is_safe_name
from autograder.grading.intake.taking import TIMESTAMP
from autograder.grading.keeping.records import write_record
from autograder.grading.keeping.scores import late_penalty, save_record
from autograder.grading.running.grade import Graded
from autograder.grading.running.record import Record
from autograder.judging import Lab
from autograder.reporting.feedback import write_feedback
from autograder.student_work.laying import laid_text
from autograder.student_work.writing import write_whole

ATTEMPTS = 4


def settings(course: Course) -> Config:
    """What the nbgrader_config.py of a course folder configures."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()


def database_url(course: Course) -> str:
    """The gradebook of a course folder, as its nbgrader_config.py has it."""
    configured = settings(course).CourseDirectory
    return str(configured["db_url"]) if "db_url" in configured else course.gradebook


def save(course: Course, lab: Lab, graded: Graded, gradebook: object) -> None:
    """Write what grading made of a submission; the record last, for it says that all is there."""
    record = graded.record
    if not is_safe_name(record.student):
        return
    folder = course.autograded(record.student, lab.slug)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{lab.slug}.ipynb", laid_text(graded.notebook))
    timestamp = read_timestamp(course, record.student, lab)
    if timestamp:
        write_whole(folder / TIMESTAMP, timestamp + "\n")
    if _save_scores(gradebook, lab, record, timestamp):
        late_penalty(settings(course), _url(gradebook), lab, record.student)
    page = course.feedback(record.student, lab.slug)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_feedback(record.to_dict(), lab, page)
    write_record(record, course.record(record.student, lab.slug))


def _save_scores(gradebook: Any, lab: Lab, record: Record, timestamp: str | None) -> bool:
    """Save the scores; whether there is a late penalty to see to."""
    for attempt in range(1, ATTEMPTS):
        try:
            return save_record(gradebook, lab, record, timestamp)
        except (OperationalError, IntegrityError):
            # Formgrader or another run may hold the database, or have added the same rows.
            gradebook.forget()
            time.sleep(attempt)
    return save_record(gradebook, lab, record, timestamp)


def _url(gradebook: Any) -> str:
    """The database that is open, which nbgrader's command line may have chosen."""
    return str(gradebook.engine.url.render_as_string(hide_password=False))


def read_timestamp(course: Course, student: str, lab: Lab) -> str | None:
    """When nbgrader collected a submission, if it did and the file says so."""
    try:
        text = (course.submitted(student, lab.slug) / TIMESTAMP).read_text().strip()
        parse_utc(text)
    except (OSError, ValueError, OverflowError, TypeError):
        return None
    return text or None
