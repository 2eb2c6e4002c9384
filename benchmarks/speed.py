"""How fast the course's ResNet34 is, as a multiple of torchvision's time.

Run it: python benchmarks/speed.py.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from timing import median_seconds
from torch import Tensor, nn
from torchvision.models import resnet34

from resnet_helpers.solutions import ResNet34, copy_weights


def train_step(model: nn.Module, x: Tensor, labels: Tensor) -> Callable[[], None]:
    """A job: one step of gradient descent."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def main(rounds: int = 7, batch: int = 4) -> None:
    """Measure, and print the table."""
    x = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(batch)
    reference = resnet34()
    models = {"ours": copy_weights(ResNet34(), reference), "torchvision": reference}
    print(f"ResNet34, {batch} pictures of 224x224, one thread")
    print(f"{'':<14}{'ours / torchvision':>18}")

    for model in models.values():
        model.eval()
    forward = {name: lambda model=model: model(x) for name, model in models.items()}
    with torch.no_grad():
        report("eval forward", median_seconds(forward, rounds))

    for model in models.values():
        model.train()
    steps = {name: train_step(model, x, labels) for name, model in models.items()}
    report("train step", median_seconds(steps, rounds))


def report(what: str, seconds: dict[str, float]) -> None:
    """Print a row of the table."""
    print(f"{what:<14}{seconds['ours'] / seconds['torchvision']:>18.2f}")


if __name__ == "__main__":
    main()
