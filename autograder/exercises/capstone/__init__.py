"""The capstone: a better training for the same budget, and how one knows that it is better."""

from autograder.exercises.capstone.lab import lab

lab.gather(__name__, "costing", "measuring", "choosing", "training", "questions", "pairing")
