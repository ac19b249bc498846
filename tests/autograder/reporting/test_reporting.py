"""What people see: nothing hidden, nothing rendered that a student wrote, and the counts right."""

import re
from html.parser import HTMLParser

import pytest

from autograder.exercises import find_lab
from autograder.judging import Finding, Reason, Verdict
from autograder.reporting.class_report import class_report
from autograder.reporting.feedback import feedback_page
from autograder.reporting.verdict import LOOKS, verdict_html, verdict_text

LAB = find_lab("initialization")
MARKUP = "<script>alert(1)</script>"
HIDDEN = "SENTINEL-7.25"


def verdict(exercise, reason, **fields):
    score = exercise.points if reason is Reason.CORRECT else 0.0
    findings = [
        Finding("the shape", True, HIDDEN, HIDDEN, HIDDEN),
        Finding(
            "the spread", reason is Reason.CORRECT, HIDDEN, HIDDEN, HIDDEN, "4 times too large"
        ),
    ]
    return Verdict(
        exercise.id, str(exercise.kind), score, exercise.points, reason, findings, **fields
    )


def record(student, reason=Reason.CORRECT, **fields):
    automatic = [e for e in LAB.exercises.values() if e.automatic]
    others = [e for e in LAB.exercises.values() if not e.automatic]
    verdicts = [verdict(e, reason, **fields) for e in automatic]
    verdicts += [Verdict(e.id, str(e.kind), 0, e.points, Reason.NOT_ATTEMPTED) for e in others]
    return {
        "student": student,
        "lab": LAB.name,
        "version": 1,
        "status": "not_run" if reason is Reason.NOT_RUN else "graded",
        "score": sum(v.score for v in verdicts),
        "max_score": sum(v.points for v in verdicts),
        "manual_points": 3.0,
        "seconds": 1.0,
        "confined": False,
        "submission": "",
        "notes": [],
        "flags": [],
        "exercises": [v.to_dict() for v in verdicts],
    }


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.text += " "
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        self.text += " "

    def handle_data(self, data):
        self.text += data


def parsed(page):
    parser = Tags()
    parser.feed(page)
    assert not {"script", "iframe", "object", "img", "link"} & set(parser.tags)
    assert not any(name.startswith("on") for name in parser.attributes)
    assert not re.search(r"(src|href)=.?(https?:)?//", page)
    return parser


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("local", [True, False])
def test_every_reason_has_a_card_and_a_text(reason, local):
    one = verdict(LAB.exercises["gaussian"], reason)
    assert LOOKS[reason].words in parsed(verdict_html(one, local=local)).text
    assert LOOKS[reason].words in verdict_text(one, local=local)


def test_hidden_inputs_are_shown_only_to_the_student_they_were_drawn_for():
    one = verdict(LAB.exercises["gaussian"], Reason.WRONG)
    for show in (verdict_html, verdict_text):
        assert HIDDEN in show(one, local=True)
        assert HIDDEN not in show(one, local=False)
        assert "4 times too large" in show(one, local=False)


def test_the_diagnosis_comes_before_the_findings():
    one = verdict(
        LAB.exercises["gaussian"], Reason.WRONG, diagnosis="shifted", explanation="You add std."
    )
    page = verdict_html(one, local=True)
    assert page.index("You add std.") < page.index("the spread")


def test_cards_use_inline_styles_only():
    assert "<style" not in verdict_html(
        verdict(LAB.exercises["gaussian"], Reason.WRONG), local=True
    )


def test_feedback_leaks_neither_hidden_inputs_nor_references_and_renders_no_markup():
    one = record(MARKUP, Reason.WRONG, explanation=MARKUP, notes=[MARKUP])
    one["notes"] = [MARKUP]
    page = feedback_page(one, LAB)
    assert MARKUP in parsed(page).text
    assert HIDDEN not in page
    assert "BEGIN SOLUTION" not in page and "torch.randn(" not in page
    assert all(e.title in parsed(page).text for e in LAB.exercises.values())


def test_feedback_on_a_notebook_that_could_not_be_read_says_why():
    one = record("ada", Reason.NOT_RUN)
    one["notes"] = ["lab.ipynb is empty"]
    assert "could not be graded" in feedback_page(one, LAB)
    assert "lab.ipynb is empty" in feedback_page(one, LAB)


def test_a_prediction_is_shown_beside_its_outcome():
    one = record("ada")
    for data in one["exercises"]:
        if data["id"] == "initialization/division_bug":
            data["value"] = "about 1"
    text = " ".join(parsed(feedback_page(one, LAB)).text.split())
    assert "You predicted about 1 ; the experiment shows more than 100" in text


def class_of(size):
    wrong = {"diagnosis": "shifted", "explanation": "You add std."}
    records = [record(f"right {i}") for i in range(size // 2)]
    records += [record(f"wrong {i}", Reason.WRONG, **wrong) for i in range(size // 3)]
    records += [record(MARKUP, Reason.FORBIDDEN), record("late", Reason.NOT_RUN)]
    records[-1]["notes"] = ["no submission"]
    return records


def test_the_class_report_counts_reasons_and_mistakes():
    records = class_of(30)
    text = " ".join(parsed(class_report(records, LAB, {})).text.split())
    assert f"{len(records)} submissions" in text
    assert "15 solved" in text
    assert "10 × shifted" in text
    assert "no submission" in text
    assert text.count(MARKUP) >= 2


def test_the_class_report_keeps_hidden_inputs_and_opens_offline():
    page = class_report(class_of(30), LAB, {"initialization/sixth_layer_std": 0.001})
    assert HIDDEN not in page
    parsed(page)


def test_predicted_numbers_are_compared_with_the_outcome():
    records = [record(str(i)) for i in range(3)]
    for one, value in zip(records, (0.001, 0.5, 0.0009), strict=True):
        for data in one["exercises"]:
            if data["id"] == "initialization/sixth_layer_std":
                data["value"] = value
    page = class_report(records, LAB, {"initialization/sixth_layer_std": 0.001})
    text = " ".join(parsed(page).text.split())
    assert "outcome 0.001" in text
    assert "3 committed; 2 within a factor of two" in text


@pytest.mark.parametrize("size", [0, 3, 300])
def test_classes_of_any_size_have_a_report_of_bounded_size(size):
    page = class_report(class_of(size) if size else [], LAB, {})
    assert len(page) < 2_000_000


def test_a_property_that_several_checks_look_at_is_said_once_and_right_only_with_all_of_them():
    found = [Finding("shares", True), Finding("shares", True), Finding("coins", True)]
    one = Verdict(
        "lab/name", "implementation", 0, 2, Reason.WRONG, [*found, Finding("coins", False)]
    )
    text = verdict_text(one, local=True)
    assert text.count("✓ shares") == 1 and "✓ coins" not in text
    assert "1 property is right" in verdict_html(one, local=True)
