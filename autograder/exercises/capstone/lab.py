"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("capstone", number=14, title="Capstone: a better run for the same budget")
