"""The loop itself: train on every batch once."""

import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_batches, draw_network
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
from course_lib.training_loop import softmax_cross_entropy, train_epoch


def _epoch(rng):
    """Four batches of different sizes, SGD with momentum, a network left in eval mode."""
    features, hidden, classes = int(rng.integers(5, 8)), 4, 3
    sizes = [6, 7, 5, 2]
    return {
        "model": draw_network(rng, features=features, hidden=hidden, classes=classes),
        "optimizer": {
            "make": "sgd",
            "of": "model",
            "lr": float(rng.uniform(0.1, 0.3)),
            "momentum": float(rng.uniform(0.5, 0.8)),
        },
        "batches": draw_batches(rng, features=features, classes=classes, sizes=sizes),
    }


@check("no graph is kept in the result")
def no_graph(case):
    kept = case.observed["result"]["in_graph"]
    gist = "the result holds on to the graphs of all batches"
    return finding(kept is False, "a number", "a tensor with its graph", gist)


train_epoch_exercise = lab.exercise(
    training_loop.train_epoch,
    title="The loop",
    statement="""Train `model` on every batch once, with torch's optimizer this time:
`optimizer.zero_grad()` clears all gradients, `optimizer.step()` takes a step. For each batch: scores,
loss (your `softmax_cross_entropy`), gradients, step. The order of these four calls is the whole art;
each wrong order trains something, a little worse.

- Begin with `model.train()`: somebody may have evaluated the model before.
- Return the **mean loss of the examples**, each counted once, as it was *before* the step on its
  batch. Batches differ in size: a mean of batch means gives the last, small one too much weight.
- Sum up numbers, not tensors (`loss.item()`): a sum of losses keeps the graphs of all batches.""",
    points=4,
    minutes=10,
    difficulty=2,
    syllabus=("1.1", "1.2"),
    needs=("training_loop/softmax_cross_entropy",),
    inputs=_epoch,
    # Batch normalization of a small batch may magnify what float32 rounds off.
    dtypes=("float64", "float64", "float64"),
    probe=probes.supplied(),
    checks=[
        matches_reference("the model after the epoch", of="result.model.state"),
        matches_reference("the mean loss", of="result.returned", float32_constants=True),
        matches_reference("the model is in train mode", of="result.model.training", words=MODE),
        no_graph,
        leaves_inputs_alone(),
    ],
    hints=(
        "`for x, y in batches:`",
        "Forward, `zero_grad`, `backward`, `step`; then `total += loss.item() * len(y)`.",
    ),
)


ADDS_UP = (
    "The gradients add up from batch to batch: each step takes those of all batches before it "
    "again. To clear them once, before the loop, is not enough: `optimizer.zero_grad()` belongs "
    "before every `backward()`."
)

train_epoch_exercise.mistake("never_clears", edit("optimizer.zero_grad()", ""), ADDS_UP)
train_epoch_exercise.mistake(
    "clears_once",
    edit("model.train()", "model.train()\noptimizer.zero_grad()").also("optimizer.zero_grad()", ""),
    ADDS_UP,
)
train_epoch_exercise.mistake(
    "mean_of_batch_means",
    edit("loss.item() * len(y)", "loss.item()").also("count += len(y)", "count += 1"),
    "You average the batch means. The last batch is smaller, so its examples count too much: "
    "weight each loss by its batch's size and divide by the number of examples.",
)
train_epoch_exercise.mistake(
    "clears_before_the_step",
    edit("optimizer.zero_grad()\nloss.backward()", "loss.backward()\noptimizer.zero_grad()"),
    "You clear the gradients between `backward()` and `step()`: the step has nothing left to "
    "take, and the weights never move.",
)
train_epoch_exercise.mistake(
    "never_steps",
    edit("optimizer.step()", ""),
    "No step is ever taken: `optimizer.step()` is missing.",
)
train_epoch_exercise.mistake(
    "batch_means_over_examples",
    edit("loss.item() * len(y)", "loss.item()"),
    "You add up the means of the batches and divide by the number of examples. A batch's loss is "
    "a mean: multiply it by the size of its batch first, `loss.item() * len(y)`.",
)
train_epoch_exercise.mistake(
    "returns_after_one_batch",
    edit("total += loss.item() * len(y)", "return loss.item()"),
    "Your `return` stands inside the loop: after the first batch it is over.",
)


