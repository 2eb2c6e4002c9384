# By whoever wrote the check, after it, looking for what its catalogue had not thought of.

### RIGHT einsum
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / (var + self.eps).sqrt()
        shift = self.bias - mean * scale
        return torch.einsum("bchw,c->bchw", x, scale) + shift[None, :, None, None]


### RIGHT as a 1x1 convolution with one group a channel
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight * torch.rsqrt(var + self.eps)
        shift = self.bias - mean * scale
        return F.conv2d(x, scale.view(-1, 1, 1, 1), shift, groups=self.num_features)


### RIGHT mean of the squares minus the square of the mean
class FusedBatchNorm2d(BatchNorm2d):
    def statistics(self, x):
        if not self.training:
            return self.running_mean, self.running_var
        mean = x.mean(dim=(0, 2, 3))
        return mean, x.square().mean(dim=(0, 2, 3)) - mean.square()

    def forward(self, x):
        mean, var = self.statistics(x)
        a = self.weight / torch.sqrt(var + self.eps)
        b = -mean * a + self.bias
        a, b = (v.reshape(1, self.num_features, 1, 1) for v in (a, b))
        return torch.add(b, x * a)


### RIGHT channels last, so that no view is needed
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        rows = x.permute(0, 2, 3, 1)
        if self.training:
            mean = rows.mean((0, 1, 2))
            var = rows.var((0, 1, 2), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight * (var + self.eps).pow(-0.5)
        return (rows * scale + (self.bias - scale * mean)).permute(0, 3, 1, 2)


### WRONG eps added to the reciprocal root
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight * (torch.rsqrt(var) + self.eps)
        shift = self.bias - mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG scale with one axis too few
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return x * scale[:, None] + shift[:, None]


### WRONG nothing but the name
class FusedBatchNorm2d(BatchNorm2d):
    pass


### WRONG mean divided by scale
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean / scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG return only in eval mode
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        if not self.training:
            return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG standard deviation where the variance should be
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            std, mean = torch.std_mean(x, (0, 2, 3), unbiased=False)
        else:
            mean, std = self.running_mean, self.running_var
        scale = self.weight / (std + self.eps)
        shift = self.bias - mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG x_hat first, as a line, then weight and bias
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = torch.rsqrt(var + self.eps).view(1, -1, 1, 1)
        x_hat = x * scale - mean.view(1, -1, 1, 1) * scale
        return x_hat * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


### WRONG three summands
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = (self.weight * torch.rsqrt(var + self.eps)).view(1, -1, 1, 1)
        return x * scale - mean.view(1, -1, 1, 1) * scale + self.bias.view(1, -1, 1, 1)


### WRONG mean over the whole batch
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(), x.var(unbiased=False)
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG scale and shift kept from the first call
class FusedBatchNorm2d(BatchNorm2d):
    def __init__(self, num_features, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.scale = self.weight / torch.sqrt(self.running_var + self.eps)
        self.shift = self.bias - self.running_mean * self.scale

    def forward(self, x):
        return x * self.scale.view(-1, 1, 1) + self.shift.view(-1, 1, 1)


### WRONG weight twice
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - self.weight * mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG eps forgotten in the shift only
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * self.weight / torch.sqrt(var)
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


### WRONG torch.lerp for a line
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return torch.lerp(shift.view(1, -1, 1, 1).expand_as(x), x, scale.view(1, -1, 1, 1))
