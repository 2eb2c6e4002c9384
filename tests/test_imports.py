"""Importing one part drags in no other: a lesson waits for what it needs, and for nothing else.

benchmarks/setup_cells.py measures what that saves.
"""

import json
import subprocess
import sys

import pytest
from learners import code_cells, learners

from build_notebooks import lesson_files

PARTS = {
    "resnet_helpers.figures": ["torch", "torchvision", "matplotlib"],
    "resnet_helpers.figures.batchnorm": ["torchvision", "matplotlib.pyplot", "pandas"],
    "resnet_helpers.debugging": ["torchvision", "pandas", "matplotlib", "IPython"],
    "resnet_helpers.param_count": ["torchvision", "pandas", "matplotlib", "IPython"],
    "resnet_helpers.tests": [
        *("torchvision", "pandas", "matplotlib", "rich", "IPython", "ipywidgets", "einops")
    ],
}
SET_UP_CELLS = [lesson.stem for lesson in lesson_files()]

# Each is run in a process of its own, a child of one that has imported what all may import.
RUN = """
import importlib, json, os, sys
for name, code, unwanted in json.load(sys.stdin):
    for package in {"torch", "torchvision"} - set(unwanted):
        importlib.import_module(package)
    if os.fork() == 0:
        exec(code, {})
        print(json.dumps([name, sorted(set(unwanted) & set(sys.modules))]), flush=True)
        os._exit(0)
    os.wait()
"""


def cases() -> list[tuple[str, str, list[str]]]:
    """What is run by its name, and what it must not import."""
    found = [(part, f"import {part}", unwanted) for part, unwanted in PARTS.items()]
    for lesson in lesson_files():
        install, setup, *_ = code_cells(learners(lesson))
        unwanted = ["pandas", "matplotlib", "ipywidgets", "scipy"]
        if lesson.stem[:2] in ("01", "02", "03"):
            unwanted += ["torchvision", "rich"]
        found.append((lesson.stem, f"{install.source}\n{setup.source}", unwanted))
    # those first that want the least imported
    return sorted(found, key=lambda case: ("torch" not in case[2], "torchvision" not in case[2]))


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> dict[str, list[str]]:
    """By its name, which of the packages that it must not import it does import."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(cases()),
        capture_output=True,
        text=True,
        cwd=tmp_path_factory.mktemp("work"),
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith('["')]
    return dict(map(json.loads, lines))


@pytest.mark.parametrize("name", PARTS)
def test_importing_a_part_imports_no_other_heavy_package(name, imported):
    assert imported[name] == []


@pytest.mark.parametrize("name", SET_UP_CELLS)
def test_a_set_up_cell_imports_only_what_the_lesson_needs(name, imported):
    assert imported[name] == []
