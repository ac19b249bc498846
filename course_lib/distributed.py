"""Large batches and distributed training: several workers that together do what one would do.

Every technique once. A worker has a `rank` and the `size` of its group, and sends and receives
tensors (`course_lib.workers`); what takes one is called by all ranks at the same time. Gradients
are means over examples, as torch's losses make them.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.workers import Worker


def mean_over_shards(gradients: Sequence[torch.Tensor], counts: Sequence[int]) -> torch.Tensor:
    """Combine the mean gradients of unequal shards into that of the whole batch.

    Formula: ḡ = Σ_k n_k ḡ_k / Σ_k n_k.
    Shapes:  K gradients of one shape, each the mean over its shard, and the K numbers of examples
             -> the same shape.
    Raises:  ValueError for no shards, unequal shapes or numbers, and a shard without examples.
    Source:  Li et al. 2020, "PyTorch distributed" (which takes all shards for equal).
    """
    if not gradients or len({g.shape for g in gradients}) > 1:
        got = [tuple(g.shape) for g in gradients]
        raise ValueError(f"gradients: got shapes {got}, allowed is one or more, all of one shape")
    if len(counts) != len(gradients) or min(counts) < 1:
        got_counts = list(counts)
        raise ValueError(f"counts: got {got_counts}, allowed is one for each shard, at least 1")

    sums = [n * g for n, g in zip(counts, gradients, strict=True)]
    return torch.stack(sums).sum(dim=0) / sum(counts)


def ring_all_reduce(worker: Worker, x: torch.Tensor) -> torch.Tensor:
    """Add up a tensor over all workers of a ring, and give all of them the sum.

    Formula:    x is cut into p chunks. Reduce-scatter: p − 1 times, every worker sends one chunk to
                the next and adds the one that comes to its own; then each has one finished chunk.
                All-gather: p − 1 times, finished chunks are passed on.
    Shapes:     x (N,) on every worker -> (N,), the same bits on every worker.
    Convention: each worker sends 2(p − 1) messages of at most ⌈N/p⌉ numbers. x stays as it is.
    Raises:     ValueError for an x that has not one axis.
    Source:     Patarasu & Yuan 2009, "Bandwidth optimal all-reduce algorithms".
    """
    if x.ndim != 1:
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (N,)")

    rank, size = worker.rank, worker.size
    after, before = (rank + 1) % size, (rank - 1) % size
    chunks = list(x.tensor_split(size))
    for step in range(size - 1):  # after it, this worker has all of chunk rank + 1
        sent = worker.isend(chunks[(rank - step) % size], after)
        place = (rank - step - 1) % size
        chunks[place] = chunks[place] + worker.receive(before)
        sent()
    for step in range(size - 1):
        sent = worker.isend(chunks[(rank + 1 - step) % size], after)
        chunks[(rank - step) % size] = worker.receive(before)
        sent()
    return torch.cat(chunks)


def train_accumulating(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[Sequence[tuple[torch.Tensor, torch.Tensor]]],
    *,
    max_norm: float,
) -> list[float]:
    """Train on batches that do not fit into memory, a micro-batch at a time.

    Formula: for each batch ḡ = Σ_k (n_k/N) ḡ_k over its micro-batches, clipped to the norm
             `max_norm`, then one step.
    Shapes:  batches of micro-batches (x (n_k, …), target (n_k,)) -> the loss of every batch, a
             float, before its step.
    Raises:  ValueError for a batch without micro-batches.
    Source:  Ott et al. 2018, "Scaling neural machine translation"; clipping: Pascanu et al. 2013.
    """
    if not all(batches):
        raise ValueError("batches: got one without micro-batches, allowed is one or more in each")

    losses = []
    for micro_batches in batches:
        examples = sum(len(x) for x, _ in micro_batches)
        optimizer.zero_grad()
        loss = 0.0
        for x, target in micro_batches:
            part = F.cross_entropy(model(x), target) * len(x) / examples
            part.backward()  # adds to the gradients that are there
            loss += part.item()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss)
    return losses


def large_batch_options(
    step: int,
    options: dict[str, float],
    *,
    factor: float,
    warmup_steps: int,
    rule: str = "linear",
) -> dict[str, float]:
    """Rescale an optimizer's options to a batch that is `factor` times as large, with warm-up.

    Formula:    α' = kα by the rule 'linear', √k α by 'sqrt'. The rate goes straight from α at step
                0 to α' at step `warmup_steps`, and stays.
    Convention: the warm-up begins at the *old* rate α, not at 0: that one is known to work. All
                other options stay. All workers use the same step, and so the same rate.
    Raises:     ValueError for a negative step, options without 'lr', a factor that is not positive,
                a negative number of warm-up steps, and another rule.
    Source:     Goyal et al. 2017 (linear, SGD); Malladi et al. 2022 (√k, Adam).
    """
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"step, warmup_steps: got {step}, {warmup_steps}, allowed is 0 or more")
    if "lr" not in options or not 0 < factor < math.inf:
        got = f"{', '.join(options)} and {factor}"
        raise ValueError(f"options, factor: got {got}, allowed is with 'lr', and 0 < factor < inf")
    if rule not in ("linear", "sqrt"):
        raise ValueError(f"rule: got {rule!r}, allowed is 'linear' or 'sqrt'")

    base = options["lr"]
    full = base * (factor if rule == "linear" else math.sqrt(factor))
    warmed = min(step / warmup_steps, 1.0) if warmup_steps else 1.0
    return {**options, "lr": base + (full - base) * warmed}


def pipeline_timetable(durations: torch.Tensor, micro_batches: int) -> torch.Tensor:
    """Say when each stage of a pipeline starts on each micro-batch, as early as it can.

    Formula:    start_{s,i} = max(end_{s−1,i}, end_{s,i−1}) with end = start + d_s, and 0 where
                nothing is before. All d = 1: start_{s,i} = s + i, and the last ends at m + p − 1.
    Shapes:     durations (p,), the time that stage s takes for one micro-batch -> (p, m).
    Convention: forward passes only; micro-batches in their order; handing over takes no time.
    Raises:     ValueError unless durations is (p,) with p >= 1, all positive, and m >= 1.
    Source:     Huang et al. 2019, "GPipe".
    """
    if durations.ndim != 1 or not len(durations) or not bool((durations > 0).all()):
        got = f"shape {tuple(durations.shape)}"
        raise ValueError(f"durations: got {got}, allowed is (p,) with p >= 1, all positive")
    if micro_batches < 1:
        raise ValueError(f"micro_batches: got {micro_batches}, allowed is 1 or more")

    starts = durations.new_zeros(len(durations), micro_batches)
    free = torch.zeros_like(durations)  # when each stage has done what it was given so far
    for i in range(micro_batches):
        arrives = durations.new_zeros(())
        for s, duration in enumerate(durations):
            starts[s, i] = torch.maximum(arrives, free[s])
            arrives = free[s] = starts[s, i] + duration
    return starts


def data_parallel_step(
    worker: Worker, weight: torch.Tensor, x: torch.Tensor, target: torch.Tensor, *, lr: float
) -> torch.Tensor:
    """Take one step of SGD on the batch that all workers' shards make together.

    Formula:    W ← W − η Σ_k n_k ∇L_k(W) / Σ_k n_k with the mean cross-entropy L_k of shard k.
    Shapes:     weight (D, C), the same on all workers; this worker's shard x (n_k, D), target
                (n_k,) of class numbers -> the new weight (D, C), the same on all.
    Convention: a classifier without bias, with scores x W. Shards may differ in size.
    Raises:     ValueError for shapes that do not fit and a shard without examples.
    Source:     Dean et al. 2012; Li et al. 2020.
    """
    if weight.ndim != 2 or x.shape != (len(target), len(weight)) or not len(target):
        got = f"{tuple(weight.shape)}, {tuple(x.shape)}, {tuple(target.shape)}"
        raise ValueError(f"shapes: got {got}, allowed is (D, C), (n, D), (n,) with n >= 1")

    leaf = weight.detach().clone().requires_grad_()
    F.cross_entropy(x @ leaf, target, reduction="sum").backward()
    assert leaf.grad is not None
    sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])
    total = ring_all_reduce(worker, sums)
    return weight - lr * (total[:-1] / total[-1]).reshape(weight.shape)


def shard(x: torch.Tensor, rank: int, size: int) -> torch.Tensor:
    """Give one worker its part of a batch.

    Formula:    x_rank, x_{rank+p}, x_{rank+2p}, …
    Shapes:     x (N, …) -> (⌈N/p⌉ or ⌊N/p⌋, …).
    Convention: the shards of all ranks are the batch: every example once, and none twice. torch's
                DistributedSampler pads instead, so that some examples count twice.
    Raises:     ValueError for a rank outside of the group and an x without axes.
    Source:     Li et al. 2020.
    """
    if not 0 <= rank < size or not x.ndim:
        got = f"rank {rank} of {size}, {x.ndim} axes"
        raise ValueError(f"rank, size, x: got {got}, allowed is 0 <= rank < size and (N, …)")

    return x[rank::size]


def broadcast(worker: Worker, x: torch.Tensor, root: int = 0) -> torch.Tensor:
    """Give all workers the tensor of one of them.

    Shapes:     x of any shape, on every worker the same -> the root's.
    Convention: p − 1 messages in all, each of the whole tensor. What others hold is not used.
    Raises:     ValueError for a root outside of the group.
    Source:     Li et al. 2020: DistributedDataParallel does so as it is constructed.
    """
    if not 0 <= root < worker.size:
        raise ValueError(f"root: got {root}, allowed is 0 <= root < {worker.size}")

    if worker.rank != root:
        return worker.receive(root)
    for other in range(worker.size):
        if other != root:
            worker.send(x, other)
    return x.clone()


def average_gradients(worker: Worker, gradients: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Average gradients over all workers, in one message for all parameters.

    Formula:    ḡ = (1/p) Σ_k ḡ_k: right for shards of equal size.
    Shapes:     one gradient for each parameter, of any shapes -> as many, the same on all workers.
    Convention: all are laid into one bucket, for many small messages are slow.
    Raises:     ValueError for no gradients.
    Source:     Li et al. 2020 (buckets).
    """
    if not gradients:
        raise ValueError("gradients: got none, allowed is one or more")

    bucket = torch.cat([gradient.flatten() for gradient in gradients])
    total = ring_all_reduce(worker, bucket) / worker.size
    parts = total.split([gradient.numel() for gradient in gradients])
    return [part.reshape(g.shape) for part, g in zip(parts, gradients, strict=True)]


