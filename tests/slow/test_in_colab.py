"""Each learner's notebook alone in an empty folder, as Colab opens it, up to its first stub.

`stand_in/google` stands for Colab's package. Needs nothing but the course's own dependencies, so
that it can be run with the versions that Colab has: pytest tests/slow/test_in_colab.py
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NOTEBOOKS = sorted((TESTS.parent / "notebooks").glob("*.ipynb"))
RUN = """
import json, sys
from pathlib import Path

import google.colab
from IPython.core.interactiveshell import InteractiveShell

import resnet_helpers.my_work.colab as colab

colab.DRIVE = Path(sys.argv[1])
shell = InteractiveShell()
for cell in json.load(sys.stdin):
    result = shell.run_cell(cell, store_history=True)
error = result.error_in_exec
print()
print(json.dumps([type(error).__name__, str(error), google.colab.calls]))
"""


def cells_up_to_the_first_check(notebook: Path) -> list[str]:
    cells = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tags, source = cell["metadata"].get("tags", []), "".join(cell["source"])
        if "long" in tags:  # what is learned makes no difference to what raises
            source = re.sub(r"\bn_steps=\d+", "n_steps=2", source)
        cells.append(source)
        if "check" in tags:
            break
    return cells


def opened(notebook: Path, folder: Path, drive: Path) -> tuple[str, list]:
    """What its cells print in a new process, and the last one's error with the calls of Colab."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS / "stand_in"), *sys.path])}
    environment.pop("RESNET_HELPERS_WORK", None)
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(drive)],
        input=json.dumps(cells_up_to_the_first_check(notebook)),
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    *out, last = done.stdout.strip().splitlines()
    return "\n".join(out), json.loads(last)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_works_alone_up_to_its_first_stub(notebook, tmp_path):
    out, (error, message, calls) = opened(notebook, tmp_path / "content", tmp_path / "drive")
    assert error == "StubNotFilled", out
    assert "put your code in the place of that line" in message
    assert ["mount", str(tmp_path / "drive")] in calls
    assert "What you save is kept in your Google Drive, in MyDrive/resnets-from-scratch/" in out
    assert "Traceback" not in out  # nothing before it raised
    uses = "my_work.use(" in "".join(cells_up_to_the_first_check(notebook))
    assert ("There is no my_resnet.py in" in out) == uses


def test_what_one_notebook_has_kept_another_machine_uses(tmp_path):
    folder = tmp_path / "drive" / "MyDrive" / "resnets-from-scratch"
    folder.mkdir(parents=True)
    (folder / "my_resnet.py").write_text(
        "from torch import nn\n\n\nclass BatchNorm2d(nn.BatchNorm2d):\n    pass\n", encoding="utf-8"
    )
    (third,) = (notebook for notebook in NOTEBOOKS if notebook.stem.startswith("03"))
    out, _ = opened(third, tmp_path / "content", tmp_path / "drive")
    assert "BatchNorm2d: yours, from my_resnet.py" in out
