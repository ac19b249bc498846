"""Regularization: penalties on weights, noise on activations, and stopping in time.

Every technique once. p is everywhere the probability of *dropping*, as in torch; what is kept has
the probability 1 − p. Only stochastic depth speaks, as its paper does, of survival.
"""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import nn


def l2_step(
    weights: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
    *,
    lr: float,
    weight_decay: float,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Give the L2 penalty, and the weights after one step of plain SGD on loss plus penalty.

    Formula:    penalty (λ/2) Σ_W Σ w²; step w ← w − η (g + λ w) = (1 − η λ) w − η g.
    Shapes:     tensors of any shapes and as many gradients of the loss alone -> a number (here a
                tensor without axes), and one new tensor for each weight.
    Convention: torch's, with the ½, so that the penalty's gradient is λ w. The penalty belongs to
                the weights before the step. All tensors given are penalized: whoever calls leaves
                biases out.
    Raises:     ValueError for no weights, for unequal numbers or shapes and for a negative setting.
    Source:     Krogh & Hertz 1992; Loshchilov & Hutter 2019 (the decay).
    """
    if not weights or [w.shape for w in weights] != [g.shape for g in gradients]:
        got = f"{len(weights)} weights and {len(gradients)} gradients"
        raise ValueError(f"weights and gradients: got {got}, allowed are as many, shaped alike")
    for name, value in (("lr", lr), ("weight_decay", weight_decay)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    squares = torch.stack([(w * w).sum() for w in weights])
    penalty = weight_decay / 2 * squares.sum()  # (λ/2) Σ w²
    shrink = 1 - lr * weight_decay
    return penalty, [shrink * w - lr * g for w, g in zip(weights, gradients, strict=True)]


def dropout(x: torch.Tensor, p: float, training: bool = True) -> torch.Tensor:
    """Set entries to 0 at random and make up for them by enlarging the others.

    Formula:    training y = x m / (1 − p) with m = 0 at probability p, else 1, for every entry by
                itself; otherwise y = x.
    Shapes:     x of any shape -> the same shape.
    Convention: inverted dropout, as in torch: E[y] = x, Var[y] = x² p / (1 − p). p is the
                probability of *dropping*.
    Raises:     ValueError for p outside [0, 1).
    Source:     Srivastava et al. 2014, Section 10 (scaling in training).
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")

    if not training:
        return x
    kept = torch.empty_like(x).bernoulli_(1 - p).bool()  # False with probability p
    return torch.where(kept, x / (1 - p), 0)


def dropout_backward(grad_output: torch.Tensor, kept: torch.Tensor, p: float) -> torch.Tensor:
    """Send a gradient back through inverted dropout.

    Formula:    ∂L/∂x = ∂L/∂y · m / (1 − p) with the m of the forward pass.
    Shapes:     grad_output of any shape, kept (the same, bool: True where an entry was kept) -> the
                same shape.
    Convention: p is the probability of *dropping*.
    Raises:     ValueError for p outside [0, 1) and for a mask of another shape or dtype.
    Source:     the chain rule; for one mask, dropout is a product with constants.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")
    if kept.dtype != torch.bool or kept.shape != grad_output.shape:
        got = f"{kept.dtype} of shape {tuple(kept.shape)}"
        raise ValueError(f"kept: got {got}, allowed is bool of shape {tuple(grad_output.shape)}")

    return grad_output * kept / (1 - p)


def average_over_masks(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, p: float
) -> torch.Tensor:
    """Average a function over all dropout masks of its input, exactly.

    Formula:    E[f] = Σ_m P(m) f(x m / (1 − p)) over all 2ⁿ masks m, with
                P(m) = (1 − p)^kept p^dropped: the integral ∫ p(z) f(x, z) dz of a noise z that
                takes finitely many values.
    Shapes:     x (n,); function (n,) -> (*S); -> (*S).
    Convention: inverted dropout, p is the probability of *dropping*.
    Raises:     ValueError for p outside [0, 1), and unless x is (n,) with 1 <= n <= 16.
    Source:     Srivastava et al. 2014 (averaging over all thinned networks).
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")
    if x.ndim != 1 or not 1 <= len(x) <= 16:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (n,) with 1 <= n <= 16")

    n, terms = len(x), []
    for number in range(2**n):  # its binary digits are the mask
        kept = x.new_tensor([number >> i & 1 for i in range(n)])
        count = number.bit_count()
        probability = (1 - p) ** count * p ** (n - count)
        terms.append(probability * function(x * kept / (1 - p)))
    return torch.stack(terms).sum(dim=0)


def stochastic_depth(
    x: torch.Tensor, branch: torch.Tensor, survival: float, training: bool = True
) -> torch.Tensor:
    """Add a residual branch for some examples only.

    Formula:    training y = x + b · branch with b = 1 at probability `survival`, else 0, one b for
                each example; otherwise y = x + survival · branch.
    Shapes:     x (N, …), branch (N, …), what the block computes of x -> (N, …).
    Convention: survival is the probability of *keeping*, as in the paper, which draws one b for a
                whole batch. Libraries draw one for each example (`drop_path`) and divide by the
                survival in training instead.
    Raises:     ValueError for survival outside (0, 1] and for two shapes.
    Source:     Huang et al. 2016, "Deep networks with stochastic depth".
    """
    if not 0 < survival <= 1:
        raise ValueError(f"survival: got {survival}, allowed is 0 < survival <= 1")
    if x.shape != branch.shape or not x.ndim:
        got = f"{tuple(x.shape)} and {tuple(branch.shape)}"
        raise ValueError(f"x and branch: got {got}, allowed is one shape (N, …)")

    if not training:
        return x + survival * branch
    one_each = (len(x), *[1] * (x.ndim - 1))
    kept = x.new_empty(one_each).bernoulli_(survival)  # one coin for each example
    return x + kept * branch


class EarlyStopping:
    """Stop when the validation loss no longer improves, and go back to where it was best.

    Formula:    an evaluation is an improvement if loss < best − min_delta; stop after `patience`
                evaluations in a row that are none.
    Convention: the first evaluation is an improvement. The best weights are a *copy*, buffers
                included. Which loss is passed is the caller's business: that of validation data.
    Raises:     ValueError for patience below 1 and a negative min_delta; RuntimeError where
                nothing was evaluated before `restore`.
    Source:     Prechelt 1998 (its rule UP counts strips in a row that got worse).
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        if patience < 1:
            raise ValueError(f"patience: got {patience}, allowed is patience >= 1")
        if not min_delta >= 0:
            raise ValueError(f"min_delta: got {min_delta}, allowed is min_delta >= 0")
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = math.inf
        self.best_state: dict[str, torch.Tensor] | None = None
        self.bad_evaluations = 0

    def step(self, loss: float, model: nn.Module) -> bool:
        """Take note of one evaluation; say whether to stop."""
        if loss < self.best_loss - self.min_delta:
            self.best_loss = loss
            self.best_state = copy.deepcopy(model.state_dict())
            self.bad_evaluations = 0
        else:
            self.bad_evaluations += 1
        return self.bad_evaluations >= self.patience

    def restore(self, model: nn.Module) -> None:
        """Give a model the weights of the best evaluation."""
        if self.best_state is None:
            raise RuntimeError("restore: nothing was evaluated yet; call step first")
        model.load_state_dict(self.best_state)


def elastic_net(
    weights: Sequence[torch.Tensor], *, l1: float, l2: float
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Give the elastic net penalty and its gradients; with l2 = 0 it is the L1 penalty.

    Formula:    penalty λ₁ Σ|w| + (λ₂/2) Σ w², gradient λ₁ sign(w) + λ₂ w with sign(0) = 0.
    Shapes:     tensors of any shapes -> a number (here a tensor without axes), one gradient for
                each.
    Raises:     ValueError for no weights and for a negative strength.
    Source:     Tibshirani 1996 (L1); Zou & Hastie 2005 (both).
    """
    if not weights:
        raise ValueError("weights: got 0 tensors, allowed is at least one")
    for name, value in (("l1", l1), ("l2", l2)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    each = torch.stack([l1 * w.abs().sum() + l2 / 2 * (w * w).sum() for w in weights])
    return each.sum(), [l1 * torch.sign(w) + l2 * w for w in weights]


def soft_threshold(w: torch.Tensor, threshold: float) -> torch.Tensor:
    """Move numbers toward 0 by a fixed amount, and no further than to 0.

    Formula:    sign(w) max(|w| − θ, 0), the v that makes (v − w)² / 2 + θ |v| least.
    Shapes:     w of any shape -> the same shape.
    Raises:     ValueError for a negative threshold.
    Source:     Donoho 1995; the proximal operator of the L1 norm.
    """
    if not threshold >= 0:
        raise ValueError(f"threshold: got {threshold}, allowed is threshold >= 0")

    return torch.sign(w) * (w.abs() - threshold).clamp(min=0)


def proximal_step(
    w: torch.Tensor, gradient: torch.Tensor, *, lr: float, l1: float, l2: float
) -> torch.Tensor:
    """Take a step on the loss alone, then the exact step of an elastic net.

    Formula:    v = w − η g; w ← soft_threshold(v, η λ₁) / (1 + η λ₂).
    Shapes:     w and the gradient of the loss, one shape -> the same shape.
    Convention: the quotient is the L2 part's own exact step; 1 − η λ₂ is its first order.
    Raises:     ValueError for two shapes and for a negative setting.
    Source:     Parikh & Boyd 2014, "Proximal algorithms".
    """
    if w.shape != gradient.shape:
        got = f"{tuple(w.shape)} and {tuple(gradient.shape)}"
        raise ValueError(f"w and gradient: got {got}, allowed is one shape")
    for name, value in (("lr", lr), ("l1", l1), ("l2", l2)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    after_the_loss = w - lr * gradient
    return soft_threshold(after_the_loss, lr * l1) / (1 + lr * l2)


def sklearn_settings(l1: float, l2: float) -> tuple[float, float]:
    """Say an elastic net in scikit-learn's settings.

    Formula:    λ₁ ‖w‖₁ + (λ₂/2) ‖w‖² = α ρ ‖w‖₁ + (α/2) (1 − ρ) ‖w‖² gives α = λ₁ + λ₂ and
                ρ = λ₁ / (λ₁ + λ₂).
    Convention: (α, ρ) are `alpha` and `l1_ratio` of `ElasticNet`, whose loss is ‖y − Xw‖² / (2n).
    Raises:     ValueError for a negative strength and where both are 0.
    Source:     scikit-learn's documentation of `ElasticNet`.
    """
    if not (l1 >= 0 and l2 >= 0 and 0 < l1 + l2 < math.inf):
        raise ValueError(f"l1 and l2: got {l1} and {l2}, allowed are two >= 0, one of them > 0")

    return l1 + l2, l1 / (l1 + l2)


def original_dropout(x: torch.Tensor, p: float, training: bool = True) -> torch.Tensor:
    """Set entries to 0 at random, and make up for them when no longer training.

    Formula:    training y = x m with m = 0 at probability p, else 1, for every entry by itself;
                otherwise y = (1 − p) x.
    Shapes:     x of any shape -> the same shape.
    Convention: p is the probability of *dropping*; the papers' p is that of keeping.
    Raises:     ValueError for p outside [0, 1).
    Source:     Hinton et al. 2012; Srivastava et al. 2014.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")

    if not training:
        return (1 - p) * x
    kept = torch.empty_like(x).bernoulli_(1 - p).bool()
    return torch.where(kept, x, 0)


def ensemble_averages(
    logits: torch.Tensor, probabilities: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Average the predictions of subnetworks in two ways: as probabilities, and as logarithms.

    Formula:    arithmetic Σ_m P(m) softmax(s_m); geometric Π_m softmax(s_m)^P(m), normalized to sum
                1, which is softmax(Σ_m P(m) s_m).
    Shapes:     logits (M, C), one row for each subnetwork, probabilities (M,) of their masks, which
                sum to 1 -> two tensors (C,).
    Raises:     ValueError for other shapes.
    Source:     Hinton et al. 2012; Baldi & Sadowski 2013 (the normalized geometric mean).
    """
    if logits.ndim != 2 or probabilities.shape != logits.shape[:1]:
        got = f"{tuple(logits.shape)} and {tuple(probabilities.shape)}"
        raise ValueError(f"logits and probabilities: got {got}, allowed is (M, C) and (M,)")

    arithmetic = probabilities @ torch.softmax(logits, dim=1)
    geometric = torch.softmax(probabilities @ logits, dim=0)
    return arithmetic, geometric


def channel_dropout(x: torch.Tensor, p: float, training: bool = True) -> torch.Tensor:
    """Drop whole feature maps.

    Formula:    as `dropout`, with one m for every channel of every example.
    Shapes:     x (N, C, …) -> the same shape.
    Convention: inverted, p is the probability of *dropping*; `F.dropout2d` for images.
    Raises:     ValueError for p outside [0, 1) and for fewer than two axes.
    Source:     Tompson et al. 2015.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")
    if x.ndim < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C, …)")

    if not training:
        return x
    one_each = (*x.shape[:2], *[1] * (x.ndim - 2))
    kept = (
        x.new_empty(one_each).bernoulli_(1 - p).bool()
    )  # one coin for each channel of each example
    return torch.where(kept, x / (1 - p), 0)


def drop_connect(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, p: float
) -> torch.Tensor:
    """Apply a linear layer of which every example sees only some of the weights.

    Formula:    u_n = (M_n ∘ W) x_n + b, every entry of M_n 0 at probability p, else 1.
    Shapes:     x (N, D), weight (K, D), bias (K,) -> (N, K).
    Convention: a mask (K, D) for each example; the bias is not dropped; nothing is rescaled in
                training (see `drop_connect_inference`). p is the probability of *dropping*.
    Raises:     ValueError for p outside [0, 1) and for other shapes.
    Source:     Wan et al. 2013.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")
    if x.ndim != 2 or weight.shape != (len(bias), x.shape[1]):
        got = f"{tuple(x.shape)}, {tuple(weight.shape)} and {tuple(bias.shape)}"
        raise ValueError(f"x, weight and bias: got {got}, allowed is (N, D), (K, D) and (K,)")

    kept = x.new_empty(len(x), *weight.shape).bernoulli_(1 - p)  # a mask for each example
    return torch.einsum("nkd,nd->nk", kept * weight, x) + bias


def drop_connect_inference(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, p: float
) -> torch.Tensor:
    """Average relu(u) over DropConnect's masks, with u taken to be normal.

    Formula:    u ~ N(μ, σ²) with μ = (1 − p) W x + b and σ² = p (1 − p) (W∘W)(x∘x);
                E[relu(u)] = μ Φ(μ/σ) + σ φ(μ/σ), and relu(μ) where σ = 0.
    Shapes:     x (N, D), weight (K, D), bias (K,) -> (N, K).
    Convention: the paper draws from N(μ, σ²) and averages; for ReLU the mean has a closed form.
    Raises:     ValueError for p outside [0, 1) and for other shapes.
    Source:     Wan et al. 2013 (matching the moments).
    """
    if not 0 <= p < 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p < 1")
    if x.ndim != 2 or weight.shape != (len(bias), x.shape[1]):
        got = f"{tuple(x.shape)}, {tuple(weight.shape)} and {tuple(bias.shape)}"
        raise ValueError(f"x, weight and bias: got {got}, allowed is (N, D), (K, D) and (K,)")

    mean = (1 - p) * (x @ weight.T) + bias
    std = (p * (1 - p) * (x**2 @ weight.T**2)).sqrt()
    z = mean / std.clamp(min=torch.finfo(x.dtype).tiny)  # without variance ±∞ or 0
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return mean * torch.special.ndtr(z) + std * density


def survival_probabilities(blocks: int, last: float) -> list[float]:
    """Give every residual block its probability to survive, falling linearly with depth.

    Formula:    p_ℓ = 1 − (ℓ/L) (1 − p_L) for ℓ = 1…L.
    Shapes:     -> L numbers; the last one is p_L, and the expected depth is their sum.
    Raises:     ValueError for fewer than one block and for p_L outside (0, 1].
    Source:     Huang et al. 2016 (the linear decay rule).

    >>> survival_probabilities(4, 0.5)
    [0.875, 0.75, 0.625, 0.5]
    """
    if blocks < 1:
        raise ValueError(f"blocks: got {blocks}, allowed is blocks >= 1")
    if not 0 < last <= 1:
        raise ValueError(f"last: got {last}, allowed is 0 < last <= 1")

    return [1 - block / blocks * (1 - last) for block in range(1, blocks + 1)]


def pooling_boundaries(size: int, reduction: float, offset: float) -> list[int]:
    """Cut a line of pixels into regions of one or two, pseudorandomly.

    Formula:    M = ⌊N/α⌋ regions; with α' = N/M their boundaries are
                b_i = ⌈α' (i + u)⌉ − ⌈α' u⌉ for i = 0…M, so that b_0 = 0 and b_M = N.
    Shapes:     size N, reduction α in (1, 2), offset u in (0, 1) -> M + 1 whole numbers; region i
                holds the pixels b_i … b_{i+1} − 1.
    Convention: counted from 0, half-open; the paper counts from 1.
    Raises:     ValueError for settings outside of these intervals, and where α' would exceed 2.
    Source:     Graham 2014 (pseudorandom sequences).
    """
    if not 1 < reduction < 2:
        raise ValueError(f"reduction: got {reduction}, allowed is 1 < reduction < 2")
    if not 0 < offset < 1:
        raise ValueError(f"offset: got {offset}, allowed is 0 < offset < 1")
    if size < 2 or 2 * math.floor(size / reduction) < size:
        raise ValueError(f"size: got {size}, allowed is size <= 2 * floor(size / reduction)")

    regions = math.floor(size / reduction)
    ratio = size / regions  # α', which M regions have exactly
    first = math.ceil(ratio * offset)
    return [math.ceil(ratio * (i + offset)) - first for i in range(regions)] + [size]


def fractional_max_pool_2d(
    x: torch.Tensor, rows: Sequence[int], columns: Sequence[int], overlapping: bool = False
) -> torch.Tensor:
    """Take the largest entry of every region between given boundaries.

    Formula:    y_ij = max of x over rows r_i … r_{i+1} − 1 and columns c_j … c_{j+1} − 1; a region
                that overlaps goes on to r_{i+1} and c_{j+1}, where these exist.
    Shapes:     x (N, C, H, W), rows R + 1 numbers from 0 to H, columns K + 1 from 0 to W
                -> (N, C, R, K).
    Raises:     ValueError for another number of axes, and unless boundaries lead from 0 to the
                size in steps of 1 or 2.
    Source:     Graham 2014, "Fractional max-pooling".
    """
    if x.ndim != 4:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N, C, H, W)")
    for name, cuts, size in (("rows", rows, x.shape[2]), ("columns", columns, x.shape[3])):
        steps = {float(cuts[i + 1] - cuts[i]) for i in range(len(cuts) - 1)}
        if not steps or not steps <= {1, 2} or (cuts[0], cuts[-1]) != (0, size):
            raise ValueError(f"{name}: got {list(cuts)}, allowed is 0 to {size} by 1 or 2")

    more, pooled = (1 if overlapping else 0), []
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            region = x[:, :, rows[i] : rows[i + 1] + more, columns[j] : columns[j + 1] + more]
            pooled.append(region.amax(dim=(2, 3)))
    return torch.stack(pooled, dim=-1).unflatten(-1, (len(rows) - 1, len(columns) - 1))


def scatter_in_company(
    example: torch.Tensor, companies: torch.Tensor, *, eps: float = 1e-5
) -> torch.Tensor:
    """Say how far batch normalization throws one example about, with who else is in the batch.

    Formula:    x̂_t = (x − μ_t) / √(σ²_t + ε) with mean and biased variance of the batch of x and
                company t; the standard deviation (÷ T) of x̂_1 … x̂_T, feature by feature.
    Shapes:     example (D,), companies (T, B − 1, D) -> (D,).
    Raises:     ValueError for other shapes.
    Source:     Ioffe & Szegedy 2015, Section 3.4; Luo et al. 2019.
    """
    if example.ndim != 1 or companies.ndim != 3 or companies.shape[2:] != example.shape:
        got = f"{tuple(example.shape)} and {tuple(companies.shape)}"
        raise ValueError(f"example and companies: got {got}, allowed is (D,) and (T, B - 1, D)")

    count = len(companies)
    batches = torch.cat([example.expand(count, 1, -1), companies], dim=1)  # (T, B, D)
    mean, variance = batches.mean(dim=1), batches.var(dim=1, correction=0)
    normalized = (example - mean) / torch.sqrt(variance + eps)
    return normalized.std(dim=0, correction=0)
