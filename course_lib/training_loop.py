"""The training loop: batches, losses, gradients checked, updates, metrics and checkpoints."""

import copy
import math
from collections.abc import Callable, Iterable

import torch
from torch import nn


def softmax_cross_entropy(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Average, over a batch, how surprised softmax is by the true classes.

    Formula:    ℓ_i = log Σ_j exp(s_ij − m_i) − (s_iy − m_i), with m_i = max_j s_ij and y = y_i;
                L = (1/N) Σ_i ℓ_i.
    Shapes:     scores (N, C), target (N,) of class numbers -> a scalar.
    Convention: natural logarithm, mean over the examples. `scores` are what the last layer gives:
                no softmax comes before this loss.
    Raises:     ValueError for another shape and for a target that is no class number.
    Source:     Bridle 1990; Goodfellow, Bengio & Courville 2016, Section 6.2.2.

    >>> softmax_cross_entropy(torch.tensor([[1e4, 1e4 - 8]]), torch.tensor([0]))
    tensor(0.0003)
    """
    if scores.ndim != 2 or target.shape != scores.shape[:1] or len(scores) < 1:
        got = f"{tuple(scores.shape)} and {tuple(target.shape)}"
        raise ValueError(f"scores and target: got {got}, allowed is (N, C) and (N,) with N >= 1")
    if target.dtype != torch.int64 or not 0 <= target.min() <= target.max() < scores.shape[1]:
        got, allowed = f"{target.dtype} from {target.min()} to {target.max()}", scores.shape[1] - 1
        raise ValueError(f"target: got {got}, allowed is torch.int64 from 0 to {allowed}")

    shifted = scores - scores.amax(dim=1, keepdim=True)  # s_ij − m_i
    log_sum = torch.log(torch.exp(shifted).sum(dim=1))
    true_score = shifted[torch.arange(len(scores)), target]  # s_iy − m_i
    return (log_sum - true_score).mean()


def softmax_cross_entropy_gradient(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Give the gradient of `softmax_cross_entropy` with respect to the scores.

    Formula:    ∂L/∂s_ij = (p_ij − [j = y_i]) / N, with p_i = softmax(s_i).
    Shapes:     scores (N, C), target (N,) of class numbers -> (N, C).
    Convention: the 1/N is that of the mean over the batch.
    Raises:     ValueError for another shape and for a target that is no class number.
    Source:     Goodfellow, Bengio & Courville 2016, Section 6.2.2.
    """
    if scores.ndim != 2 or target.shape != scores.shape[:1] or len(scores) < 1:
        got = f"{tuple(scores.shape)} and {tuple(target.shape)}"
        raise ValueError(f"scores and target: got {got}, allowed is (N, C) and (N,) with N >= 1")
    if target.dtype != torch.int64 or not 0 <= target.min() <= target.max() < scores.shape[1]:
        got, allowed = f"{target.dtype} from {target.min()} to {target.max()}", scores.shape[1] - 1
        raise ValueError(f"target: got {got}, allowed is torch.int64 from 0 to {allowed}")

    exponentials = torch.exp(scores - scores.amax(dim=1, keepdim=True))
    gradient = exponentials / exponentials.sum(dim=1, keepdim=True)  # p_ij
    gradient[torch.arange(len(scores)), target] -= 1  # − [j = y_i]
    return gradient / len(scores)


def hinge_loss(scores: torch.Tensor, target: torch.Tensor, *, margin: float = 1.0) -> torch.Tensor:
    """Average, over a batch, by how much wrong classes come nearer than a margin to the true one.

    Formula:    ℓ_i = Σ_{j≠y} max(0, s_ij − s_iy + Δ) with y = y_i; L = (1/N) Σ_i ℓ_i.
    Shapes:     scores (N, C), target (N,) of class numbers -> a scalar.
    Convention: a sum over the wrong classes, as in CS231n. `F.multi_margin_loss` divides it by C;
                Crammer & Singer take the largest term alone.
    Raises:     ValueError for another shape, for a target that is no class number and for a margin
                that is not positive.
    Source:     Weston & Watkins 1999.

    >>> hinge_loss(torch.tensor([[3.0, 2.5, 0.0]]), torch.tensor([0]))
    tensor(0.5000)
    """
    if scores.ndim != 2 or target.shape != scores.shape[:1] or len(scores) < 1:
        got = f"{tuple(scores.shape)} and {tuple(target.shape)}"
        raise ValueError(f"scores and target: got {got}, allowed is (N, C) and (N,) with N >= 1")
    if target.dtype != torch.int64 or not 0 <= target.min() <= target.max() < scores.shape[1]:
        got, allowed = f"{target.dtype} from {target.min()} to {target.max()}", scores.shape[1] - 1
        raise ValueError(f"target: got {got}, allowed is torch.int64 from 0 to {allowed}")
    if not margin > 0:
        raise ValueError(f"margin: got {margin}, allowed is margin > 0")

    rows = torch.arange(len(scores))
    true_score = scores[rows, target][:, None]  # s_iy, a column
    violation = (scores - true_score + margin).clamp(min=0)  # max(0, s_ij − s_iy + Δ)
    violation[rows, target] = 0  # the sum leaves j = y out
    return violation.sum(dim=1).mean()


def hinge_loss_gradient(
    scores: torch.Tensor, target: torch.Tensor, *, margin: float = 1.0
) -> torch.Tensor:
    """Give the gradient of `hinge_loss` with respect to the scores.

    Formula:    ∂L/∂s_ij = v_ij / N for j ≠ y and −(1/N) Σ_{k≠y} v_ik for j = y, where v_ij is 1
                if s_ij − s_iy + Δ > 0 and 0 otherwise.
    Shapes:     scores (N, C), target (N,) of class numbers -> (N, C).
    Convention: exactly at the kink, where the margin is just met, the gradient is taken as 0.
    Raises:     ValueError for another shape, for a target that is no class number and for a margin
                that is not positive.
    Source:     Weston & Watkins 1999.
    """
    if scores.ndim != 2 or target.shape != scores.shape[:1] or len(scores) < 1:
        got = f"{tuple(scores.shape)} and {tuple(target.shape)}"
        raise ValueError(f"scores and target: got {got}, allowed is (N, C) and (N,) with N >= 1")
    if target.dtype != torch.int64 or not 0 <= target.min() <= target.max() < scores.shape[1]:
        got, allowed = f"{target.dtype} from {target.min()} to {target.max()}", scores.shape[1] - 1
        raise ValueError(f"target: got {got}, allowed is torch.int64 from 0 to {allowed}")
    if not margin > 0:
        raise ValueError(f"margin: got {margin}, allowed is margin > 0")

    rows = torch.arange(len(scores))
    true_score = scores[rows, target][:, None]
    violated = (scores - true_score + margin > 0).to(scores.dtype)  # v_ij, 1 or 0
    violated[rows, target] = 0
    violated[rows, target] = -violated.sum(dim=1)  # the true class, once per violated margin
    return violated / len(scores)


def initial_loss(num_classes: int, loss: str = "cross_entropy", *, margin: float = 1.0) -> float:
    """Give the loss of a network that does not know anything yet: all scores equal.

    Formula:    ln C for softmax cross-entropy, Δ (C − 1) for the hinge loss.
    Convention: natural logarithm; penalties are off.
    Raises:     ValueError for fewer than two classes and for another loss.
    Source:     Karpathy 2019, "A recipe for training neural networks".
    """
    if num_classes < 2:
        raise ValueError(f"num_classes: got {num_classes}, allowed is num_classes >= 2")
    if loss not in ("cross_entropy", "hinge"):
        raise ValueError(f"loss: got {loss!r}, allowed is 'cross_entropy' or 'hinge'")

    if loss == "hinge":
        return margin * (num_classes - 1)  # Δ for each wrong class
    return math.log(num_classes)  # −ln(1/C)


def label_entropy(counts: torch.Tensor) -> float:
    """Give the smallest cross-entropy of a prediction that never looks at its input.

    Formula:    H = −Σ_c p_c ln p_c with p_c = n_c / Σ n; a class without examples adds 0.
    Shapes:     counts n (C,), the number of examples of each class -> a number.
    Convention: natural logarithm. It is ln C only for balanced classes, and less otherwise.
    Raises:     ValueError for counts that are negative or all zero.
    Source:     Shannon 1948.
    """
    if counts.ndim != 1 or (counts < 0).any() or not (counts > 0).any():
        raise ValueError("counts: allowed is (C,), none negative and not all zero")

    seen = counts[counts > 0].double()  # 0 · ln 0 counts as 0
    share = seen / seen.sum()  # p_c
    return -(share * share.log()).sum().item()


def squared_error(
    prediction: torch.Tensor, target: torch.Tensor, *, reduction: str = "mean"
) -> torch.Tensor:
    """Square the differences of two tensors and reduce them as torch does.

    Formula:    "none" (p − t)², "sum" Σ (p − t)² over all elements, "mean" the sum divided by the
                number of elements.
    Shapes:     two tensors of one shape -> that shape for "none", a scalar otherwise.
    Convention: "mean" divides by elements, N · D for a batch of N outputs of width D, not by N.
                Old code says `size_average=True` for "mean", `size_average=False` for "sum".
    Raises:     ValueError for different shapes, for a prediction of whole numbers and for another
                reduction.
    Source:     `torch.nn.MSELoss`.

    >>> squared_error(torch.zeros(2, 3), torch.ones(2, 3), reduction="sum")
    tensor(6.)
    """
    if prediction.shape != target.shape:
        got = f"{tuple(prediction.shape)} and {tuple(target.shape)}"
        raise ValueError(f"prediction and target: got {got}, allowed is one shape for both")
    if not prediction.is_floating_point():
        raise ValueError(f"prediction: got {prediction.dtype}, allowed is a floating-point dtype")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction: got {reduction!r}, allowed is 'none', 'sum' or 'mean'")

    squares = (prediction - target) ** 2
    if reduction == "none":
        return squares
    return squares.sum() if reduction == "sum" else squares.mean()


def one_hot_squared_error(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Sum the squared differences between scores and one-hot targets.

    Formula:    L = Σ_ij (s_ij − [j = y_i])².
    Shapes:     scores (N, C), target (N,) of class numbers -> a scalar on the device and of the
                dtype of the scores.
    Convention: the sum over all elements, `reduction="sum"`.
    Raises:     ValueError for another shape and for a target that is no class number.
    Source:     `torch.nn.MSELoss`.
    """
    if scores.ndim != 2 or target.shape != scores.shape[:1] or len(scores) < 1:
        got = f"{tuple(scores.shape)} and {tuple(target.shape)}"
        raise ValueError(f"scores and target: got {got}, allowed is (N, C) and (N,) with N >= 1")
    if target.dtype != torch.int64:
        raise ValueError(f"target: got {target.dtype}, allowed is torch.int64")
    if not target.is_meta and not 0 <= target.min() <= target.max() < scores.shape[1]:
        got = f"{target.min()} to {target.max()}"
        raise ValueError(f"target: got {got}, allowed is 0 to {scores.shape[1] - 1}")

    one_hot = torch.zeros_like(scores)  # on the device and of the dtype of the scores
    one_hot.scatter_(1, target[:, None], 1)
    return ((scores - one_hot) ** 2).sum()


def learning_rate_for_sum(learning_rate: float, batch_size: int) -> float:
    """Give the rate at which SGD on a summed loss takes the steps of SGD on its mean.

    Formula: η' = η / n, since ∇L_sum = n ∇L_mean.
    Raises:  ValueError for a batch size below 1.
    Source:  Goyal et al. 2017, Section 2 (the loss is averaged, so the rate has to follow).
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: got {batch_size}, allowed is batch_size >= 1")

    return learning_rate / batch_size  # η' · n ∇L_mean = η ∇L_mean


def regularized_loss(
    losses: torch.Tensor, parameters: dict[str, torch.Tensor], weight_decay: float
) -> torch.Tensor:
    """Add an L2 penalty on the weights to the mean loss of a batch.

    Formula:    L = (1/N) Σ_i ℓ_i + (λ/2) Σ_W Σ_jk W_jk² over the weights W.
    Shapes:     losses ℓ (N,), parameters by their names -> a scalar.
    Convention: the factor ½ makes the gradient λ W. Weights are the parameters whose name ends in
                "weight"; all others go free. The penalty is not divided by the batch size. In
                float16 the sum of the squares has to stay below 65,504.
    Raises:     ValueError for losses that are not (N,) and for a negative weight decay.
    Source:     Krogh & Hertz 1991.
    """
    if losses.ndim != 1 or len(losses) < 1:
        raise ValueError(f"losses: got shape {tuple(losses.shape)}, allowed is (N,) with N >= 1")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay: got {weight_decay}, allowed is weight_decay >= 0")

    squares = sum((p**2).sum() for name, p in parameters.items() if name.endswith("weight"))
    return losses.mean() + weight_decay / 2 * squares  # (λ/2) Σ W², whatever N is


def numeric_gradient(
    function: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    *,
    h: float = 1e-5,
    seed: int = 0,
) -> torch.Tensor:
    """Estimate the gradient of a function by central differences, one entry after the other.

    Formula:    g_i = (f(x + h e_i) − f(x − h e_i)) / (2h), with an error of order h².
    Shapes:     x of any shape, f(x) a scalar -> the shape of x, float64.
    Convention: all in float64, whatever x is. `torch.manual_seed(seed)` goes before every
                evaluation, so that a function with dropout or noise draws the same numbers.
    Raises:     ValueError for an h that is not positive.
    Source:     Bengio 2012; CS231n, "Neural networks part 3".

    >>> numeric_gradient(lambda x: (x**2).sum(), torch.tensor([1.0, 2.0]))
    tensor([2.0000, 4.0000], dtype=torch.float64)
    """
    if not h > 0:
        raise ValueError(f"h: got {h}, allowed is h > 0")

    entries = x.detach().double().flatten()  # however x lies in memory
    gradient = torch.zeros_like(entries)
    for i in range(len(entries)):
        values = []
        for step in (h, -h):
            moved = entries.clone()
            moved[i] += step  # x ± h e_i
            torch.manual_seed(seed)
            values.append(function(moved.reshape(x.shape)).item())
        gradient[i] = (values[0] - values[1]) / (2 * h)
    return gradient.reshape(x.shape)


def relative_error(analytic: torch.Tensor, numeric: torch.Tensor) -> torch.Tensor:
    """Compare two gradients entry by entry, relative to the size of the entry.

    Formula:    e_i = |a_i − n_i| / max(|a_i|, |n_i|), and 0 where both are 0.
    Shapes:     two tensors of one shape -> that shape.
    Convention: the larger of the two as in CS231n's notes; the code of its assignments divides by
                |a| + |n|, so that its errors are up to twice smaller. Rule of thumb in float64:
                above 1e-2 wrong, below 1e-7 right, between them look closer.
    Raises:     ValueError for different shapes.
    Source:     CS231n, "Neural networks part 3".

    >>> relative_error(torch.tensor([1e-9, 0.0]), torch.tensor([2e-9, 0.0]))
    tensor([0.5000, 0.0000])
    """
    if analytic.shape != numeric.shape:
        got = f"{tuple(analytic.shape)} and {tuple(numeric.shape)}"
        raise ValueError(f"analytic and numeric: got {got}, allowed is one shape for both")

    difference = (analytic - numeric).abs()
    scale = torch.maximum(analytic.abs(), numeric.abs())
    return torch.where(scale == 0, 0, difference / scale)  # both zero: they agree


def gradient_verdicts(
    function: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    analytic: torch.Tensor,
    *,
    h: float = 1e-5,
    tolerance: float = 1e-6,
    kink: float = 1e-2,
) -> list[str]:
    """Judge every entry of a gradient, and say so where a kink makes judging impossible.

    Formula:    "right" if the relative error of a_i and the central difference is at most the
                tolerance; otherwise "inconclusive" if the one-sided differences
                (f(x + h e_i) − f(x)) / h and (f(x) − f(x − h e_i)) / h have a relative error
                above `kink`; otherwise "wrong".
    Shapes:     x and analytic (D,) -> D words.
    Convention: in float64; the function is not random.
    Raises:     ValueError for different shapes and for an h that is not positive.
    Source:     CS231n, "Neural networks part 3" (kinks in the objective).
    """
    if x.ndim != 1 or analytic.shape != x.shape:
        got = f"{tuple(x.shape)} and {tuple(analytic.shape)}"
        raise ValueError(f"x and analytic: got {got}, allowed is (D,) for both")
    if not h > 0:
        raise ValueError(f"h: got {h}, allowed is h > 0")

    verdicts = []
    here = function(x.double())
    for i in range(len(x)):
        moved = torch.zeros_like(x, dtype=torch.float64)
        moved[i] = h  # h e_i
        forward = (function(x + moved) - here) / h
        backward = (here - function(x - moved)) / h
        central = (forward + backward) / 2
        if relative_error(analytic[i].double(), central) <= tolerance:
            verdicts.append("right")
        elif relative_error(forward, backward) > kink:
            verdicts.append("inconclusive")
        else:
            verdicts.append("wrong")
    return verdicts


def minibatches(
    x: torch.Tensor, y: torch.Tensor, batch_size: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Put the examples in a fresh random order and cut them into batches: one epoch.

    Formula:    a random permutation π of 0…N−1, cut into pieces of B; batch b is (x_π, y_π) of
                piece b.
    Shapes:     x (N, …), y (N, …) -> ceil(N / B) pairs of B examples, the last of what is left.
    Convention: every example comes once. `DataLoader(shuffle=True)` does the same.
    Raises:     ValueError for different lengths and for a batch size below 1.
    Source:     Bottou 2009.
    """
    if len(x) != len(y):
        raise ValueError(f"x and y: got {len(x)} and {len(y)} examples, allowed is equally many")
    if batch_size < 1:
        raise ValueError(f"batch_size: got {batch_size}, allowed is batch_size >= 1")

    order = torch.randperm(len(x))  # π, drawn anew at every call
    return [(x[chosen], y[chosen]) for chosen in order.split(batch_size)]


def iterations_per_epoch(count: int, batch_size: int, *, drop_last: bool = False) -> int:
    """Count the steps of one pass over the data.

    Formula:    ⌈N / B⌉; ⌊N / B⌋ where an incomplete last batch is dropped.
    Raises:     ValueError for a count or a batch size below 1.
    Source:     `torch.utils.data.DataLoader`.
    """
    if count < 1 or batch_size < 1:
        raise ValueError(f"count and batch_size: got {count} and {batch_size}, allowed is >= 1")

    complete, left = divmod(count, batch_size)
    return complete if drop_last or left == 0 else complete + 1


def passes_over_the_data(epochs: float, epoch_length: int, batch_size: int, count: int) -> float:
    """Say how often every example was seen when an epoch is a fixed number of iterations.

    Formula:    epochs · E · B / N.
    Convention: large data sets are often given "epochs" of E iterations, E = 5000 for example,
                that have nothing to do with the number N of examples.
    Raises:     ValueError for a count, length or batch size below 1.
    Source:     counting.
    """
    if min(epoch_length, batch_size, count) < 1:
        got = f"{epoch_length}, {batch_size} and {count}"
        raise ValueError(f"epoch_length, batch_size and count: got {got}, allowed is >= 1")

    examples = epochs * epoch_length * batch_size  # iterations · B
    return examples / count


def largest_batch_size(
    memory: int, parameters: int, activations: int, *, states: int = 1, bytes_each: int = 4
) -> int:
    """Say how many examples of a batch fit into the memory of a device.

    Formula:    ⌊(M / b − P (2 + k)) / A⌋: the parameters, their gradients and k numbers of
                optimizer state for each stand there once, A activations for every example.
    Shapes:     memory M in bytes, P parameters, A activations kept for each example, k states
                (SGD 0, momentum 1, Adam 2), b bytes for each number.
    Convention: the number of examples in the data set and the length of an epoch do not appear.
    Raises:     ValueError for no activations, and when not even one example fits.
    Source:     counting; Chen et al. 2016, "Training deep nets with sublinear memory cost".
    """
    if activations < 1:
        raise ValueError(f"activations: got {activations}, allowed is activations >= 1")
    if memory // bytes_each < parameters * (2 + states) + activations:
        raise ValueError(f"memory: got {memory}, which does not hold one example")

    numbers = memory // bytes_each  # M / b
    free = numbers - parameters * (2 + states)  # weights, gradients, optimizer state
    return free // activations


def sgd_step(parameters: Iterable[torch.Tensor], learning_rate: float) -> None:
    """Take one step of gradient descent, in place, and clear the gradients for the next.

    Formula:    w ← w − η ∂L/∂w for every parameter that has a gradient; then its gradient goes.
    Shapes:     parameters as `model.parameters()` gives them, to be walked through once.
    Convention: the tensors that the model holds change and stay leaves; no graph of the update is
                kept. Clearing means `grad = None` or zeros; torch does it in a call of its own.
    Raises:     ValueError for a learning rate that is negative.
    Source:     Robbins & Monro 1951; Bottou 2010.
    """
    if not learning_rate >= 0:
        raise ValueError(f"learning_rate: got {learning_rate}, allowed is learning_rate >= 0")

    with torch.no_grad():  # the update is no part of the model's graph
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= learning_rate * parameter.grad  # in place
                parameter.grad = None


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: list[tuple[torch.Tensor, torch.Tensor]],
) -> float:
    """Train on every batch once; return the mean loss of the examples as they were seen.

    Formula:    Σ_b n_b L_b / Σ_b n_b, with L_b the loss of batch b before the step on it.
    Shapes:     batches of (x, y), of sizes n_b -> a Python number.
    Convention: softmax cross-entropy; the model is put into train mode and left there.
    Raises:     ValueError for no batches.
    Source:     Bottou 2010; the order of the calls is that of the torch documentation.
    """
    if not batches:
        raise ValueError("batches: got none, allowed is one or more")

    model.train()
    total, count = 0.0, 0
    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()  # gradients add up until they are cleared
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)  # n_b L_b, a number without a graph
        count += len(y)
    return total / count


def evaluate(
    model: nn.Module, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, float]:
    """Measure loss and accuracy of a model on data it does not learn from.

    Formula:    loss Σ_b n_b L_b / Σ_b n_b, accuracy (number of right answers) / Σ_b n_b.
    Shapes:     batches of (x, y), of sizes n_b -> {"loss": number, "accuracy": number in 0…1}.
    Convention: in eval mode, without gradients; the model is left in the mode it came in.
    Raises:     ValueError for no batches.
    Source:     `torch.nn.Module.eval`.
    """
    if not batches:
        raise ValueError("batches: got none, allowed is one or more")

    was_training = model.training
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in batches:
            scores = model(x)
            total += softmax_cross_entropy(scores, y).item() * len(y)  # n_b L_b
            right += int((scores.argmax(dim=1) == y).sum())
            count += len(y)
    model.train(was_training)
    return {"loss": total / count, "accuracy": right / count}


def precision_recall_f1(
    predicted: torch.Tensor, target: torch.Tensor, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give precision, recall and F1 of every class.

    Formula:    P = TP / (TP + FP), R = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN), each 0 where
                its denominator is 0.
    Shapes:     predicted and target (N,) of class numbers -> three of (C,).
    Convention: a class that is never predicted has precision 0, not 1 and not NaN.
    Raises:     ValueError for different shapes, for fewer than two classes and for what is no class
                number.
    Source:     van Rijsbergen 1979.
    """
    if predicted.ndim != 1 or predicted.shape != target.shape:
        got = f"{tuple(predicted.shape)} and {tuple(target.shape)}"
        raise ValueError(f"predicted and target: got {got}, allowed is (N,) for both")
    if num_classes < 2:
        raise ValueError(f"num_classes: got {num_classes}, allowed is num_classes >= 2")
    for name, numbers in (("predicted", predicted), ("target", target)):
        if ((numbers < 0) | (numbers >= num_classes)).any():
            got = f"{numbers.min()} to {numbers.max()}"
            raise ValueError(f"{name}: got {got}, allowed is 0 to {num_classes - 1}")

    classes = torch.arange(num_classes)[:, None].to(target.device)
    says, is_so = predicted == classes, target == classes  # (C, N)
    hits = (says & is_so).sum(dim=1)  # TP
    claimed, present = says.sum(dim=1), is_so.sum(dim=1)  # TP + FP, TP + FN
    precision = hits / claimed.clamp(min=1)  # where nothing is claimed, 0 / 1
    recall = hits / present.clamp(min=1)
    f1 = 2 * hits / (claimed + present).clamp(min=1)
    return precision, recall, f1


def macro_f1(predicted: list[torch.Tensor], target: list[torch.Tensor], num_classes: int) -> float:
    """Average the F1 of the classes over a whole set that comes in batches.

    Formula:    (1/C) Σ_c F1_c, each F1_c of all examples together.
    Shapes:     predicted and target: batches of class numbers (N_b,) -> a number.
    Convention: every class counts alike, however rare; a class with F1 = 0 counts too.
    Raises:     ValueError for no batches.
    Source:     van Rijsbergen 1979; `sklearn.metrics.f1_score(average="macro")`.
    """
    if len(predicted) < 1 or len(predicted) != len(target):
        got = f"{len(predicted)} and {len(target)} batches"
        raise ValueError(f"predicted and target: got {got}, allowed is one or more, equally many")

    _, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return f1.double().mean().item()


def small_sample(target: torch.Tensor, per_class: int) -> torch.Tensor:
    """Choose a few examples of every class, to overfit them.

    Formula:    for each class in target, in ascending order, the positions of its first
                `per_class` examples.
    Shapes:     target (N,) of class numbers -> (K · per_class,) positions, K classes.
    Raises:     ValueError for no examples, for a per_class below 1 and for a class with fewer
                examples.
    Source:     CS231n, "Neural networks part 3" (sanity checks).

    >>> small_sample(torch.tensor([1, 0, 1, 0]), per_class=1)
    tensor([1, 0])
    """
    if target.ndim != 1 or len(target) < 1:
        raise ValueError(f"target: got shape {tuple(target.shape)}, allowed is (N,) with N >= 1")
    if per_class < 1 or int(target.unique(return_counts=True)[1].min()) < per_class:
        raise ValueError(
            f"per_class: got {per_class}, allowed is 1 to the size of the rarest class"
        )

    chosen = [(target == c).nonzero()[:per_class, 0] for c in target.unique()]
    return torch.cat(chosen)


def overfit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: torch.Tensor,
    y: torch.Tensor,
    steps: int,
) -> list[float]:
    """Train on one small batch again and again, with all regularization off.

    Formula:    dropout probabilities and weight decay are set to 0; then `steps` steps of the
                optimizer on the softmax cross-entropy of all of x.
    Shapes:     x (N, …), y (N,) -> the losses before each step, `steps` numbers.
    Convention: in train mode: eval mode would freeze batch normalization as well.
    Raises:     ValueError for fewer than one step.
    Source:     CS231n, "Neural networks part 3"; Karpathy 2019.
    """
    if steps < 1:
        raise ValueError(f"steps: got {steps}, allowed is steps >= 1")

    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    return [train_epoch(model, optimizer, [(x, y)]) for _ in range(steps)]


def neighbor_agreement(x: torch.Tensor, target: torch.Tensor) -> float:
    """Say how often the nearest other example has the same label.

    Formula:    (1/N) Σ_i [y_i = y_k] with k = argmin_{j≠i} ‖x_i − x_j‖.
    Shapes:     x (N, D), target (N,) of class numbers -> a number in 0…1.
    Convention: near the chance of two labels to agree, inputs and labels do not belong together.
    Raises:     ValueError for another shape, for fewer than two examples and for whole numbers.
    Source:     Cover & Hart 1967 (the leave-one-out accuracy of one neighbor).
    """
    if x.ndim != 2 or target.shape != x.shape[:1] or len(x) < 2:
        got = f"{tuple(x.shape)} and {tuple(target.shape)}"
        raise ValueError(f"x and target: got {got}, allowed is (N, D) and (N,) with N >= 2")
    if not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype}, allowed is a floating-point dtype")

    distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")  # no digit lost
    distance.fill_diagonal_(math.inf)  # nobody is their own neighbor
    nearest = distance.argmin(dim=1)
    return (target[nearest] == target).double().mean().item()


class Checkpoint:
    """What a training run needs to go on as if it had never stopped.

    Formula:    parameters and buffers, the optimizer's state, the scheduler's, the step, and the
                state of torch's random numbers.
    Convention: copies, not references: training on does not change a checkpoint, and one
                checkpoint serves any number of runs. A run on a GPU, or one that draws with numpy,
                must keep those generators too.
    Source:     torch tutorial "Saving and loading a general checkpoint".
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
        step: int,
    ) -> None:
        """Copy the state of a run after `step` steps."""
        self.model = copy.deepcopy(model.state_dict())  # parameters and buffers
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> int:
        """Put a new run, made alike, into the kept state; return the step it stands at."""
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))  # it takes over what it gets
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


def fade(signal: torch.Tensor) -> torch.Tensor:
    """Fade signals in and out with a window that is made on the spot.

    Formula:    y_nk = x_nk · (1 − cos(2π k / (L − 1))) / 2 for k = 0…L−1.
    Shapes:     signal x (N, L) -> (N, L), on the device and of the dtype of the signal.
    Convention: the Hann window with both ends zero, `torch.hann_window(L, periodic=False)`.
    Raises:     ValueError for another shape and for L < 2.
    Source:     Blackman & Tukey 1958.

    >>> fade(torch.ones(1, 5))
    tensor([[0.0000, 0.5000, 1.0000, 0.5000, 0.0000]])
    """
    if signal.ndim != 2 or signal.shape[1] < 2:
        raise ValueError(f"signal: got shape {tuple(signal.shape)}, allowed is (N, L) with L >= 2")

    length = signal.shape[1]
    k = torch.arange(length, device=signal.device, dtype=signal.dtype)
    window = (1 - torch.cos(2 * math.pi * k / (length - 1))) / 2
    return signal * window
