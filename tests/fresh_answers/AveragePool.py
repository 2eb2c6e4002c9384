### RIGHT mean over two axes
class AveragePool(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3))


### RIGHT einops
class AveragePool(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> b c", "mean")


### WRONG averages over channels and height instead of height and width
class AveragePool(nn.Module):
    def forward(self, x):
        return x.mean(dim=(1, 2))


### WRONG the two singleton axes are kept: (batch, channels, 1, 1)
class AveragePool(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((1, 1))

    def forward(self, x):
        return self.pool(x)


### WRONG squeeze() without axes also drops a batch axis (or channel axis) of 1
class AveragePool(nn.Module):
    def forward(self, x):
        x = F.adaptive_avg_pool2d(x, 1)
        return x.squeeze()


### WRONG a fixed kernel of 7 x 7, so it fails on smaller maps and gives several positions per channel on larger ones
class AveragePool(nn.Module):
    def forward(self, x):
        x = F.avg_pool2d(x, 7)
        return torch.flatten(x, 1)


### WRONG the return is forgotten
class AveragePool(nn.Module):
    def forward(self, x):
        x = x.mean(dim=(2, 3))


### WRONG the maximum instead of the mean
class AveragePool(nn.Module):
    def forward(self, x):
        return reduce(x, "b c h w -> b c", "max")


### WRONG divides the sum by the width squared, which is right for square maps only
class AveragePool(nn.Module):
    def forward(self, x):
        size = x.shape[-1]
        return x.sum(dim=(2, 3)) / size**2


### WRONG the kernel is height x height, so it is wrong or fails for maps that are not square; the singleton axes are kept
class AveragePool(nn.Module):
    def forward(self, x):
        pool = nn.AvgPool2d(kernel_size=x.shape[2])
        return pool(x)


### WRONG averages over the batch as well; the singleton axes are kept (as in batchnorm)
class AveragePool(nn.Module):
    def forward(self, x):
        return x.mean(dim=(0, 2, 3), keepdim=True)


### WRONG after the first mean there is no axis 3 any more: IndexError
class AveragePool(nn.Module):
    def forward(self, x):
        return x.mean(2).mean(3)
