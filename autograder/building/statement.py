"""What a student reads above an answer: the task, its hints, and what to do next."""

from __future__ import annotations

from autograder.judging.exercise import Exercise, Kind
from autograder.judging.predictions import lettered

_HARDEST = 3
_NEXT = {
    Kind.IMPLEMENTATION: "Write `{name}` in the next cell. The cell after it checks your answer "
    "on freshly drawn inputs, as often as you like.",
    Kind.REPAIR: "The next cell holds `{name}` with a bug. Find it and mend it; the cell after it "
    "checks your answer as often as you like.",
    Kind.VALUE: "Derive the formula and write it as `{name}` in the next cell. The cell after it "
    "compares it with the true one at freshly drawn points.",
    Kind.PREDICTION: "Set `{name}` in the next cell and run both cells before you go on: your "
    "first commitment stands. It earns no points, whether it comes true or not.",
    Kind.WRITTEN: "Write your answer in the next cell. A person reads and grades it.",
}


def statement(exercise: Exercise) -> str:
    """The markdown above an answer."""
    parts = [
        f"### {exercise.title}",
        " · ".join(_facts(exercise)),
        exercise.statement.strip(),
        *_choices(exercise),
        *_conditions(exercise),
        *_ladder(exercise.hints),
        f"*{_NEXT[exercise.kind].format(name=exercise.name)}*",
    ]
    return "\n\n".join(part for part in parts if part)


def _facts(exercise: Exercise) -> list[str]:
    level = min(max(exercise.difficulty, 1), _HARDEST)
    facts = ["**core**" if exercise.core else "*further, optional*"]
    facts.append("●" * level + "○" * (_HARDEST - level))
    facts.append(f"about {_count(exercise.minutes, 'minute')}")
    if exercise.kind is Kind.PREDICTION:
        return [*facts, "prediction"]
    points = _count(exercise.points, "point")
    if len(exercise.parts) > 1:
        points += " (" + ", ".join(f"{p.name}: {p.points:g}" for p in exercise.parts) + ")"
    return [*facts, points]


def _choices(exercise: Exercise) -> list[str]:
    """The choices of a prediction, each with the letter that stands for it."""
    return [
        "\n".join(f"- **{letter}** · {choice}" for letter, choice in lettered(exercise).items())
    ]


def _conditions(exercise: Exercise) -> list[str]:
    conditions = []
    if exercise.needs:
        names = _listed([id.partition("/")[2] for id in exercise.needs])
        conditions.append(f"Builds on your {names}.")
    if exercise.forbidden:
        conditions.append(f"Write it without {_listed(exercise.forbidden)}.")
    return conditions


def _ladder(hints: tuple[str, ...]) -> list[str]:
    """Hints, each inside the one before it, so that one opens them in order."""
    opened = []
    for number, hint in enumerate(hints, 1):
        title = f"Hint {number} of {len(hints)}" if len(hints) > 1 else "Hint"
        opened += [f"<details>\n<summary>{title}</summary>", hint.strip()]
    return [*opened, "\n".join(["</details>"] * len(hints))]


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _count(number: float, unit: str) -> str:
    return f"{number:g} {unit}" + ("" if number == 1 else "s")
