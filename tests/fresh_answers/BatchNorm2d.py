### RIGHT einops for the vectors, reassigned buffers under no_grad
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
                raise ValueError(f"Expected more than 1 value per channel when training, got {tuple(x.shape)}")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                m = self.momentum
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * x.var(dim=(0, 2, 3), unbiased=True)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        mean, var, w, b = (rearrange(v, "c -> 1 c 1 1") for v in (mean, var, self.weight, self.bias))
        return (x - mean) / torch.sqrt(var + self.eps) * w + b

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### RIGHT keepdim, lerp_ in place, Bessel by hand
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
        shape = (1, -1, 1, 1)
        if self.training:
            n = x.shape[0] * x.shape[2] * x.shape[3]
            if n <= 1:
                raise ValueError("need more than one value per channel in train mode")
            mu = x.mean(dim=(0, 2, 3), keepdim=True)
            var = ((x - mu) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            self.running_mean.lerp_(mu.detach().flatten(), self.momentum)
            self.running_var.lerp_(var.detach().flatten() * n / (n - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        else:
            mu = self.running_mean.view(shape)
            var = self.running_var.view(shape)
        x_hat = (x - mu) * (var + self.eps).rsqrt()
        return x_hat * self.weight.view(shape) + self.bias.view(shape)

    def extra_repr(self):
        return ", ".join(f"{k}={getattr(self, k)}" for k in ("num_features", "eps", "momentum"))


### WRONG normalises with the unbiased variance (the default of x.var), the same one that it stores
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

        mean = mean.view(1, -1, 1, 1)
        var = var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG stores the biased variance in running_var
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
            if x.numel() // x.shape[1] == 1:
                raise ValueError("only one value per channel")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean)
                self.running_var.mul_(1 - self.momentum).add_(self.momentum * var)
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        r = lambda v: rearrange(v, "c -> 1 c 1 1")
        return (x - r(mean)) / torch.sqrt(r(var) + self.eps) * r(self.weight) + r(self.bias)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG momentum is taken as the share of the old value, as in an optimiser (both running statistics); extra_repr prints its text and returns None
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
                raise ValueError("Cannot normalise a single value per channel")
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), unbiased=False, keepdim=True)
            unbiased_var = x.var(dim=(0, 2, 3), unbiased=True)
            with torch.no_grad():
                self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean.flatten()
                self.running_var = self.momentum * self.running_var + (1 - self.momentum) * unbiased_var
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean.reshape(1, self.num_features, 1, 1)
            var = self.running_var.reshape(1, self.num_features, 1, 1)
        out = (x - mean) / (var + self.eps).sqrt()
        weight = self.weight.reshape(1, self.num_features, 1, 1)
        bias = self.bias.reshape(1, self.num_features, 1, 1)
        return out * weight + bias

    def extra_repr(self) -> str:
        print(f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}")


### WRONG eps is added to the standard deviation, after the root
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
            n = x.shape[0] * x.shape[2] * x.shape[3]
            if n == 1:
                raise ValueError("Expected more than 1 value per channel")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var * n / (n - 1)
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        mean = mean.view(1, -1, 1, 1)
        std = torch.sqrt(var).view(1, -1, 1, 1)
        normed = (x - mean) / (std + self.eps)
        return normed * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG the running statistics stay in the autograd graph (no detach, no no_grad)
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
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim=(0, 2, 3))
            self.num_batches_tracked = self.num_batches_tracked + 1
        else:
            mean = self.running_mean
            var = self.running_var
        mean = rearrange(mean, "c -> 1 c 1 1")
        var = rearrange(var, "c -> 1 c 1 1")
        weight = rearrange(self.weight, "c -> 1 c 1 1")
        bias = rearrange(self.bias, "c -> 1 c 1 1")
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG asks "if self.train" (the method, always true) instead of self.training, so eval mode behaves like train mode
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
                raise ValueError("Need more than one value per channel in train mode")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(
                    dim=(0, 2, 3), unbiased=True
                )
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        s = (1, self.num_features, 1, 1)
        x = (x - mean.view(s)) / torch.sqrt(var.view(s) + self.eps)
        return x * self.weight.view(s) + self.bias.view(s)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG the batch's mean and variance are computed under no_grad too, so gradients do not flow through them
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
            with torch.no_grad():
                mean = x.mean(dim=(0, 2, 3))
                var = x.var(dim=(0, 2, 3), unbiased=False)
                var_unbiased = x.var(dim=(0, 2, 3), unbiased=True)
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var_unbiased
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        mean = mean.view(1, -1, 1, 1)
        var = var.view(1, -1, 1, 1)
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return self.weight.view(1, -1, 1, 1) * x_hat + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG hands the work to F.batch_norm without eps and momentum, so that only the defaults count; num_batches_tracked is not counted
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
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=self.training
        )

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG no ValueError for one value per channel (it returns zeros and stores nan); num_batches_tracked is not counted (the sum is thrown away)
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
            mean = torch.mean(x, dim=(0, 2, 3), keepdim=True)
            var = torch.var(x, dim=(0, 2, 3), unbiased=False, keepdim=True)
            with torch.no_grad():
                batch_var = torch.var(x, dim=(0, 2, 3))
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.flatten()
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * batch_var
                self.num_batches_tracked + 1
        else:
            mean = self.running_mean.view(1, -1, 1, 1)
            var = self.running_var.view(1, -1, 1, 1)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG raises the ValueError only if there is one value in the whole tensor, not one per channel
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
            if x.numel() == 1:
                raise ValueError("Can't normalise a single value")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim=(0, 2, 3))
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var

        def to4d(v):
            return v.reshape(1, self.num_features, 1, 1)

        return (x - to4d(mean)) / torch.sqrt(to4d(var) + self.eps) * to4d(self.weight) + to4d(self.bias)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG in eval mode the running statistics are not reshaped to (1, C, 1, 1), so they broadcast along the width or raise
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
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.squeeze((0, 2, 3))
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(dim=(0, 2, 3))
                self.num_batches_tracked += 1
        else:
            mean = self.running_mean
            var = self.running_var
        weight = rearrange(self.weight, "c -> 1 c 1 1")
        bias = rearrange(self.bias, "c -> 1 c 1 1")
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


### WRONG the batch statistics with keepdim are mixed with the vectors of length C, so the running statistics become (1, C, 1, C)
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
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
            var_unbiased = x.var(dim=(0, 2, 3), keepdim=True, unbiased=True)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.detach()
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var_unbiased.detach()
            self.num_batches_tracked += 1
        else:
            mean = self.running_mean.view(1, self.num_features, 1, 1)
            var = self.running_var.view(1, self.num_features, 1, 1)
        weight = self.weight.view(1, self.num_features, 1, 1)
        bias = self.bias.view(1, self.num_features, 1, 1)
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
