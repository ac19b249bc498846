"""All audits at once, in parallel, and the table that shows them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import torch
from tqdm import tqdm

from autograder.auditing.audit import Audit, audit
from autograder.exercises import find_exercise
from autograder.judging import Lab


def audit_labs(labs: Sequence[Lab], *, seeds: int, jobs: int) -> list[Audit]:
    """Audit every exercise of the labs, in course order."""
    ids = [exercise.id for lab in labs for exercise in lab.exercises.values()]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Spawned workers import the exercises afresh; forking after torch has run threads can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread) as pool:
        results = pool.map(_audit_one, ids, [seeds] * len(ids))
        return list(tqdm(results, total=len(ids), desc="audit", unit="exercise"))


def _one_thread() -> None:
    torch.set_num_threads(1)


def _audit_one(id: str, seeds: int) -> Audit:
    return audit(find_exercise(id), seeds)


def print_table(audits: Sequence[Audit]) -> None:
    """Print one line for each exercise, then what is wrong, then the totals."""
    width = max((len(a.exercise) for a in audits), default=8)
    print(
        f"{'exercise':{width}}  ref  altern.  mistakes  named    forged"
        "  mutants       margin   CPU s"
    )
    for a in audits:
        if not a.mutants and not a.mistakes and a.kind in ("prediction", "written"):
            print(f"{a.exercise:{width}}  {a.kind}")
            continue
        margin = f"{a.margin:.1f}" if a.margin is not None else "-"
        print(
            f"{a.exercise:{width}}  {'ok ' if a.reference_ok else 'BAD'}"
            f"  {a.alternatives_ok:3}/{a.alternatives:<3}"
            f"  {a.rejected:3}/{a.mistakes:<4}  {a.diagnosed:3}/{a.mistakes:<3}"
            f"  {a.forgeries_rejected:3}/{a.forgeries:<3}  {_killed(a):12}  {margin:>7}"
            f"  {a.cpu_seconds:5.3f}"
        )
    for a in audits:
        for problem in a.problems:
            print(f"{a.exercise}: {problem}")
    checked = [a for a in audits if a.mutants]
    mistakes = sum(a.mistakes for a in audits)
    mutants = sum(a.mutants for a in audits)
    if checked:
        print(
            f"{len(audits)} exercises; {mistakes} mistakes, "
            f"{sum(a.rejected for a in audits)} rejected, "
            f"{sum(a.diagnosed for a in audits)} diagnosed; {mutants} mutants, "
            f"{sum(a.killed for a in audits)} killed; flakes {sum(a.flakes for a in audits)}; "
            f"slowest check {max(a.cpu_seconds for a in audits):.3f} CPU seconds"
        )


def _killed(a: Audit) -> str:
    equivalent = sum(bool(s["equivalent"]) for s in a.survivors)
    return f"{a.killed}/{a.mutants}" + (f" (+{equivalent} eq)" if equivalent else "")
