"""Lower layers that stand still while the upper ones learn."""

import torch

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, linear, network, of_parts
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import MODE, TRAINABLE, matches_reference
from course_lib import transfer


def _network(training, frozen):
    def draw(rng):
        sizes = [int(n) for n in rng.permutation([3, 4, 5, 6])]

        def block(out, size, still):
            layers = {
                "dense": linear(rng, out, size, frozen=still),
                "norm": {**batch_norm(rng, out), "frozen": still},
                "drop": {"kind": "dropout", "p": 0.3},
            }
            return {"kind": "nested", "layers": layers}

        layers = [
            block(sizes[1], sizes[0], False),
            block(sizes[2], sizes[1], True),
            block(sizes[3], sizes[2], bool(rng.integers(2))),
            linear(rng, 2, sizes[3], frozen=True),
        ]
        return {"model": network(rng, layers, training), "frozen": frozen}

    return draw


train_with_frozen_layers = lab.exercise(
    transfer.train_with_frozen_layers,
    title="Freeze the lower layers, and mean it",
    statement="""The first layers of a network know edges and textures, which all pictures have. With few examples one
trains only the layers above. Because no gradient goes below the lowest trained layer, that saves most of the
backward pass, and the memory for it.

Make `model` (an `nn.Sequential`) ready for an epoch in which its first `frozen` layers do not change:

- Their parameters ask for no gradient, those of all other layers **do**.
- The model is in training mode, except that the frozen layers, *all they contain included*, are in **evaluation
  mode**: batch normalization in training mode changes its buffers, whatever `requires_grad` says.

It is called at the beginning of every epoch, in the place of `model.train()`, whatever state the model is in.""",
    points=3,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("11.10", "11.5"),
    inputs=(_network(True, 1), _network(False, 3), _network(False, 2)),
    probe=probes.supplied(),
    checks=[
        of_parts("what is trainable", "model.trainable", TRAINABLE),
        of_parts("the modes of all layers", "model.modes", MODE),
        matches_reference("the mode of the model", of="result.model.training", words=MODE),
        matches_reference("parameters and buffers are as before", of="result.model.state"),
    ],
    equivalent_mutants={"everything is done under torch.no_grad()": "nothing is computed"},
    hints=(
        "`layer.requires_grad_(False)` and `layer.eval()` reach all that a layer contains.",
        "`model.train()` puts *all* layers into training mode: first it, then the frozen ones.",
    ),
)

_MODE = (
    "The frozen layers are in training mode: their dropout is on, and batch normalization goes by the batch and "
    "changes its buffers. `requires_grad_(False)` is only half of it. (`model.train()` puts *all* layers into "
    "training mode: it comes first, `layer.eval()` after it.)"
)
train_with_frozen_layers.mistake(
    "batch_norm_still_trains",
    edit("    layer.train(number >= frozen)", "    pass"),
    _MODE,
    origin="the field's folklore",
)
_GRADIENTS = (
    "You only set modes, which does not stop learning. `layer.requires_grad_(False)` does, with the underscore: "
    "`layer.requires_grad = False` only gives the *module* an attribute that nobody reads."
)
train_with_frozen_layers.mistake(
    "only_the_mode",
    edit("layer.requires_grad_(number >= frozen)", "pass"),
    _GRADIENTS,
)
train_with_frozen_layers.mistake(
    "never_thaws",
    edit(
        "layer.requires_grad_(number >= frozen)", "if number < frozen: layer.requires_grad_(False)"
    ),
    "Layers that were frozen before stay frozen. All but the first `frozen` ask for a gradient.",
)
train_with_frozen_layers.mistake(
    "upper_layers_frozen",
    edit("layer.requires_grad_(number >= frozen)", "layer.requires_grad_(number < frozen)").also(
        "layer.train(number >= frozen)", "layer.train(number < frozen)"
    ),
    "The wrong half stands still: freeze the *first* layers, and train those above.",
)
train_with_frozen_layers.mistake(
    "last_ones_frozen",
    edit("layer.requires_grad_(number >= frozen)",
         "layer.requires_grad_(number < len(model) - frozen)").also(
        "layer.train(number >= frozen)", "layer.train(number < len(model) - frozen)"
    ),
    "You freeze the last layers. It is the first ones that know what all pictures have.",
)  # fmt: skip
train_with_frozen_layers.mistake(
    "one_too_many",
    edit("layer.requires_grad_(number >= frozen)", "layer.requires_grad_(number > frozen)").also(
        "layer.train(number >= frozen)", "layer.train(number > frozen)"
    ),
    "You freeze one layer too many: the first `frozen` have the numbers 0 … frozen − 1.",
)
train_with_frozen_layers.mistake(
    "one_too_few",
    edit(
        "layer.requires_grad_(number >= frozen)", "layer.requires_grad_(number >= frozen - 1)"
    ).also("layer.train(number >= frozen)", "layer.train(number >= frozen - 1)"),
    "You freeze one layer too few: the first `frozen` have the numbers 0 … frozen − 1.",
)


