"""An nbgrader course made from the lessons, for the tests of grading."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

import build_nbgrader
from build_notebooks import LESSONS


def make_course(folder: Path, assignment: str) -> Path:
    """A course with one assignment, released as an instructor would."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source" / assignment / f"{assignment}.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(build_nbgrader.build_assignment(LESSONS / f"{assignment}.md"), source)
    (folder / "nbgrader_config.py").write_text(build_nbgrader.CONFIG, encoding="utf-8")
    nbgrader(folder, "generate_assignment", assignment)
    return folder


def nbgrader(folder: Path, *command: str) -> str:
    """Run nbgrader in the course's folder; what it says."""
    # without a parser of web addresses that jsonschema would build: a second for nothing
    start = "import sys; sys.modules['rfc3987_syntax'] = None\n"
    start += "from nbgrader.apps.nbgraderapp import main; main()"
    # nbgrader calls alembic by its name
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-c", start, *command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
