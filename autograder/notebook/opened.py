"""A lab that is open in a notebook: the cells that have run, the answers, and how far one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.answering.answers import Answers
from autograder.answering.cells import Cells, definition_in
from autograder.answering.stand_ins import needed_by
from autograder.answering.verdicts import undefined, unjudged
from autograder.desk.home import write_home
from autograder.desk.progress import Progress, changing
from autograder.judging import Exercise, Hidden, Lab, Reason, Verdict, hidden
from autograder.judging.seeds import fresh_seed
from autograder.judging.source.comparing import is_untouched
from autograder.notebook.here import Here
from autograder.notebook.names import files_beside, reachable
from autograder.notebook.saved import changed_since


@dataclass
class Drawn:
    """Inputs drawn for one check of one student's; what ``Answers`` takes for references."""

    lab: Lab
    seed: int
    _hidden: dict[str, Hidden] = field(default_factory=dict)

    def of(self, exercise: Exercise) -> Hidden:
        """What an answer is judged on."""
        if exercise.id not in self._hidden:
            self._hidden[exercise.id] = hidden(exercise, self.seed)
        return self._hidden[exercise.id]


@dataclass(frozen=True)
class Look:
    """One look at an answer: the verdict, and what it was reached on."""

    verdict: Verdict
    on: Hidden | None = None
    observed: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""


