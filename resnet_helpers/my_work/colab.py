"""Google Colab, where every notebook has a machine of its own, which is gone after some hours.

So the first cell of a notebook can keep what a learner saves in their Google Drive. Of Colab only
the functions that its documentation shows are used.
"""

import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from resnet_helpers.my_work.disk import FILENAME, VARIABLE

DRIVE = Path("/content/drive")  # where Colab's own examples mount it
FOLDER = "MyDrive/resnets-from-scratch"
UPLOAD = "`from google.colab import files; files.upload()`"
DOWNLOAD = f'`from google.colab import files; files.download("{FILENAME}")`'
BY_HAND = (
    "This machine, and what is saved on it, is gone some time after you leave; the next lesson "
    f"gets another one. To take {FILENAME} along, run {DOWNLOAD} here when you are done, and "
    f"{UPLOAD} there after the first cell."
)


def is_here() -> bool:
    """Whether this is Colab, whose notebooks have google.colab imported from the start."""
    return "google.colab" in sys.modules


def set_up(keep_in_drive: bool) -> None:
    """What the first cell of a notebook calls in Colab.

    Args:
        keep_in_drive: ask for the learner's Drive, and let my_work keep its file there. Where that
            is refused or fails, a sentence says so, and all goes on without it.
    """
    if int(version("ipywidgets").partition(".")[0]) >= 8:  # Colab has built in those of 7
        from google.colab import output

        output.enable_custom_widget_manager()
    if os.environ.get(VARIABLE):
        print(f"What you save is kept in {os.environ[VARIABLE]}/{FILENAME}.")
    elif keep_in_drive:
        _keep_in_drive()


def _keep_in_drive() -> None:
    folder = DRIVE / FOLDER
    try:
        from google.colab import drive

        drive.mount(str(DRIVE))
        folder.mkdir(parents=True, exist_ok=True)
        brought = _bring(Path(FILENAME), folder / FILENAME)
    except Exception as error:  # refused, closed, timed out: of many kinds
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        print(
            f"Your Drive cannot be used ({why}), so what you save stays on this machine: run this "
            "cell again to be asked once more, or go on without."
        )
        return
    os.environ[VARIABLE] = str(folder)
    print(f"What you save is kept in your Google Drive, in {FOLDER}/{FILENAME}{brought}.")


def _bring(here: Path, there: Path) -> str:
    """Copy a file that was saved before the Drive was there; what was done, for the sentence."""
    if not here.exists():
        return ""
    if not there.exists():
        shutil.copyfile(here, there)
        return ", to which the one on this machine was copied"
    if here.read_bytes() == there.read_bytes():
        return ""
    return "; another one, on this machine, is not used"


_said: set[str] = set()


def say_once(sentence: str) -> None:
    """Print a sentence if nobody has in this session."""
    if sentence not in _said:
        _said.add(sentence)
        print(sentence)


def after_saving() -> None:
    """Say once how to carry the file over, if it is on a machine that will be gone."""
    if is_here() and not os.environ.get(VARIABLE):
        say_once(BY_HAND)


def nothing_saved() -> None:
    """Say once that there is no file, which in Colab may mean that it was left elsewhere."""
    if is_here() and os.environ.get(VARIABLE):
        say_once(f"There is no {FILENAME} in {os.environ[VARIABLE]} yet.")
    elif is_here():
        say_once(
            f"There is no {FILENAME} on this machine. What you have saved in another notebook is "
            "on that one's machine, unless you keep it in your Drive. To bring it here, run "
            f"{DOWNLOAD} there and {UPLOAD} here, and then this cell again."
        )
