"""One thread for computations too small to share.

Several threads wait for each other after every layer: on tensors of a few kilobytes that costs more
than it brings, and ten times as much where other programs, or a container's limits, hold one up.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread in the block, or in the function this decorates."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
