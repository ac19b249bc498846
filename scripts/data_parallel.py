"""A data-parallel training started by torchrun: lab 12's functions, and torch's own, side by side.

    torchrun --nproc-per-node 2 scripts/data_parallel.py

Every process is one worker, and takes its part of every batch. All end with the same weight, that
of one process with every example. Where the parts are of one size, `DistributedDataParallel` ends
there too.
"""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from course_lib.distributed import shard, train_data_parallel
from course_lib.workers import joined

STEPS, BATCH, FEATURES, CLASSES = 20, 60, 8, 4


def by_torch(weight: torch.Tensor, shards: list[tuple[torch.Tensor, ...]]) -> torch.Tensor:
    """The same training by torch, which takes the mean of means."""
    layer = nn.Linear(FEATURES, CLASSES, bias=False)
    layer.weight.data = weight.T.clone()
    model = DistributedDataParallel(layer)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for x, target in shards:
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    return layer.weight.detach().T


def main() -> None:
    torch.set_num_threads(1)
    worker = joined()
    torch.manual_seed(0)  # the same batches on all workers, of which each takes its part
    batches = [
        (torch.randn(BATCH, FEATURES), torch.randint(CLASSES, (BATCH,))) for _ in range(STEPS)
    ]
    weight = torch.randn(FEATURES, CLASSES) + worker.rank  # rank 0's is the one that counts
    mine = [tuple(shard(part, worker.rank, worker.size) for part in batch) for batch in batches]
    ours = train_data_parallel(worker, weight, mine, lr=0.1, momentum=0.9)
    theirs = by_torch(weight, mine)
    difference = (ours - theirs).abs().max().item()
    print(
        f"rank {worker.rank} of {worker.size}: {worker.sent['messages']} messages, "
        f"|weight| {ours.norm():.6f}, largest difference from DistributedDataParallel "
        f"{difference:.1e}\n",
        end="",
    )
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
