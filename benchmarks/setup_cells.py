"""What a lesson's first cell costs, against the bare imports it cannot do without.

Those are torch, or torch and torchvision. Processor time on one thread, each in a new process.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jupytext
from timing import Row, ratios

LESSONS = Path(__file__).parents[1] / "lessons"
BARE = ("import torch", "import torch, torchvision")


def seconds(code: str) -> float:
    """The processor time of a new Python that runs `code`, in an empty folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def setup_cell(lesson: Path) -> str:
    """The first code cell of a lesson."""
    cells = jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="md").cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def needs_torchvision(code: str) -> bool:
    """Whether running the code imports torchvision, be it through the package."""
    asks = f"{code}\nimport sys; sys.exit('torchvision' not in sys.modules)"
    return subprocess.run([sys.executable, "-c", asks], capture_output=True).returncode == 0


def rows(rounds: int = 4) -> Iterator[Row]:
    """The set-up cell of each lesson."""
    for lesson in sorted(LESSONS.glob("*.md")):
        code = setup_cell(lesson)
        bare = BARE[needs_torchvision(code)]
        taken = [(seconds(code), seconds(bare)) for _ in range(rounds)]
        against = ratios(*zip(*taken, strict=True))
        yield Row(f"set-up cell of {lesson.stem}", against, bare, wanted=1.1)
