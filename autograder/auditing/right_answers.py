"""The proof that right answers pass."""

from __future__ import annotations

from typing import Any

from autograder.auditing.draws import Draw, NotJudged
from autograder.auditing.rates import Rate
from autograder.auditing.result import Audit
from autograder.judging import Exercise


class RightAnswers:
    """The reference and every alternative pass every draw."""

    def __init__(self, exercise: Exercise, result: Audit) -> None:
        self._result = result
        self._answers: dict[str, Any] = {"the reference": exercise.reference}
        self._answers |= {f"alternative {a.name}": a.answer for a in exercise.alternatives}
        self._rates = {name: Rate() for name in self._answers}

    def look(self, draw: Draw) -> None:
        """Try every right answer on a draw."""
        for name, answer in self._answers.items():
            rate = self._rates[name]
            try:
                # Once as a student's kernel looks: a rehearsal must promise no more than that.
                first = rate.draws == 0
                verdict = draw.look(answer, rate, rehearsed=not first).verdict
            except NotJudged as error:
                self._result.problems.append(f"{name} {error}")
                continue
            if not verdict.passed and rate.passes == rate.draws - 1:
                failed = [f for f in verdict.findings if not f.passed]
                self._result.problems.append(
                    f"{name} fails on seed {draw.seed}: {failed or verdict.notes}"
                )

    def report(self) -> None:
        """Note which of them passed every draw."""
        if not len(self._answers) > 1:
            self._result.problems.append("there is no alternative: give a right answer")
        self._result.flakes = sum(rate.hangs_on_the_seed for rate in self._rates.values())
        always = {name for name, rate in self._rates.items() if 0 < rate.passes == rate.draws}
        self._result.reference_ok = "the reference" in always
        self._result.alternatives_ok = len(always - {"the reference"})
