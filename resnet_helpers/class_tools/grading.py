"""Grade a class: one task a submission on a Dask cluster, one writer for nbgrader's gradebook.

Each submission is cleaned by nbgrader here, run and judged by a worker (`box`), and saved by
nbgrader here. A worker that dies costs a submission its run, which another worker does again; since
only results that have arrived are saved, and each once, none is lost and none counts twice.
"""

import contextlib
import os
import warnings
from collections.abc import Iterator

import nbformat
import pandas as pd
from dask.distributed import Client, Future, LocalCluster, as_completed
from dask.utils import parse_bytes
from distributed.comm import get_address_host_port
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SAWarning

from resnet_helpers.arguments import is_number, said
from resnet_helpers.class_tools import box
from resnet_helpers.class_tools.course import Course, Unreadable
from resnet_helpers.class_tools.limits import Limits
from resnet_helpers.errors import CourseError, InvalidArgumentError, one_line

TRIES = 3  # at a submission that raised, or whose worker died
AHEAD = 3  # submissions that wait for each worker
A_DAY = 86_400  # seconds
LEAST_MEMORY = 10**6  # bytes


def grade_all(
    course: str | os.PathLike,
    assignment: str,
    *,
    scheduler: str | None = None,
    seconds: float = 300,
    memory: str | int = "2GB",
    database: str | None = None,
) -> pd.DataFrame:
    """Grade every submission of an assignment that is new or has changed since it was graded.

    Points go into nbgrader's gradebook and notebooks into the folder autograded, so that
    `nbgrader generate_feedback`, `nbgrader export` and the formgrader go on from there.

    Args:
        course: nbgrader's course folder, with the submissions in submitted/STUDENT/ASSIGNMENT.
        assignment: its name, such as "02_pooling".
        scheduler: the address of a Dask scheduler, "tcp://…:8786"; None: a worker for each core of
            this machine. Its workers need this version of the course, with the extra class.
        seconds: of the clock, that a submission may take; one cell a quarter of that.
        memory: that all its processes together may hold, as Dask writes it or in bytes.
        database: the gradebook's address; None: what nbgrader_config.py says, or gradebook.db in
            the course's folder.

    Returns:
        A row for each submission: student, the points of each check cell, points, of, remarks for
        the teacher, and the seconds that it took. Where grading itself failed, points are missing,
        remarks say why, and a second call tries again.

    Raises:
        CourseError: the folder has no such assignment, or nobody has handed it in; or an argument
            is not as said. Nothing has been started then.
    """
    check_scheduler(scheduler)
    limits = limits_of(seconds, memory)
    kept = Course.at(course, assignment, database)
    students = kept.students()
    _ = kept.notebooks  # raises here, before anything is started, if they are not known
    failed: dict[str, str] = {}
    columns = (TextColumn(assignment), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with warnings.catch_warnings(), Progress(*columns) as progress:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own affair
        bar = progress.add_task("", total=len(students))
        todo = [student for student in students if not kept.is_graded(student)]
        progress.advance(bar, len(students) - len(todo))
        if todo:
            with connected(scheduler) as client:
                for student, outcome in graded(client, kept, todo, limits):
                    try:
                        kept.save(student, outcome)
                    except Exception as error:
                        failed[student] = f"not graded: {error}"
                    progress.advance(bar)
        return pd.DataFrame([kept.row(student, failed.get(student, "")) for student in students])


def check_scheduler(scheduler: object) -> None:
    """Refuse what is no address.

    Raises:
        InvalidArgumentError: it is so.
    """
    try:
        if scheduler is not None:
            get_address_host_port(scheduler)
    except Exception as error:  # of a kind that depends on what is wrong with it
        raise InvalidArgumentError(
            f"scheduler is {said(scheduler)}: it has to be the address of a Dask scheduler, such "
            'as "tcp://192.168.0.7:8786", or None.'
        ) from error


def limits_of(seconds: object, memory: object) -> Limits:
    """What a submission may use.

    Raises:
        InvalidArgumentError: seconds are none, or more than a day; memory is none, or below 1 MB.
    """
    if not is_number(seconds) or isinstance(seconds, bool) or not 0 < seconds <= A_DAY:
        raise InvalidArgumentError(
            f"seconds is a number above 0, at most {A_DAY} (a day), not {said(seconds)}."
        )
    try:
        n_bytes = parse_bytes(memory)
    except Exception:  # of a kind that depends on what is wrong with it
        n_bytes = 0
    if n_bytes < LEAST_MEMORY:
        raise InvalidArgumentError(
            f'memory is a number of bytes, or a text such as "2GB", and at least "1MB", not '
            f"{said(memory)}."
        )
    return Limits(seconds=seconds, memory=n_bytes)


@contextlib.contextmanager
def connected(scheduler: str | None) -> Iterator[Client]:
    """A client of this scheduler, or of a cluster of our own with a worker for each core.

    Its workers are threads: what they do is wait for the processes in which submissions run.

    Raises:
        CourseError: no scheduler answers there.
    """
    if scheduler is not None:
        try:
            client = Client(scheduler)
        except (OSError, ValueError, ImportError) as error:
            raise CourseError(
                f"No Dask scheduler answers at {scheduler}: {one_line(error)}. Start one, or check "
                "its address."
            ) from error
        with client:
            yield client
        return
    cores = os.cpu_count() or 1
    with (
        LocalCluster(cores, threads_per_worker=1, processes=False, dashboard_address=":0") as local,
        Client(local) as client,
    ):
        yield client


def graded(
    client: Client, course: Course, students: list[str], limits: Limits
) -> Iterator[tuple[str, dict[str, box.Verdict] | Unreadable | Exception]]:
    """Of each student, as it comes: the verdicts on the notebooks, or why there are none.

    Not all submissions are sent at once: a large class would fill the scheduler's memory.
    """
    version = box.digest()
    waiting = students[::-1]
    whose: dict[Future, str] = {}
    arriving = as_completed()
    while waiting or whose:
        while waiting and len(whose) < AHEAD * max(1, len(client.nthreads())):
            student = waiting.pop()
            try:
                notebooks = {
                    n: nbformat.writes(course.cleaned(student, n)) for n in course.notebooks
                }
            except Unreadable as error:
                yield student, error
                continue
            task = notebooks, course.files(student), limits, version
            future = client.submit(grade_in_boxes, *task, pure=False, retries=TRIES)
            whose[future] = student
            arriving.add(future)
        if whose:
            future = next(arriving)
            yield whose.pop(future), future.exception() or future.result()
            future.release()


def grade_in_boxes(
    notebooks: dict[str, str], files: dict[str, bytes], limits: Limits, version: str
) -> dict[str, box.Verdict]:
    """What a worker does: grade a submission's notebooks.

    Raises:
        CourseError: this worker has another version of the course.
    """
    if box.digest() != version:
        raise CourseError("this worker has another version of the course than who sent it the task")
    return {
        name: box.grade(nbformat.reads(text, as_version=4), files, limits)
        for name, text in notebooks.items()
    }
