"""Pictures, folders and labels that may not be read, tried as another user than root."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0,
    reason="only root can become another user, and root no permission stops",
)

AS_NOBODY = """
import os, sys
from resnet_helpers import images
from resnet_helpers.errors import CourseError
from PIL import Image
Image.init()  # nobody may not be able to import what is missing
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    print(len(eval(sys.argv[1])(sys.argv[2])))
except CourseError as error:
    print(error)
"""


@pytest.fixture
def folder():
    """Three pictures and a file, where anybody can come (pytest closes its own folders)."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        pictures = Path(place, "pictures")
        pictures.mkdir()
        for name in "abc":
            Image.new("RGB", (9, 9)).save(pictures / f"{name}.png")
        (pictures / "labels.json").write_text("{}", encoding="utf-8")
        yield pictures


def told(function: str, argument) -> str:
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, f"images.{function}", str(argument)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_what_may_be_read_is_read(folder):
    assert told("load_images", folder) == "3"


def test_closed_pictures_are_named(folder):
    (folder / "a.png").chmod(0o000)
    (folder / "c.png").chmod(0o000)
    assert told("load_images", folder) == (
        f"2 of 3 pictures in {folder} cannot be used: a.png cannot be read (Permission denied); "
        "c.png cannot be read (Permission denied). Replace them, or leave them out."
    )


@pytest.mark.parametrize("mode", [0o000, 0o444], ids=["closed", "not to be entered"])
@pytest.mark.parametrize("inside", ["", "a.png"])
def test_a_closed_folder_is_named(folder, mode, inside):
    folder.chmod(mode)
    place = folder / inside
    assert told("load_images", place) == f"{place} cannot be read: Permission denied."


def test_closed_labels_are_named(folder):
    (folder / "labels.json").chmod(0o000)
    assert "cannot be read: Permission denied." in told("load_labels", folder / "labels.json")
