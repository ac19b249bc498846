"""Initialization: fans, gains, weight distributions and the signal they send through depth."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def fan_in_and_fan_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """Count the inputs that one output sums, and the outputs that one input reaches.

    Formula:    fan_in = shape[1] · Π kernel, fan_out = shape[0] · Π kernel.
    Shapes:     (out, in) of a linear layer, (out, in / groups, *kernel) of a convolution.
    Convention: torch stores a linear weight as (out, in), Keras as (in, out). The shape already
                holds in / groups, so groups divide the fan-in once and never here; as in torch
                the fan-out of a grouped convolution is not divided.
    Raises:     ValueError for fewer than two sizes and for a size below 1.
    Source:     He et al. 2015, Section 2.2 (n = k² c inputs and k² d outputs).

    >>> fan_in_and_fan_out((16, 8, 3, 3))
    (72, 144)
    """
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"shape: got {tuple(shape)}, allowed is two or more sizes, each >= 1")

    receptive_field = math.prod(shape[2:])  # Π kernel, which is 1 for a linear layer
    fan_in = shape[1] * receptive_field
    fan_out = shape[0] * receptive_field
    return fan_in, fan_out


def gain(nonlinearity: str, negative_slope: float = 0.01) -> float:
    """Give the factor by which weights grow to make up for what a nonlinearity removes.

    Formula:    linear 1, tanh 5/3, relu √2, leaky_relu √(2 / (1 + a²)) with a the negative slope.
    Convention: a gain multiplies the standard deviation, its square the variance. The gain of
                tanh is a value chosen by experiment in torch, not a derivation.
    Raises:     ValueError for another nonlinearity and for a slope that is not finite.
    Source:     He et al. 2015, Section 2.2; `torch.nn.init.calculate_gain` for tanh.
    """
    names = ("linear", "tanh", "relu", "leaky_relu")
    if nonlinearity not in names:
        raise ValueError(f"nonlinearity: got {nonlinearity!r}, allowed is one of {names}")
    if not math.isfinite(negative_slope):
        raise ValueError(f"negative_slope: got {negative_slope}, allowed is a finite number")

    if nonlinearity == "linear":
        return 1.0
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    return math.sqrt(2 / (1 + negative_slope**2))


def gaussian(
    shape: tuple[int, ...],
    std: float,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw weights from a normal distribution whose width does not depend on the layer.

    Formula: w ~ N(0, std²).
    Raises:  ValueError for a size below 1 and for a std that is negative or not finite.
    Source:  Krizhevsky et al. 2012, Section 5 (std 0.01 in every layer).
    """
    if any(size < 1 for size in shape):
        raise ValueError(f"shape: got {tuple(shape)}, allowed is sizes >= 1")
    if not 0 <= std < math.inf:
        raise ValueError(f"std: got {std}, allowed is 0 <= std < inf")

    return std * torch.randn(shape, dtype=dtype, device=device)  # w ~ N(0, std²)


