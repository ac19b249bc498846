"""Preprocessing: centering, scaling, PCA and whitening, and what they do to gradient descent."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def center(x_train: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Subtract from each feature its mean over the training data.

    Formula:    x_ij − μ_j with μ_j = (1/N) Σ_i x_train,ij.
    Shapes:     x_train (N, *), x (M, *) -> (M, *). Every entry behind the first axis is a feature
                of its own: for images (N, C, H, W) μ is the mean image (C, H, W).
    Convention: whole numbers (bytes of an image) give floats of torch's default dtype.
    Raises:     ValueError for an x_train without rows or without features, and for an x with
                other features.
    Source:     LeCun et al. 1998, Efficient BackProp, Section 4.3; the mean image: Krizhevsky
                et al. 2012, Section 2.

    >>> center(torch.tensor([[1.0, 4.0], [3.0, 4.0]]), torch.tensor([[10.0, 4.0]]))
    tensor([[8., 0.]])
    """
    if x_train.ndim < 2 or len(x_train) < 1:
        got = tuple(x_train.shape)
        raise ValueError(f"x_train: got shape {got}, allowed is (N, *) with N >= 1")
    if x.shape[1:] != x_train.shape[1:]:
        allowed = ", ".join(map(str, ("M", *x_train.shape[1:])))
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is ({allowed})")

    mean = (x_train * 1.0).mean(dim=0)  # μ_j = (1/N) Σ_i x_ij, floats for bytes as well
    return x - mean


