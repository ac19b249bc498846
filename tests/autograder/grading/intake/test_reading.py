"""Files as they arrive: whatever can be read is, and the rest has a reason in a sentence."""

import json
import os

import nbformat
import pytest

from autograder.student_work.reading import MAX_BYTES
from tests.support.intake import take_in
from tests.support.notebooks import SLUG, cell_of


def raw(text):
    return text.encode()


def test_latin_1_is_read(handed_in, pristine, course, hand_in):
    text = nbformat.writes(handed_in).encode("ascii", "ignore").decode()
    hand_in(text.replace("seed", "seéd").encode("latin-1"))
    taken, laid = take_in(course, pristine)
    assert laid is not None and any("latin-1" in note for note in taken.notes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (raw('{"cells": [{"cell_type": "co'), "cannot be parsed"),
        (raw("print('hello')"), "cannot be parsed"),
        (raw("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> mine\n"), "conflict markers"),
        (b'{"cells": []}\x00', "NUL bytes"),
        (b'{"a": 1}', "no Jupyter notebook"),
        (b"[1, 2]", "no Jupyter notebook"),
        (b'{"nbformat": 9, "cells": []}', "unknown notebook format 9"),
        (b'{"nbformat": 4, "cells": 7}', "holds no cells"),
        (b'{"nbformat": 4, "cells": [7, {}]}', "no notebook named"),
        (b"[" * 100_000, "cannot be parsed"),
        (b" " * (MAX_BYTES + 1), "50 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_has_a_reason_in_a_sentence(content, reason, pristine, course, hand_in):
    hand_in(content)
    taken, laid = take_in(course, pristine)
    assert laid is None and reason in taken.reason
    assert (course.originals("ada", SLUG) / f"{SLUG}.ipynb").read_bytes() == content


def test_half_characters_and_odd_file_names_can_be_written(handed_in, pristine, course, hand_in):
    cell_of(handed_in, "gaussian").source += "\n# HALF"
    hand_in(nbformat.writes(handed_in).replace("HALF", "\\ud83d").encode())
    odd = os.fsencode(course.submitted("ada", SLUG)) + b"/\xff.txt"
    with open(odd, "wb"):
        pass
    taken, laid = take_in(course, pristine)
    assert laid is not None
    json.dumps(taken.notes, ensure_ascii=False).encode()
