"""find_first_nan: in which module the first NaN or infinity arises, going forward or backward.

Forward, every operation is watched (`origins`); backward, every step of the autograd graph.
"""

import linecache
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode

from resnet_helpers.debugging.calls import Call, beside, check_model, run, unchanged
from resnet_helpers.debugging.graph import Line, Steps
from resnet_helpers.debugging.origins import Event, Origins, own_line
from resnet_helpers.debugging.values import WORST, badness, copied, fresh, tensors_in
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError


@dataclass(repr=False)
class FirstNan:
    """What find_first_nan found: print it, or let a notebook show it."""

    name: str | None  # of the module; None if all is well, "" for the model itself
    explanation: str
    file: str | None = None  # where the operation is your own: the file or the notebook's cell,
    line: int | None = None  # ... its line there
    source: str | None = None  # ... and what that line says

    def __repr__(self) -> str:
        return self.explanation


def find_first_nan(model: nn.Module, x: Any, backward: bool = False) -> FirstNan:
    """Find the module in which the first NaN or infinity arises, and the line if it is your own.

    That is the innermost module running when an operation made a NaN of numbers that were none, or
    an infinity of finite ones, and a module handed that NaN on as its output, or the model that
    infinity. An infinity of which nothing bad comes is no culprit: -inf as a mask becomes 0 in a
    softmax. Nor is one that x holds or that the code writes down: if it becomes a NaN later, that
    is where the NaN arises.

    Args:
        model: in train or eval mode, as you want it searched.
        x: what it is called with, as one argument; where forward needs several, a tuple of them,
            or a dictionary by their names. A copy of it goes to where the model is.
        backward: if forward is clean, go backward from the sum of the outputs as well, and find
            the module in which the first bad gradient arises. No gradient is kept.

    Raises:
        ModelFailedError: a RuntimeError: forward failed before anything bad arose, or backward
            failed; the message names the module, the original is chained.
        InvalidArgumentError: a ValueError: what was passed is no model, or one that cannot be
            observed: scripted, lazy, or on the meta device; or backward is asked for, but no
            output depends on anything that takes a gradient.
    """
    check_model(model, x)
    origins, steps, put = Origins(), Steps(), beside(model, x)
    notes: list[str] = []

    def fresh_leaf(tensor: Tensor) -> Tensor:
        """A copy without a history, which takes a gradient if the original does."""
        return put(fresh(tensor)).requires_grad_(tensor.requires_grad)

    def enter(call: Call, arguments: Any) -> None:
        origins.enter(call, tensors_in(arguments))
        if backward and call.parent:  # what led here from the last call is the parent's own doing
            steps.claim(tensors_in(arguments), call.parent)

    def leave(call: Call, output: Any) -> None:
        origins.leave(call, tensors_in(output))
        if backward:
            steps.claim(tensors_in(output), call)

    with unchanged(model), torch.inference_mode(False), torch.set_grad_enabled(backward):
        given = copied(x, fresh_leaf)
        origins.come_with_x(tensors_in(given))
        try:
            with origins, Lines(steps) if backward else nullcontext():
                output = run(model, given, enter, leave, notes)
            event = origins.culprit(badness(tensors_in(output)))
        except ModelFailedError as error:
            event = origins.culprit(failed=True)
            if event is None:
                raise
            notes.append(f"After that, {error}")
        if event:
            found = _first_nan(event)
        elif backward and (culprit := _bad_gradient(tensors_in(output), steps)):
            found = culprit
        else:
            passes = "forward or backward" if backward else "forward"
            found = FirstNan(None, f"No NaN and no infinity in {passes}.")
    return replace(found, explanation="\n".join([found.explanation, *notes]))


# --- Words --------------------------------------------------------------------------------------


def _first_nan(event: Event) -> FirstNan:
    call = event.call
    if call is None:
        return FirstNan(None, f"No module makes one: x itself holds {WORST[event.worst]}.")
    where = "in the output of" if event.in_output else "in"
    return _with_line(_culprit(call, event.worst, where, event), event.line)


def _with_line(found: FirstNan, line: Line | None) -> FirstNan:
    """With file, line and source, and the line in the explanation, if there is one."""
    if line is None:
        return found
    file, number = line
    source = linecache.getline(file, number).strip() or None
    place = Path(file).name if Path(file).is_file() else "the cell"
    words = f"\nLine {number} of {place}: {source}" if source else ""
    return FirstNan(found.name, found.explanation + words, file, number, source)


def _culprit(call: Call, worst: int, where: str, event: Event | None = None) -> FirstNan:
    text = f"The first {WORST[worst]} arises {where} {call}."
    module, recurse = call.module, call.is_leaf
    own = (*module.named_parameters(recurse=recurse), *module.named_buffers(recurse=recurse))
    if bad := [f"`{name}` holds {WORST[badness([t])]}" for name, t in own if badness([t])]:
        text += f" Its {' and its '.join(bad)}."
    elif event and event.of_infinity:
        text += " It is made of an infinity that x holds or the code writes down."
    elif not call.is_leaf:
        text += " The modules it calls are innocent: look at the rest of its forward."
    return FirstNan(call.name, text)


class Lines(TorchFunctionMode):
    """Notes for each step of backward which line of the user's own code has recorded it."""

    def __init__(self, steps: Steps):
        super().__init__()
        self.steps = steps

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs=None) -> Any:
        output = func(*args, **(kwargs or {}))
        if torch.is_grad_enabled():  # x[0] = y gives nothing back, and changes its first argument
            changed = [t for t in tensors_in((output, args[:1])) if t.grad_fn is not None]
            self.steps.note(changed, own_line() if changed else None)
        return output


# --- Backward -----------------------------------------------------------------------------------


def _bad_gradient(outputs: list[Tensor], steps: Steps) -> FirstNan | None:
    """Go backward from the sum of the outputs; what the first bad gradient says.

    Raises:
        InvalidArgumentError: there is nothing to differentiate.
        ModelFailedError: backward failed.
    """
    outputs = [tensor for tensor in outputs if tensor.requires_grad]
    ends = steps.ends()
    if not outputs or not ends:
        raise InvalidArgumentError(
            "backward is asked for, but no output depends on a parameter or an input that takes a "
            "gradient."
        )
    found: list[FirstNan] = []

    def look(node: Node, gradients: tuple) -> None:
        if not found and (worst := badness(tensors_in(gradients))):
            call = steps.owners[node]
            culprit = _culprit(call, worst, f"in backward, in {node.name()} of")
            found.append(_with_line(culprit, steps.lines.get(node)))

    try:
        with steps.watched(look):
            ones = [torch.ones_like(tensor) for tensor in outputs]
            torch.autograd.grad(outputs, ends, ones, allow_unused=True)
    except Exception as error:
        call = steps.owners.get(steps.current)
        where = f" in {call}" if call else ""
        raise ModelFailedError(f"backward failed{where}: {error}") from error
    return found[0] if found else None
