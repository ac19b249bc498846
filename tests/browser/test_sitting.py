"""A student sits a lab: a wrong answer, its verdict, a hint, the right answer, a restart."""

import pytest

from autograder.exercises import find_exercise, find_lab
from autograder.judging.source.laying import answer_source

LAB = "05_normalization"
EXERCISE = find_exercise("normalization/batch_norm")
RIGHT = answer_source(EXERCISE, EXERCISE.reference)
WRONG = answer_source(EXERCISE, EXERCISE.mistakes[0].answer)


class Sitting:
    """A notebook in a window, worked on with mouse and keyboard."""

    def __init__(self, desk, page):
        self.page = page
        desk.open(page, f"{LAB}/{LAB}.ipynb")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def cell(self, code):
        """The first cell whose code has a text."""
        editor = self.page.locator(".jp-InputArea-editor", has_text=code)
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", has=editor).first

    def folded(self, title):
        """The experiment of a title, whose code is folded."""
        shown = self.page.locator(".jp-InputPlaceholder", has_text=f"%%experiment {title}")
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", has=shown).first

    def answer(self, name):
        """The cell of an answer: the one below its statement."""
        told = f"Write {name} in the next cell."
        return self.page.locator(
            f'.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell:has(:text("{told}")) + .jp-Cell'
        ).first

    def run(self, cell):
        """Run a cell by Shift+Enter and wait for the kernel."""
        cell.scroll_into_view_if_needed()
        cell.locator(".jp-InputArea").first.click()
        self.run_selected()

    def run_selected(self):
        """Run the selected cell, which is the one below the last that ran, and select the next."""
        self.page.keyboard.press("Shift+Enter")
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def write(self, cell, source):
        """Replace what stands in a cell, and run it."""
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def below(self, cell, source):
        """Run a line in a new cell below another; the new cell."""
        cell.scroll_into_view_if_needed()
        cell.locator(".jp-InputPrompt").first.click()
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        return self.cell(source)

    def restart(self):
        self.page.get_by_text("Kernel", exact=True).click()
        self.page.get_by_text("Restart Kernel…", exact=True).click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


@pytest.fixture
def sitting(desk, page):
    opened = Sitting(desk, page)
    opened.run(opened.cell("autograder.open_lab"))
    opened.cell("autograder.open_lab").get_by_text("shows how far you are").wait_for()
    return opened


def says(cell, text):
    cell.locator(".jp-OutputArea").get_by_text(text).first.wait_for()


def test_a_lab_is_sat_from_a_wrong_answer_to_a_restarted_kernel(sitting, desk):
    answer, check = sitting.answer("batch_norm"), sitting.cell('check("normalization/batch_norm")')
    sitting.run(check)
    says(check, "not defined")
    sitting.write(answer, WRONG)
    sitting.run(check)
    says(check, "This looks like a known mistake.")
    says(sitting.below(check, 'failing("batch_norm")'), "case.run()")
    says(sitting.below(check, 'hint("batch_norm")'), "Hint 1 of")
    says(sitting.below(check, 'reference("batch_norm")'), "Shown once yours is right")
    panel = sitting.below(check, "progress()")
    says(panel, "1 try")

    sitting.write(answer, RIGHT)
    sitting.run(check)
    says(check, "correct")
    says(panel, "2 tries, 1 hint")
    says(sitting.below(check, 'reference("normalization/batch_norm")'), "The course's way")

    sitting.write(answer, RIGHT.replace("def batch_norm(", "def batch_norm("[:-1] + "2("))
    sitting.run(check)
    says(check, "older than its cell")
    sitting.write(answer, "def batch_norm(x:")
    sitting.run(check)
    says(check, "SyntaxError")
    sitting.write(answer, RIGHT)

    sitting.restart()
    setup = sitting.cell("autograder.open_lab")
    sitting.run(setup)
    says(setup, "1 exercise was solved before")
    says(sitting.below(setup, "resume()"), "Back again")
    sitting.run(check)
    says(check, "correct")
    assert (desk.folder / LAB / "progress.json").is_file()
    home = (desk.folder / "Home.md").read_text(encoding="utf-8")
    assert f"{EXERCISE.points:g} of" in home


def test_further_is_folded_away_under_its_heading(sitting):
    sitting.page.get_by_role("heading", name="Further", exact=True).scroll_into_view_if_needed()
    further = next(e for e in find_lab("normalization").exercises.values() if not e.core)
    assert not sitting.page.get_by_role("heading", name=further.title).first.is_visible()


def test_an_experiment_starts_folded_waits_for_its_prediction_and_tells_what_came_out(sitting):
    commit = sitting.cell('commit("normalization/halved_weights")')
    experiment = sitting.folded("A layer and a batch normalization")
    sitting.run(commit)
    says(commit, "Until then its experiment waits")
    sitting.run_selected()
    says(experiment, "This experiment waits for your prediction")
    sitting.write(sitting.cell("halved_weights = None"), 'halved_weights = "a"')
    sitting.run(commit)
    says(commit, "Committed")
    sitting.run_selected()
    says(experiment, "It came out")
