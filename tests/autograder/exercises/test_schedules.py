"""Wrong answers to the schedules lab that some draws once let earn points."""

import pytest

from autograder.exercises import find_exercise
from tests.support.verdicts import verdict_on


@pytest.mark.parametrize("name", ["counts_all_bad_ones", "ignores_the_threshold"])
def test_a_plateau_is_told_from_every_drawn_history(name):
    exercise = find_exercise("schedules/ReduceOnPlateau")
    answer = next(m.answer for m in exercise.mistakes if m.name == name)
    scores = [verdict_on(exercise, answer, seed).score for seed in range(40)]
    assert max(scores) == 0
