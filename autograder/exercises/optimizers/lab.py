"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("optimizers", number=6, title="Optimizers")
