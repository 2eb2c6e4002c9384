"""Publishing a copy, with git told that an address on GitHub is a folder here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import build_notebooks
import publish_check
from build_notebooks import ROOT

ADDRESS = "https://github.com/somebody/course"
NEEDS_SITE = pytest.mark.skipif(
    not publish_check.SITE_PYTHON.exists(), reason="Jupyter Book is not installed: make site"
)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def committed(tmp_path_factory) -> Path:
    """What the README says: the one line set, the notebooks built, all of it committed.

    The solutions keep the outputs that they have: to run them again is `make notebooks`' matter.
    """
    folder = tmp_path_factory.mktemp("committed") / "course"
    left = shutil.ignore_patterns(
        ".git", ".venv*", "build", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, folder, ignore=left)
    pyproject = folder / "pyproject.toml"
    text, line = pyproject.read_text(encoding="utf-8"), f'\nrepository = "{ADDRESS}"\n'
    pyproject.write_text(re.sub(r'\nrepository = ".*"\n', line, text), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_notebooks, "repository", lambda: ADDRESS)
        for lesson in build_notebooks.lesson_files():
            for is_solved in (False, True):
                file = folder / "notebooks" / ("solutions" if is_solved else "")
                file /= f"{lesson.stem}.ipynb"
                notebook = nbformat.read(file, as_version=4)
                built = build_notebooks.build(lesson, solved=is_solved)
                for cell, new in zip(notebook.cells, built.cells, strict=True):
                    cell.source = new.source
                nbformat.write(notebook, file)
    git(folder, "init", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--message=Publish")
    return folder


@pytest.fixture
def published(committed, tmp_path, monkeypatch) -> Path:
    """The folder of a published copy, which git and pip find at ADDRESS."""
    folder = tmp_path / "published"
    shutil.copytree(committed, folder)
    setting = {"COUNT": "1", "KEY_0": f"url.file://{folder}.insteadOf", "VALUE_0": ADDRESS}
    for name, value in setting.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    monkeypatch.setattr(publish_check, "repository", lambda: ADDRESS)
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / "notebooks" / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    git(folder, "commit", "--all", "--message=Change")


def problems(folder: Path, check) -> list[str]:
    return list(check(publish_check.Copy(ADDRESS, folder.parent / "clone")))


@NEEDS_SITE
def test_a_copy_published_as_the_readme_says_is_well(published, capsys):
    publish_check.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"yes: {name}" for name in publish_check.CHECKS]


def test_a_notebook_built_before_the_address_was_set_is_named(published, capsys, monkeypatch):
    change(published, "02_pooling.ipynb", ADDRESS, "")
    one = {"the addresses": publish_check.wrong_addresses}
    monkeypatch.setattr(publish_check, "CHECKS", one)
    with pytest.raises(SystemExit, match="make notebooks"):
        publish_check.main()
    assert capsys.readouterr().out == (
        "no:\n    the addresses\n    02_pooling.ipynb installs from nowhere\n"
    )


def test_a_badge_that_opens_the_solution_is_named(published):
    name = "03_residual_blocks.ipynb"
    change(published, name, f"main/notebooks/{name}", f"main/notebooks/solutions/{name}")
    assert problems(published, publish_check.wrong_badges) == [
        f"the badge of notebooks/{name} opens another notebook: {publish_check.COLAB}"
        f"/somebody/course/blob/main/notebooks/solutions/{name}"
    ]


def test_a_branch_of_another_name_breaks_every_badge(published):
    git(published, "branch", "--move", "trunk")
    found = problems(published, publish_check.wrong_badges)
    assert len(found) == 2 * len(build_notebooks.lesson_files())
    assert all(line.endswith("opens the branch main, and the copy's is trunk") for line in found)


def test_a_copy_that_pip_cannot_install_is_named(published):
    shutil.rmtree(published / "resnet_inputs")
    git(published, "commit", "--all", "--message=Change")
    [problem] = problems(published, publish_check.failed_installation)
    assert problem.startswith("the first cell does not install the course:\n")


def test_an_address_that_git_cannot_clone_is_one_sentence(published, tmp_path):
    shutil.rmtree(published)
    with pytest.raises(SystemExit, match=f"git cannot clone {ADDRESS}: what it says is above"):
        publish_check.main()


def test_without_an_address_it_says_what_to_set():
    if build_notebooks.repository():
        pytest.skip("this copy has an address")
    done = subprocess.run(
        [sys.executable, ROOT / "publish_check.py"], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Set repository in pyproject.toml to the copy's address")
