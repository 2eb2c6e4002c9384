"""BatchNorm2d as learners write it, wrong in each known way and right in many."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce, repeat
from torch import nn

from wrong import makes, solves


class Given(nn.Module):
    """What the exercise gives: __init__ in full. (extra_repr is left to the learner, too.)"""

    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def extra_repr(self):
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}"


# ---- Wrong: the variance and the momentum ---------------------------------------------------


@makes("BatchNorm2d", "unbiased variance when normalising")
class UnbiasedVariance(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3))
            self.running_mean = (
                1 - self.momentum
            ) * self.running_mean + self.momentum * mean.detach()
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var.detach()
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean[None, :, None, None]) / torch.sqrt(var[None, :, None, None] + self.eps)
        return x * self.weight[None, :, None, None] + self.bias[None, :, None, None]


@makes("BatchNorm2d", "biased variance in running_var")
class BiasedRunningVar(Given):
    def forward(self, x):
        if self.training:
            mean = reduce(x, "b c h w -> 1 c 1 1", "mean")
            var = reduce((x - mean) ** 2, "b c h w -> 1 c 1 1", "mean")
            with torch.no_grad():
                self.running_mean.lerp_(mean.flatten(), self.momentum)
                self.running_var.lerp_(var.flatten(), self.momentum)
                self.num_batches_tracked.add_(1)
        else:
            mean = rearrange(self.running_mean, "c -> 1 c 1 1")
            var = rearrange(self.running_var, "c -> 1 c 1 1")
        weight = rearrange(self.weight, "c -> 1 c 1 1")
        return weight * (x - mean) * torch.rsqrt(var + self.eps) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "momentum the wrong way round")
class MomentumReversed(Given):
    def forward(self, x):
        if self.training:
            var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
            n = x.shape[0] * x.shape[2] * x.shape[3]
            keep = self.momentum
            self.running_mean.data = keep * self.running_mean + (1 - keep) * mean.data
            self.running_var.data = keep * self.running_var + (1 - keep) * var.data * n / (n - 1)
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        std = (var + self.eps).sqrt()
        x_hat = (x.permute(0, 2, 3, 1) - mean) / std
        return (x_hat * self.weight + self.bias).permute(0, 3, 1, 2)


class WithUpdate(Given):
    """The update of the running statistics by itself: only `moved` is still to be written."""

    def moved(self, running, batch):
        raise NotImplementedError

    @torch.no_grad()
    def update(self, x):
        self.running_mean = self.moved(self.running_mean, x.mean((0, 2, 3)))
        self.running_var = self.moved(self.running_var, x.transpose(0, 1).flatten(1).var(1))
        self.num_batches_tracked += 1

    def forward(self, x):
        y = F.batch_norm(
            x,
            self.running_mean.clone(),
            self.running_var.clone(),
            self.weight,
            self.bias,
            self.training,
            0.0,
            self.eps,
        )
        if self.training:
            self.update(x)
        return y


@makes("BatchNorm2d", "momentum applied to both values")
class MomentumOnBoth(WithUpdate):
    def moved(self, running, batch):
        return self.momentum * (running + batch)


@makes("BatchNorm2d", "one minus momentum applied to both values")
class OneMinusMomentumOnBoth(WithUpdate):
    def moved(self, running, batch):
        rest = 1 - self.momentum
        return rest * running + rest * batch


@makes("BatchNorm2d", "momentum applied to the running value twice")
class RunningValueShrunkTwice(WithUpdate):
    def moved(self, running, batch):
        running = running * (1 - self.momentum)
        return running * (1 - self.momentum) + batch * self.momentum


@makes("BatchNorm2d", "running statistics updated twice")
class UpdatedTwice(Given):
    def forward(self, x):
        if self.training:
            F.batch_norm(
                x, self.running_mean, self.running_var, training=True, momentum=self.momentum
            )
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


@makes("BatchNorm2d", "plain average of all batches")
class PlainAverage(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.shown_momentum = momentum
        self.momentum = None

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.shown_momentum}"


@makes("BatchNorm2d", "batch added without momentum")
class BatchAddedWhole(WithUpdate):
    def moved(self, running, batch):
        return running * (1 - self.momentum) + batch


@makes("BatchNorm2d", "running value not decayed")
class NotDecayed(WithUpdate):
    def moved(self, running, batch):
        return running.add(batch, alpha=self.momentum)


@makes("BatchNorm2d", "running value replaced by the batch's")
class Replaced(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean((0, 2, 3))
            var = x.var((0, 2, 3), unbiased=False)
            self.running_mean.copy_(mean.detach())
            self.running_var.copy_(x.detach().var((0, 2, 3)))
            self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


@makes("BatchNorm2d", "momentum hard-coded")
class MomentumHardCoded(WithUpdate):
    def moved(self, running, batch):
        return torch.lerp(running, batch, 0.1)


@makes("BatchNorm2d", "eps outside the root")
class EpsOutside(Given):
    def forward(self, x):
        if self.training:
            mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3), unbiased=False)
            with torch.no_grad():
                m = self.momentum
                self.running_mean.mul_(1 - m).add_(m * mean)
                self.running_var.mul_(1 - m).add_(m * x.var((0, 2, 3)))
                self.num_batches_tracked += 1
        else:
            mean, std = self.running_mean, torch.sqrt(self.running_var)
        x = (x - mean.reshape(1, -1, 1, 1)) / (std.reshape(1, -1, 1, 1) + self.eps)
        return self.weight.reshape(1, -1, 1, 1) * x + self.bias.reshape(1, -1, 1, 1)


class WithStatistics(Given):
    """Everything but the last lines, `normalised`, where vectors come in shape (C, 1, 1)."""

    def normalised(self, x, mean, var, weight, bias):
        raise NotImplementedError

    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            values = x.numel() / self.num_features
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (var * values / (values - 1) - self.running_var)
            self.num_batches_tracked = self.num_batches_tracked + 1
        else:
            mean, var = self.running_mean, self.running_var
        vectors = (mean, var, self.weight, self.bias)
        return self.normalised(x, *(vector[:, None, None] for vector in vectors))


@makes("BatchNorm2d", "eps missing")
class EpsMissing(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return (x - mean) / var.sqrt() * weight + bias


@makes("BatchNorm2d", "eps squared")
class EpsSquared(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return (x - mean) * (var + self.eps**2) ** -0.5 * weight + bias


@makes("BatchNorm2d", "eps hard-coded")
class EpsHardCoded(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
        running = self.running_mean, self.running_var
        settings = self.weight, self.bias, self.training, self.momentum
        return F.batch_norm(x, *running, *settings)


@makes("BatchNorm2d", "divided by the variance")
class DividedByVariance(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        x_hat = (x - mean) / (var + self.eps)
        return x_hat * weight + bias


@makes("BatchNorm2d", "standard deviation under the root")
class RootOfStd(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean((0, 2, 3), keepdim=True)
            std = x.std((0, 2, 3), keepdim=True, unbiased=False)
            self.running_mean = torch.lerp(
                self.running_mean, mean.detach().squeeze(), self.momentum
            )
            var = x.detach().var((0, 2, 3))
            self.running_var = torch.lerp(self.running_var, var, self.momentum)
            self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            std = self.running_var.view(1, -1, 1, 1)
        out = (x - mean) / torch.sqrt(std + self.eps)
        return out * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "standard deviation in running_var")
class StdInRunningVar(Given):
    def forward(self, x):
        if self.training:
            var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.std((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        channels_last = (x.movedim(1, -1) - mean) / (var + self.eps).sqrt()
        return (channels_last * self.weight + self.bias).movedim(-1, 1)


@makes("BatchNorm2d", "multiplied by the standard deviation")
class Multiplied(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return (x - mean) * torch.sqrt(var + self.eps) * weight + bias


@makes("BatchNorm2d", "not centred")
class NotCentred(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return weight * x / torch.sqrt(var + self.eps) + bias


@makes("BatchNorm2d", "mean added")
class MeanAdded(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return weight * (x + mean) / (var + self.eps).sqrt() + bias


@makes("BatchNorm2d", "no brackets around x - mean")
class NoBrackets(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        x_hat = x - mean / torch.sqrt(var + self.eps)
        return x_hat * weight + bias


@makes("BatchNorm2d", "unbiased correction with the batch size")
class CorrectedWithBatchSize(Given):
    def forward(self, x):
        if self.training:
            n = x.shape[0]
            mean = x.mean((0, 2, 3))
            var = x.var((0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "unbiased correction with one picture's size")
class CorrectedWithPictureSize(WithUpdate):
    def moved(self, running, batch):
        return (1 - self.momentum) * running + self.momentum * batch

    @torch.no_grad()
    def update(self, x):
        _, _, height, width = x.shape
        var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
        self.running_mean = self.moved(self.running_mean, mean)
        n = height * width
        self.running_var = self.moved(self.running_var, n / (n - 1) * var)
        self.num_batches_tracked += 1


@makes("BatchNorm2d", "unbiased correction with the size of everything")
class CorrectedWithNumel(CorrectedWithPictureSize):
    @torch.no_grad()
    def update(self, x):
        squares = ((x - x.mean((0, 2, 3), keepdim=True)) ** 2).mean((0, 2, 3))
        self.running_mean = self.moved(self.running_mean, x.mean((0, 2, 3)))
        self.running_var = self.moved(self.running_var, squares / (1 - 1 / x.numel()))
        self.num_batches_tracked += 1


@makes("BatchNorm2d", "unbiased correction with the number of channels")
class CorrectedWithChannels(CorrectedWithPictureSize):
    @torch.no_grad()
    def update(self, x):
        n = self.num_features
        biased = torch.var(x, (0, 2, 3), correction=0)
        self.running_mean = self.moved(self.running_mean, torch.mean(x, (0, 2, 3)))
        self.running_var = self.moved(self.running_var, biased * n / (n - 1))
        self.num_batches_tracked += 1


@makes("BatchNorm2d", "unbiased correction upside down")
class CorrectedUpsideDown(Given):
    def forward(self, x):
        if self.training:
            n = x.numel() / x.shape[1]
            mean = x.mean((0, 2, 3))
            var = x.var((0, 2, 3), unbiased=False)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach()
            self.running_var = (1 - m) * self.running_var + m * var.detach() * (n - 1) / n
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + self.eps)
        return x * self.weight[:, None, None] + self.bias[:, None, None]


# ---- Wrong: the axes ------------------------------------------------------------------------


@makes("BatchNorm2d", "batch statistics over the batch only, running ones right")
class OverBatch(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(0, keepdim=True)
            var = x.var(0, keepdim=True, unbiased=False)
            with torch.no_grad():
                batch_mean = mean.mean((2, 3)).squeeze(0)
                self.running_mean.lerp_(batch_mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "batch statistics over space only, running ones right")
class InstanceNorm(Given):
    def forward(self, x):
        if self.training:
            mean = reduce(x, "b c h w -> b c 1 1", "mean")
            var = reduce((x - mean).square(), "b c h w -> b c 1 1", "mean")
            self.running_mean = (
                1 - self.momentum
            ) * self.running_mean + self.momentum * mean.detach().mean((0, 2, 3))
            self.running_var = (
                1 - self.momentum
            ) * self.running_var + self.momentum * x.detach().var((0, 2, 3))
            self.num_batches_tracked += 1
        else:
            mean = repeat(self.running_mean, "c -> b c 1 1", b=len(x))
            var = repeat(self.running_var, "c -> b c 1 1", b=len(x))
        x = (x - mean) / torch.sqrt(var + self.eps)
        return torch.einsum("bchw,c->bchw", x, self.weight) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "batch statistics over channels and space, running ones right")
class LayerNormInTraining(Given):
    def forward(self, x):
        c = self.num_features
        if not self.training:
            mean, var = self.running_mean.view(c, 1, 1), self.running_var.view(c, 1, 1)
        else:
            with torch.no_grad():
                F.batch_norm(
                    x, self.running_mean, self.running_var, training=True, momentum=self.momentum
                )
                self.num_batches_tracked += 1
            mean = x.mean((1, 2, 3), keepdim=True)
            var = x.var((1, 2, 3), keepdim=True, correction=0)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return torch.addcmul(self.bias.view(c, 1, 1), x_hat, self.weight.view(c, 1, 1))


@makes("BatchNorm2d", "statistics over everything")
class OverEverything(Given):
    def forward(self, x):
        if self.training:
            mean, var = x.mean(), x.var(unbiased=False)
            with torch.no_grad():
                self.running_mean.mul_(1 - self.momentum).add_(mean, alpha=self.momentum)
                self.running_var.mul_(1 - self.momentum).add_(x.var(), alpha=self.momentum)
                self.num_batches_tracked += 1
            x_hat = (x - mean) / torch.sqrt(var + self.eps)
        else:
            std = torch.sqrt(self.running_var + self.eps)
            x_hat = (x - self.running_mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)
        return x_hat * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "statistics over batch and height")
class WithoutWidth(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2), keepdim=True)
            var = x.var(dim=(0, 2), keepdim=True, unbiased=False)
            unbiased = x.detach().var(dim=(0, 2)).squeeze()
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach().squeeze()
            self.running_var = (1 - m) * self.running_var + m * unbiased
            self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "statistics over batch and width")
class WithoutHeight(Given):
    def forward(self, x):
        if self.training:
            mean = reduce(x, "b c h w -> c h", "mean")
            var = reduce(x**2, "b c h w -> c h", "mean") - mean**2
            n = x.shape[0] * x.shape[3]
            with torch.no_grad():
                new_var = (var * n / (n - 1)).squeeze()
                self.running_mean = self.running_mean.lerp(mean.squeeze(), self.momentum)
                self.running_var = self.running_var.lerp(new_var, self.momentum)
                self.num_batches_tracked += 1
            mean, var = mean[None, :, :, None], var[None, :, :, None]
        else:
            mean = rearrange(self.running_mean, "c -> 1 c 1 1")
            var = rearrange(self.running_var, "c -> 1 c 1 1")
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight[None, :, None, None] + self.bias[None, :, None, None]


class ByDim(Given):
    """One `dim` for all statistics, with the batch's own also where the running ones move."""

    dim: tuple[int, ...]

    def forward(self, x):
        if self.training:
            mean = x.mean(dim=self.dim, keepdim=True)
            var = x.var(dim=self.dim, keepdim=True, unbiased=False)
            with torch.no_grad():
                m = self.momentum
                unbiased = x.var(dim=self.dim)
                self.running_mean = (1 - m) * self.running_mean + m * mean.squeeze()
                self.running_var = (1 - m) * self.running_var + m * unbiased.squeeze()
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean[None, :, None, None]
            var = self.running_var[None, :, None, None]
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return x_hat * self.weight[None, :, None, None] + self.bias[None, :, None, None]


