"""Signals whose entries are dropped, and how one reads off an answer which of them were."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autograder.judging.checks import Case, Check, finding, keeps_the_graph
from autograder.judging.exercise import Draw, Inputs
from autograder.judging.likeness import Alike
from autograder.judging.statistics import Formula, coins_are_independent, share_is
from autograder.judging.statistics.chance import count_score
from autograder.judging.verdict import Finding

DROPOUTS = (
    "torch.nn",
    "torch.dropout",
    "torch.dropout_",
    "torch.native_dropout",
    "torch.feature_dropout",
    "torch.ops",
)


def seldom(rng: np.random.Generator) -> float:
    """A small p: of uniform numbers nearly all are above it, of normal ones less than half."""
    return float(rng.uniform(0.1, 0.16))


def at_times(rng: np.random.Generator) -> float:
    """A p at which x, (1 − p) x and p x are far apart."""
    return float(rng.uniform(0.28, 0.36))


def often(rng: np.random.Generator) -> float:
    """A large p, at which 1/(1 − p) rounds down to something else than 1."""
    return float(rng.uniform(0.62, 0.72))


def entries(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of both signs, none of them near 0, whose mean is not 0.

    Out of a thousand values: how many different ones a few calls show does not depend on who
    shares a coin with whom.
    """
    size = rng.choice(np.linspace(0.5, 1.7, 600), size=shape) * float(rng.uniform(0.8, 1.6))
    return size * rng.choice([-1.0, 1.0], size=shape, p=[0.1, 0.9])


