import math

import pytest

from autograder.judging import Lab
from autograder.judging.predictions import predicted, told, wanted

lab = Lab("small", number=1, title="Small")
number = lab.prediction("number", title="", statement="")
choice = lab.prediction("choice", title="", statement="", choices=("up", "down", "neither"))


@pytest.mark.parametrize("said", ["B", "b", " b) ", "B.", "down"])
def test_a_choice_is_made_by_its_letter_or_its_words(said):
    assert predicted(choice, said) == "down"


@pytest.mark.parametrize("said", ["D", "sideways", "", ["up"], None, 1, True])
def test_what_is_no_choice_is_no_prediction(said):
    assert predicted(choice, said) is None


def test_a_number_is_a_finite_number():
    assert predicted(number, 0.5) == 0.5 and predicted(number, -3) == -3
    for value in (None, True, "0.5", math.nan, math.inf, 10**400, [1]):
        assert predicted(number, value) is None


def test_people_read_letters_and_words():
    assert wanted(choice) == '"A", "B" or "C"' and wanted(number) == "a number"
    assert told(choice, "down") == "B · down" and told(number, 0.0123456) == "0.0123"
