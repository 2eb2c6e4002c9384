"""How long nbval takes for each solution notebook, against starting its kernel and its imports.

Cells tagged `long`, which train, compile or time, are left out of that and listed by themselves.
Seconds of the clock, as nbval reports them cell by cell: let the machine be idle.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from timing import Row, ratios

SOLUTIONS = Path(__file__).parents[1] / "notebooks" / "solutions"
OFFLINE = {"RESNET_HELPERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
SET_UP = 2  # code cells: the one that installs the course, and the imports


def nbval(notebook: nbformat.NotebookNode) -> tuple[float, list[float]]:
    """The seconds of `pytest --nbval` on the notebook, and those of each code cell."""
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder, "notebook.ipynb"), Path(folder, "report.xml")
        nbformat.write(notebook, file)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
        command += ["--nbval-cell-timeout=300", f"--junitxml={report}", f"--rootdir={folder}", file]
        environment = os.environ | OFFLINE | {"RESNET_HELPERS_WORK": folder}
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
        total = time.perf_counter() - start
        cells = ElementTree.parse(report).iter("testcase")
        return total, [float(cell.get("time")) for cell in cells]


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Its cells of code, as nbval counts them."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def set_up_of(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook that ends with the imports."""
    only = nbformat.from_dict(notebook)
    only.cells = code_cells(notebook)[:SET_UP]
    return only


def rows(rounds: int = 2) -> Iterator[Row]:
    """Each notebook, and each of its long cells."""
    for file in sorted(SOLUTIONS.glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        is_long = ["long" in cell.metadata.get("tags", []) for cell in code_cells(notebook)]
        rest, bare, long = [], [], []
        for _ in range(rounds):
            total, cells = nbval(notebook)
            long.append([s for s, is_one in zip(cells, is_long, strict=True) if is_one])
            rest.append(total - sum(long[-1]))
            bare.append(nbval(set_up_of(notebook))[0])
        yield Row(f"nbval of {file.stem}", ratios(rest, bare), "its kernel and imports", 1.6)
        first_lines = [
            cell.source.splitlines()[0]
            for cell, is_one in zip(code_cells(notebook), is_long, strict=True)
            if is_one
        ]
        for line, taken in zip(first_lines, zip(*long, strict=True), strict=True):
            yield Row(f"  {file.stem[:2]}: {line[:36]}", list(taken), "", 60)
