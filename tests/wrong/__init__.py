"""Implementations as learners write them, to prove the checks by: wrong ones, and right ones.

A wrong one stands here for each mistake of the catalogue, written out in full and without looking
at the catalogue's own steps; a right one for each style in which the exercise can be solved. There
is one module for each module of checks, which starts with `from wrong import makes, solves`.
"""

from collections.abc import Callable
from typing import Any

WRONG: dict[tuple[str, str], Any] = {}  # (exercise, name of the mistake) -> implementation
RIGHT: list[tuple[str, Any]] = []  # (exercise, implementation)


def makes(exercise: str, mistake: str) -> Callable[[Any], Any]:
    """Register the class or function below as one that makes this mistake of the catalogue."""

    def register(implementation: Any) -> Any:
        assert (exercise, mistake) not in WRONG, f"{mistake!r} is there twice"
        WRONG[exercise, mistake] = implementation
        return implementation

    return register


def solves(exercise: str) -> Callable[[Any], Any]:
    """Register the class or function below as a right answer to the exercise."""

    def register(implementation: Any) -> Any:
        RIGHT.append((exercise, implementation))
        return implementation

    return register
