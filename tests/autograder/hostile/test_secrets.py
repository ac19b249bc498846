"""What an attack may look for or leave behind: there is nothing to find, and it is gone.

A test's docstring begins with the case that it stands for.
"""

import ast
import json
import os
import socket
import sys
import sysconfig
import uuid
from pathlib import Path

import nbformat
import pytest

from autograder.grading.checkout import REPOSITORY
from autograder.grading.course import Course
from autograder.grading.intake.taking import take_in_student
from autograder.grading.running.references import References
from autograder.grading.running.session import Session
from autograder.judging.source.laying import answer_source
from tests.support.notebooks import LAB, SLUG, cell_of

TARGET = "relu_second_moment"

SEARCH = """
import re
def parts(text):
    half = len(text) // 2
    return text[:half], text[half:]

def found_in_memory(pid, halves):
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            if " r" not in line or line.split()[-1].startswith(("[v", "/usr")):
                continue
            begin, end = (int(n, 16) for n in line.split()[0].split("-"))
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
            for name, (first, second) in halves.items():
                # The whole is never put together in here: only what was there is found.
                for match in re.finditer(re.escape(first), data):
                    if data[match.end():match.end() + len(second)] == second:
                        found.add(name)
    return sorted(found)
"""
"""Looks for byte strings that are given in two halves."""


@pytest.fixture
def course(tmp_path):
    """A course folder as it lies on the grader's machine, with another student's work."""
    course = Course(tmp_path / "course")
    (tmp_path / "course").mkdir()
    (course.root / "gradebook.db").write_text("grades")
    (course.root / ".course_secret").write_text("5e" * 32)
    bob = course.submitted("bob", SLUG)
    bob.mkdir(parents=True)
    (bob / f"{SLUG}.ipynb").write_text("the work of bob")
    return course


