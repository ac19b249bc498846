"""An L2 penalty: what it adds to the loss, and what it must not touch."""

import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _penalized(rng):
    classes, hidden, features = 3, int(rng.integers(4, 7)), int(rng.integers(7, 10))
    return {
        "losses": rng.uniform(0.1, 3, int(rng.integers(11, 16))),
        "parameters": {
            "first.weight": rng.normal(size=(hidden, features)),
            "first.bias": 2 + rng.normal(size=hidden),
            "last.weight": rng.normal(size=(classes, hidden)),
            "last.bias": 3 * rng.normal(size=classes),
        },
        "weight_decay": float(rng.uniform(0.2, 0.9)),
    }


def without_the_half(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay * sum((w**2).sum() for w in weights)


def no_penalty(losses, parameters, weight_decay):
    return losses.mean()


def biases_too(losses, parameters, weight_decay):
    return losses.mean() + weight_decay / 2 * sum((p**2).sum() for p in parameters.values())


def biases_too_without_the_half(losses, parameters, weight_decay):
    return losses.mean() + weight_decay * sum((p**2).sum() for p in parameters.values())


def divided_by_the_batch(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    return (losses.sum() + penalty) / len(losses)


def loss_summed(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.sum() + weight_decay / 2 * sum((w**2).sum() for w in weights)


def penalty_for_each_example(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    return losses.mean() + len(losses) * penalty


def norm_not_squared(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum(w.norm() for w in weights)


def absolute_values(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum(w.abs().sum() for w in weights)


def matrix_product(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum((w.T @ w).sum() for w in weights)


def mean_of_squares(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum((w**2).mean() for w in weights)


def last_layer_only(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * (weights[-1] ** 2).sum()


def penalty_subtracted(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() - weight_decay / 2 * sum((w**2).sum() for w in weights)


def by_dimensions(losses, parameters, weight_decay):
    penalty = 0
    for parameter in parameters.values():
        if parameter.dim() > 1:
            penalty = penalty + 0.5 * weight_decay * torch.sum(parameter * parameter)
    return torch.mean(losses) + penalty


def by_norms(losses, parameters, weight_decay):
    norms = [p.norm() ** 2 for name, p in parameters.items() if "bias" not in name]
    return losses.sum() / len(losses) + 0.5 * weight_decay * torch.stack(norms).sum()


lab.exercise(
    training_loop.regularized_loss,
    title="A penalty, and what it must not touch",
    statement="""Add an L2 penalty to the mean loss of a batch:
$L = \\frac1N\\sum_i \\ell_i + \\frac\\lambda2 \\sum_W \\sum_{jk} W_{jk}^2$, with λ = `weight_decay`,
over the parameters whose name ends in `"weight"`. Three things to get right: the **½** (so that the
gradient is λW), biases go **free**, and the penalty is **not** divided by the batch size.

The sanity check that goes with it: switching the penalty on must raise the loss by exactly the
penalty. A numeric gradient check cannot see a wrong factor, loss and gradient being wrong alike.""",
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("1.4", "1.8"),
    inputs=_penalized,
    probe=probes.call(),
    checks=[matches_reference("the loss with its penalty"), leaves_inputs_alone()],
    mistakes=[
        Mistake(
            "without_the_half",
            without_the_half,
            "The factor ½ is missing. Then the gradient is 2λW, twice what `weight_decay` means in "
            "torch and here. Only another convention, but mixing the two doubles λ unnoticed.",
            origin="77 of 128 students",
        ),
        Mistake(
            "no_penalty",
            no_penalty,
            "You return the loss of the data alone. The penalty (λ/2) Σ W² is missing.",
            origin="9 of 117 students",
        ),
        Mistake(
            "divided_by_the_batch",
            divided_by_the_batch,
            "You divide the penalty by the batch size along with the losses. Then it fades as "
            "batches grow; the weights are the same whatever the batch. Divide the losses alone.",
            origin="2 of 117 students",
        ),
        Mistake(
            "biases_too",
            biases_too,
            "You penalize the biases too. They do not make a function steep, only shift it; with "
            "all weights 0 the penalty must be 0. Take the parameters whose name ends in `weight`.",
            origin="1 of 117 students",
        ),
        Mistake(
            "matrix_product",
            matrix_product,
            "WᵀW is a matrix product: its sum mixes different columns. Asked for is the sum of the "
            "squares of the entries, `(W ** 2).sum()`.",
            origin="1 of 117 students",
        ),
        Mistake(
            "biases_too_without_the_half",
            biases_too_without_the_half,
            "You penalize the biases too, and the factor ½ is missing.",
        ),
        Mistake(
            "loss_summed",
            loss_summed,
            "You sum the losses of the examples. Their mean is asked for; the penalty is added once.",
        ),
        Mistake(
            "penalty_for_each_example",
            penalty_for_each_example,
            "You count the penalty once for every example. It belongs to the weights: once a batch.",
        ),
        Mistake(
            "norm_not_squared",
            norm_not_squared,
            "You add norms, roots of sums of squares. The penalty is the sum of squares itself.",
        ),
        Mistake(
            "absolute_values",
            absolute_values,
            "You add absolute values: that is an L1 penalty. Asked for are squares.",
        ),
        Mistake(
            "mean_of_squares",
            mean_of_squares,
            "You average the squares of each weight matrix. They are summed: otherwise large layers "
            "would hardly be penalized.",
        ),
        Mistake(
            "last_layer_only",
            last_layer_only,
            "Only the last layer is penalized in yours. Sum over all weights.",
        ),
        Mistake("penalty_subtracted", penalty_subtracted, "A penalty is added, not subtracted."),
    ],
    alternatives=[
        Alternative("by_dimensions", by_dimensions),
        Alternative("by_norms", by_norms),
    ],
    hints=(
        '`parameters.items()` gives names and tensors; `name.endswith("weight")` tells weights.',
        "Mean of the losses first; then add λ/2 times the sum of all squares.",
    ),
)
