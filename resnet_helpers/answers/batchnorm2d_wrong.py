"""Wrong answers to BatchNorm2d, each a right one with an edit."""

from resnet_helpers.answers.batchnorm2d import (
    ChannelByChannel,
    Corrected,
    Einops,
    EinopsToColumns,
    Einsum,
    Functional,
    HalfFunctional,
    InFull,
    InMethods,
    KeepDim,
    Lerp,
    MulAdd,
    Native,
    OwnAffine,
    OwnCopy,
    OwnEval,
    PermuteFlatten,
    RegisteredAgain,
    RunningFirst,
    ScaleAndShift,
    ThroughStd,
    batchnorm2d,
)

wrong = batchnorm2d.wrong

# ---- Wrong: the variance, and the momentum --------------------------------------------------

wrong("unbiased variance when normalising", Lerp, {", unbiased=False": ""})
wrong("biased variance in running_var", RegisteredAgain, {"x.var(dims), self": "var, self"})
wrong("standard deviation in running_var", Lerp, {"lerp_(x.var": "lerp_(x.std"})
wrong("unbiased correction with the batch size", Corrected, {" * x.shape[2] * x.shape[3]": ""})
wrong("unbiased correction with one picture's size", Einops, {"b * h * w": "h * w"})
wrong("unbiased correction with the size of everything", OwnCopy, {" // x.shape[1]": ""})
wrong("unbiased correction with the number of channels", ScaleAndShift, {"x.numel() / ": ""})
wrong("unbiased correction upside down", Corrected, {"n / (n - 1)": "(n - 1) / n"})
wrong(
    "mean of squares as variance",
    MulAdd,
    {"x.var(dims, unbiased=False)": "(x * x).mean(dims)", "m * x.var(dims)": "m * var"},
)
wrong("momentum the wrong way round", Corrected, {"keep = 1 - self.": "keep = self."})
wrong("momentum applied to both values", InMethods, {"(1 - m)": "m"})
wrong("one minus momentum applied to both values", InMethods, {"+ m": "+ (1 - m)"})
wrong("momentum applied to the running value twice", InMethods, {"(1 - m)": "(1 - m) ** 2"})
wrong("batch added without momentum", InMethods, {"+ m * ": "+ "})
wrong(
    "running value not decayed",
    ScaleAndShift,
    {"(mean - self.running_mean)": "mean", "(unbiased - self.running_var)": "unbiased"},
)
wrong(
    "running value replaced by the batch's",
    EinopsToColumns,
    {
        "torch.lerp(self.running_mean, mean, self.momentum)": "mean",
        "torch.lerp(self.running_var, columns.var(0), self.momentum)": "columns.var(0)",
    },
)
wrong("momentum hard-coded", MulAdd, {"m = self.momentum": "m = 0.1"})
wrong(
    "plain average of all batches",
    InFull,
    {"m = self.momentum": "m = 1 / self.num_batches_tracked"},
)
wrong(
    "running statistics updated twice",
    InMethods,
    {"self.update(x)": "self.update(x)\nself.update(x)"},
)

wrong(
    "new value added to the old one",
    KeepDim,
    {
        "self.running_mean = (1 - m)": "self.running_mean += (1 - m)",
        "self.running_var = (1 - m)": "self.running_var += (1 - m)",
    },
)
wrong(
    "eps in running_var",
    ThroughStd,
    {".add(x.var((0, 2, 3)).": ".add((x.var((0, 2, 3)) + self.eps)."},
)
wrong(
    "deviations summed before squaring",
    Einops,
    {
        '"mean")\nvar = reduce((x - expand(mean)) ** 2': '"mean")\nvar = reduce(x - expand(mean)',
        'c", "mean")\nb,': 'c", "sum") ** 2\nb,',
    },
)
wrong(
    "deviations summed before squaring, running_var right",
    HalfFunctional,
    {'reduce((x - mean) ** 2, per_channel, "mean")': 'reduce(x - mean, per_channel, "mean") ** 2'},
)
wrong(
    "batch cut into num_features pieces",
    PermuteFlatten,
    {"x.permute(1, 0, 2, 3).flatten(start_dim=1)": "x.view(self.num_features, -1)"},
)

# ---- Wrong: the formula ---------------------------------------------------------------------

