"""Right answers to BatchNorm2d; the wrong ones are edits of these, in the module beside this."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import nn

from resnet_helpers.answers.edits import Answers

batchnorm2d = Answers("BatchNorm2d", globals())
right = batchnorm2d.right


class Given(nn.Module):
    """What the exercise gives; forward and extra_repr are the learner's."""

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


# ---- Right ----------------------------------------------------------------------------------


@right
class InFull(nn.Module):
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

    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.num_batches_tracked += 1
                m = self.momentum
                self.running_mean.data = (1 - m) * self.running_mean + m * mean
                self.running_var.data = (1 - m) * self.running_var + m * x.var(dim=(0, 2, 3))
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class Lerp(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=(0, 2, 3)), self.momentum)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + self.eps)
        return x_hat * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.momentum}"


@right
class KeepDim(Given):
    def forward(self, x):
        dims = (0, 2, 3)
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean = x.mean(dims, keepdim=True)
            var = x.var(dims, keepdim=True, unbiased=False)
            unbiased = x.detach().var(dims, keepdim=True)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach().squeeze()
            self.running_var = (1 - m) * self.running_var + m * unbiased.squeeze()
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return x_hat * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self):
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class InMethods(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            self.update(x)
            self.num_batches_tracked += 1
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = self.normalised(x, mean[:, None, None], var[:, None, None])
        return x_hat * self.weight[:, None, None] + self.bias[:, None, None]

    def normalised(self, x, mean, var):
        return (x - mean) / torch.sqrt(var + self.eps)

    @torch.no_grad()
    def update(self, x):
        self.running_mean = self.moved(self.running_mean, x.mean((0, 2, 3)))
        self.running_var = self.moved(self.running_var, x.transpose(0, 1).flatten(1).var(1))

    def moved(self, running, batch):
        m = self.momentum
        return (1 - m) * running + m * batch

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class RunningFirst(Given):
    def forward(self, x):
        dims = (0, 2, 3)
        mean, var = self.running_mean, self.running_var
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean, var = x.mean(dims), x.var(dims, unbiased=False)
            self.running_mean = self.running_mean.lerp(mean.detach(), self.momentum)
            self.running_var = self.running_var.lerp(x.detach().var(dims), self.momentum)
            self.num_batches_tracked = self.num_batches_tracked + 1
        mean, std = mean.reshape(1, -1, 1, 1), torch.sqrt(var + self.eps).reshape(1, -1, 1, 1)
        x = (x - mean) / std
        return torch.einsum("bchw,c->bchw", x, self.weight) + self.bias.reshape(1, -1, 1, 1)

    def extra_repr(self):
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class Corrected(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
            n = x.shape[0] * x.shape[2] * x.shape[3]
            keep = 1 - self.momentum
            self.running_mean.data = keep * self.running_mean + (1 - keep) * mean.data
            self.running_var.data = keep * self.running_var + (1 - keep) * var.data * n / (n - 1)
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x.permute(0, 2, 3, 1) - mean) / (var + self.eps).sqrt()
        return (x_hat * self.weight + self.bias).permute(0, 3, 1, 2)

    def extra_repr(self):
        return f"{self.num_features=}, {self.eps=}, {self.momentum=}"


@right
class MulAdd(Given):
    def forward(self, x):
        dims = (0, 2, 3)
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean, var = x.mean(dims), x.var(dims, unbiased=False)
            with torch.no_grad():
                m = self.momentum
                self.running_mean.mul_(1 - m).add_(m * mean)
                self.running_var.mul_(1 - m).add_(m * x.var(dims))
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        std = torch.sqrt(var + self.eps)
        x = (x - mean.reshape(1, -1, 1, 1)) / std.reshape(1, -1, 1, 1)
        return self.weight.reshape(1, -1, 1, 1) * x + self.bias.reshape(1, -1, 1, 1)

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class ScaleAndShift(Given):
    def forward(self, x):
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            values = x.numel() / self.num_features
            unbiased = var * values / (values - 1)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (unbiased - self.running_var)
            self.num_batches_tracked = self.num_batches_tracked + 1
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.momentum}"


@right
class Functional(Given):
    def forward(self, x):
        self.num_batches_tracked += int(self.training)
        buffers = self.running_mean, self.running_var
        parameters = self.weight, self.bias
        return F.batch_norm(x, *buffers, *parameters, self.training, self.momentum, self.eps)

    def extra_repr(self):
        return ", ".join(f"{k}={getattr(self, k)}" for k in ("num_features", "eps", "momentum"))


@right
class OwnAffine(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
        x_hat = F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            None,
            None,
            self.training,
            self.momentum,
            self.eps,
        )
        return x_hat * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class HalfFunctional(Given):
    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
            F.batch_norm(
                x.detach(), self.running_mean, self.running_var, None, None, True, self.momentum
            )
            per_channel = "b c h w -> 1 c 1 1"
            mean = reduce(x, per_channel, "mean")
            var = reduce((x - mean) ** 2, per_channel, "mean")
        else:
            mean = rearrange(self.running_mean, "c -> 1 c 1 1")
            var = rearrange(self.running_var, "c -> 1 c 1 1")
        x_hat = (x - mean) * torch.rsqrt(var + self.eps)
        return torch.addcmul(self.bias.view(-1, 1, 1), x_hat, self.weight.view(-1, 1, 1))

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.momentum}"


