"""Batch normalization led through training and evaluation, and what is looked at on the way."""

from dataclasses import replace

import numpy as np

from autograder.exercises.normalization.drawing import draw_eps, draw_weight, spread_out
from autograder.judging import Part
from autograder.judging.checks import check, find, finding, leaves_inputs_alone, matches_reference
from autograder.judging.comparison import Tolerance, difference

BUFFERS = ["running_mean", "running_var"]


def draw_trajectory(rng, batches, draw):
    """Batches in training, the fourth without gradients, evaluation, then gradients in both modes.

    ``batches`` are five, which get different spreads here, and ``draw(n)`` gives n examples.
    """
    spreads = [*rng.permutation([0.4, 1.0, 2.5, 5.0]), 1.0]
    batches = [spread_out(x, spread) for x, spread in zip(batches, spreads, strict=True)]
    features, rows = batches[0].shape[1], len(batches[-1])

    def call(name, x, **how):
        return {"do": "call", "as": name, "x": x, **how}

    def state(name):
        return {"do": "state", "as": name, "names": BUFFERS}

    def backward(name, x):
        return {"do": "backward", "as": name, "grad_output": rng.normal(size=x.shape)}

    parameters = {"weight": draw_weight(rng, features), "bias": rng.normal(size=features)}
    evaluated = draw(rows)
    return {
        "construct": {
            "num_features": features,
            "eps": draw_eps(rng),
            "momentum": float(rng.uniform(0.15, 0.4)),
        },
        "steps": [
            state("at the start"),
            {"do": "set", "as": "parameters", "values": parameters},
            {"do": "train"},
            call("first batch", batches[0]),
            state("after one batch"),
            call("second batch", batches[1]),
            call("third batch", batches[2]),
            state("after three batches"),
            call("batch without gradients", batches[3], grad=False),
            state("after training"),
            {"do": "eval"},
            call("one example", draw(1), grad=False),
            call("two examples", draw(2)),
            state("after evaluation"),
            {"do": "train"},
            call("last batch", batches[4]),
            backward("gradients", batches[4]),
            {"do": "eval"},
            call("evaluation with gradients", evaluated),
            backward("gradients in evaluation", evaluated),
        ],
    }


def evaluates_with_its_buffers(step):
    """Evaluation judged by the module's own buffers, so that their faults are paid for once."""

    @check(f"evaluation uses the running statistics ({step})")
    def look(case):
        scripted = {s.get("as"): s for s in case.inputs["steps"]}
        x, values = scripted[step]["x"], scripted["parameters"]["values"]
        mean, variance = (
            np.asarray(find(case.observed, f"after training/{name}.value", case), float)
            for name in BUFFERS
        )
        per_channel = (-1, *(1,) * (x.ndim - 2))
        mean, variance, weight, bias = (
            v.reshape(per_channel) for v in (mean, variance, values["weight"], values["bias"])
        )
        squared = variance + case.inputs["construct"]["eps"]
        if not (np.isfinite(mean).all() and (squared > 0).all()):
            return finding(
                False,
                "finite statistics and positive variances",
                "others",
                "the stored statistics are not finite, or a variance is not positive",
            )
        wanted = weight * (x - mean) / np.sqrt(squared) + bias
        found = difference(
            find(case.observed, f"{step}/result", case), wanted, Tolerance(dtype=case.dtype)
        )
        if found is None:
            return finding(True)
        return finding(False, found.expected, found.observed, found.gist)

    return look


@check("evaluation leaves the running statistics alone")
def buffers_rest_in_evaluation(case):
    for name in BUFFERS:
        before = find(case.observed, f"after training/{name}.value", case)
        after = find(case.observed, f"after evaluation/{name}.value", case)
        if difference(after, before) is not None:
            return finding(False, f"{name} unchanged", f"{name} changed", f"{name} was changed")
    return finding(True)


@check("gradients flow in evaluation too")
def gradients_in_evaluation(case):
    """That they flow is enough: their values hang on the buffers, which have been judged.

    Buffers in the graph of training, paid for elsewhere, may leave nothing to go back through.
    """
    kept = (find(case.observed, f"after three batches/{b}.requires_grad", case) for b in BUFFERS)
    if any(in_graph is True for in_graph in kept):
        return finding(True)
    gradient = find(case.observed, "gradients in evaluation/x", case)
    return finding(
        isinstance(gradient, np.ndarray) and gradient.any(),
        "a gradient of the input",
        "none",
        "no gradient reaches the input",
    )


def out_of_the_graph(name):
    """A buffer that remembers how it was computed keeps every batch in memory."""
    return matches_reference(
        f"{name} is not part of the gradient's graph",
        of=f"after three batches/{name}.requires_grad",
    )


def saved(name):
    """A buffer that `state_dict` does not have is missing from every saved model."""
    of = f"after training/{name}.persistent"
    return replace(
        matches_reference(f"{name} is saved with the model", of=of), entries=("persistent",)
    )


def trajectory_parts(training, statistics, evaluation, gradients):
    """The parts of a batch normalization module: what it is worth to train, to keep, to evaluate."""
    calls = ("first batch", "second batch", "third batch", "batch without gradients")
    moments = ("at the start", "after one batch", "after three batches", "after training")
    return [
        Part(
            "training output",
            training,
            (
                *(matches_reference(f"the {c}", of=f"{c}/result") for c in calls),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "running statistics",
            statistics,
            tuple(
                matches_reference(f"{name} {moment}", of=f"{moment}/{name}.value")
                for moment in moments
                for name in BUFFERS
            )
            + tuple(look(name) for look in (out_of_the_graph, saved) for name in BUFFERS),
        ),
        Part(
            "evaluation",
            evaluation,
            (
                evaluates_with_its_buffers("one example"),
                evaluates_with_its_buffers("two examples"),
                buffers_rest_in_evaluation,
            ),
        ),
        Part(
            "gradients",
            gradients,
            (
                matches_reference("the gradient of the input", of="gradients/x"),
                matches_reference("the gradients of weight and bias", of="gradients/parameters"),
                gradients_in_evaluation,
            ),
        ),
    ]