wrong("eps outside the root", MulAdd, {"(var + self.eps)": "(var) + self.eps"})
wrong(
    "eps added after dividing",
    ThroughStd,
    {"var + self.eps, 0.5)": "var, 0.5)", "x - mean, std)": "x - mean, std).add(self.eps)"},
)
wrong("eps missing", PermuteFlatten, {" + self.eps": ""})
wrong("eps squared", Einsum, {"var + self.eps": "var + self.eps**2"})
wrong("eps hard-coded", Functional, {", self.eps)": ")"})
wrong("divided by the variance", EinopsToColumns, {"(var + self.eps).sqrt()": "(var + self.eps)"})
wrong("standard deviation under the root", KeepDim, {"var = x.var(": "var = x.std("})
wrong("multiplied by the standard deviation", RunningFirst, {"mean) / std": "mean) * std"})
wrong("not centred", InMethods, {"(x - mean)": "x"})
wrong("mean added", Corrected, {"1) - mean": "1) + mean"})
wrong("no brackets around x - mean", KeepDim, {"(x - mean)": "x - mean"})
wrong("affine forgotten", Einops, {" * expand(self.weight) + expand(self.bias)": ""})
wrong("weight forgotten", ThroughStd, {".mul(weight)": ""})
wrong("bias forgotten", OwnAffine, {" + self.bias.view(-1, 1, 1)": ""})
wrong("bias before weight", ThroughStd, {".mul(weight).add(bias)": ".add(bias).mul(weight)"})
wrong("weight and bias swapped", Functional, {"self.weight, self.bias": "self.bias, self.weight"})
wrong(
    "affine before normalising",
    EinopsToColumns,
    {'c")': 'c") * self.weight + self.bias', ".sqrt() * self.weight + self.bias": ".sqrt()"},
)
wrong("input changed in place", OwnCopy, {"out = x - mean": "out = x\nout -= mean"})

# ---- Wrong: the axes ------------------------------------------------------------------------

wrong("statistics over the batch only", KeepDim, {"(0, 2, 3)": "0"})
wrong("statistics over space only", KeepDim, {"(0, 2, 3)": "(2, 3)"})
wrong("statistics over channels and space", KeepDim, {"(0, 2, 3)": "(1, 2, 3)"})
wrong("statistics over batch and height", KeepDim, {"(0, 2, 3)": "(0, 2)"})
wrong("statistics over batch and width", KeepDim, {"(0, 2, 3)": "(0, 3)"})
wrong(
    "batch statistics over the batch only, running ones right", ThroughStd, {"x, (0, 2, 3)": "x, 0"}
)
wrong("batch statistics over space only, running ones right", HalfFunctional, {"w -> 1": "w -> b"})
wrong(
    "batch statistics over channels and space, running ones right", ThroughStd, {"x, (0": "x, (1"}
)
wrong(
    "batch statistics over batch and height, running ones right",
    HalfFunctional,
    {"b c h w -> 1 c 1 1": "b c h w -> 1 c 1 w"},
)
wrong(
    "batch statistics over batch and width, running ones right", ThroughStd, {"x, (0, 2": "x, (0"}
)
wrong(
    "statistics over everything",
    MulAdd,
    {"x.mean(dims), x.var(dims, ": "x.mean(), x.var(", "x.var(dims))": "x.var())"},
)
wrong(
    "vectors broadcast along the width",
    RegisteredAgain,
    {"(v[:, None, None] for v in vectors)": "vectors"},
)
wrong(
    "mean and variance broadcast along the width",
    Lerp,
    {"mean.view(1, -1, 1, 1)": "mean", "var.view(1, -1, 1, 1)": "var"},
)
wrong(
    "running statistics broadcast along the width",
    KeepDim,
    {"_mean.view(1, -1, 1, 1)": "_mean", "_var.view(1, -1, 1, 1)": "_var"},
)
wrong(
    "weight and bias broadcast along the width",
    OwnAffine,
    {"weight.view(-1, 1, 1)": "weight", "bias.view(-1, 1, 1)": "bias"},
)
wrong("vectors broadcast along the batch", RegisteredAgain, {"v[:, N": "v[:, None, N"})

# ---- Wrong: train and eval mode -------------------------------------------------------------