def center_channels(train_images: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Subtract from each color channel its mean over all training images and all positions.

    Formula:    x_nchw − μ_c with μ_c = 1/(N·H·W) Σ_nhw x_train,nchw.
    Shapes:     train_images (N, C, H, W), images (M, C, H', W') -> (M, C, H', W'). The constants
                do not depend on the position, so images of another size are fine.
    Convention: torch keeps channels in axis 1. In N×H×W×C the axes of the mean are (0, 1, 2).
    Raises:     ValueError for another shape, for training images in whole numbers (bytes) and for
                another number of channels.
    Source:     Simonyan & Zisserman 2015 (VGG), Section 2.1.
    """
    if train_images.ndim != 4 or train_images.numel() < 1:
        got = tuple(train_images.shape)
        raise ValueError(f"train_images: got shape {got}, allowed is (N, C, H, W), each >= 1")
    if not train_images.is_floating_point():
        kind = train_images.dtype
        raise ValueError(f"train_images: got {kind}, allowed is a floating-point dtype")
    channels = train_images.shape[1]
    if images.ndim != 4 or images.shape[1] != channels:
        got = tuple(images.shape)
        raise ValueError(f"images: got shape {got}, allowed is (M, {channels}, H, W)")

    means = train_images.mean(dim=(0, 2, 3))  # μ_c: one number per color
    return images - means[:, None, None]  # (C, 1, 1): the same at every position


def standardize(x_train: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Bring each feature to mean 0 and standard deviation 1 of the training data.

    Formula:    (x_ij − μ_j) / σ_j with σ²_j = (1/N) Σ_i (x_train,ij − μ_j)².
    Shapes:     x_train (N, D), x (M, D) -> (M, D).
    Convention: σ is biased, as in `StandardScaler` and `np.std`; `torch.std` divides by N − 1. A
                feature that never varies in the training data is centered and not divided.
    Raises:     ValueError for another shape, for training data in whole numbers (bytes) and for an
                x with another number of features.
    Source:     LeCun et al. 1998, Efficient BackProp, Section 4.3.

    >>> standardize(torch.tensor([[1.0, 7.0], [5.0, 7.0]]), torch.tensor([[9.0, 8.0]]))
    tensor([[3., 1.]])
    """
    if x_train.ndim != 2 or len(x_train) < 1:
        got = tuple(x_train.shape)
        raise ValueError(f"x_train: got shape {got}, allowed is (N, D) with N >= 1")
    if not x_train.is_floating_point():
        raise ValueError(f"x_train: got {x_train.dtype}, allowed is a floating-point dtype")
    if x.ndim != 2 or x.shape[1] != x_train.shape[1]:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (M, {x_train.shape[1]})")

    mean = x_train.mean(dim=0)  # μ_j
    std = x_train.std(dim=0, correction=0)  # σ_j, divided by N; tiny spreads survive in it
    constant = (x_train == x_train[0]).all(dim=0)  # rounding may leave their σ a little above 0
    return (x - mean) / std.masked_fill(constant, 1)


def channel_statistics(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Measure mean and standard deviation of each channel over all images and positions.

    Formula:    μ_c = 1/(N·H·W) Σ_nhw x_nchw, σ²_c = 1/(N·H·W) Σ_nhw (x_nchw − μ_c)².
    Shapes:     images (N, C, H, W) -> mean (C,), std (C,), in the unit of the images.
    Convention: σ is biased. It is not the mean of the σ of single images, which leaves out how
                much the images differ from one another (torchvision's constants for ImageNet are
                such means). Bytes give floats.
    Raises:     ValueError for another shape.
    Source:     LeCun et al. 1998, Efficient BackProp, Section 4.3, with one σ per color.
    """
    if images.ndim != 4 or images.numel() < 1:
        got = tuple(images.shape)
        raise ValueError(f"images: got shape {got}, allowed is (N, C, H, W), each >= 1")

    values = images.movedim(1, 0).flatten(1) * 1.0  # (C, N·H·W), floats for bytes as well
    mean = values.mean(dim=1)  # μ_c
    std = values.std(dim=1, correction=0)  # σ_c, divided by N·H·W
    return mean, std


def pca(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Find the uncorrelated directions of the data, the one of largest variance first.

    Formula:    C = X_cᵀ X_c / (n − 1) = U Λ Uᵀ with X_c = X − μ.
    Shapes:     x (n, D) -> mean μ (D,), variances diag Λ (D,), components U (D, D), one per
                column.
    Convention: the covariance is unbiased. The variances do not increase, and none is negative. The
                sign of a component is arbitrary; so are the directions within equal variances.
                scikit-learn keeps components in rows.
    Raises:     ValueError for another shape, for fewer than two rows and for whole numbers (bytes).
    Source:     Pearson 1901; Hotelling 1933.

    >>> pca(torch.tensor([[0.0, 1.0], [0.0, 3.0]]))[1]
    tensor([2., 0.])
    """
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (n, D) with n >= 2")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    mean = x.mean(dim=0)  # μ
    centered = (x - mean).double()  # X_c; the squares of small spreads get lost in float32
    covariance = centered.T @ centered / (len(x) - 1)  # C, (D, D)
    variances, components = torch.linalg.eigh(covariance)  # U Λ Uᵀ, smallest first
    return mean, variances.clamp(min=0).flip(0).to(x.dtype), components.flip(1).to(x.dtype)


def reconstruct(x_train: torch.Tensor, x: torch.Tensor, k: int) -> torch.Tensor:
    """Keep of x what the first k principal components of the training data hold.

    Formula:    μ + (x − μ) U_k U_kᵀ with the first k columns U_k of U.
    Shapes:     x_train (n, D), x (M, D), 0 <= k <= D -> (M, D).
    Raises:     ValueError for another shape, for training data in whole numbers (bytes) and for
                another k.
    Source:     Pearson 1901: of all planes of k dimensions this one is nearest to the data.
    """
    if x_train.ndim != 2 or len(x_train) < 2:
        got = tuple(x_train.shape)
        raise ValueError(f"x_train: got shape {got}, allowed is (n, D) with n >= 2")
    if not x_train.is_floating_point():
        raise ValueError(f"x_train: got {x_train.dtype}, allowed is a floating-point dtype")
    features = x_train.shape[1]
    if x.ndim != 2 or x.shape[1] != features:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (M, {features})")
    if not 0 <= k <= features:
        raise ValueError(f"k: got {k}, allowed is 0 <= k <= {features}")

    mean, _, components = pca(x_train)
    kept = components[:, :k]  # U_k, (D, k)
    coordinates = (x - mean) @ kept  # (M, k): all that is kept of a row
    return mean + coordinates @ kept.T


def pca_whitening(x: torch.Tensor, *, eps: float = 1e-5) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit the constants that turn data into uncorrelated principal components of variance 1.

    Formula:    Z = (X − μ) W with W = U (Λ + ε)^(−1/2), from C = U Λ Uᵀ.
    Shapes:     x (n, D) -> mean μ (D,), matrix W (D, D); z = (x − μ) @ W for rows of any data.
    Convention: C divides by n − 1, as in `PCA(whiten=True)`, and ε stands inside the root: a
                direction of variance λ gets variance λ / (λ + ε).
    Raises:     ValueError for what `pca` refuses and for a negative eps.
    Source:     Bell & Sejnowski 1997; Kessy, Lewin & Strimmer 2018.
    """
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")
    mean, variances, components = pca(x)  # refuses a wrong shape

    matrix = components / torch.sqrt(variances + eps)  # U (Λ + ε)^(−1/2): column by column
    return mean, matrix


def zca_whitening(x: torch.Tensor, *, eps: float = 1e-5) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit the constants that whiten data and move them as little as possible.

    Formula:    Z = (X − μ) W with W = U (Λ + ε)^(−1/2) Uᵀ, from C = U Λ Uᵀ.
    Shapes:     x (n, D) -> mean μ (D,), matrix W (D, D); z = (x − μ) @ W for rows of any data.
    Convention: as `pca_whitening`. W is symmetric; the signs of U do not matter.
    Raises:     ValueError for what `pca` refuses and for a negative eps.
    Source:     Bell & Sejnowski 1997; Kessy, Lewin & Strimmer 2018.
    """
    if not eps >= 0:
        raise ValueError(f"eps: got {eps}, allowed is eps >= 0")
    mean, variances, components = pca(x)  # refuses a wrong shape

    matrix = components / torch.sqrt(variances + eps) @ components.T  # U (Λ + ε)^(−1/2) Uᵀ
    return mean, matrix


def whitened_variance(
    variance: float | torch.Tensor, noise: float | torch.Tensor, eps: float
) -> tuple[float | torch.Tensor, float | torch.Tensor]:
    """Tell what whitening with ε makes of a direction, and of the noise in it.

    Formula:    a direction is divided by √(λ + ε): its variance becomes λ / (λ + ε), and the part
                ν of it that is noise becomes ν / (λ + ε).
    Shapes:     variance λ and noise ν are floats, or tensors that broadcast -> the same, twice.
    Raises:     ValueError for a negative number and for a variance and an eps that are both 0.
    Source:     the variance of a multiple, Var(a x) = a² Var(x).
    """
    for name, value in (("variance", variance), ("noise", noise), ("eps", eps)):
        if not torch.all(torch.as_tensor(value) >= 0):
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 0")
    if not torch.all(torch.as_tensor(variance + eps) > 0):
        raise ValueError(f"eps: got {eps}, allowed is eps > 0 where a variance is 0")

    return variance / (variance + eps), noise / (variance + eps)


class ImageNormalizer(nn.Module):
    """Standardize each channel with constants that are measured once, on the training images.

    Formula:    (x_nchw − μ_c) / σ_c with `channel_statistics` of the training images.
    Shapes:     images (N, C, H, W) -> (N, C, H, W).
    Convention: the constants are buffers `mean` and `std`, (C,): saved and moved with the model,
                never trained, the same in training and in evaluation.
    Raises:     ValueError for another shape, for a channel that never varies in the training
                images and for images with another number of channels.
    Source:     the layer that `torchvision.transforms.Normalize` is, with constants of its own.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, train_images: torch.Tensor) -> None:
        if train_images.ndim != 4 or train_images.numel() < 1:
            got = tuple(train_images.shape)
            raise ValueError(f"train_images: got shape {got}, allowed is (N, C, H, W), each >= 1")
        if (train_images.amax(dim=(0, 2, 3)) == train_images.amin(dim=(0, 2, 3))).any():
            raise ValueError("train_images: got a channel that never varies, allowed are others")

        super().__init__()
        mean, std = channel_statistics(train_images)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (images − μ) / σ, channel by channel."""
        if images.ndim != 4 or images.shape[1] != len(self.mean):
            got = tuple(images.shape)
            raise ValueError(f"images: got shape {got}, allowed is (N, {len(self.mean)}, H, W)")

        return (images - self.mean[:, None, None]) / self.std[:, None, None]


def condition_number(x: torch.Tensor) -> torch.Tensor:
    """Compare the steepest with the flattest direction of a least-squares loss.

    Formula:    κ = λ_max / λ_min of the Hessian H = Xᵀ X / n of the loss ‖X w − y‖² / (2n).
    Shapes:     x (n, D) -> a tensor without dimensions.
    Convention: the data are not centered here: whether they were is what one compares. The square
                of `np.linalg.cond(x)`. Where a direction has no curvature at all, κ is infinite, or
                very large where rounding leaves something of it.
    Raises:     ValueError for another shape, for n < D, where H is always singular, and for whole
                numbers (bytes).
    Source:     LeCun et al. 1998, Efficient BackProp, Section 5.
    """
    if x.ndim != 2 or not 1 <= x.shape[1] <= len(x):
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (n, D) with n >= D >= 1")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    stretches = torch.linalg.svdvals(x)  # σ of X, largest first: H has the eigenvalues σ² / n
    return (stretches[0] / stretches[-1]) ** 2  # κ = λ_max / λ_min


def largest_stable_rate(x: torch.Tensor) -> torch.Tensor:
    """Give the learning rate at which gradient descent on least squares begins to diverge.

    Formula:    2 / λ_max of the Hessian H = Xᵀ X / n: along an eigenvector the error is multiplied
                by 1 − η λ at every step, and |1 − η λ| < 1 asks for η < 2 / λ.
    Shapes:     x (n, D) -> a tensor without dimensions.
    Convention: the loss is ‖X w − y‖² / (2n); without the ½ the rate would be half as large.
    Raises:     ValueError for another shape and for whole numbers (bytes).
    Source:     LeCun et al. 1998, Efficient BackProp, Section 5.1.
    """
    if x.ndim != 2 or len(x) < 1:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (n, D) with n >= 1")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    hessian = x.T @ x / len(x)  # H = Xᵀ X / n
    return 2 / torch.linalg.eigvalsh(hessian)[-1]  # λ_max stands last


def gradient_descent_steps(
    x: torch.Tensor,
    y: torch.Tensor,
    learning_rate: float,
    *,
    tolerance: float = 1e-3,
    max_steps: int = 10_000,
) -> int:
    """Count the steps that gradient descent needs from w = 0 to nearly the least-squares optimum.

    Formula:    L(w) = ‖X w − y‖² / (2n), w ← w − η Xᵀ (X w − y) / n; the first step count t with
                L(w_t) − L* <= tolerance · (L(0) − L*), where L* is the smallest loss there is.
    Shapes:     x (n, D), y (n,) -> an integer from 0 to max_steps; max_steps also where it was
                not reached.
    Raises:     ValueError for another shape, for whole numbers (bytes), and for a rate, a tolerance
                or a number of steps that is not positive.
    Source:     LeCun et al. 1998, Efficient BackProp, Section 5.1.
    """
    if x.ndim != 2 or len(x) < 1:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (n, D) with n >= 1")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y: got shape {tuple(y.shape)}, allowed is ({len(x)},)")
    for name, values in (("x", x), ("y", y)):
        if not values.is_floating_point():
            raise ValueError(f"{name}: got {values.dtype}, allowed is a floating-point dtype")
    limits = {"learning_rate": learning_rate, "tolerance": tolerance, "max_steps": max_steps}
    for name, value in limits.items():
        if not value > 0:
            raise ValueError(f"{name}: got {value}, allowed is {name} > 0")

    best = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]  # the optimum w*
    floor = ((x @ best - y) ** 2).mean() / 2  # L*
    goal = floor + tolerance * ((y**2).mean() / 2 - floor)  # L* + tolerance · (L(0) − L*)
    w = torch.zeros_like(best)
    for step in range(max_steps):
        residual = x @ w - y
        if (residual**2).mean() / 2 <= goal:
            return step
        w = w - learning_rate * (x.T @ residual) / len(x)  # w ← w − η ∇L
    return max_steps


