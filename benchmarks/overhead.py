"""What the debugging tools cost, as multiples of plain forward passes of a ResNet34.

Run it: python benchmarks/overhead.py. It fails if a tool costs more than is claimed for it.
"""

import sys

import torch
from timing import median_seconds
from torchvision.models import resnet34

from resnet_helpers.debugging import activation_stats, find_first_nan, first_divergence
from resnet_helpers.solutions import ResNet34, copy_weights


def main(rounds: int = 9, batch: int = 4) -> int:
    """Measure, print the table, and return 1 if a tool costs more than claimed, else 0."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, 224, 224, generator=generator)
    reference = resnet34().eval()
    mine = copy_weights(ResNet34(), reference).eval()
    jobs = {
        "mine": lambda: mine(x),
        "reference": lambda: reference(x),
        "first_divergence": lambda: first_divergence(mine, reference, x),
        "find_first_nan": lambda: find_first_nan(mine, x),
        "activation_stats": lambda: activation_stats(mine, x),
    }
    with torch.no_grad():
        seconds = median_seconds(jobs, rounds)

    both, one = seconds["mine"] + seconds["reference"], seconds["mine"]
    claims = [
        ("first_divergence", "two plain forwards", both, 2.5),
        ("find_first_nan", "one plain forward", one, 1.5),
        ("activation_stats", "one plain forward", one, None),
    ]
    print(f"ResNet34, eval, {batch} pictures of 224x224, one thread")
    print(f"{'tool':<18}{'relative to':<20}{'ratio':>6}{'limit':>7}")
    too_slow = False
    for tool, unit, unit_seconds, limit in claims:
        ratio = seconds[tool] / unit_seconds
        too_slow = too_slow or (limit is not None and ratio > limit)
        print(f"{tool:<18}{unit:<20}{ratio:>6.2f}{limit or '-':>7}")
    return int(too_slow)


if __name__ == "__main__":
    sys.exit(main())
