"""What of a student's reaches a page: nothing that runs, and all that is harmless."""

import base64
import re

import nbformat
import pytest
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from autograder.student_work.showing import sanitized
from tests.support.intake import take_in
from tests.support.notebooks import cell_of, role

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\xff" * 30).decode()


def test_students_markup_is_data(handed_in, pristine, course, hand_in):
    cell_of(handed_in, "equal_is_not_healthy", "written").source = "<script>alert(1)</script>"
    extra = nbformat.v4.new_markdown_cell("<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    handed_in.cells += [extra, nbformat.v4.new_raw_cell("<script>")]
    hand_in(handed_in)
    _, laid = take_in(course, pristine)
    theirs = [c.source for c in laid.cells if role(c) in ("student", "written")]
    assert len(theirs) == 3
    pages = [markdown2html(source) for source in theirs]
    assert not any(re.search("<(script|img|a )|javascript:", page) for page in pages)


@pytest.mark.parametrize(
    "markup",
    [
        "[x](java&#115;cript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](&#106avascript:alert(1))",
        "![x](JavaScript&colon;alert(1))",
        "[x]\n\n[x]: javascript&colon;alert(1)",
        "İ[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "<svg/onload=alert(1)>",
        "</p><!-- <script>alert(1)</script>",
        "$\\href{java\tscript:alert(1)}{x}$",
    ],
)
def test_no_link_runs_anything(markup):
    page = markdown2html(sanitized(markup))
    assert not re.search(r"<(a|img|svg|script|!)|java\s*script:", page)


@pytest.mark.parametrize("text", ["$a < b$ & c", "x<1", "`a<= b`", "The data: it rises.", "é&é"])
def test_harmless_text_stays_as_it_is(text):
    assert sanitized(text) == text


def test_of_stored_outputs_only_capped_pictures_and_text_of_show_cells_survive(
    handed_in, pristine, course, hand_in
):
    bad = NotebookNode(
        output_type="display_data",
        metadata={},
        data={"text/html": "<script>", "image/png": "AAAA", "text/plain": "x" * 60_000},
    )
    huge = NotebookNode(output_type="display_data", metadata={}, data={"image/png": "A" * 450_000})
    good = NotebookNode(output_type="display_data", metadata={}, data={"image/png": PNG})
    quoted = '" onerror="alert(1)'
    trick = NotebookNode(output_type="display_data", metadata={}, data={"image/png": quoted})
    for cell in handed_in.cells:
        if cell.cell_type == "code":
            cell.outputs = [bad, huge, good, trick]
    hand_in(handed_in)
    _, laid = take_in(course, pristine)
    for cell in laid.cells:
        for output in cell.get("outputs", []):
            assert role(cell) == "show"
            assert set(output.data) <= {"image/png", "text/plain"}
            assert len(str(output.data)) < 500_000
    text = nbformat.writes(laid)
    assert "<script>" not in text and "onerror" not in text and "AAAA" not in text
    assert PNG in text
