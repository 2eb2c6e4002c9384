"""What the debugging tools cost, as multiples of plain forward passes of a ResNet34."""

from collections.abc import Iterator

import torch
from timing import Row, interleaved, ratios
from torchvision.models import resnet34

from resnet_helpers.debugging import activation_stats, find_first_nan, first_divergence
from resnet_helpers.solutions import ResNet34, copy_weights


def rows(rounds: int = 5, batch: int = 4) -> Iterator[Row]:
    """Each of the three tools."""
    x = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    reference = resnet34().eval()
    mine = copy_weights(ResNet34(), reference).eval()
    jobs = {
        "one": lambda: mine(x),
        "two": lambda: (mine(x), reference(x)),
        "first_divergence": lambda: first_divergence(mine, reference, x),
        "find_first_nan": lambda: find_first_nan(mine, x),
        "activation_stats": lambda: activation_stats(mine, x),
    }
    with torch.no_grad():
        taken = interleaved(jobs, rounds)
    for tool, plain, wanted in (
        ("first_divergence", "two", 2.5),
        ("find_first_nan", "one", 1.5),
        ("activation_stats", "one", None),
    ):
        plural = "es" if plain == "two" else ""
        yield Row(tool, ratios(taken[tool], taken[plain]), f"{plain} forward pass{plural}", wanted)
