"""The running mean of a model's weights along its training."""

import copy

import torch

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, linear, network, of_parts
from autograder.exercises.transfer.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import MODE, TRAINABLE, check, finding, matches_reference
from course_lib import transfer


def _after(count):
    def draw(rng):
        features, hidden, classes = (int(n) for n in rng.permutation([3, 4, 5]))

        def one(training):
            layers = [
                linear(rng, hidden, features, frozen=True),
                batch_norm(rng, hidden),
                {"kind": "relu"},
                linear(rng, classes, hidden),
            ]
            return network(rng, layers, training)

        average, model = one(False), one(True)
        counts = [spec["layers"][1]["values"]["num_batches_tracked"] for spec in (average, model)]
        counts[1] += 7 - counts[0] % 2  # another count of batches, and not the mean of any two
        return {"average": average, "model": model, "count": count(rng)}

    return draw


@check("the weights are no part of a graph")
def _leaves(case):
    seen = case.observed["result"]
    passed = seen["average"]["leaves"] and seen["model"]["leaves"]
    gist = "parameters that remember how they were computed"
    return finding(passed, "parameters as before", gist, gist)


update_average = lab.exercise(
    transfer.update_average,
    title="Average the weights along one training",
    statement=r"""Late in training, at a rate that is constant or comes back, the weights wander *around* a good
place. Stochastic weight averaging (SWA) goes there: after every epoch the model is taken into a running mean,

$$\bar w \leftarrow \frac{n\,\bar w + w}{n+1}$$

with n, `count`, the number of models that `average` already is the mean of. Write this update. `average` and
`model` are two modules of one architecture; change the numbers of `average` **in place**, outside of any graph
(that is given), and `model` not at all. *All* parameters are averaged, also those that are frozen
(`requires_grad` is False); what is trainable, and the mode, stay as they are in both.

**Buffers** are copied from `model`, not averaged: some are counts (`num_batches_tracked`), and the running
statistics of batch normalization fit other weights anyway (next exercise).""",
    parts=[
        Part(
            "the average",
            3,
            (
                matches_reference(
                    "parameters and buffers of the average", of="result.average.state"
                ),
                _leaves,
                of_parts(
                    "the average has tensors of its own",
                    "shared",
                    words=("shared with the model", "of its own"),
                ),
            ),
        ),
        Part(
            "all else as it was",
            1,
            (
                matches_reference("the average was taken in", of="result.average.state.0.weight"),
                matches_reference("the model is as before", of="result.model.state"),
                matches_reference("its mode, too", of="result.model.training", words=MODE),
                of_parts("what is trainable in it", "model.trainable", TRAINABLE),
                of_parts("what is trainable in the average", "average.trainable", TRAINABLE),
                matches_reference(
                    "the mode of the average", of="result.average.training", words=MODE
                ),
            ),
        ),
    ],
    minutes=10,
    difficulty=2,
    syllabus=("11.3", "11.4"),
    hide=("Formula",),
    inputs=(
        _after(lambda rng: int(rng.integers(2, 5))),
        _after(lambda rng: 0),
        _after(lambda rng: int(rng.integers(5, 9))),
    ),
    probe=probes.supplied(),
    equivalent_mutants={
        **{
            f"zip({pair}, strict=True) => zip({pair}{less})": "the two are of one architecture"
            for pair in (
                "average.parameters(), model.parameters()",
                "average.buffers(), model.buffers()",
            )
            for less in ("", ", strict=False")
        },
        "everything is done under torch.no_grad()": "it is anyhow: the decorator is given",
    },
    hints=(
        "Walk through `average.parameters()` and `model.parameters()` together, with `zip`.",
        "`mean.copy_(…)` changes the tensor that the module holds; `mean = …` only a name.",
        "The same for `average.buffers()` and `model.buffers()`, without averaging.",
    ),
)

_LOOP = (
    "for mean, new in zip(average.parameters(), model.parameters(), strict=True):\n"
    "    mean.copy_((count * mean + new) / (count + 1))\n"
)
_BUFFERS = (
    "for kept, buffer in zip(average.buffers(), model.buffers(), strict=True):\n"
    "    kept.copy_(buffer)"
)

