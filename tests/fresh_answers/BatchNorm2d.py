### RIGHT keepdim and in-place buffers
class BatchNorm2d(nn.Module):
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

    def forward(self, x: Float[Tensor, "batch channels height width"]):
        if self.training:
            n = x.numel() // self.num_features
            if n == 1:
                raise ValueError(f"Expected more than 1 value per channel when training, got {tuple(x.shape)}")
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), unbiased=False, keepdim=True)
            with torch.no_grad():
                self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.flatten())
                self.running_var.mul_(1 - self.momentum).add_(self.momentum * var.flatten() * n / (n - 1))
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### RIGHT einops, new tensors, detach
import einops


class BatchNorm2d(nn.Module):
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
        def up(v):
            return einops.rearrange(v, "c -> 1 c 1 1")

        if not self.training:
            mu, var = self.running_mean, self.running_var
        else:
            if x.shape[0] * x.shape[2] * x.shape[3] <= 1:
                raise ValueError("need more than one value per channel in train mode")
            mu = x.mean((0, 2, 3))
            var = ((x - up(mu)) ** 2).mean((0, 2, 3))
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mu.detach()
            self.running_var = (1 - m) * self.running_var + m * x.detach().var((0, 2, 3), unbiased=True)
            self.num_batches_tracked = self.num_batches_tracked + 1

        return (x - up(mu)) * up(torch.rsqrt(var + self.eps)) * up(self.weight) + up(self.bias)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG normalises with the unbiased variance (x.var with its default) in train mode -> named; unbiased variance when normalising
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("Expected more than 1 value per channel when training")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3))
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var

        mean = mean.view(1, self.num_features, 1, 1)
        var = var.view(1, self.num_features, 1, 1)
        weight = self.weight.view(1, self.num_features, 1, 1)
        bias = self.bias.view(1, self.num_features, 1, 1)
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG eps added outside the square root; no ValueError for one value per channel -> named; eps outside the root, one value per channel accepted
class BatchNorm2d(nn.Module):
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
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                unbiased_var = x.var(dim=(0, 2, 3), unbiased=True)
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.squeeze((0, 2, 3))
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased_var
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean.reshape(1, -1, 1, 1)
            var = self.running_var.reshape(1, -1, 1, 1)

        x_norm = (x - mean) / (torch.sqrt(var) + self.eps)
        return x_norm * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG momentum taken as the share of the old running value instead of the new batch -> named; momentum the wrong way round
class BatchNorm2d(nn.Module):
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
        shape = (1, self.num_features, 1, 1)
        if self.training:
            if x.numel() // self.num_features == 1:
                raise ValueError("more than one value per channel needed")
            mean = torch.mean(x, dim=(0, 2, 3))
            var = torch.var(x, dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                var_unbiased = torch.var(x, dim=(0, 2, 3), unbiased=True)
                # exponential moving average
                self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
                self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var_unbiased
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        out = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return self.weight.view(shape) * out + self.bias.view(shape)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG stores the biased variance in running_var -> named; biased variance in running_var
class BatchNorm2d(nn.Module):
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
            n = x.size(0) * x.size(2) * x.size(3)
            if n == 1:
                raise ValueError("Expected more than 1 value per channel when training")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.copy_((1 - self.momentum) * self.running_mean + self.momentum * mean)
                self.running_var.copy_((1 - self.momentum) * self.running_var + self.momentum * var)
                self.num_batches_tracked.add_(1)
        else:
            mean = self.running_mean
            var = self.running_var
        mean = mean[None, :, None, None]
        var = var[None, :, None, None]
        x_hat = (x - mean) / (var + self.eps).sqrt()
        return x_hat * self.weight[None, :, None, None] + self.bias[None, :, None, None]

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG the batch mean and variance are computed under torch.no_grad(), so no gradient flows through them -> named; mean and variance detached from the graph
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("cannot normalise a single value per channel")
            # keep the statistics out of the graph
            with torch.no_grad():
                mean = x.mean(dim=(0, 2, 3))
                var = x.var(dim=(0, 2, 3), unbiased=False)
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(
                    dim=(0, 2, 3), unbiased=True
                )
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        mean = mean.view(1, self.num_features, 1, 1)
        var = var.view(1, self.num_features, 1, 1)
        w = self.weight.view(1, self.num_features, 1, 1)
        b = self.bias.view(1, self.num_features, 1, 1)
        return (x - mean) / torch.sqrt(var + self.eps) * w + b

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG the running statistics are neither detached nor under no_grad: they keep the graph of every batch -> named; running statistics keep the graph
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("Only one value per channel")
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), unbiased=False, keepdim=True)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.flatten()
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim=(0, 2, 3))
            self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG asks self.train (a method, always true) instead of self.training, so eval mode behaves like train mode -> named; train mode ignored
class BatchNorm2d(nn.Module):
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
        if self.train:
            if x.numel() // self.num_features == 1:
                raise ValueError("Expected more than 1 value per channel")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim=(0, 2, 3), unbiased=True)
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        mean = mean.view(1, -1, 1, 1)
        var = var.view(1, -1, 1, 1)
        weight = self.weight.view(1, -1, 1, 1)
        bias = self.bias.view(1, -1, 1, 1)
        return weight * (x - mean) / torch.sqrt(var + self.eps) + bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG in train mode normalises with the (just updated) running statistics instead of those of the batch -> named; normalised with the updated running statistics
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("one value per channel")
            with torch.no_grad():
                batch_mean = x.mean(dim=(0, 2, 3))
                batch_var = x.var(dim=(0, 2, 3), unbiased=True)
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * batch_mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * batch_var
                self.num_batches_tracked += 1

        mean = self.running_mean.view(1, -1, 1, 1)
        var = self.running_var.view(1, -1, 1, 1)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG raises the ValueError for every batch of one picture, however many pixels it has; num_batches_tracked is never counted -> named; single pictures refused, num_batches_tracked never incremented
class BatchNorm2d(nn.Module):
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
        batch, channels, height, width = x.shape
        if self.training:
            if batch == 1:
                raise ValueError("batchnorm needs more than one picture in train mode")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            n = batch * height * width
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var * n / (n - 1)
        else:
            mean = self.running_mean
            var = self.running_var
        mean, var, weight, bias = (
            t.reshape(1, channels, 1, 1) for t in (mean, var, self.weight, self.bias)
        )
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG extra_repr prints the text and returns nothing -> named; extra_repr returns None
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("Expected more than 1 value per channel when training")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim=(0, 2, 3))
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        mean = mean.view(1, -1, 1, 1)
        var = var.view(1, -1, 1, 1)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        print(f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}")


### WRONG weight and bias are not reshaped to (1, C, 1, 1), so they are applied along the width or raise -> named; weight and bias broadcast along the width
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("Expected more than 1 value per channel when training")
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.view(-1)
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(
                    dim=(0, 2, 3), unbiased=True
                )
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG the mean and variance are taken over height and width only, for each picture by itself -> named; batch statistics over space only, running ones right
class BatchNorm2d(nn.Module):
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
            if x.numel() // self.num_features == 1:
                raise ValueError("Expected more than 1 value per channel when training")
            mean = x.mean(dim=(2, 3), keepdim=True)
            var = x.var(dim=(2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.mean(0).flatten()
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(
                    dim=(2, 3), unbiased=True
                ).mean(0)
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
