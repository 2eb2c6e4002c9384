"""In Colab, for which a stand-in stands (`stand_in/google`): what is saved there is not lost.

`slow/test_in_colab.py` runs the notebooks so.
"""

import re
import sys
from pathlib import Path

import pytest

from resnet_helpers import my_work
from resnet_helpers.my_work import colab

STAND_IN = Path(__file__).parent / "stand_in"
POOL = "from torch import nn\nclass AveragePool(nn.Module):\n    def forward(self, x): ...\n"


class MessageError(Exception):
    """What Colab raises where the learner refuses."""


@pytest.fixture
def google(monkeypatch, tmp_path):
    """The stand-in for google.colab, imported; an empty folder as working directory."""
    for name in [name for name in sys.modules if name.split(".")[0] == "google"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    monkeypatch.setattr(colab, "_said", set())
    monkeypatch.delenv("RESNET_HELPERS_WORK", raising=False)
    monkeypatch.setenv("RESNET_HELPERS_WORK", "")  # so that it is undone what set_up does
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    import google.colab

    yield google.colab
    for name in [name for name in sys.modules if name.split(".")[0] == "google"]:
        del sys.modules[name]


@pytest.fixture
def drive(tmp_path) -> Path:
    return tmp_path / "drive" / "MyDrive" / "resnets-from-scratch"


KEPT = (
    "What you save is kept in your Google Drive, in MyDrive/resnets-from-scratch/my_resnet.py{}.\n"
)


# --- The switch ---------------------------------------------------------------------------------


def test_the_drive_is_mounted_where_the_switch_is_on_and_a_sentence_says_where(
    google, drive, capsys
):
    colab.set_up(keep_in_drive=True)
    assert ("mount", str(colab.DRIVE)) in google.calls
    assert capsys.readouterr().out == f"Mounted at {colab.DRIVE}\n" + KEPT.format("")
    assert my_work.file() == drive / "my_resnet.py"


def test_it_is_not_touched_where_the_switch_is_off(google, capsys):
    colab.set_up(keep_in_drive=False)
    assert [call for call in google.calls if call[0] == "mount"] == []
    assert capsys.readouterr().out == ""
    assert my_work.file() == Path("my_resnet.py")


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        (MessageError("Error: credential propagation was unsuccessful"), "Error: credential"),
        (ValueError("mount failed"), "mount failed"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_refusal_is_one_sentence_and_all_goes_on_without(google, capsys, refusal, why):
    from google.colab import drive as mounting

    mounting.refusal = refusal
    colab.set_up(keep_in_drive=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Your Drive cannot be used ({why}")
    assert "what you save stays on this machine" in line
    assert my_work.file() == Path("my_resnet.py")


def test_running_the_cell_again_asks_no_second_time(google, drive, capsys):
    colab.set_up(keep_in_drive=True)
    capsys.readouterr()
    colab.set_up(keep_in_drive=True)
    assert [call[0] for call in google.calls].count("mount") == 1
    assert capsys.readouterr().out == f"What you save is kept in {drive}/my_resnet.py.\n"


def test_a_folder_of_ones_own_is_left_as_it_is(google, monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    colab.set_up(keep_in_drive=True)
    assert [call for call in google.calls if call[0] == "mount"] == []
    assert my_work.file() == tmp_path / "my_resnet.py"


def test_what_was_saved_before_goes_along_and_nothing_is_overwritten(google, drive, capsys):
    Path("my_resnet.py").write_text("a = 1\n", encoding="utf-8")
    colab.set_up(keep_in_drive=True)
    assert (drive / "my_resnet.py").read_text(encoding="utf-8") == "a = 1\n"
    assert capsys.readouterr().out.endswith(
        KEPT.format(", to which the one on this machine was copied")
    )


def test_of_two_files_the_drives_is_kept(google, drive, capsys):
    Path("my_resnet.py").write_text("a = 1\n", encoding="utf-8")
    drive.mkdir(parents=True)
    (drive / "my_resnet.py").write_text("a = 2\n", encoding="utf-8")
    colab.set_up(keep_in_drive=True)
    assert (drive / "my_resnet.py").read_text(encoding="utf-8") == "a = 2\n"
    assert capsys.readouterr().out.endswith(
        KEPT.format("; another one, on this machine, is not used")
    )


@pytest.mark.parametrize(("installed", "enabled"), [("7.7.1", 0), ("8.1.8", 1), ("9.0", 1)])
def test_widgets_that_are_not_built_into_colab_are_enabled(google, monkeypatch, installed, enabled):
    monkeypatch.setattr(colab, "version", lambda package: installed)
    colab.set_up(keep_in_drive=False)
    assert google.calls.count(("enable_custom_widget_manager",)) == enabled


# --- What save and use say ----------------------------------------------------------------------


def save_a_function() -> None:
    """As a notebook's cell does: something that no exercise checks."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell("def twice(x):\n    return x + x\n", store_history=True).raise_error()
    shell.run_cell(
        "from resnet_helpers import my_work\nmy_work.save(twice)", store_history=True
    ).raise_error()


def test_saving_on_a_machine_that_will_be_gone_says_once_how_to_carry_the_file_over(google, capsys):
    save_a_function()
    said = capsys.readouterr().out
    assert said.startswith("Saved twice in my_resnet.py.\nThis machine, and what is saved on it,")
    for code in re.findall("`(.*?)`", said):
        exec(code, {})
    assert google.calls[-2:] == [("download", "my_resnet.py"), ("upload",)]
    save_a_function()
    assert capsys.readouterr().out == "Saved twice in my_resnet.py.\n"


def test_saving_in_the_drive_says_nothing_of_that(google, drive, capsys):
    colab.set_up(keep_in_drive=True)
    capsys.readouterr()
    save_a_function()
    assert capsys.readouterr().out == "Saved twice in my_resnet.py.\n"
    assert "def twice" in (drive / "my_resnet.py").read_text(encoding="utf-8")


def test_a_loss_is_visible_where_pieces_are_used(google, capsys):
    my_work.use("BatchNorm2d", "AveragePool")
    first, second, said = capsys.readouterr().out.splitlines()
    assert (first, second) == (
        "BatchNorm2d: the reference answer",
        "AveragePool: the reference answer",
    )
    assert said.startswith("There is no my_resnet.py on this machine.")
    my_work.use("AveragePool")
    assert capsys.readouterr().out == "AveragePool: the reference answer\n"


def test_an_empty_drive_is_told_too(google, drive, capsys):
    colab.set_up(keep_in_drive=True)
    capsys.readouterr()
    my_work.use("AveragePool")
    assert capsys.readouterr().out.splitlines()[1:] == [f"There is no my_resnet.py in {drive} yet."]


def test_where_there_is_a_file_nothing_is_said(google, capsys):
    Path("my_resnet.py").write_text(POOL, encoding="utf-8")
    my_work.use("BatchNorm2d", "AveragePool")
    assert capsys.readouterr().out == (
        "BatchNorm2d: the reference answer\nAveragePool: yours, from my_resnet.py\n"
    )


def test_elsewhere_than_in_colab_nothing_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    assert not colab.is_here()
    save_a_function()
    my_work.use("AveragePool")
    assert capsys.readouterr().out == (
        "Saved twice in my_resnet.py.\nAveragePool: the reference answer\n"
    )
