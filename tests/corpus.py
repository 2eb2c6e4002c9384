"""Every answer by which the checks are proven, exercise by exercise.

While exercises move there from tests/wrong, those that have not yet are taken from there.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

import wrong

from resnet_helpers import answers


@dataclass(frozen=True, eq=False)
class OldAnswer:
    exercise: str
    style: str
    mistake: str
    implementation: Any


for module in pkgutil.iter_modules(wrong.__path__):
    importlib.import_module(f"wrong.{module.name}")

RIGHT = [
    OldAnswer(exercise, made.__name__, "", made)
    for exercise, made in wrong.RIGHT
    if exercise not in answers.exercises()
] + [a for e in answers.exercises() for a in answers.answers_to(e).right_ones.values()]
WRONG = [
    OldAnswer(exercise, made.__name__, mistake, made)
    for (exercise, mistake), made in wrong.WRONG.items()
    if exercise not in answers.exercises()
] + [a for e in answers.exercises() for a in answers.answers_to(e).wrong_ones]
