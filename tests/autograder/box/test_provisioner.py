"""The box behind a kernelspec: nbclient and stock nbgrader execute in it by configuration alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import autograder
from autograder.building import student_notebook
from autograder.exercises import find_lab

REPOSITORY = Path(autograder.__file__).resolve().parents[1]
KERNELSPEC = REPOSITORY / "autograder" / "box" / "kernelspec"
v4 = nbformat.v4


@pytest.fixture(autouse=True)
def kernelspec(tmp_path, monkeypatch):
    """The kernelspec where Jupyter finds it, as `scripts/setup.sh` installs it."""
    folder = tmp_path / "jupyter" / "kernels" / "course-box"
    shutil.copytree(KERNELSPEC, folder)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))


def test_nbclient_runs_cells_in_the_box():
    cells = [
        "import os\n(os.getuid(), os.getpid(), os.path.exists('/room/course_lib'))",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "import time\ntime.sleep(60)",
        "1 + 1",
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    client = NotebookClient(
        notebook,
        kernel_name="course-box",
        timeout=3,
        interrupt_on_timeout=True,
        allow_errors=True,
    )
    client.execute()
    first, figure, slept, last = (cell.outputs for cell in notebook.cells)
    uid, pid, room = eval(first[0].data["text/plain"])
    assert uid != 0 and pid < 10 and room
    assert any("image/png" in output.get("data", {}) for output in figure)
    assert slept[-1].ename == "KeyboardInterrupt"
    assert last[0].data["text/plain"] == "2"


def test_a_kernel_that_dies_is_seen_to_die():
    notebook = v4.new_notebook(cells=[v4.new_code_cell("import os; os._exit(3)")])
    with pytest.raises(Exception, match="Kernel died"):
        NotebookClient(notebook, kernel_name="course-box", timeout=30).execute()


def test_restarting_gives_a_fresh_kernel():
    manager = KernelManager(kernel_name="course-box")
    manager.start_kernel()
    first = manager.get_connection_info()
    manager.restart_kernel(now=True)
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    reply = client.execute("x", reply=True, timeout=30)
    assert reply["content"]["ename"] == "NameError"
    assert manager.get_connection_info()["ip"] != first["ip"]
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert not manager.is_alive()


@pytest.mark.slow
def test_stock_nbgrader_executes_in_the_box(tmp_path):
    """With its own preprocessors; our checks give no points there, and nothing is left running."""
    lab = find_lab("initialization")
    course = tmp_path / "course"
    released = _stock_notebook(lab)
    for step in ("source", "submitted/ada"):
        (course / step / lab.slug).mkdir(parents=True)
    nbformat.write(released, course / "source" / lab.slug / f"{lab.slug}.ipynb")
    handed_in = v4.reads(v4.writes(released))
    handed_in.cells[0].source += "\nimport os\nopen('/tmp/who', 'w').write(str(os.getuid()))"
    nbformat.write(handed_in, course / "submitted" / "ada" / lab.slug / f"{lab.slug}.ipynb")
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.ExecutePreprocessor.kernel_name = 'course-box'\n"
        "c.ClearSolutions.code_stub = {'python': 'raise NotImplementedError'}\n"
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for step in ("generate_assignment", "autograde"):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", step, lab.slug],
            cwd=course,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    graded = nbformat.read(
        course / "autograded" / "ada" / lab.slug / f"{lab.slug}.ipynb", as_version=4
    )
    ran = [cell for cell in graded.cells if cell.cell_type == "code"]
    assert ran[0].execution_count == 1
    check = next(c for c in ran if c.source.startswith("check("))
    assert check.outputs[0].data["text/plain"] == "0"
    who = next(c for c in ran if "whoami" in c.source)
    assert who.outputs[0].data["text/plain"] != "0"


def _stock_notebook(lab):
    """A few cells of the lab, which stock nbgrader can release and grade."""
    notebook = student_notebook(lab, REPOSITORY)
    first = v4.new_code_cell("from autograder import check")
    who = v4.new_code_cell("import os  # whoami\nos.getuid()")
    graded = next(cell for cell in notebook.cells if cell.source.startswith("check("))
    cells = [first, who, graded]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return v4.new_notebook(cells=cells, metadata=metadata)
