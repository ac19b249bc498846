"""What an entry is held to: the trainings that are asked of it, and what is looked at in them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autograder.judging.checks import Case, Check, finding, leaves_inputs_alone
from autograder.judging.verdict import Finding
from course_lib import baseline, data

# The course's own entry gains 7.6 ± 0.5 as a check measures it: the last step is five times that
# scatter below, so that luck does not decide.
GAINS = (2.0, 3.5, 5.0)
"""Points above the baseline that are worth something; the last is worth everything."""

KINDS = (0, 1, 8, 9)  # T-shirt, trouser, bag, ankle boot: told apart within a few steps
LEARNED = 0.6
_FEW, _ASKED = 257, 1_500


@functools.cache
def _held_out() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("held_out.npz")) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _bytes(images: torch.Tensor) -> np.ndarray:
    return (images * 255).round().to(torch.uint8).numpy()


def few(rng):
    """Few images of four kinds under other labels; the second seed is the first one again."""
    split, held_out = data.fashion_mnist(), _held_out()
    names = rng.permutation(10)[: len(KINDS)]
    chosen = rng.permutation(np.flatnonzero(np.isin(split.y_train, KINDS)))[:_FEW]
    asked = rng.permutation(np.flatnonzero(np.isin(held_out["labels"], KINDS)))[:96]

    def renamed(labels):
        return names[np.searchsorted(KINDS, labels)].astype(np.int64)

    first, other = (int(seed) for seed in rng.permutation(1000)[:2])
    return {
        "images": _bytes(split.x_train[chosen]),
        "labels": renamed(split.y_train[chosen].numpy()),
        "asked": held_out["images"][asked],
        "truth": renamed(held_out["labels"][asked]),
        "seeds": [first, first, other],
        "counted": 0,
    }


def full(rng):
    """The training of the course, asked for images that nobody has seen, with three seeds.

    The classes have other numbers than in the data sets, so labels from elsewhere do harm.
    """
    split, held_out = data.fashion_mnist(baseline.IMAGES), _held_out()
    asked = rng.permutation(len(held_out["labels"]))[:_ASKED]
    names = rng.permutation(10)
    return {
        "images": _bytes(split.x_train),
        "labels": names[split.y_train.numpy()],
        "asked": held_out["images"][asked],
        "truth": names[held_out["labels"][asked]],
        "seeds": [int(seed) for seed in 1000 + rng.permutation(1000)[:3]],
        "counted": int(rng.integers(3)),
        "to_beat": float(held_out["right"][asked].mean() / 10),
    }


def _runs(case: Case) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = case.observed["result"]
    return runs


def _scores(run: dict[str, Any], case: Case) -> np.ndarray:
    """The scores of a run for all images that were asked; anything else raises, and has failed."""
    scores = np.asarray(run["scores"], dtype=np.float64)
    if scores.shape != (len(case.inputs["truth"]), 10):
        raise ValueError
    return scores


def _accuracy(run: dict[str, Any], case: Case) -> float:
    scores = _scores(run, case)
    right = scores.argmax(axis=1) == case.inputs["truth"]
    return float((right & np.isfinite(scores).all(axis=1)).mean())


def _is_full(case: Case) -> bool:
    return "to_beat" in case.inputs


def _form(case: Case) -> Finding:
    wanted = (len(case.inputs["truth"]), 10)
    for run in _runs(case):
        scores = run["scores"]
        if not isinstance(scores, np.ndarray):
            gist = "`predict(images)` gives no tensor"
            return finding(False, f"scores of shape {wanted}", "something else", gist)
        if scores.shape != wanted:
            gist = "a row for each image, a column for each class"
            return finding(False, f"shape {wanted}", f"shape {scores.shape}", gist)
    return finding(True)


def _learns(case: Case) -> Finding:
    if _is_full(case):
        return finding(True)
    shares = [_accuracy(run, case) for run in _runs(case)]
    gist = (
        "with 257 images of four kinds, under labels that are not the usual ones, it learns next to "
        "nothing: is it trained on the images and labels that it is given?"
    )
    observed = f"{min(shares):.0%}"
    return finding(min(shares) >= LEARNED, f"at least {LEARNED:.0%} right", observed, gist)


def _is_upside_down(case: Case) -> Finding:
    shares = [_accuracy({"scores": -_scores(run, case)}, case) for run in _runs(case)]
    return finding(not _is_full(case) and min(shares) >= LEARNED)


def _repeats(case: Case) -> Finding:
    if _is_full(case):
        return finding(True)
    one, again = (_scores(run, case) for run in _runs(case)[:2])
    gist = "the same seed gave two networks: `torch.manual_seed(seed)` before anything is drawn"
    return finding(np.array_equal(one, again), "equal scores", "other scores", gist)


def _varies(case: Case) -> Finding:
    if _is_full(case):
        return finding(True)
    one, _, other = (_scores(run, case) for run in _runs(case))
    gist = "two seeds gave one network: the seed that is given has no part in it"
    return finding(not np.array_equal(one, other), "other scores", "equal scores", gist)


def _stands_alone(case: Case) -> Finding:
    for run in _runs(case):
        alone = np.concatenate([np.asarray(one, dtype=np.float64) for one in run["alone"]])
        together = _scores(run, case)[: len(alone)]
        if not np.allclose(alone, together, rtol=1e-3, atol=1e-3):
            gist = (
                "an image's scores depend on its company: `network.eval()` is missing, or the images "
                "that are asked have a part in the statistics"
            )
            return finding(False, "the same scores", "other ones", gist)
    return finding(True)


def _is_calm(case: Case) -> Finding:
    for run in _runs(case):
        once, again = (np.asarray(scores, dtype=np.float64) for scores in run["twice"])
        if not np.allclose(once, again, rtol=1e-3, atol=1e-3):
            gist = "asked twice, it gives two answers: something random is still switched on"
            return finding(False, "the same scores", "other ones", gist)
    return finding(True)


def _spent(case: Case) -> float:
    return sum(run.get("flops", 0.0) for run in _runs(case)) / len(case.inputs["images"])


def _keeps_to_the_budget(case: Case) -> Finding:
    spent = _spent(case)
    gist = f"{spent / baseline.BUDGET:.3g} times the budget"
    if spent == 0:
        gist = (
            "no convolution and no matrix product was seen: what trains, where nothing is counted?"
        )
    wanted = f"at most {baseline.BUDGET / 1e6:g} million FLOPs for each image"
    return finding(0 < spent <= baseline.BUDGET, wanted, f"{spent / 1e6:.3g} million", gist)


def _only_scores(case: Case) -> Finding:
    trains = any(run["trains_when_asked"] is not False for run in _runs(case))
    gist = "`predict` backpropagates: training belongs into `train`, where it is counted"
    return finding(not trains, "a `predict` that only scores", "one that trains", gist)


def _gain(case: Case) -> float:
    shares = [_accuracy(run, case) for run in _runs(case)]
    return 100 * (float(np.mean(shares)) - case.inputs["to_beat"])


def gains(least: float) -> Check:
    def look(case: Case) -> Finding:
        if not _is_full(case):
            return finding(True)
        gained = _gain(case)
        said = f"{gained:+.1f} points"
        return finding(gained >= least, f"at least {least:+g} points", said, said, measured=gained)

    return Check(f"{least:g} points better than the baseline", look)


FORM = Check("scores of ten classes", _form)
LEARNS = Check("it learns what it is shown", _learns)
BUDGET = Check("it keeps to the budget", _keeps_to_the_budget)
_COUNTED = Check("something is counted", lambda case: finding(_spent(case) > 0))
_UPSIDE_DOWN = Check("the lowest score is the right one", _is_upside_down)
ONLY_SCORES = Check("nothing is trained when scores are asked for", _only_scores)
PROCESS = (
    Check("the same seed gives the same network", _repeats),
    Check("another seed gives another network", _varies),
    Check("an image is scored for itself", _stands_alone),
    Check("asked twice, it says the same", _is_calm),
    BUDGET,
    leaves_inputs_alone(stated=True),
)


def outcome(observation: dict[str, Any]) -> tuple[bool, ...]:
    """What is seen of an entry, check by check."""
    case = Case(observation["inputs"], observation, {})
    checks = (_COUNTED, _UPSIDE_DOWN, FORM, LEARNS, *PROCESS, ONLY_SCORES, *map(gains, GAINS))
    return tuple(check(case).passed for check in checks)
