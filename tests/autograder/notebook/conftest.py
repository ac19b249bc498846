"""A notebook's shell in this process: cells run in it as JupyterLab runs them."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from autograder.exercises import find_lab
from autograder.judging.source.laying import cell_id
from autograder.notebook import current, shell

SETUP = """
import math
import torch
import torch.nn.functional as F
from torch import nn
import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
autograder.open_lab("initialization")
"""


class Notebook:
    """Runs cells; those of an exercise's answer carry the id that the built notebook gives them."""

    def __init__(self):
        self.shell = InteractiveShell.instance()
        self.shown = []
        self.shell.display_pub.publish = self._publish
        self.run(SETUP)

    def run(self, source, answer=None):
        """Run a cell; what it shows last. ``answer`` names the exercise whose cell it is."""
        key = cell_id("initialization", f"initialization/{answer}", "answer") if answer else None
        result = self.shell.run_cell(source, store_history=True, cell_id=key)
        return result.result

    def verdict(self, name):
        return self.run(f'check("{name}")').verdict

    def _publish(self, data, *_, **__):
        self.shown.append(data)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A notebook of the initialization lab in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{find_lab('initialization').slug}.ipynb").touch()
    opened = restarted()
    yield opened
    _end()


def restarted():
    """A notebook whose kernel has just been started."""
    _end()
    return Notebook()


def _end():
    InteractiveShell.clear_instance()
    current._open.clear()
    shell._heard.clear()