@train_with_frozen_layers.mistake(
    "You count parameters. `frozen` counts layers, and one layer has several (weight, bias, those of its blocks): go "
    "through `enumerate(model)`."
)
def counts_parameters(model, frozen):
    model.train()
    for number, layer in enumerate(model):
        layer.train(number >= frozen)
    for number, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(number >= frozen)


train_with_frozen_layers.mistake(
    "weights_alone",
    edit("layer.requires_grad_(number >= frozen)",
         "[p.requires_grad_(number >= frozen) for n, p in layer.named_parameters() if 'weight' in n]"),
    "You look at weights only. The biases and shifts of the frozen layers learn on, or stay frozen above them.",
)  # fmt: skip
_NORMALIZATIONS = (
    "You put batch normalizations alone into evaluation mode. The frozen layers are in it with *all* they contain, dropout "
    "as well; and no layer above is."
)
train_with_frozen_layers.mistake(
    "normalizations_of_frozen_layers",
    edit("layer.train(number >= frozen)",
         "[m.train(number >= frozen) for m in layer.modules() if 'Norm' in type(m).__name__]"),
    _NORMALIZATIONS,
)  # fmt: skip
train_with_frozen_layers.mistake(
    "all_normalizations",
    edit("layer.train(number >= frozen)",
         "[m.eval() for m in layer.modules() if 'Norm' in type(m).__name__]"),
    _NORMALIZATIONS,
)  # fmt: skip
_OWN_MODE = (
    "The layers are right, but not the model: it comes in any mode and is to be in training mode (`model.training`). "
    "`model.train()` comes first; then the frozen layers, `eval()`."
)
train_with_frozen_layers.mistake("mode_of_the_model_itself", edit("model.train()\n", ""), _OWN_MODE)
train_with_frozen_layers.mistake(
    "model_in_evaluation_mode", edit("model.train()\n", "model.eval()\n"), _OWN_MODE
)
train_with_frozen_layers.mistake(
    "upper_layers_left_in_their_mode",
    edit("model.train()\n", "").also(
        "layer.train(number >= frozen)", "if number < frozen: layer.eval()"
    ),
    "You never call `model.train()`. The model comes in any mode, and what is above the frozen layers has to be in "
    "training mode.",
)
train_with_frozen_layers.mistake(
    "on_a_copy",
    edit("model.train()", "model = copy.deepcopy(model)\nmodel.train()"),
    "You work on a copy, and the model that was handed to you is as it was. Change `model` itself.",
)
train_with_frozen_layers.mistake(
    "a_copy_is_returned",
    edit("model.train()", "model = copy.deepcopy(model)\nmodel.train()").also(
        "    layer.train(number >= frozen)", "    layer.train(number >= frozen)\nreturn model"
    ),
    "You work on a copy, and the model that was handed to you is as it was. Change `model` itself.",
)
train_with_frozen_layers.mistake(
    "train_comes_last",
    edit("    layer.train(number >= frozen)", "    layer.train(number >= frozen)\nmodel.train()"),
    _MODE,
)
train_with_frozen_layers.mistake(
    "all_in_evaluation_mode",
    edit("model.train()", "model.eval()").also("layer.train(number >= frozen)", "layer.eval()"),
    "Everything is in evaluation mode, so that the layers that learn do so without dropout. Only the frozen ones are.",
)
train_with_frozen_layers.mistake(
    "an_attribute",
    edit("layer.requires_grad_(number >= frozen)", "layer.requires_grad = number >= frozen"),
    _GRADIENTS,
)
train_with_frozen_layers.mistake(
    "not_inside",
    edit("layer.train(number >= frozen)", "layer.training = number >= frozen"),
    "You set the mode of the outermost layers only; what is inside of a block stays in training mode. "
    "`layer.eval()` reaches all.",
)


@train_with_frozen_layers.alternative
def in_two_passes(model, frozen):
    model.train()
    model.requires_grad_(True)
    for layer in model[:frozen]:
        layer.eval()
        for parameter in layer.parameters():
            parameter.requires_grad = False


AFTER = ("no gradient, or zeros: it is frozen", "its ordinary gradient", "an error is raised")


def outcome_of_freezing_late() -> str:
    """Freeze a weight between the forward and the backward pass."""
    w = torch.ones(2, requires_grad=True)
    loss = (w * w).sum()
    w.requires_grad_(False)
    try:
        loss.backward()
    except RuntimeError:
        return AFTER[2]
    return AFTER[0 if w.grad is None or not w.grad.any() else 1]


lab.prediction(
    "frozen_after_the_forward",
    title="Predict: frozen a moment too late",
    statement=(
        "A weight goes through a forward pass. *Then* it is frozen, `w.requires_grad_(False)`, and "
        "`loss.backward()` is called. What does the weight get?"
    ),
    minutes=1,
    core=False,
    syllabus=("11.10",),
    choices=AFTER,
    outcome=outcome_of_freezing_late,
    explanation=(
        "torch asks when a gradient arrives, and drops it. But the graph had been recorded: the backward pass went "
        "all the way down to the weight, and neither memory nor time was saved. Freeze before the forward pass."
    ),
)
