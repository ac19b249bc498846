"""What a student's notebook calls: ``check`` an answer, ``commit`` to a prediction."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from autograder.exercises import find_exercise
from autograder.judging import Kind, Reason, Verdict, hidden, judge, observe
from autograder.judging.exercise import Exercise
from autograder.judging.forbidden import forbidden_in_answer
from autograder.judging.judge import is_prediction_made
from autograder.judging.seeds import fresh_seed
from autograder.judging.source.comparing import is_untouched
from autograder.reporting.verdict import verdict_html, verdict_text

_committed: dict[str, Any] = {}


class NotCommitted(Exception):
    """A prediction is asked for before its experiment runs."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in the place of a traceback, which would say nothing to a student.
        return [f"⏸ {self}"]


class CheckResult:
    """A verdict as a notebook shows it: rich for a person, the score as text for nbgrader."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def __repr__(self) -> str:
        return f"{self.verdict.score:g}"

    def _repr_html_(self) -> str:
        return verdict_html(self.verdict, local=True)


def check(
    exercise: str | Callable[..., Any],
    *,
    seed: int | None = None,
    namespace: dict[str, Any] | None = None,
) -> CheckResult:
    """Judge your answer to an exercise on freshly drawn inputs.

    ``exercise`` is its id (``"initialization/kaiming_normal"``) or the answer itself. A failed
    check prints its seed; ``check(…, seed=that)`` repeats it on the same inputs. ``namespace`` is
    where the answer is looked up; by default the notebook.

    Raises: UnknownName for an exercise that does not exist.
    """
    found = find_exercise(exercise if isinstance(exercise, str) else exercise.__name__)
    if namespace is None:
        namespace = _notebook_namespace()
    if not isinstance(exercise, str):
        namespace = {**namespace, found.name: exercise}
    seed = fresh_seed() if seed is None else seed
    verdict = judge_here(found, namespace, seed)
    result = CheckResult(verdict)
    if not verdict.passed and os.environ.get("NBGRADER_VALIDATING"):
        # `nbgrader validate` shows what a test cell wrote to stderr.
        print(verdict_text(verdict, local=True), file=sys.stderr)
    elif not verdict.passed and not _in_notebook():
        print(verdict_text(verdict, local=True))
    return result


def judge_here(exercise: Exercise, namespace: dict[str, Any], seed: int) -> Verdict:
    """Judge the answer that a namespace holds, in this process."""
    blank = Verdict(exercise.id, str(exercise.kind), 0.0, exercise.points, Reason.NOT_ATTEMPTED)
    if not exercise.automatic:
        return blank
    if exercise.name not in namespace:
        blank.notes.append(f"{exercise.name} is not defined: run the cell that defines it first")
        return blank
    answer = namespace[exercise.name]
    source = _source(answer)
    uses = forbidden_in_answer(exercise, source, namespace)
    if uses:
        return Verdict(
            exercise.id,
            exercise.kind,
            0.0,
            exercise.points,
            Reason.FORBIDDEN,
            explanation=uses,
        )
    on = hidden(exercise, seed)
    seen = observe(exercise, answer, on.drawn, seed)
    verdict = judge(exercise, on, seen, untouched=is_untouched(exercise, source))
    if not verdict.passed and verdict.reason is not Reason.NOT_ATTEMPTED:
        verdict.notes.append(f'repeat with check("{exercise.id}", seed={seed})')
    return verdict


def commit(exercise: str, prediction: Any) -> str:
    """Commit to a prediction; the first one of a session stands.

    Raises: NotCommitted when it is missing, or not of the kind that is asked for.
    """
    found = find_exercise(exercise)
    if found.kind is not Kind.PREDICTION:
        raise NotCommitted(f"{found.id} is no prediction; use check() for it")
    if prediction is None:
        raise NotCommitted(f"Set {found.name} above to your prediction, then run both cells again.")
    if not is_prediction_made(found, prediction):
        wanted = " or ".join(map(repr, found.choices)) if found.choices else "a number"
        raise NotCommitted(f"{found.name} = {prediction!r} is not {wanted}.")
    first = _committed.setdefault(found.id, prediction)
    changed = "" if first == prediction else f" (you first said {first!r}; that one stands)"
    return f"Committed: {first!r}{changed}. Now run the experiment."


def committed(exercise: str) -> Any:
    """The prediction committed to; the first line of an experiment's cell.

    Raises: NotCommitted when there is none yet.
    """
    found = find_exercise(exercise)
    if found.id not in _committed:
        raise NotCommitted(f"First predict: set {found.name} above and run the cell that commits.")
    return _committed[found.id]


def _notebook_namespace() -> dict[str, Any]:
    shell = _shell()
    if shell is not None:
        return dict(shell.user_ns)
    frame = inspect.currentframe()
    while frame and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals} if frame else {}


def _shell() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def _in_notebook() -> bool:
    shell = _shell()
    return shell is not None and hasattr(shell, "kernel")


def _source(answer: Any) -> str:
    try:
        return inspect.getsource(answer)
    except (OSError, TypeError):
        return ""
