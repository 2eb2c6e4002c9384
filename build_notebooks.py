"""Build the course's notebooks: `lessons/*.md` + `resnet_helpers/solutions.py` -> `notebooks/`.

Of each lesson come two notebooks. In the learner's (`notebooks/`) every exercise is a stub, with
its solution collapsed below the check; it carries no outputs, and cells that a stub stops have the
tag `raises-exception`. In the instructor's (`notebooks/solutions/`) every exercise is solved, and
the notebook has been run.

    python build_notebooks.py              all lessons
    python build_notebooks.py 03 04        only those whose names start so
"""

import ast
import copy
import hashlib
import os
import re
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parent
LESSONS = ROOT / "lessons"
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = ROOT / "resnet_helpers" / "solutions.py"

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

STOPPED = "raises-exception"  # the tag by which JupyterLab, nbclient and nbval go on after an error

INSTALL_CELL = """\
# In Colab, Kaggle and the like: installs the course. Where it is installed, does nothing.
import importlib.util, os, shutil, subprocess, sys, urllib.request

REPOSITORY = "{repository}"
KEEP_MY_WORK_IN_DRIVE = True  # in Colab only: what you save is kept in your Google Drive


def obstacles():  # to installing it: each with whether it is there, and what to do about it
    clone = next((up for up in ("..", "../..") if os.path.exists(f"{{up}}/build_notebooks.py")), "")
    yield clone, f"it is in {{clone}}: run %pip install -e {{clone}} in a cell, restart the kernel"
    yield not REPOSITORY, (
        "this copy of the notebook does not say where to get it: set REPOSITORY above to the "
        'address of its Git repository ("https://github.com/…"), which whoever gave it to you knows'
    )
    yield not importlib.util.find_spec("pip"), "this Python has no pip: get it, as pip.pypa.io says"
    yield not shutil.which("git"), "pip needs Git, which is not here: get it, from git-scm.com"
    print(f"Installing the course from {{REPOSITORY}} (a minute or two) …")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", f"git+{{REPOSITORY}}"]
    done = subprocess.run(pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, end="")
    importlib.invalidate_caches()
    if done.returncode and REPOSITORY.startswith("http"):
        try:
            urllib.request.urlopen(REPOSITORY, timeout=10).close()
        except OSError as error:
            is_reached, is_kaggle = hasattr(error, "code"), "KAGGLE_KERNEL_RUN_TYPE" in os.environ
            network = "switch Internet on in its settings" if is_kaggle else "check the network"
            yield not is_reached, f"{{REPOSITORY}} cannot be reached ({{error}}): {{network}}"
            yield error.code == 404, f"there is nothing public at {{REPOSITORY}}: check the address"
    yield done.returncode, "put right what pip says above"
    yield not importlib.util.find_spec("resnet_helpers"), "pip has brought it: restart the kernel"
    print("The course is installed.")


for is_there, what_to_do in obstacles() if not importlib.util.find_spec("resnet_helpers") else ():
    if is_there:
        raise ModuleNotFoundError(f"Not installed yet: {{what_to_do}}, and run this cell again.")
if "google.colab" in sys.modules:
    from resnet_helpers.my_work import colab
    colab.set_up(KEEP_MY_WORK_IN_DRIVE)"""

COLAB_BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{slug}/blob/main/notebooks/{path})"
)

SOLUTION_DETAILS = """\
<details>
<summary>Solution</summary>

```python
{code}
```

</details>"""


def repository() -> str:
    """The address in pyproject.toml from which a notebook installs the course, or ""."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["course"]["repository"]


def lesson_files() -> list[Path]:
    """The lessons' sources, in the order of the course."""
    return sorted(LESSONS.glob("*.md"))


def definitions(names: list[str], *, stub: bool) -> str:
    """The source of `names` in solutions.py, as stubs or whole, without the SOLUTION markers."""
    source = SOLUTIONS.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    body = ast.parse(source).body
    codes = {}
    # A definition runs to the next one's first line: an END marker after its last statement is
    # a comment, which ast does not see.
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AnnAssign)):
            name = node.target.id if isinstance(node, ast.AnnAssign) else node.name
            end = following.lineno - 1 if following else len(lines)
            codes[name] = "".join(lines[node.lineno - 1 : end]).rstrip()
    if missing := [name for name in names if name not in codes]:
        raise KeyError(f"solutions.py defines no {', '.join(missing)}")
    edit = cut_solution if stub else show_solution
    return "\n\n\n".join(edit(codes[name]) for name in names)


def cut_solution(code: str) -> str:
    """`code` with `raise NotImplementedError()` in place of everything between the markers."""
    return re.sub(
        r"( *)### BEGIN SOLUTION\n.*?### END SOLUTION",
        r"\1raise NotImplementedError()",
        code,
        flags=re.DOTALL,
    )


def show_solution(code: str) -> str:
    """`code` without the markers."""
    return re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", code, flags=re.MULTILINE).rstrip()


def exercise_names(cell: NotebookNode) -> list[str]:
    """What an exercise cell imports from the solutions.

    Raises:
        ValueError: the cell holds something else than `from resnet_helpers.solutions import …`.
    """
    statements = ast.parse(cell.source).body
    match statements:
        case [ast.ImportFrom(module="resnet_helpers.solutions", names=aliases)]:
            return [alias.name for alias in aliases]
    raise ValueError(f"an exercise cell must only import its reference answer: {cell.source!r}")


def is_tagged(cell: NotebookNode, tag: str) -> bool:
    """Whether the cell carries the tag."""
    return tag in cell.metadata.get("tags", [])


