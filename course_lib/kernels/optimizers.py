"""Optimizer steps for all tensors of a network in one launch, for `course_lib.optimizers`.

A network has hundreds of small tensors: with a launch or more for each, the launches take longer
than the memory. Here tables say which tensor a program works on, and from which of its elements.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch

from course_lib import optimizers
from course_lib.kernels.elementwise import BLOCK, rounded
from course_lib.tracing import pointer_table, runs_on
from course_lib.tracing.language import tl, triton


@triton.jit
def begin_of(table, tensor):
    """Give the address of a float32 tensor from a table, known to be a multiple of 16 bytes."""
    return tl.multiple_of(tl.load(table + tensor).to(tl.pointer_type(tl.float32)), 16)


@triton.jit
def adamw_elements(w_ptr, g_ptr, m_ptr, v_ptr, inside, rate, decay, beta1, beta2, root, eps):
    """Take the step of `adamw` for the elements at these addresses that are inside."""
    w = tl.load(w_ptr, mask=inside)
    g = tl.load(g_ptr, mask=inside)
    m = tl.load(m_ptr, mask=inside)
    v = tl.load(v_ptr, mask=inside)
    m = beta1 * m + (1.0 - beta1) * g
    v = beta2 * v + (1.0 - beta2) * g * g
    w = decay * w - rate * (m / (tl.sqrt(v) / root + eps))
    tl.store(w_ptr, w, mask=inside)
    tl.store(m_ptr, m, mask=inside)
    tl.store(v_ptr, v, mask=inside)


@triton.jit
def adamw(
    parameters,
    gradients,
    averages,
    squares,
    sizes,
    tensor_of,
    start_of,
    lr,
    beta1,
    beta2,
    eps,
    weight_decay,
    correction1,
    correction2,
    BLOCK: tl.constexpr,
):
    """Take a step of AdamW on every tensor of a table.

    Formula:    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
                w ← (1 − η λ) w − (η / c₁) m / (√v / √c₂ + ε), with c = 1 − βᵗ.
    Shapes:     parameters, gradients, averages m and squares v: (T,) int64, addresses of contiguous
                float32 tensors; sizes (T,) int64; tensor_of and start_of: one entry a program, as
                `work` makes them.
    Convention: tensors begin at multiples of 16 bytes, start_of has multiples of BLOCK. Numbers
                arrive in float32; in it, 1 − 0.999 is off by 1.3e-5 of itself, and so is v unless
                c₂ comes from the same rounded β₂.
    """
    tensor = tl.load(tensor_of + tl.program_id(0))
    start = tl.multiple_of(tl.load(start_of + tl.program_id(0)), BLOCK)
    size = tl.load(sizes + tensor)
    i = start + tl.arange(0, BLOCK)
    w_ptr = begin_of(parameters, tensor) + i
    g_ptr = begin_of(gradients, tensor) + i
    m_ptr = begin_of(averages, tensor) + i
    v_ptr = begin_of(squares, tensor) + i
    rate, decay, root = lr / correction1, 1.0 - lr * weight_decay, tl.sqrt(correction2)
    # Loads of 16 bytes need to know that no mask ends within four elements.
    if start + BLOCK <= size:
        adamw_elements(w_ptr, g_ptr, m_ptr, v_ptr, None, rate, decay, beta1, beta2, root, eps)
    else:
        inside = i < size
        adamw_elements(w_ptr, g_ptr, m_ptr, v_ptr, inside, rate, decay, beta1, beta2, root, eps)


@triton.jit
def sgd_elements(w_ptr, g_ptr, b_ptr, inside, lr, momentum, weight_decay):
    """Take the step of `sgd_momentum` for the elements at these addresses that are inside."""
    w = tl.load(w_ptr, mask=inside)
    g = tl.load(g_ptr, mask=inside)
    b = tl.load(b_ptr, mask=inside)
    b = momentum * b + (g + weight_decay * w)
    tl.store(w_ptr, w - lr * b, mask=inside)
    tl.store(b_ptr, b, mask=inside)


@triton.jit
def sgd_momentum(
    parameters,
    gradients,
    buffers,
    sizes,
    tensor_of,
    start_of,
    lr,
    momentum,
    weight_decay,
    BLOCK: tl.constexpr,
):
    """Take a step of SGD with momentum on every tensor of a table.

    Formula: b ← μ b + (g + λ w); w ← w − η b.
    Shapes:  as in `adamw`, with the buffers b.
    """
    tensor = tl.load(tensor_of + tl.program_id(0))
    start = tl.multiple_of(tl.load(start_of + tl.program_id(0)), BLOCK)
    size = tl.load(sizes + tensor)
    i = start + tl.arange(0, BLOCK)
    w_ptr = begin_of(parameters, tensor) + i
    g_ptr = begin_of(gradients, tensor) + i
    b_ptr = begin_of(buffers, tensor) + i
    if start + BLOCK <= size:
        sgd_elements(w_ptr, g_ptr, b_ptr, None, lr, momentum, weight_decay)
    else:
        sgd_elements(w_ptr, g_ptr, b_ptr, i < size, lr, momentum, weight_decay)


class Work(NamedTuple):
    """What the programs of one launch work on: three tables, and how many programs there are."""

    sizes: torch.Tensor
    tensor_of: torch.Tensor
    start_of: torch.Tensor
    programs: int


@lru_cache(maxsize=16)
def work(sizes: tuple[int, ...], block: int, device: torch.device | str = "cpu") -> Work:
    """Cut tensors into pieces of a block each, and number the pieces.

    Shapes: T numbers of elements -> sizes (T,), tensor_of (P,) and start_of (P,), all int64, with
            P = Σ ⌈size / block⌉ programs; a tensor without elements has none.

    >>> work((3, 0, 5), block=4).tensor_of.tolist()
    [0, 2, 2]
    """
    pieces = [(which, at) for which, n in enumerate(sizes) for at in range(0, n, block)]
    tensor_of, start_of = torch.tensor(pieces, dtype=torch.int64).reshape(-1, 2).T.contiguous()
    return Work(
        torch.tensor(sizes, dtype=torch.int64, device=device),
        tensor_of.to(device),
        start_of.to(device),
        len(pieces),
    )


def fits(tensor: torch.Tensor) -> bool:
    """Whether the kernels can take a tensor: contiguous float32, at a multiple of 16 bytes."""
    aligned = tensor.data_ptr() % 16 == 0
    return tensor.dtype == torch.float32 and tensor.is_contiguous() and aligned


def copy(tensor: torch.Tensor) -> torch.Tensor:
    """Copy a tensor to where the kernels can take it."""
    return tensor.clone(memory_format=torch.contiguous_format)


class OneLaunch(optimizers.GradientDescent):
    """An optimizer of `course_lib.optimizers` whose `step` is one launch where the kernel can run.

    Convention: tensors that have taken different numbers of steps need a launch for each number.
                Tensors of another dtype, and those on a device without the kernel, are updated one
                by one.
    """

    def update_all(self, parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        """Update parameters that have taken equally many steps, in one launch."""
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient, once."""
        together: dict[tuple[torch.device, int], list[torch.Tensor]] = {}
        with torch.no_grad():
            for parameter in self.parameters:
                state = self.state[parameter]
                if parameter.grad is None:
                    continue
                if fits(parameter) and runs_on(parameter):
                    key = parameter.device, state.get("t", 0)
                    together.setdefault(key, []).append(parameter)
                else:
                    self.update(parameter, parameter.grad, state)
            for parameters in together.values():
                gradients = [p.grad for p in parameters if p.grad is not None]
                self.update_all(parameters, [g if fits(g) else copy(g) for g in gradients])

    def remembered(self, parameters: list[torch.Tensor], name: str) -> list[torch.Tensor]:
        """Give what is remembered under a name about each parameter, zeros at first."""
        for parameter in parameters:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.zeros_like(parameter)
        return [self.state[parameter][name] for parameter in parameters]


