"""Answers to AveragePool."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import nn

from resnet_helpers.answers.edits import Answers

averagepool = Answers("AveragePool", globals())
right, wrong = averagepool.right, averagepool.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class Mean(nn.Module):
    def forward(self, x):
        return torch.mean(x, dim=(2, 3))


@right
class MeanOfMeans(nn.Module):
    def forward(self, x):
        return x.mean(3).mean(2)


@right
class Einops(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> b c", "mean")


@right
class Adaptive(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return self.pool(x).flatten(1)


@right
class AdaptiveSubclass(nn.AdaptiveAvgPool2d):
    def __init__(self):
        super().__init__(output_size=1)

    def forward(self, x):
        return super().forward(x).flatten(start_dim=1)


@right
class WholeWindow(nn.Module):
    def forward(self, x):
        return F.avg_pool2d(x, kernel_size=x.shape[2:]).squeeze(3).squeeze(2)


@right
class SumDivided(nn.Module):
    def forward(self, x):
        _, _, height, width = x.shape
        return x.sum((2, 3)) / (height * width)


@right
class Einsum(nn.Module):
    def forward(self, x):
        *_, height, width = x.size()
        return torch.einsum("bchw->bc", x) / (height * width)


@right
class Flattened(nn.Module):
    def forward(self, x):
        batch, channels = x.shape[:2]
        positions = x.view(batch, channels, -1)
        return positions.mean(dim=-1)


@right
class EinopsThenMean(nn.Module):
    def forward(self, x):
        positions = rearrange(x, "b c h w -> b c (h w)")
        return positions.mean(dim=-1)


@right
class InPlaceOnASum(nn.Module):
    def forward(self, x):
        total = x.sum((-2, -1))
        total /= x[0, 0].numel()
        return total


# ---- Wrong ----------------------------------------------------------------------------------

wrong("keepdim", Adaptive, {".flatten(1)": ""})
wrong("mean of the whole tensor", Mean, {", dim=(2, 3)": ""})
wrong("sum", Einops, {"mean": "sum"})
wrong("max", WholeWindow, {"avg_pool2d": "max_pool2d"})
wrong(
    "median",
    EinopsThenMean,
    {"return positions.mean(dim=-1)": "values, _ = positions.median(dim=-1)\nreturn values"},
)
wrong("batch axis averaged", Einops, {"-> b c": "-> c"})
wrong("channels averaged", Mean, {"(2, 3)": "(1, 2, 3)"})
wrong("channel and height averaged", Mean, {"(2, 3)": "[1, 2]"})
wrong("height only", MeanOfMeans, {".mean(3)": ""})
wrong("width only", MeanOfMeans, {".mean(2)": ""})
wrong("corner taken", Flattened, {"positions.mean(dim=-1)": "positions[..., 0]"})
wrong("divided by the width twice", SumDivided, {"height * width": "width * width"})
wrong("divided by the height twice", SumDivided, {"height * width": "height**2"})
SQUEEZED = ".squeeze(3).squeeze(2)"
wrong(
    "a square window of the height",
    WholeWindow,
    {"kernel_size=x.shape[2:]": "x.shape[2]", SQUEEZED: ".flatten(1)"},
)
wrong(
    "a square window of the width",
    WholeWindow,
    {"kernel_size=x.shape[2:]": "x.size(3)", SQUEEZED: ".view(*x.shape[:2], -1).flatten(1)"},
)
wrong(
    "flattened", EinopsThenMean, {"b c (h w)": "b (c h w)", "positions.mean(dim=-1)": "positions"}
)
wrong("axes of size 1 squeezed away", Adaptive, {".flatten(1)": ".squeeze()"})
wrong("batch and channels swapped", Einops, {"-> b c": "-> c b"})
wrong(
    "input changed in place",
    SumDivided,
    {"return x.sum((2, 3)) / (height * width)": "x /= height * width\nreturn x.sum((2, 3))"},
)
wrong("fixed number of positions", SumDivided, {"(height * width)": "49"})
wrong("batch and channels averaged", Einops, {"-> b c": "-> h w"})
wrong("cut off from the graph", Mean, {"x, dim": "x.data, dim"})
wrong(
    "a fixed window",
    Adaptive,
    {"AdaptiveAvgPool2d(1)": "AvgPool2d(kernel_size=7)", ".flatten(1)": ".squeeze(-1).squeeze(-1)"},
)
wrong("divided by the height alone", SumDivided, {"(height * width)": "height"})
wrong("divided by the width alone", MeanOfMeans, {".mean(2)": ".sum(2)"})
DIVISOR = {"_, _, height, width": "a, b, c, d"}
for name, product in (
    ("channels and height", "(b * c)"),
    ("channels and width", "(b * d)"),
    ("batch and channels", "(a * b)"),
    ("batch, height and width", "(a * c * d)"),
    ("channels, height and width", "x[0].numel()"),
    ("the whole tensor's size", "x.numel()"),
):
    wrong(f"divided by {name}", SumDivided, {**DIVISOR, "(height * width)": product})
wrong(
    "channels cut across by reshape",
    Flattened,
    {"x.view(batch, channels, -1)": "x.view(batch, -1, channels)", "dim=-1": "dim=1"},
)