def add_tag(cell: NotebookNode, tag: str) -> None:
    """Give the cell this tag, if it has not got it."""
    if not is_tagged(cell, tag):
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), tag]


def is_help(cell: NotebookNode) -> bool:
    """Whether the cell is a collapsed Help section."""
    return cell.cell_type == "markdown" and cell.source.startswith("<details>")


def solution_cell(names: list[str]) -> NotebookNode:
    """The collapsed solution of an exercise."""
    return new_markdown_cell(SOLUTION_DETAILS.format(code=definitions(names, stub=False)))


def build(lesson: Path, *, solved: bool) -> NotebookNode:
    """The notebook of a lesson, not run: the instructor's if `solved`, else the learner's.

    Which of the learner's cells a stub stops is not known before it is run: see `stopped_cells`.
    """
    cells = []
    unshown = []  # names whose solution the learner's notebook still has to show
    is_checked = False
    for cell in jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="md").cells:
        if not cell.source:  # two blank lines end a cell, also where none follows
            continue
        if is_checked and not is_help(cell):  # the solution comes after the last Help section
            cells.append(solution_cell(unshown))
            unshown, is_checked = [], False
        if cell.cell_type == "markdown":
            cells.append(new_markdown_cell(cell.source))
        elif is_tagged(cell, "exercise"):
            names = exercise_names(cell)
            cells.append(new_code_cell(definitions(names, stub=not solved)))
            unshown += names
        else:
            cells.append(new_code_cell(cell.source))
        if tags := cell.metadata.get("tags"):
            cells[-1].metadata["tags"] = tags
        is_checked |= is_tagged(cell, "check") and not solved
    if is_checked:
        cells.append(solution_cell(unshown))
    elif unshown and not solved:
        raise ValueError(f"{lesson.name}: an exercise without a cell tagged check after it")

    cells.insert(1, new_code_cell(INSTALL_CELL.format(repository=repository())))
    if (slug := repository().removeprefix("https://github.com/").removesuffix(".git")) and (
        "://" not in slug
    ):
        path = f"{'solutions/' if solved else ''}{lesson.stem}.ipynb"  # the badge opens this one
        cells[0].source += "\n\n" + COLAB_BADGE.format(slug=slug, path=path)
    set_ids(cells)
    return new_notebook(cells=cells, metadata=METADATA)


def set_ids(cells: list[NotebookNode]) -> None:
    """Give each cell an id made from its text, so that an unchanged cell keeps its own."""
    seen: dict[str, int] = {}
    for cell in cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def client(notebook: NotebookNode, folder: str | Path, **options) -> NotebookClient:
    """What runs the notebook's cells in this folder."""
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=300, resources=resources, **options)


def environment(folder: str | Path) -> dict[str, str]:
    """What its kernel sees: offline, and nothing of the learner's but what is in this folder."""
    return os.environ | {
        "RESNET_HELPERS_OFFLINE": "1",
        "RESNET_HELPERS_WORK": str(folder),
        "OMP_NUM_THREADS": "1",  # since two notebooks run at a time
    }


def run(notebook: NotebookNode) -> None:
    """Run a notebook in place, in an empty folder, so that its outputs are its own."""
    with tempfile.TemporaryDirectory() as folder:
        client(
            notebook,
            folder,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,  # how prints are cut into pieces differs from run to run
        ).execute(env=environment(folder))
    notebook.metadata = nbformat.from_dict(METADATA)
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        # without its kernel a widget is only an error message: the picture beside it says more
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def shortened(notebook: NotebookNode) -> NotebookNode:
    """A copy to find out what raises: in cells tagged `long`, two steps of training are enough.

    A stub is called at the first step or not at all, so how many were to follow makes no difference
    to what it stops; and the cells below look at what the training gave, not at how good it is.
    """
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if is_tagged(cell, "long"):
            cell.source = re.sub(r"\bn_steps=\d+", "n_steps=2", cell.source)
    return notebook


def raises(cell: NotebookNode) -> bool:
    """Whether a cell that has been run ended in an error."""
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def stopped_cells(notebook: NotebookNode) -> set[str]:
    """The ids of the cells of a learner's notebook that a stub stops, found by running it."""
    trial = shortened(notebook)
    with tempfile.TemporaryDirectory() as folder:
        client(trial, folder, allow_errors=True).execute(env=environment(folder))
    return {cell.id for cell in trial.cells if raises(cell)}


def tag_stopped(notebook: NotebookNode) -> None:
    """Tag the cells that a stub stops, so that a run of all cells goes on to the end."""
    stopped = stopped_cells(notebook)
    for cell in notebook.cells:
        if cell.id in stopped:
            add_tag(cell, STOPPED)


def build_lesson(lesson: Path) -> None:
    """Write both notebooks of a lesson."""
    name = lesson.with_suffix(".ipynb").name
    learners, solved = (build(lesson, solved=solved) for solved in (False, True))
    tag_stopped(learners)
    run(solved)
    nbformat.write(learners, NOTEBOOKS / name)
    nbformat.write(solved, NOTEBOOKS / "solutions" / name)
    print(f"built notebooks/{name} and notebooks/solutions/{name}", flush=True)


def main() -> None:
    """Build the lessons named on the command line, or all, two at a time."""
    prefixes = tuple(sys.argv[1:])
    lessons = [file for file in lesson_files() if file.name.startswith(prefixes or "")]
    if not lessons:
        sys.exit(f"No lesson's name starts with {' or '.join(prefixes)}.")
    (NOTEBOOKS / "solutions").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(build_lesson, lessons))


if __name__ == "__main__":
    main()