class SGDMomentum(OneLaunch, optimizers.Momentum):
    """`course_lib.optimizers.Momentum`, with L2 regularization, in one launch.

    Formula:    b ← μ b + (g + λ w), starting from b = 0; w ← w − η b.
    Convention: as `torch.optim.SGD` with momentum and without dampening.
    Raises:     ValueError for a negative weight_decay, and as `Momentum`.
    """

    def __init__(
        self,
        parameters: list[torch.Tensor],
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, momentum)
        self.weight_decay = weight_decay
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay: got {weight_decay}, allowed is weight_decay >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        super().update(parameter, gradient + self.weight_decay * parameter, state)

    def update_all(self, parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        """Update parameters that have taken equally many steps, in one launch."""
        todo = work(tuple(p.numel() for p in parameters), BLOCK, parameters[0].device)
        sgd_momentum[(todo.programs,)](
            pointer_table(parameters),
            pointer_table(gradients),
            pointer_table(self.remembered(parameters, "b")),
            todo.sizes,
            todo.tensor_of,
            todo.start_of,
            float(self.lr),
            float(self.momentum),
            float(self.weight_decay),
            BLOCK=BLOCK,
        )


class AdamW(OneLaunch, optimizers.AdamW):
    """`course_lib.optimizers.AdamW` in one launch.

    Convention: where the kernel runs, β₁ and β₂ are rounded to float32 before everything else.
    """

    def update_all(self, parameters: list[torch.Tensor], gradients: list[torch.Tensor]) -> None:
        """Update parameters that have taken equally many steps, in one launch."""
        todo = work(tuple(p.numel() for p in parameters), BLOCK, parameters[0].device)
        beta1, beta2 = map(rounded, self.betas)
        step = self.state[parameters[0]].get("t", 0) + 1
        for parameter in parameters:
            self.state[parameter]["t"] = step
        adamw[(todo.programs,)](
            pointer_table(parameters),
            pointer_table(gradients),
            pointer_table(self.remembered(parameters, "m")),
            pointer_table(self.remembered(parameters, "v")),
            todo.sizes,
            todo.tensor_of,
            todo.start_of,
            float(self.lr),
            beta1,
            beta2,
            float(self.eps),
            float(self.weight_decay),
            1 - beta1**step,
            1 - beta2**step,
            BLOCK=BLOCK,
        )


def sgd_momentum_bytes(n: int) -> int:
    """Give the fewest bytes of a step of SGD with momentum on n float32 parameters.

    Formula: 20 n: w, g and b are read, w and b are written.
    """
    return 20 * n


def adamw_bytes(n: int) -> int:
    """Give the fewest bytes of a step of AdamW on n float32 parameters.

    Formula: 28 n: w, g, m and v are read, w, m and v are written.
    """
    return 28 * n
