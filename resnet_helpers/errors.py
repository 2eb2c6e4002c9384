"""The error a learner can act on: its message says what is wrong, where, and what to do.

In a notebook it shows as that message alone, without a stack of the package's frames.
"""


class CourseError(Exception):
    """An error whose message is all that its reader needs."""

    def _render_traceback_(self) -> list[str]:
        """IPython calls this and shows the lines in place of the stack."""
        return [f"{type(self).__name__}: {self}"]
