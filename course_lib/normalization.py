"""Batch, layer and group normalization: forward, backward, statistics and consequences."""

import math

import torch
from torch import nn


def batch_norm(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, eps: float = 1e-5
) -> torch.Tensor:
    """Normalize each feature over the batch, then scale and shift (training mode).

    Formula:    y = γ (x − μ_B) / √(σ²_B + ε) + β, with the biased σ²_B = (1/N) Σ (x − μ_B)².
    Shapes:     x (N, C), weight γ (C,), bias β (C,) -> (N, C).
    Convention: `torch.var` divides by N − 1 unless told otherwise; this variance divides by N.
    Raises:     ValueError for another shape, for whole numbers, for N < 2 and for a negative eps.
    Source:     Ioffe & Szegedy 2015, Algorithm 1.

    >>> batch_norm(torch.tensor([[1.0], [3.0]]), torch.ones(1), torch.zeros(1)).T
    tensor([[-1.0000,  1.0000]])
    """
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C) with N >= 2")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    for name, value in (("weight", weight), ("bias", bias)):
        if value.shape != x.shape[1:]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    mean = wide.mean(dim=0)  # μ_B
    variance = ((wide - mean) ** 2).mean(dim=0)  # σ²_B = (1/N) Σ (x − μ_B)²
    normalized = (wide - mean) / torch.sqrt(variance + eps)  # x̂ = (x − μ_B) / √(σ²_B + ε)
    return (weight * normalized + bias).to(x.dtype)  # y = γ x̂ + β


def update_running_statistics(
    running_mean: torch.Tensor,
    running_var: torch.Tensor,
    x: torch.Tensor,
    *,
    momentum: float = 0.1,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the running mean and variance toward those of one batch; return the new pair.

    Formula:    r ← (1 − m) r + m · batch, where the batch variance is Σ (x − μ_B)² / (N − 1).
    Shapes:     running_mean (C,), running_var (C,), x (N, C) -> (C,), (C,).
    Convention: m weights the new batch, as in torch; in Keras and Flax it weights the old
                value. Training normalizes with the biased variance but stores the unbiased one.
                The arguments keep their values. The result is part of x's autograd graph: call
                this under `torch.no_grad()` where the statistics outlive the step.
    Raises:     ValueError for another shape, for whole numbers, for N < 2 and for a momentum
                outside [0, 1].
    Source:     Ioffe & Szegedy 2015, Algorithm 2, line 10 (unbiased variance); the moving
                average is that of `torch.nn.BatchNorm1d`.
    """
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C) with N >= 2")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    for name, value in (("running_mean", running_mean), ("running_var", running_var)):
        if value.shape != x.shape[1:]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum: got {momentum}, allowed is 0 <= momentum <= 1")

    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    mean = wide.mean(dim=0)  # μ_B
    variance = ((wide - mean) ** 2).sum(dim=0) / (len(x) - 1)  # Σ (x − μ_B)² / (N − 1)
    new_mean = (1 - momentum) * running_mean + momentum * mean  # r ← (1 − m) r + m · batch
    new_var = (1 - momentum) * running_var + momentum * variance
    return new_mean.to(running_mean.dtype), new_var.to(running_var.dtype)


def batch_norm_inference(
    x: torch.Tensor,
    running_mean: torch.Tensor,
    running_var: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    *,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Normalize each example with the running statistics, whatever else is in the batch.

    Formula: y = γ (x − r_mean) / √(r_var + ε) + β.
    Shapes:  x (N, C), running_mean, running_var, weight γ and bias β all (C,) -> (N, C).
    Raises:  ValueError for another shape and for a negative eps.
    Source:  Ioffe & Szegedy 2015, Algorithm 2, line 11.
    """
    if x.ndim != 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C)")
    names = ("running_mean", "running_var", "weight", "bias")
    for name, value in zip(names, (running_mean, running_var, weight, bias), strict=True):
        if value.shape != x.shape[1:]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    normalized = (x - running_mean) / torch.sqrt(running_var + eps)  # (x − r_mean) / √(r_var + ε)
    return weight * normalized + bias  # y = γ x̂ + β


