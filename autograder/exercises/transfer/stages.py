"""First the head, then all of it."""

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, labeled, linear, network, of_parts
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import MODE, TRAINABLE, leaves_inputs_alone, matches_reference
from course_lib import transfer


def _run(rng):
    features, hidden, wide, classes = (int(n) for n in rng.permutation([3, 4, 5, 6]))
    layers = [
        linear(rng, hidden, features),
        batch_norm(rng, hidden),
        {"kind": "relu"},
        linear(rng, wide, hidden),
        linear(rng, classes, wide),
    ]
    return {
        "model": network(rng, layers, True),
        "batches": labeled(rng, [5, 7], features, classes),
        "head_epochs": int(rng.integers(2, 4)),
        "epochs": 4,
        "lr": float(rng.uniform(0.2, 0.5)),
    }


head_first = lab.repair(
    transfer.head_first,
    planted="optimizer_before_thawing",
    title="Repair: the trunk that never learns",
    statement="""A random head sends random gradients into the trunk, which spoil in the first steps what it knows. So
first the head is trained alone (`head_epochs`), on a trunk that stands still; then all of it (`epochs`), the head at
`lr` and the trunk at a tenth, by your `fine_tuning_groups`.

This function means to do so. It raises nothing, the loss falls, and the head is good; but after the second stage
the trunk is, to the last digit, what it was. Mend it. It runs in evaluation mode throughout and ends in it: batch normalization
goes by its stored statistics.""",
    points=3,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("11.8", "11.9"),
    hide=("Formula",),
    needs=("transfer/fine_tuning_groups",),
    inputs=_run,
    probe=probes.supplied(),
    checks=[
        matches_reference("the network after both stages", of="result.model.state"),
        matches_reference("the mode at the end", of="result.model.training", words=MODE),
        of_parts("what is trainable at the end", "model.trainable", TRAINABLE),
        leaves_inputs_alone(),
    ],
    hints=(
        "Which parameters does the optimizer know in the second stage?",
        "`fine_tuning_groups` leaves out what is frozen *when it is called*.",
    ),
)

