"""Checks on values: each looks at one property of a case and gives a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from autograder.judging.comparison import Tolerance, difference
from autograder.judging.samples import Sample, sample_of
from autograder.judging.verdict import Finding
from autograder.judging.wording import READABLE, brief, in_words, kind_of, shape
from autograder.probes.values import TUPLE

Observation = dict[str, Any]

MODE = ("training mode", "evaluation mode")
TRAINABLE = ("trainable", "frozen")
"""What is said for True and False of a module's mode, and of a parameter's `requires_grad`."""


@dataclass(frozen=True)
class Case:
    """One case of a judgement: plain inputs, what was observed and what the reference gave.

    ``alpha`` is the share of the false-alarm budget that one statistical look may spend.
    """

    inputs: dict[str, Any]
    observed: Observation
    expected: Observation
    alpha: float = 1e-6
    number: int = 0

    @cached_property
    def dtype(self) -> str:
        """The dtype of the case's float arrays."""
        return float_dtype(self.inputs)

    @cached_property
    def sample(self) -> Sample | None:
        """What a random answer drew, where that is one array of numbers."""
        return sample_of(self.observed.get("result"))

    @cached_property
    def where(self) -> str:
        """The inputs in a few words: the small ones whole."""
        settings = {**self.inputs, **self.inputs.get("construct", {})}
        settings |= self.inputs.get("settings", {})
        return ", ".join(
            f"{name} = {_input_brief(value)}"
            for name, value in settings.items()
            if name not in ("steps", "runs", "around", "as") and not isinstance(value, dict)
        )


@dataclass(frozen=True)
class Check:
    """A property and how to look at it. ``remark`` checks speak but cost no points.

    ``entries`` names what it looks at beside the numbers of an observation: ``("changed",)``.
    """

    property: str
    look: Callable[[Case], Finding]
    statistical: bool = False
    remark: bool = False
    entries: tuple[str, ...] = ()

    def __call__(self, case: Case) -> Finding:
        """Look at a case; the finding carries this check's property.

        Never raises: an observation may hold anything, and what a check cannot read has failed it.
        """
        try:
            with np.errstate(all="ignore"):
                found = self.look(case)
        except Exception:
            found = _of_another_form(case)
        if found.passed:
            # What a look says of what it saw is often what would have been wrong with it.
            observed = found.observed if found.margin is not None else ""
            return replace(found, property=self.property, observed=observed, gist="")
        return replace(found, property=self.property, where=found.where or case.where)


def _of_another_form(case: Case) -> Finding:
    if case.observed.get("raised"):
        return finding(False, seen=False)
    asked = "a result of the form that was asked for"
    if case.observed.get("result") is None:
        return finding(False, asked, "something else", "of another form")
    try:
        found = difference(case.observed["result"], case.expected.get("result"))
    except Exception:
        found = None
    if found is None:
        return finding(False, asked, brief(case.observed["result"]), "of another form")
    return finding(False, found.expected, found.observed, found.gist)


def finding(
    passed: bool, expected: str = "", observed: str = "", gist: str = "", **more: Any
) -> Finding:
    """A finding whose property is filled in by its check."""
    return Finding("", bool(passed), expected, observed, gist=gist, **more)


def check(property: str) -> Callable[[Callable[[Case], Finding]], Check]:
    """Make a check of a function from a case to a finding (for properties of one exercise)."""

    def decorate(look: Callable[[Case], Finding]) -> Check:
        return Check(property, look)

    return decorate


def matches_reference(
    property: str = "the result",
    of: str = "result",
    rtol: float | None = None,
    *,
    float32_constants: bool = False,
    words: tuple[str, str] | None = None,
) -> Check:
    """Compare what the path ``of`` finds in the observation with what the reference gives.

    A path goes through dicts, lists and stacked arrays by key and index (``"result.0"``), and from
    a ``module`` probe's steps by the name the script gave a step (``"eval output/result"`` is the
    ``result`` of the step called ``eval output``). ``rtol`` and ``float32_constants`` widen the
    tolerance as ``Tolerance`` says. ``words`` are what is said for True and False: ``MODE``.
    """

    def look(case: Case) -> Finding:
        expected = find(case.expected, of, case)
        observed = find(case.observed, of, case)
        if observed is MISSING:
            return _missing(case, of)
        found = difference(observed, expected, Tolerance(rtol, case.dtype, float32_constants))
        if found is None:
            return finding(True, brief(expected), brief(observed))
        if words:
            said = difference(in_words(observed, words), in_words(expected, words))
            found = said or found
        if observed is None and ".gradients." in of:
            return finding(False, brief(expected), "None", "no gradient reaches it")
        return _not_several(case, of) or finding(False, found.expected, found.observed, found.gist)

    return Check(property, look)


def _not_several(case: Case, path: str) -> Finding | None:
    """What is said where one array was given for several results and does not unpack into them."""
    whole = path.rpartition(".")[0]
    several, one = (find(seen, whole, case) for seen in (case.expected, case.observed))
    if not (isinstance(several, list) and isinstance(one, np.ndarray)):
        return None
    if one.ndim and [part.shape for part in one] == [np.shape(part) for part in several]:
        return None
    wanted = f"{len(several)} values"
    return finding(False, wanted, f"one of shape {shape(one)}", f"one array instead of {wanted}")


def _missing(case: Case, path: str) -> Finding:
    """What is said where a path leads nowhere: how far it leads, and what is there instead."""
    if case.observed.get("raised"):
        return finding(False, seen=False)
    while "." in path and find(case.observed, path, case) is MISSING:
        path = path.rpartition(".")[0]
    found = difference(find(case.observed, path, case), find(case.expected, path, case))
    if found is None or find(case.observed, path, case) is MISSING:
        return finding(False, "a result of the form that was asked for", "something else")
    return finding(False, found.expected, found.observed, found.gist)