update_average.mistake(
    "buffers_by_reference",
    edit("kept.copy_(buffer)", "kept.data = buffer.data"),
    "The average holds the model's *own* tensors, so the model's next step changes it, too. `copy_` puts the numbers into "
    "the average's tensors.",
)
update_average.mistake(
    "first_weights_by_reference",
    edit("mean.copy_((count * mean + new) / (count + 1))", "mean.data = new.data if count == 0 else (count * mean + new) / (count + 1)"),
    "The average holds the model's *own* tensors, so the model's next step changes it, too. `copy_` puts the numbers into "
    "the average's tensors.",
)  # fmt: skip
update_average.mistake(
    "weights_exchanged",
    edit("(count * mean + new) / (count + 1)", "(mean + count * new) / (count + 1)"),
    "The weights of your two terms are exchanged: the average stands for n models and counts n/(n + 1), the new "
    "one 1/(n + 1).",
)
update_average.mistake(
    "one_model_too_few",
    edit("(count * mean + new) / (count + 1)",
         "(max(count - 1, 0) * mean + new) / (max(count - 1, 0) + 1)"),
    "The average already stands for `count` models. You give it the weight of one less.",
)  # fmt: skip
update_average.mistake(
    "one_model_too_many",
    edit("(count * mean + new) / (count + 1)", "((count + 1) * mean + new) / (count + 2)"),
    "You count one model too many. With `count` = 0 the average must become the model itself: what stood there "
    "before is nobody's weights.",
)
update_average.mistake(
    "halfway",
    edit("(count * mean + new) / (count + 1)", "(mean + new) / 2"),
    "You go halfway to the new weights each time, so that the last model counts one half and the first next to "
    "nothing. In an arithmetic mean all count 1/(n + 1).",
    origin="the field's folklore",
)
update_average.mistake(
    "only_a_name",
    edit(
        "mean.copy_((count * mean + new) / (count + 1))",
        "mean = (count * mean + new) / (count + 1)",
    ),
    "`mean = …` gives a new tensor a name, and the module keeps its old one. Change the tensor in place: "
    "`mean.copy_(…)`.",
)
_UNCHANGED = (
    "`average` is as it was before. `mean = …` gives a new tensor a name, and so does an entry of the dict that "
    "`state_dict()` hands out, or `average = …`; the module keeps its old tensors. Change those in place, "
    "`mean.copy_(…)`."
)
update_average.mistake(
    "only_names",
    edit("mean.copy_((count * mean + new) / (count + 1))",
         "mean = (count * mean + new) / (count + 1)").also("kept.copy_(buffer)", "kept = buffer"),
    _UNCHANGED,
)  # fmt: skip
update_average.mistake(
    "a_copy_is_returned",
    edit(_LOOP, "average = copy.deepcopy(average)\n" + _LOOP).also(
        _BUFFERS, _BUFFERS + "\nreturn average"
    ),
    "You average into a copy and return it, and `average` is as it was before. Nobody looks at what is returned: "
    "change the tensors of `average` itself.",
)


@update_average.mistake(
    "For `count` = 0 you give the name `average` to a copy of the model, and whoever called you still holds the old "
    "one. The formula needs no exception: with n = 0 it copies the model's numbers into the average's tensors."
)
@torch.no_grad()
def first_is_a_copy(average, model, count):
    if count == 0:
        average = copy.deepcopy(model)
        return
    for mean, new in zip(average.parameters(), model.parameters(), strict=True):
        mean.copy_((count * mean + new) / (count + 1))
    for kept, buffer in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(buffer)


