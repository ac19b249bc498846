"""The command line: ``course start | build | intake | grade | report | audit | doctor | demo``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXIT_PROBLEMS = 1
EXIT_USAGE = 2
DEMO_LAB = "initialization"


class Problem(Exception):
    """Something the user can mend; the message says what happened and what to do next."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all is well, 1 when something was found wrong, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except Problem as problem:
        print(f"course {options.command}: {problem}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        return EXIT_PROBLEMS
    except KeyboardInterrupt:
        print(
            f"\ncourse {options.command}: interrupted; what was finished is kept",
            file=sys.stderr,
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="course", description="Build, grade and audit the labs of the course."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Any, help: str, labs: str | None = "*") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        if labs:
            text = "name, number or slug of a lab; all of them when left out"
            sub.add_argument("labs", nargs=labs, metavar="LAB", help=text)
        return sub

    text = "open the labs in a folder of your own; what you wrote in it stays"
    start = command("start", _start, text, labs=None)
    text = "name, number or slug of a lab to open; the course home when left out"
    start.add_argument("lab", nargs="?", metavar="LAB", help=text)
    text = "your folder; training-labs in your home folder when left out"
    start.add_argument("--folder", type=Path, metavar="FOLDER", help=text)
    start.add_argument("--no-browser", action="store_true", help="say the address, open no window")
    build = command("build", _build, "build the instructor's and the students' notebooks")
    build.add_argument(
        "--check", action="store_true", help="fail when what is built is out of date"
    )
    command("intake", _intake, "make submitted files gradable; originals are kept")
    grade = command("grade", _grade, "take in and grade what lies in submitted/")
    _grading_options(grade, jobs=1)
    text = "grade on the workers of a Dask scheduler, tcp://HOST:PORT (docs/clusters.md)"
    grade.add_argument("--scheduler", metavar="ADDRESS", help=text)
    text = "where student code computes; cpu when left out"
    grade.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help=text)
    grade.add_argument("--force", action="store_true", help="grade again what was graded before")
    grade.add_argument("--json", metavar="FILE", type=Path, help="write the records to a file")
    report = command("report", _report, "write the class report of a lab", labs=None)
    report.add_argument("labs", nargs=1, metavar="LAB", help="name, number or slug of a lab")
    text = "prove the checks: references, mistakes, forgeries, mutants"
    audit = command("audit", _audit, text, labs=None)
    text = "a lab, or the id or name of an exercise; everything when left out"
    audit.add_argument("names", nargs="*", metavar="NAME", help=text)
    audit.add_argument("--json", metavar="FILE", type=Path, help="write the results to a file")
    text = "left out: 200 for what changed since the last commit on main, 20 for the rest"
    audit.add_argument("--seeds", type=_positive, metavar="N", help=text)
    audit.add_argument("--jobs", type=_positive, default=2, metavar="N", help="default: 2")
    command("doctor", _doctor, "say what this machine can do, and how to mend it", labs=None)
    demo = command("demo", _demo, "grade a made-up class and show the results", labs=None)
    text = f"name, number or slug of a lab; {DEMO_LAB} when left out"
    demo.add_argument("labs", nargs="*", metavar="LAB", default=[DEMO_LAB], help=text)
    _grading_options(demo, jobs=2)
    return parser


