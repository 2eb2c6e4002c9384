"""A device for machines that have none: tensors there refuse to meet ordinary ones.

    with Elsewhere():
        model = move(model)
        model(x)  # RuntimeError, as on a GPU
        model(x.to(next(model.parameters()).device))

Like tensors on a GPU, they become ordinary ones by `.cpu()` alone, and `.numpy()` raises.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("xla:0")  # one that no machine for these tests has


class ElsewhereTensor(Tensor):
    """A tensor on that device."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __deepcopy__(self, memo: dict) -> Tensor:
        away = self.detach().clone().as_subclass(ElsewhereTensor)
        if isinstance(self, nn.Parameter):
            away = nn.Parameter(away, self.requires_grad)
        memo[id(self)] = away
        return away


def is_away(thing: Any) -> bool:
    return isinstance(thing, ElsewhereTensor)


class Elsewhere(TorchFunctionMode):
    """While this is active, there is that device."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, Tensor)]
        away = [tensor for tensor in tensors if is_away(tensor)]
        if away and func == Tensor.device.__get__:
            return DEVICE
        if func == Tensor.cpu:
            return args[0].as_subclass(Tensor)
        if func == Tensor.__format__:  # which asks for the type Tensor itself
            return format(args[0].as_subclass(Tensor), *args[1:])
        if func == Tensor.to:
            return self.to(*args, **kwargs)
        if away and func == torch._has_compatible_shallow_copy_type:
            return False  # so that Module.to makes new parameters, as between real devices
        if func == Tensor.copy_:  # the one operation that may have tensors on two devices
            args = (args[0], args[1].as_subclass(Tensor), *args[2:])
            return func(*args, **kwargs)
        if away and func in (Tensor.numpy, Tensor.__array__):
            raise TypeError(f"can't convert a tensor on {DEVICE} to numpy: use .cpu() first")
        if away and any(tensor.dim() and not is_away(tensor) for tensor in tensors):
            raise RuntimeError(f"{func.__name__}: expected all tensors to be on the same device")
        result = func(*args, **kwargs)
        if not away or isinstance(result, torch.Size):  # of which tree_map makes a tuple
            return result
        return tree_map(
            lambda t: t.as_subclass(ElsewhereTensor) if type(t) is Tensor else t, result
        )

    @staticmethod
    def to(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The tensor on another device, of another dtype, or both, as Tensor.to gives it."""
        wanted = [*args, *kwargs.values()]
        for other in [thing for thing in wanted if isinstance(thing, Tensor)]:  # x.to(other)
            wanted += [DEVICE if is_away(other) else "cpu", other.dtype]
        places = [torch.device(thing) for thing in wanted if isinstance(thing, torch.device | str)]
        goes_away = places[0] == DEVICE if places else is_away(tensor)
        moved = tensor.as_subclass(Tensor)
        for dtype in (thing for thing in wanted if isinstance(thing, torch.dtype)):
            moved = moved.to(dtype)
        return moved.as_subclass(ElsewhereTensor) if goes_away else moved


def move(model: nn.Module) -> nn.Module:
    """Put a model there; only inside `with Elsewhere()`."""
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                away = parameter.detach().as_subclass(ElsewhereTensor)
                module._parameters[name] = nn.Parameter(away)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.as_subclass(ElsewhereTensor)
    return model
