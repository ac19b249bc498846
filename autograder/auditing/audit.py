"""What the audit proves of one exercise, and what it estimates.

It draws inputs from seed after seed and shows each draw to every answer.

1. The reference and every alternative pass on every seed.
2. Every mistake fails on every seed, and who made it is told the mistake's own diagnosis; mistakes
   that behave alike share one. One that raises in every case says so.
3. The untouched starter is not attempted and scores 0.
4. Forged observations (constants, or replayed from other seeds) score 0 on every seed.
5. A local check costs no more CPU seconds than its probe may.
6. The reference made of its own source lives, and mutants of the lines that students write die.

What is run is proved for the seeds it is run on. That right answers pass is tried on all ``seeds``.
That an answer *never* passes is estimated: one that fails in every case is tried until that is as
sure as ``seeds`` failures of a single case would make it (``rates``: 15 draws of three cases for
200 seeds, which leave at most 1.5 % with 95 % confidence), one that fails in few cases on all
seeds. Mutants, of which there are thousands, are dead when it is as sure as 20 failures make it:
at most 14 %. A mutant that passes anywhere is tried on all seeds. Whatever passes on some seeds and
fails on others is a problem, for one hidden seed serves a whole class.

What trains at full size is tried on few draws, and has no mutants: most change what it earns by
less than its seeds do. Its mistakes fail every check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from autograder.auditing.cost import check_cost
from autograder.auditing.draws import Draw
from autograder.auditing.forgeries import Forgeries
from autograder.auditing.killing import Mutants
from autograder.auditing.mistakes import Mistakes
from autograder.auditing.result import Audit
from autograder.auditing.right_answers import RightAnswers
from autograder.auditing.starter import check_starter
from autograder.judging import Alternative, Exercise, Mistake

_TRAINING_SEEDS = 2


class Proof(Protocol):
    """What is shown every draw, and says at the end what it saw."""

    def look(self, draw: Draw) -> None:
        """Try answers on a draw."""

    def report(self) -> None:
        """Note in the audit what was seen."""


def audit(exercise: Exercise, seeds: int = 20) -> Audit:
    """Run every proof for an exercise; those without checks have only their outcome to prove."""
    result = Audit.of(exercise, seeds)
    if not exercise.automatic:
        if exercise.outcome is not None:
            exercise.outcome()
        return result
    exercise = _written_out(exercise, result)
    trains = exercise.probe.observer.trains
    if trains:
        seeds = result.seeds = min(seeds, _TRAINING_SEEDS)
    proofs: list[Proof] = [
        RightAnswers(exercise, result),
        Mistakes(exercise, result, seeds),
        Forgeries(result),
    ]
    if not trains:
        proofs.append(Mutants(exercise, result, seeds))
    for seed in range(seeds):
        draw = Draw.of(exercise, seed)
        for proof in proofs:
            proof.look(draw)
    for proof in proofs:
        proof.report()
    check_starter(exercise, result)
    check_cost(exercise, result)
    return result


def _written_out(exercise: Exercise, result: Audit) -> Exercise:
    """The exercise with those mistakes and alternatives that can be made of what is written."""
    result.mistakes, result.alternatives = len(exercise.mistakes), len(exercise.alternatives)

    def exists(kind: str, given: Mistake | Alternative) -> bool:
        try:
            return given.answer is not None
        except ValueError as error:
            result.problems.append(f"{kind} {given.name} cannot be written out: {error}")
            return False

    return replace(
        exercise,
        mistakes=[m for m in exercise.mistakes if exists("mistake", m)],
        alternatives=[a for a in exercise.alternatives if exists("alternative", a)],
    )
