"""Lesson 8's treatments at ten pictures, against torchvision's network and its best."""

import copy
from collections.abc import Iterator

import torch
from speed import pictures, train_step
from timing import Row, interleaved, ratios
from torch import nn
from torchvision.models import resnet34

from resnet_helpers import solutions
from resnet_helpers.race import compiled, has_fast_bfloat16, in_bfloat16
from resnet_helpers.solutions import BatchNorm2d, FusedBatchNorm2d, ResNet34, copy_weights
from resnet_helpers.speed import fold

PICTURES = 10
PLAIN, IN_ORDER = "torchvision's", "torchvision's in channels_last"
COMPILED = "torchvision's compiled"


def with_lines() -> nn.Module:
    """Our ResNet34 with FusedBatchNorm2d throughout."""
    solutions.BatchNorm2d = FusedBatchNorm2d  # by this name its blocks make their batchnorms
    try:
        return ResNet34()
    finally:
        solutions.BatchNorm2d = BatchNorm2d


def channels_last(model: nn.Module) -> nn.Module:
    """A copy of the model in that memory format."""
    return copy.deepcopy(model).to(memory_format=torch.channels_last)


def rows(rounds: int = 7) -> Iterator[Row]:
    """One row for each treatment, and for torchvision's network so treated."""
    reference = resnet34().eval()
    lines = copy_weights(with_lines(), reference).eval()
    folded = fold(copy_weights(ResNet34(), reference).eval())
    fast = channels_last(folded)
    x = pictures(PICTURES)
    networks = {
        PLAIN: reference,
        IN_ORDER: channels_last(reference),
        "torchvision's folded, channels_last": channels_last(fold(reference)),
        "batchnorm as a line": lines,
        "folded": folded,
        "folded, channels_last": fast,
    }
    networks["folded, channels_last, compiled"] = compiled(fast, x)
    networks[COMPILED] = compiled(reference, x)
    if has_fast_bfloat16("cpu"):
        networks["folded, channels_last, bfloat16"] = in_bfloat16(fast)
    networks = {name: network for name, network in networks.items() if network is not None}
    with torch.no_grad():
        jobs = {name: lambda network=network: network(x) for name, network in networks.items()}
        taken = interleaved(jobs, rounds)
    memory = "most of what is left is PyTorch's convolutions, which both use"
    for name, baseline, wanted in (
        *((name, PLAIN, 0.8 if name == "folded, channels_last" else None) for name in networks),
        ("folded, channels_last", IN_ORDER, 1.0),
        ("folded, channels_last, compiled", COMPILED, 1.05),
    ):
        if name in taken and baseline in taken and name != baseline:
            against = ratios(taken[name], taken[baseline])
            yield Row(f"{name}, eval, {PICTURES}", against, baseline, wanted, memory)

    models = {"line": lines.train(), PLAIN: reference.train()}
    labels = torch.arange(PICTURES)
    steps = {name: train_step(model, x, labels) for name, model in models.items()}
    taken = interleaved(steps, rounds=3)
    against = ratios(taken["line"], taken[PLAIN])
    yield Row(f"batchnorm as a line, training step, {PICTURES}", against, PLAIN)
