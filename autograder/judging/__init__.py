"""Judging: what an exercise is, what a verdict is, and how the one leads to the other."""

from autograder.judging.exercise import (
    Alternative,
    Exercise,
    Kind,
    Mistake,
    Part,
)
from autograder.judging.judge import Hidden, cases, hidden, judge, observe
from autograder.judging.lab import Lab
from autograder.judging.source.edits import edit
from autograder.judging.verdict import Finding, Reason, Verdict

__all__ = [
    "Alternative",
    "Exercise",
    "Finding",
    "Hidden",
    "Kind",
    "Lab",
    "Mistake",
    "Part",
    "Reason",
    "Verdict",
    "cases",
    "edit",
    "hidden",
    "judge",
    "observe",
]
