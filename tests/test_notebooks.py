"""The built notebooks: as their lessons say, and run to the end."""

import json
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from learners import code_cells, learners, tagged

import build_notebooks
import resnet_helpers.tests as checks
from build_notebooks import (
    NOTEBOOKS,
    ROOT,
    STOPPED,
    add_tag,
    build,
    exercise_names,
    is_tagged,
    lesson_files,
)

LESSONS = pytest.mark.parametrize("lesson", lesson_files(), ids=lambda lesson: lesson.stem)
BUILT = [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("solutions/*.ipynb"))]
MOST_LINES = 40  # of a cell on a projector
A_MACHINES_PATH = re.compile(r"(?<![\w.])/(home|root|tmp|work|opt|Users|usr|var|private)/\w")


def solved(lesson: Path) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / "solutions" / f"{lesson.stem}.ipynb", as_version=4)


# --- Nothing has drifted ----------------------------------------------------------------------


REBUILD = "not what its lesson builds: python build_notebooks.py NN, and commit both"


def test_lessons_are_numbered_and_two_notebooks_are_built_of_each():
    names = [lesson.stem for lesson in lesson_files()]
    assert [name[:2] for name in names] == [f"{n:02}" for n in range(1, len(names) + 1)]
    assert [notebook.stem for notebook in BUILT] == names * 2


@LESSONS
def test_the_learners_notebook_is_what_the_lesson_builds(lesson, tmp_path):
    """But for the cells that a stub stops: tests/slow/test_stubs.py sees that they are tagged."""
    built, committed = build(lesson, solved=False), learners(lesson)
    stopped = {cell.id for cell in tagged(committed, STOPPED)}
    for cell in code_cells(built):
        if cell.id in stopped:
            add_tag(cell, STOPPED)
    nbformat.write(built, tmp_path / "built.ipynb")
    path = NOTEBOOKS / f"{lesson.stem}.ipynb"
    assert path.read_bytes() == (tmp_path / "built.ipynb").read_bytes(), REBUILD


@LESSONS
def test_the_solution_is_what_the_lesson_builds(lesson):
    committed = solved(lesson)
    built = build(lesson, solved=True)
    for cell in code_cells(committed):
        cell.outputs, cell.execution_count = [], None
    assert committed == built, REBUILD


@LESSONS
def test_an_exercise_is_a_stub_and_no_marker_is_left(lesson):
    stubs = [cell.source for cell in tagged(learners(lesson), "exercise")]
    assert stubs
    assert all("raise NotImplementedError()" in source for source in stubs)
    cells = [*learners(lesson).cells, *solved(lesson).cells]
    assert not [cell.id for cell in cells if "# BEGIN SOLUTION" in cell.source]


@LESSONS
def test_every_cell_of_the_solution_has_been_run_in_order_without_an_error(lesson):
    cells = code_cells(solved(lesson))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    errors = [
        output.ename
        for cell in cells
        for output in cell.outputs
        if output.output_type == "error" and not is_tagged(cell, "raises-exception")
    ]
    assert errors == []


@pytest.mark.parametrize("notebook", BUILT, ids=lambda n: f"{n.parent.name}/{n.stem}")
def test_a_notebook_is_valid_and_names_no_path_of_the_machine_it_was_built_on(notebook):
    nbformat.validate(nbformat.read(notebook, as_version=4))
    text = notebook.read_text(encoding="utf-8")
    found = A_MACHINES_PATH.search(text)
    assert not found, text[max(found.start() - 60, 0) : found.end() + 60]


@pytest.mark.parametrize("notebook", BUILT, ids=lambda n: f"{n.parent.name}/{n.stem}")
def test_cells_fit_on_a_projector(notebook):
    for cell in code_cells(nbformat.read(notebook, as_version=4)):
        first, *_ = cell.source.splitlines()
        assert cell.source.count("\n") < MOST_LINES or is_tagged(cell, "exercise"), first


# --- Checks and what is saved --------------------------------------------------------------------


def test_every_check_is_used_in_a_lesson():
    text = "".join(lesson.read_text(encoding="utf-8") for lesson in lesson_files())
    names = [name for name in checks.__all__ if name.startswith("test_")]
    assert [name for name in names if f"tests.{name}(" not in text] == []


def test_every_piece_is_saved_where_its_check_has_passed():
    variables = {"handles"}  # go along with the functions that use them
    for lesson in lesson_files():
        cells = code_cells(jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="md"))
        exercises = [cell for cell in cells if is_tagged(cell, "exercise")]
        pieces = {name for cell in exercises for name in exercise_names(cell)} - variables
        saved = []
        for cell in cells:
            *checked, last = cell.source.splitlines()
            if match := re.fullmatch(r"my_work\.save\((.*)\)", last):
                assert is_tagged(cell, "check")
                saved += match[1].split(", ")
                # so that a check that fails ends the cell, and a run of all cells, before the save
                assert all(f"({name})" in "".join(checked) for name in match[1].split(", "))
        assert sorted(saved) == sorted(pieces), lesson.name


# --- The builder, on lessons with one thing special each ---------------------------------------


