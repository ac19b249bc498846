"""Activations: nonlinearities, their slopes, and what they do to signals, gradients and units."""

import math

import torch
from torch import nn


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Squash every number into (0, 1), without overflow in the value or in its gradient.

    Formula: σ(x) = 1 / (1 + e^{−x}) = e^x / (1 + e^x).
    Shapes:  x of any shape -> the same shape.
    Raises:  ValueError for whole numbers: bytes have no negative ones.
    Source:  LeCun et al. 1998, Efficient BackProp, Section 4.4.

    >>> sigmoid(torch.tensor([-1000.0, 0.0]))
    tensor([0.0000, 0.5000])
    """
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    rising = torch.exp(x.clamp(max=0))  # e^x for x < 0, at most 1 everywhere
    falling = torch.exp(-x.clamp(min=0))  # e^{−x} for x ≥ 0, at most 1 everywhere
    return torch.where(x >= 0, 1 / (1 + falling), rising / (1 + rising))


def sigmoid_backward(grad_output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Propagate a gradient through `sigmoid`.

    Formula: dx = dy · σ(x) (1 − σ(x)), a slope of at most 1/4.
    Shapes:  grad_output dy and x of one shape -> the same shape.
    Raises:  ValueError for different shapes.
    Source:  LeCun et al. 1998, Efficient BackProp, Section 4.4.
    """
    if grad_output.shape != x.shape:
        got = tuple(grad_output.shape)
        raise ValueError(f"grad_output: got shape {got}, allowed is that of x, {tuple(x.shape)}")

    y = sigmoid(x)
    return grad_output * y * (1 - y)  # dy · σ(x) (1 − σ(x))


def tanh(x: torch.Tensor) -> torch.Tensor:
    """Squash every number into (−1, 1), an odd function of slope 1 at zero.

    Formula: tanh(x) = 2 σ(2x) − 1 = σ(2x) (1 − e^{−2x}). Near 0 the first difference loses the
             digits that the second keeps.
    Shapes:  x of any shape -> the same shape.
    Raises:  ValueError for whole numbers.
    Source:  LeCun et al. 1998, Efficient BackProp, Section 4.4.
    """
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    above = -sigmoid(2 * x) * torch.expm1(-2 * x.clamp(min=0))  # σ(2x) (1 − e^{−2x}) for x ≥ 0
    below = sigmoid(-2 * x) * torch.expm1(2 * x.clamp(max=0))  # −tanh(−x) for x < 0
    return torch.where(x >= 0, above, below)