@makes("BatchNorm2d", "statistics over the batch only")
class AllOverBatch(ByDim):
    dim = (0,)


@makes("BatchNorm2d", "statistics over space only")
class AllOverSpace(ByDim):
    dim = (2, 3)


@makes("BatchNorm2d", "statistics over channels and space")
class AllOverChannels(ByDim):
    dim = (1, 2, 3)


@makes("BatchNorm2d", "batch statistics over batch and height, running ones right")
class BatchAndHeight(Given):
    def forward(self, x):
        if not self.training:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        else:
            self.num_batches_tracked += 1
            F.batch_norm(
                x.detach(), self.running_mean, self.running_var, None, None, True, self.momentum
            )
            mean = reduce(x, "b c h w -> 1 c 1 w", "mean")
            var = reduce((x - mean) ** 2, "b c h w -> 1 c 1 w", "mean")
        x_hat = (x - mean) * torch.rsqrt(var + self.eps)
        return x_hat * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "batch statistics over batch and width, running ones right")
class BatchAndWidth(Given):
    def forward(self, x):
        m = self.momentum
        if self.training:
            mean = x.mean((0, 3), keepdim=True)
            var = (x - mean).pow(2).mean((0, 3), keepdim=True)
            with torch.no_grad():
                self.running_mean.mul_(1 - m).add_(m * mean.mean(2).flatten())
                self.running_var.mul_(1 - m).add_(m * x.var((0, 2, 3)))
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return self.weight.view(1, -1, 1, 1) * x_hat + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "vectors broadcast along the width")
class NothingReshaped(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


@makes("BatchNorm2d", "mean and variance broadcast along the width")
class StatisticsNotReshaped(Given):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight[:, None, None] + self.bias[:, None, None]


@makes("BatchNorm2d", "running statistics broadcast along the width")
class RunningNotReshaped(Given):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean = x.mean((0, 2, 3), keepdim=True)
            var = x.var((0, 2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean.flatten(), self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)


@makes("BatchNorm2d", "weight and bias broadcast along the width")
class AffineNotReshaped(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
        x_hat = F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
        )
        return x_hat * self.weight + self.bias


@makes("BatchNorm2d", "vectors broadcast along the batch")
class AlongBatch(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        vectors = (mean, var, self.weight, self.bias)
        mean, var, weight, bias = (rearrange(v, "c -> c 1 1 1") for v in vectors)
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias


# ---- Wrong: weight and bias -----------------------------------------------------------------


@makes("BatchNorm2d", "affine forgotten")
class NoAffine(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return (x - mean) / torch.sqrt(var + self.eps)


@makes("BatchNorm2d", "weight forgotten")
class NoWeight(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        return (x - mean).div(torch.sqrt(var + self.eps)).add(bias)


@makes("BatchNorm2d", "bias forgotten")
class NoBias(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            weight=self.weight,
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
        )


@makes("BatchNorm2d", "bias before weight")
class BiasFirst(WithStatistics):
    def normalised(self, x, mean, var, weight, bias):
        x = (x - mean) / torch.sqrt(var + self.eps)
        x = x + bias
        return x * weight


@makes("BatchNorm2d", "weight and bias swapped")
class Swapped(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)

    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.bias,
            self.weight,
            self.training,
            self.momentum,
            self.eps,
        )


@makes("BatchNorm2d", "affine before normalising")
class AffineFirst(Given):
    def forward(self, x):
        x = x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)


# ---- Wrong: train and eval mode -------------------------------------------------------------


@makes("BatchNorm2d", "batch statistics in eval mode")
class BatchStatisticsInEval(Given):
    def forward(self, x):
        mean = x.mean(dim=(0, 2, 3))
        var = x.var(dim=(0, 2, 3), unbiased=False)
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "running statistics in train mode")
class RunningInTrain(Given):
    def forward(self, x):
        mean, var = self.running_mean.clone(), self.running_var.clone()
        if self.training:
            self.running_mean = (1 - self.momentum) * mean + self.momentum * x.detach().mean(
                (0, 2, 3)
            )
            self.running_var = (1 - self.momentum) * var + self.momentum * x.detach().var((0, 2, 3))
            self.num_batches_tracked += 1
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "normalised with the updated running statistics")
class UpdatedThenUsed(Given):
    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(dim=(0, 2, 3)), self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        mean = rearrange(self.running_mean, "c -> 1 c 1 1")
        std = rearrange((self.running_var + self.eps) ** 0.5, "c -> 1 c 1 1")
        w, b = (rearrange(p, "c -> 1 c 1 1") for p in (self.weight, self.bias))
        return (x - mean) / std * w + b


@makes("BatchNorm2d", "train and eval swapped")
class ModesSwapped(Given):
    def forward(self, x):
        if not self.training:
            self.num_batches_tracked += 1
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=not self.training,
            momentum=self.momentum,
            eps=self.eps,
        )


