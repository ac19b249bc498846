"""A real JupyterLab in a real Chromium: one server for the session, a fresh window for each test.

`desk` is the running server on a student's folder as `course start` makes it; `page` a window;
`desk.open(page, path)` opens a file of the folder. The tests are skipped where there is no browser.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid

import pytest

from autograder.desk import jupyter

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 120  # to start a server or a browser on a busy machine


def pytest_collection_modifyitems(items):
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            # One worker runs them all, so that there is one server.
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.slow)


class Desk:
    """A student's folder, the server that runs on it, and what the server's process said."""

    def __init__(self, folder, server, environment):
        self.folder = folder
        self.server = server
        self.environment = environment

    def open(self, page, path):
        """Open a file of the folder in JupyterLab and wait until it is in front.

        A workspace of its own, or JupyterLab shows what the window before had open for a moment.
        """
        address = self.server.page(path).replace("/lab/", f"/lab/workspaces/{uuid.uuid4().hex}/", 1)
        page.goto(address)
        in_front = page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
        name = path.rpartition("/")[2]
        in_front.filter(has_text=name).wait_for(timeout=SECONDS * 1000)

    def run_course(self, *arguments):
        """Run the command line as the student would, beside the running server."""
        command = [sys.executable, "-m", "autograder.cli", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=SECONDS
        )


@pytest.fixture(scope="session")
def desk(tmp_path_factory, browser):
    """JupyterLab as `course start` runs it, with nobody's own settings."""
    folder = tmp_path_factory.mktemp("desk") / "training-labs"
    own = tmp_path_factory.mktemp("jupyter")
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = os.environ | {name: str(own / name.lower()) for name in names}
    environment.pop("JUPYTER_CONFIG_PATH", None)
    # Two that start at once would both find the first port free.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment["JUPYTER_PORT"] = str(free.getsockname()[1])
    command = [sys.executable, "-m", "autograder.cli", "start", "--folder", str(folder)]
    with (own / "log.txt").open("w+") as log:
        process = subprocess.Popen(
            [*command, "--no-browser"], env=environment, stdout=log, stderr=log
        )
        try:
            yield Desk(folder, _started(process, folder, own, log), environment)
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _started(process, folder, own, log):
    until = time.monotonic() + SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", str(own / "jupyter_runtime_dir"))
        while time.monotonic() < until and process.poll() is None:
            if server := jupyter.running_on(folder):
                return server
            time.sleep(0.3)
    log.seek(0)
    pytest.fail(f"course start did not start JupyterLab:\n{log.read()[-3000:]}")


@pytest.fixture(scope="session")
def browser():
    """Chromium, from the system or as Playwright has installed it."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as driver:
        try:
            # Chromium refuses to confine itself for root, as whom tests may run.
            chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {error.message.splitlines()[0]}; install chromium")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A window of its own, with no cookies of other tests."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(SECONDS * 500)
    yield context.new_page()
    context.close()