def halves(**texts):
    data = {
        name: text if isinstance(text, bytes) else text.encode() for name, text in texts.items()
    }
    return {name: (text[: len(text) // 2], text[len(text) // 2 :]) for name, text in data.items()}


def test_nothing_of_the_course_is_on_the_disk(learned, course):
    """reading the hidden inputs, the reference, the gradebook, another submission: from disk"""
    secrets = [
        *(path for path in course.root.rglob("*") if path.is_file()),
        REPOSITORY / "autograder" / "exercises" / "initialization" / "kaiming.py",
        REPOSITORY / "course_lib" / "initialization.py",
        REPOSITORY / "solutions" / f"{SLUG}.py",
        REPOSITORY / "pyproject.toml",
        Path.home() / ".bashrc",
        Path("/etc/passwd"),
    ]
    assert len(secrets) == 9
    ways = [f"{root}{path}" for path in secrets for root in ("", "/proc/1/root", "/../..")]
    of_others = {"initialization.py", "pyproject.toml", "passwd", ".bashrc"}
    names = sorted({path.name for path in secrets} - of_others | {"solutions"})
    seen, found = learned(
        f"""
        import os
        seen = [way for way in {ways} if os.path.exists(way)]
        found = [f"{{top}}/{{name}}" for top, folders, files in os.walk("/")
                 if not top.startswith("/proc") for name in [*folders, *files] if name in {names}]
        """,
        "([*seen][:3], found[:3])",
    )
    assert seen == [] and [path for path in found if "site-packages" not in path] == []


def test_nothing_of_the_grader_is_in_memory(learned, grade, references, handed_in):
    """reading the hidden inputs, the reference …: from memory, `gc`"""
    kaiming = LAB.exercises["kaiming_normal"]
    seed = references.of(kaiming).seed
    wanted = halves(
        secret=b"secret" * 6,
        reference=ast.unparse(
            ast.parse(answer_source(kaiming, kaiming.reference)).body[0].body[-1]
        ),
        mistake=kaiming.mistakes[0].diagnosis,
        student="the work of bob",
    )
    planted = halves(planted=f"planted {seed}")
    found = learned(
        SEARCH
        + f"""
import os
kept = "planted " + "{seed}"
found = {{pid: found_in_memory(pid, {wanted | planted}) for pid in os.listdir("/proc")
          if pid.isdigit() and os.access(f"/proc/{{pid}}/mem", os.R_OK)}}
""",
        "found",
    )
    assert set().union(*found.values()) == {"planted"} and len(found) >= 1


def test_nothing_of_the_grader_is_in_objects_and_frames(learned, attack, grade):
    """reading the hidden inputs, the reference …: from frames, `gc`"""
    ours = learned(
        """
        import gc, sys
        named = {getattr(o, "__module__", None) for o in gc.get_objects() if callable(o)}
        ours = {str(name) for name in [*named, *sys.modules] if "autograder" in str(name)}
        allowed = ("autograder.probes", "autograder.box.inside")
        """,
        "sorted(name for name in ours if not name.startswith(allowed))",
    )
    assert ours in (["autograder"], ["autograder", "autograder.box"])
    code = """
import sys
frame, names = sys._getframe(), set()
while frame is not None:
    names |= {n for n, v in frame.f_locals.items() if getattr(v, "__name__", "") != "nothing"}
    frame = frame.f_back
if {"expected", "reference", "verdict", "references", "hidden"} & names:
    return "found"
"""
    assert grade(attack(code.strip(), "probe")).lost == {}


def test_the_reference_that_stands_in_earns_nothing(grade, handed_in):
    """reading … the reference …: from memory (where it stands in for an answer that is missing)"""
    stolen = cell_of(handed_in, "fan_in_and_fan_out")
    stolen.source = "stolen = []"
    thief = cell_of(handed_in, "xavier_normal")
    thief.source = thief.source.replace(
        "    fan_in, fan_out", "    stolen.append(fan_in_and_fan_out)\n    fan_in, fan_out", 1
    )
    assert "stolen.append" in thief.source
    handed_in.cells.append(nbformat.v4.new_code_cell("fan_in_and_fan_out = stolen[-1]"))
    assert "fan_in_and_fan_out" in grade(handed_in).lost


def test_nothing_of_the_grader_is_in_the_environment(learned, launcher, monkeypatch):
    """reading …: environment, `/proc`"""
    environments, processes = learned(
        """
        import os, pathlib
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
        texts = []
        for pid in pids:
            try:
                texts.append(pathlib.Path(f"/proc/{pid}/environ").read_text())
            except OSError:
                pass
        texts.append(str(dict(os.environ)))
        """,
        "(['OF_THE_GRADER' in text for text in texts], sorted(map(int, pids)))",
    )
    assert True not in environments and len(environments) > 1
    assert processes == list(range(1, len(processes) + 1)) and len(processes) < 5


def test_another_submission_is_out_of_reach(learned, launcher):
    """reading … another submission: from disk, memory, `/proc`"""
    with Session(launcher) as bob:
        planted = "import subprocess\nfor place in ('/tmp/bob', 'bob', '/dev/shm/bob'):\n"
        planted += "    open(place, 'w').write('the work ' + 'of bob')\n"
        planted += "work = 'the work ' + 'of bob'\nsubprocess.Popen(['sleep', '86398.5'])"
        assert bob.run_cell(planted).status == "ok"
        found = learned(
            SEARCH
            + f"""
import os, pathlib
pids = [pid for pid in os.listdir("/proc") if pid.isdigit()]
found = [found_in_memory(pid, {halves(work="the work of bob")}) for pid in pids
         if os.access(f"/proc/{{pid}}/mem", os.R_OK)]
lines = [pathlib.Path(f"/proc/{{pid}}/cmdline").read_bytes() for pid in pids]
files = [p for p in ("/tmp/bob", "bob", "/dev/shm/bob", "../bob") if os.path.exists(p)]
""",
            "(found, [line for line in lines if b'sleep' in line], files)",
        )
        assert set(map(tuple, found[0])) == {()} and found[1:] == ([], [])


def test_nothing_that_is_written_stays(learned, course, room):
    """writing the gradebook, other submissions, HOME, the IPython profile, site-packages, a cache
    that the next student's kernel would load"""
    mark = f"left_{uuid.uuid4().hex}"
    packages = sysconfig.get_path("purelib")
    host = [
        course.root / "gradebook.db",
        course.submitted("bob", SLUG) / f"{SLUG}.ipynb",
        Path.home() / mark,
        Path.home() / ".ipython/profile_default/startup" / f"{mark}.py",
        Path(packages) / f"{mark}.pth",
        Path(packages) / "torch" / f"{mark}.py",
        Path(sys.prefix) / "share/jupyter/kernels" / mark,
        REPOSITORY / "course_lib" / f"{mark}.py",
        room / "sitecustomize.py",
        Path("/tmp") / mark,
        Path("/dev/shm") / mark,
        Path("/etc") / mark,
    ]
    inside = [
        *("/room/sitecustomize.py", "/room/course_lib/data.py", "/room/autograder/__init__.py"),
        *("~/.ipython/profile_default/startup/00.py", "~/.config/matplotlib/matplotlibrc"),
        *("~/.cache/torch/kernel", "~/.local/lib/python3.11/site-packages/usercustomize.py"),
        *("torch.py", "sitecustomize.py", "/tmp/matplotlib/fontlist.json"),
    ]
    before = {path: path.read_bytes() if path.exists() else None for path in host}
    places = [*map(str, host), *inside]
    written = learned(
        f"""
        import os
        written = []
        for place in map(os.path.expanduser, {places}):
            try:
                os.makedirs(os.path.dirname(place) or ".", exist_ok=True)
                with open(place, "a") as file:
                    file.write("{mark} = 1\\n")
                written.append(place)
            except OSError:
                pass
        """,
        "[w for w in written if not w.startswith(('/tmp', '/dev/shm', '/home/student'))]",
    )
    assert written == ["torch.py", "sitecustomize.py"]
    assert before == {path: path.read_bytes() if path.exists() else None for path in host}
    seen = learned(
        f"""
        import os, torch, sys
        places = [os.path.expanduser(place) for place in {places}]
        there = [place for place in places if os.path.exists(place)]
        seen = [place for place in there if "{mark}" in open(place, errors="replace").read()]
        """,
        f"(seen, '{mark}' in globals(), os.listdir(os.path.expanduser('~')), torch.__name__)",
    )
    assert seen[:2] == ([], False) and seen[2] in ([], [".ipython"]) and seen[3] == "torch"


def test_what_is_patched_in_memory_is_gone(learned):
    """writing … a cache that the next student's kernel would load: here the modules themselves"""
    patch = "import torch, autograder.probes.run as run\ntorch.patched = run.patched = True"
    assert learned(patch, "torch.patched") is True
    looked = "import torch, autograder.probes.run as run"
    assert learned(looked, "[hasattr(m, 'patched') for m in (torch, run)]") == [False, False]


def test_there_is_no_network(learned, tmp_path):
    """network"""
    listening = socket.create_server(("0.0.0.0", 0))
    port = listening.getsockname()[1]
    by_path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    with listening, by_path, abstract:
        by_path.bind(str(tmp_path / "s"))
        abstract.bind("\0course-hostile")
        addresses = [
            (socket.AF_INET, ("127.0.0.1", port)),
            (socket.AF_INET, (_own_address(), port)),
            (socket.AF_INET, ("1.1.1.1", 53)),
            (socket.AF_INET, ("169.254.169.254", 80)),
            (socket.AF_UNIX, str(tmp_path / "s")),
            (socket.AF_UNIX, "\0course-hostile"),
        ]
        for one in (by_path, abstract):
            one.listen()
        for family, address in (addresses[0], *addresses[4:]):
            with socket.socket(family) as reachable:
                reachable.connect(address)
        plain = [(int(family), address) for family, address in addresses]
        reached = learned(
            f"""
            import socket
            reached = []
            for family, address in {plain}:
                try:
                    with socket.socket(family) as one:
                        one.settimeout(2)
                        one.connect(address)
                    reached.append(address)
                except OSError:
                    pass
            try:
                reached.append(socket.getaddrinfo("example.com", 80))
            except OSError:
                pass
            """,
            "(reached, [name for _, name in socket.if_nameindex()])",
        )
    assert reached == ([], ["lo"])


def test_modules_beside_the_notebook(handed_in, pristine, grade, tmp_path, monkeypatch):
    """shadow modules beside it (`torch.py`, `numpy.py`, `course_lib.py`, `conftest.py`,
    `sitecustomize.py`, `*.pth`), own `nbgrader_config.py`"""
    names = ["torch.py", "numpy.py", "course_lib.py", "conftest.py", "sitecustomize.py", "own.pth"]
    course = Course(tmp_path)
    folder = course.submitted("ada", SLUG)
    folder.mkdir(parents=True)
    for name in [*names, "nbgrader_config.py"]:
        (folder / name).write_text(f"import os; open({str(tmp_path / 'ran')!r}, 'w')")
    (folder / f"{SLUG}.ipynb").write_text(nbformat.writes(handed_in))
    monkeypatch.chdir(folder)
    taken = take_in_student(course, SLUG, pristine, "ada")
    noted = " ".join(taken.notes)
    assert all(name in noted for name in [*names, "nbgrader_config.py"])
    assert os.listdir(folder) == [f"{SLUG}.ipynb"]
    laid = nbformat.read(folder / f"{SLUG}.ipynb", as_version=4)
    cell_of(laid, TARGET).source += "\nimport sys, torch, numpy, course_lib\n"
    cell_of(laid, TARGET).source += f"""
assert torch.zeros(2).sum() == numpy.zeros(2).sum() and course_lib.data
assert not [path for path in sys.path if path.startswith({str(tmp_path)!r})]
"""
    assert grade(laid).lost == {}
    assert not (tmp_path / "ran").exists()


def test_hidden_inputs_depend_on_the_secret():
    """behaving differently when graded: fresh inputs …"""
    exercise = LAB.exercises[TARGET]
    drawn = [
        json.dumps(References(LAB, s * 9).of(exercise).drawn, default=str) for s in (b"a", b"b")
    ]
    assert drawn[0] != drawn[1]


def _own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("10.255.255.255", 1))
            return one.getsockname()[0]
        except OSError:
            return "127.0.0.1"