wrong(
    "batch statistics in eval mode",
    ScaleAndShift,
    {"else:\nmean, var = self.running_mean, self.running_var\n": ""},
)
wrong(
    "running statistics in train mode",
    RunningFirst,
    {
        "mean, var = x.mean(dims), x.var(dims, unbiased=False)\n": "",
        "mean.detach()": "x.detach().mean(dims)",
    },
)
wrong("normalised with the updated running statistics", MulAdd, {"else:\nmean, var": "mean, var"})
wrong("train and eval swapped", Lerp, {"if self.training": "if not self.training"})
wrong("train mode ignored", Functional, {"int(self.training)": "1", "s, self.training": "s, True"})
wrong("eval mode always", MulAdd, {"if self.training": "if not self.eval"})
wrong(
    "train mode ignored, one value refused in it alone",
    OwnCopy,
    {"if self.training:\nif": "if self.train:\n    if self.training and"},
)
wrong(
    "statistics updated in eval mode",
    InMethods,
    {
        "if self.training:\nif": "self.update(x)\nif self.training:\n    if",
        'channel")\nself.update(x)': 'channel")',
    },
)
wrong("running statistics never updated", Lerp, {"lerp_(mean": "lerp(mean", "lerp_(x": "lerp(x"})
wrong("running_mean never updated", Lerp, {"lerp_(mean": "lerp(mean"})
wrong("running_var never updated", Lerp, {"lerp_(x": "lerp(x"})
wrong(
    "running_mean of the normalised batch",
    MulAdd,
    {"(m * mean)": "(m * ((x - mean.view(-1, 1, 1)) / x.std()).mean(dims))"},
)
wrong(
    "running statistics of the normalised batch",
    InMethods,
    {
        "self.update(x)": "self.update(self.normalised(x, *self.of_batch(x)))",
        "@torch.no_grad()": "def of_batch(self, x):\n"
        "    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)\n"
        "    return mean[:, None, None], var[:, None, None]\n\n@torch.no_grad()",
    },
)
wrong(
    "num_batches_tracked never incremented",
    Functional,
    {"self.num_batches_tracked += int(self.training)\n": ""},
)
wrong(
    "num_batches_tracked incremented in eval mode",
    Native,
    {
        "if self.training:\nif": "self.num_batches_tracked.add_(1)\nif self.training:\n    if",
        'channel")\nself.num_batches_tracked.add_(1)': 'channel")',
    },
)
wrong("num_batches_tracked counts pictures", PermuteFlatten, {"data += 1": "data += len(x)"})

# ---- Wrong: parameters, buffers and the graph -----------------------------------------------

wrong(
    "running statistics are Parameters",
    InFull,
    {
        'register_buffer("running_mean", ': "running_mean = nn.Parameter(",
        'register_buffer("running_var", ': "running_var = nn.Parameter(",
    },
)
wrong(
    "running statistics are plain attributes",
    InFull,
    {
        'register_buffer("running_mean", torch.zeros(num_features))': (
            "running_mean = torch.zeros(num_features)"
        ),
        'register_buffer("running_var", torch.ones(num_features))': (
            "running_var = torch.ones(num_features)"
        ),
    },
)
wrong("running statistics keep the graph", Einops, {"mean.detach()": "mean", "var.detach()": "var"})
wrong("running_mean keeps the graph", Einops, {"mean.detach()": "mean"})
wrong("running_var keeps the graph", KeepDim, {"x.detach().var": "x.var"})
wrong(
    "running statistics made in inference mode",
    InMethods,
    {"@torch.no_grad()": "@torch.inference_mode()"},
)
wrong("mean detached from the graph", KeepDim, {"mean = x.mean": "mean = x.detach().mean"})
wrong(
    "variance detached from the graph",
    HalfFunctional,
    {"var = reduce((x - mean) ** 2": "var = reduce((x.data - mean.data) ** 2"},
)
wrong(
    "mean and variance detached from the graph",
    RegisteredAgain,
    {"= x.mean(dims), x.var(": "= x.data.mean(dims), x.data.var("},
)
wrong("forward under no_grad", KeepDim, {"def forward": "@torch.no_grad()\ndef forward"})
wrong("input detached", EinopsToColumns, {"rearrange(x, ": "rearrange(x.detach(), "})
wrong(
    "running statistics keep four axes",
    InFull,
    {
        'mean", torch.zeros(num_features)': 'mean", torch.zeros(1, num_features, 1, 1)',
        'var", torch.ones(num_features)': 'var", torch.ones(1, num_features, 1, 1)',
        "x.mean(dim=(0, 2, 3))": "x.mean(dim=(0, 2, 3), keepdim=True)",
        "unbiased=False": "unbiased=False, keepdim=True",
        "x.var(dim=(0, 2, 3))": "x.var(dim=(0, 2, 3), keepdim=True)",
    },
)
wrong(
    "batch statistics with keepdim in the update",
    KeepDim,
    {"mean.detach().squeeze()": "mean.detach()", "unbiased.squeeze()": "unbiased"},
)

