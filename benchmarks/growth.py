"""Whether tables and tools grow with their models no worse than linearly.

A row says how much longer the larger model takes, as a multiple of how much larger it is.
"""

import contextlib
import io
import random
from collections.abc import Callable, Iterator

import torch
from timing import Row, interleaved
from torch import nn
from torchvision.models import resnet18, resnet34, resnet152

from resnet_helpers.debugging import activation_stats, find_first_nan, first_divergence
from resnet_helpers.param_count import print_param_count

X = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
WANTED = 1.2  # 1 is linear; noise


def toy(n_layers: int) -> nn.Module:
    """Convolutions and batchnorms in turn, so many together."""
    pairs = [(nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3)) for _ in range(n_layers // 2)]
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


def odd_widths(n_layers: int, seed: int) -> nn.Module:
    """Linear layers of random widths: two of these differ nearly everywhere."""
    rng = random.Random(seed)
    widths = [rng.randint(1, 8) for _ in range(n_layers + 1)]
    return nn.Sequential(*map(nn.Linear, widths, widths[1:]))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "ResNet18": resnet18,
    "ResNet34": resnet34,
    "ResNet152": resnet152,
    "1000 layers": lambda: toy(1000),
}
TOOLS: dict[str, Callable[[nn.Module, nn.Module], object]] = {
    "print_param_count": lambda a, b: print_param_count(a, b),
    "first_divergence": lambda a, b: first_divergence(a, b, X),
    "find_first_nan": lambda a, _: find_first_nan(a, X),
    "activation_stats": lambda a, _: activation_stats(a, X),
}


def quietly(tool: Callable, a: nn.Module, b: nn.Module) -> None:
    """Run it; what it prints is not the matter here."""
    with contextlib.redirect_stdout(io.StringIO()):
        tool(a, b)


def growth(tool: Callable, models: dict[str, tuple], rounds: int) -> Iterator[tuple[str, list]]:
    """For each model but the first: the growth of the time by the growth of the entries."""
    jobs = {name: lambda pair=pair: quietly(tool, *pair) for name, pair in models.items()}
    taken = interleaved(jobs, rounds)
    sizes = {name: len(pair[0].state_dict()) for name, pair in models.items()}
    first, *others = models
    for name in others:
        larger = sizes[name] / sizes[first]
        yield name, [b / a / larger for a, b in zip(taken[first], taken[name], strict=True)]


def rows(rounds: int = 3) -> Iterator[Row]:
    """Each tool by the ResNets and a toy, against ResNet18; and two models that differ."""
    models = {name: (make().eval(), make().eval()) for name, make in MODELS.items()}
    forward = ("a forward pass itself", lambda a, _: a(X))
    with torch.no_grad():
        for tool, run in (forward, *TOOLS.items()):
            for name, values in growth(run, models, rounds):
                wanted = None if tool == forward[0] else WANTED
                yield Row(f"{tool}: {name}", values, "ResNet18's, by entries", wanted)
    unlike = {
        f"{n} layers": (odd_widths(n, seed=0), odd_widths(n, seed=1)) for n in (250, 500, 1000)
    }
    for name, values in growth(TOOLS["print_param_count"], unlike, rounds):
        yield Row(f"print_param_count: {name}, unlike", values, "250 layers', by entries", WANTED)
