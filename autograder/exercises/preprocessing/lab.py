"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("preprocessing", number=3, title="Preprocessing")
