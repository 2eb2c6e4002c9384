"""Put a learner's pieces to the course's own checks, each check cell in a process of its own.

No cell of the notebook has run in this process, so that the checks are as the course has them.
After each check they still must be: code of a learner's that changes them gets no points.

Prints one line of JSON for each check cell.

    python -m resnet_helpers.class_tools.judge FILE SECONDS_A_CELL
"""

import contextlib
import importlib
import io
import json
import math
import os
import re
import signal
import sys
import types
from pathlib import Path
from typing import Any

from resnet_helpers import tests  # before any learner's code
from resnet_helpers.class_tools import carry
from resnet_helpers.class_tools.carry import functions_of, names_in
from resnet_helpers.class_tools.cells import ANSWERS, CLAIMS, calls_of
from resnet_helpers.errors import CourseError
from resnet_helpers.my_work import disk

MODULES = {answers.rpartition(".")[2] for answers in ANSWERS}


class NoPointsError(CourseError):
    """Why a check cell gets no points, although a check may have passed."""


class NotReachedError(CourseError):
    """Why a check could not be run at all."""


def judge(cell: dict[str, Any]) -> dict[str, Any]:
    """Run the checks of one cell: its outputs as a notebook has them, and remarks for the teacher.

    `cell` holds its `source`, its `points`, and what was `carried` from the notebook, or the
    `trouble` why nothing was; or else the `text` of a my_resnet.py.
    """
    before = fingerprint()
    printed, outputs, remarks = io.StringIO(), [], []
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            calls = calls_of(cell["source"])
            pieces = pieces_of(cell, {piece for _, piece in calls}, remarks)
            share = min(run_check(check, piece, pieces, printed) for check, piece in calls)
        if before - fingerprint():
            remarks.append("its code changes the course's checks")
            raise NoPointsError("This code changes the course's checks while they run: no points.")
        if share < 1:
            outputs.append(result(cell["points"] * share))
    except BaseException as error:  # exit() included
        outputs.append(shown(error))
    if text := printed.getvalue():
        outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text})
    return {"outputs": outputs, "remarks": remarks}


def pieces_of(cell: dict[str, Any], wanted: set[str], remarks: list[str]) -> dict[str, Any]:
    """The pieces that the notebook has defined.

    Raises:
        NotReachedError: nothing came.
        NoPointsError: a piece is the course's own answer.
    """
    if "text" in cell:
        return vars(disk.run(cell["text"], disk.FILENAME))
    if not cell["carried"]:
        raise NotReachedError(cell["trouble"] or "The notebook did not run as far as this cell.")
    pieces, answers_used = carry.load(cell["carried"])
    for name in sorted(wanted & pieces.keys()):
        if name in answers_used or calls_an_answer(name, pieces[name]):
            remarks.append(f"{name} uses the course's own answer")
            raise NoPointsError(f"{name} uses the course's own answer: no points.")
    return pieces


def calls_an_answer(name: str, piece: Any) -> bool:
    """Whether a piece's code imports the course's answer of that name, or takes it from there."""
    for function in functions_of([piece]):
        names = set(names_in(function.__code__))
        known = {getattr(function.__globals__.get(n), "__name__", "") for n in names}
        if any(n.startswith(ANSWERS) and " " not in n for n in names):
            return True
        if name in names and (MODULES & names or any(k in ANSWERS for k in known)):
            return True
    return False


def run_check(check: str, name: str, pieces: dict[str, Any], printed: io.StringIO) -> float:
    """The share of the points that the piece gets, 1 where there is no more to be had.

    Raises:
        Exception: the check failed; or there is no such piece.
    """
    if name not in pieces:
        raise NotReachedError(f"The notebook defines no {name}.")
    if check not in CLAIMS:
        getattr(tests, check)(pieces[name])
        return 1

    def claims() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):  # or it could print that they are right
            return pieces[name]()

    start = printed.tell()
    getattr(importlib.import_module(CLAIMS[check]), check)(claims)
    said = re.findall(r"^\w+ \d+: (right!)?", printed.getvalue()[start:], re.MULTILINE)
    return said.count("right!") / len(said)


# ---- Outputs ----------------------------------------------------------------------------------


def result(points: float) -> dict[str, Any]:
    """The output from which nbgrader takes a part of the points."""
    data = {"text/plain": f"{points:.4g}"}
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}


def shown(error: BaseException) -> dict[str, Any]:
    """The output of a cell that raised this."""
    kind, words = type(error).__name__, str(error)
    render = getattr(error, "_render_traceback_", None)
    lines = render() if render else [f"{kind}: {words}"]
    return {"output_type": "error", "ename": kind, "evalue": words, "traceback": lines}


# ---- Whether the checks are as they were --------------------------------------------------------


def fingerprint(
    vars=vars, id=id, type=type, list=list, isinstance=isinstance, modules=sys.modules
) -> set[tuple]:
    """Which functions and classes the course consists of, down to their code.

    The defaults are Python's own, whatever a learner's code puts in their place.
    """
    found = set()
    for name, module in list(modules.items()):
        if not name.startswith("resnet_helpers") or not isinstance(module, types.ModuleType):
            continue
        owners = [module, *(v for v in vars(module).values() if isinstance(v, type))]
        for owner in owners:
            for attribute, value in list(vars(owner).items()):
                if isinstance(value, (types.FunctionType, type)):
                    code = id(getattr(value, "__code__", None))
                    found.add((name, id(owner), attribute, id(value), code))
    return found


def judged_apart(cell: dict[str, Any], seconds: int) -> dict[str, Any]:
    """The same as judge, in a forked process, which cannot spoil the next cell's."""
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.close(read_end)
            with open(os.devnull, "wb") as nowhere:  # verdicts are the parent's to print
                os.dup2(nowhere.fileno(), 1)
            signal.alarm(seconds)
            text = json.dumps(judge(cell)).encode()
            with open(write_end, "wb") as pipe:
                pipe.write(text)
        finally:
            os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    try:
        return json.loads(text)
    except ValueError:
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            words = f"The checks were stopped after {seconds} seconds: does a loop never end?"
            return {"outputs": [shown(NoPointsError(words))], "remarks": []}
        words = "Your code ended the process in which it was checked: no points."
        return {"outputs": [shown(NoPointsError(words))], "remarks": ["ended the check's process"]}


def main() -> None:
    """Judge the check cells in the file that is named first, each for so many seconds at most."""
    seconds = math.ceil(float(sys.argv[2]))
    cells = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for grade_id, cell in cells.items():
        print(json.dumps({"grade_id": grade_id} | judged_apart(cell, seconds)), flush=True)


if __name__ == "__main__":
    main()