def tanh_backward(grad_output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Propagate a gradient through tanh.

    Formula: dx = dy · (1 − tanh²(x)).
    Shapes:  grad_output dy and x of one shape -> the same shape.
    Raises:  ValueError for different shapes.
    Source:  LeCun et al. 1998, Efficient BackProp, Section 4.4.
    """
    if grad_output.shape != x.shape:
        got = tuple(grad_output.shape)
        raise ValueError(f"grad_output: got shape {got}, allowed is that of x, {tuple(x.shape)}")

    return grad_output * (1 - torch.tanh(x) ** 2)  # dy · (1 − tanh²(x))


def relu(x: torch.Tensor) -> torch.Tensor:
    """Cut off what is negative.

    Formula:    y = max(0, x).
    Shapes:     x of any shape -> the same shape, a new tensor.
    Convention: the slope at exactly 0 is 0, and what is not a number stays so, as in torch.
    Source:     Nair & Hinton 2010; Krizhevsky et al. 2012, Section 3.1.

    >>> relu(torch.tensor([-2.0, 3.0, float("nan")]))
    tensor([0., 3., nan])
    """
    return torch.where(x <= 0, torch.zeros_like(x), x)  # max(0, x), of slope 0 at 0


def relu_backward(grad_output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Propagate a gradient through `relu`.

    Formula:    dx = dy · 1[x > 0].
    Shapes:     grad_output dy and x of one shape -> the same shape.
    Convention: nothing passes where x is exactly 0, as in torch; there is no derivative there, and
                other libraries let the gradient through.
    Raises:     ValueError for different shapes.
    Source:     Nair & Hinton 2010.
    """
    if grad_output.shape != x.shape:
        got = tuple(grad_output.shape)
        raise ValueError(f"grad_output: got shape {got}, allowed is that of x, {tuple(x.shape)}")

    return torch.where(x > 0, grad_output, torch.zeros_like(grad_output))  # dy · 1[x > 0]


def leaky_relu(x: torch.Tensor, negative_slope: float = 0.01) -> torch.Tensor:
    """Let a small share of what is negative through, so that the slope is never zero.

    Formula:    y = x for x > 0, a x otherwise, with a the negative slope.
    Shapes:     x of any shape -> the same shape.
    Convention: max(a x, x) is the same only for a ≤ 1.
    Source:     Maas, Hannun & Ng 2013.
    """
    return torch.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(
    grad_output: torch.Tensor, x: torch.Tensor, negative_slope: float = 0.01
) -> torch.Tensor:
    """Propagate a gradient through `leaky_relu`.

    Formula: dx = dy for x > 0, a dy otherwise, however far x is from zero.
    Shapes:  grad_output dy and x of one shape -> the same shape.
    Raises:  ValueError for different shapes.
    Source:  Maas, Hannun & Ng 2013.
    """
    if grad_output.shape != x.shape:
        got = tuple(grad_output.shape)
        raise ValueError(f"grad_output: got shape {got}, allowed is that of x, {tuple(x.shape)}")

    return torch.where(x > 0, grad_output, negative_slope * grad_output)


class PReLU(nn.Module):
    """A leaky ReLU that learns its slope: one for all channels, or one for each.

    Formula:    y = max(0, x) + a_c · min(0, x), with a_c in `weight`, a parameter.
    Shapes:     x (N, C, …) -> the same shape; `weight` has shape (1,) or (C,).
    Convention: as in torch, num_parameters is 1 or C and all slopes start at init.
                Weight decay does not belong on a: it would pull it toward ReLU.
    Raises:     ValueError for num_parameters below 1 and for an input of other channels.
    Source:     He et al. 2015.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        if num_parameters < 1:
            raise ValueError(f"num_parameters: got {num_parameters}, allowed is >= 1")

        super().__init__()
        self.weight = nn.Parameter(torch.full((num_parameters,), init))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return y = max(0, x) + a_c · min(0, x)."""
        if len(self.weight) > 1 and (x.ndim < 2 or x.shape[1] != len(self.weight)):
            got, allowed = tuple(x.shape), f"(N, {len(self.weight)}, …)"
            raise ValueError(f"x: got shape {got}, allowed is {allowed}")

        slope: torch.Tensor = self.weight
        if len(slope) > 1:
            slope = slope.reshape(-1, *[1] * (x.ndim - 2))  # a_c along axis 1, whatever follows it
        return torch.where(x > 0, x, slope * x)


def prelu_backward(
    grad_output: torch.Tensor, x: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Propagate a gradient through `PReLU`: to the input and to the slopes.

    Formula: dx = dy for x > 0, a_c dy otherwise; da_c = Σ min(0, x) · dy over all entries that
             use a_c.
    Shapes:  grad_output dy and x (N, C, …), weight a (1,) or (C,) -> dx like x, da like weight.
    Raises:  ValueError for different shapes and for another number of slopes.
    Source:  He et al. 2015.
    """
    if grad_output.shape != x.shape or x.ndim < 2:
        got, allowed = tuple(grad_output.shape), f"(N, C, …), that of x, {tuple(x.shape)}"
        raise ValueError(f"grad_output: got shape {got}, allowed is {allowed}")
    if weight.shape not in ((1,), (x.shape[1],)):
        got = tuple(weight.shape)
        raise ValueError(f"weight: got shape {got}, allowed is (1,) or ({x.shape[1]},)")

    slope = weight.reshape(-1, *[1] * (x.ndim - 2))  # a_c along axis 1
    grad_x = torch.where(x > 0, grad_output, slope * grad_output)
    by_entry = x.clamp(max=0) * grad_output  # min(0, x) · dy
    grad_weight = by_entry.sum_to_size(slope.shape).reshape(weight.shape)  # Σ where a_c was used
    return grad_x, grad_weight


def elu(x: torch.Tensor, alpha: float = 1.0) -> torch.Tensor:
    """Let what is negative level off at −α, without overflow in the value or in its gradient.

    Formula:    y = x for x > 0, α (e^x − 1) otherwise.
    Shapes:     x of any shape -> the same shape.
    Convention: autograd takes the slope from y + α: far left it is exact to the rounding of α, not
                to that of α e^x, which `elu_backward` gives.
    Source:     Clevert, Unterthiner & Hochreiter 2016.

    >>> elu(torch.tensor([-1000.0, 3.0]), alpha=0.5)
    tensor([-0.5000,  3.0000])
    """
    negative = alpha * torch.expm1(x.clamp(max=0))  # e^x is never taken of a large positive x
    return torch.where(x > 0, x, negative)


def elu_backward(grad_output: torch.Tensor, x: torch.Tensor, alpha: float = 1.0) -> torch.Tensor:
    """Propagate a gradient through `elu`.

    Formula: dx = dy for x > 0, dy · (ELU(x) + α) = dy · α e^x otherwise.
    Shapes:  grad_output dy and x of one shape -> the same shape.
    Raises:  ValueError for different shapes.
    Source:  Clevert, Unterthiner & Hochreiter 2016.
    """
    if grad_output.shape != x.shape:
        got = tuple(grad_output.shape)
        raise ValueError(f"grad_output: got shape {got}, allowed is that of x, {tuple(x.shape)}")

    slope = torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
    return grad_output * slope


def elu_mean(std: float, alpha: float) -> float:
    """Give the mean that an ELU leaves of a normal signal of mean zero.

    Formula:    E[ELU_α(y)] = σ/√(2π) + α (e^{σ²/2} Φ(−σ) − ½) for y ~ N(0, σ²), with Φ the
                distribution function of N(0, 1).
    Convention: α = 0 is ReLU, whose mean is σ/√(2π) = 0.40 σ. With σ = α = 1 it is 0.16: ELU is
                closer to zero mean, not zero-centered.
    Raises:     ValueError for a std outside [0, 37]: beyond, float64 does not reach.
    Source:     the integral of Clevert, Unterthiner & Hochreiter's function (2016) over N(0, σ²).
    """
    if not 0 <= std <= 37:
        raise ValueError(f"std: got {std}, allowed is 0 <= std <= 37")

    positive_side = std / math.sqrt(2 * math.pi)  # E[max(0, y)] = σ/√(2π)
    tail = 0.5 * math.erfc(std / math.sqrt(2))  # Φ(−σ)
    negative_side = alpha * (math.exp(std**2 / 2) * tail - 0.5)  # α (E[e^y; y < 0] − ½)
    return positive_side + negative_side


def selu(x: torch.Tensor) -> torch.Tensor:
    """Scale an ELU so that signals of mean 0 and variance 1 stay so from layer to layer.

    Formula:    y = λ ELU_α(x) with α = 1.6732632423543772 and λ = 1.0507009873554805.
    Shapes:     x of any shape -> the same shape.
    Convention: the constants belong to weights of variance 1 / fan_in (`selu_weights`).
    Source:     Klambauer et al. 2017.
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * elu(x, alpha)  # λ on both sides


def selu_weights(
    fan_in: int,
    fan_out: int,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Draw the weights that SELU's constants were computed for.

    Formula: w ~ N(0, 1 / fan_in), LeCun's initialization.
    Shapes:  -> (fan_out, fan_in), as torch stores a linear layer.
    Raises:  ValueError for a fan below 1.
    Source:  Klambauer et al. 2017.
    """
    for name, fan in (("fan_in", fan_in), ("fan_out", fan_out)):
        if fan < 1:
            raise ValueError(f"{name}: got {fan}, allowed is {name} >= 1")

    return torch.randn(fan_out, fan_in, dtype=dtype, device=device) / math.sqrt(fan_in)


def alpha_dropout(x: torch.Tensor, p: float, training: bool = True) -> torch.Tensor:
    """Drop units to SELU's lower limit, then repair mean and variance.

    Formula:    y = a (x d + α' (1 − d)) + b with d = 1 at probability q = 1 − p, α' = −λα,
                a = (q + α'² q p)^{−1/2} and b = −a p α'.
    Shapes:     x of any shape, of mean 0 and variance 1 -> the same shape, mean 0 and variance 1.
    Convention: p is the probability of dropping, as in torch; q in the paper is 1 − p.
    Raises:     ValueError for p outside [0, 1).
    Source:     Klambauer et al. 2017, "New dropout technique".
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")

    if not training:
        return x
    lowest = -1.0507009873554805 * 1.6732632423543772  # α' = −λα, the limit of SELU at −∞
    kept = torch.empty_like(x).bernoulli_(1 - p).bool()  # d, as often in every precision
    a = 1 / math.sqrt((1 - p) + lowest**2 * (1 - p) * p)
    b = -a * p * lowest
    return a * torch.where(kept, x, lowest) + b


def maxout(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Let every unit take the largest of its k linear pieces.

    Formula: y_nm = max_i (Σ_d W_imd x_nd + b_im) over the pieces i = 1…k.
    Shapes:  x (N, D), weight (k, M, D), bias (k, M) -> (N, M).
    Raises:  ValueError for other shapes.
    Source:  Goodfellow et al. 2013, Section 3.

    >>> maxout(torch.ones(1, 1), torch.tensor([[[2.0]], [[-3.0]]]), torch.zeros(2, 1))
    tensor([[2.]])
    """
    if weight.ndim != 3 or x.ndim != 2 or weight.shape[2] != x.shape[1]:
        got = f"{tuple(x.shape)} and {tuple(weight.shape)}"
        raise ValueError(f"x and weight: got shapes {got}, allowed are (N, D) and (k, M, D)")
    if bias.shape != weight.shape[:2]:
        allowed = tuple(weight.shape[:2])
        raise ValueError(f"bias: got shape {tuple(bias.shape)}, allowed is {allowed}")

    pieces = x @ weight.transpose(1, 2) + bias[:, None]  # (k, N, M)
    return pieces.amax(dim=0)  # over the pieces, not over the units


def maxout_backward(
    grad_output: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Propagate a gradient through `maxout`: to the input, the weights and the biases.

    Formula: dz_inm = dy_nm where piece i is the largest of unit m for example n, 0 elsewhere;
             dx = Σ_i dz_i W_i, dW_i = dz_iᵀ x, db_i = Σ_n dz_in.
    Shapes:  grad_output dy (N, M), x (N, D), weight (k, M, D), bias (k, M)
             -> dx (N, D), dW (k, M, D), db (k, M).
    Raises:  ValueError for a gradient of another shape.
    Source:  Goodfellow et al. 2013, Section 3.
    """
    if grad_output.shape != (len(x), weight.shape[1]):
        got, allowed = tuple(grad_output.shape), (len(x), weight.shape[1])
        raise ValueError(f"grad_output: got shape {got}, allowed is {allowed}")

    pieces = x @ weight.transpose(1, 2) + bias[:, None]  # (k, N, M)
    winner = pieces.argmax(dim=0, keepdim=True)  # (1, N, M)
    routed = torch.zeros_like(pieces).scatter(0, winner, grad_output[None])  # dz: one piece each
    grad_x = (routed @ weight).sum(dim=0)  # dx = Σ_i dz_i W_i
    grad_weight = routed.transpose(1, 2) @ x  # dW_i = dz_iᵀ x
    grad_bias = routed.sum(dim=1)  # db_i = Σ_n dz_in
    return grad_x, grad_weight, grad_bias


def maxout_parameters(inputs: int, outputs: int, pieces: int) -> int:
    """Count the numbers that a maxout layer learns.

    Formula: k (D + 1) M for k pieces, D inputs, M outputs: every piece is a linear layer.
    Raises:  ValueError for a count below 1.
    Source:  Goodfellow et al. 2013, Section 3.
    """
    for name, count in (("inputs", inputs), ("outputs", outputs), ("pieces", pieces)):
        if count < 1:
            raise ValueError(f"{name}: got {count}, allowed is {name} >= 1")

    return pieces * (inputs + 1) * outputs


def leaky_relu_as_maxout(
    weight: torch.Tensor, bias: torch.Tensor, negative_slope: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Write a linear layer with a leaky ReLU behind it as a maxout layer of two pieces.

    Formula: max(z, a z) = LeakyReLU_a(z) for 0 ≤ a ≤ 1, so the second piece is a times the first.
    Shapes:  weight (M, D), bias (M,) -> weight (2, M, D), bias (2, M).
    Raises:  ValueError for a slope outside [0, 1]: its function is not the larger of two lines.
    Source:  Goodfellow et al. 2013, Section 3.
    """
    if not 0 <= negative_slope <= 1:
        raise ValueError(f"negative_slope: got {negative_slope}, allowed is 0 <= slope <= 1")

    return (
        torch.stack([weight, negative_slope * weight]),
        torch.stack([bias, negative_slope * bias]),
    )


def saturated_fraction(
    h: torch.Tensor, low: float, high: float, margin: float = 0.03
) -> torch.Tensor:
    """Measure how many outputs of a squashing function lie close to either of its limits.

    Formula: the share of entries with h < low + m or h > high − m, where m = margin · (high − low).
    Shapes:  h of any shape, between low and high -> a tensor with one number.
    Raises:  ValueError for limits in the wrong order and for a margin outside [0, 1/2].
    Source:  Glorot & Bengio 2010, Section 3.
    """
    if not low < high:
        raise ValueError(f"low and high: got {low} and {high}, allowed is low < high")
    if not 0 <= margin <= 0.5:
        raise ValueError(f"margin: got {margin}, allowed is 0 <= margin <= 0.5")

    distance = margin * (high - low)  # relative to the range, which is 1 for σ and 2 for tanh
    saturated = (h < low + distance) | (h > high - distance)  # flat at both ends
    return saturated.to(h.dtype).mean()


def backward_bound(activation: str, layers: int, weight_norm: float) -> float:
    """Bound the factor by which a gradient can grow on its way back through a plain network.

    Formula: (max |f'| · ‖W‖)^L; the largest slope is 1/4 for sigmoid, 1 for tanh and relu.
    Shapes:  weight_norm is the largest singular value of every layer's weights.
    Raises:  ValueError for another activation, for a negative number of layers or norm.
    Source:  Hochreiter 1991; Bengio, Simard & Frasconi 1994.
    """
    names = ("sigmoid", "tanh", "relu")
    if activation not in names:
        raise ValueError(f"activation: got {activation!r}, allowed is one of {names}")
    for name, value in (("layers", layers), ("weight_norm", weight_norm)):
        if not value >= 0:
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 0")

    steepest = 0.25 if activation == "sigmoid" else 1.0  # max |f'|
    return (steepest * weight_norm) ** layers


def gradients_over_depth(
    x: torch.Tensor, weights: list[torch.Tensor], activation: str, output_gradient: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Measure two gradients in every layer: that of its activations and that of its weights.

    Formula:    h_l = f(h_{l−1} W_lᵀ), δ_l = ∂L/∂h_l ⊙ f'(z_l), ∂L/∂W_l = δ_lᵀ h_{l−1},
                ∂L/∂h_{l−1} = δ_l W_l; the standard deviations of all ∂L/∂h_l and all ∂L/∂W_l.
    Shapes:     x (N, D₀), weights of (D_l, D_{l−1}), output_gradient ∂L/∂h_L (N, D_L)
                -> {"activations": (L,), "weights": (L,)}, first layer first.
    Convention: without biases; activation is "sigmoid", "tanh" or "relu".
    Raises:     ValueError for another activation and for no layers.
    Source:     Glorot & Bengio 2010, equations 2 and 3.
    """
    names = ("sigmoid", "tanh", "relu")
    if activation not in names:
        raise ValueError(f"activation: got {activation!r}, allowed is one of {names}")
    if not weights:
        raise ValueError("weights: got none, allowed is at least one layer")

    f = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[activation]
    outputs = [x]
    for weight in weights:
        outputs.append(f(outputs[-1] @ weight.T))  # h_l = f(h_{l−1} W_lᵀ)
    found: dict[str, list[torch.Tensor]] = {"activations": [], "weights": []}
    gradient = output_gradient  # ∂L/∂h_L
    for layer in reversed(range(len(weights))):
        h = outputs[layer + 1]
        slope = {"sigmoid": h * (1 - h), "tanh": 1 - h**2, "relu": (h > 0).to(h.dtype)}[activation]
        delta = gradient * slope  # δ_l = ∂L/∂h_l ⊙ f'(z_l)
        found["activations"].append(gradient.std())
        found["weights"].append((delta.T @ outputs[layer]).std())  # ∂L/∂W_l = δ_lᵀ h_{l−1}
        gradient = delta @ weights[layer]  # ∂L/∂h_{l−1} = δ_l W_l
    return {name: torch.stack(stds[::-1]) for name, stds in found.items()}


def one_sided_fractions(
    grad_output: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Measure how often all weights of a unit are pushed the same way: per example, per batch.

    Formula:    the gradient of unit m is δ_nm x_n for example n and Σ_n δ_nm x_n for the batch;
                the share of pairs (n, m), and the share of units m, without two entries of
                opposite sign.
    Shapes:     grad_output δ (N, M), the gradient at the pre-activations, no entry 0;
                x (N, D), the input of the layer -> two tensors with one number each.
    Raises:     ValueError for different numbers of examples.
    Source:     LeCun et al. 1998, Efficient BackProp, Section 4.3.
    """
    if grad_output.ndim != 2 or x.ndim != 2 or len(grad_output) != len(x):
        got = f"{tuple(grad_output.shape)} and {tuple(x.shape)}"
        raise ValueError(f"grad_output and x: got shapes {got}, allowed are (N, M) and (N, D)")

    gradient = grad_output.T @ x  # (M, D), one row per unit
    # Per example δ is a factor in front of x_n: whether signs differ is a question to x alone.
    per_example, per_batch = (
        ((rows >= 0).all(dim=1) | (rows <= 0).all(dim=1)).to(x.dtype).mean()
        for rows in (x, gradient)
    )
    return per_example, per_batch


def dead_fraction(batches: list[torch.Tensor]) -> torch.Tensor:
    """Measure how many ReLU units are dead on a data set: active for none of its examples.

    Formula: the share of units m with z_nm ≤ 0 for all examples n of all batches.
    Shapes:  batches of pre-activations z, (N_b, M) each -> a tensor with one number.
    Raises:  ValueError for no batches.
    Source:  Lu et al. 2019, "Dying ReLU and initialization".

    >>> dead_fraction([torch.tensor([[-1.0, 2.0]]), torch.tensor([[-3.0, -4.0]])])
    tensor(0.5000)
    """
    if not batches:
        raise ValueError("batches: got none, allowed is at least one")

    active = torch.stack([(z > 0).any(dim=0) for z in batches])  # (batches, M)
    alive = active.any(dim=0)  # one active example anywhere is enough
    return (~alive).to(batches[0].dtype).mean()


def active_probability(bias: float, std: float) -> float:
    """Give the probability that a ReLU unit with a bias is active for an example.

    Formula: P(z > 0) = Φ(b/σ) for z ~ N(b, σ²), with Φ the distribution function of N(0, 1).
    Shapes:  numbers; std σ is the spread of the pre-activation without its bias.
    Raises:  ValueError for a std that is not positive.
    Source:  the normal distribution; the bias of 0.01 is from CS231n's notes.
    """
    if not std > 0:
        raise ValueError(f"std: got {std}, allowed is std > 0")

    return 0.5 * math.erfc(-bias / (std * math.sqrt(2)))  # Φ(b/σ), exact also where it is tiny


def compare_paired(
    first: torch.Tensor, second: torch.Tensor
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Compare two methods that were run on the same seeds: each by itself, and in pairs.

    Formula:    mean and standard error s / √n, with s² = Σ (v − v̄)² / (n − 1), of the first
                scores, of the second, and of the differences first − second.
    Shapes:     first, second (n,), entry i of both from seed i -> three pairs (mean, error).
    Convention: s is the unbiased standard deviation, torch's default.
    Raises:     ValueError for other shapes and for fewer than two seeds.
    Source:     Student 1908, "The probable error of a mean".
    """
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        got = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise ValueError(f"first and second: got shapes {got}, allowed are (n,), (n,) with n >= 2")

    samples = {"first": first, "second": second, "difference": first - second}
    return {
        name: (values.mean(), values.std() / math.sqrt(len(values)))  # v̄ and s / √n
        for name, values in samples.items()
    }


def tuned_rates(validation: torch.Tensor, rates: torch.Tensor) -> torch.Tensor:
    """Choose a learning rate for every method, by the mean of its validation scores over seeds.

    Formula: rate_i = rates[argmax_j mean_s validation_ijs].
    Shapes:  validation (methods, rates, seeds), rates (rates,) -> (methods,).
    Raises:  ValueError for shapes that do not fit.
    Source:  Choi et al. 2019, "On empirical comparisons of optimizers": tune first, then compare.
    """
    if validation.ndim != 3 or rates.shape != validation.shape[1:2]:
        got = f"{tuple(validation.shape)} and {tuple(rates.shape)}"
        raise ValueError(f"validation and rates: got shapes {got}, allowed are (A, R, S) and (R,)")

    best = validation.mean(dim=2).argmax(dim=1)  # for every method its own
    return rates[best]
