"""The notebook's check and the grader say the same of every answer that the course knows."""

import pytest

from autograder.answering.answers import Answers
from autograder.answering.cells import Cells
from autograder.building import instructor_notebook
from autograder.exercises import labs
from autograder.grading.checkout import REPOSITORY
from autograder.grading.running.session import Limits, Session
from autograder.judging.source.laying import answer_source, solution_source
from autograder.notebook.here import Here
from autograder.notebook.opened import Drawn
from autograder.probes.definition import execute
from tests.support.notebooks import role

PATIENT = Limits(cell=60, probe=60, submission=3600)
SEED = 3


class Both:
    """One notebook in a student's kernel and in a boxed one."""

    def __init__(self, lab, session):
        self.namespace = {}
        self.session = session
        self.drawn = Drawn(lab, SEED)
        self.here, self.there = Cells(), Cells()

    def run(self, source, key=None):
        outcome = self.session.run_cell(source)
        assert outcome.status == "ok", (source, outcome)
        execute(source, self.namespace, "a cell")
        for cells in (self.here, self.there):
            cells.add(source, outcome, key=key)

    def verdicts(self, exercise):
        here = Answers(self.drawn, Here(self.namespace, 60), self.here)
        there = Answers(self.drawn, self.session, self.there)
        return [answers.judge(exercise, {}) for answers in (here, there)]


def essence(verdict):
    return (
        verdict.score,
        verdict.reason,
        verdict.diagnosis,
        verdict.explanation,
        [(finding.property, finding.passed, finding.gist) for finding in verdict.findings],
        verdict.remarks,
        verdict.notes,
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_every_alternative_and_mistake_has_one_verdict(lab, launcher):
    different = []
    with Session(launcher, PATIENT) as session:
        both = Both(lab, session)
        for cell in instructor_notebook(lab, REPOSITORY).cells:
            if role(cell) == "setup":
                both.run(cell.source.replace(f'autograder.open_lab("{lab.name}")', ""))
        asked = [exercise for exercise in lab.exercises.values() if exercise.automatic]
        for exercise in asked:
            both.run(solution_source(exercise), exercise.id)
        for exercise in asked:
            for answer in [*exercise.alternatives, *exercise.mistakes]:
                both.run(answer_source(exercise, answer.answer), exercise.id)
                here, there = both.verdicts(exercise)
                if essence(here) != essence(there):
                    different.append((exercise.id, answer.name, essence(here), essence(there)))
            both.run(solution_source(exercise), exercise.id)
    assert different == []