def keeps_dtype(of: str = "result") -> Check:
    """Remark when the result's dtype is not that of the case's float inputs."""

    def look(case: Case) -> Finding:
        wanted = next(
            (v.dtype.name for v in _leaves(case.inputs) if v.dtype.kind == "f"),
            "float32",
        )
        got = {v.dtype.name for v in _leaves(find(case.observed, of, case)) if v.dtype.kind == "f"}
        return finding(got <= {wanted}, wanted, ", ".join(sorted(got)))

    return Check("the result has the dtype of the inputs", look, remark=True)


def leaves_inputs_alone(*, stated: bool = False) -> Check:
    """No argument is changed in place.

    Costs points where the statement asks for it (``stated``), and is remarked upon elsewhere. Looks
    at the call, or at every step of a script that calls.
    """

    def look(case: Case) -> Finding:
        seen = _changes(case.observed)
        if not seen:
            return finding(False, "unchanged arguments", "nothing of them", seen=False)
        changed = [change for change in seen if change]
        names = next((", ".join(map(str, c)) for c in changed if isinstance(c, list)), "x")
        gist = "an argument was changed in place"
        return finding(not changed, "unchanged arguments", f"{names} changed in place", gist)

    entries = ("changed",) if stated else ()
    return Check("the arguments are left as they were", look, remark=not stated, entries=entries)


def _changes(observed: Observation) -> list[Any]:
    """What the calls of an observation say of changed arguments; nothing where none says it."""
    places = [observed, *observed["steps"]] if "steps" in observed else [observed]
    return [place["changed"] for place in places if "changed" in place]


def keeps_the_graph(of: str = "carries_gradient") -> Check:
    """The result carries a gradient to the inputs, for what is built on the answer.

    Reads what the probe saw: ``probes.call(differentiable=True)``, or a call step of a script.
    """

    def look(case: Case) -> Finding:
        kept = find(case.observed, of, case)
        observed = "none" if kept is False else "a gradient" if kept is True else "nothing"
        gist = "outside of the graph: under `torch.no_grad()`, detached, or through numpy"
        return finding(kept is True, "a gradient reaches the inputs", observed, gist)

    return Check("the result stays in the graph", look, entries=("carries_gradient",))


def _seeds_nothing(case: Case) -> Finding:
    seeded = case.observed.get("generators") == "reseeded"
    gist = "a global random generator was seeded: what is drawn after it repeats"
    return finding(not seeded, "generators as they were", "a seeded one", gist)


SEEDS_NOTHING = Check("the random generators are not seeded", _seeds_nothing)
"""Part of every exercise that does not say ``seeds``; spoken of only where it fails."""


def _as_many(case: Case) -> Finding:
    wanted, got = (str(seen.get("type")) for seen in (case.expected, case.observed))
    several = wanted.startswith(TUPLE) and got.startswith(TUPLE)
    counts = [said.removeprefix(TUPLE) for said in (wanted, got)]
    gist = f"{counts[1]} results instead of {counts[0]}: who unpacks them cannot"
    return finding(not several or wanted == got, f"{counts[0]} results", counts[1], gist)


AS_MANY = Check("it gives as many results as asked for", _as_many)
"""Part of every exercise; spoken of only where it fails."""


def is_finite(property: str = "all results are finite", of: str = "result") -> Check:
    """Every number is finite."""

    def look(case: Case) -> Finding:
        leaves = _leaves(find(case.observed, of, case))
        bad = sum(int((~np.isfinite(leaf)).sum()) for leaf in leaves if leaf.dtype.kind == "f")
        total = sum(leaf.size for leaf in leaves)
        if not leaves:
            what = kind_of(case.observed.get("result"))
            return finding(False, "finite numbers", what, f"{what}, no numbers")
        gist = "nan or inf" if total == 1 else f"{bad} of {total} are nan or inf"
        return finding(bad == 0, "finite numbers", gist, gist)

    return Check(property, look)


MISSING = object()


def find(observation: Any, path: str, case: Case | None = None) -> Any:
    """Follow a path into an observation; ``MISSING`` where it leads nowhere.

    Keys that hold dots themselves ("first.weight") are found as they are.
    """
    step, slash, rest = path.partition("/")
    if slash:
        names = [s.get("as") for s in case.inputs["steps"]] if case else []
        index = names.index(step)
        steps = observation.get("steps", [])
        return find(steps[index], rest) if index < len(steps) else MISSING
    if isinstance(observation, np.ndarray) and observation.ndim > 0:
        observation = [np.asarray(item) for item in observation]  # an array unpacks like a tuple
    if isinstance(observation, list):
        key, _, rest = path.partition(".")
        if not key.isdigit() or int(key) >= len(observation):
            return MISSING
        return find(observation[int(key)], rest) if rest else observation[int(key)]
    if not isinstance(observation, dict):
        return MISSING
    if path in observation:
        return observation[path]
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        key = ".".join(parts[:cut])
        if key in observation:
            return find(observation[key], ".".join(parts[cut:]))
    return MISSING


def float_dtype(inputs: Any) -> str:
    """The dtype of the float arrays in plain inputs; "float64" where there are none."""
    return next((v.dtype.name for v in _arrays(inputs) if v.dtype.kind == "f"), "float64")


def _arrays(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, (list, dict)):
        items = value.values() if isinstance(value, dict) else value
        return [array for item in items for array in _arrays(item)]
    return []


def _leaves(value: Any) -> list[np.ndarray]:
    return [np.asarray(value)] if isinstance(value, float) else _arrays(value)


def _input_brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim and not 0 < value.size <= READABLE:
        return f"array {shape(value)}"
    return brief(value)
