import ast
import inspect
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from autograder.judging import Exercise, Kind, Mistake
from autograder.judging.cells import bound_names, free_names, parse_cell, read_cell
from autograder.judging.source.comparing import is_untouched, same_tree
from autograder.judging.source.laying import solution_source, starter_source
from autograder.judging.source.reading import SourceError
from autograder.judging.source.regions import blanked_lines


def scaled(x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
    """Scale a tensor.

    Formula: y = α x,
             where α is the factor.
    Raises:  ValueError for a factor that is not positive.
    """
    names = ("factor",)
    for name in names:
        if not factor > 0:
            raise ValueError(f"{name}: got {factor}")

    # α x
    return factor * x  # the λ line


def recursive(
    n: int,
) -> int:
    """Count down.

    Formula: last section, closed on its own line.
    """
    if n <= 0:
        return 0
    return recursive(n - 1)


def checks_that_feed_the_body(x):
    """Sum of squares."""
    squares = x**2
    if squares.sum() == 0:
        raise ValueError("x: all zero")
    return squares.sum()


def shifted(x, factor=2.0):
    """Says what is wrong with it."""
    return factor + x


class Counter(nn.Module):
    """Count calls."""

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self.count = start

    def forward(self, x):
        """Count, then return x."""
        if x is None:
            raise ValueError("x: got None")
        self.count += 1
        return x

    def reset(self):
        self.count = 0


def exercise(reference=scaled, name="scaled", kind=Kind.IMPLEMENTATION, **fields):
    of = {"title": "A title", "statement": "Do it.", **fields}
    return Exercise(id=f"small/{name}", kind=kind, reference=reference, **of)


def define(source):
    namespace = {"torch": torch, "nn": nn}
    exec(source, namespace)
    return SimpleNamespace(**namespace)


def test_the_solution_keeps_comments_and_gives_docstring_and_argument_checks():
    assert (
        solution_source(exercise())
        == '''\
def scaled(x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
    """Scale a tensor.

    Formula: y = α x,
             where α is the factor.
    Raises:  ValueError for a factor that is not positive.
    """
    names = ("factor",)
    for name in names:
        if not factor > 0:
            raise ValueError(f"{name}: got {factor}")

    ### BEGIN SOLUTION
    # α x
    return factor * x  # the λ line
    ### END SOLUTION'''
    )


def test_the_starter_has_the_stub_and_hides_the_sections_that_give_it_away():
    assert (
        starter_source(exercise(hide=("Formula",), name="multiply"))
        == '''\
def multiply(x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
    """Scale a tensor.

    Raises:  ValueError for a factor that is not positive.
    """
    names = ("factor",)
    for name in names:
        if not factor > 0:
            raise ValueError(f"{name}: got {factor}")

    # YOUR CODE HERE
    raise NotImplementedError()'''
    )


def test_a_hidden_last_section_leaves_a_docstring_of_one_line():
    source = starter_source(exercise(recursive, "recursive", hide=("Formula",)))
    assert define(source).recursive.__doc__ == "Count down."


def test_the_solution_does_what_the_reference_does_under_its_new_name():
    counting = solution_source(exercise(recursive, "countdown"))
    assert "recursive" not in counting
    assert define(counting).countdown(3) == 0


def test_a_check_on_something_the_body_needs_is_written_by_students():
    starter = starter_source(exercise(checks_that_feed_the_body, "checks_that_feed_the_body"))
    assert "x**2" not in starter


def test_only_blank_methods_of_a_class_are_written_by_students():
    counter = exercise(Counter, "Counter", blank=("forward",))
    starter = starter_source(counter)
    assert "self.count = start" in starter and "self.count = 0" in starter
    assert "self.count += 1" not in starter and 'ValueError("x: got None")' in starter
    with pytest.raises(NotImplementedError):
        define(starter).Counter()(1)
    solved = define(solution_source(counter)).Counter()
    assert solved(1) == 1 and solved.count == 1


def test_blanked_lines_are_those_of_the_original_source():
    lines = inspect.getsource(Counter).splitlines()
    blanked = [lines[n - 1].strip() for n in blanked_lines(exercise(Counter, blank=("forward",)))]
    assert blanked == ["self.count += 1", "return x"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hide": ("Proof",)}, "hide names 'Proof'"),
        ({"reference": Counter, "blank": ("backward",)}, "blank names 'backward'"),
        ({"reference": torch.relu}, "cannot be read"),
    ],
)
def test_a_reference_that_cannot_be_laid_is_refused(fields, words):
    with pytest.raises(SourceError, match=words):
        starter_source(exercise(**fields))


