"""The syllabus: every entry is there, and every lab has what its entries ask for."""

import dataclasses
import re

import pytest

from autograder.building import syllabus
from autograder.exercises import labs
from autograder.exercises.syllabus import entries, exercises_of

LABS = {lab.name: lab for lab in labs()}


def rows(page):
    """The page's table: a list of cells for every entry, by its number."""
    lines = re.findall(r"^\| (\d+\.\d+) \| (.*) \|$", page, re.MULTILINE)
    return {number: rest.split(" | ") for number, rest in lines}


def test_every_entry_has_one_row_in_course_order():
    numbers = [entry.number for entry in entries()]
    assert len(numbers) == len(set(numbers)) == 141
    assert numbers == sorted(numbers, key=lambda n: [int(part) for part in n.split(".")])
    page = syllabus.page(labs())
    assert [line.split(" ")[1] for line in page.splitlines() if line[2:3].isdigit()] == numbers


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.number)
def test_an_entry_of_a_lab_that_is_there_has_its_technique_and_its_exercise(entry):
    if entry.lab in LABS:
        assert LABS[entry.lab].number == int(entry.number.partition(".")[0])
        automatic = [e for e in exercises_of(entry, labs()) if e.automatic]
        assert automatic, f"no exercise asks for {entry.number} {entry.title}"


def test_exercises_name_entries_that_there_are():
    known = {entry.number for entry in entries()}
    for lab in labs():
        for exercise in lab.exercises.values():
            assert set(exercise.syllabus) <= known, exercise.id
            assert exercise.syllabus or not exercise.automatic, f"{exercise.id} names no entry"


def test_an_entry_that_nobody_asks_for_is_called_missing():
    technique, exercise, lab, _, mistakes, _ = rows(syllabus.page([]))["4.6"][1:]
    assert (technique, exercise, lab, mistakes) == ("missing", "missing", "initialization", "0")


def test_a_row_counts_what_its_exercises_hold():
    lab = LABS["initialization"]
    cells = rows(syllabus.page([lab]))["4.5"]
    asked = lab.exercises["fan_in_and_fan_out"]
    assert cells[1:4] == [
        "`initialization.fan_in_and_fan_out`",
        "`fan_in_and_fan_out`",
        "04_initialization",
    ]
    assert cells[5:] == [str(len(asked.mistakes)), str(len(asked.alternatives))]
    fewer = dataclasses.replace(asked, mistakes=asked.mistakes[1:])
    lab.exercises["fan_in_and_fan_out"] = fewer
    try:
        assert rows(syllabus.page([lab]))["4.5"][5] == str(len(asked.mistakes) - 1)
    finally:
        lab.exercises["fan_in_and_fan_out"] = asked
