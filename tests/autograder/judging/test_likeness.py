import numpy as np

from autograder.judging.likeness import Alike

VALUES = np.array([1.0, -2.5, 1e-3])


def test_values_are_alike_up_to_the_rounding_of_the_coarser_one():
    assert Alike(VALUES, "word") == Alike(VALUES * (1 + 1e-12), "word")
    assert Alike(VALUES) == Alike(VALUES.astype(np.float32))
    assert Alike(VALUES) != Alike(VALUES * 1.01)
    assert Alike(VALUES) != Alike(VALUES * (1 + 1e-5))


def test_other_words_other_forms_and_other_things_are_not_alike():
    assert Alike(VALUES, "word") != Alike(VALUES, "other")
    assert Alike(VALUES) != Alike(VALUES, VALUES)
    assert Alike(VALUES) != "word"
