"""The lab that the exercises of this package join."""

from autograder.judging import Lab

lab = Lab("initialization", number=4, title="Initialization")
