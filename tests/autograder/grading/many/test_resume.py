"""A run that is killed, at whatever moment, is finished by the same command, and leaves nothing."""

import copy
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from autograder.grading.checkout import REPOSITORY
from tests.support.notebooks import LAB, SLUG, cell_of
from tests.support.processes import BIN, ENVIRONMENT, alive, family, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
STUDENTS = 12
AT_A_TIME = 3
"""So many hand in before each run. The last of them has a cell of five seconds: a run that is to
be killed a moment after its first record is not through by chance."""

MOMENTS = random.Random(7)


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory, solved, pristine):
    """A dozen submissions, some with a mistake, some unfinished, one that is no notebook."""
    root = tmp_path_factory.mktemp("handed-in")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    (root / ".course_secret").write_text("5e" * 32)
    for number in range(STUDENTS):
        handed = copy.deepcopy(pristine if number % 3 == 1 else solved)
        if number % 3 == 2:
            cell_of(handed, "gaussian").source = "def gaussian(shape, std):\n    return 7 / 0"
        if number % AT_A_TIME == AT_A_TIME - 1:
            cell = cell_of(handed, "gaussian")
            cell.source = f"import time\ntime.sleep(5)\n\n{cell.source}"
        folder = root / "submitted" / f"student{number:02}" / SLUG
        folder.mkdir(parents=True)
        nbformat.write(handed, folder / f"{SLUG}.ipynb")
    (folder / f"{SLUG}.ipynb").write_text("{")
    return root


@pytest.fixture(scope="module")
def undisturbed(handed_in, tmp_path_factory):
    course = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(handed_in, course, dirs_exist_ok=True)
    run = Run(course)
    assert run.finish() == 0, run.said
    return verdicts(course)


class Run:
    """`course grade` in a process of its own, which can be disturbed."""

    def __init__(self, course, *options):
        self.course, self.before = course, len(written(course))
        # Where a box's user, who is nobody, can enter.
        self.scratch = Path(tempfile.mkdtemp(prefix="course-test-"))
        self.scratch.chmod(0o711)
        self.process = subprocess.Popen(
            [BIN / "course", "grade", LAB.name, "--jobs", "2", *options],
            cwd=course,
            env={**ENVIRONMENT, "TMPDIR": str(self.scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, new):
        """Wait until there are so many new records, and a random moment more."""
        wanted = self.before + new
        wait_until(
            lambda: self.process.poll() is not None or len(written(self.course)) >= wanted,
            seconds=150,
        )
        assert self.process.poll() is None, self.process.stdout.read()
        time.sleep(MOMENTS.uniform(0, 0.3 if new else 6))
        self.family = family(self.process.pid)

    def finish(self):
        said, _ = self.process.communicate(timeout=200)
        self.said = said
        return self.process.returncode

    def assert_gone(self):
        """Nothing that it started runs on, wherever it has moved to."""
        wait_until(lambda: not alive(self.family) and not mentioning(self.scratch), seconds=15)
        shutil.rmtree(self.scratch, ignore_errors=True)


def mentioning(folder):
    """The processes that work below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            said = [*process.cmdline(), *process.environ().values()]
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and any(str(folder) in text for text in said):
            found.append(process)
    return found


def written(course):
    """The records that are there, with the time of each."""
    return {p.name: p.stat().st_mtime_ns for p in course.glob(f"records/{SLUG}/*.json")}


def verdicts(course):
    found = {}
    for path in sorted(course.glob(f"records/{SLUG}/*.json")):
        found[path.stem] = {**json.loads(path.read_text()), "seconds": None}
    return found


def kept(course, before):
    """Whether what was written before is as it was."""
    now = written(course)
    return all(now[name] == when for name, when in before.items())


def test_a_run_killed_again_and_again_ends_as_one_that_was_not(handed_in, undisturbed, tmp_path):
    course, late = tmp_path / "course", tmp_path / "late"
    shutil.copytree(handed_in, course)
    (course / "submitted").rename(late)
    (course / "submitted").mkdir()

    def hand_in():
        for folder in sorted(late.iterdir())[:AT_A_TIME]:
            folder.rename(course / "submitted" / folder.name)

    before = {}
    for new in (0, 1):
        hand_in()
        run = Run(course)
        run.until(new)
        run.process.kill()
        run.finish()
        run.assert_gone()
        assert kept(course, before)
        before = written(course)

    hand_in()
    run = Run(course)
    run.until(1)
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.finish() == 130
    run.assert_gone()
    assert f"of {3 * AT_A_TIME} submissions have their records" in run.said
    assert "run the same command again" in run.said and "Traceback" not in run.said
    assert kept(course, before)
    before = written(course)

    hand_in()
    run = Run(course)
    run.until(1)
    running(run.family[1:], "forkserver")[0].kill()
    assert run.finish() == 0, run.said
    run.assert_gone()
    assert kept(course, before)
    assert verdicts(course) == undisturbed


def test_plain_kernels_end_with_a_killed_run_too(handed_in, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(handed_in, course)
    run = Run(course, "--unsafe-no-box")
    run.until(1)
    run.process.kill()
    assert "without confinement" in run.process.stdout.read()
    run.assert_gone()
