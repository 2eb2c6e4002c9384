### RIGHT mean over two axes
class AveragePool(nn.Module):
    """The mean over both spatial axes, so that images of any size end as one vector each."""

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels"]:
        return x.mean(dim=(2, 3))


### RIGHT torch's adaptive pooling and flatten
class AveragePool(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return torch.flatten(self.pool(x), 1)


### WRONG averages over channels and height instead of height and width -> named; channel and height averaged
class AveragePool(nn.Module):
    """The mean over both spatial axes, so that images of any size end as one vector each."""

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels"]:
        return x.mean(dim=(1, 2))


### WRONG the two axes stay, with size 1: (batch, channels, 1, 1) comes out -> named; keepdim
class AveragePool(nn.Module):
    def __init__(self):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))

    def forward(self, x):
        return self.avgpool(x)


### WRONG squeeze() without axes also removes the batch axis where there is one picture (or the channel axis where there is one channel) -> named; axes of size 1 squeezed away
class AveragePool(nn.Module):
    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels"]:
        return x.mean(dim=(2, 3), keepdim=True).squeeze()


### WRONG pools with a fixed window of 7 x 7, so it fails or gives another shape for any other size -> named; a fixed window
class AveragePool(nn.Module):
    def forward(self, x):
        x = F.avg_pool2d(x, kernel_size=7)
        return x.view(x.size(0), -1)


### WRONG return forgotten -> named; hint
class AveragePool(nn.Module):
    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels"]:
        x.mean(dim=(2, 3))


### WRONG the largest value instead of the mean; one value for each picture instead of each channel -> named; max, channels averaged
import einops


class AveragePool(nn.Module):
    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels"]:
        return einops.reduce(x, "b c h w -> b", "max")


### WRONG after the first mean the width is axis 2, not 3: IndexError -> named; hint
class AveragePool(nn.Module):
    def forward(self, x):
        # height
        x = x.mean(dim=2)
        # width
        x = x.mean(dim=3)
        return x


### WRONG flatten() without start_dim melts the batch axis too: one vector of batch * channels comes out -> generic; remark
class AveragePool(nn.Module):
    def forward(self, x):
        return F.adaptive_avg_pool2d(x, 1).flatten()


### WRONG super().__init__() forgotten, so assigning a module in __init__ raises AttributeError -> named; hint
class AveragePool(nn.Module):
    def __init__(self):
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return self.pool(x).flatten(1)


### WRONG takes every picture for a square: divides the sum by height * height -> named; divided by the height twice
class AveragePool(nn.Module):
    def forward(self, x):
        size = x.shape[2]
        return x.sum(dim=(2, 3)) / (size * size)
