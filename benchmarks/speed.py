"""How fast the course's ResNet34 is, as a multiple of torchvision's time."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from timing import Job, Row, interleaved, ratios
from torch import Tensor, nn
from torchvision.models import resnet34

from resnet_helpers.solutions import ResNet34, copy_weights


def train_step(model: nn.Module, x: Tensor, labels: Tensor) -> Job:
    """A job: one step of gradient descent."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def rows(rounds: int = 7, batch: int = 4) -> Iterator[Row]:
    """A forward pass in eval mode, and a training step."""
    x = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(batch)
    reference = resnet34()
    models = {"ours": copy_weights(ResNet34(), reference), "torchvision": reference}

    for model in models.values():
        model.eval()
    forward = {name: lambda model=model: model(x) for name, model in models.items()}
    with torch.no_grad():
        taken = interleaved(forward, rounds)
    against = ratios(taken["ours"], taken["torchvision"])
    yield Row(f"our ResNet34, eval, {batch} pictures", against, "torchvision's")

    for model in models.values():
        model.train()
    steps = {name: train_step(model, x, labels) for name, model in models.items()}
    taken = interleaved(steps, rounds)
    against = ratios(taken["ours"], taken["torchvision"])
    yield Row(f"our ResNet34, training step, {batch} pictures", against, "torchvision's")
