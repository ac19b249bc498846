"""Optimizers: update rules with memory, rates and curvature, Newton's method, clipping."""

import math

import torch


class GradientDescent:
    """Step every parameter against its gradient; the frame in which every other rule stands.

    Formula:    w ← w − η g.
    Convention: as in `torch.optim`. `step` changes the parameters in place and outside of any
                graph. A parameter whose `.grad` is None rests, and what is remembered about it
                rests too. `lr` may change between steps. `state[parameter]` is a dict that
                belongs to this parameter alone.
    Raises:     ValueError for no parameters and for a negative lr.
    Source:     Cauchy 1847; Robbins & Monro 1951.
    """

    def __init__(self, parameters: list[torch.Tensor], lr: float = 1e-3) -> None:
        self.parameters = list(parameters)  # model.parameters() can be walked only once
        self.state: dict[torch.Tensor, dict] = {parameter: {} for parameter in self.parameters}
        self.lr = lr
        if not self.parameters:
            raise ValueError("parameters: got none, allowed is one or more")
        if not lr >= 0:
            raise ValueError(f"lr: got {lr}, allowed is lr >= 0")

    def zero_grad(self) -> None:
        """Forget all gradients, so that the next backward pass starts from nothing."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient, once."""
        with torch.no_grad():
            for parameter in self.parameters:
                if parameter.grad is not None:
                    self.update(parameter, parameter.grad, self.state[parameter])

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        parameter -= self.lr * gradient  # w ← w − η g


