"""Which piece of the file is no learner's: the course's answer, as `practice.reveal` showed it.

What is revealed whole carries a mark. The mark alone says nothing, since whoever rewrites the code
may leave it: the code must still be the answer's too.
"""

import ast
import inspect

from resnet_helpers import solutions

MARK = "# Revealed: the course's answer, until you rewrite it."


def with_mark(source: str) -> str:
    """The source of classes and functions, with the mark above the first line of each body."""
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        first = node.body[0]
        lines.insert(first.lineno - 1, " " * first.col_offset + MARK)
    return "\n".join(lines)


def is_revealed(name: str, source: str) -> bool:
    """Whether the source is marked, and is the course's answer of this name but for its wording.

    Wording is what does nothing: comments, docstrings, blank lines, line breaks.
    """
    answer = getattr(solutions, name, None)
    if MARK not in source or answer is None:
        return False
    return _code(source) == _code(inspect.getsource(answer))


def _code(source: str) -> str:
    """What the source does, in a form that can be compared."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)
