"""The decks of slides: where a slide begins, and that none of a notebook is lost on the way."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from build_notebooks import ROOT
from build_slides import PAGE, SOLUTIONS, at_headings, deck, slides


def slide_types(*cells) -> list[str]:
    return [cell.metadata.slideshow.slide_type for cell in slides(new_notebook(cells=list(cells)))]


def test_a_slide_begins_at_each_heading_also_within_a_cell():
    text = "# One\n\ntext\n\n## Two\n\n### Three\ntext\n#### Four"
    assert at_headings(text) == ["# One\n\ntext\n", "## Two\n", "### Three\ntext\n#### Four"]
    assert slide_types(new_markdown_cell(text)) == ["slide", "slide", "subslide"]


@pytest.mark.parametrize("text", ["text\nmore", "~~~python\n# a comment\n~~~", "#hashtag"])
def test_what_is_no_heading_begins_none(text):
    assert at_headings(text) == [text]
    assert slide_types(new_markdown_cell(text)) == ["-"]


def test_pictures_and_exercises_are_below_their_heading():
    picture = new_output("display_data", {"image/png": "", "text/plain": ""})
    printed = new_output("stream", text="1")
    assert slide_types(
        new_markdown_cell("# One"),
        new_code_cell("import torch"),
        new_code_cell("figure()", outputs=[picture]),
        new_code_cell("print(1)", outputs=[printed]),
        new_code_cell("class A: ...", metadata={"tags": ["exercise"]}),
    ) == ["slide", "-", "subslide", "-", "subslide"]


@pytest.mark.parametrize("file", sorted(SOLUTIONS.glob("*.ipynb")), ids=lambda file: file.stem)
def test_a_deck_has_all_that_the_notebook_has(file):
    notebook = nbformat.read(file, as_version=4)
    cells = list(slides(nbformat.read(file, as_version=4)))
    skipped = [cell for cell in cells if cell.metadata.slideshow.slide_type == "skip"]
    assert [cell.source[:10] for cell in skipped] == ["# In Colab"]

    def lines(cells):
        return [line for cell in cells for line in cell.source.splitlines() if line]

    assert lines(cells) == lines(notebook.cells)
    assert cells[0].metadata.slideshow.slide_type == "slide"


def test_the_libraries_are_those_that_make_gets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for library in set(re.findall(r"node_modules/([\w.]+)/", PAGE)):
        assert re.search(rf"npm install .* {re.escape(library)}@\d", makefile)


def test_a_deck_names_no_script_or_style_elsewhere():
    page = deck(SOLUTIONS / "02_pooling.ipynb")
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="([^"]*)"', page)
    assert [url[:40] for url in loaded if not url.startswith(("node_modules/", "data:"))] == []
