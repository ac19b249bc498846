"""The lab that the exercises of this package join, and by what its random answers are told apart."""

from autograder.judging import Lab
from autograder.judging.checks import Case, Check, finding
from autograder.judging.statistics import compatible_with

lab = Lab("augmentation", number=9, title="Data augmentation")


def told_by(*hypotheses):
    """A signature: the hypotheses that what was drawn is compatible with."""
    held = compatible_with(*hypotheses)
    return lambda seen: held(Case(seen["inputs"], seen, {}))


def holds(property, condition):
    """A hypothesis that chance has no part in."""
    return Check(property, lambda case: finding(bool(condition(case))))
