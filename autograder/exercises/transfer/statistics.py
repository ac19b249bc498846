"""Statistics of batch normalization that fit the weights."""

import torch
from torch import nn

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, batches, linear, network, of_parts
from autograder.exercises.transfer.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from course_lib import transfer


def _model(training):
    def draw(rng):
        features, hidden, wide = (int(n) for n in rng.permutation([3, 4, 5]))
        block = [linear(rng, wide, hidden), batch_norm(rng, wide, momentum=0.25)]
        layers = [
            linear(rng, hidden, features),
            batch_norm(rng, hidden, momentum=0.05),
            {"kind": "relu"},
            {"kind": "nested", "layers": dict(zip(("dense", "norm"), block, strict=True))},
        ]
        count = int(rng.integers(3, 5))
        sizes = [int(n) for n in rng.permutation([4, 5, 7, 8])[:count]]
        return {
            "model": network(rng, layers, training),
            "batches": batches(rng, sizes, features),
        }

    return draw


def _of_images(rng):
    """Other kinds of layers: normalizations of channels, and a dropout that acts in training mode."""
    channels, hidden, wide = (int(n) for n in rng.permutation([3, 4, 5]))

    def block(out, of, momentum):
        weight = rng.normal(size=(out, of, 1, 1)) / of**0.5
        norm = batch_norm(rng, out, momentum) | {"kind": "batch_norm_2d"}
        return [{"kind": "conv", "weight": weight, "bias": rng.normal(size=out)}, norm]

    nested = dict(zip(("conv", "norm"), block(wide, hidden, 0.25), strict=True))
    layers = [
        *block(hidden, channels, 0.05),
        {"kind": "dropout", "p": 0.4},
        {"kind": "nested", "layers": nested},
    ]
    images = [rng.normal(size=(n, channels, 2, 3)) + rng.normal() for n in (5, 8, 4)]
    return {"model": network(rng, layers, False), "batches": images}


@check("nothing is recorded for a gradient")
def _without_gradients(case):
    calls = case.observed["result"]["model"]["calls"]
    recorded = int(calls[:, 1].sum()) if len(calls) else 0
    gist = "the model was called with gradients on, which keeps every activation"
    return finding(not recorded, "no call with gradients", f"{recorded} with gradients", gist)


_ONLY = "if isinstance(m, nn.modules.batchnorm._BatchNorm)"

