"""How fast the course's ResNet34 is and how much memory it takes, as multiples of torchvision's."""

import subprocess
import sys
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from timing import Job, Row, interleaved, ratios
from torch import Tensor, nn
from torchvision.models import resnet34

from resnet_helpers.solutions import ResNet34, copy_weights

EVAL_ROUNDS = {1: 15, 10: 7, 64: 3}  # by the number of pictures
TRAINED = 16  # pictures in a training step
MEMORY_OF = """
import resource, torch, torch.nn.functional as F
from {module} import {network} as network
model = network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

def step(n, size):
    optimizer.zero_grad()
    F.cross_entropy(model(torch.ones(n, 3, size, size)), torch.arange(n)).backward()
    optimizer.step()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

{job}
"""
NETWORKS = {
    "ours": {"module": "resnet_helpers.solutions", "network": "ResNet34"},
    "torchvision": {"module": "torchvision.models", "network": "resnet34"},
}
IN_EVAL = "with torch.no_grad(): model.eval()(torch.ones(10, 3, 224, 224))\nprint(peak())"
IN_TRAINING = f"step({TRAINED}, 224)\nprint(peak())"
GROWTH = """
peaks = []
for _ in range(200):
    step(2, 64)
    peaks.append(peak())
print(peaks[19], peaks[-1])
"""


def train_step(model: nn.Module, x: Tensor, labels: Tensor) -> Job:
    """A job: one step of gradient descent."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def peak_memory(network: str, job: str) -> list[int]:
    """What a new Python that makes the network and does the job prints of its peak memory."""
    code = MEMORY_OF.format(job=job, **NETWORKS[network])
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [int(number) for number in done.stdout.split()]


def pictures(n: int) -> Tensor:
    """Noise of the usual size."""
    return torch.randn(n, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def rows() -> Iterator[Row]:
    """Forward passes in eval mode, a training step, peak memory, and whether that grows."""
    reference = resnet34()
    models = {"ours": copy_weights(ResNet34(), reference), "torchvision": reference}
    for model in models.values():
        model.eval()
    for n, rounds in EVAL_ROUNDS.items():
        x = pictures(n)
        forward = {name: lambda model=model, x=x: model(x) for name, model in models.items()}
        with torch.no_grad():
            taken = interleaved(forward, rounds)
        against = ratios(taken["ours"], taken["torchvision"])
        yield Row(f"our ResNet34, eval, pictures: {n}", against, "torchvision's")

    for model in models.values():
        model.train()
    x, labels = pictures(TRAINED), torch.arange(TRAINED)
    steps = {name: train_step(model, x, labels) for name, model in models.items()}
    taken = interleaved(steps, rounds=3)
    against = ratios(taken["ours"], taken["torchvision"])
    yield Row(f"our ResNet34, training step, pictures: {TRAINED}", against, "torchvision's")

    for what, job in (("eval, pictures: 10", IN_EVAL), (f"training step, {TRAINED}", IN_TRAINING)):
        peaks = [[peak_memory(name, job)[0] for name in NETWORKS] for _ in range(2)]
        against = ratios(*zip(*peaks, strict=True))
        yield Row(f"peak memory of ours, {what}", against, "torchvision's")
    after_20, after_200 = peak_memory("ours", GROWTH)
    yield Row(
        "peak memory of ours after 200 training steps",
        [after_200 / after_20],
        "after 20",
        wanted=1.02,
        note="something is kept from step to step",
    )
