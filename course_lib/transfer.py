"""Many networks for one, many weights for one, and weights from elsewhere.

Every technique once: averages of what networks predict, averages of weights along a training, and
the reuse of a network that was trained on something else. A *trunk* is all of a network but its
last layer, which is its *head*.
"""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import nn


def average_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Predict with an ensemble: average what its members think probable.

    Formula:    p_nc = (1/M) Σ_m softmax(s_m)_nc.
    Shapes:     logits (M, N, C), one table of scores for each of M members -> (N, C).
    Convention: the mean is that of probabilities. The softmax of the mean scores is another
                ensemble, the normalized *geometric* mean.
    Raises:     ValueError unless logits are (M, N, C) with M >= 1.
    Source:     Dietterich 2000; Lakshminarayanan et al. 2017.
    """
    if logits.ndim != 3 or not len(logits):
        raise ValueError(f"logits: got shape {tuple(logits.shape)}, allowed is (M, N, C), M >= 1")

    return torch.softmax(logits, dim=2).mean(dim=0)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, count: int) -> None:
    """Take the weights of a model into a running mean of `count` models, in place.

    Formula:    w̄ ← (n w̄ + w) / (n + 1), with n = `count`.
    Shapes:     two models of one architecture; `average` is changed, `model` is not.
    Convention: *parameters* are averaged; *buffers* are copied from the model, for some are counts
                (`num_batches_tracked`), and the statistics of batch normalization belong to other
                weights anyway: `recompute_statistics` afterwards. With n = 0 the average becomes
                the model.
    Raises:     ValueError for a negative count and for two architectures.
    Source:     Izmailov et al. 2018, Algorithm 1 (SWA); over all steps Polyak & Juditsky 1992.
    """
    if count < 0:
        raise ValueError(f"count: got {count}, allowed is count >= 0")
    shapes = [{name: p.shape for name, p in m.state_dict().items()} for m in (average, model)]
    if shapes[0] != shapes[1]:
        raise ValueError("average and model: got two architectures, allowed is one")

    for mean, new in zip(average.parameters(), model.parameters(), strict=True):
        mean.copy_((count * mean + new) / (count + 1))
    for kept, buffer in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(buffer)


@torch.no_grad()
def recompute_statistics(model: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Give the batch normalizations of a model statistics of these batches, and of nothing else.

    Formula:    running mean = (1/B) Σ_b μ_b, running variance = (1/B) Σ_b s²_b over B batches,
                with the unbiased s², each layer seeing what the layers before it make of the batch.
    Shapes:     batches of inputs of the model; the model's buffers are changed.
    Convention: every batch counts the same, as in `torch.optim.swa_utils.update_bn`. A layer whose
                momentum is None averages evenly. Momenta, and the model's mode, are as before.
    Source:     Izmailov et al. 2018, Section 3.2.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    was_training = model.training

    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    model.train()
    for x in batches:
        model(x)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


class WeightEMA:
    """An exponential moving average of weights that does not remember its start at zero.

    Formula:    a_t = d a_{t−1} + (1 − d) w_t with a_0 = 0; the average is a_t / (1 − d^t).
    Shapes:     states are dicts from names to tensors, as `state_dict()` gives them.
    Convention: d is the weight of the *old* average, its half-life ln 2 / (1 − d) updates. What is
                no floating-point number (`num_batches_tracked`) is taken as it is. torch's
                `get_ema_multi_avg_fn` starts at the first weights instead, which count d^{t−1}.
    Raises:     ValueError for a decay outside [0, 1).
    Source:     Polyak & Juditsky 1992 (uniform); Kingma & Ba 2015, Section 7.2 (with correction).
    """

    def __init__(self, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay: got {decay}, allowed is 0 <= decay < 1")
        self.decay = decay
        self.steps = 0
        self.average: dict[str, torch.Tensor] = {}

    def update(self, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Take in the weights after one more step; give their average so far."""
        self.steps += 1
        corrected = {}
        for name, w in state.items():
            if not w.is_floating_point():
                corrected[name] = w.clone()
                continue
            old = self.average.get(name, torch.zeros_like(w))
            self.average[name] = self.decay * old + (1 - self.decay) * w
            corrected[name] = self.average[name] / (1 - self.decay**self.steps)
        return corrected


def frozen_features(model: nn.Sequential, batches: Iterable[torch.Tensor]) -> torch.Tensor:
    """Give what a network hands to its last layer, and leave the network as it was.

    Shapes:     a model of layers in a row, the last of which is its head; batches (N_b, …) of its
                inputs -> (Σ N_b, D).
    Convention: in evaluation mode and outside of any graph: dropout off, batch normalization by its
                stored statistics. All parameters and buffers, and the mode, are as before.
    Raises:     ValueError for a model of fewer than two layers.
    Source:     Donahue et al. 2014; Razavian et al. 2014.
    """
    if len(model) < 2:
        raise ValueError(f"model: got {len(model)} layers, allowed are two or more")

    was_training = model.training
    model.eval()
    with torch.no_grad():
        features = torch.cat([model[:-1](x) for x in batches])
    model.train(was_training)
    return features


