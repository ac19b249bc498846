"""The audit as a whole: it has nothing to say of a good exercise, and finds what is wrong."""

import dataclasses
import functools
import inspect

import numpy as np
import pytest
import torch

from autograder import probes
from autograder.auditing import killing
from autograder.auditing.audit import audit
from autograder.auditing.mutants import mutants
from autograder.judging import Alternative, Kind, Mistake, hidden
from autograder.judging.checks import Case, check, finding
from autograder.probes.definition import definition


def said(result):
    return "\n".join(result.problems)


def test_an_exercise_that_keeps_every_promise_has_no_problems(make):
    result = audit(make(), seeds=30)
    assert result.problems == [] and result.alike == []
    assert (result.rejected, result.diagnosed, result.alternatives_ok) == (1, 1, 1)
    assert result.killed == result.mutants - len(result.unexplained)
    assert result.killed - result.crashed >= 5
    assert result.forgeries_rejected == result.forgeries >= 30


def test_a_check_that_is_too_weak_lets_mutants_mistakes_and_forgeries_through(make):
    @check("it has as many rows")
    def weak(case):
        return finding(len(case.observed["result"]) == len(case.expected["result"]))

    result = audit(make(checks=[weak]), seeds=3)
    assert "mistake columns passes on 3 of 3 seeds, it is a right answer" in said(result)
    assert "a constant observation that is forged scores points on 3 of 3 seeds" in said(result)
    assert "return x - mean * shift => return x + mean * shift" in [
        survivor.mutant for survivor in result.survivors
    ]


def test_a_check_that_ignores_the_inputs_is_caught_by_replayed_observations(make):
    @check("always")
    def always(case):
        return finding(True)

    assert "a replayed observation that is forged scores" in said(
        audit(make(checks=[always]), seeds=3)
    )


def test_a_forgery_does_not_hold_the_words_of_the_answer(make):
    def said(x, shift):
        """What is above."""
        return [["below", "above"][int(row.mean() > shift / 2 - 0.25)] for row in x]

    result = audit(make(said), seeds=10)
    assert "a constant observation" not in " ".join(result.problems)


def test_a_check_that_is_too_strict_is_caught_by_right_answers(make):
    @check("type")
    def strict(case):
        return finding(case.inputs["shift"] < 2.9)

    result = audit(make(checks=[strict]), seeds=20)
    assert not result.reference_ok and result.flakes == 2


def test_a_check_that_raises_gives_points_to_nobody_and_takes_none_from_right_answers(make):
    class Breaks(Exception):
        pass

    @check("breaks where the result is not the reference's")
    def breaks(case):
        if abs(case.observed["result"] - case.expected["result"]).max() > 1e-4:
            raise Breaks("here")
        return finding(True)

    result = audit(make(checks=[breaks]), seeds=3)
    assert result.reference_ok and result.rejected == 1


def test_an_exercise_without_mistakes_or_alternatives_is_not_proved(make):
    problems = said(audit(make(mistakes=[], alternatives=[]), seeds=1))
    assert "there is no alternative" in problems and "there is no mistake" in problems


def test_a_reference_that_reads_its_own_source_has_mutants_that_mean_something(make):
    def reads_its_source(function):
        assert "mean" in inspect.getsource(function)
        return function

    @reads_its_source
    def centered(x, shift):
        """Subtract the mean of each row, times shift."""
        mean = x.mean(dim=1, keepdim=True)
        return x - mean * shift

    module = inspect.getmodule(centered)
    module.reads_its_source = reads_its_source
    try:
        result = audit(make(centered, mistakes=[], alternatives=[]), seeds=3)
    finally:
        del module.reads_its_source
    assert result.killed - result.crashed >= 5
    assert not any("source" in problem for problem in result.problems)


def test_mutants_of_a_reference_that_cannot_be_made_of_its_source_are_no_kills(make):
    def only_from_a_file(function):
        if function.__code__.co_filename.startswith("<"):
            raise OSError("no file")
        return function

    @only_from_a_file
    def centered(x, shift):
        """Subtract the mean of each row, times shift."""
        return x - x.mean(dim=1, keepdim=True) * shift

    module = inspect.getmodule(centered)
    module.only_from_a_file = only_from_a_file
    try:
        result = audit(make(centered, mistakes=[], alternatives=[]), seeds=2)
    finally:
        del module.only_from_a_file
    assert "the reference cannot be made of its own source" in said(result)
    assert "OSError: no file" in said(result)
    assert result.killed == 0


def test_mutants_of_a_reference_that_fails_when_it_is_made_of_its_source_are_no_kills(make):
    def right_from_a_file(function):
        if function.__code__.co_filename.startswith("<"):
            return lambda x, shift: x * 0
        return function

    @functools.partial(lambda decorate, function: decorate(function), right_from_a_file)
    def centered(x, shift):
        """Subtract the mean of each row, times shift."""
        return x - x.mean(dim=1, keepdim=True) * shift

    module = inspect.getmodule(centered)
    module.right_from_a_file, module.functools = right_from_a_file, functools
    try:
        result = audit(make(centered, mistakes=[], alternatives=[]), seeds=2)
    finally:
        del module.right_from_a_file
    assert "the reference fails when it is made of its own source" in said(result)
    assert result.killed == 0 and result.survivors == []


