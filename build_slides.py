"""Make a deck of slides of each solution notebook: all that it shows, and nothing from a network.

    make slides                       all lessons, into slides/
    python build_slides.py 03 04      only those whose names start so

The decks need what `make slides` puts beside them: reveal.js, which turns pages, and MathJax,
which sets formulas. Without these nbconvert's decks would load both from the network.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).parent
SOLUTIONS = ROOT / "notebooks" / "solutions"
SLIDES = ROOT / "slides"
LIBRARIES = SLIDES / "node_modules"

# nbconvert's own page, but that all scripts lie beside it, and that a long slide can be scrolled.
PAGE = r"""
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}
<script>
  MathJax = {tex: {inlineMath: [["$", "$"]]}, options: {enableMenu: false}};
</script>
<script src="node_modules/mathjax/es5/tex-svg.js"></script>
{%- endblock -%}
{%- block html_head_css -%}
<style>
  .reveal .slides section section { max-height: 100%; overflow-y: auto; text-align: left; }
  .reveal :is(h1, h2, h3) { text-transform: none; }
  .jp-InputPrompt, .jp-OutputPrompt { display: none; }
</style>
{%- endblock -%}
{%- block footer_js -%}
<script src="node_modules/reveal.js/dist/reveal.js"></script>
<script>
  Reveal.initialize({width: 1280, height: 720, margin: 0.02, center: false, hash: true});
</script>
{%- endblock -%}
"""

HEADING = re.compile(r"^(#{1,3}) ")
FENCE = re.compile(r"^(```|~~~)")
SLIDE_TYPES = {"#": "slide", "##": "slide", "###": "subslide"}


def at_headings(text: str) -> list[str]:
    """The Markdown text in parts, each of which begins with a heading; the first one need not."""
    parts, in_code = [[]], False
    for line in text.splitlines():
        in_code ^= bool(FENCE.match(line))
        if HEADING.match(line) and not in_code:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts if any(map(str.strip, part))]


def has_picture(cell: NotebookNode) -> bool:
    """Whether the cell's output is looked at rather than read."""
    kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
    return any(kind.startswith("image/") for kind in kinds)


def slides(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The notebook's cells, those marked with which a slide begins.

    A heading begins one; so, below it, do a picture and an exercise's code.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for text in at_headings(cell.source):
                heading = HEADING.match(text)
                slide_type = SLIDE_TYPES[heading[1]] if heading else "-"
                yield new_markdown_cell(text, metadata={"slideshow": {"slide_type": slide_type}})
            continue
        begins = has_picture(cell) or "exercise" in cell.metadata.get("tags", [])
        slide_type = "subslide" if begins else "-"
        if cell.source.startswith("# In Colab"):  # installs the course
            slide_type = "skip"
        cell.metadata["slideshow"] = {"slide_type": slide_type}
        yield cell


def deck(file: Path) -> str:
    """The page of a notebook's slides."""
    notebook = nbformat.read(file, as_version=4)
    notebook.cells = list(slides(notebook))
    exporter = SlidesExporter(
        raw_template=PAGE, reveal_url_prefix="node_modules/reveal.js", reveal_theme="white"
    )
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": file.stem}})
    return page


def main() -> None:
    """Make the decks of the lessons named on the command line, or of all."""
    prefixes = tuple(sys.argv[1:])
    files = [f for f in sorted(SOLUTIONS.glob("*.ipynb")) if f.name.startswith(prefixes or "")]
    if not files:
        sys.exit(f"No lesson's name starts with {' or '.join(prefixes)}.")
    if not LIBRARIES.is_dir():
        sys.exit("reveal.js and MathJax are missing: run `make slides`, which gets them with npm.")
    for file in files:
        target = SLIDES / f"{file.stem}.html"
        target.write_text(deck(file), encoding="utf-8")
        print(f"made {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
