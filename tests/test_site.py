"""The pages of the site as build.py makes them, before Jupyter Book makes HTML of them."""

import importlib.util

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from build_notebooks import NOTEBOOKS, ROOT, lesson_files

LESSONS = pytest.mark.parametrize("lesson", lesson_files(), ids=lambda lesson: lesson.stem)


@pytest.fixture(scope="module")
def build():
    """site/build.py, whose folder has the name of a module of Python's own."""
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "site" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@LESSONS
def test_a_page_has_the_learners_cells_and_the_solutions_outputs(build, lesson):
    file = f"{lesson.stem}.ipynb"
    learners = nbformat.read(NOTEBOOKS / file, as_version=4)
    solved = nbformat.read(NOTEBOOKS / "solutions" / file, as_version=4)
    texts = [cell.source for cell in learners.cells]
    outputs = [cell.outputs for cell in solved.cells if cell.cell_type == "code"]
    page = build.page(learners, solved)
    assert page.cells[0].source == f"{texts[0]}\n\n{build.NOTE}"
    assert [cell.source for cell in page.cells[1:]] == texts[2:]  # without the set-up cell
    assert [cell.outputs for cell in page.cells if cell.cell_type == "code"] == outputs[1:]
    nbformat.validate(page)


README = """\
# Course

See [lesson 1](notebooks/01_batchnorm.ipynb), [arXiv](https://arxiv.org) and [all](notebooks/).

## The lessons

The [licence](LICENSE).

## For makers
"""


@pytest.mark.parametrize(
    ("address", "folder", "licence"),
    [
        ("", "all", "The licence."),
        (
            "https://example.org/me/course",
            "[all](https://example.org/me/course/tree/main/notebooks/)",
            "The [licence](https://example.org/me/course/tree/main/LICENSE).",
        ),
    ],
)
def test_the_first_page_is_the_readmes_beginning(build, monkeypatch, address, folder, licence):
    monkeypatch.setattr(build, "repository", lambda: address)
    assert build.index(README) == (
        "# Course\n\n"
        f"See [lesson 1](lessons/01_batchnorm.ipynb), [arXiv](https://arxiv.org) and {folder}.\n\n"
        f"## The lessons\n\n{licence}\n"
    )


def test_what_leads_nowhere_is_found(build, tmp_path):
    (tmp_path / "b.html").write_text('<p id="here">', encoding="utf-8")
    (tmp_path / "a.html").write_text(
        '<a href="b.html"><a href="b.html#here"><a href="#top"><p id="top">'
        '<img src="data:image/png;base64,AA=="><a href="https://arxiv.org">'
        '<a href="c.html"><a href="b.html#there"><img src="c.png"><a href="#bottom">',
        encoding="utf-8",
    )
    missing = ["#bottom", "b.html#there", "c.html", "c.png"]
    assert build.dead_ends(tmp_path) == [f"a.html: {address}" for address in missing]


def test_outputs_are_those_of_the_same_cell(build):
    learners = [new_markdown_cell("# A"), *(new_code_cell(text) for text in ("get", "stub", "b"))]
    solved = [
        new_markdown_cell("# A"),
        new_code_cell("get", outputs=[new_output("stream", text="no")]),
        new_code_cell("answer"),
        new_code_cell("b", outputs=[new_output("stream", text="yes")]),
    ]
    _, stub, last = build.page(new_notebook(cells=learners), new_notebook(cells=solved)).cells
    assert (stub.source, stub.outputs) == ("stub", [])
    assert last.outputs[0].text == "yes"