def train_data_parallel(
    worker: Worker,
    weight: torch.Tensor,
    shards: Sequence[tuple[torch.Tensor, torch.Tensor]],
    *,
    lr: float,
    momentum: float,
) -> torch.Tensor:
    """Train a linear classifier with momentum on all workers, from the weight of rank 0.

    Formula:    b ← μ b + ḡ, W ← W − η b with ḡ = Σ_k n_k ḡ_k / Σ_k n_k at every step.
    Shapes:     weight (D, C); for every step this worker's shard, x (n, D) and target (n,)
                -> the weight (D, C) after the last step, the same on all workers.
    Convention: b is 0 at first; scores x W, mean cross-entropy. What other ranks than 0 begin with
                is not used.
    Raises:     ValueError for no shards and a weight that has not two axes.
    Source:     Dean et al. 2012; Li et al. 2020.
    """
    if not shards or weight.ndim != 2:
        got = f"{len(shards)} shards, weight {tuple(weight.shape)}"
        raise ValueError(f"shards, weight: got {got}, allowed is one or more, and (D, C)")

    weight = broadcast(worker, weight)
    velocity = torch.zeros_like(weight)
    for x, target in shards:
        leaf = weight.clone().requires_grad_()
        F.cross_entropy(x @ leaf, target, reduction="sum").backward()
        assert leaf.grad is not None
        sums = torch.cat([leaf.grad.flatten(), leaf.grad.new_tensor([len(x)])])
        total = ring_all_reduce(worker, sums)
        velocity = momentum * velocity + (total[:-1] / total[-1]).reshape(weight.shape)
        weight = weight - lr * velocity
    return weight


