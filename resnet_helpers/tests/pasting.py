"""The line or two below a failed check, to be pasted into a cell: made from the trial's own text.

Small tensors that the text calls by name are written out, so that the lines need nothing but torch
and the learner's own class or function.
"""

import ast
import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MOST_NUMBERS = 12  # in a tensor that is written out
MOST_LINES = 2


@dataclass(frozen=True)
class Renamed:
    """What the learner's class or function is called."""

    name: str


def to_paste(code: str, names: Mapping[str, Any]) -> str:
    """The code of a trial with its small tensors written out; "" if it needs more than that."""
    tree = WrittenOut(names).visit(ast.parse(code))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own |= {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
    learners = {value.name for value in names.values() if isinstance(value, Renamed)}
    known = own | learners | {"torch"} | vars(builtins).keys()
    if not all(node.id in known for node in nodes):
        return ""
    *statements, last = [ast.unparse(statement) for statement in tree.body]
    lines = ["; ".join(statements), last] if statements else [last]
    return "\n".join(lines) if sum(line.count("\n") + 1 for line in lines) <= MOST_LINES else ""


class WrittenOut(ast.NodeTransformer):
    """Puts the text of small tensors, and the learner's name, where the code has names for them."""

    def __init__(self, names: Mapping[str, Any]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.names.get(node.id)
        if isinstance(value, Renamed):
            return ast.Name(value.name, node.ctx)
        is_tensor = isinstance(value, Tensor) and value.dtype == torch.float32
        if isinstance(node.ctx, ast.Load) and is_tensor and value.numel() <= MOST_NUMBERS:
            numbers = re.sub(r"\b(nan|inf)\b", r"torch.\1", str(value.tolist()))
            return ast.parse(f"torch.tensor({numbers})", mode="eval").body
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = node.func
        if (
            isinstance(called, ast.Attribute)
            and called.attr == "clone"
            and isinstance(called.value, ast.Name)
            and isinstance(self.names.get(called.value.id), Tensor)
        ):
            return self.visit(called.value)  # what is written out need not be copied
        return self.generic_visit(node)
