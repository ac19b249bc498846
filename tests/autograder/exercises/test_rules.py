"""The rules every exercise keeps, each proved by running it."""

import functools

import pytest

from autograder.auditing.audit import MAX_CPU_SECONDS, MIN_KILLED, MIN_MARGIN, audit
from autograder.exercises import labs
from autograder.judging import Kind

EXERCISES = [exercise for lab in labs() for exercise in lab.exercises.values()]
CHECKED = [exercise for exercise in EXERCISES if exercise.automatic]
PREDICTIONS = [exercise for exercise in EXERCISES if exercise.kind is Kind.PREDICTION]


@functools.cache
def audited(exercise_id):
    exercise = next(e for e in EXERCISES if e.id == exercise_id)
    return audit(exercise, seeds=20)


@pytest.fixture(
    params=[
        # One process audits an exercise once for all of its rules.
        pytest.param(exercise, id=exercise.id, marks=pytest.mark.xdist_group(exercise.id))
        for exercise in CHECKED
    ]
)
def proof(request):
    return audited(request.param.id)


def test_the_reference_and_every_alternative_pass_on_fresh_seeds(proof):
    assert proof.reference_ok, proof.problems
    assert proof.alternatives >= 1
    assert proof.alternatives_ok == proof.alternatives, proof.problems
    assert proof.flakes == 0


def test_every_mistake_fails_and_is_named(proof):
    assert proof.mistakes >= 1
    assert proof.rejected == proof.mistakes, proof.problems
    assert proof.diagnosed == proof.mistakes, proof.problems
    assert proof.margin is None or proof.margin >= MIN_MARGIN


def test_the_untouched_starter_is_not_attempted(proof):
    assert proof.starter_ok, proof.problems


def test_a_forged_observation_scores_nothing(proof):
    assert proof.forgeries >= 10
    assert proof.forgeries_rejected == proof.forgeries, proof.problems


def test_a_local_check_is_quick(proof):
    assert proof.cpu_seconds <= MAX_CPU_SECONDS


def test_mutants_of_the_blanked_lines_die(proof):
    assert proof.killed >= MIN_KILLED * proof.mutants, proof.problems
    assert all(survivor["equivalent"] for survivor in proof.survivors), proof.problems


@pytest.mark.parametrize("exercise", PREDICTIONS, ids=lambda exercise: exercise.id)
def test_a_prediction_has_an_outcome_of_the_kind_it_asks_for(exercise):
    outcome = exercise.outcome()
    if exercise.choices:
        assert outcome in exercise.choices
    else:
        assert isinstance(outcome, float)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_every_exercise_speaks_to_the_student(exercise):
    assert exercise.title and exercise.statement
    assert all(mistake.diagnosis for mistake in exercise.mistakes)
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes)
    assert set(exercise.needs) <= {e.id for e in EXERCISES[: EXERCISES.index(exercise)]}
