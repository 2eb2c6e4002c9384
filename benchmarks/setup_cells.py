"""What a lesson's first cell costs, against the bare imports it cannot do without.

    python benchmarks/setup_cells.py

Exits with 1 where a lesson's set-up cell takes more than 1.3 times as long as `import torch`, or,
where the lesson needs torchvision, than `import torch, torchvision`. Processor time on one thread;
the smallest of some runs, each in a new process.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext

LESSONS = Path(__file__).parents[1] / "lessons"
BARE = ("import torch", "import torch, torchvision")
LIMIT, ROUNDS = 1.3, 4


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


def fastest(code: str) -> float:
    """The smallest of some measurements: what disturbs one only ever makes it larger."""
    return min(seconds(code) for _ in range(ROUNDS))


def setup_cell(lesson: Path) -> str:
    """The first code cell of a lesson."""
    cells = jupytext.reads(lesson.read_text(), fmt="md").cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def needs_torchvision(code: str) -> bool:
    """Whether running the code imports torchvision, be it through the package."""
    asks = f"{code}\nimport sys; sys.exit('torchvision' not in sys.modules)"
    return subprocess.run([sys.executable, "-c", asks], capture_output=True).returncode == 0


def main() -> None:
    """Print a line for each lesson."""
    bare = {statement: fastest(statement) for statement in BARE}
    too_slow = False
    for lesson in sorted(LESSONS.glob("*.md")):
        code = setup_cell(lesson)
        statement = BARE[needs_torchvision(code)]
        ratio = fastest(code) / bare[statement]
        too_slow |= ratio > LIMIT
        print(f"{lesson.stem:22} {ratio:.2f} x {statement} (at most {LIMIT})")
    sys.exit(too_slow)


if __name__ == "__main__":
    main()
