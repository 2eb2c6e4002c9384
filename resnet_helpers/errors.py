"""The error a learner can act on: its message says what is wrong, where, and what to do.

In a notebook it shows as that message alone, without a stack of the package's frames. So does what
becomes of a stub that a cell calls, though that raises Python's own NotImplementedError.
"""

import ast
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any


class CourseError(Exception):
    """An error whose message is all that its reader needs."""

    def _render_traceback_(self) -> list[str]:
        """IPython calls this and shows the lines in place of the stack."""
        return [f"{type(self).__name__}: {self}"]


class InvalidArgumentError(CourseError, ValueError):
    """What was passed cannot be used as it is; the message says why, and what can."""


class ModelFailedError(CourseError, RuntimeError):
    """A model raised while a tool ran it; the message says where, and the original is chained."""


def one_line(error: BaseException) -> str:
    """Its type and the first line of its message, at most 300 characters: for use in a sentence."""
    return f"{type(error).__name__}: {error}".strip(": ").splitlines()[0][:300]


def is_of_a_stub(error: BaseException) -> bool:
    """Is it what an unwritten exercise raises? Other code says what it has not implemented."""
    return isinstance(error, NotImplementedError) and not str(error)


@contextmanager
def says_what_failed(what: str) -> Iterator[None]:
    """Around what runs somebody's model or function: whatever that raises becomes one sentence.

    A stub's error goes on as it is, and so does what is one sentence already.

    Args:
        what: the beginning of the sentence, such as "The model cannot be run on x".

    Raises:
        ModelFailedError: anything else was raised.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, CourseError) or is_of_a_stub(error):
            raise
        raise ModelFailedError(f"{what}: {one_line(error)}{_own_line(error)}") from error


def _own_line(error: BaseException) -> str:
    """The last line of the notebook's own on the way to the error; "" if there is none."""
    own = [
        (frame.f_code, number)
        for frame, number in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == "__main__"
    ]
    if not own:
        return ""
    code, number = own[-1]
    source = linecache.getline(code.co_filename, number).strip()
    return f", at line {number} of {code.co_name}'s cell: {source}" if source else ""


class UnfinishedExerciseError(CourseError, NotImplementedError):
    """Something is to be shown with a learner's own code, which is still a stub.

    Attributes:
        exercise: the name of that exercise, if it is known.
    """

    def __init__(self, sentence: str, exercise=""):
        super().__init__(sentence)
        self.exercise = exercise


@contextmanager
def needs_exercise(name: str) -> Iterator[None]:
    """Around (or, as a decorator, on) what runs a learner's code: a stub gets one sentence.

    Raises:
        UnfinishedExerciseError: that code raised NotImplementedError.
    """
    try:
        yield
    except NotImplementedError:
        raise UnfinishedExerciseError(
            f"Finish the exercise {name} first, and run its cell: this is drawn with your code.",
            exercise=name,
        ) from None


def still_a_stub(where: str) -> str:
    """What to say of a function, or a class's method, that still raises NotImplementedError."""
    return (
        f"{where} still raises NotImplementedError: put your code in the place of that line, "
        "run its cell, and then this one again."
    )


def _names_made(frames: list[FrameType]) -> set[str]:
    """The names that the cell in which these frames begin would have made."""
    cell = next(frame for frame in frames if frame.f_globals.get("__name__") == "__main__")
    tree = ast.parse("".join(linecache.getlines(cell.f_code.co_filename)))
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


_stopped_by: dict[str, str] = {}  # names that a cell was to make, and the stub that stopped it


def _show(
    shell: Any,
    kind: type[NotImplementedError | NameError],
    error: NotImplementedError | NameError,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """What IPython calls for an error in a cell that a stub may have caused, to explain it.

    That is a bare NotImplementedError of the notebook's own, or a name which a cell that ended so,
    or for want of an exercise, was to make.
    """
    frames = [frame for frame, _ in walk_tb(traceback)]
    name, where, sentence = getattr(error, "name", ""), "", ""
    if isinstance(error, UnfinishedExerciseError):
        where = error.exercise
    elif frames[-1].f_globals.get("__name__") == "__main__":
        if is_of_a_stub(error):
            where = frames[-1].f_code.co_qualname.rpartition("<locals>.")[2]
            sentence = still_a_stub(where)
        elif isinstance(error, NameError) and name in _stopped_by:
            where = _stopped_by[name]
            sentence = (
                f"{name} is made in a cell that stopped, as {where} still raised "
                "NotImplementedError: write that, run that cell again, and then this one."
            )
    if where:
        _stopped_by.update(dict.fromkeys(_names_made(frames) - shell.user_ns.keys(), where))
    if sentence:
        kind, error = UnfinishedExerciseError, UnfinishedExerciseError(sentence)
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


_shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
if _shell and not _shell.custom_exceptions:  # there is room for one handler, and it may be taken
    _shell.set_custom_exc((NotImplementedError, NameError), _show)