def fine_tuning_groups(
    model: nn.Module, head: str, lr: float
) -> list[dict[str, list[nn.Parameter] | float]]:
    """Split what is to be trained into parameter groups: the head, and the rest a tenth as fast.

    Shapes:     a model with a submodule named `head` -> two groups for any `torch.optim` optimizer,
                {"params": […], "lr": …}, the head's first, parameters in the model's order.
    Convention: every trainable parameter is in exactly one group, a frozen one in none.
    Raises:     ValueError where no parameter belongs to the head, and for lr below 0.
    Source:     Girshick et al. 2014 (a tenth of the rate of training).
    """
    if not any(name.startswith(f"{head}.") for name, _ in model.named_parameters()):
        raise ValueError(f"head: got {head!r}, which has no parameters in this model")
    if not lr >= 0:
        raise ValueError(f"lr: got {lr}, allowed is lr >= 0")

    new: list[nn.Parameter] = []
    old: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (new if name.startswith(head + ".") else old).append(parameter)
    return [{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]


def variance_of_mean(variance: float, correlation: float, members: int) -> float:
    """Say how much the mean of equally good, equally correlated members varies.

    Formula:    Var[(1/M) Σ e_m] = ρ σ² + (1 − ρ) σ² / M.
    Convention: σ² is the variance of one member's error, ρ the correlation of any two.
    Raises:     ValueError for a negative variance, members below 1, and a correlation that no M
                members can have: outside of [−1/(M − 1), 1].
    Source:     Hastie, Tibshirani & Friedman 2009, equation 15.1.
    """
    lowest = -1 / (members - 1) if members > 1 else -1
    if variance < 0 or members < 1 or not lowest <= correlation <= 1:
        got = f"{variance}, {correlation}, {members}"
        raise ValueError(f"variance, correlation, members: got {got}, which no ensemble has")

    return correlation * variance + (1 - correlation) * variance / members


def cyclic_cosine(step: int, total: int, cycles: int, peak: float) -> float:
    """Give the learning rate of a step where a cosine is run through several times.

    Formula:    η_t = (η₀/2) (1 + cos(π (t mod L) / L)) with L = ⌈T/M⌉.
    Convention: steps are counted from 0; `total` is T, `cycles` M. A cycle begins at the peak and
                ends close to 0.
    Raises:     ValueError for a step outside of [0, T), and for fewer than one or more than T
                cycles.
    Source:     Huang et al. 2017, "Snapshot ensembles", equation 2; Loshchilov & Hutter 2017.
    """
    if not 1 <= cycles <= total:
        raise ValueError(f"cycles: got {cycles}, allowed is 1 <= cycles <= total ({total})")
    if not 0 <= step < total:
        raise ValueError(f"step: got {step}, allowed is 0 <= step < total ({total})")

    length = math.ceil(total / cycles)
    return peak / 2 * (1 + math.cos(math.pi * (step % length) / length))


def snapshots(
    model: nn.Module,
    batches: Sequence[tuple[torch.Tensor, torch.Tensor]],
    *,
    cycles: int,
    peak: float,
) -> list[dict[str, torch.Tensor]]:
    """Train once with a rate that comes back, and keep the network at the end of each cycle.

    Formula:    one step of plain SGD on the cross-entropy of each batch, at the rate of
                `cyclic_cosine`; a snapshot after the last step of each cycle, where the rate is
                lowest, and after the last step of all.
    Shapes:     one batch (x, y) a step -> a list of states, copies of the model's whole
                `state_dict()`.
    Convention: plain SGD has no state that a restart could reset.
    Raises:     ValueError for no batches, and for fewer than one or more than T cycles.
    Source:     Huang et al. 2017.
    """
    if not 1 <= cycles <= len(batches):
        raise ValueError(
            f"cycles: got {cycles}, allowed is 1 <= cycles <= {len(batches)} (batches)"
        )

    total, kept = len(batches), []
    length = math.ceil(total / cycles)
    optimizer = torch.optim.SGD(model.parameters(), lr=peak)
    for step, (x, y) in enumerate(batches):
        optimizer.param_groups[0]["lr"] = cyclic_cosine(step, total, cycles, peak)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if (step + 1) % length == 0 or step + 1 == total:
            kept.append(copy.deepcopy(model.state_dict()))
    return kept


def logistic_head_loss(
    weight: torch.Tensor,
    bias: torch.Tensor,
    features: torch.Tensor,
    labels: torch.Tensor,
    *,
    l2: float,
) -> torch.Tensor:
    """Give what logistic regression minimizes.

    Formula:    (1/N) Σ_n [log Σ_c exp s_nc − s_{n y_n}] + (λ/2) Σ w², s = x Wᵀ + b.
    Shapes:     weight (C, D), bias (C,), features (N, D), labels (N,) -> a tensor without axes.
    Convention: the intercept is not penalized. scikit-learn's `LogisticRegression` weighs the *sum*
                of the losses by C: see `c_of_l2`.
    Raises:     ValueError for shapes that do not fit and a negative strength.
    Source:     Hastie, Tibshirani & Friedman 2009, Section 4.4.
    """
    if weight.shape != (len(bias), features.shape[-1]) or labels.shape != features.shape[:-1]:
        got = ", ".join(str(tuple(t.shape)) for t in (weight, bias, features, labels))
        raise ValueError(f"shapes: got {got}, allowed are (C, D), (C,), (N, D), (N,)")
    if not l2 >= 0:
        raise ValueError(f"l2: got {l2}, allowed is l2 >= 0")

    scores = features @ weight.T + bias
    return F.cross_entropy(scores, labels) + l2 / 2 * (weight * weight).sum()


def c_of_l2(l2: float, examples: int) -> float:
    """Say a penalty on the mean loss as the C of scikit-learn's `LogisticRegression`.

    Formula:    (1/N) Σ ℓ + (λ/2) ‖w‖² is λ times [C Σ ℓ + ½ ‖w‖²] for C = 1 / (λ N).
    Raises:     ValueError for a strength that is not positive and for no examples.
    Source:     scikit-learn's documentation of `LogisticRegression`.
    """
    if not (l2 > 0 and examples >= 1):
        got = f"{l2} and {examples}"
        raise ValueError(f"l2 and examples: got {got}, allowed are l2 > 0 and examples >= 1")

    return 1 / (l2 * examples)


def svm_head_loss(
    weight: torch.Tensor,
    bias: torch.Tensor,
    features: torch.Tensor,
    labels: torch.Tensor,
    *,
    c: float,
) -> torch.Tensor:
    """Give what a linear support vector machine for two classes minimizes.

    Formula:    ½ ‖w‖² + C Σ_n max(0, 1 − t_n s_n), s = x w + b, t = +1 for label 1 and −1 for 0.
    Shapes:     weight (D,), bias a tensor without axes, features (N, D), labels (N,) of 0 and 1 ->
                a tensor without axes.
    Convention: the intercept is not penalized. scikit-learn's `LinearSVC(loss="hinge")` penalizes
                it, unless `intercept_scaling` is large.
    Raises:     ValueError for shapes that do not fit and a negative C.
    Source:     Cortes & Vapnik 1995.
    """
    if weight.shape != features.shape[-1:] or labels.shape != features.shape[:-1] or bias.ndim:
        got = ", ".join(str(tuple(t.shape)) for t in (weight, bias, features, labels))
        raise ValueError(f"shapes: got {got}, allowed are (D,), (), (N, D), (N,)")
    if not c >= 0:
        raise ValueError(f"c: got {c}, allowed is c >= 0")

    scores = features @ weight + bias
    signs = 2 * labels - 1
    hinges = torch.relu(1 - signs * scores)
    return weight @ weight / 2 + c * hinges.sum()


def train_with_frozen_layers(model: nn.Sequential, frozen: int) -> None:
    """Make a network ready for an epoch in which its first layers do not change.

    Convention: the first `frozen` layers ask for no gradient and are in evaluation mode, all they
                contain included, so that their batch normalizations go by what is stored and store
                nothing. All other layers are trained. `model.train()` undoes half of that, so call
                this instead of it, in every epoch.
    Raises:     ValueError for a number outside of 0 … the number of layers.
    Source:     Yosinski et al. 2014.
    """
    if not 0 <= frozen <= len(model):
        raise ValueError(f"frozen: got {frozen}, allowed is 0 <= frozen <= {len(model)}")

    model.train()
    for number, layer in enumerate(model):
        layer.requires_grad_(number >= frozen)
        layer.train(number >= frozen)


def head_first(
    model: nn.Sequential,
    batches: Sequence[tuple[torch.Tensor, torch.Tensor]],
    *,
    head_epochs: int,
    epochs: int,
    lr: float,
) -> None:
    """Train a new head on a trunk that stands still, then all of it, the trunk a tenth as fast.

    Formula:    plain SGD on the cross-entropy: `head_epochs` times over the batches at the rate η
                for the last layer alone; then `epochs` times with the head at η and the rest at
                η/10.
    Shapes:     layers in a row, batches of (x, y); the model is changed.
    Convention: in evaluation mode throughout: batch normalization by stored statistics. At the
                switch the head stays as it is. At the end all parameters are trainable.
    Raises:     ValueError for a model of fewer than two layers.
    Source:     Kumar et al. 2022, "Fine-tuning can distort pretrained features" (LP-FT).
    """
    if len(model) < 2:
        raise ValueError(f"model: got {len(model)} layers, allowed are two or more")

    model.eval()
    head = str(list(dict(model.named_children()))[-1])
    for count, trunk_trains in ((head_epochs, False), (epochs, True)):
        model[:-1].requires_grad_(trunk_trains)
        optimizer = torch.optim.SGD(fine_tuning_groups(model, head, lr))
        for _ in range(count):
            for x, y in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
