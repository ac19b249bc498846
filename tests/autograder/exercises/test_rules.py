"""The rules every exercise keeps that need no audit; ``course audit`` proves the others."""

import pytest

from autograder.exercises import labs
from autograder.judging import Kind

EXERCISES = [exercise for lab in labs() for exercise in lab.exercises.values()]
PREDICTIONS = [exercise for exercise in EXERCISES if exercise.kind is Kind.PREDICTION]


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
