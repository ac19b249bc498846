"""Features of a trunk that stands still, and layers that do while others learn."""

import torch
from torch import nn

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, batches, linear, network, of_parts
from autograder.exercises.transfer.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import (
    MODE,
    TRAINABLE,
    check,
    finding,
    keeps_dtype,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import transfer


def _classifier(training):
    def draw(rng):
        features, hidden, wide, classes = (int(n) for n in rng.permutation([3, 4, 5, 6]))
        count = int(rng.integers(2, 4))
        layers = [
            linear(rng, hidden, features),
            batch_norm(rng, hidden),
            {"kind": "relu"},
            {"kind": "dropout", "p": 0.4},
            linear(rng, wide, hidden),
            linear(rng, classes, wide, frozen=bool(training)),
        ]
        sizes = [int(n) for n in rng.permutation([3, 5, 7])[:count]]
        return {
            "model": network(rng, layers, training),
            "batches": batches(rng, sizes, features),
        }

    return draw


@check("the features hang on no graph")
def _no_graph(case):
    gist = "the features remember how they were computed, and with them all activations"
    return finding(not case.observed["result"]["in_graph"], "no graph", gist, gist)


frozen_features = lab.exercise(
    transfer.frozen_features,
    title="Take the head off",
    statement="""A network that tells a thousand kinds of photographs apart has learned what pictures are made of.
Its last layer, the **head**, only knows those thousand kinds; what the head is *handed* is of use for other
pictures as well.

`model` is an `nn.Sequential` whose last layer is the head. Return what the layers before it make of all
`batches` (a list of inputs), as one tensor (all examples, D).

- In **evaluation mode**: dropout off, batch normalization by its stored statistics, which stay what they are.
- Outside of any **graph**: the trunk will not be trained.
- Afterwards the model is **as it came**: parameters, buffers, what is trainable, and its mode.""",
    parts=[
        Part(
            "the features",
            3,
            (
                matches_reference("the features", of="result.returned"),
                _no_graph,
                leaves_inputs_alone(),
                keeps_dtype("result.returned"),
            ),
        ),
        Part(
            "the model is as it came",
            1,
            (
                matches_reference("features came out", of="result.returned"),
                matches_reference("parameters and buffers", of="result.model.state"),
                matches_reference("its mode", of="result.model.training", words=MODE),
                of_parts("the mode of every layer", "model.modes", MODE),
                of_parts("what is trainable", "model.trainable", TRAINABLE),
            ),
        ),
    ],
    minutes=8,
    syllabus=("11.5",),
    inputs=(_classifier(True), _classifier(False), _classifier(True)),
    probe=probes.supplied(),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "it is anyhow",
    },
    hints=(
        "`model[:-1]` is a network of all layers but the last; the layers are the same objects.",
        "`model.eval()` is one switch, `torch.no_grad()` another: both are needed.",
        "`torch.cat` puts the batches together.",
    ),
)

