"""Answers to NanModule."""

import torch
from torch import nn

from resnet_helpers.answers.edits import Answers

nan_module = Answers("NanModule", globals())
right, wrong = nan_module.right, nan_module.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class FullLike(nn.Module):
    def forward(self, x):
        nans = torch.full_like(x, torch.nan)
        return nans


@right
class Product(nn.Module):
    def forward(self, x):
        return x * float("nan")


@right
class Filled(nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        y[:] = torch.nan
        return y


@right
class FlatCopyFilled(nn.Module):
    def forward(self, x):
        y = x.clone().flatten()
        y[:] = torch.nan
        return y.reshape(x.shape)


@right
class NewTensor(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = torch.nan

    def forward(self, x):
        return torch.full(x.size(), self.value, dtype=x.dtype, device=x.device)


@right
class Ones(nn.Module):
    def forward(self, x):
        return torch.ones_like(x) * torch.nan


@right
class ZeroByZero(nn.Module):
    def forward(self, x):
        zeros = torch.zeros_like(x)
        return zeros / zeros


# ---- Wrong ----------------------------------------------------------------------------------

wrong("a single NaN", Product, {'x * float("nan")': 'torch.tensor(float("nan"))'})
wrong("a Python float", Product, {"x * ": ""})
wrong("nothing returned", Filled, {"y[:] = torch.nan\nreturn y": "y[:] = torch.nan"})
wrong("first value only", FlatCopyFilled, {"[:]": "[0]"})
wrong("0 / 0", ZeroByZero, {"zeros = torch.zeros_like(x)\nreturn zeros / zeros": "return x / x"})
wrong("divided by 0", ZeroByZero, {"zeros / zeros": "x / zeros"})
wrong("infinity", Ones, {"torch.nan": "torch.inf"})
wrong("dtype not the input's", NewTensor, {", dtype=x.dtype": ""})
wrong("input changed in place", Filled, {"torch.empty_like(x)": "x"})
wrong(
    "train mode only",
    FullLike,
    {"return nans": "return nans if self.training else x"},
)
wrong("input returned", FullLike, {"return nans": "return x"})
