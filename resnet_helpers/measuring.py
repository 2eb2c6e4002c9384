"""Measuring networks: how long, how much work, and what the machine could do at best.

Work is counted as PyTorch carries it out, operation by operation, and is the same everywhere; time
is measured, and on a loaded machine says little.
"""

import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from resnet_helpers.arguments import check_function, check_tensor, check_whole_number, said
from resnet_helpers.debugging.calls import check_model, hooked, scripted_in
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError, says_what_failed

# torch.utils.benchmark and torch.compile import it, and it warns of a CUDA toolkit without a GPU
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)

Clock = Callable[[], float]
BETWEEN = "between the layers"  # what a module with children does itself: a block's addition


# --- Time -------------------------------------------------------------------------------------


def clock_of(device: torch.device | str) -> Clock:
    """A clock, in seconds, that waits until the device has done all that it was given to do.

    A GPU is only told what to do, and Python goes on meanwhile: a clock that does not wait would
    time the telling. On the CPU there is nothing to wait for.

    Raises:
        InvalidArgumentError: there is no such device here.
    """
    try:
        wait = getattr(torch, torch.device(device).type).synchronize
        wait()
    except Exception as error:  # of a kind that depends on what is wrong with it
        raise InvalidArgumentError(
            f"{said(device)} is no device that this machine has: try 'cpu'."
        ) from error

    def clock() -> float:
        wait()
        return time.perf_counter()

    return clock


@contextmanager
def busy_machine() -> Iterator[None]:
    """In the block, other programs keep all cores busy, one a core."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ExitStack() as stack:
        for _ in range(n_cores or 1):
            program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(program.wait)
            stack.callback(program.kill)
        yield


# --- Work -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One operation on tensors, such as an addition of two of them."""

    name: str
    operations: int
    bytes: int


@dataclass
class Work:
    """What a job comes to: its steps in order, without those that only look at memory anew."""

    steps: list[Step] = field(default_factory=list)

    @property
    def operations(self) -> int:
        """Arithmetic ones: a multiplication and an addition are two."""
        return sum(step.operations for step in self.steps)

    @property
    def bytes(self) -> int:
        """Read and written, if every step reads what it is given and writes what it gives once."""
        return sum(step.bytes for step in self.steps)


TWO_A_VALUE = {"addcmul", "addcdiv"}  # each a product or quotient, and a sum


class _Counting(TorchDispatchMode):
    """While it is active, every step that PyTorch takes goes into `work`."""

    def __init__(self):
        super().__init__()
        self.work = Work()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with self:  # in inference mode some steps still consist of others
            decomposed = func.decompose(*args, **kwargs)
        if decomposed is not NotImplemented:
            return decomposed
        result = func(*args, **kwargs)
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        written = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        if read and not func.is_view:
            name = func.overloadpacket.__name__
            if count_of := flop_registry.get(func.overloadpacket):
                operations = count_of(*args, **kwargs, out_val=result)
            else:
                n_values = max(tensor.numel() for tensor in read + written)
                operations = n_values * (2 if name in TWO_A_VALUE else 1)
            n_bytes = sum(tensor.nbytes for tensor in read + written)
            self.work.steps.append(Step(name, operations, n_bytes))
        return result


def count(job: Callable[[], object]) -> Work:
    """Run the job and count its work.

    Convolutions and matrix products are counted exactly; any other step as one operation (addcmul
    as two) for each value of the largest tensor that it reads or writes.

    Raises:
        InvalidArgumentError: the job cannot be called.
    """
    check_function(job, "The job", "without arguments, such as lambda: model(x)")
    with _Counting() as counting:
        job()
    return counting.work


# --- Layer by layer ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """One call of a module: its own share of time and work, without what its children do."""

    name: str
    kind: str  # the name of its class, or BETWEEN
    seconds: float
    operations: int
    bytes: int


def layers_of(model: nn.Module, x: Tensor, rounds=3) -> list[Layer]:
    """Run the model on x, and measure every call of every module, in the order in which they end.

    No gradients are kept. The time is the median of some rounds, by torch.profiler, after a run
    that is not timed; each module waits for the device, so that its time is its own.

    Raises:
        InvalidArgumentError: model is no model that can be observed, x no tensor, rounds below 1.
        ModelFailedError: the model cannot be run on x.
    """
    return layers_in_turns({"": model}, x, rounds)[""]


def layers_in_turns(models: Mapping[str, nn.Module], x: Tensor, rounds=3) -> dict[str, list[Layer]]:
    """What layers_of gives for each of some models, measured so that they can be compared.

    Each round runs every model once, one right after the other: a machine that slows down for a
    while slows them all.

    Args:
        models: by what each is called.
        x: the pictures, for all of them.
        rounds: how often each is timed.

    Raises:
        InvalidArgumentError: models is no dictionary, or one of the others as for layers_of.
        ModelFailedError: a model cannot be run on x, or not with the same calls each time.
    """
    if not isinstance(models, Mapping):
        raise InvalidArgumentError('models is a dictionary, {"before": model, "after": other}.')
    check_measurement(x, rounds)
    for model in models.values():
        check_model(model, x)
        if scripted := scripted_in(model):
            raise InvalidArgumentError(
                f"`{scripted[0]}` of the model is scripted: it runs outside Python, where no layer "
                "can be measured. Pass the model from which it was made."
            )
        check_runs(model, x)
    with torch.no_grad():
        calls = {name: _steps_of_calls(model, x) for name, model in models.items()}
        times: dict[str, list] = {name: [] for name in models}
        for _ in range(rounds):
            for name, model in models.items():
                times[name].append(_seconds_of_calls(model, x))
    return {name: _layers(model, calls[name], times[name]) for name, model in models.items()}