def _grading_options(command: argparse.ArgumentParser, *, jobs: int) -> None:
    text = f"grade in N processes; {jobs} when left out"
    command.add_argument("--jobs", type=_positive, metavar="N", help=text)
    command.set_defaults(jobs_when_left_out=jobs)
    text = "run student code without confinement: it can then read and write what you can"
    command.add_argument("--unsafe-no-box", action="store_true", help=text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _labs(options: argparse.Namespace) -> list[Any]:
    from autograder.exercises import UnknownName, find_lab, labs

    try:
        return [find_lab(name) for name in options.labs] or list(labs())
    except UnknownName as error:
        raise Problem(str(error)) from None


def _exercises(name: str) -> list[Any]:
    """The exercises that a name stands for: those of a lab, or one by its id or name."""
    from autograder.exercises import UnknownName, find_exercise, find_lab

    try:
        return list(find_lab(name).exercises.values())
    except UnknownName as no_lab:
        try:
            return [find_exercise(name)]
        except UnknownName as no_exercise:
            raise Problem(f"{no_lab}; {no_exercise}") from None


def _repository() -> Path:
    """The checkout to build in: the current folder or one above it that holds ``solutions/``."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "solutions").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise Problem("there is no solutions/ folder here or above; run it inside the repository")


def _course() -> Path:
    """The course folder: the current one, which must hold ``nbgrader_config.py``."""
    folder = Path.cwd()
    if not (folder / "nbgrader_config.py").is_file():
        raise Problem(
            f"{folder} is no course folder: it has no nbgrader_config.py; "
            "change to the folder that holds submitted/"
        )
    return folder


def _write_json(path: Path | None, data: Any) -> None:
    if path is None:
        return
    try:
        path.write_text(json.dumps(data, indent=1) + "\n")
    except OSError as error:
        raise Problem(f"cannot write {path}: {error.strerror}; nothing else was lost") from None


def _start(options: argparse.Namespace) -> int:
    from autograder.desk.start import NotStarted, start

    try:
        start(options.lab, options.folder, browser=not options.no_browser)
    except NotStarted as reason:
        raise Problem(str(reason)) from None
    return 0


def _build(options: argparse.Namespace) -> int:
    from autograder.building import BuildError, build, check, syllabus

    root, labs = _repository(), _labs(options)
    # The page is on all labs, and one lab can be built while another is being written.
    pages = {} if options.labs else {root / syllabus.PATH: syllabus.page(labs)}
    try:
        if options.check:
            problems = check(labs, root, pages)
            for problem in problems:
                print(problem, file=sys.stderr)
            print(f"{len(labs)} labs: " + ("out of date; run `course build`" if problems else "ok"))
            return EXIT_PROBLEMS if problems else 0
        from autograder.grading.many.proof import unproved

        for path in build(labs, root, pages, proof=unproved):
            print(path.relative_to(root))
    except BuildError as error:
        raise Problem(str(error)) from None
    return 0


def _intake(options: argparse.Namespace) -> int:
    course, labs = _course(), _labs(options)
    from autograder.grading.many.batch import BatchStopped, take_in

    try:
        for lab in labs:
            for taken in take_in(course, lab):
                print(f"{lab.slug}  {taken.student}: {taken.summary}")
    except BatchStopped as error:
        raise Problem(str(error)) from None
    return 0


def _grade(options: argparse.Namespace) -> int:
    if options.jobs and options.scheduler:
        raise Problem(
            "--jobs is for processes of this machine and --scheduler for a cluster, which has as "
            "many as it has workers: give one of the two"
        )
    if options.json and not options.json.absolute().parent.is_dir():
        raise Problem(f"cannot write {options.json}: there is no such folder; nothing was graded")
    course = _course()
    if not options.scheduler and (options.jobs or options.jobs_when_left_out) > 1:
        from autograder.grading.many.forking import start_loading

        start_loading()
    labs = _labs(options)
    from autograder.grading.command import How, grade_and_print

    how = How(
        options.jobs or options.jobs_when_left_out,
        options.scheduler,
        options.device,
        options.unsafe_no_box,
        options.force,
    )
    return grade_and_print(course, labs, how, json_file=options.json)


def _report(options: argparse.Namespace) -> int:
    labs, course = _labs(options), _course()
    from autograder.reporting.command import report_on

    for lab in labs:
        try:
            print(report_on(course, lab))
        except LookupError as error:
            raise Problem(str(error)) from None
    return 0


def _audit(options: argparse.Namespace) -> int:
    from autograder.auditing.table import audit_exercises, print_table, problems
    from autograder.exercises import labs

    exercises = [exercise for name in options.names for exercise in _exercises(name)]
    exercises = exercises or [e for lab in labs() for e in lab.exercises.values()]
    audits = audit_exercises(exercises, seeds=options.seeds, jobs=options.jobs)
    print_table(audits)
    _write_json(options.json, [audit.to_dict() for audit in audits])
    return EXIT_PROBLEMS if problems(audits) else 0


def _doctor(options: argparse.Namespace) -> int:
    from autograder.doctor import examine, print_findings

    return EXIT_PROBLEMS if print_findings(examine(Path.cwd())) else 0


def _demo(options: argparse.Namespace) -> int:
    from autograder.building import BuildError
    from autograder.demo import run_demo
    from autograder.grading.command import How

    how = How(options.jobs or options.jobs_when_left_out, unsafe_no_box=options.unsafe_no_box)
    try:
        return run_demo(_repository(), _labs(options), how)
    except BuildError as error:
        raise Problem(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