def curvature_along_mean(mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """Give the curvature of the least-squares loss in the direction of the features' mean.

    Formula:    H = Xᵀ X / n = C + μ μᵀ, so that mᵀ H m = mᵀ C m + ‖μ‖² along m = μ / ‖μ‖.
    Shapes:     mean μ (D,), covariance C (D, D) -> a tensor without dimensions.
    Convention: C divides by n. The largest curvature is at least this one; centering takes the
                ‖μ‖² away.
    Raises:     ValueError for another shape and for a mean of zero.
    Source:     LeCun et al. 1998, Efficient BackProp, Section 5.
    """
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        got = f"{tuple(mean.shape)} and {tuple(covariance.shape)}"
        raise ValueError(f"mean, covariance: got shapes {got}, allowed are (D,) and (D, D)")
    if not mean.any():
        raise ValueError("mean: got zeros, allowed is a mean that has a direction")

    squared_length = mean @ mean  # ‖μ‖²
    return mean @ covariance @ mean / squared_length + squared_length


def fold_standardization(
    weight: torch.Tensor, bias: torch.Tensor, mean: torch.Tensor, std: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rewrite a linear layer for standardized inputs as one for the raw inputs.

    Formula:    W (x − μ)/σ + b = W' x + b' with W'_oi = W_oi / σ_i and b' = b − W' μ.
    Shapes:     weight W (out, in), bias b (out,), mean μ and std σ (in,) -> W' (out, in),
                b' (out,).
    Raises:     ValueError for another shape and for a std that is not positive.
    Source:     the two layers are equal as functions; the same folding as that of batch norm.
    """
    if weight.ndim != 2 or bias.shape != weight.shape[:1]:
        shapes = f"{tuple(weight.shape)} and {tuple(bias.shape)}"
        raise ValueError(f"weight, bias: got shapes {shapes}, allowed are (out, in) and (out,)")
    for name, value in (("mean", mean), ("std", std)):
        if value.shape != weight.shape[1:]:
            got = tuple(value.shape)
            raise ValueError(f"{name}: got shape {got}, allowed is ({weight.shape[1]},)")
    if not std.min() > 0:
        raise ValueError(f"std: got a smallest value of {std.min().item()}, allowed is > 0")

    raw_weight = weight / std  # W'_oi = W_oi / σ_i: one factor per column
    raw_bias = bias - raw_weight @ mean  # b' = b − W' μ
    return raw_weight, raw_bias


def padding_value(
    mean: float | torch.Tensor, std: float | torch.Tensor, fill: float = 0.0
) -> float | torch.Tensor:
    """Say with what to pad normalized images, to get what padding with `fill` before gives.

    Formula:    (fill − μ_c) / σ_c.
    Shapes:     mean and std are floats, or tensors with one entry per channel (C,) -> the same.
    Raises:     ValueError for a std that is not positive and finite.
    Source:     the normalization (x − μ)/σ at x = fill.
    """
    spread = torch.as_tensor(std)
    if not torch.all((spread > 0) & (spread < math.inf)):
        raise ValueError(f"std: got {std}, allowed is 0 < std < inf")

    return (fill - mean) / std


def pad_then_normalize(
    images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, padding: int
) -> torch.Tensor:
    """Surround images with black, and then standardize each channel.

    Formula:    (pad(x, 0) − μ_c) / σ_c.
    Shapes:     images (N, C, H, W), mean and std (C,) -> (N, C, H + 2·padding, W + 2·padding).
    Convention: images are changed while 0 is black. Behind the normalization 0 is the mean color,
                and black is (0 − μ_c) / σ_c.
    Raises:     ValueError for another shape, for a std that is not positive and for a negative
                padding.
    Source:     the order of every published recipe: crops and flips first, normalization last.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    for name, value in (("mean", mean), ("std", std)):
        if value.shape != images.shape[1:2]:
            got = tuple(value.shape)
            raise ValueError(f"{name}: got shape {got}, allowed is ({images.shape[1]},)")
    if not std.min() > 0:
        raise ValueError(f"std: got a smallest value of {std.min().item()}, allowed is > 0")
    if padding < 0:
        raise ValueError(f"padding: got {padding}, allowed is padding >= 0")

    padded = F.pad(images, [padding] * 4)  # black, on all four sides
    return (padded - mean[:, None, None]) / std[:, None, None]


def diagnose_normalization(
    images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Compare a batch's channel statistics with those that four histories would leave.

    Formula:    Σ_c |m_c − m'_c| + |s_c − s'_c| with m, s measured in the batch and m', s' expected:
                "raw" μ, σ; "once" 0, 1; "twice" −μ/σ, 1/σ; "reversed" (μ − μ̃)/σ̃, σ/σ̃, where
                μ̃ and σ̃ are the constants in the reversed order of channels (BGR for RGB).
    Shapes:     images (N, C, H, W), mean μ and std σ (C,) of the raw data -> a distance, without
                dimensions, for each of the four names. The smallest names the history.
    Raises:     ValueError for another shape and for a std that is not positive.
    Source:     the statistics of an affine map, E[ax + b] and a² Var(x).
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    for name, value in (("mean", mean), ("std", std)):
        if value.shape != images.shape[1:2]:
            got = tuple(value.shape)
            raise ValueError(f"{name}: got shape {got}, allowed is ({images.shape[1]},)")
    if not std.min() > 0:
        raise ValueError(f"std: got a smallest value of {std.min().item()}, allowed is > 0")

    other_mean, other_std = mean.flip(0), std.flip(0)  # μ̃, σ̃
    expected = {
        "raw": (mean, std),
        "once": (torch.zeros_like(mean), torch.ones_like(std)),
        "twice": (-mean / std, 1 / std),
        "reversed": ((mean - other_mean) / other_std, std / other_std),
    }
    m, s = channel_statistics(images)
    return {
        name: (m - m2).abs().sum() + (s - s2).abs().sum() for name, (m2, s2) in expected.items()
    }
