"""An instructor's tools: grade a class with nbgrader, and see which mistakes it made.

`grade_all` grades every submission, each in a process of its own; `python -m
resnet_helpers.class_tools FOLDER` writes a page on what a class got wrong. Both need the extra
`resnet-helpers[class]`; a learner never does.
"""

from typing import Any

__all__ = ["grade_all"]


def __getattr__(name: str) -> Any:
    """Import grade_all, and Dask and nbgrader with it, only for who asks for it."""
    if name == "grade_all":
        from resnet_helpers.class_tools.grading import grade_all

        return grade_all
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
