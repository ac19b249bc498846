"""Many audits at once, in parallel, and the table that shows them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import torch
from tqdm import tqdm

from autograder.auditing.audit import audit
from autograder.auditing.changed import changed_files, seeds_for
from autograder.auditing.result import MIN_KILLED, Audit
from autograder.exercises import find_exercise
from autograder.judging import Exercise


def audit_exercises(exercises: Sequence[Exercise], *, seeds: int | None, jobs: int) -> list[Audit]:
    """Audit exercises in their order, on so many seeds, or on more of those that changed."""
    changed = changed_files() if seeds is None else set()
    work = {e.id: seeds or seeds_for(e, changed) for e in exercises}
    if len(work) == 1:
        return [_audit_one(id, count) for id, count in work.items()]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Spawned workers import the exercises afresh; forking after torch has run threads can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread) as pool:
        results = pool.map(_audit_one, work, work.values())
        return list(tqdm(results, total=len(work), desc="audit", unit="exercise"))


def _one_thread() -> None:
    torch.set_num_threads(1)


def _audit_one(id: str, seeds: int) -> Audit:
    return audit(find_exercise(id), seeds)


def problems(audits: Sequence[Audit]) -> list[str]:
    """What is wrong with the exercises, and with the labs they are of."""
    found = [f"{a.exercise}: {problem}" for a in audits for problem in a.problems]
    for lab in dict.fromkeys(a.lab for a in audits):
        mutants = sum(a.mutants for a in audits if a.lab == lab)
        killed = sum(a.killed for a in audits if a.lab == lab)
        if killed < MIN_KILLED * mutants:
            found.append(
                f"{lab}: {killed} of {mutants} mutants die, wanted are at least {MIN_KILLED:.0%}: "
                "each one that lives is a missing check or a degenerate input, or is explained in "
                "equivalent_mutants"
            )
    return found


def print_table(audits: Sequence[Audit]) -> None:
    """Print one line for each exercise, then what lives, what is wrong, and the totals."""
    width = max((len(a.exercise) for a in audits), default=8)
    print(
        f"{'exercise':{width}}  seeds  ref  altern.  mistakes  named       forged"
        "  mutants          margin   CPU s"
    )
    for a in audits:
        print(_line(a, width))
    for a in audits:
        for group in a.alike:
            print(f"{a.exercise}: alike are {', '.join(group['mistakes'])}: {group['diagnosis']}")
    for a in audits:
        for s in a.unexplained:
            print(f"{a.exercise}: {s.operator} lives on {s.passes}/{s.seeds} seeds: {s.mutant}")
    for problem in problems(audits):
        print(problem)
    print(_totals(audits))


def _line(a: Audit, width: int) -> str:
    if not a.mutants and not a.mistakes and a.kind in ("prediction", "written"):
        return f"{a.exercise:{width}}  {a.kind}"
    margin = f"{a.margin:.1f}" if a.margin is not None else "-"
    return (
        f"{a.exercise:{width}}  {a.seeds:5}  {'ok ' if a.reference_ok else 'BAD'}"
        f"  {a.alternatives_ok:3}/{a.alternatives:<3}"
        f"  {a.rejected:3}/{a.mistakes:<4}  {a.diagnosed:3}/{a.mistakes:<3}"
        f"  {a.forgeries_rejected:5}/{a.forgeries:<5}  {_killed(a):15}  {margin:>7}"
        f"  {a.cpu_seconds:5.3f}"
    )


def _killed(a: Audit) -> str:
    explained = len(a.survivors) - len(a.unexplained)
    return f"{a.killed}/{a.mutants}" + (f" (+{explained} eq)" if explained else "")


def _totals(audits: Sequence[Audit]) -> str:
    def total(name: str) -> int:
        return sum(getattr(a, name) for a in audits)

    slowest = max((a.cpu_seconds for a in audits), default=0.0)
    return (
        f"{len(audits)} exercises; {total('mistakes')} mistakes, {total('rejected')} rejected, "
        f"{total('diagnosed')} diagnosed; {total('mutants')} mutants, {total('killed')} killed, "
        f"{total('crashed')} of them by raising everywhere; flakes {total('flakes')}; "
        f"slowest check {slowest:.3f} CPU seconds"
    )
