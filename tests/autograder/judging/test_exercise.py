"""Exercises take in their mistakes and alternatives after they are stated."""

import pytest
import torch

from autograder import probes
from autograder.judging import Lab, edit, hidden, judge, observe
from autograder.judging.checks import matches_reference
from autograder.judging.source.edits import EditError
from course_lib import normalization, optimizers


def ask(reference=normalization.batch_norm, **fields):
    return Lab("small", number=1, title="Small").exercise(
        reference,
        title="Normalize",
        statement="Normalize.",
        points=1,
        inputs=lambda rng: {
            "x": rng.normal(size=(5, 3)) + 2,
            "weight": rng.normal(size=3),
            "bias": rng.normal(size=3),
        },
        probe=probes.call(),
        checks=[matches_reference()],
        **fields,
    )


def test_mistakes_stand_in_the_order_of_the_file_under_the_names_of_their_functions():
    batch_norm = ask()

    @batch_norm.mistake("You divide by N − 1.", origin="4 of 120 students")
    def unbiased(x, weight, bias, *, eps=1e-5):
        return weight * (x - x.mean(0)) / torch.sqrt(x.var(0) + eps) + bias

    batch_norm.mistake("no_shift", edit("normalized + bias", "normalized"), "You never add β.")

    @batch_norm.mistake("You take no tensor.", raises="TypeError")
    def takes_nothing():
        return 0

    first, second, third = batch_norm.mistakes
    assert [first.name, second.name, third.name] == ["unbiased", "no_shift", "takes_nothing"]
    assert (first.diagnosis, first.origin) == ("You divide by N − 1.", "4 of 120 students")
    assert first.answer is unbiased and third.raises == "TypeError"
    x = torch.randn(5, 3)
    ones, zeros = torch.ones(3), torch.zeros(3)
    assert torch.equal(second.answer(x, ones, zeros + 7), normalization.batch_norm(x, ones, zeros))
    on = hidden(batch_norm, 0)
    for mistake in batch_norm.mistakes:
        seen = observe(batch_norm, mistake.answer, on.drawn, 1)
        assert judge(batch_norm, on, seen).diagnosis == mistake.name


def test_a_class_is_named_in_lower_case_and_returned_as_it_was():
    momentum = ask(optimizers.Momentum)

    class KeepsOneVelocity(optimizers.Momentum):
        pass

    assert momentum.mistake("One for all.")(KeepsOneVelocity) is KeepsOneVelocity
    assert momentum.mistakes[0].name == "keeps_one_velocity"
    assert momentum.mistakes[0].answer is KeepsOneVelocity


def test_two_of_one_name_are_refused():
    batch_norm = ask()
    same = edit("normalized + bias", "normalized")
    batch_norm.mistake("no_shift", same, "You never add β.")
    with pytest.raises(ValueError, match="two mistakes called 'no_shift'"):
        batch_norm.mistake("no_shift", same, "You never add β.")
    batch_norm.alternative(normalization.batch_norm)
    with pytest.raises(ValueError, match="two alternatives called 'batch_norm'"):
        batch_norm.alternative(normalization.batch_norm)


def test_an_edit_is_made_when_it_is_first_asked_for():
    batch_norm = ask()
    batch_norm.mistake("no_such_text", edit("missing", "text"), "Never told.")
    with pytest.raises(EditError, match="small/batch_norm, no_such_text: 'missing' must"):
        _ = batch_norm.mistakes[0].answer


def test_exercises_are_told_apart_though_they_are_stated_alike():
    assert ask() != ask()


def test_a_repair_of_a_mistake_that_is_not_there_is_refused():
    mend = Lab("small", number=1, title="Small").repair(
        normalization.batch_norm,
        planted="unbiased",
        title="Mend",
        statement="Mend.",
        inputs=lambda rng: {},
        probe=probes.call(),
    )
    with pytest.raises(ValueError, match="plants 'unbiased', which is no mistake of it"):
        _ = mend.planted_mistake
