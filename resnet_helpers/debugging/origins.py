"""Watching every operation of a forward: where does what is bad in a result come from?

Where a result is bad and nothing that went in was, something bad has arisen; where it was bad
already, it has only been handed on.
"""

import math
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from resnet_helpers.debugging.calls import Call
from resnet_helpers.debugging.graph import Line
from resnet_helpers.debugging.values import INFINITY, NAN, badness, leaves_in, tensors_in


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


class Source(NamedTuple):
    """How bad a tensor is, and since when."""

    worst: int  # an index into WORST
    event: Event


class Origins(TorchDispatchMode):
    """Watches every operation, and knows for each bad tensor which event its badness comes from.

    Tensors are known by the memory in which their values lie, which views and in-place operations
    share.
    """

    supports_higher_order_operators = True  # torch.cond and its like, which have no schema

    def __init__(self):
        super().__init__()
        self.running: list[Call] = []  # the calls that have begun and not ended, outermost first
        self.bad: dict[int, Source] = {}  # by memory
        self.shown: list[Source] = []  # what modules' outputs have shown, in order
        self.n_events = 0
        self.paused = False  # while we look at tensors ourselves

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs=None) -> Any:
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        written = _written_to(func, args, kwargs)
        sources = [source for t in written if (source := self.bad.get(_memory(t)))]
        output = func(*args, **kwargs)
        for tensor in _computed(func, output, written):
            worst = badness([tensor])
            if worst and "empty" not in func.__name__:  # that gives memory as it was found
                read = [t for t in tensors_in((args, kwargs)) if not _is_in(t, written)]
                sources += [source for t in read if (source := self._source(t))]
                event = self._origin(worst, sources, (args, kwargs))
                self.bad[_memory(tensor)] = Source(worst, event)
            elif _fills_its_memory(tensor):  # in which something bad may have lain before
                self.bad.pop(_memory(tensor), None)
        return output

    def _source(self, tensor: Tensor) -> Source | None:
        """What is known of a tensor, if it is bad: a view may show the good part of bad memory."""
        known = self.bad.get(_memory(tensor))
        return Source(worst, known.event) if known and (worst := badness([tensor])) else None

    def _origin(self, worst: int, sources: list[Source], arguments: Any) -> Event:
        """The event that the badness of a result comes from: one that went in, or this one."""
        if worst == NAN and any(source.worst == NAN for source in sources):
            sources = [source for source in sources if source.worst == NAN]
        to_blame = [source.event for source in sources if not source.event.written]
        if to_blame:
            return min(to_blame, key=lambda event: event.number)
        if sources and worst == INFINITY:
            return sources[0].event  # handed on
        written = worst == INFINITY and _is_written_in(arguments)
        return self._event(worst, self.running[-1] if self.running else None, written, sources)

    def _event(self, worst: int, call: Call | None, written: bool, sources: Any = ()) -> Event:
        self.n_events += 1
        return Event(self.n_events, worst, call, written, bool(sources), own_line())

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
        for source in self._look_at(outputs, call):
            self.shown.append(source)
            source.event.in_output |= source.event.call is call
        while self.running.pop() is not call:
            pass  # a call whose exception the model has caught

    def _look_at(
        self, tensors: list[Tensor], call: Call | None, written: bool = False
    ) -> list[Source]:
        """Those that are bad, and whence; what nothing watched has made comes from `call`."""
        self.paused = True
        found = []
        for tensor in tensors:
            if worst := badness([tensor]):
                memory = _memory(tensor)
                if memory not in self.bad:  # NumPy made it, or a parameter was handed out
                    event = self._event(worst, call, written and worst == INFINITY)
                    self.bad[memory] = Source(worst, event)
                found.append(Source(worst, self.bad[memory].event))
        self.paused = False
        return found

    def culprit(self, result: int = 0, failed: bool = False) -> Event | None:
        """The event to report, if there is one.

        Args:
            result: how bad the model's result is, an index into WORST.
            failed: forward has raised, so there is no result, and an infinity may be why.
        """
        nans = (source.event for source in self.shown if source.worst == NAN)
        if nan := next(nans, None):
            return nan
        if failed:
            return next((s.event for s in self.shown if not s.event.written), None)
        return self.shown[-1].event if result else None  # what the model itself has put out last


def _memory(tensor: Tensor) -> int:
    """Where the values lie; sparse and nested tensors have no one place."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):
        return id(tensor)


def _fills_its_memory(tensor: Tensor) -> bool:
    try:
        return tensor.numel() * tensor.itemsize == tensor.untyped_storage().nbytes()
    except (NotImplementedError, RuntimeError):
        return True


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


# --- The line -----------------------------------------------------------------------------------


TORCH = str(Path(torch.__file__).parent)
LIBRARIES = (sysconfig.get_paths()["stdlib"], "site-packages", "dist-packages")


def own_line() -> Line | None:
    """File and line of the code in the running module's forward that made PyTorch work.

    None where that is PyTorch's own, as in nn.Linear. A library's line counts if there is no other.
    """
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame and not (frame.f_code.co_name == "_call_impl" and _is_torchs(frame)):
        if not (_is_torchs(frame) or str(frame.f_globals.get("__name__")).startswith(__package__)):
            lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    if frame is None:  # not in any module
        return None
    own = [line for line in lines if not any(library in line[0] for library in LIBRARIES)]
    return next(iter(own or lines), None)


def _is_torchs(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(TORCH)
