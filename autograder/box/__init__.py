"""The box: a confined process tree in which students' code runs, and from which nothing gets out
but messages."""

from autograder.box.inside.limits import Limits
from autograder.box.outside import NoBox, View
from autograder.box.warm import Box, BoxedKernel

__all__ = ["Box", "BoxedKernel", "Limits", "NoBox", "View"]
