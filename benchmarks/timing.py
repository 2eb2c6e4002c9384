"""How the benchmarks time things: side by side in one run, since only ratios carry over.

In processor time on one thread, which other programs on the machine hardly change.
"""

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def median_seconds(jobs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median time of each job; each round runs all, so that all meet the same noise."""
    torch.set_num_threads(1)
    seconds = {name: [] for name in jobs}
    for job in jobs.values():  # once for what only the first call costs
        job()
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}
