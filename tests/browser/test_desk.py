"""What a student sees first: the course home, its labs, and nothing of the instructor's."""

import nbformat

from tests.support.notebooks import cell_of

SLUG = "04_initialization"
INSTRUCTORS = ("Create Assignment", "Formgrader", "Course List", "Assignment List", "Nbgrader")


def home(desk, page):
    desk.open(page, "Home.md")
    return page.locator(".jp-MarkdownViewer")


def test_it_opens_on_the_course_home_as_people_read_it(desk, page):
    read = home(desk, page)
    read.get_by_role("heading", name="Training neural networks").wait_for()
    assert read.get_by_role("row").count() == 1 + len(list(desk.folder.glob("[0-9]*")))
    assert "<!--" not in read.inner_text()


def test_a_lab_opens_from_the_home_in_the_same_window(desk, page):
    home(desk, page).get_by_role("link", name="Initialization", exact=True).click()
    page.get_by_role("heading", name="Lab 4 · Initialization").wait_for()
    assert len(page.context.pages) == 1
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel").all_inner_texts()
    assert {"Home.md", f"{SLUG}.ipynb"} <= set(tabs)


def test_nothing_of_the_instructors_is_there_and_validate_is(desk, page):
    desk.open(page, f"{SLUG}/{SLUG}.ipynb")
    page.get_by_text("Validate", exact=True).first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    assert "Nbgrader" not in page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
    page.get_by_text("View", exact=True).click()
    page.get_by_text("Activate Command Palette").click()
    commands = page.locator(".lm-CommandPalette-itemLabel")
    commands.get_by_text("Restart Kernel…").first.wait_for(state="attached")
    assert not [label for label in commands.all_text_contents() if label in INSTRUCTORS]


def test_a_second_start_names_the_server_that_runs_and_leaves_an_open_notebook(desk, page):
    desk.open(page, f"{SLUG}/{SLUG}.ipynb")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    path = desk.folder / SLUG / f"{SLUG}.ipynb"
    given = desk.folder / ".course" / "given" / path.name
    content = given.read_bytes()
    try:
        given.write_bytes(content + b"\n")  # as if the course had a new version
        done = desk.run_course("start", "--folder", str(desk.folder), "--no-browser")
    finally:
        given.write_bytes(content)
    assert f"{SLUG}.ipynb is open in JupyterLab" in done.stdout
    assert f"JupyterLab already runs on it: {desk.server.page('Home.md')}" in done.stdout
    assert nbformat.read(path, as_version=4)


def test_an_upgraded_notebook_shows_the_students_answer(desk, page):
    slug = "05_normalization"
    path = desk.folder / slug / f"{slug}.ipynb"
    given = desk.folder / ".course" / "given" / path.name
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "# An older version"
    nbformat.write(notebook, given)
    answer = next(c for c in notebook.cells if c.metadata.autograder.role == "answer")
    name = answer.metadata.autograder.exercise.partition("/")[2]
    cell_of(notebook, name).source += "\n# my own words"
    nbformat.write(notebook, path)
    done = desk.run_course("start", "--folder", str(desk.folder), "--no-browser")
    assert f"{slug}.ipynb is the new version now, with your answers" in done.stdout
    desk.open(page, f"{slug}/{slug}.ipynb")
    page.get_by_role("heading", name="Lab 5").first.wait_for()
    assert cell_of(nbformat.read(path, as_version=4), name).source.endswith("# my own words")
    page.get_by_text("# my own words").first.wait_for()
