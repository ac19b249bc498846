"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("search", number=10, title="Hyperparameter search")
