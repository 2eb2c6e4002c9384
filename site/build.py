"""Make a site to read of the course: `notebooks/` and README.md -> `build/site/html/`.

A page is the learner's notebook, with stubs and collapsed solutions, under whose cells stand the
outputs of the solved one. Jupyter Book makes HTML of the pages, and whatever it warns of, a link
that leads nowhere or a picture that is missing ends the build.

    python site/build.py        with what the extra `site` in pyproject.toml names (`make site`)
"""

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
PAGES = ROOT / "build" / "site" / "pages"
HTML = ROOT / "build" / "site" / "html"

NOTE = """\
```{note}
This page is for reading: the outputs are those of the solved notebook, so that a check below an
empty exercise shows what a right answer gets.
```"""


def repository() -> str:
    """The address in pyproject.toml of the published copy, without `.git`, or ""."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["course"]["repository"].removesuffix(".git")


# --- Pages ----------------------------------------------------------------------------------------


def page(learners: NotebookNode, solved: NotebookNode) -> NotebookNode:
    """The learner's notebook with the outputs of the solved one, and without the set-up cell.

    Raises:
        ValueError: the notebooks do not have the same number of code cells.
    """
    ours = [cell for cell in learners.cells if cell.cell_type == "code"]
    theirs = [cell for cell in solved.cells if cell.cell_type == "code"]
    for cell, run in zip(ours, theirs, strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    learners.cells.remove(ours[0])  # installs the course, which a reader has no use for
    learners.cells[0].source += f"\n\n{NOTE}"
    return learners


def index(readme: str) -> str:
    """The README up to and with its table of lessons, whose links lead to the pages."""
    start, lessons, *_ = re.split(r"\n(?=## )", readme)

    def link(match: re.Match) -> str:
        text, target = match.groups()
        if target.startswith("http") or (PAGES / target).exists():
            return match[0]
        if (NOTEBOOKS / target.removeprefix("notebooks/")).is_file():
            return f"[{text}](lessons/{Path(target).name})"
        return f"[{text}]({repository()}/tree/main/{target})" if repository() else text

    return re.sub(r"\[([^]]+)\]\(([^)]+)\)", link, f"{start}\n{lessons}")


def write_pages() -> None:
    """Write what Jupyter Book reads: its settings, the pages and their pictures."""
    shutil.rmtree(PAGES, ignore_errors=True)
    (PAGES / "lessons").mkdir(parents=True)
    lessons = sorted(NOTEBOOKS.glob("*.ipynb"))
    for file in lessons:
        both = (nbformat.read(f, as_version=4) for f in (file, NOTEBOOKS / "solutions" / file.name))
        nbformat.write(page(*both), PAGES / "lessons" / file.name)
    shutil.copytree(ROOT / ".github", PAGES / ".github", ignore=shutil.ignore_patterns("*.yml"))
    shutil.copytree(ROOT / "site" / "_static", PAGES / "_static")
    shutil.copy(ROOT / "resnet_inputs" / "CREDITS.md", PAGES / "credits.md")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (PAGES / "index.md").write_text(index(readme), encoding="utf-8")

    config = yaml.safe_load((ROOT / "site" / "_config.yml").read_text(encoding="utf-8"))
    if repository():
        config["repository"] = {"url": repository()}
        config["html"]["use_repository_button"] = True
    chapters = [{"file": f"lessons/{file.stem}"} for file in lessons]
    toc = {"format": "jb-book", "root": "index", "chapters": [*chapters, {"file": "credits"}]}
    for name, content in [("_config.yml", config), ("_toc.yml", toc)]:
        text = yaml.safe_dump(content, allow_unicode=True)
        (PAGES / name).write_text(text, encoding="utf-8")


# --- What the pages lead to ---------------------------------------------------------------------


class Page(HTMLParser):
    """The ids of a page, and the addresses of what it links to, shows and loads."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name"):
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.addresses.append(value)


def dead_ends(folder: Path) -> list[str]:
    """The links, pictures and files that pages of this folder name and that are not there."""
    files = [file for file in folder.rglob("*.html") if "_static" not in file.parts]  # templates
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in files}
    found = []
    for file, content in pages.items():
        for address in content.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:  # elsewhere, or data:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            wanted = unquote(parts.fragment)
            is_there = target.exists() and (
                not wanted or target not in pages or wanted in pages[target].ids
            )
            if not is_there:
                found.append(f"{file.relative_to(folder)}: {address}")
    return sorted(set(found))


def main() -> None:
    """Build the site and say where it is, or what is wrong with it."""
    write_pages()
    shutil.rmtree(HTML, ignore_errors=True)
    build = [Path(sys.executable).with_name("jupyter-book"), "build", PAGES]
    build += ["--path-output", HTML.parent, "--warningiserror", "--keep-going", "--quiet"]
    if subprocess.run(build).returncode:
        sys.exit("Jupyter Book warned of something above: the site is not built.")
    shutil.move(HTML.parent / "_build" / "html", HTML)
    if found := dead_ends(HTML):
        sys.exit("\n".join(["These lead nowhere:", *found]))
    print(f"The site is built, and every link and picture is there: open {HTML}/index.html")


if __name__ == "__main__":
    main()
