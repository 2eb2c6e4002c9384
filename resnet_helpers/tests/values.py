"""The values with which trials are made: fixed, irregular, and the same on every machine."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class WithoutInitialisation(TorchFunctionMode):
    """Within it, new layers keep whatever is in memory: to be filled, or looked at for shapes.

    Drawing the 21 million weights of a ResNet34 takes more time than all that a check does.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (Tensor.uniform_, Tensor.normal_):
            return args[0]
        if func in (nn.init.kaiming_uniform_, nn.init.kaiming_normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def fill(module: nn.Module, names: Sequence[str] | None = None) -> nn.Module:
    """Give every parameter and buffer fixed values that depend on its position and shape only.

    So two modules with the same entries in the same order get the same values, whatever they call
    them. The order is that of `names` if given, else of the state dict. Weights are scaled to keep
    the activations' size; vectors lie between 0.5 and 1.5.
    """
    entries = module.state_dict()
    with torch.no_grad():
        for position, name in enumerate(names or entries):
            entry = entries[name]
            generator = torch.Generator().manual_seed(position)
            if entry.ndim >= 2:
                fan_in = entry[0].numel()
                entry.normal_(std=(2 / fan_in) ** 0.5, generator=generator)
            elif entry.is_floating_point():
                entry.uniform_(0.5, 1.5, generator=generator)
    return module


def made_up(*shape: int) -> Tensor:
    """A tensor of fixed, irregular values between -2 and 2: sines, so that no seed is needed."""
    return 2 * (torch.arange(torch.Size(shape).numel()) * 1.7).sin().reshape(shape)