update_average.mistake(
    "skips_what_is_frozen",
    edit("mean.copy_((count * mean + new) / (count + 1))",
         "if new.requires_grad: mean.copy_((count * mean + new) / (count + 1))"),
    "You leave out parameters that are frozen. Whether one asks for a gradient says nothing about its place in the "
    "mean: `average` holds all parameters of `count` models, and so it goes on.",
)  # fmt: skip
update_average.mistake(
    "freezes_the_average",
    edit(_LOOP, "average.requires_grad_(False)\n" + _LOOP),
    "The numbers are right, but you freeze the average, and whoever trains it further waits in vain. Under "
    "`torch.no_grad()` nothing is recorded anyway: leave `requires_grad` alone.",
)
update_average.mistake(
    "buffers_forgotten",
    edit(_BUFFERS, ""),
    "The buffers of the average stay what they were. Copy those of the model: `average.buffers()`.",
)
update_average.mistake(
    "counts_forgotten",
    edit("kept.copy_(buffer)", "if kept.is_floating_point(): kept.copy_(buffer)"),
    "The counts stay what they were: you copy only buffers of floating-point numbers. `num_batches_tracked` is a "
    "buffer as well, and all of them are copied.",
)
_STATISTICS = (
    "You average the running statistics, as if they were parameters. They fit neither the one weights nor the other, "
    "so they are not averaged: copy all buffers of the model, statistics and counts."
)
update_average.mistake(
    "statistics_averaged",
    edit("kept.copy_(buffer)",
         "kept.copy_((count * kept + buffer) / (count + 1) if kept.is_floating_point() else buffer)"),
    _STATISTICS,
)  # fmt: skip
update_average.mistake(
    "statistics_averaged_and_counts_forgotten",
    edit("kept.copy_(buffer)",
         "if kept.is_floating_point(): kept.copy_((count * kept + buffer) / (count + 1))"),
    _STATISTICS,
)  # fmt: skip
update_average.mistake(
    "buffers_averaged",
    edit("kept.copy_(buffer)", "kept.copy_((count * kept + buffer) / (count + 1))"),
    "You average the buffers, too. `num_batches_tracked` is a count, and the mean of counts is none. Buffers are "
    "copied.",
)
update_average.mistake(
    "whole_state_averaged",
    edit(
        _LOOP + _BUFFERS,
        "mixed = {name: (count * w + model.state_dict()[name]) / (count + 1)\n"
        "         for name, w in average.state_dict().items()}\n"
        "average.load_state_dict(mixed)",
    ),
    "You average the buffers, too. `num_batches_tracked` is a count, and the mean of counts is none. Buffers are "
    "copied.",
)
update_average.mistake(
    "fed_back",
    edit("mean.copy_((count * mean + new) / (count + 1))",
         "mean.copy_((count * mean + new) / (count + 1))\nnew.copy_(mean)"),
    "You give the average back to the model. The model must train on from its own weights: the average only "
    "looks on.",
)  # fmt: skip
update_average.mistake(
    "the_model_becomes_the_average",
    edit("mean.copy_((count * mean + new) / (count + 1))",
         "new.copy_((count * mean + new) / (count + 1))"),
    "You change the wrong one of the two: the model becomes the average. `average` is to be changed.",
)  # fmt: skip
update_average.mistake(
    "shared_tensors",
    edit("kept.copy_(buffer)", "pass").also(
        "mean.copy_((count * mean + new) / (count + 1))",
        "new.lerp_(mean, count / (count + 1))\nmean.data = new.data",
    ),
    "Average and model share tensors afterwards: training on would move both. `copy_` copies the numbers.",
)
update_average.mistake(
    "the_sum",
    edit("(count * mean + new) / (count + 1)", "mean + new"),
    "You add the weights up. A mean is asked for: the average counts n/(n + 1), the new model 1/(n + 1).",
)
update_average.mistake(
    "copies_the_model",
    edit("(count * mean + new) / (count + 1)", "new"),
    "The average is the newest model alone. It should stand for all n + 1.",
)
update_average.mistake(
    "weights_only",
    edit("mean.copy_((count * mean + new) / (count + 1))",
         "mean.copy_((count * mean + new) / (count + 1) if mean.ndim > 1 else new)"),
    "You average matrices only. Biases, scales and shifts are parameters like all others.",
)  # fmt: skip


@update_average.alternative
@torch.no_grad()
def by_steps_toward_it(average, model, count):
    for mean, new in zip(average.parameters(), model.parameters(), strict=True):
        mean += (new - mean) / (count + 1)
    for kept, buffer in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(buffer)


@update_average.alternative
@torch.no_grad()
def by_the_state(average, model, count):
    new, parameters = model.state_dict(), dict(model.named_parameters())
    mixed = {}
    for name, old in average.state_dict().items():
        share = 1 / (count + 1) if name in parameters else 1
        mixed[name] = new[name] if share == 1 else (1 - share) * old + share * new[name]
    average.load_state_dict(mixed)