_GROUPS = "torch.optim.SGD(fine_tuning_groups(model, head, lr))"
head_first.mistake(
    "optimizer_before_thawing",
    edit("for count, trunk_trains in", "model[:-1].requires_grad_(False)\n"
         f"optimizer = {_GROUPS}\nfor count, trunk_trains in").also(
        f"model[:-1].requires_grad_(trunk_trains)\noptimizer = {_GROUPS}",
        "model[:-1].requires_grad_(trunk_trains)"),
    "The optimizer is made while the trunk is frozen, and so knows the head alone. Make it anew after thawing.",
)  # fmt: skip
head_first.mistake(
    "never_thaws",
    edit("requires_grad_(trunk_trains)", "requires_grad_(False)"),
    "The trunk is never thawed. In the second stage its parameters must ask for gradients.",
)
head_first.mistake(
    "the_other_way_round",
    edit("((head_epochs, False), (epochs, True))", "((epochs, True), (head_epochs, False))"),
    "You fine-tune all of it first and train the head alone afterwards. By then the random head has spoiled the "
    "trunk: the head comes first.",
    origin="the field's folklore",
)
head_first.mistake(
    "all_at_once",
    edit("requires_grad_(trunk_trains)", "requires_grad_(True)"),
    "The trunk learns in the first stage as well, from gradients of a random head. It stands still there.",
)
head_first.mistake(
    "trunk_at_full_rate",
    edit("torch.optim.SGD(fine_tuning_groups(model, head, lr))",
         "torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr)"),
    "The trunk learns at the full rate. Your `fine_tuning_groups` gives it a tenth.",
)  # fmt: skip
head_first.mistake(
    "a_tenth_for_the_head_too",
    edit("fine_tuning_groups(model, head, lr)",
         "fine_tuning_groups(model, head, lr / 10 if trunk_trains else lr)"),
    "In the second stage everything is ten times too slow: the head keeps `lr`, and the trunk gets a tenth of *that*, "
    "not of a rate that was lowered already.",
)  # fmt: skip
head_first.mistake(
    "a_new_head_in_between",
    edit("model[:-1].requires_grad_(trunk_trains)",
         "model[:-1].requires_grad_(trunk_trains)\nif trunk_trains: model[-1].reset_parameters()"),
    "The head starts anew in the second stage, and the first was for nothing. It goes on as it is.",
)  # fmt: skip
head_first.mistake(
    "trunk_alone",
    edit("optimizer = torch.optim.SGD(fine_tuning_groups(model, head, lr))",
         "optimizer = torch.optim.SGD(fine_tuning_groups(model, head, lr)[int(trunk_trains):][:1])"),
    "In the second stage the trunk learns alone. The head learns in both.",
)  # fmt: skip
head_first.mistake(
    "in_training_mode",
    edit("model.eval()", "model.train()"),
    "You train in training mode, where batch normalization goes by the batch and changes its statistics.",
)
head_first.mistake(
    "second_stage_in_training_mode",
    edit("model[:-1].requires_grad_(trunk_trains)",
         "model.train(trunk_trains)\nmodel[:-1].requires_grad_(trunk_trains)"),
    "The second stage runs in training mode, where batch normalization goes by the batch and changes its statistics. "
    "Evaluation mode belongs to both.",
)  # fmt: skip
head_first.mistake(
    "ends_in_training_mode",
    edit("for count, trunk_trains in ((head_epochs, False), (epochs, True)):",
         "for count, trunk_trains in ((head_epochs, False), (epochs, True), (0, None)):\n"
         "    if trunk_trains is None:\n        model.train()\n        break"),
    "You leave the model in training mode at the end. It stays in evaluation mode.",
)  # fmt: skip
head_first.mistake(
    "everything_slow",
    edit("torch.optim.SGD(fine_tuning_groups(model, head, lr))",
         "torch.optim.SGD([p for p in model.parameters() if p.requires_grad],\n"
         "                            lr=lr / 10 if trunk_trains else lr)"),
    "In the second stage everything is ten times too slow: the head keeps `lr`, and the trunk gets a tenth of *that*, "
    "not of a rate that was lowered already.",
)  # fmt: skip
head_first.mistake(
    "head_frozen_in_the_second_stage",
    edit("model[:-1].requires_grad_(trunk_trains)",
         "model[:-1].requires_grad_(trunk_trains)\nmodel[-1].requires_grad_(not trunk_trains)"),
    "You freeze the head in the second stage. It learns in both.",
)  # fmt: skip
head_first.mistake(
    "what_is_left_of_the_epochs",
    edit("(epochs, True)", "(epochs - head_epochs, True)"),
    "You count the first stage in: the second has `epochs` of its own.",
)
head_first.mistake(
    "both_stages_again",
    edit("(epochs, True)", "(epochs + head_epochs, True)"),
    "The second stage is too long: it has `epochs`, and the first had `head_epochs`.",
)
head_first.mistake(
    "momentum",
    edit(
        "fine_tuning_groups(model, head, lr))", "fine_tuning_groups(model, head, lr), momentum=0.9)"
    ),
    "Your SGD has a momentum. The one that was given has none: the optimizer is not what is to be changed about it.",
)
head_first.mistake(
    "on_a_copy",
    edit("model.eval()", "model = copy.deepcopy(model)\nmodel.eval()"),
    "You train a copy, and the model that was handed to you is as it was.",
)
head_first.mistake(
    "gradients_pile_up",
    edit("optimizer.zero_grad()", "pass"),
    "Gradients are never cleared and pile up from step to step.",
)


@head_first.alternative
def one_optimizer_that_is_added_to(model, batches, *, head_epochs, epochs, lr):
    model.eval()
    trunk = list(model[:-1].parameters())
    for parameter in trunk:
        parameter.requires_grad = False
    optimizer = torch.optim.SGD(model[-1].parameters(), lr=lr)
    for epoch in range(head_epochs + epochs):
        if epoch == head_epochs:
            model.requires_grad_(True)
            optimizer.add_param_group({"params": trunk, "lr": lr / 10})
        for x, y in batches:
            model.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
