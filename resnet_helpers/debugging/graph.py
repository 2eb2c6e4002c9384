"""Which call recorded each step of the autograd graph, so that backward can be followed too.

The steps are watched rather than the modules: PyTorch's backward hooks of modules fail where a
module works in place.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor
from torch.autograd.graph import Node

from resnet_helpers.debugging.calls import Call

Line = tuple[str, int]  # a file or a notebook's cell, and the number of a line in it


class Steps:
    """The steps of backward that forward has recorded, and the call that each belongs to."""

    def __init__(self):
        self.owners: dict[Node, Call] = {}
        self.lines: dict[Node, Line | None] = {}  # of the user's own code, which made it
        self.current: Node | None = None  # while it is watched, the one that backward is at

    def claim(self, tensors: Iterable[Tensor], call: Call) -> None:
        """Make `call` the owner of all steps behind the tensors that have no owner yet."""
        _mark(tensors, call, self.owners)

    def note(self, tensors: Iterable[Tensor], line: Line | None) -> None:
        """Note for all steps behind the tensors that have no line yet which line made them."""
        _mark(tensors, line, self.lines)

    def ends(self) -> list[Tensor]:
        """The tensors that take a gradient: parameters, and inputs that ask for one."""
        return [node.variable for node in self.owners if _is_end(node)]

    @contextmanager
    def watched(self, see: Callable[[Node, tuple], None] | None = None) -> Iterator[None]:
        """In the block, `current` follows backward; `see` gets each step and what it gives."""

        def start(node: Node, gradients: tuple) -> None:
            self.current = node

        def end(node: Node, gradients: tuple, _: tuple) -> None:
            if see:
                see(node, gradients)

        handles = []
        try:
            for node in self.owners:
                if not _is_end(node):
                    handles.append(node.register_prehook(partial(start, node)))
                    handles.append(node.register_hook(partial(end, node)))
            yield
        finally:
            for handle in handles:
                handle.remove()


def _mark(tensors: Iterable[Tensor], mark: Any, marks: dict[Node, Any]) -> None:
    nodes = [tensor.grad_fn for tensor in tensors]
    while nodes:
        node = nodes.pop()
        if node is not None and node not in marks:
            marks[node] = mark
            nodes += [previous for previous, _ in node.next_functions]


def _is_end(node: Node) -> bool:
    """PyTorch's graph ends in one such node for each tensor that takes a gradient."""
    return type(node).__name__ == "AccumulateGrad"
