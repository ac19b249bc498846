"""What a penalty is under Adam."""

import torch

from autograder.exercises.regularization.lab import lab

UNDER_ADAM = (
    "100 times as far as with 0.001",
    "about 10 times as far",
    "about as far: it makes nearly no difference",
)


def outcome_under_adam() -> str:
    """How far a weight of 1 goes in 200 steps of Adam on nothing but the penalty."""
    gone = []
    for weight_decay in (0.1, 0.001):
        w = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.Adam([w], lr=1e-3)
        for _ in range(200):
            w.grad = weight_decay * w.detach()
            optimizer.step()
        gone.append(1 - w.item())
    ratio = gone[0] / gone[1]
    return UNDER_ADAM[0 if ratio > 50 else 1 if ratio > 3 else 2]


lab.prediction(
    "strength_under_adam",
    title="Predict: a penalty 100 times as strong",
    statement=(
        "A weight starts at 1, and the loss does not depend on it: only the penalty's gradient λ w pulls. "
        "200 steps of plain **Adam** (not AdamW) with rate 0.001. How far does the weight go toward 0 with "
        "λ = 0.1, compared to λ = 0.001?"
    ),
    minutes=2,
    syllabus=("8.4",),
    choices=UNDER_ADAM,
    outcome=outcome_under_adam,
    explanation=(
        "Adam divides every gradient by its own size. Where the penalty is the only gradient, λ cancels, and "
        "the weight goes one learning rate per step, however weak the penalty. For SGD penalty and decay are "
        "one thing; for Adam only AdamW's decay does what λ says."
    ),
)
