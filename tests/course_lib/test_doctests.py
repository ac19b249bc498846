"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import course_lib

MODULES = [found.name for found in pkgutil.walk_packages(course_lib.__path__, "course_lib.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_to_be_tested() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [
        t for name in MODULES for t in finder.find(importlib.import_module(name)) if t.examples
    ]
    assert len(found) >= 30
