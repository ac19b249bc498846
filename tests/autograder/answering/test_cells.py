"""What cells define, whatever order they ran in and however they ended."""

import pytest

from autograder.answering.cells import Cells, definitions_in
from autograder.answering.outcome import Outcome
from autograder.exercises import find_exercise

WELL, ILL = Outcome("ok"), Outcome("error", "ValueError", "no")
BASE = "class Base:\n    pass"
CHILD = "class Child(Base):\n    pass"


def test_the_last_cell_that_defines_a_name_decides():
    cells = Cells()
    cells.add("x = 1", WELL)
    cells.add("x = 2", ILL)
    assert cells.defining("x") == "x = 2" and cells.failure("x") is ILL
    cells.add("x = 3", WELL)
    assert cells.defining("x") == "x = 3" and cells.failure("x") is None
    assert cells.defining("y") == "" and cells.failure("y") is None


def test_what_is_saved_from_a_cell_that_failed_is_defined_with_a_remark():
    cells = Cells()
    cells.add("def f(): pass\ng = h()", ILL, saved=frozenset({"f"}))
    assert cells.failure("f") is None and cells.remark("f") is ILL
    assert cells.failure("g") is ILL


def test_a_cell_that_runs_again_takes_the_place_of_its_earlier_run():
    cells = Cells()
    cells.add("def f(): pass", WELL, key="one")
    cells.add("def g(): pass", WELL, key="two")
    cells.add("def f2(): pass", WELL, key="one")
    assert cells.sources == ["def g(): pass", "def f2(): pass"]
    assert cells.lost("f") == "def f2(): pass" and cells.lost("g") is None
    cells.add("def f(): pass", WELL, key="three")
    assert cells.lost("f") is None


def test_a_cell_without_a_tree_fails_the_answer_that_it_is_laid_out_for():
    cells, exercise = Cells(), find_exercise("initialization/gain")
    cells.add("def gain(", ILL, exercise)
    assert cells.failure("gain") is ILL


def test_a_base_that_is_run_again_is_newer_than_what_inherits_from_it():
    cells = Cells()
    cells.add(BASE, WELL, key="base")
    cells.add(CHILD, WELL, key="child")
    assert cells.newer("Child") == []
    cells.add(BASE, WELL, key="base")
    assert cells.newer("Child") == ["Base"]
    cells.add(CHILD, WELL, key="child")
    assert cells.newer("Child") == []


@pytest.mark.parametrize(
    "definition",
    ["@Base\ndef f():\n    pass", "def f(x=Base):\n    pass", "class f(metaclass=Base):\n    pass"],
)
def test_decorators_defaults_and_metaclasses_are_built_on_too(definition):
    cells = Cells()
    cells.add(definition, WELL)
    cells.add("Base = 5", WELL)
    assert cells.newer("f") == ["Base"]


def test_definitions_are_run_each_on_its_own_and_nothing_that_calls_is():
    source = (
        "import no_such_module\nfrom math import pi\nlimit = 3\nresult = launch()\n"
        "f = lambda x: g(x)\ndef g(x):\n    return x * pi\nprint('done')\n%magic\nlaunch()"
    )
    scope = {}
    exec(definitions_in(source), scope)
    assert scope["limit"] == 3 and scope["f"](2) == pytest.approx(6.2832, abs=1e-4)
    assert "result" not in scope and "no_such_module" not in scope
    assert definitions_in("def f(:") == "" and definitions_in("print(1)") == ""
