"""Lesson 8's table of what makes a network faster, which grows by a row with each treatment.

Every number in it is a ratio measured in that moment, so that no row compares two states of the
machine.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.arguments import as_number, check_function, said
from resnet_helpers.debugging.calls import check_is_module
from resnet_helpers.errors import InvalidArgumentError, one_line, says_what_failed
from resnet_helpers.measuring import check_measurement, check_runs, clock_of, least_seconds

Network = Callable[[Tensor], Tensor]
HEADER = ("", "yours", "torchvision's, so treated", "largest difference of your logits")


@dataclass(frozen=True)
class Row:
    """One treatment: both networks' times as multiples of torchvision's as it comes."""

    yours: float
    theirs: float | None
    difference: float  # of your logits and torchvision's

    def cells(self, treatment: str) -> tuple[str, ...]:
        """As they stand in the table."""
        theirs = "" if self.theirs is None else f"{self.theirs:.2f}"
        return treatment, f"{self.yours:.2f}", theirs, f"{self.difference:.2g}"


class Race:
    """Networks against torchvision's, on the same pictures, in eval mode and without gradients.

    As the last expression of a cell it is shown: a row for each treatment that was added.

    Args:
        reference: torchvision's network as it comes.
        x: the pictures.
        ratio: the exercise's answer, which does the measuring.
        rounds: of each ratio.

    Raises:
        InvalidArgumentError: reference is no model, or in train mode; x is no tensor of some
            pictures, ratio no function, or rounds below 1.
    """

    def __init__(self, reference: nn.Module, x: Tensor, ratio=solutions.ratio, rounds=3):
        check_is_module(reference, "The reference")
        check_measurement(x, rounds)
        check_function(ratio, "ratio", "your answer to the exercise")
        _require_eval_mode(reference, "The reference")
        self.reference, self.x, self.ratio, self.rounds = reference, x, ratio, rounds
        self.clock = clock_of(x.device)
        self.rows: dict[str, Row] = {}

    @torch.no_grad()
    def add(self, treatment: str, yours: Network, theirs: Network | None = None) -> "Race":
        """Measure a row, or measure it again; returns the whole table.

        Args:
            treatment: what was done to the networks, in a few words.
            yours: your network, or what calls it.
            theirs: torchvision's after the same treatment.

        Raises:
            InvalidArgumentError: a network is none, or in train mode.
            ModelFailedError: a network cannot be run on x, or gives something else than logits of
                the same shape as torchvision's; or ratio raises, or returns no number.
        """
        _require_eval_mode(yours, "Your network")
        check_function(yours, "Your network", "of a tensor, or a model")
        if theirs is not None:
            _require_eval_mode(theirs, "torchvision's network")
            check_function(theirs, "torchvision's network", "of a tensor, or a model")
        with says_what_failed("Your network cannot be compared with torchvision's on x"):
            difference = (yours(self.x) - self.reference(self.x)).abs().max().item()
        self.rows[treatment] = Row(
            self.against_reference(yours),
            None if theirs is None else self.against_reference(theirs),
            difference,
        )
        return self

    def against_reference(self, network: Network) -> float:
        """The network's time as a multiple of the reference's, in one interleaved run."""
        jobs = (lambda: network(self.x)), (lambda: self.reference(self.x))
        with says_what_failed("The times cannot be compared"):
            measured = self.ratio(*jobs, self.rounds, self.clock)
        return as_number(measured, "What ratio returns")

    def __repr__(self) -> str:
        lines = [HEADER, *(row.cells(treatment) for treatment, row in self.rows.items())]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "   ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])])
            for first, *rest in lines
        ]
        note = (
            "Time as a multiple of torchvision's as it comes, the median of "
            f"{self.rounds} rounds: {len(self.x)} pictures, device {self.x.device.type}, "
            f"threads {torch.get_num_threads()}."
        )
        return "\n".join([*table, note])


def _require_eval_mode(network: Network | None, which: str) -> None:
    if isinstance(network, nn.Module) and network.training:
        raise InvalidArgumentError(
            f"{which} is in train mode, and the others are not: they do not do the same work. "
            "Call its eval() first."
        )


# ---- Treatments that not every machine can give ------------------------------------------------


def compiled(network: nn.Module, x: Tensor) -> nn.Module | None:
    """torch.compile(network), compiled for inputs such as x; or None, and a line that says why.

    It needs a compiler: of C++ for the CPU, Triton for a GPU.

    Raises:
        InvalidArgumentError: network is no model, or x no tensor.
        ModelFailedError: the network cannot be run on x as it is.
    """
    check_is_module(network, "The network")
    check_measurement(x, rounds=1)
    check_runs(network, x)
    try:
        with torch.no_grad(), _without_warnings():
            fast = torch.compile(network)
            fast(x)
    except Exception as error:  # of a kind that depends on the version and on what is missing
        print(f"torch.compile does not work on this machine: {one_line(error)}")
        return None
    return fast


@contextmanager
def _without_warnings() -> Iterator[None]:
    """In the block nothing is logged or warned of but errors: compiling mentions what it misses."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def in_bfloat16(network: Network) -> Network:
    """The network under autocast: its products with 8 bits of precision, its logits in float32.

    Raises:
        InvalidArgumentError: it cannot be called.
    """
    if not callable(network) or isinstance(network, type):
        raise InvalidArgumentError(
            f"The network is {said(network)}: it has to be a model, or a function of a tensor."
        )

    def run(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return network(x).float()

    return run


def has_fast_bfloat16(device: torch.device | str) -> bool:
    """Whether the device multiplies matrices faster in bfloat16 than in float32, by trying it.

    Raises:
        InvalidArgumentError: there is no such device here.
    """
    clock = clock_of(device)
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.ones(512, 512, dtype=dtype, device=device)
        try:
            seconds.append(least_seconds(lambda m=matrix: m @ m, clock, rounds=5))
        except RuntimeError:  # not implemented there
            return False
    return seconds[1] < 0.9 * seconds[0]
