"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("transfer", number=11, title="Ensembles, weight averaging, transfer")
