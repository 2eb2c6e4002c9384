"""find_first_nan: in which module the first NaN or infinity arises, going forward or backward.

Forward, every operation is watched (`Origins`): where its result is bad and nothing that went in
was, something bad has arisen; where it was bad already, it has only been handed on.
"""

import linecache
import math
import sys
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from resnet_helpers.debugging import calls
from resnet_helpers.debugging.calls import Call, check_model, run, unchanged
from resnet_helpers.debugging.graph import Line, Steps
from resnet_helpers.debugging.values import (
    INFINITY,
    NAN,
    WORST,
    badness,
    copied,
    leaves_in,
    tensors_in,
)
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
        x: what it is called with, as one argument, on the model's device; where forward needs
            several, a tuple or a dictionary of them.
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
    origins, steps = Origins(), Steps()
    notes: list[str] = []

    def enter(call: Call, arguments: Any) -> None:
        origins.enter(call, tensors_in(arguments))
        if backward and call.parent:  # what led here from the last call is the parent's own doing
            steps.claim(tensors_in(arguments), call.parent)

    def leave(call: Call, output: Any) -> None:
        origins.leave(call, tensors_in(output))
        if backward:
            steps.claim(tensors_in(output), call)

    with unchanged(model), torch.inference_mode(False), torch.set_grad_enabled(backward):
        given = copied(x, _fresh_leaf)
        origins.come_with_x(tensors_in(given))
        try:
            with origins, Lines(steps):
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


def _fresh_leaf(tensor: Tensor) -> Tensor:
    """A copy without a history, which takes a gradient if the original does."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


# --- Forward ------------------------------------------------------------------------------------


@dataclass(eq=False)
class Event:
    """An operation that made a NaN or an infinity of something better."""

    number: int  # in order of time
    worst: int  # an index into WORST
    call: Call | None  # the innermost one running then; None: it has come with x
    written: bool = False  # an infinity that the code writes down, as a mask, or that x holds
    of_infinity: bool = False  # a NaN made of such an infinity
    line: Line | None = None  # file and line of the user's own code
    in_output: bool = False  # whether the call's output has shown it


class Origins(TorchDispatchMode):
    """Watches every operation, and knows for each bad tensor which event its badness comes from.

    Tensors are known by the memory in which their values lie, which views and in-place operations
    share.
    """

    def __init__(self):
        super().__init__()
        self.running: list[Call] = []  # the calls that have begun and not ended, outermost first
        self.events: dict[int, Event] = {}  # by memory
        self.shown: list[tuple[int, Event]] = []  # in modules' outputs: how bad, and whence
        self.n_events = 0
        self.paused = False  # while we look at tensors ourselves

    supports_higher_order_operators = True  # torch.cond and its like, which have no schema

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs=None) -> Any:
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        written = _written_to(func, args, kwargs)
        sources = [event for t in written if (event := self.events.get(_memory(t)))]
        output = func(*args, **kwargs)
        for tensor in _computed(func, output, written):
            worst = badness([tensor])
            if worst and "empty" not in func.__name__:  # memory as it was found
                read = [t for t in tensors_in((args, kwargs)) if not _is_in(t, written)]
                sources += [e for t in read if (e := self.events.get(_memory(t))) and badness([t])]
                self.events[_memory(tensor)] = self._origin(worst, sources, (args, kwargs))
            elif self.events and not _is_in(tensor, written):
                self.events.pop(_memory(tensor), None)  # memory of a bad tensor that is gone
        return output

    def _origin(self, worst: int, sources: list[Event], arguments: Any) -> Event:
        """The event that the badness of a result comes from: one that went in, or this one."""
        to_blame = [event for event in sources if not event.written]
        if to_blame:
            return min(to_blame, key=lambda event: event.number)
        if sources and worst == INFINITY:
            return sources[0]  # handed on
        written = worst == INFINITY and _is_written_in(arguments)
        return self._event(worst, self.running[-1] if self.running else None, written, sources)

    def _event(self, worst: int, call: Call | None, written: bool, sources: Any = ()) -> Event:
        self.n_events += 1
        return Event(self.n_events, worst, call, written, bool(sources), _own_line())

    # --- what the hooks tell it

    def come_with_x(self, tensors: list[Tensor]) -> None:
        """No module is to blame for what is bad in these."""
        self._look_at(tensors, None, written=True)

    def enter(self, call: Call, inputs: list[Tensor]) -> None:
        """A call begins."""
        self._look_at(inputs, self.running[-1] if self.running else None)
        self.running.append(call)

    def leave(self, call: Call, outputs: list[Tensor]) -> None:
        """A call is done; its output may show what has arisen in it, or before."""
        for worst, event in self._look_at(outputs, call):
            self.shown.append((worst, event))
            event.in_output |= event.call is call
        while self.running.pop() is not call:
            pass  # a call whose exception the model has caught

    def _look_at(
        self, tensors: list[Tensor], call: Call | None, written: bool = False
    ) -> list[tuple[int, Event]]:
        """How bad those that are bad are, and whence; if nothing watched has made them, `call`."""
        self.paused = True
        found = []
        for tensor in tensors:
            if worst := badness([tensor]):
                memory = _memory(tensor)
                if memory not in self.events:  # NumPy made it, or a parameter was handed out
                    is_infinity = written and worst == INFINITY
                    self.events[memory] = self._event(worst, call, is_infinity)
                found.append((worst, self.events[memory]))
        self.paused = False
        return found

    def culprit(self, result: int = 0, failed: bool = False) -> Event | None:
        """The event to report, if there is one.

        Args:
            result: how bad the model's result is, an index into WORST.
            failed: forward has raised, so there is no result, and an infinity may be why.
        """
        nans = (event for worst, event in self.shown if worst == NAN)
        infinities = (event for _, event in self.shown if not (failed and event.written))
        if nan := next(nans, None):
            return nan
        if failed:
            return next(infinities, None)
        return self.shown[-1][1] if result else None  # what the model itself has put out last


def _memory(tensor: Tensor) -> int:
    """Where the values lie; sparse and nested tensors have no one place."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):
        return id(tensor)


