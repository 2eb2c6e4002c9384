### RIGHT full_like
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.full_like(x, torch.nan)

### RIGHT times NaN
class NanModule(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return x * float("nan")

### WRONG torch.full(x.shape): always float32 on the CPU, not the input's type and device
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.full(x.shape, torch.nan)

### WRONG overwrites the input in place
class NanModule(nn.Module):
    def forward(self, x):
        x[:] = torch.nan
        return x

### WRONG the input is filled in place; nothing is returned
class NanModule(nn.Module):
    def forward(self, x):
        x.data.fill_(float("nan"))

### WRONG returns the plain number NaN, not a tensor of the input's shape
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.nan

### WRONG division by zero gives infinity, and NaN only where the input is 0
class NanModule(nn.Module):
    def forward(self, x):
        return x / 0

### WRONG the return is forgotten
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        torch.full_like(x, torch.nan)

### WRONG misread: NaN only where the input is not 0, zeros are left as they are
class NanModule(nn.Module):
    def forward(self, x):
        return torch.where(x != 0, torch.full_like(x, torch.nan), x)

### WRONG only the first two axes' sizes are used, so other numbers of axes fail or lose axes; always float32
class NanModule(nn.Module):
    def forward(self, x):
        nan = torch.tensor(float("nan"))
        return nan.repeat(x.shape[0], x.shape[1])

### WRONG full_like is given the shape instead of the tensor, which raises a TypeError
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.full_like(x.shape, torch.nan)

### WRONG self is forgotten in forward, so calling the module raises a TypeError
class NanModule(nn.Module):
    def forward(x):
        return torch.full_like(x, torch.nan)