def sync_batch_norm(worker: Worker, x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Normalize a shard with mean and variance of the whole batch, on all workers.

    Formula:    (x − μ) / √(σ² + ε) with μ = Σ_k Σ_i x / N and σ² = Σ_k Σ_i (x − μ)² / N.
    Shapes:     x (n_k, D), shards may differ in size -> (n_k, D).
    Convention: the biased variance, as in batch normalization. The variance between the workers'
                means is part of it. Two rounds, for Σx² − Nμ² loses digits.
    Raises:     ValueError unless x is (n, D) with n >= 1.
    Source:     Zhang et al. 2018 ("Context encoding"); torch's SyncBatchNorm.
    """
    if x.ndim != 2 or not len(x):
        raise ValueError(f"x: got shape {tuple(x.shape)}, allowed is (n, D) with n >= 1")

    sums = ring_all_reduce(worker, torch.cat([x.sum(dim=0), x.new_tensor([len(x)])]))
    mean, count = sums[:-1] / sums[-1], sums[-1]
    variance = ring_all_reduce(worker, (x - mean).pow(2).sum(dim=0)) / count
    return (x - mean) / torch.sqrt(variance + eps)


def tensor_parallel_block(
    worker: Worker,
    x: torch.Tensor,
    first: torch.Tensor,
    first_bias: torch.Tensor,
    second: torch.Tensor,
    second_bias: torch.Tensor,
) -> torch.Tensor:
    """Compute two layers whose hidden units are split over the workers, with one all-reduce.

    Formula:    Y = Σ_k relu(X A_k + a_k) B_k + b: the first matrix is split by columns, the second
                by rows.
    Shapes:     x (N, D), the same on all; this worker's A_k (D, H_k), a_k (H_k,) and B_k (H_k, E);
                b (E,), the same on all -> (N, E), the same on all.
    Convention: b is added once. The nonlinearity is between the layers, where units are whole.
    Raises:     ValueError for shapes that do not fit.
    Source:     Shoeybi et al. 2019, "Megatron-LM".
    """
    hidden = (first.shape[-1],)
    if x.shape[1:] != first.shape[:1] or not first_bias.shape == second.shape[:1] == hidden:
        got = ", ".join(str(tuple(t.shape)) for t in (x, first, first_bias, second))
        raise ValueError(f"shapes: got {got}, allowed is (N, D), (D, H), (H,), (H, E)")

    part = torch.relu(x @ first + first_bias) @ second
    return ring_all_reduce(worker, part.flatten()).reshape(part.shape) + second_bias


def idle_share(stages: int, micro_batches: int) -> float:
    """Give the share of its time that a stage of a pipeline is idle: the bubble.

    Formula:    (p − 1) / (m + p − 1): each stage works for m of the m + p − 1 units of time.
    Convention: stages of equal duration. m = 1, layers on devices without a pipeline: (p − 1)/p.
    Raises:     ValueError for fewer than one stage or micro-batch.
    Source:     Huang et al. 2019, "GPipe".
    """
    if stages < 1 or micro_batches < 1:
        got = f"{stages} and {micro_batches}"
        raise ValueError(f"stages, micro_batches: got {got}, allowed is 1 or more of each")

    return (stages - 1) / (micro_batches + stages - 1)


def equal_budgets(
    steps: int, batch_size: int, factor: int, *, overhead: float, per_example: float
) -> dict[str, int]:
    """Say how many steps a larger batch gets, by three ideas of a fair comparison.

    Formula:    equal examples ⌊T/k⌋; equal steps T; equal time ⌊T t(B)/t(kB)⌋, where a step on B
                examples takes t(B) = overhead + per_example · B.
    Shapes:     a run of T `steps` with the batch B, and k = `factor`
                -> {"examples", "steps", "time"}.
    Raises:     ValueError for numbers below 1 and times that are not positive.
    Source:     Shallue et al. 2019, "Measuring the effects of data parallelism".
    """
    if min(steps, batch_size, factor) < 1 or min(overhead, per_example) <= 0:
        got = f"{steps}, {batch_size}, {factor}, {overhead}, {per_example}"
        raise ValueError(f"got {got}, allowed is 1 or more, and times above 0")

    small = overhead + per_example * batch_size
    large = overhead + per_example * batch_size * factor
    return {
        "examples": steps // factor,
        "steps": steps,
        "time": math.floor(steps * small / large),
    }
