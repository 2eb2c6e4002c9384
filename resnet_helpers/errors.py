"""The error a learner can act on: its message says what is wrong, where, and what to do.

In a notebook it shows as that message alone, without a stack of the package's frames.
"""

from collections.abc import Iterator
from contextlib import contextmanager


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
    return f"{type(error).__name__}: {error}".strip(": ").partition("\n")[0][:300]


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