def test_an_answer_that_cannot_be_written_out_is_a_problem_and_not_a_crash(make):
    class Edited(Mistake):
        def __getattribute__(self, name):
            if name == "answer":
                return definition("def columns(:", "columns", {}, "an edit")
            return super().__getattribute__(name)

    edited = Edited("edited", None, "You edited.")
    result = audit(make(mistakes=[make().mistakes[0], edited]), seeds=2)
    assert "mistake edited cannot be written out: an edit: SyntaxError" in said(result)
    assert result.rejected == 1


def test_a_mutant_explained_is_listed_and_an_idle_reason_is_a_problem(make):
    @check("it has the right rows, up to the sign")
    def blind(case):
        seen, wanted = case.observed["result"], case.expected["result"]
        return finding(bool((abs(abs(seen) - abs(wanted)) < 1e-4).all()))

    turned = "return x - mean * shift => return -(x - mean * shift)"
    killed = "return x - mean * shift => return x + mean * shift"
    explained = dataclasses.replace(
        make(checks=[blind]),
        equivalent_mutants={turned: "because", killed: "no", "no such => change": "why"},
    )
    result = audit(explained, seeds=5)
    why = {survivor.mutant: survivor.equivalent for survivor in result.survivors}
    assert why[turned] == "because" and killed not in why
    assert "no such mutant to explain: no such => change" in said(result)
    assert f"mutant dies and needs no reason: {killed}" in said(result)


def test_a_mutant_that_never_ends_is_dead(make, monkeypatch):
    def counts(x, shift):
        """Count."""
        total = x.new_ones(())
        while total < shift:
            total = total + 1
        return x * total

    monkeypatch.setattr(killing, "_PATIENCE", 1)
    slow = make(counts)
    endless = "total = total + 1 => total = total - 1"
    assert endless in [m.change for m in mutants(slow)]
    result = audit(slow, seeds=1)
    assert result.killed > 0
    assert endless not in [survivor.mutant for survivor in result.survivors]


def test_an_interrupt_by_the_user_ends_the_audit(make):
    def interrupted(x, shift):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(make(alternatives=[Alternative("interrupted", interrupted)]), seeds=1)


def test_a_starter_that_scores_is_a_problem(make):
    def given(x, shift):
        """Give everything."""
        return torch.zeros_like(x)

    mistakes = [Mistake("given", given, "It is all zeros.")]
    repair = dataclasses.replace(make(mistakes=mistakes), kind=Kind.REPAIR, planted="given")
    assert "the starter is" not in said(audit(repair, seeds=1))


def trains(images, labels, seed):
    """Score images by how much they resemble the mean of each kind."""
    means = torch.stack([images[labels == kind].flatten(1).mean(0) for kind in range(2)])
    return lambda asked: -torch.cdist(asked.flatten(1), means + 1e-6 * seed)


def nearest(images, labels, seed):
    def predict(asked):
        distances = torch.cdist(asked.flatten(1), images.flatten(1) + 1e-6 * seed)
        return torch.stack([-distances[:, labels == kind].min(1).values for kind in range(2)], 1)

    return predict


def one_kind(images, labels, seed):
    return lambda asked: torch.stack([torch.ones(len(asked)), torch.zeros(len(asked))], dim=1)


def few_images(rng):
    labels, asked = rng.permutation(np.arange(20) % 2), rng.permutation(np.arange(80) % 2)
    light = 90 * np.concatenate([labels, asked])[:, None, None]
    images = (light + rng.integers(0, 60, (100, 3, 3))).astype(np.uint8)
    return {"images": images[:20], "labels": labels, "asked": images[20:], "truth": asked,
            "seeds": [1, 2], "counted": 0}  # fmt: skip


def test_what_trains_is_tried_on_few_draws_and_has_no_mutants(make):
    @check("it tells them apart")
    def right(case):
        shares = [
            (run["scores"].argmax(1) == case.inputs["truth"]).mean()
            for run in case.observed["result"]
        ]
        return finding(min(shares) > 0.9)

    exercise = make(
        trains,
        inputs=few_images,
        probe=probes.entry(),
        checks=[right],
        signature=lambda seen: bool(right(Case(seen["inputs"], seen, {})).passed),
        mistakes=[Mistake("one_kind", one_kind, "You always say the same.")],
        alternatives=[Alternative("nearest", nearest)],
    )
    assert hidden(exercise, 0).expected == [{"raised": None}] * 3
    result = audit(exercise, seeds=30)
    assert result.problems == []
    assert (result.mutants, result.seeds, result.rejected, result.diagnosed) == (0, 2, 1, 1)
    assert result.forgeries_rejected == result.forgeries > 0
