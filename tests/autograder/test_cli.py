"""The command line: wrong use gets one clear sentence, and help is quick."""

import subprocess
import sys

import pytest

from autograder.cli import main


def said(capsys, *arguments):
    try:
        status = main(arguments)
    except SystemExit as exit:
        status = exit.code
    captured = capsys.readouterr()
    return status, captured.out + captured.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fly",), "invalid choice: 'fly'"),
        (("grade", "--jobs", "0"), "'0' is not a whole number above 0"),
        (("grade", "--jobs", "two"), "'two' is not a whole number above 0"),
        (("grade", "--jobs", "2", "--scheduler", "tcp://h:1"), "give one of the two"),
        (("grade", "--device", "abacus"), "invalid choice: 'abacus'"),
        (("grade", "--json", "nowhere/out.json"), "there is no such folder; nothing was graded"),
        (("audit", "astrology"), "there is no lab 'astrology'; there are 01_training_loop"),
        (("report",), "the following arguments are required: LAB"),
        (("grade",), "it has no nbgrader_config.py"),
        (("report", "4"), "it has no nbgrader_config.py"),
        (("intake",), "it has no nbgrader_config.py"),
        (("build",), "there is no solutions/ folder here or above"),
    ],
)
def test_wrong_use_gets_one_sentence(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, text = said(capsys, *arguments)
    assert status == 2 and sentence in text
    assert "Traceback" not in text


def test_a_report_on_nothing_says_what_to_do(capsys, tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_text("")
    monkeypatch.chdir(tmp_path)
    status, text = said(capsys, "report", "initialization")
    assert status == 2 and "run `course grade initialization`" in text


def test_help_does_not_import_torch():
    code = "import sys, autograder.cli as c\ntry:\n    c.main(['--help'])\nexcept SystemExit:\n"
    code += "    sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "audit" in done.stdout


def test_the_doctor_finds_this_machine_ready_and_has_tried_the_box(capsys):
    status, text = said(capsys, "doctor")
    assert status == 0
    assert "Ready to build and grade" in text
    assert "ok   box: a confined kernel started, answered and ended" in text


def test_the_doctor_says_how_to_mend_a_missing_package(capsys, monkeypatch):
    monkeypatch.setattr("autograder.doctor.PACKAGES", ("no-such-package",))
    status, text = said(capsys, "doctor")
    assert status == 1
    assert "BAD  no-such-package: not installed" in text and "→ run" in text
