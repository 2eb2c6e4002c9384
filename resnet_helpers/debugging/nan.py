"""find_first_nan: in which module the first NaN or infinity arises, going forward or backward."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from resnet_helpers.debugging.calls import Call, run, unchanged
from resnet_helpers.debugging.values import WORST, badness, mapped, tensors_in


@dataclass(repr=False)
class FirstNan:
    """What find_first_nan found: print it, or let a notebook show it."""

    name: str | None  # of the module; None if all is well, "" for the model itself
    explanation: str

    def __repr__(self) -> str:
        return self.explanation


def find_first_nan(model: nn.Module, x: Any, backward=False) -> FirstNan:
    """Find the module in which the first NaN or infinity arises.

    That is the first whose output holds NaN while its inputs hold none, or an infinity while its
    inputs are finite; of nested ones the innermost.

    Args:
        model: in train or eval mode, as you want it searched.
        x: what it is called with.
        backward: if forward is clean, go backward from the sum of the outputs as well, and find
            the module in which the first bad gradient arises. No gradient is kept.

    Raises:
        RuntimeError: forward failed before any NaN arose, or backward failed; the message names
            the module where forward was, the original is chained.
        ValueError: a module is lazy and has no weights yet; or backward is asked for, but no
            output depends on anything that takes a gradient.
    """
    found: list[FirstNan] = []
    owners: dict[Node, Call] = {}  # in which call each step of the autograd graph was recorded

    def enter(call: Call, inputs: list[Tensor]) -> None:
        if not found:
            call.worst_input = badness(inputs)
        if backward and call.parent:  # what led here from the last call is the parent's own doing
            _claim(inputs, call.parent, owners)

    def leave(call: Call, outputs: list[Tensor]) -> None:
        if not found and (worst := badness(outputs)) > call.worst_input:
            found.append(_culprit(call, worst, "in the output of"))
        if backward:
            _claim(outputs, call, owners)

    with unchanged(model), torch.inference_mode(False), torch.set_grad_enabled(backward):
        try:
            output = run(model, mapped(x, _fresh_leaf), enter, leave)
        except RuntimeError:
            if not found:
                raise
        if not found and (worst := badness(tensors_in(output))):
            return FirstNan(None, f"No module makes one: x itself holds {WORST[worst]}.")
        if not found and backward:
            found += _bad_gradients(tensors_in(output), owners)
    passes = "forward or backward" if backward else "forward"
    return found[0] if found else FirstNan(None, f"No NaN and no infinity in {passes}.")


def _fresh_leaf(tensor: Tensor) -> Tensor:
    """A copy without a history, which takes a gradient if the original does."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def _culprit(call: Call, worst: int, where: str) -> FirstNan:
    text = f"The first {WORST[worst]} arises {where} {call}."
    own = (*call.module.named_parameters(recurse=False), *call.module.named_buffers(recurse=False))
    if bad := [f"`{name}` holds {WORST[badness([t])]}" for name, t in own if badness([t])]:
        text += f" Its {' and its '.join(bad)}."
    elif not call.is_leaf:
        text += " The modules it calls are innocent: look at the rest of its forward."
    return FirstNan(call.name, text)


def _claim(tensors: list[Tensor], call: Call, owners: dict[Node, Call]) -> None:
    """Make `call` the owner of all steps behind the tensors that have no owner yet."""
    nodes = [tensor.grad_fn for tensor in tensors]
    while nodes:
        node = nodes.pop()
        if node is not None and node not in owners:
            owners[node] = call
            nodes += [previous for previous, _ in node.next_functions]


def _bad_gradients(outputs: list[Tensor], owners: dict[Node, Call]) -> list[FirstNan]:
    """Go backward from the sum of the outputs; the owners of bad gradients, the first one first.

    The steps of the graph are watched rather than the modules: PyTorch's backward hooks of modules
    fail where a module works in place.
    """
    outputs = [tensor for tensor in outputs if tensor.requires_grad]
    # PyTorch's graph ends in one such node for each tensor that takes a gradient
    ends = {node for node in owners if type(node).__name__ == "AccumulateGrad"}
    if not outputs or not ends:
        raise ValueError("no output depends on a parameter or input that takes a gradient")
    found: list[FirstNan] = []

    def watch(node: Node, gradients: tuple, _: tuple) -> None:
        if not found and (worst := badness(tensors_in(gradients))):
            found.append(_culprit(owners[node], worst, f"in backward, in {node.name()} of"))

    handles = [n.register_hook(partial(watch, n)) for n in owners if n not in ends]
    try:
        ones = [torch.ones_like(tensor) for tensor in outputs]
        torch.autograd.grad(outputs, [end.variable for end in ends], ones, allow_unused=True)
    except Exception as error:
        raise RuntimeError(f"backward failed: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    return found
