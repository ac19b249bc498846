"""A made-up class with every reason in it: what the report and the pages say of it."""

import json
import random
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from autograder.judging import Finding, Lab, Mistake, Reason, Verdict
from autograder.reporting.class_report import class_report
from autograder.reporting.command import report_on
from autograder.reporting.feedback import feedback_page, write_feedback
from autograder.reporting.pages import condensed, plain, prose, visible
from autograder.reporting.verdict import LOOKS, verdict_html, verdict_text

HIDDEN = "SENTINEL-7.25"
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'


def _reference(x):
    return x + 41.5


def _lab():
    lab = Lab("pulse", number=9, title="Taking the pulse")
    mistakes = [
        Mistake("off_by_one", lambda x: x, "You add one too little.", origin="lecture notes"),
        Mistake("sign_swapped", lambda x: -x, "You subtract."),
    ]
    for name in ("shift", "scale", "clip"):
        exercise = lab.exercise(
            _reference, name=name, points=2, checks=[lambda case: []], title=f"Title of {name}",
            statement="", hints=["Begin at zero.", "The second rung."],
        )  # fmt: skip
        exercise.mistakes.extend(mistakes)
    lab.prediction("size", title="How large?", statement="", outcome=lambda: 0.01)
    lab.prediction("side", title="Which side?", statement="", choices=("left", "right"),
                   outcome=lambda: "right", explanation="Because of the slope.")  # fmt: skip
    lab.written("why", points=3, title="Why?", statement="")
    return lab


LAB = _lab()


def _findings(right):
    return [
        Finding("the shape", True, HIDDEN, HIDDEN, HIDDEN),
        Finding("the spread", right, HIDDEN, HIDDEN, HIDDEN, "" if right else "4 times too large"),
    ]


def _record(student, reasons, *, mistake="", size=None, side=None, **fields):
    verdicts = []
    for name, reason in zip(("shift", "scale", "clip"), reasons, strict=True):
        score = {Reason.CORRECT: 2.0, Reason.PARTLY_CORRECT: 1.0}.get(reason, 0.0)
        known = {m.name: m for m in LAB.exercises[name].mistakes}.get(mistake)
        named = known if reason is Reason.WRONG else None
        seen = (Reason.CORRECT, Reason.PARTLY_CORRECT, Reason.WRONG)
        verdicts.append(
            Verdict(
                f"pulse/{name}", "implementation", score, 2.0, reason,
                _findings(reason is Reason.CORRECT) if reason in seen else [],
                named.name if named else None, named.diagnosis if named else "",
            )
        )  # fmt: skip
    for name, value in (("size", size), ("side", side)):
        reason = Reason.CORRECT if value is not None else Reason.NOT_ATTEMPTED
        verdicts.append(Verdict(f"pulse/{name}", "prediction", 0, 0, reason, value=value))
    verdicts.append(Verdict("pulse/why", "written", 0, 3.0, Reason.AWAITING_REVIEW))
    data = {
        "student": student, "lab": "pulse", "version": 1, "status": "graded",
        "score": sum(v.score for v in verdicts), "max_score": 6.0, "manual_points": 3.0,
        "seconds": 1.0, "confined": True, "submission": "", "notes": [], "flags": [],
        "exercises": [v.to_dict() for v in verdicts],
    }  # fmt: skip
    return {**data, **fields}


def _class(size=30):
    rng = random.Random(size)
    reasons = list(Reason)
    records = []
    for i in range(size - 3):
        some = [reasons[(i + k) % len(reasons)] for k in range(3)]
        records.append(
            _record(f"s{i:03d}", some, mistake=rng.choice(["off_by_one", "sign_swapped", "none"]),
                    size=10 ** rng.gauss(-2, 1), side=rng.choice(["left", "left", "right"]))
        )  # fmt: skip
    gone = [Reason.NOT_RUN] * 3
    records.append(_record("gone", gone, status="not_run", notes=["no submission"]))
    records.append(_record(SCRIPT, [Reason.CORRECT] * 3, size=0.01, side=SCRIPT, notes=[IMAGE]))
    records.append(_record(IMAGE, [Reason.WRONG] * 3, mistake="off_by_one", side="left"))
    return records


