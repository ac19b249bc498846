"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("schedules", number=7, title="Learning-rate schedules")
