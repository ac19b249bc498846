"""Checks on random answers: distributions and identities, never golden arrays.

Each looks at all draws of a case. The judge shares a false-alarm budget of 1e-6 per grading among
the statistical looks of an exercise; a finding's ``margin`` is the distance from its threshold in
thresholds, so that the audit can demand that every mistake lies beyond twice. Any order in which a
right answer draws its numbers is right.

What a check looks at is a *reading* (``of=``): all there is, one of several outputs ("0"), or what
a function reads off a case, such as which entries were dropped.
"""

from autograder.judging.statistics.agreement import compatible_with, move_together
from autograder.judging.statistics.distributions import (
    follows,
    is_log_uniform_on,
    is_normal,
    is_uniform,
    is_uniform_on,
    mean_is,
    shape_is,
    std_is,
)
from autograder.judging.statistics.draws import NONE_OF_THEM, Formula, Reading, outcome
from autograder.judging.statistics.entries import entries_are_independent
from autograder.judging.statistics.independence import are_independent, coins_are_independent
from autograder.judging.statistics.portraits import same_distribution, same_portrait
from autograder.judging.statistics.proportions import is_equally_often, is_one_of, share_is

__all__ = [
    "NONE_OF_THEM",
    "Formula",
    "Reading",
    "are_independent",
    "coins_are_independent",
    "compatible_with",
    "entries_are_independent",
    "follows",
    "is_equally_often",
    "is_log_uniform_on",
    "is_normal",
    "is_one_of",
    "is_uniform",
    "is_uniform_on",
    "mean_is",
    "move_together",
    "outcome",
    "same_distribution",
    "same_portrait",
    "shape_is",
    "share_is",
    "std_is",
]