def batch_norm_backward(
    grad_output: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *, eps: float = 1e-5
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Propagate a gradient through `batch_norm`: to the input, the weight and the bias.

    Formula: dx = (γ/s) (dy − mean_B(dy) − x̂ · mean_B(dy · x̂)), dγ = Σ_B dy · x̂, dβ = Σ_B dy,
             with s = √(σ²_B + ε) and x̂ = (x − μ_B) / s.
    Shapes:  grad_output dy (N, C), x (N, C), weight γ (C,) -> dx (N, C), dγ (C,), dβ (C,).
    Raises:  ValueError for another shape, for whole numbers, for N < 2 and for a negative eps.
    Source:  Ioffe & Szegedy 2015, Section 3 (the chain rule there, here simplified).
    """
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C) with N >= 2")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    for name, value, shape in (
        ("grad_output", grad_output, x.shape),
        ("weight", weight, x.shape[1:]),
    ):
        if value.shape != shape:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is {tuple(shape)}")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    centered = wide - wide.mean(dim=0)  # x − μ_B
    deviation = torch.sqrt((centered**2).mean(dim=0) + eps)  # s = √(σ²_B + ε)
    normalized = centered / deviation  # x̂ = (x − μ_B) / s
    mean_grad = grad_output.mean(dim=0)  # mean_B(dy): the path through μ_B
    mean_product = (grad_output * normalized).mean(dim=0)  # mean_B(dy · x̂): through σ²_B
    grad_x = weight / deviation * (grad_output - mean_grad - normalized * mean_product)
    grad_weight = (grad_output * normalized).sum(dim=0)  # dγ = Σ dy · x̂
    grad_bias = grad_output.sum(dim=0)  # dβ = Σ dy
    return grad_x.to(x.dtype), grad_weight.to(weight.dtype), grad_bias


def batch_norm_inference_backward(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    running_mean: torch.Tensor,
    running_var: torch.Tensor,
    weight: torch.Tensor,
    *,
    eps: float = 1e-5,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Propagate a gradient through `batch_norm_inference`, whose statistics are constants.

    Formula: dx = (γ/s) dy, dγ = Σ_B dy · (x − r_mean) / s, dβ = Σ_B dy, with s = √(r_var + ε).
    Shapes:  grad_output dy (N, C), x (N, C), running_mean, running_var and weight γ all (C,)
             -> dx (N, C), dγ (C,), dβ (C,).
    Raises:  ValueError for another shape and for a negative eps.
    Source:  the derivative of Ioffe & Szegedy 2015, Algorithm 2, line 11.
    """
    if x.ndim != 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C)")
    if grad_output.shape != x.shape:
        raise ValueError(
            f"grad_output: got shape {tuple(grad_output.shape)}, allowed is {tuple(x.shape)}"
        )
    names = ("running_mean", "running_var", "weight")
    for name, value in zip(names, (running_mean, running_var, weight), strict=True):
        if value.shape != x.shape[1:]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    deviation = torch.sqrt(running_var + eps)  # s = √(r_var + ε)
    grad_x = weight / deviation * grad_output  # dx = (γ/s) dy: no path through the statistics
    grad_weight = (grad_output * (x - running_mean) / deviation).sum(dim=0)  # dγ = Σ dy · x̂
    grad_bias = grad_output.sum(dim=0)  # dβ = Σ dy
    return grad_x, grad_weight, grad_bias


