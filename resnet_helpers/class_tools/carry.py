"""A learner's pieces, carried from the kernel that ran the notebook to a process of their own.

What goes along is the pieces and all that they use, and nothing that the notebook has done to its
own process: a check that a cell has replaced stays behind. (cloudpickle does the work.)
"""

import base64
import io
import linecache
import os
import pickle
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cloudpickle

from resnet_helpers.class_tools.cells import ANSWERS

LEARNERS = ("__main__", "my_resnet")  # modules in which a learner writes
MOST_TEXT = 1_000_000  # characters of source that go along, for the lines in messages
FOLDER = os.getcwd()  # the notebook's, also when it has deleted that


def dump(namespace: Mapping[str, Any], names: Iterable[str]) -> str:
    """The pieces of these names, as far as the namespace has them, as text that `load` reads.

    Raises:
        Exception: one of them cannot be carried; pickle has many ways to say so.
    """
    for module in list(sys.modules.values()):
        if is_beside_the_notebook(module):
            cloudpickle.register_pickle_by_value(module)
    pieces = {name: namespace[name] for name in names if name in namespace}
    lines = {}
    for name, entry in list(linecache.cache.items()):
        is_cell = "ipykernel" in name or name.startswith(FOLDER)
        if is_cell and len(entry) == 4 and sum(map(len, lines.values())) < MOST_TEXT:
            lines[name] = "".join(entry[2])
    return base64.b64encode(pickle.dumps((cloudpickle.dumps(pieces), lines))).decode()


def is_beside_the_notebook(module: Any) -> bool:
    """Whether the module is a file of the learner's, my_resnet.py or another."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not isinstance(module, types.ModuleType):
        return False
    return module.__name__ == "my_resnet" or Path(file).is_relative_to(FOLDER)


class Unpickler(pickle.Unpickler):
    """Remembers which of the course's own answers the text asks for."""

    def __init__(self, file: Any):
        super().__init__(file)
        self.answers_used: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(ANSWERS):
            self.answers_used.add(name.partition(".")[0])
        return super().find_class(module, name)


def load(text: str) -> tuple[dict[str, Any], set[str]]:
    """The pieces by name, and the names of the course's own answers among what they consist of.

    What is in them may run any code: call this only where a learner's code may run.
    """
    data, lines = pickle.loads(base64.b64decode(text))
    for name, source in lines.items():  # where tracebacks and inspect look for it
        linecache.cache[name] = len(source), None, source.splitlines(True), name
    unpickler = Unpickler(io.BytesIO(data))
    pieces = unpickler.load()
    put_together(pieces)
    return pieces, unpickler.answers_used


def put_together(pieces: dict[str, Any]) -> None:
    """Let each function find the other pieces by name, as it did in the notebook."""
    for function in functions_of(pieces.values()):
        for name, piece in pieces.items():
            function.__globals__.setdefault(name, piece)


def functions_of(pieces: Iterable[Any]) -> Iterator[types.FunctionType]:
    """The functions among the pieces, and the methods of the learner's classes among them."""
    for piece in pieces:
        if isinstance(piece, types.FunctionType):
            yield piece
        elif isinstance(piece, type):
            for owner in piece.__mro__:
                if owner.__module__ in LEARNERS:
                    yield from functions_in(owner)


def functions_in(owner: type) -> Iterator[types.FunctionType]:
    """The methods that a class itself defines."""
    for part in vars(owner).values():
        function = getattr(part, "__func__", getattr(part, "fget", part))
        if isinstance(function, types.FunctionType):
            yield function


def names_in(code: types.CodeType) -> Iterator[str]:
    """All names that the code uses, and those of the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)
        elif isinstance(constant, str):
            yield constant
