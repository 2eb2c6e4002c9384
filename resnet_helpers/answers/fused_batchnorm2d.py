"""Answers to FusedBatchNorm2d."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import BatchNorm2d

fused_batchnorm2d = Answers("FusedBatchNorm2d", globals())
right, wrong = fused_batchnorm2d.right, fused_batchnorm2d.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class Addcmul(BatchNorm2d):
    def forward(self, x):
        if self.training:
            n = x.numel() // self.num_features
            if n == 1:
                raise ValueError("more than 1 value per channel is needed")
            var, mean = torch.var_mean(x, dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * (n / (n - 1)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight * torch.rsqrt(var + self.eps)
        shift = self.bias - mean * scale
        return torch.addcmul(shift[:, None, None], x, scale[:, None, None])


@right
class TimesPlus(BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            n = len(x) * x.shape[2] * x.shape[3]
            if n < 2:
                raise ValueError(f"one value per channel in {tuple(x.shape)}")
            mean = x.mean((0, 2, 3))
            var = x.var((0, 2, 3), correction=0)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach()
            self.running_var = (1 - m) * self.running_var + m * var.detach() * n / (n - 1)
            self.num_batches_tracked += 1
        std = torch.sqrt(var + self.eps)
        scale = (self.weight / std).reshape(1, -1, 1, 1)
        shift = (self.bias - mean * self.weight / std).reshape(1, -1, 1, 1)
        return x * scale + shift


@right
class InPlace(BatchNorm2d):
    def line(self, mean, var):
        a = self.weight * (var + self.eps) ** -0.5
        b = self.bias - a * mean
        return a.view(1, self.num_features, 1, 1), b.view(1, self.num_features, 1, 1)

    def forward(self, x):
        if not self.training:
            a, b = self.line(self.running_mean, self.running_var)
            y = a * x
            y += b
            return y
        n = x[:, 0].numel()
        if n == 1:
            raise ValueError("give me more pictures, or larger ones")
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        var = (x - mean).square().mean(dim=(0, 2, 3))
        mean = mean.flatten()
        with torch.no_grad():
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * n / (n - 1) - self.running_var)
            self.num_batches_tracked.add_(1)
        a, b = self.line(mean, var)
        return torch.add(a * x, b)


@right
class FromScratch(nn.Module):
    def __init__(self, num_features, eps=1e-05, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


# ---- Wrong ----------------------------------------------------------------------------------

SHIFT = "self.bias - mean * scale"
RSQRT = "torch.rsqrt(var + self.eps)"
LINE = "torch.addcmul(shift[:, None, None], x, scale[:, None, None])"

wrong(
    "textbook formula",
    TimesPlus,
    {
        "scale = (self.weight / std).reshape(1, -1, 1, 1)\n"
        "shift = (self.bias - mean * self.weight / std).reshape(1, -1, 1, 1)\n"
        "return x * scale + shift": (
            "x_hat = (x - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)\n"
            "return x_hat * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)"
        )
    },
)
wrong(
    "mean subtracted from x",
    Addcmul,
    {LINE: "(x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]"},
)
wrong("mean not scaled", Addcmul, {SHIFT: "self.bias - mean"})
wrong("mean not scaled", TimesPlus, {"mean * self.weight / std": "mean"})
wrong(
    "weight and bias swapped",
    Addcmul,
    {"self.weight * torch": "self.bias * torch", SHIFT: "self.weight - mean * scale"},
)
wrong("mean added", Addcmul, {SHIFT: "self.bias + mean * scale"})
wrong("mean forgotten", Addcmul, {SHIFT: "self.bias"})
wrong("bias forgotten", Addcmul, {SHIFT: "-mean * scale"})
wrong("bias scaled", Addcmul, {SHIFT: "(self.bias - mean) * scale"})
wrong("shift with the wrong sign", InPlace, {"self.bias - a * mean": "a * mean - self.bias"})
wrong("weight forgotten in shift", TimesPlus, {"mean * self.weight / std": "mean / std"})
wrong("weight forgotten", Addcmul, {"self.weight * torch": "torch"})
wrong("weight forgotten in scale", TimesPlus, {"(self.weight / std)": "(1 / std)"})
wrong("eps forgotten", Addcmul, {RSQRT: "torch.rsqrt(var)"})
wrong(
    "eps outside the root", TimesPlus, {"torch.sqrt(var + self.eps)": "torch.sqrt(var) + self.eps"}
)
wrong("eps hard-coded", Addcmul, {RSQRT: "torch.rsqrt(var + 1e-5)"})
wrong("divided by the variance", InPlace, {"** -0.5": "** -1"})
wrong("multiplied by the standard deviation", Addcmul, {"torch.rsqrt": "torch.sqrt"})
wrong("multiplied by the standard deviation", TimesPlus, {"torch.sqrt": "torch.rsqrt"})
wrong("scale and shift swapped", TimesPlus, {"x * scale + shift": "x * shift + scale"})
wrong(
    "addcmul's arguments in another order",
    Addcmul,
    {LINE: "torch.addcmul(x, scale[:, None, None], shift[:, None, None])"},
)
wrong("shift with the wrong sign", TimesPlus, {"x * scale + shift": "x * scale - shift"})
wrong("shift forgotten", TimesPlus, {"x * scale + shift": "x * scale"})
wrong("scale forgotten", TimesPlus, {"x * scale + shift": "x + shift"})
wrong("brackets around x + shift", TimesPlus, {"x * scale + shift": "(x + shift) * scale"})
wrong("scale and shift along the width", Addcmul, {LINE: "torch.addcmul(shift, x, scale)"})
wrong(
    "scale and shift along the batch",
    TimesPlus,
    {"std).reshape(1, -1, 1, 1)\nshift": "std).reshape(-1, 1, 1, 1)\nshift"}
    | {"std).reshape(1, -1, 1, 1)\nreturn": "std).reshape(-1, 1, 1, 1)\nreturn"},
)
wrong("unbiased variance", Addcmul, {", unbiased=False": ""})
wrong("var_mean the other way round", Addcmul, {"var, mean = torch": "mean, var = torch"})
wrong(
    "batch statistics in eval mode",
    TimesPlus,
    {
        "mean = x.mean((0, 2, 3))\nvar = x.var((0, 2, 3), correction=0)\n": "",
        "if self.training:": (
            "mean = x.mean((0, 2, 3))\nvar = x.var((0, 2, 3), correction=0)\nif self.training:"
        ),
    },
)
wrong(
    "running statistics in train mode",
    FromScratch,
    {"self.training,\n": "False,\n"},
)