def _is_in(tensor: Tensor, tensors: list[Tensor]) -> bool:
    return any(tensor is other for other in tensors)


def _written_to(func: Any, args: tuple, kwargs: dict) -> list[Tensor]:
    """The arguments that an operation works on in place."""
    schema = func._schema.arguments if hasattr(func, "_schema") else ()
    given = [kwargs.get(a.name, args[i] if i < len(args) else None) for i, a in enumerate(schema)]
    writes = (a.alias_info is not None and a.alias_info.is_write for a in schema)
    return tensors_in([value for value, write in zip(given, writes, strict=True) if write])


def _computed(func: Any, output: Any, written: list[Tensor]) -> list[Tensor]:
    """What an operation has computed: its results, unless they are views; what it wrote to."""
    returns = func._schema.returns if hasattr(func, "_schema") else ()
    if func.__name__.startswith("lift_fresh"):  # torch.tensor(…): a constant of the code
        return tensors_in(output)
    views = [r.alias_info is not None and not r.alias_info.is_write for r in returns]
    if views and all(views):
        return written
    results = tensors_in(output)
    return results + [tensor for tensor in written if not _is_in(tensor, results)]


def _is_written_in(arguments: Any) -> bool:
    """Does the code say infinity here, as masked_fill(mask, -math.inf) and torch.tensor(…) do?"""
    leaves = leaves_in(arguments).values()
    return any(isinstance(leaf, float) and math.isinf(leaf) for leaf in leaves)


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


TORCH = str(Path(torch.__file__).parent)
LIBRARIES = (sysconfig.get_paths()["stdlib"], "site-packages", "dist-packages")


def _own_line() -> Line | None:
    """File and line of the code in the running module's forward that made PyTorch work.

    None where that is PyTorch's own, as in nn.Linear. A library's line counts if there is no other.
    """
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame and not (frame.f_code.co_name == "_call_impl" and _is_torchs(frame)):
        if not (_is_torchs(frame) or frame.f_globals.get("__name__") in (__name__, calls.__name__)):
            lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    if frame is None:  # not in any module
        return None
    own = [line for line in lines if not any(library in line[0] for library in LIBRARIES)]
    return next(iter(own or lines), None)


def _is_torchs(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(TORCH)


class Lines(TorchFunctionMode):
    """Notes for each step of backward which line of the user's own code has recorded it."""

    def __init__(self, steps: Steps):
        super().__init__()
        self.steps = steps

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs=None) -> Any:
        output = func(*args, **(kwargs or {}))
        if torch.is_grad_enabled():  # x[0] = y gives nothing back, and changes its first argument
            changed = [t for t in tensors_in((output, args[:1])) if t.grad_fn is not None]
            self.steps.note(changed, _own_line() if changed else None)
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
            "no output depends on a parameter or input that takes a gradient"
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