def lecun_normal(
    shape: tuple[int, ...],
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw normal weights that keep the variance of a zero-mean input in a linear layer.

    Formula:    w ~ N(0, 1 / fan_in).
    Shapes:     shape as in `fan_in_and_fan_out`.
    Convention: lectures often call this Xavier, which is the formula of `xavier_normal`. Keras
                and JAX draw it from a truncated normal distribution of the same variance.
    Raises:     ValueError for a shape that `fan_in_and_fan_out` refuses.
    Source:     LeCun et al. 1998, Efficient BackProp, equation 16.
    """
    fan_in, _ = fan_in_and_fan_out(shape)  # refuses a wrong shape

    std = 1 / math.sqrt(fan_in)  # Var(w) = 1 / fan_in
    return std * torch.randn(shape, dtype=dtype, device=device)


def xavier_normal(
    shape: tuple[int, ...],
    scale: float = 1.0,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw normal weights between what the forward and what the backward pass asks for.

    Formula:    w ~ N(0, scale² · 2 / (fan_in + fan_out)).
    Shapes:     shape as in `fan_in_and_fan_out`.
    Convention: `scale` is what torch calls gain; it multiplies the standard deviation.
    Raises:     ValueError for a shape that `fan_in_and_fan_out` refuses, and for a scale that is
                negative or not finite.
    Source:     Glorot & Bengio 2010, equation 12.
    """
    if not 0 <= scale < math.inf:
        raise ValueError(f"scale: got {scale}, allowed is 0 <= scale < inf")
    fan_in, fan_out = fan_in_and_fan_out(shape)  # refuses a wrong shape

    std = scale * math.sqrt(2 / (fan_in + fan_out))  # Var(w) = scale² · 2 / (fan_in + fan_out)
    return std * torch.randn(shape, dtype=dtype, device=device)


def xavier_uniform(
    shape: tuple[int, ...],
    scale: float = 1.0,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw uniform weights with the variance of `xavier_normal`.

    Formula:    w ~ U(−b, b) with b = scale · √(6 / (fan_in + fan_out)), which is √3 · std.
    Shapes:     shape as in `fan_in_and_fan_out`.
    Convention: `scale` is what torch calls gain; it multiplies the standard deviation.
    Raises:     ValueError for a shape that `fan_in_and_fan_out` refuses, and for a scale that is
                negative or not finite.
    Source:     Glorot & Bengio 2010, equation 16.
    """
    if not 0 <= scale < math.inf:
        raise ValueError(f"scale: got {scale}, allowed is 0 <= scale < inf")
    fan_in, fan_out = fan_in_and_fan_out(shape)  # refuses a wrong shape

    bound = scale * math.sqrt(6 / (fan_in + fan_out))  # b = √3 · std
    return torch.empty(shape, dtype=dtype, device=device).uniform_(-bound, bound)


def kaiming_normal(
    shape: tuple[int, ...],
    nonlinearity: str = "relu",
    negative_slope: float = 0.01,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw normal weights that keep the second moment of the signal in the forward pass.

    Formula:    w ~ N(0, gain² / fan_in).
    Shapes:     shape as in `fan_in_and_fan_out`.
    Convention: the slope counts for leaky_relu alone. `torch.nn.init.kaiming_normal_` has
                leaky_relu with slope 0 as default, which is relu.
    Raises:     ValueError for what `fan_in_and_fan_out` or `gain` refuses.
    Source:     He et al. 2015, Section 2.2 (equation 10 for ReLU).
    """
    fan_in, _ = fan_in_and_fan_out(shape)  # refuses a wrong shape
    factor = gain(nonlinearity, negative_slope)  # refuses a wrong nonlinearity

    std = factor / math.sqrt(fan_in)  # std = gain / √fan_in
    return std * torch.randn(shape, dtype=dtype, device=device)


def kaiming_uniform(
    shape: tuple[int, ...],
    nonlinearity: str = "relu",
    negative_slope: float = 0.01,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw uniform weights with the variance of `kaiming_normal`.

    Formula:    w ~ U(−b, b) with b = gain · √(3 / fan_in), which is √3 · std.
    Shapes:     shape as in `fan_in_and_fan_out`.
    Convention: the slope counts for leaky_relu alone. `torch.nn.Linear` draws its default weights
                this way with slope √5, which makes b = 1 / √fan_in.
    Raises:     ValueError for what `fan_in_and_fan_out` or `gain` refuses.
    Source:     He et al. 2015, Section 2.2, with the uniform distribution of that variance.
    """
    fan_in, _ = fan_in_and_fan_out(shape)  # refuses a wrong shape
    factor = gain(nonlinearity, negative_slope)  # refuses a wrong nonlinearity

    bound = factor * math.sqrt(3 / fan_in)  # b = √3 · gain / √fan_in
    return torch.empty(shape, dtype=dtype, device=device).uniform_(-bound, bound)


def default_linear_std(fan_in: int) -> float:
    """Give the standard deviation of the weights that `torch.nn.Linear` draws by default.

    Formula:    std = b / √3 = 1 / √(3 · fan_in), from w ~ U(−b, b) with b = 1 / √fan_in.
    Convention: this is not Kaiming's √(2 / fan_in) for ReLU but smaller by the factor √6.
    Raises:     ValueError for a fan_in below 1.
    Source:     `torch.nn.Linear.reset_parameters`: `kaiming_uniform_` with slope √5.
    """
    if not fan_in >= 1:
        raise ValueError(f"fan_in: got {fan_in}, allowed is fan_in >= 1")

    bound = 1 / math.sqrt(fan_in)  # b = 1 / √fan_in
    return bound / math.sqrt(3)  # std of U(−b, b)


def linear_output_variance(
    fan_in: float | torch.Tensor,
    weight_variance: float | torch.Tensor,
    input_mean: float | torch.Tensor,
    input_variance: float | torch.Tensor,
) -> float | torch.Tensor:
    """Predict the variance of one output of a linear layer before any training.

    Formula:    Var(y) = D · Var(w) · E[x²] with E[x²] = Var(x) + E[x]² and y = Σ_j w_j x_j.
    Shapes:     floats, or tensors that broadcast.
    Convention: the weights have mean zero and do not depend on x, which training ends. Only for
                an input of mean zero is E[x²] the variance of x.
    Raises:     ValueError for a fan_in below 1 and for a negative variance.
    Source:     Glorot & Bengio 2010, equation 5; He et al. 2015, Section 2.2.
    """
    if not torch.all(torch.as_tensor(fan_in) >= 1):
        raise ValueError(f"fan_in: got {fan_in}, allowed is fan_in >= 1")
    for name, value in (("weight_variance", weight_variance), ("input_variance", input_variance)):
        if not torch.all(torch.as_tensor(value) >= 0):
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 0")

    second_moment = input_variance + input_mean**2  # E[x²] = Var(x) + E[x]²
    return fan_in * weight_variance * second_moment  # D · Var(w) · E[x²]


def relu_second_moment(variance: float | torch.Tensor) -> float | torch.Tensor:
    """Give the second moment that a ReLU leaves of a normal signal of mean zero.

    Formula:    E[relu(y)²] = σ² / 2 for y ~ N(0, σ²).
    Shapes:     a float or a tensor of any shape.
    Convention: this is not the variance of relu(y), (1/2 − 1/(2π)) σ² = 0.341 σ²: the mean of
                relu(y) is σ / √(2π), and the next layer sees the second moment.
    Raises:     ValueError for a negative variance.
    Source:     He et al. 2015, Section 2.2.
    """
    if not torch.all(torch.as_tensor(variance) >= 0):
        raise ValueError(f"variance: got {variance}, allowed is variance >= 0")

    return variance / 2  # half of the symmetric σ²


def residual_variance(
    blocks: int,
    branch_gain: float | torch.Tensor,
    input_variance: float | torch.Tensor = 1.0,
) -> float | torch.Tensor:
    """Predict the variance after a number of residual blocks x + F(x).

    Formula:    Var(x_L) = (1 + g)^L · Var(x_0) with g = Var(F(x)) / Var(x), F(x) uncorrelated
                with x.
    Shapes:     floats, or tensors that broadcast.
    Convention: L counts blocks, not layers; g is a ratio of variances. A branch that keeps the
                variance has g = 1; Kaiming weights in both layers of W₂ relu(W₁ x) give g = 2,
                a last layer of zeros g = 0.
    Raises:     ValueError for a negative number of blocks, gain or variance.
    Source:     Zhang, Dauphin & Ma 2019 (Fixup).
    """
    if not isinstance(blocks, int) or blocks < 0:
        raise ValueError(f"blocks: got {blocks}, allowed is an integer >= 0")
    for name, value in (("branch_gain", branch_gain), ("input_variance", input_variance)):
        if not torch.all(torch.as_tensor(value) >= 0):
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 0")

    return (1 + branch_gain) ** blocks * input_variance  # (1 + g)^L · Var(x_0)


def layer_statistics(
    x: torch.Tensor, weights: list[torch.Tensor], activation: str
) -> dict[str, torch.Tensor]:
    """Measure the activations of every layer of a plain network without biases.

    Formula:    h_l = activation(h_{l−1} W_lᵀ) with h_0 = x; per layer the mean and the standard
                deviation of h_l, the fraction with |h_l| > 0.97 and the fraction with h_l = 0.
    Shapes:     x (N, D_0), weights W_l (D_l, D_{l−1}) -> {"mean", "std", "saturated", "zero"},
                each (L,), over all N · D_l entries after the activation.
    Convention: the standard deviation is that of `torch.std`, which divides by n − 1. The word
                saturated is meant for tanh; a ReLU dies at zero.
    Raises:     ValueError for another activation, for N < 2, for no weights and for weights that
                do not chain.
    Source:     Glorot & Bengio 2010, Section 3 and Figures 2 and 3.
    """
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation: got {activation!r}, allowed is 'tanh' or 'relu'")
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, D) with N >= 2")
    if not weights:
        raise ValueError("weights: got none, allowed is one or more")
    width = x.shape[1]
    for index, weight in enumerate(weights):
        if weight.ndim != 2 or weight.shape[1] != width:
            got = tuple(weight.shape)
            raise ValueError(f"weights[{index}]: got shape {got}, allowed is (out, {width})")
        width = weight.shape[0]

    rows, h = [], x
    for weight in weights:
        z = h @ weight.T  # z_l = h_{l−1} W_lᵀ
        h = torch.tanh(z) if activation == "tanh" else F.relu(z)
        saturated = (h.abs() > 0.97).to(h.dtype).mean()  # fraction with |h| > 0.97
        zero = (h == 0).to(h.dtype).mean()  # fraction with h = 0
        rows.append(torch.stack([h.mean(), h.std(), saturated, zero]))
    columns = torch.stack(rows, dim=1)  # (4, L)
    return {"mean": columns[0], "std": columns[1], "saturated": columns[2], "zero": columns[3]}


def weight_gradient_stds(
    x: torch.Tensor, weights: list[torch.Tensor], output_gradient: torch.Tensor
) -> torch.Tensor:
    """Measure how large the weight gradient of every layer of a tanh network is.

    Formula:    h_l = tanh(h_{l−1} W_lᵀ) with h_0 = x; backward δ_l = ∂L/∂h_l ⊙ (1 − h_l²),
                ∂L/∂W_l = δ_lᵀ h_{l−1}, ∂L/∂h_{l−1} = δ_l W_l.
    Shapes:     x (N, D_0), weights W_l (D_l, D_{l−1}), output_gradient ∂L/∂h_L (N, D_L) -> (L,),
                the standard deviation of ∂L/∂W_l over its entries, first layer first.
    Convention: the standard deviation is that of `torch.std`, which divides by n − 1. The factor
                1/N of a mean loss belongs to the output gradient.
    Raises:     ValueError for no weights, for weights that do not chain, for a weight with a
                single entry and for another shape.
    Source:     Glorot & Bengio 2010, equations 2, 3 and 14.
    """
    if x.ndim != 2 or len(x) < 1:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, D) with N >= 1")
    if not weights:
        raise ValueError("weights: got none, allowed is one or more")
    width = x.shape[1]
    for index, weight in enumerate(weights):
        got = tuple(weight.shape)
        if weight.ndim != 2 or weight.shape[1] != width or weight.numel() < 2:
            allowed = f"(out, {width}) with two or more entries"
            raise ValueError(f"weights[{index}]: got shape {got}, allowed is {allowed}")
        width = weight.shape[0]
    if output_gradient.shape != (len(x), width):
        got = tuple(output_gradient.shape)
        raise ValueError(f"output_gradient: got shape {got}, allowed is {(len(x), width)}")

    activations = [x]
    for weight in weights:
        activations.append(torch.tanh(activations[-1] @ weight.T))  # h_l = tanh(h_{l−1} W_lᵀ)
    stds, gradient = [], output_gradient
    for layer in reversed(range(len(weights))):
        delta = gradient * (1 - activations[layer + 1] ** 2)  # δ_l = ∂L/∂h_l ⊙ (1 − h_l²)
        stds.append((delta.T @ activations[layer]).std())  # ∂L/∂W_l = δ_lᵀ h_{l−1}
        gradient = delta @ weights[layer]  # ∂L/∂h_{l−1} = δ_l W_l
    return torch.stack(stds[::-1])


def output_bias_gradient_at_zero(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Give the one gradient that a network of zeros has: that of its last bias.

    Formula: ∂L/∂b_c = 1/C − n_c/N for the mean softmax cross-entropy L, with n_c of the N labels
             equal to c: all logits are 0 and all probabilities 1/C.
    Shapes:  labels (N,) of integers in [0, C) -> (C,) in torch's default dtype.
    Raises:  ValueError for labels of another shape, kind or range, and for classes below 1.
    Source:  the gradient softmax(z) − onehot at z = 0 (Bridle 1990), averaged over the labels.
    """
    if classes < 1:
        raise ValueError(f"classes: got {classes}, allowed is classes >= 1")
    if labels.ndim != 1 or len(labels) < 1:
        raise ValueError(f"labels: got shape {tuple(labels.shape)}, allowed is (N,) with N >= 1")
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels: got {labels.dtype}, allowed is an integer type")
    if labels.min() < 0 or labels.max() >= classes:
        got = f"{labels.min().item()} to {labels.max().item()}"
        raise ValueError(f"labels: got {got}, allowed is integers in [0, {classes})")

    frequencies = torch.bincount(labels, minlength=classes) / len(labels)  # n_c / N
    return 1 / classes - frequencies  # softmax(0) − mean one-hot


def distinct_units(weight: torch.Tensor, tolerance: float = 1e-6) -> int:
    """Count the hidden units whose incoming weights differ: equal units learn the same.

    Formula:    the number of rows i without an earlier row j < i with max_k |w_ik − w_jk| ≤ tol.
    Shapes:     weight (out, in), one row per unit -> an integer from 1 to out.
    Convention: the tolerance is absolute, in units of the weights: give a smaller one for weights
                that are tiny.
    Raises:     ValueError for another shape, for no rows or columns and for a negative tolerance.
    Source:     Rumelhart et al. 1986 (symmetry breaking).

    >>> distinct_units(torch.tensor([[1.0, 2.0], [0.0, 2.0], [1.0, 2.0]]))
    2
    """
    if weight.ndim != 2 or weight.numel() < 1:
        got = tuple(weight.shape)
        raise ValueError(f"weight: got shape {got}, allowed is (out, in), each >= 1")
    if not tolerance >= 0:
        raise ValueError(f"tolerance: got {tolerance}, allowed is tolerance >= 0")

    distance = torch.cdist(weight, weight, p=math.inf)  # max_k |w_ik − w_jk|
    repeated = (distance <= tolerance).tril(diagonal=-1).any(dim=1)  # an earlier row is equal
    return int((~repeated).sum())


class ResidualBlock(nn.Module):
    """Add a branch of two linear layers to the input, and start as the identity.

    Formula:    y = x + W₂ relu(W₁ x) with W₁ ~ N(0, 2 / width) and W₂ = 0.
    Shapes:     x (..., width) -> (..., width).
    Convention: no biases. Only the last layer of the branch is zero: with both at zero no gradient
                would ever reach W₁ or W₂. At the first step W₂ alone has a gradient, W₁ from the
                second on.
    Raises:     ValueError for a width below 1 and for an input of another width.
    Source:     Goyal et al. 2017 (γ = 0); Zhang, Dauphin & Ma 2019 (Fixup).
    """

    def __init__(self, width: int) -> None:
        if width < 1:
            raise ValueError(f"width: got {width}, allowed is width >= 1")

        super().__init__()
        self.first = nn.Linear(width, width, bias=False)
        self.second = nn.Linear(width, width, bias=False)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")  # W₁ ~ N(0, 2 / width)
        nn.init.zeros_(self.second.weight)  # W₂ = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return y = x + W₂ relu(W₁ x)."""
        width = self.first.in_features
        if x.ndim < 1 or x.shape[-1] != width:
            raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (..., {width})")

        branch: torch.Tensor = self.second(F.relu(self.first(x)))  # W₂ relu(W₁ x)
        return x + branch