class Page(HTMLParser):
    """Tags, attributes, words and the rows of tables of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words, self.rows = Counter(), [], [], []
        self._in_map = False
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        attributes = dict(attrs)
        if tag == "div" and "everybody" in (attributes.get("class") or ""):
            self._in_map = True
        if self._in_map and tag == "tr":
            self.rows.append([])
        if self._in_map and tag == "td" and "title" in attributes:
            self.rows[-1].append((attributes["class"], attributes["title"]))

    def handle_endtag(self, tag):
        if tag == "table":
            self._in_map = False

    def handle_data(self, data):
        self.words.append(data)


def _harmless(page):
    parsed = Page(page)
    assert not {"script", "iframe", "object", "embed", "img", "link", "base"} & set(parsed.tags)
    for _, name, value in parsed.attributes:
        assert not name.startswith("on")
        assert name != "src"
        assert name != "href" or value.startswith("#")
    assert "url(" not in page and "@import" not in page
    return parsed


@pytest.mark.parametrize("size", [3, 30, 300])
def test_the_report_is_harmless_offline_small_and_without_hidden_inputs(size):
    page = class_report(_class(size), LAB, {"pulse/size": 0.01, "pulse/side": "right"})
    parsed = _harmless(page)
    assert HIDDEN not in page
    assert SCRIPT in parsed.text
    assert len(page.encode()) < 2_000_000


def test_the_report_counts_every_reason_of_every_exercise():
    records = _class()
    parsed = _harmless(class_report(records, LAB, {}))
    bars = Counter(
        value for tag, name, value in parsed.attributes if (tag, name) == ("div", "title")
    )
    expected = Counter()
    for name in ("shift", "scale", "clip", "why"):
        counts = Counter(
            v["reason"] for r in records for v in r["exercises"] if v["id"] == f"pulse/{name}"
        )
        expected.update(f"{n} {LOOKS[Reason(reason)].words}" for reason, n in counts.items())
    assert bars == expected
    assert "30 submissions 29 graded" in parsed.text
    assert "1 not run" in parsed.text


def test_everybody_has_a_row_with_a_cell_for_every_exercise():
    records = _class()
    header, *rows = _harmless(class_report(records, LAB, {})).rows
    assert not header
    assert len(rows) == len(records)
    assert all(len(row) == len(LAB.exercises) for row in rows)
    seen = Counter(css for row in rows for css, _ in row)
    truth = Counter(LOOKS[Reason(v["reason"])].key for r in records for v in r["exercises"])
    assert seen == truth


def test_mistakes_are_counted_with_diagnosis_and_students():
    records = _class()
    parsed = _harmless(class_report(records, LAB, {}))
    for mistake in ("off_by_one", "sign_swapped"):
        for name in ("shift", "scale", "clip"):
            count = sum(
                v["diagnosis"] == mistake
                for r in records
                for v in r["exercises"]
                if v["id"] == f"pulse/{name}"
            )
            assert not count or f"{count} × {mistake.replace('_', ' ')}" in parsed.text
    assert "You add one too little." in parsed.text
    assert IMAGE in parsed.text


def test_choices_are_counted_and_the_outcome_is_marked():
    records = _class()
    parsed = _harmless(class_report(records, LAB, {"pulse/size": 0.01, "pulse/side": "right"}))
    sides = Counter(v["value"] for r in records for v in r["exercises"] if v["id"] == "pulse/side")
    assert f"left {sides['left']} " in parsed.text
    assert f"right ← the outcome {sides['right']} " in parsed.text
    assert "outcome 0.01" in parsed.text
    widths = {
        css: float(style.removeprefix("width:").rstrip("%"))
        for (_, one, css), (_, two, style) in pairwise(parsed.attributes)
        if (one, two) == ("class", "style") and css in ("bar plain", "bar right") and "%" in style
    }
    share = sides["right"] / max(sides["left"], sides["right"])
    assert widths["bar right"] == pytest.approx(85 * share, abs=0.1)
    assert sides["left"] != sides["right"]


def test_what_deserves_a_look_is_told_in_sentences():
    bad = [Reason.FORBIDDEN, Reason.CRASHED, Reason.CRASHED]
    records = [
        _record("quiet", [Reason.CORRECT] * 3),
        _record("loud", bad),
        _record("copied", [Reason.CORRECT] * 3, flags=["a", "b"]),
        _record("short", [Reason.CORRECT] * 3, flags=["a"]),
        _record("gone", [Reason.NOT_RUN] * 3, status="not_run"),
    ]
    text = _harmless(class_report(records, LAB, {})).text
    look = text[text.index("Worth a look") :]
    assert "uses what it may not in “Title of shift”" in look
    assert "ended its kernel in 2 exercises" in look
    assert "copied 2 answers are the reference's, word for word" in look
    assert "short (1)" in look
    assert "gone the submission was not run" in look
    assert "quiet" not in look
    assert "3 worth a look" in text


def test_records_of_another_version_of_the_lab_have_a_report_and_a_page():
    old = _record("old", [Reason.CORRECT, Reason.WRONG, Reason.CRASHED], version=0)
    old["exercises"][2]["id"] = "pulse/dropped_since"
    page = _harmless(class_report([old, _record("new", [Reason.CORRECT] * 3)], LAB, {}))
    assert "1 graded from another version" in page.text
    assert "“pulse/dropped_since”" in page.text
    assert "Title of shift" in _harmless(feedback_page(old, LAB)).text


def test_names_and_notes_of_any_length_are_cut():
    record = _record("n" * 5000, [Reason.CORRECT] * 3, notes=["m" * 100_000], side="v" * 100_000)
    assert len(feedback_page(record, LAB)) < 50_000
    assert len(class_report([record], LAB, {})) < 50_000


@pytest.mark.parametrize("record", _class(), ids=lambda record: record["student"][:6])
def test_a_page_leaks_nothing_and_renders_no_markup(record, tmp_path):
    write_feedback(record, LAB, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    parsed = _harmless(page)
    assert HIDDEN not in page
    assert "41.5" not in page
    assert "The second rung." not in page
    wrong = sum(v["reason"] != "correct" for v in record["exercises"][:3])
    assert parsed.text.count("A first hint:") == wrong
    assert "to be read by a person" in parsed.text


def test_an_outcome_is_told_only_to_those_who_have_committed():
    told = _harmless(feedback_page(_record("a", [Reason.CORRECT] * 3, side="left"), LAB)).text
    silent = _harmless(feedback_page(_record("a", [Reason.CORRECT] * 3), LAB)).text
    assert "You predicted left ; the experiment shows right . Because of the slope." in told
    assert "the experiment shows" not in silent and "Because of the slope." not in silent


def _wrong(**fields):
    return Verdict("pulse/shift", "implementation", 0, 2, Reason.WRONG, **fields)


def test_a_card_shows_local_inputs_and_folds_what_is_right():
    page = _harmless(verdict_html(_wrong(findings=_findings(False)), local=True))
    assert page.tags["details"] == 1
    assert "expected" in page.text and "observed" in page.text
    assert f"on {HIDDEN}" in page.text
    assert "1 property is right" in page.text
    assert "Begin with “the spread”" in page.text


def test_a_card_escapes_what_a_student_chose():
    finding = Finding(SCRIPT, False, SCRIPT, IMAGE, SCRIPT, IMAGE)
    verdict = _wrong(findings=[finding], notes=[SCRIPT], remarks=[IMAGE], explanation=f"`{SCRIPT}`")
    for local in (True, False):
        assert SCRIPT in _harmless(verdict_html(verdict, local=local)).text


def test_properties_that_failed_in_one_way_share_a_row():
    findings = [Finding(name, False, "a pair", "a number", "x = 1") for name in ("one", "two")]
    for local in (True, False):
        assert "one, two" in _harmless(verdict_html(_wrong(findings=findings), local=local)).text
        assert "✗ one, two" in verdict_text(_wrong(findings=findings), local=local)


def test_what_was_not_looked_at_is_neither_right_nor_wrong():
    findings = [Finding("it runs", False, "a result", "TypeError: x")]
    findings += [Finding(name, False, seen=False) for name in ("one", "two")]
    page = _harmless(verdict_html(_wrong(findings=findings), local=True)).text
    assert "– not looked at: one, two" in " ".join(page.split())
    assert "– not looked at: one, two" in verdict_text(_wrong(findings=findings), local=True)
    assert page.count("✗") == 2  # that of the verdict, that of the row


@pytest.mark.parametrize(
    ("text", "html", "words"),
    [
        ("a `*code*` b", "a <code>*code*</code> b", "a *code* b"),
        ("**bold `x`** text", "<strong>bold <code>x</code></strong> text", "bold x text"),
        ("should *not* be", "should <em>not</em> be", "should not be"),
        ("2 * x * y and a*b*c", "2 * x * y and a*b*c", "2 * x * y and a*b*c"),
        ("for ** or pow()", "for ** or pow()", "for ** or pow()"),
        ("*<b>*", "<em>&lt;b&gt;</em>", "<b>"),
    ],
)
def test_prose_sets_marks_and_plain_text_drops_them(text, html, words):
    assert prose(text) == html
    assert plain(text) == words


def test_text_for_a_terminal_keeps_to_its_lines_and_steers_nothing():
    finding = Finding("the spread", False, "1", "\x1b[2J\x1b]0;title\x07 2\n✓ pulse/shift: correct")
    text = verdict_text(_wrong(findings=[finding]), local=True)
    assert "\x1b" not in text and "\x07" not in text
    assert not any(line.startswith("✓") for line in text.splitlines())


def test_every_reason_can_be_told_from_the_others_without_color():
    assert len({look.mark for look in LOOKS.values()}) == len(Reason)
    assert len({look.key for look in LOOKS.values()}) == len(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_marks_are_read_easily_on_their_ground(reason):
    look = LOOKS[reason]
    assert _contrast("#ffffff", look.color) >= 4.5
    assert _contrast(look.ink, look.fill) >= 3


def _contrast(one, other):
    def luminance(color):
        channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_notes_that_repeat_themselves_are_counted():
    changed = "the check cell of {} was changed; the original was used"
    many = [changed.format(f"pulse/e{i}") for i in range(4)]
    assert condensed(many, "pulse") == [changed.format("4 exercises")]
    assert condensed(many[:2], "pulse") == many[:2]
    assert condensed(["put back: pulse/a, pulse/b, pulse/c"], "pulse") == ["put back: 3 exercises"]
    assert condensed(["a byte order mark", "renamed"], "pulse") == ["a byte order mark", "renamed"]


def test_visible_text_is_one_line_of_bounded_length():
    assert visible("a\n\tb") == "a b"
    assert visible("right\u202etfel") == "right\N{REPLACEMENT CHARACTER}tfel"
    assert len(visible("x" * 10_000)) == 600
    assert re.fullmatch(r"x{9}…", visible("x" * 20, 10))


def test_what_a_check_has_measured_is_a_table_of_entries_the_best_first():
    def entered(student, gain):
        record = _record(student, [Reason.CORRECT] * 3)
        record["exercises"][0]["findings"][0]["measured"] = gain
        return record

    records = [entered("a", 2.5), entered(SCRIPT, 8.44), _record("c", [Reason.NOT_RUN] * 3)]
    page = Page(class_report(records, LAB, {}))
    assert "Title of shift: the entries" in page.text
    assert re.search(r"1 <script>alert\(1\)</script> \+8\.4 2 of 2 2 a \+2\.5 2 of 2", page.text)
    assert (
        "the entries" not in Page(class_report([_record("c", [Reason.CORRECT] * 3)], LAB, {})).text
    )


def test_what_was_measured_is_in_the_report_that_is_made_of_kept_records(tmp_path):
    record = _record("a", [Reason.CORRECT] * 3)
    record["exercises"][0]["findings"][1]["measured"] = 4.25
    folder = tmp_path / "records" / LAB.slug
    folder.mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps(record))
    page = Page(report_on(tmp_path, LAB).read_text(encoding="utf-8"))
    assert "Title of shift: the entries" in page.text and "1 a +4.2 2 of 2" in page.text
    assert HIDDEN not in page.text
