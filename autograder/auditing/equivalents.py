"""Mutants that no student should be judged by, decided by their kind.

Each rule says what it decides and why that is no difference. None looks at an exercise's name: what
is true of one exercise alone stands in its ``equivalent_mutants``.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from autograder.auditing.draws import Draw
from autograder.auditing.mutants import Mutant
from autograder.judging import Exercise
from autograder.probes.state import known_state
from autograder.probes.values import to_torch

IS_A_GRADIENT = (
    "what it gives is itself a gradient, and nobody asks for its derivative: gradients of "
    "gradients are no part of the course's backward passes"
)
CARRIES_NONE = (
    "no result of the reference depends on its arguments by autograd either: they are counts, "
    "decisions or plain numbers"
)
BROADCASTS = (
    "an axis of length 1 is broadcast away: what is returned has the right shape and numbers, and "
    "nobody sees what was between"
)
NEVER_NEGATIVE = (
    "a variance or a standard deviation is never negative, so that nobody can lose its sign"
)
REMARKED = (
    "the student is told of it in a remark, and the statement does not forbid it; where it does, "
    "`leaves_inputs_alone(stated=True)` costs points"
)
CONTIGUOUS = (
    "tensors are handed over as torch makes them, contiguous: `view` is right for them, and torch "
    "itself speaks of other strides"
)
BELOW_CHANCE = (
    "a random answer is judged by its distribution, and nobody can read the fourth digit of a "
    "scale from a few thousand draws"
)
_SPREADS = ("running_var", "variance", "std")
_CUTS_OFF = ("no_grad", "detached")
_OF_GRADIENTS = ("grad_output", "output_gradient", "gradient", "gradients")
_BACKWARD = ("_backward", "_gradient", "_gradients")


def reason(exercise: Exercise, mutant: Mutant, draw: Draw, *, always: bool, remarked: bool) -> str:
    """Why a living mutant makes no difference by its kind; empty where no rule says so.

    ``always`` says that it lives on every seed: for what dies on some there is a difference, unless
    it is chance that decides; ``remarked`` that every verdict on it carried a remark.
    """
    random = any(check.statistical for check in exercise.checks)
    if mutant.operator == "lower precision" and random:
        return BELOW_CHANCE
    if not always:
        return ""
    if mutant.operator == "argument changed" and remarked:
        return REMARKED
    if mutant.operator == "contiguous only":
        return CONTIGUOUS
    if mutant.operator in _CUTS_OFF:
        if _is_backward(exercise):
            return IS_A_GRADIENT
        if not _carries_gradients(exercise, draw):
            return CARRIES_NONE
    if mutant.operator == "keepdim":
        return BROADCASTS
    if mutant.operator == "positive only" and mutant.change.endswith(_SPREADS):
        return NEVER_NEGATIVE
    return ""


def _is_backward(exercise: Exercise) -> bool:
    """Whether what students write is a function that is handed gradients or named for one."""
    reference = exercise.reference
    if not inspect.isfunction(reference):
        return False
    given = inspect.signature(reference).parameters
    return reference.__name__.endswith(_BACKWARD) or any(name in given for name in _OF_GRADIENTS)


def _carries_gradients(exercise: Exercise, draw: Draw) -> bool:
    """Whether a result of the reference depends by autograd on arguments that require a gradient.

    True also where that cannot be found out by calling it.
    """
    reference = exercise.reference
    is_module = isinstance(reference, type) and issubclass(reference, torch.nn.Module)
    given = [tensor for inputs in draw.on.drawn for tensor in _tensors(to_torch(inputs))]
    if not is_module and not any(tensor.is_floating_point() for tensor in given):
        return False
    if not inspect.isfunction(reference):
        return True
    for inputs in draw.on.drawn:
        try:
            with known_state(draw.seed):
                leaves = {name: _requiring(to_torch(value)) for name, value in inputs.items()}
                if any(t.requires_grad for t in _tensors(reference(**leaves))):
                    return True
        except Exception:
            return True
    return False


def _requiring(value: Any) -> Any:
    for tensor in _tensors(value):
        if tensor.is_floating_point():
            tensor.requires_grad_()
    return value


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple, dict)):
        items = value.values() if isinstance(value, dict) else value
        return [tensor for item in items for tensor in _tensors(item)]
    return []