class BatchNorm1d(nn.Module):
    """Batch normalization of (N, C) that remembers statistics for evaluation.

    Formula:    `batch_norm` and `update_running_statistics` in train mode,
                `batch_norm_inference` in eval mode.
    Shapes:     x (N, C) -> (N, C), with C = num_features.
    Convention: as `torch.nn.BatchNorm1d`, without its batch counter `num_batches_tracked`.
    Raises:     ValueError for num_features < 1, a negative eps, a momentum outside [0, 1],
                another shape of x, and a batch of one in train mode.
    Source:     Ioffe & Szegedy 2015, Algorithms 1 and 2.
    """

    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        if num_features < 1:
            raise ValueError(f"num_features: got {num_features}, allowed is num_features >= 1")
        if not eps >= 0:
            raise ValueError(f"eps: got {eps}, allowed is eps >= 0")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum: got {momentum}, allowed is 0 <= momentum <= 1")

        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))  # γ
        self.bias = nn.Parameter(torch.zeros(num_features))  # β
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize x (N, C) with the batch in train mode, with the buffers in eval mode."""
        if x.ndim != 2 or x.shape[1] != self.num_features:
            raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, {self.num_features})")
        if self.training and len(x) < 2:
            raise ValueError(
                f"x: got {len(x)} value(s) per feature, allowed are 2 or more in train mode: "
                "one value has no spread, so the output would be the bias whatever x is; "
                "use a larger batch, or call eval() first"
            )

        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():  # the buffers outlive this step and must not keep its graph
            new_mean, new_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
            self.running_mean.copy_(new_mean)
            self.running_var.copy_(new_var)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


def batch_norm_2d(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, eps: float = 1e-5
) -> torch.Tensor:
    """Normalize each channel over the batch and all positions, then scale and shift.

    Formula:    `batch_norm` of the (N·H·W, C) table that has one row per position.
    Shapes:     x (N, C, H, W), weight γ (C,), bias β (C,) -> (N, C, H, W).
    Convention: channels must move last before the reshape; `x.reshape(-1, C)` on its own gives
                the right shape and mixes the channels.
    Raises:     ValueError for another shape, for N·H·W < 2 and for a negative eps.
    Source:     Ioffe & Szegedy 2015, Section 3.2.
    """
    if x.ndim != 4 or x.numel() < 2 * x.shape[1]:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C, H, W) with N·H·W >= 2")
    for name, value in (("weight", weight), ("bias", bias)):
        if value.shape != x.shape[1:2]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    channels_last = x.movedim(1, -1)  # (N, C, H, W) -> (N, H, W, C)
    rows = channels_last.reshape(-1, x.shape[1])  # (N·H·W, C): one row per position
    y = batch_norm(rows, weight, bias, eps=eps)
    return y.reshape(channels_last.shape).movedim(-1, 1)  # (N·H·W, C) -> (N, C, H, W)


class BatchNorm2d(BatchNorm1d):
    """Batch normalization of (N, C, H, W) that remembers one mean and variance per channel.

    Formula:    `BatchNorm1d` of the (N·H·W, C) table that has one row per position, so that
                the running variance divides by N·H·W − 1.
    Shapes:     x (N, C, H, W) -> (N, C, H, W), with C = num_features.
    Convention: as `torch.nn.BatchNorm2d`, without its batch counter `num_batches_tracked`.
    Raises:     as `BatchNorm1d`; in train mode also for N·H·W < 2 (one image of more than one
                pixel is enough).
    Source:     Ioffe & Szegedy 2015, Section 3.2.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize x (N, C, H, W) with the batch in train mode, with the buffers in eval mode."""
        if x.ndim != 4 or x.shape[1] != self.num_features:
            raise ValueError(
                f"x: got shape {tuple(x.shape)}, allowed is (N, {self.num_features}, H, W)"
            )

        channels_last = x.movedim(1, -1)  # (N, C, H, W) -> (N, H, W, C)
        y = super().forward(channels_last.reshape(-1, self.num_features))  # (N·H·W, C)
        return y.reshape(channels_last.shape).movedim(-1, 1)  # (N·H·W, C) -> (N, C, H, W)


def identity_parameters(x: torch.Tensor, *, eps: float = 1e-5) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weight and bias with which `batch_norm` gives this batch back unchanged.

    Formula:    γ = √(σ²_B + ε), β = μ_B.
    Shapes:     x (N, C) -> weight γ (C,), bias β (C,).
    Convention: the paper omits ε here; with ε in the forward pass it belongs in γ as well.
    Raises:     ValueError for another shape, for whole numbers, for N < 2 and for a negative eps.
    Source:     Ioffe & Szegedy 2015, Section 3.
    """
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C) with N >= 2")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    bias = wide.mean(dim=0)  # β = μ_B
    variance = ((wide - bias) ** 2).mean(dim=0)  # σ²_B
    weight = torch.sqrt(variance + eps)  # γ = √(σ²_B + ε)
    return weight.to(x.dtype), bias.to(x.dtype)


