"""Answers to ResidualBlock."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.solutions import BatchNorm2d

residual_block = Answers("ResidualBlock", globals())
right, wrong = residual_block.right, residual_block.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class TwoBranches(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@right
class IdentityOrProjection(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.relu = ReLU()

    def forward(self, x):
        left, right = self.left(x), self.right(x)
        return self.relu(left + right)


@right
class WithPyTorchsLayers(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Sequential()
        if first_stride > 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x), inplace=True)


@right
class LikeTorchvision(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False),
                nn.BatchNorm2d(planes),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


@right
class LayerByLayer(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.norm1 = BatchNorm2d(out_feats)
        self.conv2 = Conv2d(out_feats, out_feats, 3, padding=1)
        self.norm2 = BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if not (first_stride == 1 and in_feats == out_feats):
            conv3 = Conv2d(in_feats, out_feats, 1, stride=first_stride)
            self.right = Sequential(conv3, BatchNorm2d(out_feats))
        self.relu = ReLU()

    def forward(self, x):
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out)) + self.right(x)
        return self.relu(out)


@right
class FunctionalReLU(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.same_shape = first_stride == 1 and in_feats == out_feats
        self.conv_a = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.norm_a = BatchNorm2d(out_feats)
        self.conv_b = Conv2d(out_feats, out_feats, 3, padding=1)
        self.norm_b = BatchNorm2d(out_feats)
        if not self.same_shape:
            self.conv_skip = Conv2d(in_feats, out_feats, 1, stride=first_stride)
            self.norm_skip = BatchNorm2d(out_feats)

    def forward(self, x):
        y = torch.relu(self.norm_a(self.conv_a(x)))
        y = self.norm_b(self.conv_b(y))
        skip = x if self.same_shape else self.norm_skip(self.conv_skip(x))
        return F.relu_(skip + y)


@right
class ListsFirst(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        left = [
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        ]
        right = []
        if first_stride != 1 or in_feats != out_feats:
            right = [Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)]
        self.left, self.right = Sequential(*left), Sequential(*right)

    def forward(self, x):
        return (self.left(x) + self.right(x)).relu()


@right
class HelperMethod(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            *self.layers(in_feats, out_feats, 3, first_stride),
            ReLU(),
            *self.layers(out_feats, out_feats, 3, 1),
        )
        self.right = Sequential()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(*self.layers(in_feats, out_feats, 1, first_stride))

    def layers(self, in_feats, out_feats, size, stride):
        conv = Conv2d(in_feats, out_feats, size, stride, padding=size // 2)
        return conv, BatchNorm2d(out_feats)

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@right
class TwoHalves(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        first = Conv2d(in_feats, out_feats, 3, first_stride, padding=1)
        second = Conv2d(out_feats, out_feats, 3, padding=1)
        self.start = Sequential(first, BatchNorm2d(out_feats), ReLU())
        self.end = Sequential(second, BatchNorm2d(out_feats))
        self.right = (
            nn.Identity()
            if first_stride == 1 and in_feats == out_feats
            else Sequential(Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats))
        )

    def forward(self, x):
        left = self.end(self.start(x))
        return F.relu(left + self.right(x))


@right
class BranchesInADict(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1),
            BatchNorm2d(out_feats),
        )
        self.branches = nn.ModuleDict({"left": left})
        if (in_feats, 1) != (out_feats, first_stride):
            conv = Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride)
            self.branches["right"] = Sequential(conv, BatchNorm2d(out_feats))

    def forward(self, x):
        right = self.branches["right"](x) if "right" in self.branches else x
        return (right + self.branches["left"](x)).clamp(min=0)


@right
class LayersInALoop(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.steps = nn.ModuleList()
        for feats, stride in [(in_feats, first_stride), (out_feats, 1)]:
            self.steps += [Conv2d(feats, out_feats, 3, stride, 1), BatchNorm2d(out_feats), ReLU()]
        del self.steps[-1]  # the last ReLU comes after the addition
        self.skip = nn.ModuleList()
        if first_stride != 1 or in_feats != out_feats:
            self.skip += [Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)]

    def forward(self, x):
        out = x
        for step in self.steps:
            out = step(out)
        for step in self.skip:
            x = step(x)
        return torch.where(out + x > 0, out + x, 0)


@right
class OwnWeights(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.stride = first_stride
        self.w1 = nn.Parameter(torch.randn(out_feats, in_feats, 3, 3) / 10)
        self.add_module("b1", nn.BatchNorm2d(out_feats))
        self.second = Conv2d(out_feats, out_feats, 3, padding=1)
        self.b2 = nn.BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.LazyConv2d(out_feats, 1, first_stride, bias=False), nn.BatchNorm2d(out_feats)
            )
            self.right[0](torch.zeros(1, in_feats, 8, 8))

    def forward(self, x):
        out = self.b1(F.conv2d(x, self.w1, stride=self.stride, padding=1))
        out = self.b2(self.second(out.relu()))
        return (out + self.right(x)).relu()


@right
class SubclassOfSequential(nn.Sequential):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__(
            nn.Conv2d(
                in_feats, out_feats, 3, first_stride, "same" if first_stride == 1 else 1, bias=False
            ),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, padding="same", bias=False),
            nn.BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.shortcut = lambda x: x
        else:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, (1, 1), first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        out = x
        for layer in list(self)[:5]:
            out = layer(out)
        return F.relu(torch.add(out, self.shortcut(x)))


# ---- Wrong ----------------------------------------------------------------------------------

wrong(
    "right branch declared before left",
    ListsFirst,
    {
        "self.left, self.right = Sequential(*left), Sequential(*right)": (
            "self.right, self.left = Sequential(*right), Sequential(*left)"
        )
    },
)
wrong(
    "final ReLU missing",
    WithPyTorchsLayers,
    {"F.relu(self.left(x) + self.right(x), inplace=True)": "self.left(x) + self.right(x)"},
)
wrong(
    "final ReLU before the addition",
    FunctionalReLU,
    {
        "self.norm_b(self.conv_b(y))": "F.relu(self.norm_b(self.conv_b(y)))",
        "F.relu_(skip + y)": "skip + y",
    },
)
wrong(
    "ReLU on both branches before the addition",
    IdentityOrProjection,
    {"self.relu(left + right)": "self.relu(left) + self.relu(right)"},
)
wrong(
    "ReLU at the end of the left branch",
    TwoBranches,
    {"3, 1, 1),\nBatchNorm2d(out_feats),": "3, 1, 1),\nBatchNorm2d(out_feats),\nReLU(),"},
)
wrong(
    "ReLU in the right branch",
    TwoBranches,
    {"first_stride), BatchNorm2d(out_feats)": "first_stride), BatchNorm2d(out_feats), ReLU()"},
)
wrong(
    "ReLU on the input",
    BranchesInADict,
    {'right = self.branches["right"](x)': 'x = F.relu(x)\nright = self.branches["right"](x)'},
)
wrong(
    "middle ReLU missing",
    LayerByLayer,
    {"self.relu(self.norm1(self.conv1(x)))": "self.norm1(self.conv1(x))"},
)
wrong(
    "middle ReLU before batchnorm",
    FunctionalReLU,
    {"torch.relu(self.norm_a(self.conv_a(x)))": "self.norm_a(torch.relu(self.conv_a(x)))"},
)
wrong(
    "pre-activation order",
    LayersInALoop,
    {
        "[Conv2d(feats, out_feats, 3, stride, 1), BatchNorm2d(out_feats), ReLU()]": (
            "[BatchNorm2d(feats), ReLU(), Conv2d(feats, out_feats, 3, stride, 1)]"
        ),
        "\ndel self.steps[-1]  # the last ReLU comes after the addition": "",
    },
)
wrong(
    "pre-activation block",
    LayersInALoop,
    {
        "[Conv2d(feats, out_feats, 3, stride, 1), BatchNorm2d(out_feats), ReLU()]": (
            "[BatchNorm2d(feats), ReLU(), Conv2d(feats, out_feats, 3, stride, 1)]"
        ),
        "\ndel self.steps[-1]  # the last ReLU comes after the addition": "",
        "torch.where(out + x > 0, out + x, 0)": "out + x",
    },
)
wrong(
    "batchnorm before convolution",
    ListsFirst,
    {
        "Conv2d(in_feats, out_feats, 3, first_stride, 1),\nBatchNorm2d(out_feats)": (
            "BatchNorm2d(in_feats),\nConv2d(in_feats, out_feats, 3, first_stride, 1)"
        ),
        "Conv2d(out_feats, out_feats, 3, 1, 1),\nBatchNorm2d(out_feats)": (
            "BatchNorm2d(out_feats),\nConv2d(out_feats, out_feats, 3, 1, 1)"
        ),
    },
)
wrong(
    "stride on the second convolution",
    IdentityOrProjection,
    {
        "kernel_size=3, padding": "kernel_size=3, stride=first_stride, padding",
        "in_feats, out_feats, kernel_size=3, stride=first_stride": (
            "in_feats, out_feats, kernel_size=3"
        ),
    },
)
wrong(
    "stride on both 3x3 convolutions",
    LayerByLayer,
    {"out_feats, out_feats, 3": "out_feats, out_feats, 3, stride=first_stride"},
)
wrong("stride missing in the left branch", TwoHalves, {"3, first_stride, padding": "3, padding"})
wrong(
    "stride missing in the right branch",
    IdentityOrProjection,
    {"kernel_size=1, stride=first_stride": "kernel_size=1"},
)
wrong(
    "first_stride ignored",
    FunctionalReLU,
    {"3, stride=first_stride": "3", "1, stride=first_stride": "1"},
)
wrong(
    "stride 2 hard-coded",
    FunctionalReLU,
    {
        "3, stride=first_stride": "3, stride=1 if self.same_shape else 2",
        "1, stride=first_stride": "1, stride=2",
    },
)
wrong("stride always 2", TwoBranches, {"3, first_stride": "3, 2", "1, first_stride": "1, 2"})
wrong("stride always 2 in the left branch", WithPyTorchsLayers, {"3, first_stride": "3, 2"})
wrong(
    "stride always 2 in the right branch",
    IdentityOrProjection,
    {"kernel_size=1, stride=first_stride": "kernel_size=1, stride=2"},
)
wrong("default first_stride is 2", TwoHalves, {"first_stride=1)": "first_stride=2)"})
wrong(
    "identity everywhere",
    ListsFirst,
    {
        "\nif first_stride != 1 or in_feats != out_feats:\n"
        "right = [Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)]": ""
    },
)
wrong(
    "identity everywhere",
    TwoBranches,
    {
        "Sequential(\nConv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)\n)": (
            "nn.AvgPool2d(first_stride)"
        )
    },
)
wrong(
    "identity where only the stride is not 1",
    SubclassOfSequential,
    {"if first_stride == 1 and in_feats": "if in_feats"},
)
wrong(
    "identity where only the features differ",
    WithPyTorchsLayers,
    {"if first_stride > 1 or in_feats != out_feats": "if first_stride > 1"},
)
wrong(
    "identity unless stride and features both change",
    IdentityOrProjection,
    {"first_stride == 1 and": "first_stride == 1 or"},
)
wrong(
    "projection everywhere",
    LayersInALoop,
    {"\nif first_stride != 1 or in_feats != out_feats:\nself.skip": "\nself.skip"},
)
wrong(
    "projection declared everywhere",
    FunctionalReLU,
    {
        "if not self.same_shape:\nself.conv_skip = Conv2d(in_feats, out_feats, 1, "
        "stride=first_stride)\nself.norm_skip = BatchNorm2d(out_feats)": (
            "self.conv_skip = Conv2d(in_feats, out_feats, 1, stride=first_stride)\n"
            "self.norm_skip = BatchNorm2d(out_feats)"
        )
    },
)
wrong("padding on the 1x1 convolution", HelperMethod, {"padding=size // 2": "padding=1"})
wrong(
    "3x3 convolution in the right branch",
    HelperMethod,
    {"in_feats, out_feats, 1, first_stride": "in_feats, out_feats, 3, first_stride"},
)
wrong("padding missing on the 3x3 convolutions", HelperMethod, {", padding=size // 2": ""})
wrong(
    "padding missing on the first convolution",
    TwoBranches,
    {"3, first_stride, 1": "3, first_stride"},
)
wrong(
    "padding missing on the second convolution",
    LayerByLayer,
    {"out_feats, out_feats, 3, padding=1": "out_feats, out_feats, 3"},
)
wrong(
    "features change in the second convolution",
    HelperMethod,
    {
        "in_feats, out_feats, 3": "in_feats, in_feats, 3",
        "out_feats, out_feats, 3": "in_feats, out_feats, 3",
    },
)
wrong(
    "second convolution takes in_feats",
    WithPyTorchsLayers,
    {"Conv2d(out_feats, out_feats": "Conv2d(in_feats, out_feats"},
)
wrong(
    "first batchnorm of in_feats",
    TwoBranches,
    {"first_stride, 1),\nBatchNorm2d(out_feats)": "first_stride, 1),\nBatchNorm2d(in_feats)"},
)
wrong(
    "right batchnorm of in_feats",
    IdentityOrProjection,
    {"first_stride),\nBatchNorm2d(out_feats)": "first_stride),\nBatchNorm2d(in_feats)"},
)
wrong(
    "batchnorm missing in the right branch",
    BranchesInADict,
    {"Sequential(conv, BatchNorm2d(out_feats))": "conv"},
)
wrong(
    "first batchnorm missing",
    WithPyTorchsLayers,
    {"\nnn.BatchNorm2d(out_feats),\nnn.ReLU": "\nnn.ReLU"},
)
wrong(
    "second batchnorm missing",
    FunctionalReLU,
    {"\nself.norm_b = BatchNorm2d(out_feats)": "", "self.norm_b(self.conv_b(y))": "self.conv_b(y)"},
)
wrong("no batchnorm at all", HelperMethod, {"return conv, BatchNorm2d(out_feats)": "return [conv]"})
wrong(
    "batchnorm after the addition",
    LayerByLayer,
    {"self.norm2(self.conv2(out)) + self.right(x)": "self.norm2(self.conv2(out) + self.right(x))"},
)
wrong(
    "batchnorm after the addition, declared last",
    ListsFirst,
    {
        "3, 1, 1),\nBatchNorm2d(out_feats),": "3, 1, 1),",
        "Sequential(*right)": "Sequential(*right)\nself.norm = BatchNorm2d(out_feats)",
        "(self.left(x) + self.right(x)).relu()": "self.norm(self.left(x) + self.right(x)).relu()",
    },
)
wrong(
    "third batchnorm after the addition",
    IdentityOrProjection,
    {
        "self.relu = ReLU()": "self.norm = BatchNorm2d(out_feats)\nself.relu = ReLU()",
        "self.relu(left + right)": "self.relu(self.norm(left + right))",
    },
)
wrong(
    "one batchnorm used for both convolutions",
    LikeTorchvision,
    {"\nself.bn2 = nn.BatchNorm2d(planes)": "", "self.bn2(": "self.bn1("},
)
wrong(
    "one batchnorm used for both convolutions, declared last",
    LayerByLayer,
    {
        "\nself.norm1 = BatchNorm2d(out_feats)": "",
        "self.norm1(self.conv1": "self.norm2(self.conv1",
    },
)
wrong(
    "the same batchnorm object twice",
    LikeTorchvision,
    {"self.bn2 = nn.BatchNorm2d(planes)": "self.bn2 = self.bn1"},
)
wrong(
    "batchnorm shared by the two branches",
    LayerByLayer,
    {"Sequential(conv3, BatchNorm2d(out_feats))": "Sequential(conv3, self.norm2)"},
)
wrong(
    "convolutions with bias",
    WithPyTorchsLayers,
    {
        "3, first_stride, 1, bias=False": "3, first_stride, 1",
        "3, 1, 1, bias=False": "3, 1, 1",
        "1, first_stride, bias=False": "1, first_stride",
    },
)
wrong(
    "3x3 convolutions with bias",
    WithPyTorchsLayers,
    {"3, first_stride, 1, bias=False": "3, first_stride, 1", "3, 1, 1, bias=False": "3, 1, 1"},
)
wrong(
    "1x1 convolution with bias",
    SubclassOfSequential,
    {"(1, 1), first_stride, bias=False": "(1, 1), first_stride"},
)
wrong(
    "left branch declared out of order",
    LayerByLayer,
    {
        "\nself.norm1 = BatchNorm2d(out_feats)": "",
        "self.norm2 =": "self.norm1 = BatchNorm2d(out_feats)\nself.norm2 =",
    },
)
wrong(
    "second half of the left branch declared first",
    TwoHalves,
    {
        "self.start = Sequential(first, BatchNorm2d(out_feats), ReLU())\n"
        "self.end = Sequential(second, BatchNorm2d(out_feats))": (
            "self.end = Sequential(second, BatchNorm2d(out_feats))\n"
            "self.start = Sequential(first, BatchNorm2d(out_feats), ReLU())"
        )
    },
)
wrong(
    "layers in a plain list",
    LayersInALoop,
    {
        "self.steps = nn.ModuleList()": "self.steps = []",
        "self.skip = nn.ModuleList()": "self.skip = []",
    },
)
wrong("branches multiplied", BranchesInADict, {"right + ": "right * "})
wrong(
    "branches concatenated",
    SubclassOfSequential,
    {"torch.add(out, self.shortcut(x))": "torch.cat((out, self.shortcut(x)), dim=1)"},
)
wrong("branches subtracted", OwnWeights, {"out + self.right": "out - self.right"})
wrong(
    "branches averaged",
    IdentityOrProjection,
    {"left + right": "torch.stack([left, right]).mean(0)"},
)
wrong(
    "maximum of the branches",
    TwoBranches,
    {"self.left(x) + self.right(x)": "torch.max(self.left(x), self.right(x))"},
)
wrong(
    "right branch not added", IdentityOrProjection, {"self.relu(left + right)": "self.relu(left)"}
)
wrong("right branch not used", TwoBranches, {"self.right(x)": "x"})
wrong(
    "right branch computed and not used",
    LikeTorchvision,
    {"identity = self.downsample(x)": "self.downsample(x)"},
)
wrong(
    "no right branch",
    ListsFirst,
    {
        "\nright = []\nif first_stride != 1 or in_feats != out_feats:\n"
        "right = [Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)]": "",
        "self.left, self.right = Sequential(*left), Sequential(*right)": (
            "self.left = Sequential(*left)"
        ),
        "(self.left(x) + self.right(x))": "self.left(x)",
    },
)
wrong("left branch not added", LayersInALoop, {"out + x > 0, out + x": "x > 0, x"})
wrong(
    "right branch applied to the left one's output",
    TwoHalves,
    {"left = self.end(self.start(x))": "x = self.end(self.start(x))", "left + self": "x + self"},
)
wrong(
    "shortcut without weights",
    SubclassOfSequential,
    {
        "nn.Sequential(\nnn.Conv2d(in_feats, out_feats, (1, 1), first_stride, bias=False),\n"
        "nn.BatchNorm2d(out_feats),\n)": (
            "lambda x: F.pad(\n"
            "    x[:, :, ::first_stride, ::first_stride], (0, 0, 0, 0, 0, out_feats - in_feats)\n"
            ")"
        )
    },
)
wrong("skip connection detached", LayerByLayer, {"self.right(x)": "self.right(x).detach()"})
wrong("right branch of a detached input", TwoHalves, {"self.right(x)": "self.right(x.detach())"})
wrong(
    "left branch detached",
    TwoBranches,
    {
        "return F.relu(self.left(x) +": (
            "with torch.no_grad():\n    left = self.left(x)\nreturn F.relu(left +"
        )
    },
)
wrong("left branch of a detached input", TwoHalves, {"self.start(x)": "self.start(x.detach())"})
wrong("input detached", OwnWeights, {"out = self.b1(": "x = x.data\nout = self.b1("})
wrong("cut off from the graph", ListsFirst, {"def forward": "@torch.no_grad()\ndef forward"})
wrong(
    "right branch under no_grad",
    IdentityOrProjection,
    {
        "left, right = self.left(x), self.right(x)": (
            "left = self.left(x)\nwith torch.no_grad():\n    right = self.right(x)"
        )
    },
)
wrong(
    "input changed in place",
    OwnWeights,
    {"return (out + self.right(x)).relu()": "y = self.right(x)\ny += out\nreturn y.relu()"},
)
wrong(
    "both branches computed twice",
    TwoBranches,
    {
        "return F.relu": (
            "assert self.left(x).shape == self.right(x).shape, 'unlike shapes'\nreturn F.relu"
        )
    },
)
wrong(
    "left branch computed twice",
    ListsFirst,
    {"return (": "print(self.left(x).shape)\nreturn ("},
)
wrong(
    "right branch computed twice",
    LikeTorchvision,
    {"identity = self.downsample(x)": "self.downsample(x)\nidentity = self.downsample(x)"},
)
wrong("PReLU in the middle", WithPyTorchsLayers, {"nn.ReLU(inplace=True)": "nn.PReLU()"})
wrong(
    "PReLU at the end",
    IdentityOrProjection,
    {"self.relu = ReLU()": "self.prelu = nn.PReLU()", "self.relu(left": "self.prelu(left"},
)
wrong("one PReLU for both", LayerByLayer, {"self.relu = ReLU()": "self.relu = nn.PReLU()"})
wrong("LeakyReLU", LikeTorchvision, {"nn.ReLU": "nn.LeakyReLU"})
wrong("GELU", LayerByLayer, {"self.relu = ReLU()": "self.relu = nn.GELU()"})
wrong("ReLU6", BranchesInADict, {"ReLU()": "nn.ReLU6()", "clamp(min=0)": "clamp(0, 6)"})


@residual_block.wrong_in_full("no layers declared")
class LayersInForward(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.in_feats = in_feats
        self.out_feats = out_feats
        self.first_stride = first_stride

    def forward(self, x):
        left = Sequential(
            Conv2d(self.in_feats, self.out_feats, 3, self.first_stride, 1),
            BatchNorm2d(self.out_feats),
            ReLU(),
            Conv2d(self.out_feats, self.out_feats, 3, 1, 1),
            BatchNorm2d(self.out_feats),
        )
        right = Sequential()
        if self.first_stride != 1 or self.in_feats != self.out_feats:
            conv = Conv2d(self.in_feats, self.out_feats, 1, self.first_stride)
            right = Sequential(conv, BatchNorm2d(self.out_feats))
        return F.relu(left(x) + right(x))
