"""The made-up class holds what a real one does."""

import ast
import builtins
import re

import nbformat
import pytest

from autograder.building import student_notebook
from autograder.demo import DAMAGES, STUDENTS, hand_in, make_class, standing_alone
from autograder.exercises import labs
from autograder.grading.checkout import REPOSITORY
from autograder.judging.cells import bound_names, free_names
from tests.support.notebooks import role


def test_every_mistake_is_handed_in_by_somebody_and_every_answer_is_python():
    for lab in labs():
        class_ = list(hand_in(lab))
        assert [handed.student for handed in class_] == STUDENTS
        for exercise in (e for e in lab.exercises.values() if e.automatic):
            sources = {handed.answers.get(exercise.id, "") for handed in class_}
            for source in sources:
                ast.parse(source)
            # One per mistake (as far as there are students), one right, one untouched.
            assert len(sources) >= min(len(exercise.mistakes), 12) + 2
            defined = rf"(def|class) {exercise.name}\b|^{exercise.name} ="
            assert all(re.search(defined, source, re.M) for source in sources if source)


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_an_answer_names_nothing_that_its_notebook_does_not_have(lab):
    bound = {*dir(builtins), *lab.exercises}
    for cell in student_notebook(lab, REPOSITORY).cells:
        if role(cell) == "setup":
            bound |= bound_names(cell.source)
    for exercise in lab.exercises.values():
        for other in (*exercise.mistakes, *exercise.alternatives):
            source = standing_alone(exercise, other.answer)
            missing = free_names(source) - bound
            assert not missing, f"{exercise.id}: {other.name} names {missing}"
            assert "import course_lib" not in source and "from course_lib" not in source


def test_a_class_has_thirty_folders_and_ten_damaged_files(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("")
    (tmp_path / "labs").symlink_to(REPOSITORY / "labs")
    lab = labs()[0]
    source = tmp_path / "build" / "source" / lab.slug
    source.mkdir(parents=True)
    (source / f"{lab.slug}.ipynb").write_text("{}")
    course = make_class(tmp_path, [lab])
    folders = sorted(course.glob(f"submitted/*/{lab.slug}"))
    assert len(folders) == 30 and len(DAMAGES) == 10
    readable = 0
    for path in course.glob("submitted/**/*.ipynb"):
        try:
            nbformat.read(path, as_version=4)
        except Exception:
            continue
        readable += 1
    assert 26 <= readable < 30
