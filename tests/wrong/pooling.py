"""AveragePool as learners write it, wrong in each known way and right in several."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import nn

from wrong import makes, solves

# ---- Wrong ----------------------------------------------------------------------------------


@makes("AveragePool", "keepdim")
class KeepsAxes(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return self.pool(x)


@makes("AveragePool", "mean of the whole tensor")
class WholeTensor(nn.Module):
    def forward(self, x):
        return torch.mean(x)


@makes("AveragePool", "sum")
class Sum(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> b c", "sum")


@makes("AveragePool", "max")
class Max(nn.Module):
    def forward(self, x):
        return F.adaptive_max_pool2d(x, 1).flatten(1)


@makes("AveragePool", "median")
class Median(nn.Module):
    def forward(self, x):
        values, _ = rearrange(x, "b c h w -> b c (h w)").median(dim=-1)
        return values


@makes("AveragePool", "batch axis averaged")
class BatchToo(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> c", "mean")


@makes("AveragePool", "channels averaged")
class ChannelsToo(nn.Module):
    def forward(self, x):
        return x.flatten(1).mean(1)


@makes("AveragePool", "channel and height averaged")
class CountsFromOne(nn.Module):
    def forward(self, x):
        return torch.mean(x, dim=[1, 2])


@makes("AveragePool", "height only")
class HeightOnly(nn.Module):
    def forward(self, x):
        return x.sum(dim=-2) / x.size(-2)


@makes("AveragePool", "width only")
class WidthOnly(nn.Module):
    def forward(self, x):
        return x.mean(-1)


@makes("AveragePool", "corner taken")
class Corner(nn.Module):
    def forward(self, x):
        batch, channels, _, _ = x.shape
        return x.reshape(batch, channels, -1)[..., 0]


@makes("AveragePool", "divided by the width twice")
class DividedByWidth(nn.Module):
    def forward(self, x):
        width = x.shape[-1]
        return x.sum(dim=3).sum(dim=2) / (width * width)


@makes("AveragePool", "flattened")
class Flattened(nn.Module):
    def forward(self, x):
        return rearrange(x, "b c h w -> b (c h w)")


@makes("AveragePool", "axes of size 1 squeezed away")
class Squeezed(nn.Module):
    def forward(self, x):
        return F.adaptive_avg_pool2d(x, (1, 1)).squeeze()


@makes("AveragePool", "batch and channels swapped")
class Swapped(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> c b", "mean")


@makes("AveragePool", "input changed in place")
class InPlace(nn.Module):
    def forward(self, x):
        x /= x.shape[2] * x.shape[3]
        return x.sum((2, 3))


@makes("AveragePool", "fixed number of positions")
class FortyNine(nn.Module):
    def forward(self, x):
        return torch.sum(x, dim=(2, 3)) / 49


@makes("AveragePool", "batch and channels averaged")
class LeavesAPicture(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> h w", "mean")


@makes("AveragePool", "cut off from the graph")
class WithoutGradients(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            return x.mean(dim=(2, 3))


@makes("AveragePool", "a fixed window")
class FixedWindow(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size=7)

    def forward(self, x):
        return self.pool(x).squeeze(-1).squeeze(-1)


# ---- Right ----------------------------------------------------------------------------------


@solves("AveragePool")
class MeanOfMeans(nn.Module):
    def forward(self, x):
        return x.mean(3).mean(2)


@solves("AveragePool")
class Einops(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> b c", "mean")


@solves("AveragePool")
class Adaptive(nn.AdaptiveAvgPool2d):
    def __init__(self):
        super().__init__(output_size=1)

    def forward(self, x):
        return super().forward(x).flatten(start_dim=1)


@solves("AveragePool")
class WholeWindow(nn.Module):
    def forward(self, x):
        return F.avg_pool2d(x, kernel_size=x.shape[2:]).squeeze(3).squeeze(2)


@solves("AveragePool")
class SumDivided(nn.Module):
    def forward(self, x):
        *_, height, width = x.size()
        return torch.einsum("bchw->bc", x) / (height * width)


@solves("AveragePool")
class ViewThenMean(nn.Module):
    def forward(self, x):
        batch, channels = x.shape[:2]
        return x.view(batch, channels, -1).mean(dim=-1)


@solves("AveragePool")
class InPlaceOnASum(nn.Module):
    def forward(self, x):
        total = x.sum((-2, -1))
        total /= x[0, 0].numel()
        return total