def fold_batch_norm(
    linear_weight: torch.Tensor,
    linear_bias: torch.Tensor,
    running_mean: torch.Tensor,
    running_var: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    *,
    eps: float = 1e-5,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Merge a linear layer and the inference batch norm after it into one linear layer.

    Formula:    W' = (γ/s) W row by row, b' = (γ/s) (b − r_mean) + β, with s = √(r_var + ε).
                In training r_mean moves with b, so that b − r_mean, and with it the function,
                does not depend on b: a bias before batch normalization is redundant.
    Shapes:     linear_weight W (out, in), linear_bias b, running_mean, running_var, weight γ
                and bias β all (out,) -> W' (out, in), b' (out,).
    Convention: a layer without a bias passes zeros.
    Raises:     ValueError for another shape and for a negative eps.
    Source:     Jacob et al. 2018, Section 3.2; the redundant bias: Ioffe & Szegedy 2015,
                Section 3.2.
    """
    if linear_weight.ndim != 2:
        raise ValueError(
            f"linear_weight: got shape {tuple(linear_weight.shape)}, allowed is (out, in)"
        )
    names = ("linear_bias", "running_mean", "running_var", "weight", "bias")
    values = (linear_bias, running_mean, running_var, weight, bias)
    for name, value in zip(names, values, strict=True):
        if value.shape != linear_weight.shape[:1]:
            raise ValueError(
                f"{name}: got shape {tuple(value.shape)}, allowed is ({len(linear_weight)},)"
            )
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    scale = weight / torch.sqrt(running_var + eps)  # γ/s, one factor per output
    folded_weight = scale[:, None] * linear_weight  # W' = (γ/s) W
    folded_bias = scale * (linear_bias - running_mean) + bias  # b' = (γ/s) (b − r_mean) + β
    return folded_weight, folded_bias


def effective_learning_rate(learning_rate: float, weight_scale: float) -> float:
    """Return the learning rate that makes the same SGD step before W was scaled by a.

    Formula: f(aW) = f(W) gives ∇f(aW) = ∇f(W)/a; the step η ∇f(aW), relative to weights a times
             as large, is that of η_eff = η/a² at W.
    Shapes:  learning_rate η and weight_scale a are numbers without units.
    Raises:  ValueError for a learning rate that is negative or not finite, and for a scale that
             is not positive and finite (a < 0 also changes the sign of the output).
    Source:  van Laarhoven 2017, "L2 Regularization versus Batch and Weight Normalization".
    """
    if not 0 <= learning_rate < math.inf:
        raise ValueError(f"learning_rate: got {learning_rate}, allowed is finite and >= 0")
    if not 0 < weight_scale < math.inf:
        raise ValueError(f"weight_scale: got {weight_scale}, allowed is finite and > 0")

    return learning_rate / weight_scale**2  # η_eff = η/a²


def layer_norm(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, eps: float = 1e-5
) -> torch.Tensor:
    """Normalize each example over its features, then scale and shift each feature.

    Formula:    y = γ (x − μ) / √(σ² + ε) + β, with μ and the biased σ² of each row of x.
    Shapes:     x (N, D), weight γ (D,), bias β (D,) -> (N, D).
    Convention: the paper has no ε; torch and this function put it inside the root. Examples
                do not depend on each other, so training and evaluation are the same.
    Raises:     ValueError for another shape, for whole numbers, for D = 0 and for a negative eps.
    Source:     Ba, Kiros & Hinton 2016, equations 3 and 4.

    >>> layer_norm(torch.tensor([[1.0, 3.0]]), torch.ones(2), torch.tensor([0.0, 5.0]))
    tensor([[-1.0000,  6.0000]])
    """
    if x.ndim != 2 or x.shape[1] < 1:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, D) with D >= 1")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    for name, value in (("weight", weight), ("bias", bias)):
        if value.shape != x.shape[1:]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    mean = wide.mean(dim=1, keepdim=True)  # μ, one per example
    variance = ((wide - mean) ** 2).mean(dim=1, keepdim=True)  # σ² = (1/D) Σ (x − μ)²
    normalized = (wide - mean) / torch.sqrt(variance + eps)  # x̂ = (x − μ) / √(σ² + ε)
    return (weight * normalized + bias).to(x.dtype)  # y = γ x̂ + β


def layer_norm_backward(
    grad_output: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *, eps: float = 1e-5
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Propagate a gradient through `layer_norm`: to the input, the weight and the bias.

    Formula:    dx = (1/s) (g − mean_D(g) − x̂ · mean_D(g · x̂)) with g = γ dy,
                dγ = Σ_N dy · x̂, dβ = Σ_N dy, with s = √(σ² + ε) and x̂ = (x − μ) / s.
    Shapes:     grad_output dy (N, D), x (N, D), weight γ (D,) -> dx (N, D), dγ (D,), dβ (D,).
    Convention: γ differs within a row and stays inside the means; in `batch_norm_backward`
                it is the same for a whole column and may stand in front.
    Raises:     ValueError for another shape, for whole numbers, for D = 0 and for a negative eps.
    Source:     the derivative of Ba, Kiros & Hinton 2016, equations 3 and 4.
    """
    if x.ndim != 2 or x.shape[1] < 1:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, D) with D >= 1")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    for name, value, shape in (
        ("grad_output", grad_output, x.shape),
        ("weight", weight, x.shape[1:]),
    ):
        if value.shape != shape:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is {tuple(shape)}")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    centered = wide - wide.mean(dim=1, keepdim=True)  # x − μ
    deviation = torch.sqrt((centered**2).mean(dim=1, keepdim=True) + eps)  # s = √(σ² + ε)
    normalized = centered / deviation  # x̂ = (x − μ) / s
    grad_normalized = weight * grad_output  # g = γ dy
    mean_grad = grad_normalized.mean(dim=1, keepdim=True)  # mean_D(g): through μ
    mean_product = (grad_normalized * normalized).mean(dim=1, keepdim=True)  # mean_D(g · x̂)
    grad_x = (grad_normalized - mean_grad - normalized * mean_product) / deviation
    grad_weight = (grad_output * normalized).sum(dim=0)  # dγ = Σ dy · x̂
    grad_bias = grad_output.sum(dim=0)  # dβ = Σ dy
    return grad_x.to(x.dtype), grad_weight.to(weight.dtype), grad_bias