@makes("BatchNorm2d", "train mode ignored")
class AlwaysTraining(Given):
    def forward(self, x):
        mean = x.mean(dim=(0, 2, 3))
        var = x.var(dim=(0, 2, 3), unbiased=False)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
            self.num_batches_tracked += 1
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "statistics updated in eval mode")
class UpdatedInEval(Given):
    def forward(self, x):
        with torch.no_grad():
            self.running_mean.lerp_(x.mean(dim=(0, 2, 3)), self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
        if self.training:
            self.num_batches_tracked += 1
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "running statistics never updated")
class NeverUpdated(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
            var, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
            running_mean = self.running_mean.lerp(mean.flatten(), self.momentum)  # noqa: F841
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "num_batches_tracked never incremented")
class NotCounted(Given):
    def forward(self, x):
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


@makes("BatchNorm2d", "num_batches_tracked incremented in eval mode")
class CountedAlways(nn.BatchNorm2d):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps=eps, momentum=momentum)

    def forward(self, x):
        if not self.training:
            self.num_batches_tracked += 1
        return super().forward(x)


@makes("BatchNorm2d", "num_batches_tracked counts pictures")
class CountsPictures(Given):
    def forward(self, x):
        batch, channels, _, _ = x.shape
        if self.training:
            columns = x.permute(1, 0, 2, 3).reshape(channels, -1)
            mean = columns.mean(1)
            var = columns.var(1, unbiased=False)
            self.running_mean += self.momentum * (mean.detach() - self.running_mean)
            self.running_var += self.momentum * (columns.detach().var(1) - self.running_var)
            self.num_batches_tracked += batch
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


