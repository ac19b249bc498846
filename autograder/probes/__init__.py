"""Probes: what calls an answer on inputs and observes it. Data across the wall, never closures.

A probe is written and registered in one of these modules, ``probes.draws(count=8)`` asks for it.
"""

from autograder.probes.backpropagation import differentiated, gradients
from autograder.probes.calls import call, draws, epochs, read
from autograder.probes.entries import entry
from autograder.probes.launches import interpreted, launched
from autograder.probes.places import devices
from autograder.probes.registry import Form, Probe
from autograder.probes.scripts import module
from autograder.probes.sequences import each, histories
from autograder.probes.training import checkpoint, stopping, supplied
from autograder.probes.trajectory import descent, optimizer
from autograder.probes.workers import forked, ranks

__all__ = [
    "Form",
    "Probe",
    "call",
    "checkpoint",
    "descent",
    "devices",
    "differentiated",
    "draws",
    "each",
    "entry",
    "epochs",
    "forked",
    "gradients",
    "histories",
    "interpreted",
    "launched",
    "module",
    "optimizer",
    "ranks",
    "read",
    "stopping",
    "supplied",
]
