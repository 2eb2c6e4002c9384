"""What an answer is: its source, and what comes of running it; and how one is edited from another.

In the modules beside this one the right answers stand as code, under the name of their style. As
a learner would see them they have the exercise's own name.
"""

import ast
import inspect
import linecache
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise, right or wrong.

    `style` is the right answer's it was edited from, or its own; `mistake` is the name in the
    catalogue, and "" for a right answer.
    """

    exercise: str
    style: str
    mistake: str
    source: str
    names: Mapping[str, Any]  # what the source can use: the names of its module

    @cached_property
    def implementation(self) -> Any:
        """What the learner would pass to the check."""
        file = f"<{self.exercise}, {self.style}, {self.mistake or 'right'}>"
        # Where tracebacks and inspect look for the text; no time stamp, so that it stays.
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(True), file)
        names = {**self.names, "__name__": "__main__"}
        exec(compile(self.source, file, "exec"), names)
        return names[self.exercise]


class Answers:
    """All answers to one exercise."""

    def __init__(self, exercise: str, names: Mapping[str, Any]):
        self.exercise = exercise
        self.names = names
        self.right_ones: dict[str, Answer] = {}  # by style
        self.wrong_ones: list[Answer] = []

    def right(self, written: Any) -> Any:
        """Add a right answer, written out in full; a decorator."""
        return self.right_with()(written)

    def right_with(self, *parts: Any) -> Callable[[Any], Any]:
        """Add a right answer that consists of these parts and what is decorated."""

        def add(written: Any) -> Any:
            style = written.__name__
            assert style not in self.right_ones, f"there are two answers of style {style}"
            self.right_ones[style] = self._written_out(written, "", parts)
            return written

        return add

    def wrong(self, mistake: str, right: Any, edits: Mapping[str, str]) -> None:
        """Add a wrong answer: the right one with each old text replaced by a new one.

        Of several lines, in an old text or a new one, each is taken to be indented as the first.

        Raises:
            ValueError: an old text is not there exactly once.
        """
        original = self.right_ones[right.__name__]
        source = original.source
        for old, new in edits.items():
            pattern = r"\n\s*".join(map(re.escape, old.split("\n")))
            places = list(re.finditer(pattern, source))
            if len(places) != 1:
                raise ValueError(
                    f"{mistake!r} of {self.exercise}: {old!r} is {len(places)} times in "
                    f"{original.style}, and should be there once"
                )
            start, end = places[0].span()
            line = source[source.rfind("\n", 0, start) + 1 :]
            indent = line[: len(line) - len(line.lstrip())]
            source = source[:start] + new.replace("\n", f"\n{indent}") + source[end:]
        self.wrong_ones.append(Answer(self.exercise, original.style, mistake, source, self.names))

    def wrong_in_full(self, mistake: str) -> Callable[[Any], Any]:
        """Add a wrong answer that is no edit of a right one; a decorator."""

        def add(written: Any) -> Any:
            self.wrong_ones.append(self._written_out(written, mistake))
            return written

        return add

    def _written_out(self, written: Any, mistake: str, parts: Iterable[Any] = ()) -> Answer:
        """The answer below a decorator of this class, under the exercise's name, and its parts."""
        lines = source_of(written).splitlines(keepends=True)
        source = "".join(lines[1:])  # without our decorator
        source = re.sub(rf"\b{written.__name__}\b", self.exercise, source)
        source = "\n\n".join([*map(source_of, parts), source])
        return Answer(self.exercise, written.__name__, mistake, source, self.names)


def source_of(written: Any) -> str:
    """The source of a class or function at the top level of its file, with its decorators.

    As inspect.getsource, which before Python 3.13 parses the file anew for every class in it.
    """
    written = inspect.unwrap(written)
    return _top_level(inspect.getsourcefile(written))[written.__name__]


@cache
def _top_level(file: str) -> dict[str, str]:
    """The sources of the classes and functions at the top level of a file, by name."""
    text = Path(file).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min(part.lineno for part in [node, *node.decorator_list])
            found[node.name] = "".join(lines[first - 1 : node.end_lineno])
    return found