@right
class Native(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            self.num_batches_tracked.add_(1)
        running = self.running_mean, self.running_var
        settings = self.training, self.momentum, self.eps
        return torch.native_batch_norm(x, self.weight, self.bias, *running, *settings)[0]

    def extra_repr(self):
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class Subclass(nn.BatchNorm2d):
    pass


@right
class OwnEval(nn.BatchNorm2d):
    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps=eps, momentum=momentum, affine=True)

    def forward(self, x):
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + self.eps)
            shift = self.bias - self.running_mean * scale
            return torch.addcmul(shift[:, None, None], x, scale[:, None, None])
        return super().forward(x)


@right
class Einops(Given):
    def forward(self, x):
        def expand(vector):
            return rearrange(vector, "c -> 1 c 1 1")

        m = self.momentum
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean = reduce(x, "b c h w -> c", "mean")
            var = reduce((x - expand(mean)) ** 2, "b c h w -> c", "mean")
            b, _, h, w = x.shape
            n = b * h * w
            unbiased = var.detach() * n / (n - 1)
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach()
            self.running_var = (1 - m) * self.running_var + m * unbiased
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - expand(mean)) / expand(torch.sqrt(var + self.eps))
        return x_hat * expand(self.weight) + expand(self.bias)

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class EinopsToColumns(Given):
    def forward(self, x):
        b, _, h, w = x.shape
        columns = rearrange(x, "b c h w -> (b h w) c")
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean, var = columns.mean(0), columns.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.copy_(torch.lerp(self.running_mean, mean, self.momentum))
                self.running_var.copy_(torch.lerp(self.running_var, columns.var(0), self.momentum))
                self.num_batches_tracked.copy_(self.num_batches_tracked + 1)
        else:
            mean, var = self.running_mean, self.running_var
        columns = (columns - mean) / (var + self.eps).sqrt() * self.weight + self.bias
        return rearrange(columns, "(b h w) c -> b c h w", b=b, h=h, w=w)

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.momentum}"


@right
class PermuteFlatten(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
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

    def extra_repr(self):
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class RegisteredAgain(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            dims = (0, 2, 3)
            mean, var = x.mean(dims), x.var(dims, unbiased=False)
            new_mean = torch.lerp(self.running_mean, mean, self.momentum).detach().clone()
            new_var = torch.lerp(self.running_var, x.var(dims), self.momentum).detach().clone()
            self.register_buffer("running_mean", new_mean)
            self.register_buffer("running_var", new_var)
            self.register_buffer("num_batches_tracked", self.num_batches_tracked + 1)
        else:
            mean, var = self.running_mean, self.running_var
        vectors = mean, var, self.weight, self.bias
        mean, var, weight, bias = (v[:, None, None] for v in vectors)
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


@right
class OwnCopy(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            mean = x.mean((0, 2, 3), keepdim=True)
            var = (x**2).mean((0, 2, 3), keepdim=True) - mean**2
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                keep, unbiased = 1 - self.momentum, var * n / (n - 1)
                self.running_mean.mul_(keep).add_(mean.flatten(), alpha=self.momentum)
                self.running_var.mul_(keep).add_(unbiased.flatten(), alpha=self.momentum)
                self.num_batches_tracked.add_(1)
        else:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        out = x - mean
        out /= torch.sqrt(var + self.eps)
        out *= self.weight.view(1, -1, 1, 1)
        out += self.bias.view(1, -1, 1, 1)
        return out

    def extra_repr(self):
        return f"{self.num_features}, {self.eps}, {self.momentum}"


@right
class ChannelByChannel(Given):
    def forward(self, x):
        if self.training and x[:, 0].numel() < 2:
            raise ValueError("too few values")
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

    def extra_repr(self):
        return ", ".join(map(str, (self.num_features, self.eps, self.momentum)))


@right
class Einsum(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
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

    def extra_repr(self):
        return (
            str(self.num_features) + ", eps=" + str(self.eps) + ", momentum=" + str(self.momentum)
        )


@right
class ThroughStd(Given):
    def forward(self, x):
        if self.training:
            if x.numel() == x.shape[1]:
                raise ValueError("one value per channel")
            std, mean = torch.std_mean(x, (0, 2, 3), unbiased=False, keepdim=True)
            var = std.square()
            self._update(x.detach())
        else:
            mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        std = torch.pow(var + self.eps, 0.5)
        weight, bias = self.weight.view(-1, 1, 1), self.bias.view(-1, 1, 1)
        return torch.div(x - mean, std).mul(weight).add(bias)

    def _update(self, x):
        m = self.momentum
        self.running_mean = self.running_mean.mul(1 - m).add(x.mean((0, 2, 3)).mul(m))
        self.running_var = self.running_var.mul(1 - m).add(x.var((0, 2, 3)).mul(m))
        self.num_batches_tracked = self.num_batches_tracked.add(1)

    def extra_repr(self):
        return f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}"