def _layers(
    model: nn.Module, calls: list[tuple[nn.Module, Work]], times: list[list[float]]
) -> list[Layer]:
    """One for each call, with the median of its seconds in all rounds.

    Raises:
        ModelFailedError: the rounds did not have the same calls.
    """
    if len({len(calls), *map(len, times)}) > 1:
        raise ModelFailedError(
            "The model does not make the same calls whenever it is run, so that their times cannot "
            "be compared. If chance decides, call its eval() first."
        )
    names = {module: name for name, module in model.named_modules()}
    layers = []
    for (module, work), *seconds in zip(calls, *times, strict=True):
        kind = BETWEEN if list(module.children()) else type(module).__name__
        layers.append(Layer(names[module], kind, median(seconds), work.operations, work.bytes))
    return layers


def check_measurement(x: object, rounds: object) -> None:
    """Refuse an x that is no tensor, and a number of rounds that is none.

    Raises:
        InvalidArgumentError: one of them is so.
    """
    check_tensor(x, "x")
    check_whole_number(rounds, "rounds")


def check_runs(model: Callable[[Tensor], object], x: Tensor) -> None:
    """Run the model once on x, without gradients; a stub's error goes on as it is.

    Raises:
        ModelFailedError: it raises anything else.
    """
    with torch.no_grad(), says_what_failed("The model cannot be run on x"):
        model(x)


def _steps_of_calls(model: nn.Module, x: Tensor) -> list[tuple[nn.Module, Work]]:
    """Each call, in the order of their ends, and the work that is its own."""
    ended, running = [], []
    counting = _Counting()

    def begin(module: nn.Module, *_: object) -> None:
        running.append(counting.work)
        counting.work = Work()

    def end(module: nn.Module, *_: object) -> None:
        ended.append((module, counting.work))
        counting.work = running.pop()

    with hooked(model.modules(), end, begin), counting:
        model(x)
    return ended


def _seconds_of_calls(model: nn.Module, x: Tensor) -> list[float]:
    """The seconds of each call, in the order of their ends, without those of calls within it."""
    labels, running, ended = [], [], []
    clock = clock_of(x.device)

    def begin(*_: object) -> None:
        labels.append(f"call {len(labels)}")  # names of their own: of equal ones some are dropped
        running.append((labels[-1], record_function(labels[-1])))
        running[-1][1].__enter__()

    def end(*_: object) -> None:
        clock()  # for its wait: what the device still has to do belongs to this call
        label, record = running.pop()
        record.__exit__(None, None, None)
        ended.append(label)

    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # or the profiler reports its start and stop
    with (
        warnings.catch_warnings(action="ignore"),  # some versions warn that it has one cycle
        profile(activities=[ProfilerActivity.CPU]) as profiler,
        hooked(model.modules(), end, begin),
    ):
        model(x)
    calls = {event.name: event for event in profiler.events() if event.name in set(labels)}
    return [1e-6 * _own_microseconds(calls[label], calls) for label in ended]


def _own_microseconds(call: FunctionEvent, calls: Mapping[str, FunctionEvent]) -> float:
    within = (child.cpu_time_total for child in call.cpu_children if child.name in calls)
    return call.cpu_time_total - sum(within)


# --- The machine at its best ------------------------------------------------------------------


@dataclass(frozen=True)
class Roof:
    """What no layer can exceed by much, as measured with a large layer that does nothing else."""

    operations: float  # a second
    memory: float  # bytes a second, of tensors too large for any cache
    cache: float  # the same, of small ones


def roof_of(device: torch.device | str, rounds=5) -> Roof:
    """Measure the device: how fast it multiplies in float32, and how fast it copies.

    It multiplies with as many threads and the same settings as a network: two matrices, or, if
    that is faster, all pixels of some pictures by one (a 1x1 convolution).

    Raises:
        InvalidArgumentError: there is no such device here, or rounds is below 1.
    """
    check_measurement(torch.empty(0), rounds)
    clock = clock_of(device)
    on_cpu = torch.device(device).type == "cpu"
    side, small = (1024, 2**20) if on_cpu else (4096, 2**24)  # a GPU needs more to be busy
    with torch.no_grad():
        matrix = torch.rand(side, side, device=device)
        pictures = matrix.view(4, side // 4, 32, side // 32)
        kernel = matrix[: side // 4, : side // 4, None, None].contiguous()
        products = (lambda: matrix @ matrix, lambda: F.conv2d(pictures, kernel))
        speeds = [count(job).operations / least_seconds(job, clock, rounds) for job in products]
        memory, cache = (_bytes_a_second(n, clock, device, rounds) for n in (2**27, small))
    return Roof(max(speeds), memory, cache)


def _bytes_a_second(n_bytes: int, clock: Clock, device: torch.device | str, rounds: int) -> float:
    """How fast a tensor of so many bytes is copied, bytes read and bytes written together."""
    source = torch.rand(n_bytes // 4, device=device)
    target = torch.empty_like(source)
    n_times = 2**27 // n_bytes  # or the clock would be too coarse

    def copy() -> None:
        for _ in range(n_times):
            target.copy_(source)

    return 2 * n_bytes * n_times / least_seconds(copy, clock, rounds)


def least_seconds(job: Callable[[], object], clock: Clock, rounds: int) -> float:
    """Of some rounds, after one that is not timed: at best, and so not the median."""
    job()
    taken = []
    for _ in range(rounds):
        start = clock()
        job()
        taken.append(clock() - start)
    return min(taken)
