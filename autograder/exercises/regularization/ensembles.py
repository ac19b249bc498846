"""Averages over subnetworks: of probabilities, and of logarithms."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import regularization


def _ensemble(rng):
    count, classes = int(rng.integers(6, 9)), int(rng.integers(3, 5))
    return {
        "logits": 2 * rng.normal(size=(count, classes)),
        "probabilities": rng.dirichlet(np.full(count, 1.5)),
    }


ensemble_averages = lab.exercise(
    regularization.ensemble_averages,
    title="Two averages of one ensemble",
    statement=r"""Dropout trains an ensemble of $2^n$ subnetworks that share one set of weights. `logits` (M, C) has
the scores of M of them for one example, `probabilities` (M,) how probable their masks are. Average their
*predictions* in two ways and return both, each (C,):

1. arithmetic: $\sum_m P(m)\,\mathrm{softmax}(s_m)$;
2. geometric: $\prod_m \mathrm{softmax}(s_m)^{P(m)}$, divided by its sum over the classes.

The second one turns out to be a single softmax. (Which is why the scaled pass, exact for nothing else behind a
softmax, is exactly *that* average for softmax regression.)""",
    parts=[
        Part(
            "the arithmetic mean",
            1,
            (matches_reference("the arithmetic mean", of="result.0"), leaves_inputs_alone()),
        ),
        Part(
            "the geometric mean",
            2,
            (matches_reference("the geometric mean", of="result.1"), keeps_dtype()),
        ),
    ],
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("8.7", "8.9"),
    hide=("Formula",),
    inputs=_ensemble,
    probe=probes.call(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "an ensemble predicts, nobody trains through it",
        "right only for positive probabilities": "probabilities are positive",
    },
    hints=(
        "The logarithm of the product is Σ P(m) (s_m − log Σ exp s_m); what is the same for all classes drops "
        "out.",
        "`torch.softmax(probabilities @ logits, dim=0)`.",
    ),
)

ensemble_averages.mistake(
    "logits_averaged_for_both",
    edit(
        "probabilities @ torch.softmax(logits, dim=1)",
        "torch.softmax(probabilities @ logits, dim=0)",
    ),
    "Both of yours average the logits. The arithmetic mean takes the softmax of every subnetwork first.",
)
ensemble_averages.mistake(
    "probabilities_averaged_for_both",
    edit(
        "torch.softmax(probabilities @ logits, dim=0)",
        "probabilities @ torch.softmax(logits, dim=1)",
    ),
    "Both of yours average probabilities. The geometric mean averages logarithms.",
)
ensemble_averages.mistake(
    "exchanged",
    edit("return arithmetic, geometric", "return geometric, arithmetic"),
    "The two are exchanged: first the arithmetic mean.",
)
ensemble_averages.mistake(
    "not_normalized",
    edit(
        "torch.softmax(probabilities @ logits, dim=0)",
        "torch.exp(probabilities @ torch.log_softmax(logits, dim=1))",
    ),
    "Your geometric mean does not sum to 1: divide it by its sum over the classes.",
)
ensemble_averages.mistake(
    "logarithms_left",
    edit(
        "torch.softmax(probabilities @ logits, dim=0)",
        "probabilities @ torch.log_softmax(logits, dim=1)",
    ),
    "You return mean logarithms. Take the exponential, and normalize.",
)
ensemble_averages.mistake(
    "all_masks_alike",
    edit(
        "probabilities @ torch.softmax(logits, dim=1)", "torch.softmax(logits, dim=1).mean(dim=0)"
    ).also(
        "torch.softmax(probabilities @ logits, dim=0)", "torch.softmax(logits.mean(dim=0), dim=0)"
    ),
    "All subnetworks count alike in yours. Weight them by the probabilities of their masks.",
)
ensemble_averages.mistake(
    "softmax_over_subnetworks",
    edit("torch.softmax(logits, dim=1)", "torch.softmax(logits, dim=0)"),
    "Your softmax runs over the subnetworks. Classes lie along axis 1.",
)
ensemble_averages.mistake(
    "scores_returned",
    edit("probabilities @ torch.softmax(logits, dim=1)", "probabilities @ logits"),
    "Your first result are mean scores, not probabilities.",
)


@ensemble_averages.alternative
def by_products(logits, probabilities):
    p = torch.softmax(logits, 1)
    arithmetic = (probabilities[:, None] * p).sum(0)
    product = (p ** probabilities[:, None]).prod(0)
    return arithmetic, product / product.sum()
