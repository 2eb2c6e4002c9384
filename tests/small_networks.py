"""Small networks for the tests of the hook tools, alike at every run."""

import torch
from torch import Tensor, nn


class Fn(nn.Module):
    """forward is any function of (self, x); its modules are keywords."""

    def __init__(self, function, **modules: nn.Module):
        super().__init__()
        self._function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self._function(self, x)


def seeded(make, *args, seed=0, **kwargs) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(*args, **kwargs)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def mlp() -> nn.Sequential:
    return seeded(lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8)))


def spoiled() -> nn.Sequential:
    """An mlp with other weights in its last layer."""
    model = mlp()
    model[2].weight.data += 1
    return model


X = noise(3, 4)
LINEAR = seeded(nn.Linear, 4, 4)
