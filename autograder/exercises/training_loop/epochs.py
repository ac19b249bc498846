"""The loop itself: train on every batch once."""

import torch
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_batches, draw_network
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import check, finding, matches_reference
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
    core=True,
    syllabus=("1.1", "1.2"),
    needs=("training_loop/softmax_cross_entropy",),
    inputs=_epoch,
    # Batch normalization of a small batch may magnify what float32 rounds off.
    dtypes=("float64", "float64", "float64"),
    probe=probes.supplied(),
    checks=[
        matches_reference("the model after the epoch", of="result.model.state"),
        matches_reference("the mean loss", of="result.returned"),
        matches_reference("the model is in train mode", of="result.model.training"),
        no_graph,
    ],
    hints=(
        "`for x, y in batches:`",
        "Forward, `zero_grad`, `backward`, `step`; then `total += loss.item() * len(y)`.",
    ),
)


@train_epoch_exercise.mistake(
    "You never clear the gradients: each step takes those of all batches before it again. "
    "`optimizer.zero_grad()` belongs before every `backward()`."
)
def never_clears(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You clear the gradients once, before the loop. They add up again from the second batch on: "
    "clear them for every batch."
)
def clears_once(model, optimizer, batches):
    model.train()
    optimizer.zero_grad()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You average the batch means. The last batch is smaller, so its examples count too much: "
    "weight each loss by its batch's size and divide by the number of examples."
)
def mean_of_batch_means(model, optimizer, batches):
    model.train()
    losses = []
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@train_epoch_exercise.mistake(
    "You clear the gradients between `backward()` and `step()`: the step has nothing left to "
    "take, and the weights never move."
)
def clears_before_the_step(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake("No step is ever taken: `optimizer.step()` is missing.")
def never_steps(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You add up the means of the batches and divide by the number of examples. A batch's loss is "
    "a mean: multiply it by the size of its batch first, `loss.item() * len(y)`."
)
def batch_means_over_examples(model, optimizer, batches):
    return sum_of_batch_means(model, optimizer, batches) / sum(len(y) for _, y in batches)


@train_epoch_exercise.mistake(
    "Your `return` stands inside the loop: after the first batch it is over."
)
def returns_after_one_batch(model, optimizer, batches):
    model.train()
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()
    return None


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


@train_epoch_exercise.mistake(
    "The model stays in the mode it came in. After an evaluation batch normalization would go on "
    "with its running statistics, and dropout would be off. Begin with `model.train()`."
)
def stays_in_eval_mode(model, optimizer, batches):
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You take one step for the whole epoch. A step is taken after every batch: put "
    "`optimizer.step()` inside the loop."
)
def one_step_an_epoch(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    optimizer.zero_grad()
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        loss.backward()
        total += loss.item() * len(y)
        count += len(y)
    optimizer.step()
    return total / count


@train_epoch_exercise.mistake(
    "You apply softmax before the loss, which applies it again. Hand it the scores."
)
def softmax_before_the_loss(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(torch.softmax(model(x), dim=1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You add up loss tensors. Each holds its batch's graph, so memory grows with every batch and "
    "is never freed. Add up `loss.item()`."
)
def keeps_the_graphs(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = total + loss * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You add up the batch means. Asked for is the mean over the examples."
)
def sum_of_batch_means(model, optimizer, batches):
    model.train()
    total = 0.0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total


@train_epoch_exercise.mistake(
    "You return the loss of the last batch. Asked for is the mean over all examples."
)
def last_loss(model, optimizer, batches):
    model.train()
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@train_epoch_exercise.mistake(
    "You measure the loss after the step, with a second forward pass (which also moves the "
    "running statistics twice). Use the loss you have: the one before the step."
)
def loss_after_the_step(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        optimizer.zero_grad()
        softmax_cross_entropy(model(x), y).backward()
        optimizer.step()
        total += softmax_cross_entropy(model(x), y).item() * len(y)
        count += len(y)
    return total / count


@train_epoch_exercise.mistake(
    "You backpropagate the sum of the losses: steps n times as long. Multiply by the batch's size "
    "only what you add up, not what you backpropagate."
)
def backward_of_the_sum(model, optimizer, batches):
    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y) * len(y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        count += len(y)
    return total / count


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
