"""Answers to the exercises as learners write them: right in several styles, wrong in known ways.

There is one module for each exercise. A wrong answer is a right one with an edit, so that it is
wrong in one place only; the checks are proven by it, and learners find the mistake in it.
"""

import importlib
import pkgutil

from resnet_helpers.answers.edits import Answer, Answers

__all__ = ["Answer", "Answers", "answers_to", "exercises"]


def answers_to(exercise: str) -> Answers:
    """The answers to an exercise, by its name, such as BatchNorm2d.

    Raises:
        KeyError: there are none of that name.
    """
    return _all()[exercise]


def exercises() -> list[str]:
    """The names of the exercises that have answers."""
    return list(_all())


def _all() -> dict[str, Answers]:
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    found = [v for module in modules for v in vars(module).values() if isinstance(v, Answers)]
    return {answers.exercise: answers for answers in found}
