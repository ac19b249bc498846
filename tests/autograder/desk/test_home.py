"""The course home says how long labs take, how far one is, and what is next."""

import subprocess
import sys

import pytest

from autograder.desk.home import FACTS, HOME, home_text, write_home
from autograder.desk.labs import LabFacts, Task, read_facts, write_facts
from autograder.desk.progress import changing

FIRST = LabFacts(
    "01_first", "first", "The first | lab",
    (
        Task("first/one", "One", "implementation", True, 5, 3),
        Task("first/guess", "Guess", "prediction", True, 1, 0),
        Task("first/two", "Two *stars*", "value", True, 7, 27),
        Task("first/why", "Why", "written", True, 10, 4),
        Task("first/more", "More", "repair", False, 20, 10),
    ),
)  # fmt: skip
SECOND = LabFacts("02_second", "second", "Second", (Task("second/a", "A", "value", True, 8, 2),))


def score(folder, lab, exercise, points):
    (folder / lab.slug).mkdir(exist_ok=True)
    with changing(folder / lab.slug) as progress:
        progress.of(exercise).score = points


@pytest.fixture
def folder(tmp_path):
    (tmp_path / FACTS).parent.mkdir()
    write_facts(tmp_path / FACTS, [FIRST, SECOND])
    return tmp_path


def row(folder, number):
    write_home(folder)
    lines = (folder / HOME).read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"| {number} |"))


def test_a_row_has_the_link_the_time_and_the_points_that_checks_give(folder):
    assert row(folder, 1) == (
        "| 1 | [The first \\| lab](01_first/01_first.ipynb) | 23 min | 20 min "
        "| ▱▱▱▱▱▱▱▱▱▱ 0 of 30 | ▱▱▱▱▱▱▱▱▱▱ 0 of 10 |"
    )


@pytest.mark.parametrize(
    ("points", "bar"),
    [(0.1, "▰▱▱▱▱▱▱▱▱▱ 0.1"), (13.5, "▰▰▰▰▱▱▱▱▱▱ 13.5"), (26.9, "▰▰▰▰▰▰▰▰▰▱ 26.9")],
)
def test_a_bar_is_empty_and_full_only_when_that_is_so(folder, points, bar):
    score(folder, FIRST, "first/two", points)
    assert f"| {bar} of 30 |" in row(folder, 1)
    score(folder, FIRST, "first/one", 3)
    score(folder, FIRST, "first/two", 27)
    assert "| ▰▰▰▰▰▰▰▰▰▰ 30 of 30 |" in row(folder, 1)


def test_next_is_the_first_open_core_exercise_of_what_was_begun(folder):
    assert "**Next:** begin [lab 1, The first \\| lab]" in home_text([FIRST, SECOND], folder)
    score(folder, SECOND, "second/a", 1)
    assert "**Next:** *A* (about 8 minutes) in [lab 2, Second]" in home_text(
        [FIRST, SECOND], folder
    )
    score(folder, SECOND, "second/a", 2)
    score(folder, FIRST, "first/one", 3)
    text = home_text([FIRST, SECOND], folder)
    assert "**Next:** *Two \\*stars\\** (about 7 minutes) in [lab 1" in text
    score(folder, FIRST, "first/two", 27)
    assert "All core exercises are solved" in home_text([FIRST, SECOND], folder)


def test_a_damaged_progress_file_is_no_progress(folder):
    (folder / FIRST.slug).mkdir()
    (folder / FIRST.slug / "progress.json").write_text("{")
    assert "0 of 30" in row(folder, 1)


def test_a_folder_without_a_course_gets_no_home(tmp_path):
    assert not write_home(tmp_path) and not (tmp_path / HOME).exists()


def test_a_home_that_is_as_it_should_be_is_not_written_again(folder):
    write_home(folder)
    before = (folder / HOME).stat().st_mtime_ns
    assert write_home(folder)
    assert (folder / HOME).stat().st_mtime_ns == before


def test_facts_survive_the_file_that_keeps_them(folder):
    assert read_facts(folder / FACTS) == [FIRST, SECOND]


def test_writing_a_home_loads_nothing_heavy():
    code = (
        "import sys, autograder.desk.home\n"
        "sys.exit(bool({'torch', 'numpy', 'nbformat', 'autograder.exercises'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