frozen_features.mistake(
    "after_the_head",
    edit("model[:-1](x)", "model(x)"),
    "You return what comes *out of* the head, scores of the old classes. Features are what goes into it: "
    "`model[:-1]`.",
)
frozen_features.mistake(
    "one_layer_too_many",
    edit("model[:-1](x)", "model[:-2](x)"),
    "You take off two layers. Only the last one is the head.",
)
frozen_features.mistake(
    "in_training_mode",
    edit("model.eval()\n", ""),
    "You use the mode the model comes in. In training mode dropout is random and batch normalization goes by each "
    "batch *and changes its statistics*; `no_grad` and `requires_grad_(False)` do not prevent that. `model.eval()`.",
    origin="the field's folklore",
)
frozen_features.mistake(
    "always_in_training_mode",
    edit("model.eval()", "model.train()"),
    "You switch to training mode, where dropout is random and batch normalization changes its statistics. "
    "Features are taken in evaluation mode.",
)
frozen_features.mistake(
    "evaluation_mode_alone",
    edit("torch.no_grad()", "torch.enable_grad()").also("model.train(was_training)", ""),
    "You switch to evaluation mode and leave the model there, and the features hang on a graph: `model.eval()` does not "
    "turn gradients off. `torch.no_grad()` belongs around, and the mode is put back.",
)
frozen_features.mistake(
    "with_a_graph",
    edit("torch.no_grad()", "torch.enable_grad()"),
    "Your features hang on a graph through the whole trunk: all its activations stay in memory, and a backward "
    "pass would go through it. `torch.no_grad()`.",
)
frozen_features.mistake(
    "neither",
    edit("model.eval()\n", "").also("torch.no_grad()", "torch.enable_grad()"),
    "The model runs in the mode it comes in, and records a graph. Both are to be switched: `model.eval()` and "
    "`torch.no_grad()`.",
)
frozen_features.mistake(
    "mode_not_restored",
    edit("model.train(was_training)", ""),
    "The model stays in evaluation mode. Note `model.training` first, and put it back.",
)
frozen_features.mistake(
    "layers_stay_in_evaluation_mode",
    edit("model.eval()", "model[:-1].eval()").also("model.train(was_training)", ""),
    "`model[:-1]` is a new network of the *same* layers. Its `eval()` reaches them, and they stay in evaluation mode, "
    "while the model says that it trains. Put back the mode that the model came in, `model.train(was_training)`.",
)
frozen_features.mistake(
    "mode_of_the_slice",
    edit("model.eval()", "model[:-1].eval()").also(
        "model.train(was_training)", "model[:-1].train(model[:-1].training)"
    ),
    "`model[:-1]` is a new network every time, and a new one is in training mode. So you put the layers into training "
    "mode, whatever the model came in. Note `model.training` and put that back.",
)
frozen_features.mistake(
    "always_back_to_training",
    edit("model.train(was_training)", "model.train()"),
    "You always switch to training mode at the end, also a model that came in evaluation mode. Put back the mode "
    "that it came in.",
)
frozen_features.mistake(
    "freezes_for_good",
    edit("model.eval()", "model.eval().requires_grad_(False)"),
    "Nothing of the model is trainable any more: you leave `requires_grad` off. Without a graph there is no need "
    "to touch it.",
)
frozen_features.mistake(
    "freezes_the_trunk",
    edit("model.eval()", "model.eval()[:-1].requires_grad_(False)"),
    "You leave `requires_grad` of the trunk off. Without a graph there is no need to touch it, and who fine-tunes later "
    "waits in vain.",
)
frozen_features.mistake(
    "thaws_the_rest",
    edit("model.train(was_training)", "model.train(was_training).requires_grad_()"),
    "You make all parameters trainable afterwards, those that were frozen before as well. Leave `requires_grad` "
    "alone.",
)
frozen_features.mistake(
    "only_the_last_batch",
    edit("torch.cat([model[:-1](x) for x in batches])", "[model[:-1](x) for x in batches][-1]"),
    "You return the features of the last batch. All batches belong one below the other: `torch.cat`.",
)
_FIRST = (
    "You return the features of the first batch. A `return` inside of the loop ends it; all batches belong one below the "
    "other: collect them, `torch.cat` after the loop."
)
frozen_features.mistake(
    "only_the_first_batch",
    edit("torch.cat([model[:-1](x) for x in batches])", "[model[:-1](x) for x in batches][0]"),
    _FIRST,
)
frozen_features.mistake(
    "returns_in_the_loop",
    edit("features = torch.cat([model[:-1](x) for x in batches])",
         "for x in batches:\n    return model[:-1](x)").also("return features", ""),
    _FIRST,
)  # fmt: skip
_BELOW = (
    "Batches differ in size, so they cannot be stacked along a new axis, nor put side by side. They belong one below "
    "the other, along the axis of the examples: `torch.cat(…)`, with dim 0."
)
frozen_features.mistake(
    "stacked", edit("torch.cat(", "torch.stack("), _BELOW, raises="RuntimeError"
)
frozen_features.mistake(
    "side_by_side",
    edit("for x in batches])", "for x in batches], dim=1)"),
    _BELOW,
    raises="RuntimeError",
)
frozen_features.mistake(
    "a_list",
    edit("torch.cat([model[:-1](x) for x in batches])", "[model[:-1](x) for x in batches]"),
    "You return a list of batches. Put them into one tensor, all examples by D: `torch.cat`.",
)


_BEHEADED = "You take the head off for good (`del`, or an `nn.Identity` in its place): the model must be as it came."
frozen_features.mistake(
    "deletes_the_head",
    edit("features = torch.cat([model[:-1](x) for x in batches])",
         "del model[-1]\nfeatures = torch.cat([model(x) for x in batches])"),
    _BEHEADED,
)  # fmt: skip


@frozen_features.mistake(_BEHEADED)
def beheads(model, batches):
    was_training = model.training
    model.eval()
    model[-1] = nn.Identity()
    with torch.no_grad():
        features = torch.cat([model(x) for x in batches])
    model.train(was_training)
    return features


@frozen_features.alternative
def by_a_hook(model, batches):
    handed, was_training = [], model.training
    hook = model[-1].register_forward_pre_hook(lambda head, given: handed.append(given[0]))
    model.eval()
    with torch.inference_mode():
        for x in batches:
            model(x)
    hook.remove()
    model.train(was_training)
    return torch.cat(handed)


@frozen_features.alternative
def by_a_slice_in_its_own_mode(model, batches):
    trunk = model[:-1].eval()
    with torch.no_grad():
        features = [trunk(x) for x in batches]
    trunk.train(model.training)
    return torch.cat(features, dim=0)


@frozen_features.alternative
def layer_by_layer(model, batches):
    mode, features = model.training, []
    model.train(False)
    for x in batches:
        for layer in list(model)[:-1]:
            x = layer(x).detach()
        features += [x]
    model.train(mode)
    return torch.vstack(features)
