"""How the benchmarks time things: side by side in one run, since only ratios carry over.

In processor time on one thread, which other programs on the machine hardly change.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch

Job = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """A line of the table: a ratio to a baseline of the same run, or seconds."""

    what: str
    values: list[float]  # one a round
    baseline: str = ""  # "" means that the values are seconds
    wanted: float | None = None  # at most
    note: str = ""  # why it may be more

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        median, low, high = (f"{v:.3g}" for v in (self.median, min(self.values), max(self.values)))
        unit = f"x {self.baseline}" if self.baseline else "s"
        wanted = "" if self.wanted is None else f"{self.wanted:g}"
        missed = "  missed" if self.missed else ""
        return f"{self.what:<48}{median:>7} {unit:<32}{low + ' to ' + high:>16}{wanted:>8}{missed}"

    @property
    def missed(self) -> bool:
        """Whether it is more than wanted."""
        return self.wanted is not None and self.median > self.wanted


HEADER = f"{'':<48}{'median':>7} {'':<32}{'spread':>16}{'wanted':>8}"


def seconds(job: Job) -> float:
    """The processor time of one run."""
    start = time.process_time()
    job()
    return time.process_time() - start


def interleaved(jobs: Mapping[str, Job], rounds: int) -> dict[str, list[float]]:
    """The seconds of each job in each round; a round runs all, so that all meet the same noise."""
    torch.set_num_threads(1)
    for job in jobs.values():  # once for what only the first call costs
        job()
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            taken[name].append(seconds(job))
    return taken


def ratios(taken: Iterable[float], baseline: Iterable[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(taken, baseline, strict=True)]
