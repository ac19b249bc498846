"""One function makes an object of a source everywhere."""

import inspect
import traceback

import pytest

from autograder.probes.definition import UndefinedAnswer, definition, execute

READS_ITSELF = """
def reads_itself(function):
    function.text = inspect.getsource(function)
    return function

@reads_itself
def answer(x):
    return x + 1
"""


def test_a_decorator_that_reads_the_source_of_what_it_decorates_finds_it():
    made = definition(READS_ITSELF, "answer", {"inspect": inspect}, "a mutant")
    assert made(1) == 2
    assert made.text.endswith("def answer(x):\n    return x + 1\n")
    assert made.__source__ == READS_ITSELF


def test_the_namespace_is_not_changed():
    namespace = {"factor": 3, "answer": None}
    made = definition("def answer(x):\n    return factor * x", "answer", namespace, "a mutant")
    assert made(2) == 6
    assert namespace == {"factor": 3, "answer": None}


def test_a_traceback_shows_the_line():
    made = definition("def answer(x):\n    return 1 / x", "answer", {}, "layer_norm, no_eps")
    with pytest.raises(ZeroDivisionError) as caught:
        made(0)
    shown = "".join(traceback.format_exception(caught.value))
    assert '"<layer_norm, no_eps>", line 2' in shown
    assert "return 1 / x" in shown


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def answer(:", "SyntaxError"),
        ("answer = missing", "NameError: name 'missing'"),
        ("other = 1", "does not define answer"),
    ],
)
def test_what_cannot_be_defined_says_so(source, says):
    with pytest.raises(UndefinedAnswer, match=f"a mutant.*{says}"):
        definition(source, "answer", {"answer": 1}, "a mutant")


def test_sources_run_one_after_the_other_see_each_other():
    scope = {}
    execute("def one():\n    return 1", scope, "first")
    execute("def two():\n    return one() + 1", scope, "second")
    assert scope["two"]() == 2