@pytest.fixture
def lesson_of(tmp_path, monkeypatch):
    """A lesson file of this text, and solutions.py with one exercise, `double`."""
    solutions = tmp_path / "solutions.py"
    solutions.write_text(
        "import torch\n\n\n"
        "def double(x):\n"
        '    """Twice x."""\n'
        "    ### BEGIN SOLUTION\n"
        "    y = x + x\n"
        "    return y\n"
        "    ### END SOLUTION\n\n\n"
        "table: dict = {}  # shared\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(build_notebooks, "SOLUTIONS", solutions)

    def write(text: str) -> Path:
        lesson = tmp_path / "01_tiny.md"
        lesson.write_text("# Tiny\n\n" + text, encoding="utf-8")
        return lesson

    return write


EXERCISE = (
    '```python tags=["exercise"]\nfrom resnet_helpers.solutions import double\n```\n\n'
    '```python tags=["check"]\ncheck(double)\n```\n\n'
)
STUB = 'def double(x):\n    """Twice x."""\n    raise NotImplementedError()'
ANSWER = 'def double(x):\n    """Twice x."""\n    y = x + x\n    return y'


def sources(notebook) -> list[str]:
    """The cells' sources, without the title and the cell that installs the course."""
    return [cell.source for cell in notebook.cells[2:]]


def test_an_exercise_becomes_a_stub_or_the_whole_answer(lesson_of):
    lesson = lesson_of(EXERCISE)
    assert sources(build(lesson, solved=True)) == [ANSWER, "check(double)"]
    stub, check, solution = sources(build(lesson, solved=False))
    assert (stub, check) == (STUB, "check(double)")
    assert solution.startswith("<details>\n<summary>Solution</summary>\n\n```python\n" + ANSWER)


def test_the_solution_comes_after_the_last_help_section(lesson_of):
    help_section = "<details>\n<summary>Help: {}</summary>\n\nDo.\n\n</details>\n\n\n"
    text = EXERCISE + help_section.format("a") + help_section.format("b") + "Afterwards.\n"
    cells = sources(build(lesson_of(text), solved=False))[2:]
    assert [cell.splitlines()[:2][-1] for cell in cells] == [
        "<summary>Help: a</summary>",
        "<summary>Help: b</summary>",
        "<summary>Solution</summary>",
        "Afterwards.",
    ]


def test_several_exercises_can_share_a_check(lesson_of):
    table = '```python tags=["exercise"]\nfrom resnet_helpers.solutions import table\n```\n\n'
    solution = sources(build(lesson_of(table + EXERCISE), solved=False))[-1]
    assert "table: dict = {}  # shared\n\n\n" + ANSWER in solution


def test_an_exercise_without_a_check_is_refused(lesson_of):
    text = EXERCISE.partition('```python tags=["check"]')[0]
    with pytest.raises(ValueError, match="without a cell tagged check"):
        build(lesson_of(text), solved=False)


def test_an_exercise_cell_may_only_import(lesson_of):
    text = EXERCISE.replace("import double\n", "import double\nx = 1\n")
    with pytest.raises(ValueError, match="must only import its reference answer"):
        build(lesson_of(text), solved=False)


def test_an_unknown_exercise_is_named(lesson_of):
    with pytest.raises(KeyError, match="no triple"):
        build(lesson_of(EXERCISE.replace("double", "triple")), solved=False)


def test_building_twice_gives_the_same_bytes_and_ids_of_their_own(lesson_of):
    lesson = lesson_of(EXERCISE + "```python\nx = 1\n```\n\n" * 2)
    first, second = (nbformat.writes(build(lesson, solved=False)) for _ in range(2))
    assert first == second
    ids = [cell["id"] for cell in json.loads(first)["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("https://github.com/me/course", "me/course"),
        ("https://github.com/me/course.git", "me/course"),
        ("file:///a/clone", None),
        ("", None),
    ],
)
def test_the_repository_is_named_in_the_first_cell_and_the_badge(
    lesson_of, monkeypatch, address, slug
):
    monkeypatch.setattr(build_notebooks, "repository", lambda: address)
    lesson = lesson_of(EXERCISE)
    for is_solved, path in [(False, "01_tiny.ipynb"), (True, "solutions/01_tiny.ipynb")]:
        title, install, *_ = build(lesson, solved=is_solved).cells
        assert f'REPOSITORY = "{address}"' in install.source
        compile(install.source, "install", "exec")
        badge = f"https://colab.research.google.com/github/{slug}/blob/main/notebooks/{path}"
        assert (badge in title.source) == (slug is not None)


def test_without_the_course_and_without_a_repository_the_first_cell_says_what_to_set(
    lesson_of, monkeypatch
):
    monkeypatch.setattr(build_notebooks, "repository", lambda: "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    install = build(lesson_of(EXERCISE), solved=False).cells[1].source
    with pytest.raises(ModuleNotFoundError, match="set REPOSITORY above to the address"):
        exec(install, {})


def test_the_repository_is_set_in_one_line_of_pyproject():
    assert (ROOT / "pyproject.toml").read_text(encoding="utf-8").count("\nrepository = ") == 1
    assert build_notebooks.repository() == "" or "://" in build_notebooks.repository()