def group_norm(
    x: torch.Tensor, groups: int, weight: torch.Tensor, bias: torch.Tensor, *, eps: float = 1e-5
) -> torch.Tensor:
    """Normalize each example over groups of neighboring channels, then scale and shift.

    Formula:    y = γ (x − μ) / √(σ² + ε) + β, with μ and the biased σ² over the C/G channels
                and all positions of a group; γ and β belong to channels, not to groups.
    Shapes:     x (N, C, H, W), groups G, weight γ (C,), bias β (C,) -> (N, C, H, W).
    Convention: G counts groups; C/G is the number of channels in one. G = C is instance norm.
    Raises:     ValueError for another shape, for whole numbers, for a G that does not divide C, for
                C·H·W = 0 and for a negative eps.
    Source:     Wu & He 2018, equations 1, 2, 6 and 7.
    """
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C, H, W) with C·H·W >= 1")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")
    if groups < 1 or x.shape[1] % groups != 0:
        raise ValueError(f"groups: got {groups}, allowed is a divisor of C = {x.shape[1]}")
    for name, value in (("weight", weight), ("bias", bias)):
        if value.shape != x.shape[1:2]:
            raise ValueError(f"{name}: got shape {tuple(value.shape)}, allowed is ({x.shape[1]},)")
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    n, c, h, w = x.shape
    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # float16 cannot hold the squares
    grouped = wide.reshape(n, groups, c // groups, h, w)  # channels of one group side by side
    mean = grouped.mean(dim=(2, 3, 4), keepdim=True)  # μ, one per example and group
    variance = ((grouped - mean) ** 2).mean(dim=(2, 3, 4), keepdim=True)  # σ²
    normalized = ((grouped - mean) / torch.sqrt(variance + eps)).reshape(n, c, h, w)  # x̂
    return (weight[:, None, None] * normalized + bias[:, None, None]).to(x.dtype)  # y = γ x̂ + β
