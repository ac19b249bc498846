"""Evaluation: in the right mode, without gradients, every example counted once."""

import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import A_NUMBER, draw_batches, draw_network
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import (
    MODE,
    check,
    finding,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import training_loop
from course_lib.training_loop import evaluate as right_evaluation
from course_lib.training_loop import softmax_cross_entropy


def _evaluation(training):
    def draw(rng):
        features, hidden, classes = int(rng.integers(5, 8)), 9, 3
        return {
            "model": draw_network(
                rng,
                features=features,
                hidden=hidden,
                classes=classes,
                dropout=0.4,
                training=training,
            ),
            "batches": draw_batches(rng, features=features, classes=classes, sizes=[7, 6, 8, 2]),
        }

    return draw


@check("the model runs without gradients")
def without_gradients(case):
    calls = case.observed["result"]["model"]["calls"]
    recorded = int(calls[:, 1].sum())
    return finding(
        len(calls) > 0 and recorded == 0,
        "no call with gradients",
        f"{recorded} of {len(calls)} calls with gradients",
        "the model was called with gradients on, which keeps every activation",
    )


evaluate = lab.exercise(
    training_loop.evaluate,
    title="Evaluate without touching",
    statement="""Measure a model on data it does not learn from. Return
`{"loss": …, "accuracy": …}`, two Python numbers: the mean of your `softmax_cross_entropy` over all
examples, and the share of examples whose largest score is that of their class.

- In **eval mode**: dropout off, batch normalization with its stored statistics (in train mode the
  data you measure on would change the model). Afterwards the model is back in the mode it **came
  in**.
- Without gradients. This is *another* switch: `torch.no_grad()` does not change the mode, and
  `model.eval()` does not save memory.
- Every **example** counts the same, whatever the size of its batch.""",
    points=4,
    minutes=10,
    difficulty=2,
    syllabus=("1.11", "1.2"),
    needs=("training_loop/softmax_cross_entropy",),
    inputs=(_evaluation(True), _evaluation(False), _evaluation(True)),
    probe=probes.supplied(),
    checks=[
        matches_reference("the loss", of="result.returned.loss", float32_constants=True),
        matches_reference("the accuracy", of="result.returned.accuracy", float32_constants=True),
        matches_reference("parameters and buffers are as before", of="result.model.state"),
        matches_reference("the mode is as before", of="result.model.training", words=MODE),
        without_gradients,
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "total += softmax_cross_entropy(scores, y).item() * len(y) => total += unconverted(softmax_cross_entropy(scores, y), softmax_cross_entropy(scores, y).item()) * len(y)": A_NUMBER,
        "everything is done under torch.no_grad()": "it runs without gradients anyhow",
    },
    hints=(
        "`was_training = model.training` before, `model.train(was_training)` after.",
        "`scores.argmax(dim=1) == y` is a table of right and wrong.",
    ),
)


evaluate.mistake(
    "in_train_mode",
    edit("model.eval()", ""),
    "You evaluate in the mode the model came in. In train mode dropout is random (no two "
    "evaluations agree) and batch normalization uses and stores the statistics of your test data: "
    "`model.eval()`.",
)
evaluate.mistake(
    "means_of_batch_means",
    edit(".item() * len(y)", ".item()")
    .also(
        "int((scores.argmax(dim=1) == y).sum())",
        "(scores.argmax(dim=1) == y).float().mean().item()",
    )
    .also("count += len(y)", "count += 1"),
    "You average over batches, so the examples of the small last batch count too much. Add up "
    "over examples and divide by their number.",
)
evaluate.mistake(
    "mode_not_restored",
    edit("model.train(was_training)", ""),
    "You leave the model in eval mode. The training that goes on would do so without dropout and "
    "with frozen batch statistics. Remember `model.training` and put it back.",
)
evaluate.mistake(
    "always_back_to_training",
    edit("model.train(was_training)", "model.train()"),
    "You always switch to train mode at the end, also a model that came in eval mode. Remember "
    "`model.training` and put it back with `model.train(mode)`.",
)
evaluate.mistake(
    "neither_switch",
    edit("model.eval()", "").also("no_grad()", "enable_grad()"),
    "You leave the model in the mode it came in and gradients on. In train mode dropout draws, "
    "and batch normalization learns from the data you measure on: `model.eval()`, and back "
    "afterwards; and all of it under `torch.no_grad()`.",
)
evaluate.mistake(
    "accuracy_of_batch_means",
    edit(
        "int((scores.argmax(dim=1) == y).sum())",
        "(scores.argmax(dim=1) == y).double().mean().item()",
    ).also("right / count", "right / len(batches)"),
    "Your accuracy is a mean over batches: an example of a small batch counts for more. Count the "
    "right answers, and divide by the number of examples.",
)
evaluate.mistake(
    "largest_of_the_batch",
    edit("argmax(dim=1)", "argmax()"),
    "`argmax()` without an axis is a single position in the whole table of scores. Each example "
    "has its own largest score: `argmax(dim=1)`.",
)


@evaluate.mistake('You return a pair. Asked for is a dictionary: `{"loss": …, "accuracy": …}`.')
def a_pair(model, batches):
    measured = right_evaluation(model, batches)
    return measured["loss"], measured["accuracy"]


@evaluate.mistake("This is the share of wrong answers; accuracy is that of the right ones.")
def error_rate(model, batches):
    measured = right_evaluation(model, batches)
    return {"loss": measured["loss"], "accuracy": 1 - measured["accuracy"]}


evaluate.mistake(
    "with_gradients",
    edit("no_grad()", "enable_grad()"),
    "The numbers are right, but torch keeps every activation for a backward pass that never "
    "comes. Run the model under `torch.no_grad()`.",
)
evaluate.mistake(
    "no_grad_is_not_eval",
    edit("model.eval()", "model.train()"),
    "`torch.no_grad()` switches gradients off, not dropout. The mode is another switch: "
    "`model.eval()`.",
)
evaluate.mistake(
    "loss_of_batch_means",
    edit(".item() * len(y)", ".item()").also("total / count", "total / len(batches)"),
    "The accuracy is right; the loss is a mean of batch means, in which the small last batch "
    "counts too much. Multiply each batch's mean by its size.",
)
evaluate.mistake(
    "sum_over_batches",
    edit(".item() * len(y)", ".item()"),
    "You add up the batch means and divide by the number of examples. Each batch's mean has to be "
    "multiplied by its size first.",
)
evaluate.mistake(
    "accuracy_in_percent",
    edit("right / count", "100 * right / count"),
    "Your accuracy is in percent; asked for is the share, between 0 and 1.",
)
evaluate.mistake(
    "counts_right_answers",
    edit("right / count", "right"),
    "Your accuracy is the number of right answers; divide by the number of examples.",
)
evaluate.mistake(
    "last_batch_only",
    edit("total +=", "total =").also("right +=", "right =").also("count +=", "count ="),
    "You return what the last batch gave. Add up over all.",
)
evaluate.mistake(
    "softmax_before_the_loss",
    edit("model(x)", "torch.softmax(model(x), dim=1)"),
    "You apply softmax before the loss, which applies it again. Hand it the scores.",
)


@evaluate.alternative
@torch.no_grad()
def all_at_once(model, batches):
    mode = model.training
    model.train(False)
    pairs = [(model(x), y) for x, y in batches]
    model.train(mode)
    scores = torch.cat([s for s, _ in pairs])
    labels = torch.cat([y for _, y in pairs])
    return {
        "loss": F.cross_entropy(scores, labels).item(),
        "accuracy": (scores.argmax(-1) == labels).double().mean().item(),
    }


@evaluate.alternative
def in_single_precision(model, batches):
    mode, total, right, count = model.training, torch.zeros(1), torch.zeros(1), 0
    model.eval()
    with torch.no_grad():
        for x, y in batches:
            scores = model(x)
            total += softmax_cross_entropy(scores, y) * len(y)
            right += (scores.argmax(dim=1) == y).float().sum()
            count += len(y)
    model.train(mode)
    return {"loss": (total / count).item(), "accuracy": (right / count).item()}


@evaluate.alternative
def with_summed_losses(model, batches):
    training = model.training
    model.eval()
    loss = right = count = 0
    with torch.inference_mode():
        for inputs, labels in batches:
            scores = model(inputs)
            loss = loss + F.cross_entropy(scores, labels, reduction="sum")
            right = right + (scores.max(dim=1).indices == labels).sum()
            count += labels.numel()
    if training:
        model.train()
    return {"accuracy": float(right) / count, "loss": float(loss) / count}
