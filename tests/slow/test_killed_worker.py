"""A worker that is killed in the middle costs no submission, and grades none twice.

Six submissions of lesson 2 here. KILLED_WORKER_CLASS=300 makes a class of so many, and WORKERS=1
leaves one worker, which nobody kills; either prints the seconds that it took.
"""

import collections
import os
import signal
import threading
import time

import nbformat
import psutil
import pytest

pytest.importorskip("nbgrader")

from dask.distributed import Client, LocalCluster
from nbgrader_course import make_course

from resnet_helpers.answers import answers_to
from resnet_helpers.class_tools import grade_all
from resnet_helpers.class_tools.course import Course

ASSIGNMENT = "02_pooling"
SIZE = int(os.environ.get("KILLED_WORKER_CLASS", 6))
WORKERS = int(os.environ.get("WORKERS", 2))
IMPORTS = (
    "import torch\nimport torch.nn.functional as F\nfrom einops import rearrange, reduce\n\n\n"
)
POOL = answers_to("AveragePool")
RIGHT, WRONG = list(POOL.right_ones.values()), POOL.wrong_ones


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class of which every other is right; the expected points by student."""
    folder = make_course(tmp_path_factory.mktemp("course"), ASSIGNMENT)
    released = folder / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    expected = {}
    for number in range(SIZE):
        answers = WRONG if number % 2 else RIGHT
        notebook = nbformat.read(released, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "AveragePool":
                cell.source = IMPORTS + answers[number // 2 % len(answers)].source
        student = f"student-{number:03}"
        expected[student] = float(number % 2 == 0)
        target = folder / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    return folder, expected


def kill_one_that_works(pids: list[int], left: list[psutil.Process]) -> None:
    """Kill the first of these processes that has a submission running; `left` is what it ran."""
    while not left:
        for worker in map(psutil.Process, pids):
            if worker.children():
                time.sleep(1)  # so that it is in the middle
                left += worker.children(recursive=True)
                os.kill(worker.pid, signal.SIGKILL)
                return
        time.sleep(0.05)


def test_none_is_lost_and_none_counts_twice(course, monkeypatch):
    folder, expected = course
    saved = collections.Counter()
    save = Course.save
    monkeypatch.setattr(
        Course,
        "save",
        lambda self, student, *rest: (saved.update([student]), save(self, student, *rest)),
    )
    left: list[psutil.Process] = []
    with (
        LocalCluster(WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        if WORKERS > 1:
            threading.Thread(target=kill_one_that_works, args=(pids, left), daemon=True).start()
        start = time.monotonic()
        table = grade_all(folder, ASSIGNMENT, scheduler=cluster.scheduler_address)
        print(f"\n{SIZE} submissions on {WORKERS} workers: {time.monotonic() - start:.0f} s")
    assert bool(left) == (WORKERS > 1)
    assert dict(zip(table.student, table.points, strict=True)) == expected
    assert set(table.remarks) == {""}
    assert saved == dict.fromkeys(expected, 1)
    _, alive = psutil.wait_procs(left, timeout=30)
    assert not alive  # what the killed worker ran is gone as well
