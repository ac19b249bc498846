"""The proof that known mistakes are rejected, whatever the seed, and told what is true of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from autograder.auditing.draws import Draw, Look, NotJudged
from autograder.auditing.rates import Rate
from autograder.auditing.result import Audit
from autograder.judging import Exercise, Mistake, Verdict

MIN_MARGIN = 2.0
"""Thresholds that lie at least between a mistake and its acceptance by statistical checks."""


@dataclass
class _Trial:
    """One mistake, what is to be told of it, and what has been seen of it."""

    mistake: Mistake
    own: str
    rate: Rate = field(default_factory=Rate)
    told: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    raised: Counter[str] = field(default_factory=Counter)
    over: bool = False


class Mistakes:
    """Every mistake fails on every draw, and the student who made it is told its own diagnosis."""

    def __init__(self, exercise: Exercise, result: Audit, seeds: int) -> None:
        self._result = result
        self._seeds = seeds
        self._trials = [_Trial(m, exercise.told(m)) for m in exercise.mistakes]
        self._margins: list[float] = []

    def look(self, draw: Draw) -> None:
        """Try every mistake on a draw, unless what it does is clear."""
        for trial in self._trials:
            if trial.over:
                continue
            try:
                self._count(trial, draw.look(trial.mistake.answer, trial.rate, named=True))
            except NotJudged as error:
                trial.over = True
                self._problem(trial, str(error))
            else:
                trial.over = trial.rate.never_passes(self._seeds)

    def report(self) -> None:
        """Note what was seen, and what of it must not be."""
        if not self._trials:
            self._result.problems.append("there is no mistake: give a wrong answer")
        for trial in self._trials:
            self._result.rejected += trial.rate.passes == 0 < trial.rate.draws
            own = set(trial.told) <= {trial.own}
            self._result.diagnosed += own
            if trial.rate.passes:
                of = f"{trial.rate.passes} of {trial.rate.draws} seeds"
                right = trial.rate.passes == trial.rate.draws
                why = "it is a right answer, or no check looks at what is wrong"
                first = f"first on seed {trial.rate.first_pass}"
                self._problem(trial, f"passes on {of}, {why if right else first}")
            elif not own:
                self._misnamed(trial)
            self._check_raised(trial)
        self._list_alike()
        margin = self._result.margin = min(self._margins, default=None)
        if margin is not None and margin < MIN_MARGIN:
            self._result.problems.append(f"a mistake lies only {margin:.2f} thresholds away")

    def _count(self, trial: _Trial, look: Look) -> None:
        trial.raised.update(look.raised)
        if look.verdict.score == look.verdict.points:
            return
        trial.told[look.verdict.explanation] += 1
        trial.names.add(look.verdict.diagnosis or "")
        self._margins += _margin(look.verdict)

    def _misnamed(self, trial: _Trial) -> None:
        told = ", ".join(sorted(name or "nothing" for name in trial.names - {trial.mistake.name}))
        wrong = trial.told.total() - trial.told[trial.own]
        of = f"{wrong} of {trial.told.total()} seeds"
        self._problem(
            trial,
            f"is told another diagnosis on {of}, that of {told}: mistakes that behave alike share "
            "one text, or the probe sees more",
        )

    def _check_raised(self, trial: _Trial) -> None:
        said = trial.mistake.raises
        always = "" not in trial.raised
        kinds = " or ".join(sorted(kind for kind in trial.raised if kind))
        if said and (not always or set(trial.raised) != {said}):
            seen = f"raises {kinds or 'nothing'}" + (
                "" if always or not kinds else " in some cases"
            )
            self._problem(trial, f'says raises="{said}" and {seen}')
        elif not said and always and trial.raised:
            cure = f'say raises="{kinds}" where this is the mistake; a student\'s may well run'
            if kinds == "NameError":
                cure = "is an import missing?"
            self._problem(trial, f"raises {kinds} in every case: {cure}")

    def _list_alike(self) -> None:
        groups: dict[str, set[str]] = {}
        for trial in self._trials:
            for name in trial.names:
                groups.setdefault(name, {name}).add(trial.mistake.name)
        texts = {trial.mistake.name: trial.own for trial in self._trials}
        for name, group in groups.items():
            if name and len(group) > 1:
                self._result.alike.append({"mistakes": sorted(group), "diagnosis": texts[name]})

    def _problem(self, trial: _Trial, what: str) -> None:
        self._result.problems.append(f"mistake {trial.mistake.name} {what}")


def _margin(verdict: Verdict) -> list[float]:
    """How far beyond its threshold the clearest failed finding lies, if all are statistical."""
    failed = [f for f in verdict.findings if not f.passed]
    if not failed or any(f.margin is None for f in failed):
        return []
    return [max(f.margin for f in failed if f.margin is not None)]