def everywhere_alike(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """The same number at every place: answers that share a coin then repeat themselves."""
    return np.full(shape, float(rng.uniform(1.2, 2.4)) * float(rng.choice([-1.0, 1.0])))


def table(p: Callable[[np.random.Generator], float]) -> Draw:
    """A table with a p of this kind."""
    return lambda rng: {
        "x": entries(rng, int(rng.integers(41, 47)), int(rng.integers(58, 67))),
        "p": p(rng),
    }


def three_axes(p: Callable[[np.random.Generator], float]) -> Draw:
    """Three axes, along each of which coins may be shared, with a p of this kind."""

    def draw(rng: np.random.Generator) -> Inputs:
        shape = int(rng.integers(43, 49)), int(rng.integers(5, 7)), int(rng.integers(8, 10))
        return {"x": entries(rng, *shape), "p": p(rng)}

    return draw


def table_of_one_number(p: Callable[[np.random.Generator], float]) -> Draw:
    """A table of the same number everywhere, with a p of this kind."""

    def draw(rng: np.random.Generator) -> Inputs:
        shape = int(rng.integers(41, 47)), int(rng.integers(58, 67))
        return {"x": everywhere_alike(rng, *shape), "p": p(rng)}

    return draw


def evaluated(draw: Draw) -> Draw:
    """The same inputs when training is over."""

    def draw_evaluated(rng: np.random.Generator) -> Inputs:
        return {**draw(rng), "training": False}

    return draw_evaluated


def is_training(inputs: Inputs) -> bool:
    """Whether a case asks for training, as all do that do not say otherwise."""
    return bool(inputs.get("training", True))


def has_the_shape_of_x(case: Case) -> bool:
    """Whether every draw is one tensor of the shape of x."""
    draws = case.observed.get("result")
    return isinstance(draws, np.ndarray) and draws.shape[1:] == case.inputs["x"].shape


def is_zero(case: Case) -> Any:
    """Which entries of all draws are 0.

    Raises: ValueError for draws of another form, of which nobody can say which entries are dropped.
    """
    if not has_the_shape_of_x(case):
        raise ValueError("draws of another form than x")
    return case.observed["result"] == 0


def stays_in_the_graph(formed: Callable[[Case], bool] = has_the_shape_of_x) -> Check:
    """``keeps_the_graph``, said of results of the right form only: a mask carries no gradient."""
    kept = keeps_the_graph()

    def look(case: Case) -> Finding:
        return kept.look(case) if formed(case) else finding(False, seen=False)

    return replace(kept, look=look)


def each_by_itself(property: str, *, of: Callable[[Case], Any]) -> Check:
    """``coins_are_independent``, of what drops entries of both signs.

    Where all entries of a sign are 0 in every draw, no coin has decided that.
    """
    thrown = coins_are_independent(property, of=of)

    def look(case: Case) -> Finding:
        x, events = case.inputs["x"], is_zero(case)
        for name, which in (("negative", x < 0), ("positive", x > 0)):
            if which.any() and not which.all() and events[:, which].all() and not events.all():
                gist = f"{name} entries are always 0, and no coin decides that"
                return finding(False, "independent coins", gist, gist, margin=math.inf)
        return thrown.look(case)

    return replace(thrown, look=look)


def share_of_coins(
    formula: Formula, property: str, *, of: Callable[[Case], Any], thrown: Check
) -> Check:
    """``share_is``, of coins that were thrown by themselves.

    Where entries share a coin, or one decides the next, their share scatters more than the binomial
    distribution says, and being off tells nothing of its probability.
    """
    counted = share_is(formula, property, of=of)

    def look(case: Case) -> Finding:
        independent = thrown.look(case)
        if independent.passed:
            return counted.look(case)
        gist = "not to be counted: the coins are not independent"
        return finding(False, "coins of their own", gist, gist, margin=independent.margin)

    return replace(counted, look=look)


def survivors_are(kept: Any, evaluation: Any) -> Check:
    """Every entry is 0 or what a kept one is; in evaluation all are what the other formula gives.

    Both formulas take x and p.
    """

    def look(case: Case) -> Finding:
        draws, inputs = case.observed.get("result"), case.inputs
        x, p = np.asarray(inputs["x"], dtype=np.float64), inputs["p"]
        if not has_the_shape_of_x(case):
            return finding(False, f"one tensor of shape {x.shape}", *another_form(draws))
        training = is_training(inputs)
        wanted = kept(x, p) if training else evaluation(x, p)
        tolerance = (1e-4 if case.dtype == "float32" else 1e-6) * (1 + np.abs(wanted))
        right = np.abs(draws - wanted) <= tolerance
        if training:
            right |= draws == 0
        if right.all():
            return finding(True)
        factor = float((wanted / x).flat[0])
        return finding(
            False,
            f"0 or x · {factor:.4g}" if training else f"x · {factor:.4g} everywhere",
            _in_words(np.asarray(draws), x),
            "entries that are neither 0 nor as large as asked" if training else "another output",
        )

    return Check("every entry is 0, or x in the right size", look)


def another_form(draws: Any) -> tuple[str, str]:
    """What draws are that have not the form of x: as observed, and the gist of it."""
    if isinstance(draws, list) and draws and all(draw is None for draw in draws):
        return ("None", "None: is a `return` missing?")
    if isinstance(draws, list) and draws and isinstance(draws[0], list):
        several = f"{len(draws[0])} values instead of one tensor"
        return (several, several)
    return ("another shape", "another shape")


def _in_words(draws: np.ndarray, x: np.ndarray) -> str:
    """What an answer makes of the entries that it keeps."""
    if not np.isfinite(draws).all():
        return "nan or inf"
    ratios = (draws / x)[draws != 0]
    if not ratios.size:
        return "0 everywhere"
    if np.ptp(ratios) > 1e-3 * np.abs(ratios).max():
        return f"x times factors from {ratios.min():.3g} to {ratios.max():.3g}"
    zeros = "0 or " if (draws == 0).any() else ""
    return f"{zeros}x · {ratios[0]:.4g}"


def dropped_with_p(p: float, training: bool = True, **_: Any) -> float:
    """The share of entries to be dropped."""
    return p if training else 0.0


def computed_or_drawn(observation: dict[str, Any]) -> Alike:
    """What was computed; of an answer that draws where nothing is random, only that it does."""
    if observation.get("generators") == "untouched":
        return Alike(observation["result"])
    return Alike("drawn at random")


ONE_FOR_ALL = ("one coin for all",)


def what_coins_do(
    events: np.ndarray, shares: Mapping[str, float], few: int = 400
) -> tuple[Any, ...]:
    """Along which axes coins are shared, and which of some probabilities they may have.

    Fewer coins than ``few`` do not tell their probability, and where one decides over all of a call, nothing else.
    """
    axes = range(events.ndim)
    alike = tuple(bool((events == events.take([0], axis)).all()) for axis in axes)
    if events.any() and all(alike[1:]):
        return ONE_FOR_ALL
    coins = events[tuple(slice(0, 1) if same else slice(None) for same in alike)]
    count = int(coins.sum())
    likely = tuple(
        name
        for name, share in shares.items()
        if coins.size < few or abs(count_score(count, coins.size, share, 1e-7)) <= 1
    )
    return alike, likely


def told_apart_by(
    candidates: Callable[[Inputs], Mapping[str, np.ndarray]],
    drawn: Callable[[np.ndarray, Inputs], np.ndarray],
    shares: Callable[[Inputs], Mapping[str, float]],
    few: int = 400,
) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A signature for what throws coins: what the entries are, who shares a coin, and how it falls.

    ``candidates`` gives what entries may be, by name; ``drawn`` which entries of all draws an event
    has hit; ``shares`` the probabilities that the event may have, by name, which ``few`` coins do
    not tell.
    """

    def signature(observation: dict[str, Any]) -> tuple[Any, ...]:
        draws, inputs = observation["result"], observation["inputs"]
        if not isinstance(draws, np.ndarray) or draws.shape[1:] != inputs["x"].shape:
            return another_form(draws)
        hit = drawn(draws, inputs)
        hit &= hit.mean() > 0.01  # fewer are there by coincidence
        coins = what_coins_do(hit, shares(inputs), few)
        if coins == ONE_FOR_ALL:
            return coins  # which of two sizes a few calls have had is chance
        step = max(1, draws.size // 20_000)  # of many examples some will do
        near = {
            name: np.abs(draws[:, ::step] - value[::step]) <= 1e-4 * (1 + np.abs(value[::step]))
            for name, value in candidates(inputs).items()
        }
        among = tuple(name for name, which in near.items() if which.mean() > 0.02)
        explained = bool(np.logical_or.reduce(list(near.values())).mean() > 0.99)
        return among, explained, coins

    return signature


def sizes_of(inputs: Inputs) -> dict[str, np.ndarray]:
    """What the entries of a dropout may be, right and wrong."""
    x, p = np.asarray(inputs["x"], dtype=np.float64), inputs["p"]
    factors = {"0": 0, "1": 1, "p": p, "1 - p": 1 - p, "1 / p": 1 / p, "1 / (1 - p)": 1 / (1 - p)}
    return {name: factor * x for name, factor in factors.items()}


def p_or_the_rest(inputs: Inputs) -> dict[str, float]:
    """With which probabilities an entry may be dropped, right and wrong."""
    return {"p": inputs["p"], "1 - p": 1 - inputs["p"]}
