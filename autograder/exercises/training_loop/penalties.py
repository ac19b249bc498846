"""An L2 penalty: what it adds to the loss, and what it must not touch."""

import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _penalized(rng):
    classes, hidden, features = 3, int(rng.integers(4, 7)), int(rng.integers(7, 10))
    return {
        "losses": rng.normal(1, 2, int(rng.integers(11, 16))),
        "parameters": {
            "first.weight": rng.normal(size=(hidden, features)),
            "first.bias": 2 + rng.normal(size=hidden),
            "norm.weight": rng.uniform(0.5, 2, hidden),
            "norm.bias": 1 + rng.normal(size=hidden),
            "weighting.bias": 2 + rng.normal(size=features),
            "temperature": rng.uniform(2, 4, 1),
            "last.bias": 3 * rng.normal(size=classes),
            "last.weight": rng.normal(size=(classes, hidden)),
        },
        "weight_decay": float(rng.uniform(0.2, 0.9)),
    }


regularized_loss = lab.exercise(
    training_loop.regularized_loss,
    title="A penalty, and what it must not touch",
    statement="""Add an L2 penalty to the mean loss of a batch:
$L = \\frac1N\\sum_i \\ell_i + \\frac\\lambda2 \\sum_W \\sum_{jk} W_{jk}^2$, with λ = `weight_decay`,
over the parameters whose name ends in `"weight"`, as a tensor that gradients flow through. Three things to get right: the **½** (so that the
gradient is λW), everything else (biases above all) goes **free**, and the penalty is **not** divided by the batch
size.

The sanity check that goes with it: switching the penalty on must raise the loss by exactly the
penalty. A numeric gradient check cannot see a wrong factor, loss and gradient being wrong alike.""",
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("1.4", "1.8"),
    inputs=_penalized,
    probe=probes.gradients("losses"),
    checks=[
        matches_reference("the loss with its penalty", of="result.value"),
        matches_reference("gradients flow through it", of="result.gradients.losses"),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={"right only for positive parameters": "their signs are squared away"},
    hints=(
        '`parameters.items()` gives names and tensors; `name.endswith("weight")` tells weights.',
        "Mean of the losses first; then add λ/2 times the sum of all squares.",
    ),
)


@regularized_loss.mistake(
    "The factor ½ is missing. Then the gradient is 2λW, twice what `weight_decay` means in torch "
    "and here. Only another convention, but mixing the two doubles λ unnoticed.",
    origin="77 of 128 students",
)
def without_the_half(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay * sum((w**2).sum() for w in weights)


@regularized_loss.mistake(
    "You return the loss of the data alone. The penalty (λ/2) Σ W² is missing.",
    origin="9 of 117 students",
)
def no_penalty(losses, parameters, weight_decay):
    return losses.mean()


@regularized_loss.mistake(
    "You divide the penalty by the batch size along with the losses. Then it fades as batches "
    "grow; the weights are the same whatever the batch. Divide the losses alone.",
    origin="2 of 117 students",
)
def divided_by_the_batch(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    return (losses.sum() + penalty) / len(losses)


@regularized_loss.mistake(
    "You divide by N plus the penalty: `loss /= N + penalty` takes the whole right side for the "
    "divisor. Divide first and add then, `loss / N + penalty`.",
    origin="1 of 117 students",
)
def divided_by_n_plus_penalty(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    loss = losses.sum()
    loss /= len(losses) + weight_decay / 2 * sum((w**2).sum() for w in weights)
    return loss


@regularized_loss.mistake(
    "You penalize the biases too. They do not make a function steep, only shift it; with all "
    "weights 0 the penalty must be 0. Take the parameters whose name ends in `weight`.",
    origin="1 of 117 students",
)
def biases_too(losses, parameters, weight_decay):
    return losses.mean() + weight_decay / 2 * sum((p**2).sum() for p in parameters.values())


@regularized_loss.mistake(
    "WᵀW is a matrix product: its sum mixes different columns. Asked for is the sum of the "
    "squares of the entries, `(W ** 2).sum()`.",
    origin="1 of 117 students",
)
def matrix_product(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum(
        (torch.atleast_2d(w).T @ torch.atleast_2d(w)).sum() for w in weights
    )


@regularized_loss.mistake("You penalize the biases too, and the factor ½ is missing.")
def biases_too_without_the_half(losses, parameters, weight_decay):
    return losses.mean() + weight_decay * sum((p**2).sum() for p in parameters.values())


@regularized_loss.mistake(
    "You sum the losses of the examples. Their mean is asked for; the penalty is added once."
)
def loss_summed(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.sum() + weight_decay / 2 * sum((w**2).sum() for w in weights)


@regularized_loss.mistake(
    "You count the penalty once for every example. It belongs to the weights: once a batch."
)
def penalty_for_each_example(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    penalty = weight_decay / 2 * sum((w**2).sum() for w in weights)
    return losses.mean() + len(losses) * penalty


@regularized_loss.mistake(
    "You add norms, roots of sums of squares. The penalty is the sum of squares itself."
)
def norm_not_squared(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum(w.norm() for w in weights)


@regularized_loss.mistake("You add absolute values: that is an L1 penalty. Asked for are squares.")
def absolute_values(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum(w.abs().sum() for w in weights)


@regularized_loss.mistake(
    "You average the squares of each weight matrix. They are summed: otherwise large layers would "
    "hardly be penalized."
)
def mean_of_squares(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum((w**2).mean() for w in weights)


@regularized_loss.mistake("Only the last layer is penalized in yours. Sum over all weights.")
def last_layer_only(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * (weights[-1] ** 2).sum()


@regularized_loss.mistake(
    "You take the tensors with two axes for the weights. The weight of a normalization has one, "
    "and is penalized here too: go by the name, which ends in `weight`."
)
def matrices_only(losses, parameters, weight_decay):
    matrices = [p for p in parameters.values() if p.ndim > 1]
    return losses.mean() + weight_decay / 2 * sum((w**2).sum() for w in matrices)


@regularized_loss.mistake(
    "You penalize whatever has `weight` somewhere in its name: a `weighting.bias` too. The name "
    'has to end in it: `name.endswith("weight")`.'
)
def weight_anywhere_in_the_name(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if "weight" in name]
    return losses.mean() + weight_decay / 2 * sum((w**2).sum() for w in weights)


@regularized_loss.mistake(
    "You penalize everything that is no bias. A network may have parameters that are neither "
    "(here a `temperature`): only names that end in `weight` count."
)
def all_but_biases(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if not name.endswith("bias")]
    return losses.mean() + weight_decay / 2 * sum((w**2).sum() for w in weights)


@regularized_loss.mistake(
    "You add up the entries first and square then, so that positive and negative ones cancel. "
    "Square first: `(W ** 2).sum()`."
)
def squares_of_sums(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum(w.sum() ** 2 for w in weights)


@regularized_loss.mistake(
    "You return one value for each example. L is a number: the mean of the losses, plus the "
    "penalty once."
)
def one_value_for_each_example(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses + weight_decay / 2 * sum((w**2).sum() for w in weights)


@regularized_loss.mistake(
    "The value is right, but no gradient flows back from it, and nothing would learn: no "
    "`torch.no_grad()`, no `.item()`, no `.detach()` on the way to a loss."
)
@torch.no_grad()
def without_a_gradient(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() + weight_decay / 2 * sum((w**2).sum() for w in weights)


@regularized_loss.mistake("A penalty is added, not subtracted.")
def penalty_subtracted(losses, parameters, weight_decay):
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    return losses.mean() - weight_decay / 2 * sum((w**2).sum() for w in weights)


@regularized_loss.alternative
def in_a_loop(losses, parameters, weight_decay):
    penalty = 0
    for name, parameter in parameters.items():
        if name.split(".")[-1] == "weight":
            penalty = penalty + 0.5 * weight_decay * torch.sum(parameter * parameter)
    return torch.mean(losses) + penalty


@regularized_loss.alternative
def by_norms(losses, parameters, weight_decay):
    norms = [p.norm() ** 2 for name, p in parameters.items() if name[-6:] == "weight"]
    return losses.sum() / len(losses) + 0.5 * weight_decay * torch.stack(norms).sum()
