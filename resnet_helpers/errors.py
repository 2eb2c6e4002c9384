"""The error a learner can act on: its message says what is wrong, where, and what to do.

In a notebook it shows as that message alone, without a stack of the package's frames. So does a
stub that a cell calls, though what that raises is Python's own NotImplementedError.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb
from types import TracebackType
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


class UnfinishedExerciseError(CourseError, NotImplementedError):
    """Something is to be shown with a learner's own code, which is still a stub."""


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
            f"Finish the exercise {name} first, and run its cell: this is drawn with your code."
        ) from None


def still_a_stub(where: str) -> str:
    """What to say of a function, or a class's method, that still raises NotImplementedError."""
    return (
        f"{where} still raises NotImplementedError: put your code in the place of that line, "
        "run its cell, and then this one again."
    )


def _show(
    shell: Any,
    kind: type[NotImplementedError],
    error: NotImplementedError,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """What IPython calls for a NotImplementedError: the bare one of a cell's stub is explained."""
    *_, (frame, _) = walk_tb(traceback)
    if frame.f_globals.get("__name__") == "__main__" and not str(error):
        where = frame.f_code.co_qualname.rpartition("<locals>.")[2]
        kind, error = UnfinishedExerciseError, UnfinishedExerciseError(still_a_stub(where))
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


_shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
if _shell and not _shell.custom_exceptions:  # there is room for one handler, and it may be taken
    _shell.set_custom_exc((NotImplementedError,), _show)
