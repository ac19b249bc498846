import dataclasses

from autograder import probes
from autograder.auditing.audit import audit
from autograder.auditing.mutants import mutants
from autograder.judging import Lab, Mistake
from autograder.judging.checks import check, finding, matches_reference


def softmax_like(x, shift):
    """Shift the rows of x by their means."""
    if x.ndim != 2:
        raise ValueError("x")
    mean = x.mean(dim=1, keepdim=True)
    return x - mean * shift


def columns(x, shift):
    return x - x.mean(dim=0, keepdim=True) * shift


def by_hand(x, shift):
    return x - x.sum(1)[:, None] / x.shape[1] * shift


def inputs(rng):
    shape = rng.integers(3, 9), rng.integers(10, 15)
    return {"x": rng.normal(size=shape) + 3, "shift": float(rng.uniform(2, 3))}


def exercise(**changes):
    lab = Lab("sample", number=99, title="Sample")
    fields = {
        "title": "t",
        "statement": "s",
        "points": 2,
        "inputs": inputs,
        "probe": probes.call(),
        "checks": [matches_reference()],
    }
    mistakes = changes.pop("mistakes", [Mistake("columns", columns, "You average columns.")])
    asked = lab.exercise(softmax_like, **{**fields, **changes})
    asked.mistakes.extend(mistakes)
    asked.alternative(by_hand)
    return asked


def test_mutants_change_one_thing_each_in_the_lines_students_write():
    found = mutants(exercise())
    assert {m.operator for m in found} >= {"arithmetic", "axis", "keyword", "sign", "constant"}
    assert all("raise ValueError" in m.source for m in found)
    changes = [m.change for m in found]
    assert "return x - mean * shift => return x + mean * shift" in changes
    assert len(set(changes)) == len(changes)
    assert not any(change.startswith("if ") for change in changes)


def test_an_exercise_that_keeps_every_promise_has_no_problems():
    result = audit(exercise(), seeds=5)
    assert result.problems == []
    assert (result.rejected, result.diagnosed, result.alternatives_ok) == (1, 1, 1)
    assert result.killed == result.mutants >= 6


def test_a_check_that_is_too_weak_lets_mutants_mistakes_and_forgeries_through():
    @check("it has as many rows")
    def weak(case):
        return finding(len(case.observed["result"]) == len(case.expected["result"]))

    problems = " ".join(audit(exercise(checks=[weak]), seeds=3).problems)
    assert "mistake columns passes" in problems
    assert "mutant survives" in problems


def test_a_check_that_ignores_the_inputs_is_caught_by_forged_observations():
    @check("always")
    def always(case):
        return finding(True)

    assert any("forged" in p for p in audit(exercise(checks=[always]), seeds=3).problems)


def test_a_check_that_is_too_strict_is_caught_by_right_answers():
    @check("type")
    def strict(case):
        return finding(case.inputs["shift"] < 2.9)

    result = audit(exercise(checks=[strict]), seeds=20)
    assert not result.reference_ok and result.flakes == 2


def test_a_mistake_that_is_right_and_one_that_is_taken_for_another_are_reported():
    def also_columns(x, shift):
        return x - x.T.mean(dim=1)[None] * shift

    def halves(x, shift):
        return softmax_like(x, shift) if len(x) % 2 else columns(x, shift)

    mistakes = [
        Mistake("columns", columns, "a"),
        Mistake("also columns", also_columns, "b"),
        Mistake("right", by_hand, "c"),
    ]
    result = audit(exercise(mistakes=mistakes), seeds=2)
    assert "mistake right passes" in result.problems
    assert result.indistinguishable == [["also columns", "columns"]]
    assert result.diagnosed == 2


def test_a_mutant_explained_away_is_listed_and_an_idle_explanation_is_a_problem():
    change = mutants(exercise())[0].change
    explained = dataclasses.replace(
        exercise(), equivalent_mutants={change: "because", "no such => change": "why"}
    )
    result = audit(explained, seeds=2)
    assert {"mutant": change, "equivalent": "because"} in result.survivors
    assert result.problems == ["no such mutant to explain: no such => change"]


def test_a_mutant_that_never_ends_is_dead(monkeypatch):
    def counts(x, shift):
        """Count."""
        total = x.new_ones(())
        while total < shift:
            total = total + 1
        return x * total

    lab = Lab("sample", number=99, title="Sample")
    slow = lab.exercise(
        counts, title="", statement="", points=1, inputs=inputs, probe=probes.call(),
        checks=[matches_reference()],
    )  # fmt: skip
    monkeypatch.setattr("autograder.auditing.audit._PATIENCE", 1)
    result = audit(slow, seeds=1)
    endless = "total = total + 1 => total = total - 1"
    assert endless in [m.change for m in mutants(slow)]
    assert result.killed > 0 and not any(endless in problem for problem in result.problems)
