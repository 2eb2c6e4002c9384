"""What holds for every test: no network, and a folder of its own for what a notebook saves."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ["RESNET_HELPERS_OFFLINE"] = "1"
os.environ.pop("RESNET_HELPERS_WEIGHTS", None)
WORK = tempfile.TemporaryDirectory(prefix="my_work-")  # gone when the tests are


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before nbval starts a notebook's kernel, give my_work an empty folder for that notebook."""
    if item.path.suffix == ".ipynb":
        folder = Path(WORK.name, item.path.stem)
        folder.mkdir(exist_ok=True)
        os.environ["RESNET_HELPERS_WORK"] = str(folder)
