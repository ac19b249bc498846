"""What a probe is: registered where it is written, asked for by its name across the wall."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from autograder.probes.generators import Generators

Inputs = dict[str, Any]
Observation = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
Look = Callable[Concatenate[Any, Inputs, Generators, P], Observation]

USUAL_SECONDS, MOST_SECONDS = 0.3, 1.0
TRAINING_SECONDS = 15.0
"""What a local check may cost that trains at full size, for which a student knowingly waits."""


class Form(Enum):
    """How what a probe saw of two answers is compared."""

    NUMBERS = "numbers"
    PORTRAIT = "portrait"
    """As draws of one distribution."""


@dataclass(frozen=True)
class Observer:
    """A registered probe.

    ``substance`` names the entry of its observations that two answers are compared by, ``form``
    how. ``by_steps`` says that what came before an exception is observed, and counts.
    ``cpu_seconds`` is what a local check by it may cost. One that ``trains`` does so at full size.
    ``rehearsal`` sees the same of trusted answers, and costs less; it is ``look`` itself where
    there is nothing cheaper. Answers are looked at ``apart`` where what a student's other cells do
    must have no part in it: in a process in which nothing but their definitions has run.
    """

    look: Callable[..., Observation]
    rehearsal: Callable[..., Observation]
    signature: inspect.Signature
    form: Form
    substance: Literal["result", "steps"]
    by_steps: bool
    cpu_seconds: float
    trains: bool
    apart: bool

    @property
    def patience(self) -> int:
        """How many times longer than others it may take before it is ended."""
        return 4 if self.trains else 1

    def __call__(
        self,
        answer: Any,
        inputs: Inputs,
        generators: Generators,
        parameters: dict[str, Any],
        *,
        rehearsed: bool = False,
    ) -> Observation:
        """Look at an answer with parameters that came as plain data."""
        given = inspect.BoundArguments(self.signature, OrderedDict(parameters))
        look = self.rehearsal if rehearsed else self.look
        return look(answer, inputs, generators, *given.args, **given.kwargs)


PROBES: dict[str, Observer] = {}
"""Every probe by its name."""


@dataclass(frozen=True)
class Probe:
    """A probe as an exercise asks for it: a registered name with its JSON parameters."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def observer(self) -> Observer:
        """What was registered under the name."""
        return PROBES[self.name]


def probe(
    *,
    form: Form = Form.NUMBERS,
    substance: Literal["result", "steps"] = "result",
    by_steps: bool = False,
    cpu_seconds: float = USUAL_SECONDS,
    trains: bool = False,
    apart: bool = False,
    rehearsed: Callable[..., Probe] | None = None,
) -> Callable[[Look[P]], Callable[P, Probe]]:
    """Register a function as the probe of its name; what is left under the name asks for it.

    The function takes an answer, a case's inputs, the random generators, and then its parameters,
    plain data: ``draws(answer, inputs, generators, count)`` is asked for by ``draws(count=8)``. One
    that ``trains`` at full size may cost ``TRAINING_SECONDS``. ``rehearsed`` names a probe of the
    same parameters that sees the same of answers that can be trusted: references and mistakes are
    looked at by that one. ``apart``: as ``Observer`` says.

    Raises: ValueError for a name that is taken, or more seconds than a check may ever cost.
    """
    if trains:
        cpu_seconds = TRAINING_SECONDS
    elif not 0 < cpu_seconds <= MOST_SECONDS:
        raise ValueError(
            f"a probe may cost {cpu_seconds:g} CPU seconds; at most {MOST_SECONDS:g} are allowed, "
            "for a student waits for them"
        )

    def register(look: Look[P]) -> Callable[P, Probe]:
        name = look.__name__
        if name in PROBES:
            raise ValueError(f"there are two probes called {name!r}; rename one")
        parameters = list(inspect.signature(look).parameters.values())[3:]
        signature = inspect.Signature(parameters)
        rehearsal = PROBES[rehearsed.__name__].look if rehearsed else look
        PROBES[name] = Observer(
            look, rehearsal, signature, form, substance, by_steps, cpu_seconds, trains, apart
        )

        @functools.wraps(look)
        def ask(*args: P.args, **kwargs: P.kwargs) -> Probe:
            asked = signature.bind(*args, **kwargs)
            asked.apply_defaults()
            plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asked.arguments.items()}
            return Probe(name, plain)

        ask.__signature__ = signature.replace(return_annotation=Probe)  # type: ignore[attr-defined]
        return ask

    return register


class UnknownKind(ValueError):
    """Inputs that ask for something that there is not: a fault of their author, no answer's."""


def known(what: str, kind: str, table: dict[str, T]) -> T:
    """What a table has under a kind.

    Raises: UnknownKind that names a kind that it has not, and those it has.
    """
    if kind not in table:
        raise UnknownKind(f"inputs ask for the {what} {kind!r}; there are {', '.join(table)}")
    return table[kind]
