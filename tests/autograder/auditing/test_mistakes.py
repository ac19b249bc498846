"""What a mistake must say of itself: that it raises, and a diagnosis that is true of its like."""

import dataclasses

from autograder.auditing.audit import audit
from autograder.judging import Kind, Mistake


def columns(x, shift):
    return x - x.mean(dim=0, keepdim=True) * shift


def also_columns(x, shift):
    return x - x.T.mean(dim=1)[None] * shift


def raises(x, shift):
    return [x][1]


def raises_on_float32(x, shift):
    return raises(x, shift) if x.dtype.itemsize == 4 else x * shift


class Raising(Mistake):
    """A mistake that says what it raises."""

    raises = ""


def raising(name, answer, kind):
    mistake = Raising(name, answer, "It raises.")
    object.__setattr__(mistake, "raises", kind)
    return mistake


def problems(make, *mistakes):
    return audit(make(mistakes=mistakes), seeds=6).problems


def test_the_planted_mistake_of_a_repair_is_told_and_not_what_mends_it(make):
    mistake = Mistake("columns", columns, "Average rows.")
    asked = dataclasses.replace(make(mistakes=[mistake]), kind=Kind.REPAIR, planted="columns")
    result = audit(asked, seeds=6)
    assert result.problems == [] and result.diagnosed == 1


def test_mistakes_that_behave_alike_share_one_text_and_are_listed_with_it(make):
    alike = [
        Mistake("columns", columns, "You average columns."),
        Mistake("also_columns", also_columns, "You average columns."),
    ]
    result = audit(make(mistakes=alike), seeds=6)
    assert result.problems == [] and result.diagnosed == 2
    assert result.alike == [
        {"mistakes": ["also_columns", "columns"], "diagnosis": "You average columns."}
    ]


def test_mistakes_that_behave_alike_and_are_told_different_things_are_a_problem(make):
    alike = [
        Mistake("columns", columns, "You average columns."),
        Mistake("also_columns", also_columns, "You transpose, and then average columns."),
    ]
    result = audit(make(mistakes=alike), seeds=6)
    assert result.diagnosed == 1
    assert result.problems == [
        "mistake also_columns is told another diagnosis on 4 of 4 seeds, that of columns: mistakes "
        "that behave alike share one text, or the probe sees more"
    ]


def test_a_mistake_that_is_named_another_on_some_seeds_only_is_a_problem(make):
    def halves(x, shift):
        return columns(x, shift) if shift < 2.9 else x * shift

    mistakes = [Mistake("columns", columns, "a"), Mistake("halves", halves, "b")]
    found = audit(make(mistakes=mistakes), seeds=30).problems
    assert len(found) == 1 and "mistake halves is told another diagnosis on" in found[0]
    assert "on 30 of 30" not in found[0]


def test_a_mistake_that_raises_in_every_case_must_say_so(make):
    found = problems(make, Mistake("raises", raises, "It raises."))
    assert len(found) == 1
    assert 'mistake raises raises IndexError in every case: say raises="IndexError"' in found[0]


def test_a_mistake_that_says_what_it_raises_is_all_right(make):
    assert problems(make, raising("raises", raises, "IndexError")) == []


def test_a_mistake_that_raises_something_else_than_it_says_is_a_problem(make):
    (problem,) = problems(make, raising("raises", raises, "ValueError"))
    assert problem == 'mistake raises says raises="ValueError" and raises IndexError'


def test_a_mistake_that_says_it_raises_and_does_not_is_a_problem(make):
    (problem,) = problems(make, raising("columns", columns, "ValueError"))
    assert problem == 'mistake columns says raises="ValueError" and raises nothing'


def test_a_mistake_that_raises_in_some_cases_says_nothing(make):
    assert problems(make, Mistake("some", raises_on_float32, "It raises.")) == []
    (problem,) = problems(make, raising("some", raises_on_float32, "IndexError"))
    assert "raises IndexError in some cases" in problem