class Momentum(GradientDescent):
    """Gradient descent with a velocity that sums up past gradients (the heavy ball).

    Formula:    b ← μ b + g, starting from b = 0; w ← w − η b.
    Convention: torch's, without dampening: η stands outside of b. CS231n has v ← μ v − η g,
                w ← w + v, which is the same only as long as η does not change.
    Raises:     ValueError for a negative momentum, and as `GradientDescent`.
    Source:     Polyak 1964; Sutskever et al. 2013.
    """

    def __init__(
        self, parameters: list[torch.Tensor], lr: float = 1e-3, momentum: float = 0.9
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = momentum
        if not momentum >= 0:
            raise ValueError(f"momentum: got {momentum}, allowed is momentum >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        state["b"] = self.momentum * state.get("b", 0) + gradient  # b ← μ b + g
        parameter -= self.lr * state["b"]  # w ← w − η b


class Nesterov(GradientDescent):
    """Momentum whose step already looks along the new velocity.

    Formula:    b ← μ b + g, starting from b = 0; w ← w − η (g + μ b), with the new b.
    Convention: torch's `SGD(nesterov=True)`: w is the shifted variable, at which g is taken.
                Sutskever's form takes g at the look-ahead point w + μ v. Do one or the other.
    Raises:     ValueError for a negative momentum, and as `GradientDescent`.
    Source:     Nesterov 1983; Sutskever et al. 2013; in these variables Bengio et al. 2013.
    """

    def __init__(
        self, parameters: list[torch.Tensor], lr: float = 1e-3, momentum: float = 0.9
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = momentum
        if not momentum >= 0:
            raise ValueError(f"momentum: got {momentum}, allowed is momentum >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        state["b"] = self.momentum * state.get("b", 0) + gradient  # b ← μ b + g
        parameter -= self.lr * (gradient + self.momentum * state["b"])  # w ← w − η (g + μ b)


class AdaGrad(GradientDescent):
    """Divide each entry's step by the root of the sum of its squared gradients.

    Formula:    c ← c + g², starting from c = 0; w ← w − η g / (√c + ε).
    Convention: torch's: ε outside the root.
    Raises:     ValueError for a negative eps, and as `GradientDescent`.
    Source:     Duchi, Hazan & Singer 2011.
    """

    def __init__(
        self, parameters: list[torch.Tensor], lr: float = 1e-2, eps: float = 1e-10
    ) -> None:
        super().__init__(parameters, lr)
        self.eps = eps
        if not eps >= 0:
            raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        state["c"] = state.get("c", 0) + gradient**2  # c ← c + g²
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class RMSProp(GradientDescent):
    """Divide each entry's step by the root of a moving average of its squared gradients.

    Formula:    c ← ρ c + (1 − ρ) g², starting from c = 0; w ← w − η g / (√c + ε).
    Convention: torch's: ρ is called `alpha`, ε stands outside the root (TensorFlow's inside), and
                the average is not corrected for its start at zero.
    Raises:     ValueError for an alpha outside [0, 1], a negative eps, and as `GradientDescent`.
    Source:     Tieleman & Hinton 2012, lecture 6e.
    """

    def __init__(
        self,
        parameters: list[torch.Tensor],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        self.alpha = alpha
        self.eps = eps
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha: got {alpha}, allowed is 0 <= alpha <= 1")
        if not eps >= 0:
            raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient * gradient
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class Adam(GradientDescent):
    """Step along a moving average of gradients, divided by the root of one of their squares.

    Formula:    t ← t + 1; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g², all from 0;
                m̂ = m / (1 − β₁ᵗ); v̂ = v / (1 − β₂ᵗ); w ← w − η m̂ / (√v̂ + ε).
    Convention: the paper's Algorithm 1 and torch's: t is 1 in the first step, ε stands outside
                the root of the corrected v̂. What is kept is m and v, not m̂ and v̂.
    Raises:     ValueError for betas outside [0, 1), a negative eps, and as `GradientDescent`.
    Source:     Kingma & Ba 2015, Algorithm 1.
    """

    def __init__(
        self,
        parameters: list[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        self.betas = betas
        self.eps = eps
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas: got {betas}, allowed are two numbers in [0, 1)")
        if not eps >= 0:
            raise ValueError(f"eps: got {eps}, allowed is eps >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        beta1, beta2 = self.betas
        state["t"] = state.get("t", 0) + 1  # t = 1 in the first step
        state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * gradient
        state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * gradient * gradient
        m_hat = state["m"] / (1 - beta1 ** state["t"])  # m̂ = m / (1 − β₁ᵗ)
        v_hat = state["v"] / (1 - beta2 ** state["t"])  # v̂ = v / (1 − β₂ᵗ)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class AdamW(GradientDescent):
    """Adam with weight decay that does not pass through the moments.

    Formula:    w ← (1 − η λ) w − η m̂ / (√v̂ + ε), with t, m, v, m̂ and v̂ as in `Adam`.
    Convention: torch's: the decay is multiplied by η and takes the weight as it was before the
                step. L2 regularization would add λ w to g instead, and Adam would rescale it.
    Raises:     ValueError for a negative weight_decay, and as `Adam`.
    Source:     Loshchilov & Hutter 2019, Algorithm 2.
    """

    def __init__(
        self,
        parameters: list[torch.Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr)
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas: got {betas}, allowed are two numbers in [0, 1)")
        if not eps >= 0:
            raise ValueError(f"eps: got {eps}, allowed is eps >= 0")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay: got {weight_decay}, allowed is weight_decay >= 0")

    def update(self, parameter: torch.Tensor, gradient: torch.Tensor, state: dict) -> None:
        """Change one parameter in place; `state` is its own memory, an empty dict at first."""
        beta1, beta2 = self.betas
        state["t"] = state.get("t", 0) + 1
        state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * gradient
        state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * gradient * gradient
        m_hat = state["m"] / (1 - beta1 ** state["t"])
        v_hat = state["v"] / (1 - beta2 ** state["t"])
        parameter *= 1 - self.lr * self.weight_decay  # w ← (1 − η λ) w
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


def decay_groups(named_parameters: dict[str, torch.Tensor], weight_decay: float) -> list[dict]:
    """Split parameters into those that decay, matrices and kernels, and those that do not.

    Formula:    parameters of two or more dimensions decay with λ, all others (biases, and the
                scales and shifts of normalization layers) with 0.
    Shapes:     a dict from name to tensor -> two dicts {"params": [tensors], "weight_decay": λ},
                the decaying ones first, each in the order of the input.
    Convention: the result is what `torch.optim.AdamW` takes as its parameter groups.
    Raises:     ValueError for a negative weight_decay.
    Source:     He et al. 2019 ("Bag of tricks"), Section 3.1, no bias decay.
    """
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay: got {weight_decay}, allowed is weight_decay >= 0")

    decaying = [p for p in named_parameters.values() if p.ndim >= 2]
    others = [p for p in named_parameters.values() if p.ndim < 2]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def efficient_form(
    step: int, lr: float, betas: tuple[float, float], eps: float
) -> tuple[float, float]:
    """Give the rate and the ε with which Adam may use m and v without correcting them.

    Formula:    α_t = η √(1 − β₂ᵗ) / (1 − β₁ᵗ) and ε̂_t = ε √(1 − β₂ᵗ), for which
                α_t m / (√v + ε̂_t) = η m̂ / (√v̂ + ε).
    Convention: t counts from 1. With a constant ε̂ = ε, as many write it, the steps differ.
    Raises:     ValueError for a step below 1, betas outside [0, 1) and a negative lr or eps.
    Source:     Kingma & Ba 2015, end of Section 2.
    """
    if step < 1:
        raise ValueError(f"step: got {step}, allowed is step >= 1")
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas: got {betas}, allowed are two numbers in [0, 1)")
    for name, value in (("lr", lr), ("eps", eps)):
        if not value >= 0:
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 0")

    root = math.sqrt(1 - betas[1] ** step)  # √(1 − β₂ᵗ): √v̂ = √v / root
    return lr * root / (1 - betas[0] ** step), eps * root


def critical_learning_rates(eigenvalues: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the rate below which gradient descent on a quadratic is stable, and the best one.

    Formula:    η < 2 / λ_max is stable; η = 2 / (λ_max + λ_min) converges fastest, because then
                |1 − η λ_max| = |1 − η λ_min|.
    Shapes:     eigenvalues of the Hessian (D,), all positive, in any order -> two numbers:
                the stability limit and the best fixed rate.
    Raises:     ValueError for another shape and for an eigenvalue that is not positive.
    Source:     Nesterov 2004, Theorem 2.1.15; Goh 2017.
    """
    if eigenvalues.ndim != 1 or len(eigenvalues) < 1:
        got = tuple(eigenvalues.shape)
        raise ValueError(f"eigenvalues: got shape {got}, allowed is (D,) with D >= 1")
    if not (eigenvalues > 0).all():
        raise ValueError("eigenvalues: got one that is not positive, allowed are positive ones")

    smallest, largest = eigenvalues.min(), eigenvalues.max()
    return 2 / largest, 2 / (largest + smallest)


def minibatch_variance(
    variance: float | torch.Tensor, batch_size: int, examples: int
) -> float | torch.Tensor:
    """Give the variance of a mini-batch's mean gradient, drawn without replacement.

    Formula:    Var(ḡ_B) = (S² / B) (1 − B/N).
    Shapes:     variance S² of the gradients of single examples, a number or a tensor.
    Convention: S² divides by N − 1. With the variance σ² that divides by N, the same result
                reads (σ² / B) (N − B) / (N − 1).
    Raises:     ValueError for a negative variance and for a batch size outside 1 … N.
    Source:     Cochran 1977; Bottou, Curtis & Nocedal 2018.
    """
    if not torch.all(torch.as_tensor(variance) >= 0):
        raise ValueError(f"variance: got {variance}, allowed is variance >= 0")
    if not 1 <= batch_size <= examples:
        raise ValueError(f"batch_size: got {batch_size}, allowed is 1 to {examples}")

    return variance / batch_size * (1 - batch_size / examples)  # (S² / B) (1 − B/N)


def condition_number(matrix: torch.Tensor) -> torch.Tensor:
    """Give how many times farther a matrix stretches one direction than another.

    Formula:    κ = σ_max / σ_min, the largest over the smallest singular value.
    Shapes:     matrix (D, D) -> a number >= 1; infinite for a singular matrix, or very large where
                rounding leaves something of σ_min.
    Convention: singular values, not eigenvalues: diag(1, −2) has κ = 2, and κ(AᵀA) = κ(A)².
    Raises:     ValueError for a matrix that is not square.
    Source:     Golub & Van Loan 2013.

    >>> condition_number(torch.diag(torch.tensor([1.0, -2.0])))
    tensor(2.)
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 1:
        raise ValueError(f"matrix: got shape {tuple(matrix.shape)}, allowed is (D, D)")

    singular_values = torch.linalg.svdvals(matrix)
    return singular_values.max() / singular_values.min()  # κ = σ_max / σ_min


def heavy_ball_settings(smallest: float, largest: float) -> tuple[float, float]:
    """Give the rate and momentum with which the heavy ball is fastest on a quadratic.

    Formula:    η = 4 / (√L + √l)², μ = ((√L − √l) / (√L + √l))² with l = λ_min and L = λ_max.
                The error then shrinks like √μ per step, gradient descent's by (κ − 1)/(κ + 1).
    Raises:     ValueError unless 0 < smallest <= largest.
    Source:     Polyak 1964; Goh 2017.
    """
    if not 0 < smallest <= largest:
        raise ValueError(f"smallest: got {smallest}, allowed is 0 < smallest <= {largest}")

    total = math.sqrt(largest) + math.sqrt(smallest)  # √L + √l
    difference = math.sqrt(largest) - math.sqrt(smallest)  # √L − √l
    return 4 / total**2, (difference / total) ** 2


def classify_critical_points(hessians: list[torch.Tensor], tolerance: float = 1e-6) -> list[str]:
    """Say of points at which the gradient is zero what kind of point each is.

    Formula:    eigenvalues of both signs: "saddle"; all positive: "minimum"; all negative:
                "maximum"; otherwise (some are zero, and the rest have one sign): "degenerate".
    Shapes:     Hessians (D, D), symmetric, D may differ -> one word for each.
    Convention: an eigenvalue within ± tolerance counts as zero. The diagonal does not decide:
                [[1, 3], [3, 1]] is a saddle.
    Raises:     ValueError for another shape and for a negative tolerance.
    Source:     Nocedal & Wright 2006, Theorem 2.4; Dauphin et al. 2014.

    >>> classify_critical_points([torch.tensor([[1.0, 3.0], [3.0, 1.0]])])
    ['saddle']
    """
    for index, hessian in enumerate(hessians):
        if hessian.ndim != 2 or hessian.shape[0] != hessian.shape[1] or len(hessian) < 1:
            got = tuple(hessian.shape)
            raise ValueError(f"hessians[{index}]: got shape {got}, allowed is (D, D)")
    if not tolerance >= 0:
        raise ValueError(f"tolerance: got {tolerance}, allowed is tolerance >= 0")

    kinds = []
    for hessian in hessians:
        eigenvalues = torch.linalg.eigvalsh(hessian)
        up, down = eigenvalues > tolerance, eigenvalues < -tolerance
        if up.any() and down.any():
            kinds.append("saddle")
        elif up.all():
            kinds.append("minimum")
        else:
            kinds.append("maximum" if down.all() else "degenerate")
    return kinds


def newton_step(
    w: torch.Tensor, gradient: torch.Tensor, hessian: torch.Tensor, damping: float = 0.0
) -> torch.Tensor:
    """Jump to where the quadratic model of the loss has its critical point.

    Formula:    w − (H + δ I)⁻¹ g.
    Shapes:     w (D,), gradient g (D,), hessian H (D, D) -> (D,).
    Convention: δ = 0 is Newton's method. It goes to the critical point, minimum or not. A large δ
                turns the step into gradient descent with the rate 1/δ.
    Raises:     ValueError for another shape and for a negative damping.
    Source:     Nocedal & Wright 2006; damping: Levenberg 1944.

    >>> newton_step(torch.tensor([5.0]), torch.tensor([8.0]), torch.tensor([[2.0]]))
    tensor([1.])
    """
    if w.ndim != 1 or gradient.shape != w.shape or hessian.shape != (len(w), len(w)):
        shapes = (tuple(w.shape), tuple(gradient.shape), tuple(hessian.shape))
        raise ValueError(
            f"w, gradient, hessian: got shapes {shapes}, allowed are (D,), (D,), (D, D)"
        )
    if not damping >= 0:
        raise ValueError(f"damping: got {damping}, allowed is damping >= 0")

    damped = hessian + damping * torch.eye(len(w)).to(hessian)  # H + δ I
    return w - torch.linalg.solve(damped, gradient)


def newton_path(start: torch.Tensor, steps: int, damping: float = 0.0) -> torch.Tensor:
    """Follow Newton's method on f(w) = √(1 + w²), for every entry by itself.

    Formula:    w ← w − f′(w) / (f″(w) + δ), f′(w) = w / √(1 + w²), f″(w) = (1 + w²)^(−3/2).
    Shapes:     start (D,) -> (steps + 1, D), the start included.
    Convention: δ = 0 is Newton's method, here w ← −w³, which diverges from |w| > 1.
    Raises:     ValueError for another shape, a negative number of steps and a negative damping.
    Source:     Nocedal & Wright 2006.
    """
    if start.ndim != 1:
        raise ValueError(f"start: got shape {tuple(start.shape)}, allowed is (D,)")
    if steps < 0:
        raise ValueError(f"steps: got {steps}, allowed is steps >= 0")
    if not damping >= 0:
        raise ValueError(f"damping: got {damping}, allowed is damping >= 0")

    path = [start]
    for _ in range(steps):
        w = path[-1]
        slope = w / torch.sqrt(1 + w**2)  # f′(w)
        curvature = (1 + w**2) ** -1.5  # f″(w), anew at every step
        path.append(w - slope / (curvature + damping))
    return torch.stack(path)


def clip_by_global_norm(
    gradients: list[torch.Tensor | None], max_norm: float
) -> list[torch.Tensor | None]:
    """Shorten all gradients by one common factor if together they are longer than allowed.

    Formula:    g_i · min(1, c / ‖g‖) with ‖g‖² = Σ_i ‖g_i‖², over the entries of all parameters.
    Shapes:     gradients of any shapes -> a list of the same shapes.
    Convention: None, for a parameter without a gradient, stays None. `torch.nn.utils` divides by
                ‖g‖ + 1e-6 instead, which makes no difference that matters.
    Raises:     ValueError for a max_norm that is not positive.
    Source:     Pascanu, Mikolov & Bengio 2013, Algorithm 1.

    >>> clip_by_global_norm([torch.tensor([3.0]), None, torch.tensor([4.0])], 1.0)
    [tensor([0.6000]), None, tensor([0.8000])]
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm: got {max_norm}, allowed is max_norm > 0")

    norms = [torch.linalg.vector_norm(g).item() for g in gradients if g is not None]  # ‖g_i‖
    norm = math.hypot(*norms)  # ‖g‖, one for all parameters; no square of it overflows
    factor = max_norm / norm if norm > max_norm else 1.0  # min(1, c / ‖g‖)
    return [None if g is None else factor * g for g in gradients]


def accumulated_gradient(
    micro_batches: list[list[torch.Tensor]], max_norm: float
) -> list[torch.Tensor | None]:
    """Average the gradients of equally large micro-batches, then clip what would be one batch's.

    Formula: clip((1/K) Σ_k g⁽ᵏ⁾, c) with the global norm of the average.
    Shapes:  K lists, one per micro-batch, each with one gradient per parameter -> one list.
    Raises:  ValueError for no micro-batches, and as `clip_by_global_norm`.
    Source:  Pascanu, Mikolov & Bengio 2013; accumulation: Ott et al. 2018.
    """
    if not micro_batches:
        raise ValueError("micro_batches: got none, allowed is one or more")

    means: list[torch.Tensor | None] = [
        torch.stack(parts).mean(dim=0) for parts in zip(*micro_batches, strict=True)
    ]
    return clip_by_global_norm(means, max_norm)


def hessian_vector_product(
    x: torch.Tensor,
    y: torch.Tensor,
    weights: list[torch.Tensor],
    vectors: list[torch.Tensor],
) -> list[torch.Tensor]:
    """Multiply the Hessian of a tanh network's loss by a vector, without ever forming it.

    Formula:    H v = ∇ (∇L · v) with L = 1/(2N) Σ_n ‖f(x_n) − y_n‖² and
                f(x) = W_L tanh(… tanh(W₁ x)), no biases.
    Shapes:     x (N, D_0), y (N, D_L), weights W_l (D_l, D_{l−1}), vectors like the weights
                -> a list like the weights.
    Convention: the dot product runs over all entries of all weights.
    Raises:     ValueError for vectors of other shapes than the weights'.
    Source:     Pearlmutter 1994.
    """
    if [v.shape for v in vectors] != [w.shape for w in weights]:
        raise ValueError("vectors: got other shapes than those of weights, allowed are the same")

    leaves = [weight.detach().requires_grad_() for weight in weights]
    h = x
    for weight in leaves[:-1]:
        h = torch.tanh(h @ weight.T)
    loss = ((h @ leaves[-1].T - y) ** 2).sum() / (2 * len(x))
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)  # ∇L, with its graph
    along = torch.stack([(g * v).sum() for g, v in zip(gradients, vectors, strict=True)]).sum()
    return list(torch.autograd.grad(along, leaves))  # ∇ (∇L · v)


def sharpness(
    x: torch.Tensor,
    y: torch.Tensor,
    weights: list[torch.Tensor],
    start: list[torch.Tensor],
    iterations: int = 50,
) -> torch.Tensor:
    """Find the largest eigenvalue of the Hessian by power iteration.

    Formula:    v ← v / ‖v‖, λ = v · H v, v ← H v, again and again; the last λ is the result.
    Shapes:     x, y and weights as in `hessian_vector_product`, start like the weights
                -> a number.
    Convention: ‖v‖ runs over all entries of all weights: they are one vector. Finds the
                eigenvalue of largest absolute value, which in training is the largest.
    Raises:     ValueError for fewer than one iteration.
    Source:     von Mises & Pollaczek-Geiringer 1929; Cohen et al. 2021.
    """
    if iterations < 1:
        raise ValueError(f"iterations: got {iterations}, allowed is iterations >= 1")

    vectors = start
    for _ in range(iterations):
        norm = torch.stack([(v**2).sum() for v in vectors]).sum().sqrt()
        vectors = [v / norm for v in vectors]  # v / ‖v‖
        products = hessian_vector_product(x, y, weights, vectors)  # H v
        pairs = zip(vectors, products, strict=True)
        eigenvalue = torch.stack([(v * p).sum() for v, p in pairs]).sum()  # λ = v · H v
        vectors = products
    return eigenvalue
