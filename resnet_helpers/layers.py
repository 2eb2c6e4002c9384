"""The layers the course gives away: Sequential, Conv2d, Linear, ReLU and MaxPool2d.

Each is an `nn.Module` holding `nn.Parameter`s and calling one functional operation, so nothing
in the network at the end is a black box. Weights start out exactly as PyTorch's own layers' do.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Sequential(nn.Module):
    """Modules applied one after another, each to the output of the one before.

    The modules live in `self._modules`, the ordered dictionary in which every `nn.Module` keeps
    its children: that is why `parameters()`, `state_dict()` and `print` find them.
    """

    def __init__(self, *modules: nn.Module):
        super().__init__()
        for index, module in enumerate(modules):
            self.add_module(str(index), module)

    def _name_at(self, index: int) -> str:
        """The name of the module at `index`; negative indices count from the end.

        Raises:
            IndexError: there is no module at `index`.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} modules")
        return list(self._modules)[index]

    def __getitem__(self, index: int) -> nn.Module:
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: nn.Module) -> None:
        setattr(self, self._name_at(index), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._modules.values())

    def forward(self, x: Tensor) -> Tensor:
        for module in self:
            x = module(x)
        return x


class Conv2d(nn.Module):
    """A square convolution without bias, like `nn.Conv2d(..., bias=False)`.

    Every convolution of a ResNet is followed by batchnorm, which would subtract a bias again.

    Shape: (batch, in_channels, height, width) -> (batch, out_channels, out_height, out_width),
    where out_height = (height + 2 * padding - kernel_size) // stride + 1.

    Raises:
        TypeError: kernel_size is a pair, as nn.Conv2d would take it.
    """

    weight: Float[nn.Parameter, "out_channels in_channels kernel_height kernel_width"]
    bias, dilation, groups = None, 1, 1  # which nn.Conv2d can have otherwise

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride=1, padding=0):
        super().__init__()
        if isinstance(kernel_size, (tuple, list)):
            raise TypeError(f"kernel_size is one number, for a square, and not {kernel_size}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # as nn.Conv2d: ±1/sqrt(fan_in)

    def forward(
        self, x: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch out_channels out_height out_width"]:
        return F.conv2d(x, self.weight, stride=self.stride, padding=self.padding)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}"
        )


class Linear(nn.Module):
    """A fully connected layer, x @ weight.T + bias, like `nn.Linear`.

    Shape: (..., in_features) -> (..., out_features).
    """

    weight: Float[nn.Parameter, "out_features in_features"]
    bias: Float[nn.Parameter, "out_features"] | None

    def __init__(self, in_features: int, out_features: int, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if bias:
            bound = 1 / math.sqrt(in_features)
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))
        else:
            self.bias = None

    def forward(self, x: Float[Tensor, "... in_features"]) -> Float[Tensor, "... out_features"]:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class ReLU(nn.Module):
    """max(x, 0), elementwise. Shape: any -> the same."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class MaxPool2d(nn.Module):
    """The largest value of each window, like `nn.MaxPool2d`; the stride defaults to the window.

    Shape: (batch, channels, height, width) -> (batch, channels, out_height, out_width).
    """

    def __init__(self, kernel_size: int, stride: int | None = None, padding=0):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels out_height out_width"]:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
