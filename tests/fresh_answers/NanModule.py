### RIGHT full_like
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.full_like(x, torch.nan)

### RIGHT times nan
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return x * float("nan")

### WRONG torch.full of the shape only: the input's dtype (and device) is lost -> named; dtype not the input's
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.full(x.shape, torch.nan)

### WRONG works in place: overwrites the input -> named; input changed in place
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        x[:] = torch.nan
        return x

### WRONG returns one NaN (0-d) and not a tensor of the input's shape -> named; hint
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.tensor(torch.nan, dtype=x.dtype, device=x.device)

### WRONG divides by 0, which gives infinity (NaN only where the input is 0) -> named; divided by 0
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return x / 0

### WRONG zeros of the input stay 0: "has a value" taken for "is not zero" -> named; hint
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.where(x != 0, torch.nan, x)

### WRONG log of a negative number is NaN for positive inputs only -> generic; hint
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.log(-x)

### WRONG only the first entry along the first axis becomes NaN, the rest is passed on -> generic; hint
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        out = x.clone()
        out[0] = torch.nan
        return out

### WRONG full_like is given the shape and not the tensor, which raises a TypeError -> named; hint
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.full_like(x.shape, torch.nan)

### WRONG overwrites the input in place; forgotten return -> named; nothing returned
class NanModule(nn.Module):
    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        x.fill_(torch.nan)

### WRONG only for inputs of exactly two axes; the input's dtype is lost -> generic; remark
class NanModule(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        rows, cols = x.shape
        return torch.ones(rows, cols) * torch.nan