# ---- Wrong: parameters, buffers and the graph -----------------------------------------------


class ByTheBook(Given):
    """A right forward, for what can go wrong outside it."""

    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                m = self.momentum
                self.running_mean.data = (1 - m) * self.running_mean + m * mean
                self.running_var.data = (1 - m) * self.running_var + m * x.var(dim=(0, 2, 3))
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "running statistics are Parameters")
class RunningParameters(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        nn.Module.__init__(self)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = nn.Parameter(torch.zeros(num_features))
        self.running_var = nn.Parameter(torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))


@makes("BatchNorm2d", "running statistics are plain attributes")
class RunningAttributes(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        nn.Module.__init__(self)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = torch.zeros(num_features)
        self.running_var = torch.ones(num_features)
        self.register_buffer("num_batches_tracked", torch.tensor(0))


@makes("BatchNorm2d", "running statistics keep the graph")
class GraphKept(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * x.var(dim=(0, 2, 3))
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "mean and variance detached from the graph")
class StatisticsDetached(Given):
    def forward(self, x):
        if self.training:
            with torch.no_grad():
                mean = x.mean(dim=(0, 2, 3))
                var = x.var(dim=(0, 2, 3), unbiased=False)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "forward under no_grad")
class NoGrad(Given):
    @torch.no_grad()
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "input detached")
class DetachesItsInput(ByTheBook):
    def forward(self, x):
        return super().forward(x.detach())