@train_epoch_exercise.mistake(
    "You return the losses of the batches; asked for is one number, the mean over the examples."
)
def list_of_losses(model, optimizer, batches):
    return [train_epoch(model, optimizer, [batch]) for batch in batches]


@train_epoch_exercise.mistake(
    "You put the model into eval mode at the end. Here it is left in train mode."
)
def left_in_eval_mode(model, optimizer, batches):
    mean = train_epoch(model, optimizer, batches)
    model.eval()
    return mean


train_epoch_exercise.mistake(
    "stays_in_eval_mode",
    edit("model.train()", ""),
    "The model stays in the mode it came in. After an evaluation batch normalization would go on "
    "with its running statistics, and dropout would be off. Begin with `model.train()`.",
)
train_epoch_exercise.mistake(
    "one_step_an_epoch",
    edit("optimizer.zero_grad()", "")
    .also("optimizer.step()", "")
    .also("return total", "optimizer.step()\nreturn total"),
    "You take one step for the whole epoch. A step is taken after every batch: put "
    "`optimizer.step()` inside the loop.",
)
train_epoch_exercise.mistake(
    "softmax_before_the_loss",
    edit("model(x), y", "torch.softmax(model(x), dim=1), y"),
    "You apply softmax before the loss, which applies it again. Hand it the scores.",
)
train_epoch_exercise.mistake(
    "keeps_the_graphs",
    edit("total += loss.item()", "total = total + loss"),
    "You add up loss tensors. Each holds its batch's graph, so memory grows with every batch and "
    "is never freed. Add up `loss.item()`.",
)
train_epoch_exercise.mistake(
    "sum_of_batch_means",
    edit("loss.item() * len(y)", "loss.item()").also("total / count", "total"),
    "You add up the batch means. Asked for is the mean over the examples.",
)
train_epoch_exercise.mistake(
    "last_loss",
    edit("return total / count", "return loss.item()"),
    "You return the loss of the last batch. Asked for is the mean over all examples.",
)
train_epoch_exercise.mistake(
    "loss_after_the_step",
    edit("loss.item()", "softmax_cross_entropy(model(x), y).item()"),
    "You measure the loss after the step, with a second forward pass (which also moves the "
    "running statistics twice). Use the loss you have: the one before the step.",
)
train_epoch_exercise.mistake(
    "backward_of_the_sum",
    edit("(model(x), y)", "(model(x), y) * len(y)").also("loss.item() * len(y)", "loss.item()"),
    "You backpropagate the sum of the losses: steps n times as long. Multiply by the batch's size "
    "only what you add up, not what you backpropagate.",
)


@train_epoch_exercise.alternative
def with_torchs_loss(model, optimizer, batches):
    model.train(True)
    losses, sizes = [], []
    for inputs, labels in batches:
        optimizer.zero_grad(set_to_none=False)
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        sizes.append(labels.shape[0])
    weights = torch.tensor(sizes, dtype=losses[0].dtype)
    return float((torch.stack(losses) * weights).sum() / weights.sum())


@train_epoch_exercise.alternative
def clears_after_the_step(model, optimizer, batches):
    model.train()
    optimizer.zero_grad()
    total = torch.zeros(())
    count = 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            total = total + loss.double() * x.shape[0]
        count += x.shape[0]
    return total / count


@train_epoch_exercise.alternative
def summed_in_single_precision(model, optimizer, batches):
    model.train()
    total, count = torch.zeros(1), 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(y)
        count += len(y)
    return total.item() / count


SORTED = (
    "about as good as with shuffling",
    "clearly worse, but above 50 %",
    "far worse, below 40 %",
)


def outcome_for_sorted_data() -> str:
    """Measured in the notebook on 10,000 images, one epoch: 77 % shuffled, 10 % sorted by class."""
    return SORTED[2]


lab.prediction(
    "sorted_by_class",
    title="Predict: one epoch without shuffling",
    statement="""10,000 images of clothes are stored class by class: first all T-shirts, then all
trousers, and so on. A network is trained for one epoch in this order, without shuffling, with batches of
50. How good is it on test images afterwards?""",
    minutes=1,
    syllabus=("1.2",),
    choices=SORTED,
    outcome=outcome_for_sorted_data,
    explanation="""Each batch holds a single class, so each step says "everything is this class". The
training loss looks splendid (the next batch is of the same class), and what remains at the end is
little more than the last class. Every single gradient is right; it takes a random
order to make the steps average over the classes.""",
)