class OpenLab:
    """A lab in a namespace; ``cells`` have run in it, ``folder`` keeps its progress."""

    def __init__(
        self,
        lab: Lab,
        namespace: dict[str, Any],
        cells: Cells | None = None,
        folder: Path | None = None,
    ) -> None:
        self.lab = lab
        self.namespace = namespace
        self.cells = cells or Cells()
        self.looks: dict[str, Look] = {}
        self.shown: set[str] = set()
        self.ran_at: dict[str, float] = {}
        self._folder = folder
        self._place = Path.cwd()
        self._here = Progress(lab.name, lab.version)
        self._known: dict[str, tuple[list[Any], Verdict]] = {}

    def look(self, exercise: Exercise, seed: int | None = None) -> Look:
        """Judge the answer to an exercise on inputs that are drawn for this look."""
        seed = fresh_seed() if seed is None else seed
        stale = self._stale(exercise)
        look = Look(stale) if stale else self._look(exercise, seed)
        if not stale:
            self._known[exercise.id] = (self._made_of(exercise), look.verdict)
        if look.on is not None and not look.verdict.passed:
            again = f'repeat with `check("{exercise.name}", seed={seed})`'
            note = f'{again}; `failing("{exercise.name}")` gives you the inputs'
            notes = [*look.verdict.notes, note]
            look = replace(look, verdict=replace(look.verdict, notes=notes))
        if self._is_edited(exercise):
            edited = f"the cell of {exercise.name} was changed and saved after it ran: run it again"
            look = replace(look, verdict=replace(look.verdict, notes=[edited, *look.verdict.notes]))
        self.looks[exercise.id] = look
        return look

    def verdict(self, exercise: Exercise) -> Verdict:
        """The verdict on an answer as it is now, from the last look where nothing has changed."""
        made_of, verdict = self._known.get(exercise.id, (None, None))
        now = self._made_of(exercise)
        unchanged = made_of is not None and len(made_of) == len(now)
        if verdict and unchanged and all(a is b for a, b in zip(made_of or [], now, strict=True)):
            return verdict
        before = self.looks.get(exercise.id)
        try:
            return self.look(exercise).verdict
        finally:
            # What a student asks about is what they last checked, not what an experiment needed.
            if before:
                self.looks[exercise.id] = before
            else:
                self.looks.pop(exercise.id, None)

    def is_attempted(self, exercise: Exercise) -> bool:
        """Whether there is an answer to an exercise that is not the starter's."""
        name = exercise.name
        return name in self.namespace and not is_untouched(exercise, self.cells.defining(name))

    def is_right(self, exercise: Exercise) -> bool:
        """Whether the answer to an exercise is right as it is now."""
        return self.is_attempted(exercise) and self.verdict(exercise).passed

    def whole_source(self, exercise: Exercise) -> str:
        """The cell of an answer, below the student's own functions that it calls."""
        own = {e.name for e in self.lab.exercises.values()}
        called = reachable([exercise.name], self.namespace)
        helpers = {name: definition_in(self.cells.defining(name), name) for name in called}
        kept = [source for name, source in helpers.items() if source and name not in own]
        return "\n\n\n".join([*kept, self.cells.defining(exercise.name)])

    @property
    def kept(self) -> bool:
        """Whether progress is kept in a folder."""
        return self._folder is not None

    def progress_of(self, lab: Lab) -> Progress:
        """The progress in another lab, whose folder stands beside this one's."""
        return Progress.read(self._folder.parent / lab.slug) if self._folder else Progress()

    @property
    def progress(self) -> Progress:
        """What is known of the student's progress."""
        return Progress.read(self._folder) if self._folder else self._here

    @contextmanager
    def progressing(self) -> Iterator[Progress]:
        """Progress to be changed; it is kept in the folder, where there is one to write to."""
        if self._folder is None:
            yield self._here
            return
        changed = False
        try:
            with changing(self._folder) as progress:
                progress.lab, progress.version = self.lab.name, self.lab.version
                yield progress
                changed = True
        except OSError:
            if not changed:
                raise
            # Work goes on without the file; the panel says that it could not be written.
            self._here, self._folder = progress, None
            return
        with suppress(OSError):  # the home is a convenience
            write_home(self._folder.parent)

    def _look(self, exercise: Exercise, seed: int) -> Look:
        needed = needed_by(exercise, {e.id: e for e in self.lab.exercises.values()})
        earlier = {need.id: self.verdict(need) for need in needed if need.automatic}
        drawn, here = Drawn(self.lab, seed), Here(self.namespace)
        verdict = Answers(drawn, here, self.cells).judge(exercise, earlier)
        if verdict is None:
            return Look(self._undefined(exercise))
        if not here.observed:
            return Look(verdict, printed=here.printed)
        return Look(verdict, drawn.of(exercise), here.observed, here.printed)

    def _stale(self, exercise: Exercise) -> Verdict | None:
        """The verdict on a definition that the notebook has no more, or that the grader has not."""
        name = exercise.name
        if self.cells.lost(name) is not None:
            note = undefined(name, self.cells.instead(name))
            note += f"; the definition of {name} in the kernel is older than its cell"
            return unjudged(exercise, Reason.NOT_ATTEMPTED, note)
        if name in self.shown and not self.cells.defining(name):
            note = f"{name} is defined in an experiment's cell; write it in the cell of the answer"
            return unjudged(exercise, Reason.NOT_ATTEMPTED, note)
        if beside := files_beside(name, self.namespace, self._place):
            verdict = unjudged(exercise, Reason.FORBIDDEN)
            told = f"Your answer uses your file {beside[0]}; the grader has the notebook alone."
            return replace(verdict, explanation=told)
        return None

    def _is_edited(self, exercise: Exercise) -> bool:
        """Whether the notebook was saved with another answer after the cell had run."""
        source = self.cells.defining(exercise.name)
        if self._folder is None or source not in self.ran_at:
            return False
        notebook = self._folder / f"{self.lab.slug}.ipynb"
        return changed_since(notebook, exercise, source, self.ran_at[source])

    def _undefined(self, exercise: Exercise) -> Verdict:
        instead = self.cells.instead(exercise.name)
        note = undefined(exercise.name, instead)
        note += "" if instead else ": run the cell that defines it first"
        return unjudged(exercise, Reason.NOT_ATTEMPTED, note)

    def _made_of(self, exercise: Exercise) -> list[Any]:
        """All objects of the notebook that the verdict on an answer hangs on."""
        needed = needed_by(exercise, {e.id: e for e in self.lab.exercises.values()})
        names = [exercise.name, *(need.name for need in needed)]
        return [self.cells.defining(exercise.name), *reachable(names, self.namespace).values()]
