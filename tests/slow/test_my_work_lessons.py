"""Every piece of every lesson is saved in one process, and used in another."""

import ast
import os
import subprocess
import sys

import pytest

from build_notebooks import build, is_tagged, lesson_files

SAVE = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
for cell in sys.stdin.read().split(chr(0)):
    shell.run_cell(cell, store_history=True).raise_error()
"""
USE = """
import sys
from resnet_helpers import my_work
pieces = [my_work.use(name) for name in sys.argv[1:]]
"""


def names_in(source: str) -> list[str]:
    definitions = (ast.ClassDef, ast.FunctionDef)
    return [node.name for node in ast.parse(source).body if isinstance(node, definitions)]


def preparation(source: str) -> str:
    """What a cell imports, and takes of earlier lessons."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return ""
    imports = (ast.Import, ast.ImportFrom)
    return "\n".join(
        ast.unparse(statement)
        for statement in statements
        if isinstance(statement, imports) or "my_work.use(" in ast.unparse(statement)
    )


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    """The names of each lesson's pieces, all of which have been saved, one lesson after another."""
    folder = tmp_path_factory.mktemp("lessons")
    environment = os.environ | {"RESNET_HELPERS_WORK": str(folder)}
    names = {}
    for lesson in lesson_files():
        cells, names[lesson.stem] = [], []
        for cell in build(lesson, solved=True).cells:
            if cell.cell_type != "code":
                continue
            if is_tagged(cell, "exercise"):
                pieces = names_in(cell.source)
                cells += [cell.source, f"my_work.save({', '.join(pieces)})"]
                names[lesson.stem] += pieces
            else:
                cells.append(preparation(cell.source))
        done = subprocess.run(
            [sys.executable, "-c", SAVE],
            input=chr(0).join(cells),
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return names, environment


def test_a_new_process_uses_every_piece_and_none_is_the_references(lessons):
    names, environment = lessons
    everything = [name for pieces in names.values() for name in pieces]
    done = subprocess.run(
        [sys.executable, "-c", USE, *everything], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [f"{n}: yours, from my_resnet.py" for n in everything]
    assert len(everything) >= 16


def test_the_pieces_of_the_nan_hunt_share_their_handles(lessons):
    _, environment = lessons
    hunt = (
        "import torch; from resnet_helpers import my_work\n"
        "add_hook, remove_hooks, handles = my_work.use('add_hook', 'remove_hooks', 'handles')\n"
        "NanModule = my_work.use('NanModule')\n"
        "model = torch.nn.Sequential(torch.nn.Identity(), NanModule())\n"
        "model.apply(add_hook)\n"
        "before = len(handles)\n"
        "try: model(torch.ones(2))\n"
        "except ValueError as error: print(error)\n"
        "model.apply(remove_hooks)\n"
        "print(before, len(handles))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hunt], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-2:] == ["NaN in the output of NanModule()", "3 0"]
