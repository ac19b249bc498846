"""Databases for tests: SQLite files, and a PostgreSQL server of the test's own on a Unix socket."""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from autograder.grading.keeping.gradebook import open_gradebook

KINDS = ("sqlite", "postgresql")
_MISSING = (
    "PostgreSQL's server is not installed: install the package `postgresql` of your system "
    "(scripts/setup.sh does, as root) and run the tests again"
)


@contextlib.contextmanager
def databases(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Something that makes gradebooks with nothing in them; each call returns the url of one."""
    numbers = itertools.count()
    if kind == "sqlite":
        empty = folder / "empty.db"
        _make_tables(f"sqlite:///{empty}")
        yield lambda: f"sqlite:///{shutil.copy(empty, folder / f'{next(numbers)}.db')}"
        return
    with _server() as address:

        def make() -> str:
            name = f"course{next(numbers)}"
            with psycopg.connect(address("postgres", ""), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE empty")
            return address(name, "+psycopg")

        with psycopg.connect(address("postgres", ""), autocommit=True) as connection:
            connection.execute("CREATE DATABASE empty")
        _make_tables(address("empty", "+psycopg"))
        yield make


def _make_tables(url: str) -> None:
    with open_gradebook(url):
        pass


@contextlib.contextmanager
def _server() -> Iterator[Callable[[str, str], str]]:
    """A server that ends with the test; the url of a database in it, for a driver."""
    programs = _programs()
    folder = tempfile.mkdtemp(prefix="course-postgres-", dir="/tmp")  # a socket's path is short
    data = Path(folder, "data")

    def run(program: str, *arguments: str) -> None:
        line = [programs / program, "-D", data, *arguments]
        # The server keeps what it is started with open: a pipe would never end.
        with Path(folder, "said.log").open("a") as log:
            done = subprocess.run(
                line, cwd=folder, stdout=log, stderr=log, timeout=120, check=False, **_user()
            )
        assert done.returncode == 0, Path(folder, "said.log").read_text()[-3000:]

    try:
        if _user():
            shutil.chown(folder, **_user())
        run("initdb", "-U", "course", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-w", "-o", f"-k {folder} -c listen_addresses='' -F", "start")
        try:
            yield lambda name, driver: f"postgresql{driver}://course@/{name}?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    on_path = shutil.which("pg_ctl")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if on_path or debian:
        return Path(on_path or debian[-1]).resolve().parent
    if os.environ.get("CI"):
        pytest.fail(_MISSING)
    pytest.skip(_MISSING)


def _user() -> dict[str, str]:
    """Whom the server runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": "postgres" if "postgres" in known else "nobody"}
