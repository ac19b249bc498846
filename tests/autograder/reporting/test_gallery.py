"""Every card that can be seen of a lab keeps the rules of cards; `build/gallery` has them all."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder.exercises import labs
from autograder.judging import Reason
from autograder.reporting.gallery import exhibits, gallery_page
from autograder.reporting.verdict import rows, verdict_html, verdict_text, way_on

GALLERY = Path(__file__).parents[3] / "build" / "gallery"
LEFT_MARKS = re.compile(r"`|(?<![\w*])\*{1,2}(?=[^\s*])[^*]*(?<=\S)\*{1,2}(?![\w*])")
NEVER = re.compile(r"\b0 of 0\b|(?<![\d.])1 times too|not reached|\ba (int|float)\b")
CONTRADICTS = re.compile(r"\bchanged|differ|not finite|wrong")


class Text(HTMLParser):
    """The text of a card without its code, which may hold any sign."""

    def __init__(self):
        super().__init__()
        self.text, self._code = "", False

    def handle_starttag(self, tag, attrs):
        self._code |= tag == "code"

    def handle_endtag(self, tag):
        self._code &= tag != "code"

    def handle_data(self, data):
        self.text += "" if self._code else data


def text_of(card):
    parser = Text()
    parser.feed(card)
    return parser.text


def breaches(verdict, local):
    """The rules that a card breaks."""
    card, said = text_of(verdict_html(verdict, local=local)), verdict_text(verdict, local=local)
    shown = rows(verdict, local=local)
    if LEFT_MARKS.search(card):
        yield f"a mark is left: {LEFT_MARKS.search(card)[0]}"
    if NEVER.search(card):
        yield f"it says {NEVER.search(card)[0]!r}"
    if len(set(shown)) < len(shown) or len({row.properties for row in shown}) < len(shown):
        yield "a row is repeated"
    if any(row.expected and not row.observed for row in shown):
        yield "an expected value without an observed one"
    if local and any(not (row.observed or row.gist) for row in shown):
        yield "a row does not say what is wrong"
    if sum(" raised" in line or "Error" in line for line in said.splitlines()[1:]) > 1:
        yield "a crash has several rows"
    for finding in verdict.findings:
        if finding.passed and CONTRADICTS.search(finding.observed + finding.gist):
            yield f"passed, and {finding.observed} {finding.gist}"
    if verdict.reason is not Reason.CORRECT and not way_on(verdict, local=local):
        yield "nobody says what to do next"
    if verdict.reason in (Reason.WRONG, Reason.PARTLY_CORRECT) and not (shown or verdict.notes):
        yield "nothing says why"


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_every_card_keeps_the_rules_of_cards(lab):
    automatic = [exercise for exercise in lab.exercises.values() if exercise.automatic]
    shown = [one for exercise in automatic for one in exhibits(exercise, seed=0)]
    GALLERY.mkdir(parents=True, exist_ok=True)
    (GALLERY / f"{lab.name}.html").write_text(gallery_page(lab, shown), encoding="utf-8")
    broken = [
        f"{one.exercise.name}, {one.name}, local={local}: {what}"
        for one in shown
        for local in (True, False)
        for what in breaches(one.verdict, local)
    ]
    assert not broken, "\n".join(broken[:40])
    pictures = [one.picture for one in shown if one.picture]
    assert pictures
    for drawn in pictures:
        assert len(drawn.png) <= 60_000 and 20 < len(drawn.alt) < 300
        assert "None" not in drawn.alt