def test_a_repair_starts_from_the_mistake_under_the_name_and_docstring_of_the_reference():
    mend = exercise(
        kind=Kind.REPAIR, planted="adds", mistakes=[Mistake("adds", shifted, "You add.")]
    )
    starter = starter_source(mend)
    assert "Says what is wrong" not in starter and "shifted" not in starter
    assert define(starter).scaled(torch.tensor(1.0)) == 3
    assert define(starter).scaled.__doc__ == scaled.__doc__
    assert is_untouched(mend, starter) and not is_untouched(mend, solution_source(mend))


def test_predictions_and_written_answers_have_text_of_their_own():
    guess = exercise(
        None, "guess", Kind.PREDICTION, choices=("it grows", "it falls"), outcome=lambda: "it falls"
    )
    assert starter_source(guess) == 'guess = None  # your prediction: "A" or "B"'
    assert solution_source(guess) == 'guess = "B"'
    assert is_untouched(guess, starter_source(guess)) and not is_untouched(guess, "guess = 1")
    number = replace(guess, choices=(), outcome=lambda: 1.23456)
    assert solution_source(number) == "guess = 1.23"
    text = exercise(None, "text", Kind.WRITTEN, explanation="Because.")
    assert (starter_source(text), solution_source(text)) == ("YOUR ANSWER HERE", "Because.")


@pytest.mark.parametrize(
    ("change", "untouched"),
    [
        (lambda s: s, True),
        (lambda s: "%matplotlib inline\nimport math\n\n" + s + "\nprint('mine')", True),
        (lambda s: s.replace("# YOUR CODE HERE", "# hm").replace("Scale a", "My"), True),
        (lambda s: s.replace("raise NotImplementedError()", "return x"), False),
        (lambda s: s + "\n\ndef scaled(x):\n    return x", False),
        (lambda s: "", False),
        (lambda s: "def scaled(:", False),
    ],
)
def test_untouched_is_decided_on_the_tree_of_the_answer(change, untouched):
    assert is_untouched(exercise(), change(starter_source(exercise()))) is untouched


def test_same_tree_ignores_layout_comments_and_docstrings():
    assert same_tree('def f():\n    "doc"\n    return (1)', "def f(): return 1  # one")
    assert not same_tree("f(1)", "f(2)")
    assert not same_tree("def f(:", "def f(:")


def test_free_names_are_read_and_not_bound():
    source = """
import math as m
@decorate
def f(x: Tensor, *, eps=EPS):
    y = [z + offset for z in x]
    class Inner(Base):
        here = there
    return m.sqrt(sum(y)) + f(eps)
"""
    assert free_names(source) == {
        "decorate", "Tensor", "EPS", "offset", "Base", "there", "sum"
    }  # fmt: skip
    assert bound_names(source) == {"m", "f"}


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("\n\n%matplotlib inline\nx = 1", 4),
        ("%%time\nx = 1", 2),
        ("!ls\nx = 1", 2),
        ("\n\nx = 1", 3),
    ],
)
def test_magics_are_understood_and_lines_kept(cell, line):
    tree = parse_cell(cell)
    assert tree is not None and tree.body[-1].lineno == line
    assert bound_names(cell) == {"x"}


@pytest.mark.parametrize("cell", ["def f(x, x):\n    return x", "nonlocal y", "x = 1 +"])
def test_a_cell_that_cannot_be_compiled_binds_and_reads_nothing(cell):
    assert bound_names(cell) == free_names(cell) == set()


def test_reading_one_cell_after_another_leaves_a_shared_tree_as_it_was():
    cell = 'def f(x):\n    """Says what."""\n    return x'
    before = ast.dump(read_cell(cell))
    assert same_tree(cell, "def f(x):\n    return x")
    assert ast.dump(read_cell(cell)) == before and read_cell(cell) is read_cell(cell)
