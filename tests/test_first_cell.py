"""The first cell of a notebook where the course is not installed: what it does, and what it says.

It runs in a Python without any packages; pip is a fake, and so is Git.
"""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

import build_notebooks

PIP = {
    "brings it": """
        folder = pathlib.Path(__file__).parent / "resnet_helpers"
        folder.mkdir()
        (folder / "__init__.py").touch()
    """,
    "brings nothing": "pass",
    "fails": "sys.exit('ERROR: the words of pip')",
}


@pytest.fixture
def first_cell(tmp_path):
    """Runs the cell; returns its standard output, and the message of what it raised."""
    packages, programs, folder = (tmp_path / name for name in ("packages", "bin", "notebooks"))
    for path in (packages, programs, folder):
        path.mkdir()

    def run(repository: str, pip: str | None = "brings it", git: bool = True, **variables: str):
        if pip:
            code = "import pathlib, sys\nprint('got', sys.argv[1:])\n"
            steps = [line.strip() for line in PIP[pip].strip().splitlines()]
            (packages / "pip.py").write_text(
                code + "if __name__ == '__main__':\n    " + "\n    ".join(steps), encoding="utf-8"
            )
        if git:
            (programs / "git").write_text("#!/bin/sh\n", encoding="utf-8")
            (programs / "git").chmod(0o755)
        cell = tmp_path / "cell.py"
        cell.write_text(
            build_notebooks.INSTALL_CELL.format(repository=repository), encoding="utf-8"
        )
        done = subprocess.run(
            [sys.executable, "-S", str(cell)],  # -S: without the packages that are installed here
            cwd=folder,
            env={"PATH": str(programs), "PYTHONPATH": str(packages), "PYTHONUTF8": "1"} | variables,
            capture_output=True,
            encoding="utf-8",
        )
        kind, _, message = (done.stderr.strip().splitlines() or [""])[-1].partition(": ")
        assert kind in ("", "ModuleNotFoundError"), done.stderr
        return done.stdout, message

    return run


@pytest.fixture
def server():
    """An address on this machine that answers; to paths that begin with /no, 404."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            code = {"/no": 404, "/bu": 503}.get(self.path[:3], 200)
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


NOBODY = "http://127.0.0.1:9/me/course"  # a port at which nobody answers


def test_it_installs_the_course_and_says_when_it_is_done(first_cell):
    out, message = first_cell("https://github.com/me/course")
    begin, asked, end = out.splitlines()
    assert begin == "Installing the course from https://github.com/me/course (a minute or two) …"
    assert asked == "got ['install', '--quiet', 'git+https://github.com/me/course']"
    assert end == "The course is installed."
    assert message == ""


def test_where_it_is_installed_it_does_nothing(first_cell, tmp_path):
    (tmp_path / "packages" / "resnet_helpers").mkdir()
    (tmp_path / "packages" / "resnet_helpers" / "__init__.py").touch()
    assert first_cell(NOBODY, pip=None, git=False) == ("", "")


def test_without_an_address_it_says_what_to_set(first_cell):
    out, message = first_cell("")
    assert out == ""
    assert "set REPOSITORY above to the address of its Git repository" in message


@pytest.mark.parametrize("notebook", ["notebooks", "notebooks/solutions"])
def test_in_a_clone_that_was_never_installed_it_says_how(first_cell, tmp_path, notebook):
    top = {"notebooks": "..", "notebooks/solutions": "../.."}[notebook]
    (tmp_path / "notebooks" / top / "build_notebooks.py").touch()
    out, message = first_cell(NOBODY)
    (tmp_path / "notebooks" / top / "build_notebooks.py").unlink()
    assert out == ""
    assert f"run %pip install -e {top} in a cell, restart the kernel, and run this" in message


def test_without_pip_it_says_so(first_cell):
    out, message = first_cell("https://github.com/me/course", pip=None)
    assert out == ""
    assert "this Python has no pip" in message
    assert "network" not in message


def test_without_git_it_says_so(first_cell):
    out, message = first_cell("https://github.com/me/course", git=False)
    assert out == ""
    assert "pip needs Git, which is not here" in message
    assert "network" not in message


def test_without_a_network_it_says_so(first_cell):
    out, message = first_cell(NOBODY, pip="fails")
    assert "the words of pip" in out
    assert f"{NOBODY} cannot be reached" in message
    assert "check the network" in message


def test_on_kaggle_it_names_the_switch(first_cell):
    _, message = first_cell(NOBODY, pip="fails", KAGGLE_KERNEL_RUN_TYPE="Interactive")
    assert "cannot be reached" in message
    assert "switch Internet on" in message


def test_of_an_address_where_nothing_is_it_says_so(first_cell, server):
    out, message = first_cell(f"{server}/nothing", pip="fails", KAGGLE_KERNEL_RUN_TYPE="Batch")
    assert "the words of pip" in out
    assert f"there is nothing public at {server}/nothing: check the address" in message
    assert "Internet" not in message


@pytest.mark.parametrize("path", ["/me/course", "/busy"])
def test_where_the_address_answers_it_leaves_the_word_to_pip(first_cell, server, path):
    out, message = first_cell(server + path, pip="fails", KAGGLE_KERNEL_RUN_TYPE="Batch")
    assert "the words of pip" in out
    assert message == "Not installed yet: put right what pip says above, and run this cell again."


@pytest.mark.parametrize("address", ["git@github.com:me/course.git", "file:///a/clone", "ssh://a"])
def test_of_other_kinds_of_address_it_says_nothing_of_the_network(first_cell, address):
    _, message = first_cell(address, pip="fails")
    assert message == "Not installed yet: put right what pip says above, and run this cell again."


def test_what_a_running_python_does_not_see_yet_needs_a_restart(first_cell):
    out, message = first_cell("https://github.com/me/course", pip="brings nothing")
    assert "The course is installed" not in out
    assert "restart the kernel" in message