recompute_statistics = lab.exercise(
    transfer.recompute_statistics,
    title="Statistics that fit the weights",
    statement="""Averaged weights were never run: the running statistics in their batch normalizations are
those of *other* weights, and in evaluation mode the activations are centered and scaled wrongly. The cure: forget
the statistics, and run data through once.

- For every batch normalization of the model: `layer.reset_running_stats()`, and set its `momentum` to **None**.
  torch then averages all batches evenly, instead of favoring the last ones.
- Call the model on every batch in **training mode** (only there does batch normalization take in statistics).
  No labels, no steps: the parameters stay as they are. `torch.no_grad()` is given.
- Afterwards every layer has its **own momentum** back (they may differ), and the model the **mode it came
  in**.

`isinstance(m, nn.modules.batchnorm._BatchNorm)` tells a batch normalization; they may be nested in blocks.""",
    parts=[
        Part(
            "the statistics",
            3,
            (
                matches_reference("buffers and parameters", of="result.model.state"),
                _without_gradients,
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "all else as it was",
            1,
            (
                matches_reference(
                    "the statistics were taken", of="result.model.state.1.running_mean"
                ),
                matches_reference("the mode is as before", of="result.model.training"),
                of_parts("that of every layer, too", "model.modes"),
                of_parts("the momenta are as before", "model.momenta"),
            ),
        ),
    ],
    minutes=12,
    difficulty=2,
    syllabus=("11.3",),
    hide=("Formula",),
    forbidden=("torch.optim.swa_utils",),
    inputs=(_model(True), _of_images, _model(False), _model(True)),
    probe=probes.supplied(),
    equivalent_mutants={
        **{
            f"zip(layers, momenta, strict=True) => zip(layers, momenta{less})": "one for each"
            for less in ("", ", strict=False")
        },
        f"layers = [m for m in model.modules() {_ONLY}] => "
        f"layers = [m for m in but_first(model.modules()) {_ONLY}]": "the first is the model itself",
        "everything is done under torch.no_grad()": "it is anyhow: the decorator is given",
    },
    hints=(
        "`layers = [m for m in model.modules() if isinstance(…)]` finds those in blocks as well.",
        "Before: `momenta = [layer.momentum for layer in layers]` and `was_training = model.training`.",
        "Then reset, `model.train()`, call it on every batch, and put back what you noted.",
    ),
)

recompute_statistics.mistake(
    "one_kind_of_normalization",
    edit("nn.modules.batchnorm._BatchNorm", "nn.BatchNorm1d"),
    "You find the normalizations of features alone, `nn.BatchNorm1d`. Those of images are `nn.BatchNorm2d`, as in the "
    "trunk of this lab; both are `nn.modules.batchnorm._BatchNorm`.",
)
recompute_statistics.mistake(
    "normalizations_alone_in_training",
    edit("model.train()", "for layer in layers: layer.train()"),
    "You put the normalizations alone into training mode. Call the *model* in training mode: its dropout has a part in "
    "what the next layer sees.",
)
recompute_statistics.mistake(
    "goes_on_from_the_old_ones",
    edit("layer.reset_running_stats()", "pass").also("layer.momentum = None", "pass"),
    "You only run the batches through: the old statistics stay mixed in, most of them with a small momentum. "
    "Forget them first, `reset_running_stats()`, and average evenly, momentum None.",
    origin="the field's folklore",
)
recompute_statistics.mistake(
    "momentum_kept",
    edit("layer.momentum = None", "pass"),
    "You keep the momentum, so that the 0 and 1 of the reset stay mixed in and late batches count more. Momentum "
    "None averages evenly.",
)
recompute_statistics.mistake(
    "no_reset",
    edit("layer.reset_running_stats()", "pass"),
    "You do not reset. With momentum None the old statistics then count like as many batches as "
    "`num_batches_tracked` says.",
)
recompute_statistics.mistake(
    "reset_by_hand",
    edit("layer.reset_running_stats()", "layer.running_mean.zero_()\nlayer.running_var.fill_(1)"),
    "You reset mean and variance, and not `num_batches_tracked`: the even average then goes on counting from "
    "there, and the 0 and 1 stay mixed in. `reset_running_stats()` resets all three.",
)
recompute_statistics.mistake(
    "in_evaluation_mode",
    edit("model.train()", "model.eval()"),
    "You run the batches in evaluation mode, where batch normalization takes in nothing: the statistics stay 0 "
    "and 1. `model.train()`.",
)
recompute_statistics.mistake(
    "no_mode_set",
    edit("model.train()\n", ""),
    "You run the batches in whatever mode the model came in; in evaluation mode nothing is taken in. "
    "`model.train()`.",
)
recompute_statistics.mistake(
    "momentum_not_restored",
    edit("layer.momentum = momentum", "pass"),
    "The momentum stays None: a training that goes on would average over all its batches evenly, and the "
    "statistics would lag ever more. Give every layer its own back.",
)
recompute_statistics.mistake(
    "one_momentum_for_all",
    edit("layer.momentum = momentum", "layer.momentum = momenta[0]"),
    "Every layer gets the momentum of the first. They may differ: keep one for each.",
)
recompute_statistics.mistake(
    "the_usual_momentum",
    edit("layer.momentum = momentum", "layer.momentum = 0.1"),
    "Every layer gets 0.1 afterwards. Give each back the momentum it *had*.",
)
recompute_statistics.mistake(
    "mode_not_restored",
    edit("model.train(was_training)", ""),
    "You leave the model in training mode. Note `model.training` before and put it back.",
)
recompute_statistics.mistake(
    "always_evaluation_mode",
    edit("model.train(was_training)", "model.eval()"),
    "You always end in evaluation mode. Put back the mode the model came in: `model.train(was_training)`.",
)
recompute_statistics.mistake(
    "only_the_last_batch",
    edit("layer.momentum = None", "layer.momentum = 1.0"),
    "With momentum 1 every batch replaces the one before, and the last alone is left. Momentum None averages.",
)
recompute_statistics.mistake(
    "only_the_first_batch",
    edit("for x in batches:\n    model(x)", "model(batches[0])"),
    "You take in the first batch only. Run all of them through.",
)
recompute_statistics.mistake(
    "one_large_batch",
    edit("for x in batches:\n    model(x)", "model(torch.cat(list(batches)))"),
    "You put all batches together into one. Then deeper layers see what the first ones make of *that* batch, and "
    "small batches count less; asked for is the mean over the batches, every one counting the same.",
)
recompute_statistics.mistake(
    "not_in_blocks",
    edit("in model.modules()", "in model.children()"),
    "`children()` gives the outermost modules only, so that layers inside of blocks keep their statistics. "
    "`modules()` gives all.",
)
recompute_statistics.mistake(
    "with_gradients",
    edit("    model(x)", "    with torch.enable_grad():\n        model(x)"),
    "You switch gradients on. Nothing is differentiated here, and recording keeps every activation in memory.",
)


@recompute_statistics.alternative
@torch.no_grad()
def by_hooks(model, batches):
    kept, was_training = {}, model.training
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            kept[layer] = layer.momentum
            layer.running_mean.zero_()
            layer.running_var.fill_(1)
            layer.num_batches_tracked.zero_()
            layer.momentum = None
    try:
        model.train()
        for x in batches:
            model(x)
    finally:
        for layer in kept:
            layer.momentum = kept[layer]
        model.train(was_training)


@recompute_statistics.alternative
@torch.no_grad()
def by_a_falling_momentum(model, batches):
    was_training = model.training
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    before = [norm.momentum for norm in norms]
    model.train()
    for norm in norms:
        norm.reset_running_stats()
    for number, x in enumerate(batches, start=1):
        for norm in norms:
            norm.momentum = 1 / number
        model(x)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    model.train(mode=was_training)


OF_TWO = (
    "better than both networks",
    "between the two, or close to them",
    "far worse than both, below 60 %",
)


def outcome_of_averaged_weights() -> str:
    """Measured on MNIST-1D: 0.90 and 0.91 give 0.47, with fresh statistics."""
    return OF_TWO[2]


lab.prediction(
    "average_of_two_networks",
    title="Predict: one network in the middle of two",
    statement=(
        "Averaging predictions costs five networks at test time. Two of the networks, each about 90 % right, "
        "have the same architecture and were trained from *different random weights*. A new network gets the "
        "mean of their **weights** (and fresh batch-normalization statistics). How good is it?"
    ),
    minutes=1,
    syllabus=("11.1", "11.3"),
    choices=OF_TWO,
    outcome=outcome_of_averaged_weights,
    explanation=(
        "Unit 7 of one network has nothing to do with unit 7 of the other: halfway between two good networks "
        "lies a bad one. Weights can be averaged along *one* training, where units keep their meaning."
    ),
)
