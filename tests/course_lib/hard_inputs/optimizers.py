"""Gradients of many sizes, and matrices that stretch unevenly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from course_lib import optimizers, training_loop
from tests.course_lib.hard_inputs.case import NOT_HALF, Case, normal, row


def descended(make: Callable[[list[torch.Tensor]], Any]) -> Callable[..., torch.Tensor]:
    """Where an optimizer gets to with given gradients."""

    def walk(start: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        parameter = start.clone().requires_grad_()
        optimizer = make([parameter])
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
        return parameter.detach()

    return walk


def _sgd_step(parameters: list[torch.Tensor]) -> Any:
    class Stepper:
        def step(self) -> None:
            training_loop.sgd_step(parameters, 0.1)

    return Stepper()


STEPS = 6
GRADIENTS = {
    "ordinary": normal(STEPS, 4),
    "of many sizes": normal(STEPS, 4) * row(1e-2, 1, 30, 200),
    "small": 1e-2 * normal(STEPS, 4),
}
RULES: tuple[tuple[str, Callable[..., Any], Callable[..., Any]], ...] = (
    (
        "GradientDescent",
        lambda p: optimizers.GradientDescent(p, 0.1),
        lambda p: torch.optim.SGD(p, 0.1),
    ),
    ("training_loop.sgd_step", _sgd_step, lambda p: torch.optim.SGD(p, 0.1)),
    (
        "Momentum",
        lambda p: optimizers.Momentum(p, 0.1, 0.9),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9),
    ),
    (
        "Nesterov",
        lambda p: optimizers.Nesterov(p, 0.1, 0.9),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    (
        "AdaGrad",
        lambda p: optimizers.AdaGrad(p, 0.1, eps=1e-5),
        lambda p: torch.optim.Adagrad(p, 0.1, eps=1e-5),
    ),
    (
        "RMSProp",
        lambda p: optimizers.RMSProp(p, 0.1, eps=1e-5),
        lambda p: torch.optim.RMSprop(p, 0.1, eps=1e-5),
    ),
    (
        "Adam",
        lambda p: optimizers.Adam(p, 0.1, eps=1e-5),
        lambda p: torch.optim.Adam(p, 0.1, eps=1e-5),
    ),
    (
        "AdamW",
        lambda p: optimizers.AdamW(p, 0.1, eps=1e-5, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.1, eps=1e-5, weight_decay=0.1),
    ),
)


def _clipped(length: float) -> Callable[..., Any]:
    def clip(*gradients: torch.Tensor) -> Any:
        # `clip_grad_norm_` would add 1e-6 to the norm.
        factor = (length / nn.utils.get_total_norm(gradients)).clamp(max=1)
        return [factor * g for g in gradients]

    return clip


WIDTHS = (normal(4, 3), normal(2, 4, seed=1))


def _loss(*weights: torch.Tensor) -> torch.Tensor:
    x, y = normal(5, 3, seed=2).to(weights[0]), normal(5, 2, seed=3).to(weights[0])
    return ((torch.tanh(x @ weights[0].T) @ weights[1].T - y) ** 2).sum() / 10


OPTIMIZERS = [
    Case(
        f"{name}: {kind} gradients",
        descended(ours),
        descended(torchs),
        (row(1, -2, 0.5, 3), gradients),
        whole=True,
    )
    for kind, gradients in GRADIENTS.items()
    for name, ours, torchs in RULES
] + [
    *(
        Case(
            f"clip_by_global_norm: {kind}",
            lambda *g: optimizers.clip_by_global_norm(list(g), 1.0),
            _clipped(1.0),
            (scale * normal(50, 3), scale * normal(20, seed=1)),
        )
        for kind, scale in (("ordinary", 1), ("large", 1e3), ("shorter than allowed", 1e-3))
    ),
    Case(
        "condition_number",
        optimizers.condition_number,
        torch.linalg.cond,
        (normal(4, 4) * row(1e-3, 1, 10, 100),),
        dtypes=NOT_HALF,
    ),
    Case(
        "newton_step",
        optimizers.newton_step,
        lambda w, g, h: w - torch.linalg.solve(h, g),
        (row(1, 2, 3), row(1, -1, 2), normal(3, 3) + 3 * torch.eye(3).double()),
        whole=True,
        dtypes=NOT_HALF,
    ),
    Case(
        "hessian_vector_product",
        lambda a, b, u, v: optimizers.hessian_vector_product(
            normal(5, 3, seed=2).to(a), normal(5, 2, seed=3).to(a), [a, b], [u, v]
        ),
        lambda a, b, u, v: torch.autograd.functional.hvp(_loss, (a, b), (u, v))[1],
        (*WIDTHS, normal(4, 3, seed=5), normal(2, 4, seed=6)),
        whole=True,
    ),
]
