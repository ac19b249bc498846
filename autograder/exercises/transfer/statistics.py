"""Statistics of batch normalization that fit the weights."""

import torch
from torch import nn

from autograder import probes
from autograder.exercises.transfer.drawing import of_parts
from autograder.exercises.transfer.lab import lab
from autograder.exercises.transfer.normalized import of_features, of_images, walked_once
from autograder.judging import Part, edit
from autograder.judging.checks import (
    MODE,
    check,
    finding,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import transfer


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
- `batches` may be a list or a **generator**: walk through it once, in one loop, and ask for no length.
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
                matches_reference("the mode is as before", of="result.model.training", words=MODE),
                of_parts("that of every layer, too", "model.modes", MODE),
                of_parts("the momenta are as before", "model.momenta"),
            ),
        ),
    ],
    minutes=12,
    difficulty=2,
    syllabus=("11.3",),
    hide=("Formula",),
    forbidden=("torch.optim.swa_utils",),
    inputs=(of_features(True), of_images, walked_once, of_features(True)),
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
    "reset_parameters",
    edit("layer.reset_running_stats()", "layer.reset_parameters()"),
    "`reset_parameters()` resets the statistics *and* the trained scale and shift, to 1 and 0. The parameters stay as "
    "they are: `reset_running_stats()`.",
)
recompute_statistics.mistake(
    "reset_for_every_batch",
    edit(
        "for layer in layers:\n    layer.reset_running_stats()\n    layer.momentum = None\n", ""
    ).also(
        "model(x)",
        "for layer in layers:\n    layer.reset_running_stats()\n    layer.momentum = None\nmodel(x)",
    ),
    "You reset before every batch, so that the last one alone is left. Reset once, before the loop over the batches.",
)
recompute_statistics.mistake(
    "momentum_zero",
    edit("layer.momentum = None", "layer.momentum = 0"),
    "With momentum 0 a batch normalization takes in nothing, and the statistics stay 0 and 1. None (not 0) averages "
    "all batches evenly.",
)
_ONCE = (
    "`batches` may be a generator: it has no length and no entries by number, and when you have walked through it, "
    "nothing comes any more. Call the model on all batches in one loop, `for x in batches`."
)


@recompute_statistics.mistake(_ONCE)
@torch.no_grad()
def walks_twice(model, batches):
    layers = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta, was_training = [layer.momentum for layer in layers], model.training
    count = len(list(batches))
    for layer in layers:
        layer.reset_running_stats()
    model.train()
    for number, x in enumerate(batches):
        for layer in layers:
            layer.momentum = 1 / min(number + 1, count)
        model(x)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


recompute_statistics.mistake(
    "asks_for_the_length",
    edit("for x in batches:\n    model(x)", "for n in range(len(batches)):\n    model(batches[n])"),
    _ONCE,
)
recompute_statistics.mistake(
    "asks_by_number",
    edit(
        "for x in batches:\n    model(x)", "model(batches[0])\nfor x in batches[1:]:\n    model(x)"
    ),
    _ONCE,
)


@recompute_statistics.mistake(
    "You run all batches through once for every layer. That disturbs the layers whose momentum is back already, and of "
    "a generator nothing is left for the second layer. Reset all layers, run the batches once, then put back all momenta."
)
@torch.no_grad()
def one_layer_after_the_other(model, batches):
    was_training = model.training
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            momentum = layer.momentum
            layer.reset_running_stats()
            layer.momentum = None
            for x in batches:
                model(x)
            layer.momentum = momentum
    model.train(was_training)


recompute_statistics.mistake(
    "on_a_copy",
    edit("for layer in layers:\n    layer.reset_running_stats()",
         "model = copy.deepcopy(model)\n"
         "layers = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]\n"
         "for layer in layers:\n    layer.reset_running_stats()"),
    "You work on a copy, and the model that was handed to you keeps the old statistics. Change `model` itself.",
)  # fmt: skip
recompute_statistics.mistake(
    "a_copy_is_returned",
    edit("for layer in layers:\n    layer.reset_running_stats()",
         "model = copy.deepcopy(model)\n"
         "layers = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]\n"
         "for layer in layers:\n    layer.reset_running_stats()").also(
        "model.train(was_training)", "model.train(was_training)\nreturn model"),
    "You return a copy, and the model that was handed to you keeps the old statistics. Nobody looks at what is "
    "returned: change `model` itself.",
)  # fmt: skip
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
    "the_momentum_of_the_last",
    edit("layer.momentum = momentum", "layer.momentum = momenta[-1]"),
    "Every layer gets the momentum of the last one: a single variable holds what was noted last. They may differ: keep "
    "one for each.",
)
recompute_statistics.mistake(
    "momenta_in_another_order",
    edit(
        "for layer, momentum in zip(layers, momenta, strict=True):\n    layer.momentum = momentum",
        "for layer in layers:\n    layer.momentum = momenta.pop()",
    ),
    "The momenta go back in the reverse order (`pop()` takes the last). Every layer gets its own: `zip(layers, momenta)`.",
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
_NEITHER = (
    "Neither is put back: the momenta stay None, and the model stays in the mode that you set last. Note both before, "
    "and put them back afterwards."
)
recompute_statistics.mistake(
    "nothing_restored",
    edit("layer.momentum = momentum", "pass").also("model.train(was_training)", ""),
    _NEITHER,
)
recompute_statistics.mistake(
    "evaluation_mode_and_no_momentum",
    edit("layer.momentum = momentum", "pass").also("model.train(was_training)", "model.eval()"),
    _NEITHER,
)
recompute_statistics.mistake(
    "only_the_last_batch",
    edit("layer.momentum = None", "layer.momentum = 1.0"),
    "With momentum 1 every batch replaces the one before, and the last alone is left. Momentum None averages.",
)
recompute_statistics.mistake(
    "only_the_first_batch",
    edit("for x in batches:\n    model(x)", "model(next(iter(batches)))"),
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
