"""my_work, whatever the style: one process saves every piece, another one uses them all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import styles

WRITERS, SAVES = 8, 10
WRITER = f"""
import multiprocessing
from IPython.core.interactiveshell import InteractiveShell
import resnet_helpers.my_work, resnet_helpers.tests  # once, and not by each of them

def write(writer):
    shell = InteractiveShell()
    shell.run_cell("from resnet_helpers import my_work", store_history=True).raise_error()
    for number in range({SAVES}):
        name = f"piece_{{writer}}_{{number}}"
        cell = f"def {{name}}():\\n    return {{name!r}}\\nmy_work.save({{name}})"
        shell.run_cell(cell, store_history=True).raise_error()

processes = multiprocessing.get_context("fork")
writers = [processes.Process(target=write, args=[n]) for n in range({WRITERS})]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
print([writer.exitcode for writer in writers])
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("styles")
    for step in ("save", "use"):
        done = subprocess.run(
            [sys.executable, styles.__file__, step, folder], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("number", range(len(styles.STYLES)), ids=[s.title for s in styles.STYLES])
def test_a_new_process_gets_the_same(answers, number):
    here = (answers / str(number) / "here").read_text(encoding="utf-8")
    assert "Error(" not in here
    assert (answers / str(number) / "there").read_text(encoding="utf-8") == here


def test_there_are_at_least_forty_styles():
    assert len({style.title for style in styles.STYLES}) >= 40


def test_eight_notebooks_that_save_at_once_lose_nothing(tmp_path):
    environment = os.environ | {"RESNET_HELPERS_WORK": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WRITER], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == str([0] * WRITERS), done.stderr
    text = Path(tmp_path, "my_resnet.py").read_text(encoding="utf-8")
    names = [f"piece_{w}_{n}" for w in range(WRITERS) for n in range(SAVES)]
    assert [name for name in names if f"def {name}()" not in text] == []
