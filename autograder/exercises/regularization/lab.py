"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("regularization", number=8, title="Regularization")
