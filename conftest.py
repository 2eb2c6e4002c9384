"""What holds for every test: no network, and a folder of its own for what a notebook saves."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ["RESNET_HELPERS_OFFLINE"] = "1"
os.environ.pop("RESNET_HELPERS_WEIGHTS", None)
SAVED = os.environ.get("RESNET_HELPERS_WORK")  # where a learner's work is, if not beside notebooks
WORK = tempfile.TemporaryDirectory(prefix="my_work-")  # gone when the tests are

# What is imported (torch, matplotlib, the tests) is no garbage: to look through it for some takes
# a third of a second each time.
gc.disable()


def pytest_collection_finish() -> None:
    """From here on look for garbage among what the tests make, and nothing else."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before nbval starts a notebook's kernel, give my_work a folder for that notebook alone.

    It is empty for a solution. A learner's notebook finds a copy of what the learner has saved, as
    with other pieces it would not put out again what it has put out.
    """
    if item.path.suffix == ".ipynb":
        folder = Path(WORK.name, item.path.parent.name, item.path.stem)
        os.environ["RESNET_HELPERS_WORK"] = str(folder)
        if not folder.exists():
            folder.mkdir(parents=True)
            saved = Path(SAVED or item.path.parent, "my_resnet.py")
            if item.path.parent.name != "solutions" and saved.exists():
                shutil.copy(saved, folder)