wrong(
    "running statistics squeezed",
    RunningFirst,
    {
        "mean.detach(), self.momentum)": "mean.detach(), self.momentum).squeeze()",
        "x.detach().var(dims), self.momentum)": "x.detach().var(dims), self.momentum).squeeze()",
    },
)
wrong(
    "one value per channel accepted",
    Lerp,
    {'\nif x.numel() == x.shape[1]:\nraise ValueError("one value per channel")': ""},
)
wrong(
    "one value per channel refused in eval mode",
    ChannelByChannel,
    {"self.training and x[:, 0].numel()": "x[:, 0].numel()"},
)

# ---- Wrong: what a new module has and shows -------------------------------------------------

wrong("running_mean starts at 1", InFull, {'mean", torch.zeros': 'mean", torch.ones'})
wrong("running_var starts at 0", OwnEval, {"=True)": "=True)\nnn.init.zeros_(self.running_var)"})
wrong("weight starts at 0", InFull, {"Parameter(torch.ones": "Parameter(torch.zeros"})
wrong("bias starts at 1", OwnEval, {"=True)": "=True)\nnn.init.ones_(self.bias)"})
WEIGHT = "self.weight = nn.Parameter(torch.ones(num_features))"
BIAS = "self.bias = nn.Parameter(torch.zeros(num_features))"
wrong("bias declared before weight", InFull, {f"{WEIGHT}\n{BIAS}": f"{BIAS}\n{WEIGHT}"})
wrong(
    "weight and bias are buffers",
    InFull,
    {
        "weight = nn.Parameter(": 'register_buffer("weight", ',
        "bias = nn.Parameter(": 'register_buffer("bias", ',
    },
)
wrong("num_batches_tracked is a float", InFull, {"torch.tensor(0)": "torch.zeros(())"})
wrong("default eps is not 1e-5", InFull, {"eps=1e-05": "eps=1e-3"})
wrong("default momentum is not 0.1", OwnEval, {"momentum=0.1": "momentum=0.9"})
wrong("extra_repr empty", Lerp, {'f"{self.num_features}, {self.eps}, {self.momentum}"': '""'})
wrong("extra_repr without its f", InFull, {'f"{self': '"{self'})
wrong("extra_repr with names only", Functional, {'f"{k}={getattr(self, k)}"': "k"})
wrong(
    "extra_repr returns a tuple",
    Functional,
    {'", ".join(f"{k}={getattr(self, k)}"': "tuple(getattr(self, k)"},
)
wrong("extra_repr returns None", InMethods, {'return f"': 'print(f"', 'momentum}"': 'momentum}")'})
wrong("extra_repr without num_features", Functional, {'"num_features", ': ""})
wrong("extra_repr without eps", PermuteFlatten, {", eps={self.eps}": ""})
wrong("extra_repr without momentum", Corrected, {", {self.momentum=}": ""})
wrong("extra_repr with another number for num_features", InFull, {"{self.num_features}, ": "64, "})
wrong("extra_repr with another number for eps", PermuteFlatten, {"{self.eps}": "1e-05"})
wrong("extra_repr with another number for momentum", Corrected, {"{self.momentum=}": "0.1"})
wrong(
    "num_batches_tracked replaced by a number",
    InFull,
    {
        "self.num_batches_tracked += 1": "seen = int(self.num_batches_tracked)\n"
        "self.num_batches_tracked = seen + 1"
    },
)
wrong(
    "running statistics become Parameters",
    RegisteredAgain,
    {
        'register_buffer("running_mean", new_mean)': "running_mean = nn.Parameter(new_mean)",
        'register_buffer("running_var", new_var)': "running_var = nn.Parameter(new_var)",
    },
)
wrong(
    "running statistics made of Python numbers",
    RegisteredAgain,
    {
        "new_mean)\n": "torch.tensor(new_mean.tolist()))\n",
        "new_var)\n": "torch.tensor(new_var.tolist()))\n",
    },
)
wrong("single pictures refused", InMethods, {"x.numel() == x.shape[1]": "len(x) == 1"})
wrong(
    "running statistics get four axes",
    InFull,
    {
        "self.running_mean.data = (1 - m) * self.running_mean + m * mean": (
            "old_mean, old_var = self.running_mean.flatten(), self.running_var.flatten()\n"
            "self.running_mean = ((1 - m) * old_mean + m * mean)[None, :, None, None]"
        ),
        "self.running_var.data = (1 - m) * self.running_var + m * x.var(dim=(0, 2, 3))": (
            "self.running_var = ((1 - m) * old_var + m * x.var((0, 2, 3)))[None, :, None, None]"
        ),
    },
)
wrong(
    "output in float32",
    InFull,
    {
        "return x * self.weight": "x = x.to(torch.float32)\nreturn x * self.weight.float()",
        " + self.bias": " + self.bias.float()",
    },
)