@makes("BatchNorm2d", "running statistics keep four axes")
class FourAxes(nn.Module):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(1, num_features, 1, 1))
        self.register_buffer("running_var", torch.ones(1, num_features, 1, 1))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var((0, 2, 3), keepdim=True), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.momentum}"


@makes("BatchNorm2d", "batch statistics with keepdim in the update")
class KeepdimInUpdate(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                m = self.momentum
                unbiased = x.var(dim=(0, 2, 3), keepdim=True)
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * unbiased
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "mean of squares as variance")
class MeanOfSquares(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = (x * x).mean(dim=(0, 2, 3))
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


# ---- Wrong: initial values, the input, extra_repr -------------------------------------------


@makes("BatchNorm2d", "running_mean starts at 1")
class MeanOnes(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.register_buffer("running_mean", torch.ones(num_features))


@makes("BatchNorm2d", "running_var starts at 0")
class VarZeros(nn.BatchNorm2d):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps=eps, momentum=momentum)
        nn.init.zeros_(self.running_var)


@makes("BatchNorm2d", "weight starts at 0")
class WeightZeros(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.weight = nn.Parameter(torch.zeros(num_features))


@makes("BatchNorm2d", "bias starts at 1")
class BiasOnes(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        torch.nn.init.ones_(self.bias)


@makes("BatchNorm2d", "bias declared before weight")
class BiasDeclaredFirst(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        nn.Module.__init__(self)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.weight = nn.Parameter(torch.ones(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))


@makes("BatchNorm2d", "weight and bias are buffers")
class AffineBuffers(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        nn.Module.__init__(self)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))


@makes("BatchNorm2d", "num_batches_tracked is a float")
class FloatCounter(ByTheBook):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.register_buffer("num_batches_tracked", torch.zeros(()))


@makes("BatchNorm2d", "default eps is not 1e-5")
class OtherEps(ByTheBook):
    def __init__(self, num_features: int, eps=1e-3, momentum=0.1):
        super().__init__(num_features, eps, momentum)


@makes("BatchNorm2d", "default momentum is not 0.1")
class OtherMomentum(nn.BatchNorm2d):
    def __init__(self, num_features: int, eps=1e-5, momentum=0.9):
        super().__init__(num_features, eps, momentum)


@makes("BatchNorm2d", "input changed in place")
class InPlace(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x -= mean.view(1, -1, 1, 1)
        x /= torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


@makes("BatchNorm2d", "extra_repr empty")
class ShowsNothing(ByTheBook):
    def extra_repr(self):
        return ""


@makes("BatchNorm2d", "extra_repr without its f")
class ForgetsTheF(ByTheBook):
    def extra_repr(self):
        return "{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@makes("BatchNorm2d", "extra_repr with names only")
class ShowsNames(ByTheBook):
    def extra_repr(self):
        return "num_features, eps, momentum"


@makes("BatchNorm2d", "extra_repr returns a tuple")
class ShowsATuple(ByTheBook):
    def extra_repr(self):
        return self.num_features, self.eps, self.momentum


@makes("BatchNorm2d", "extra_repr returns None")
class PrintsItself(ByTheBook):
    def extra_repr(self):
        print(f"{self.num_features}, eps={self.eps}, momentum={self.momentum}")


@makes("BatchNorm2d", "extra_repr without num_features")
class ShowsNoFeatures(ByTheBook):
    def extra_repr(self):
        return ", ".join(f"{name}={getattr(self, name)}" for name in ("eps", "momentum"))


@makes("BatchNorm2d", "extra_repr without eps")
class ShowsNoEps(ByTheBook):
    def extra_repr(self):
        return f"num_features={self.num_features}, momentum={self.momentum}"


@makes("BatchNorm2d", "extra_repr without momentum")
class ShowsNoMomentum(ByTheBook):
    def extra_repr(self):
        return f"{self.num_features=}, {self.eps=}"


# ---- Right ----------------------------------------------------------------------------------

solves("BatchNorm2d")(nn.BatchNorm2d)
solves("BatchNorm2d")(ByTheBook)


@solves("BatchNorm2d")
class Subclass(nn.BatchNorm2d):
    pass


@solves("BatchNorm2d")
class SubclassWithOwnForward(nn.BatchNorm2d):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps=eps, momentum=momentum, affine=True)

    def forward(self, x):
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + self.eps)
            shift = self.bias - self.running_mean * scale
            return torch.addcmul(shift[:, None, None], x, scale[:, None, None])
        return super().forward(x)


@solves("BatchNorm2d")
class Functional(Given):
    def forward(self, x):
        self.num_batches_tracked += int(self.training)
        buffers = self.running_mean, self.running_var
        parameters = self.weight, self.bias
        return F.batch_norm(x, *buffers, *parameters, self.training, self.momentum, self.eps)


@solves("BatchNorm2d")
class Native(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked.add_(1)
        return torch.native_batch_norm(
            x,
            self.weight,
            self.bias,
            self.running_mean,
            self.running_var,
            self.training,
            self.momentum,
            self.eps,
        )[0]


@solves("BatchNorm2d")
class Einops(Given):
    def forward(self, x):
        def expand(vector):
            return rearrange(vector, "c -> 1 c 1 1")

        if self.training:
            mean = reduce(x, "b c h w -> c", "mean")
            var = reduce((x - expand(mean)) ** 2, "b c h w -> c", "mean")
            b, _, h, w = x.shape
            n = b * h * w
            self.running_mean = (
                1 - self.momentum
            ) * self.running_mean + self.momentum * mean.detach()
            self.running_var = (
                1 - self.momentum
            ) * self.running_var + self.momentum * var.detach() * n / (n - 1)
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - expand(mean)) / expand(torch.sqrt(var + self.eps))
        return x_hat * expand(self.weight) + expand(self.bias)


@solves("BatchNorm2d")
class EinopsToColumns(Given):
    def forward(self, x):
        b, _, h, w = x.shape
        columns = rearrange(x, "b c h w -> (b h w) c")
        if self.training:
            mean, var = columns.mean(0), columns.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.copy_(torch.lerp(self.running_mean, mean, self.momentum))
                self.running_var.copy_(torch.lerp(self.running_var, columns.var(0), self.momentum))
                self.num_batches_tracked.copy_(self.num_batches_tracked + 1)
        else:
            mean, var = self.running_mean, self.running_var
        columns = (columns - mean) / (var + self.eps).sqrt() * self.weight + self.bias
        return rearrange(columns, "(b h w) c -> b c h w", b=b, h=h, w=w)


@solves("BatchNorm2d")
class PermuteFlatten(Given):
    def forward(self, x):
        if self.training:
            rows = x.permute(1, 0, 2, 3).flatten(start_dim=1)
            var, mean = torch.var_mean(rows, dim=1, correction=0)
            self.running_mean.data += self.momentum * (mean.data - self.running_mean.data)
            self.running_var.data += self.momentum * (rows.data.var(1) - self.running_var.data)
            self.num_batches_tracked.data += 1
        else:
            var, mean = self.running_var, self.running_mean
        shape = (1, -1, 1, 1)
        std = torch.sqrt(var + self.eps)
        x_hat = (x - mean.view(shape)) / std.view(shape)
        return torch.addcmul(self.bias.view(shape), self.weight.view(shape), x_hat)


@solves("BatchNorm2d")
class DetachedCopies(Given):
    def forward(self, x):
        if self.training:
            dims = (0, 2, 3)
            mean, var = x.mean(dims), x.var(dims, unbiased=False)
            new_mean = torch.lerp(self.running_mean, mean, self.momentum).detach().clone()
            new_var = torch.lerp(self.running_var, x.var(dims), self.momentum).detach().clone()
            self.register_buffer("running_mean", new_mean)
            self.register_buffer("running_var", new_var)
            self.register_buffer("num_batches_tracked", self.num_batches_tracked + 1)
        else:
            mean, var = self.running_mean, self.running_var
        mean, var, weight, bias = (v[:, None, None] for v in (mean, var, self.weight, self.bias))
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias


@solves("BatchNorm2d")
class InPlaceOnItsOwnCopy(Given):
    def forward(self, x):
        if self.training:
            mean = x.mean((0, 2, 3), keepdim=True)
            var = (x**2).mean((0, 2, 3), keepdim=True) - mean**2
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                for running, batch in (
                    (self.running_mean, mean),
                    (self.running_var, var * n / (n - 1)),
                ):
                    running.mul_(1 - self.momentum).add_(batch.flatten(), alpha=self.momentum)
                self.num_batches_tracked.add_(1)
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        out = x - mean
        out /= torch.sqrt(var + self.eps)
        out *= self.weight.view(1, -1, 1, 1)
        out += self.bias.view(1, -1, 1, 1)
        return out


@solves("BatchNorm2d")
class ChannelByChannel(Given):
    def forward(self, x):
        outputs = []
        for channel in range(self.num_features):
            values = x[:, channel]
            if self.training:
                mean, var = values.mean(), values.var(unbiased=False)
                with torch.no_grad():
                    self.running_mean[channel].lerp_(mean, self.momentum)
                    self.running_var[channel].lerp_(values.var(), self.momentum)
            else:
                mean, var = self.running_mean[channel], self.running_var[channel]
            values = (values - mean) / torch.sqrt(var + self.eps)
            outputs.append(values * self.weight[channel] + self.bias[channel])
        if self.training:
            self.num_batches_tracked += 1
        return torch.stack(outputs, dim=1)


@solves("BatchNorm2d")
class Einsum(Given):
    def forward(self, x):
        if self.training:
            n = x[:, 0].numel()
            mean = torch.einsum("bchw->c", x) / n
            centred = x - mean.view(-1, 1, 1)
            var = torch.einsum("bchw,bchw->c", centred, centred) / n
            with torch.no_grad():
                self.running_mean.sub_(self.momentum * (self.running_mean - mean))
                self.running_var.sub_(self.momentum * (self.running_var - var * (n / (n - 1))))
                self.num_batches_tracked += 1
        else:
            centred, var = x - self.running_mean.view(-1, 1, 1), self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        return torch.einsum("bchw,c->bchw", centred, scale) + self.bias.view(-1, 1, 1)


@solves("BatchNorm2d")
class ThroughStd(Given):
    def forward(self, x):
        if self.training:
            std, mean = torch.std_mean(x, (0, 2, 3), unbiased=False, keepdim=True)
            var = std.square()
            self._update(x.detach())
        else:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        std = torch.pow(var + self.eps, 0.5)
        weight, bias = self.weight.view_as(std), self.bias.view_as(std)
        return torch.div(x - mean, std).mul(weight).add(bias)

    def _update(self, x):
        m = self.momentum
        self.running_mean = self.running_mean.mul(1 - m).add(x.mean((0, 2, 3)).mul(m))
        self.running_var = self.running_var.mul(1 - m).add(x.var((0, 2, 3)).mul(m))
        self.num_batches_tracked = self.num_batches_tracked.add(1)
