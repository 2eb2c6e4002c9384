"""Answers to named_resnet34, each with its own residual block."""

from collections import OrderedDict
from functools import cache, partial  # noqa: F401 (cache for a wrong answer)

import torch.nn.functional as F
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential
from resnet_helpers.solutions import (
    AveragePool,
    BatchNorm2d,
    NamedSequential,
    ResidualBlock,  # noqa: F401 (for a wrong answer)
)

named_resnet34 = Answers("named_resnet34", globals())
right, right_with, wrong = named_resnet34.right, named_resnet34.right_with, named_resnet34.wrong

# ---- Right ----------------------------------------------------------------------------------


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        left = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        right = self.downsample(x) if self.downsample else x
        return self.relu(left + right)


@right_with(NamedResidualBlock)
def channels_in_a_loop():
    modules = OrderedDict(
        conv1=Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
        bn1=BatchNorm2d(64),
        relu=ReLU(),
        maxpool=MaxPool2d(kernel_size=3, stride=2, padding=1),
    )
    n_blocks = (3, 4, 6, 3)
    channels = (64, 64, 128, 256, 512)
    strides = (1, 2, 2, 2)
    for i in range(4):
        blocks = [NamedResidualBlock(channels[i], channels[i + 1], strides[i])]
        while len(blocks) < n_blocks[i]:
            blocks.append(NamedResidualBlock(channels[i + 1], channels[i + 1]))
        modules[f"layer{i + 1}"] = Sequential(*blocks)
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)


class BasicBlock(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        conv = partial(nn.Conv2d, bias=False)
        self.conv1 = conv(in_feats, out_feats, 3, padding=1, stride=first_stride)
        self.bn1 = nn.BatchNorm2d(out_feats)
        self.conv2 = conv(out_feats, out_feats, 3, padding="same")
        self.bn2 = nn.BatchNorm2d(out_feats)
        self.downsample = nn.Identity()
        if (in_feats, first_stride) != (out_feats, 1):
            self.downsample = nn.Sequential(
                conv(in_feats, out_feats, 1, first_stride), nn.BatchNorm2d(out_feats)
            )

    def forward(self, x):
        out = self.bn1(self.conv1(x))
        out = self.bn2(self.conv2(F.relu(out)))
        out += self.downsample(x)
        return F.relu_(out)


@right_with(BasicBlock)
def torch_layers_in_a_loop():
    modules = OrderedDict()
    modules["conv1"] = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
    modules["bn1"] = nn.BatchNorm2d(64)
    modules["relu"] = nn.ReLU(inplace=True)
    modules["maxpool"] = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    for i, n_blocks in enumerate([3, 4, 6, 3]):
        out_feats = 64 * 2**i
        blocks = []
        for b in range(n_blocks):
            blocks.append(BasicBlock(in_feats, out_feats, 2 if i > 0 and b == 0 else 1))
            in_feats = out_feats
        modules[f"layer{i + 1}"] = nn.Sequential(*blocks)
    modules["avgpool"] = AveragePool()
    modules["fc"] = nn.Linear(512, 1000)
    return nn.Sequential(modules)


class Block(nn.Module):
    def __init__(self, in_feats, out_feats, stride=1):
        super().__init__()
        self.has_downsample = stride > 1 or in_feats != out_feats
        if self.has_downsample:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, stride), BatchNorm2d(out_feats)
            )
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride, 1)
        self.bn1 = BatchNorm2d(out_feats)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.bn2 = BatchNorm2d(out_feats)

    def forward(self, x):
        left = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.has_downsample:
            x = self.downsample(x)
        return (left + x).relu()


class NamedResNet34(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, 2, 1)
        self.layer1 = Sequential(*[Block(64, 64) for _ in range(3)])
        self.layer2 = self.make(4, 64, 128)
        self.layer3 = self.make(6, 128, 256)
        self.layer4 = self.make(3, 256, 512)
        self.avgpool = AveragePool()
        self.fc = Linear(512, 1000)

    def make(self, n_blocks, in_feats, out_feats):
        first = Block(in_feats, out_feats, 2)
        return Sequential(first, *[Block(out_feats, out_feats) for _ in range(1, n_blocks)])

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x


# A state dict is loaded by names, so the order of declaration within a block does not matter.
@right_with(Block, NamedResNet34)
def as_attributes():
    return NamedResNet34()


@right
def layers_by_a_function():
    def layer(n_blocks, in_feats, out_feats, first_stride):
        sizes = [(in_feats, out_feats, first_stride)] + [(out_feats, out_feats)] * (n_blocks - 1)
        return Sequential(*(NamedResidualBlock(*size) for size in sizes))

    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(kernel_size=3, stride=2, padding=1),
            layer1=layer(3, 64, 64, 1),
            layer2=layer(4, 64, 128, 2),
            layer3=layer(6, 128, 256, 2),
            layer4=layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )


@right
def torchvisions_own():
    from torchvision.models import resnet34

    return resnet34()


# ---- Wrong: the network ---------------------------------------------------------------------

wrong("dictionary returned", torch_layers_in_a_loop, {"nn.Sequential(modules)": "modules"})
wrong("nothing returned", channels_in_a_loop, {"return NamedSequential": "NamedSequential"})
wrong("plain dict", channels_in_a_loop, {"OrderedDict(": "dict("})
wrong("two stars before the dictionary", layers_by_a_function, {"OrderedDict(\n": "**dict(\n"})
wrong("a star before the dictionary", channels_in_a_loop, {"(modules)": "(*modules)"})
wrong("modules numbered", channels_in_a_loop, {"(modules)": "(*modules.values())"})
wrong("layers counted from 0", torch_layers_in_a_loop, {"layer{i + 1}": "layer{i}"})
wrong(
    "ResidualBlock instead of NamedResidualBlock",
    layers_by_a_function,
    {"NamedResidualBlock": "ResidualBlock"},
)
wrong(
    "BlockGroup instead of Sequential",
    layers_by_a_function,
    {
        "return Sequential(*(": "return NamedSequential(OrderedDict(blocks=Sequential(*(",
        "in sizes))": "in sizes))))",
    },
)
wrong("fc under another name", as_attributes, {"self.fc": "self.out"})
wrong("avgpool under another name", layers_by_a_function, {"avgpool": "averagepool"})
wrong("stem's ReLU missing", layers_by_a_function, {"relu=ReLU(),\n": ""})
wrong("maxpool missing", as_attributes, {"self.maxpool = MaxPool2d(3, 2, 1)\n": ""})
wrong("two blocks in every layer", torch_layers_in_a_loop, {"[3, 4, 6, 3]": "[2, 2, 2, 2]"})
wrong("one block too many in every layer", layers_by_a_function, {"(n_blocks - 1)": "n_blocks"})
wrong(
    "the same block repeated",
    channels_in_a_loop,
    {
        "while len(blocks) < n_blocks[i]:\nblocks.append(": "later = ",
        "channels[i + 1]))": "channels[i + 1])",
        "modules[f": "blocks += [later] * (n_blocks[i] - 1)\nmodules[f",
    },
)
wrong(
    "no strides",
    torch_layers_in_a_loop,
    {", 2 if i > 0 and b == 0 else 1)": ")"},
)
wrong(
    "stride in layer1",
    layers_by_a_function,
    {"layer(3, 64, 64, 1)": "layer(3, 64, 64, 2)"},
)
wrong(
    "axes kept by avgpool",
    torch_layers_in_a_loop,
    {"AveragePool()": "nn.AdaptiveAvgPool2d((1, 1))"},
)
wrong(
    "the same network at every call",
    layers_by_a_function,
    {"def named_resnet34": "@cache\ndef named_resnet34"},
)
wrong("softmax at the end", layers_by_a_function, {"1000),": "1000),\nsoftmax=nn.Softmax(dim=1),"})
wrong("number of classes", as_attributes, {"(512, 1000)": "(512, 10)"})

# ---- Wrong: the blocks ----------------------------------------------------------------------

wrong(
    "downsample under another name",
    torch_layers_in_a_loop,
    {
        "self.downsample = nn.Identity()": "self.shortcut = nn.Identity()",
        "self.downsample = nn.Sequential": "self.shortcut = nn.Sequential",
        "self.downsample(x)": "self.shortcut(x)",
    },
)
wrong(
    "downsample not a Sequential",
    as_attributes,
    {
        "self.downsample = Sequential(\nConv2d(in_feats, out_feats, 1, stride), "
        "BatchNorm2d(out_feats)\n)": "self.conv3 = Conv2d(in_feats, out_feats, 1, stride)\n"
        "self.bn3 = BatchNorm2d(out_feats)",
        "self.downsample(x)": "self.bn3(self.conv3(x))",
    },
)
wrong(
    "downsample with names",
    channels_in_a_loop,
    {
        "Sequential(\nConv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)\n)": (
            "NamedSequential(OrderedDict(\n"
            "    conv=Conv2d(in_feats, out_feats, 1, first_stride), norm=BatchNorm2d(out_feats)\n"
            "))"
        ),
    },
)
wrong(
    "x added instead of downsample's result",
    channels_in_a_loop,
    {"right = self.downsample(x) if self.downsample else x": "right = x"},
)
wrong(
    "downsample without stride",
    channels_in_a_loop,
    {"(in_feats, out_feats, 1, first_stride)": "(in_feats, out_feats, 1)"},
)
wrong("downsample in every block", channels_in_a_loop, {"first_stride != 1 or": "first_stride or"})
wrong(
    "downsample without batchnorm",
    as_attributes,
    {"1, stride), BatchNorm2d(out_feats)": "1, stride)"},
)
wrong(
    "convolutions with bias",
    torch_layers_in_a_loop,
    {"partial(nn.Conv2d, bias=False)": "nn.Conv2d", "padding=3, bias=False": "padding=3"},
)
wrong(
    "stride on the second convolution",
    channels_in_a_loop,
    {
        "kernel_size=3, stride=first_stride, padding=1": "kernel_size=3, padding=1",
        "(out_feats, out_feats, kernel_size=3": "(out_feats, out_feats, 3, stride=first_stride",
    },
)
wrong(
    "last ReLU of the blocks missing", torch_layers_in_a_loop, {"return F.relu_(out)": "return out"}
)
wrong(
    "last ReLU before the addition",
    channels_in_a_loop,
    {"self.relu(left + right)": "self.relu(left) + right"},
)
wrong(
    "middle ReLU of the blocks missing",
    as_attributes,
    {"self.bn1(self.conv1(x)).relu()": "self.bn1(self.conv1(x))"},
)
wrong("skip connection missing", torch_layers_in_a_loop, {"out += self.downsample(x)\n": ""})
wrong("avgpool missing", layers_by_a_function, {"avgpool=AveragePool(),\n": ""})
wrong(
    "left branch's result skipped",
    torch_layers_in_a_loop,
    {"out += self.downsample(x)": "out = out + self.downsample(out)"},
)
wrong(
    "downsample a bare convolution",
    torch_layers_in_a_loop,
    {"nn.Sequential(\n": "(\n", ", first_stride), nn.BatchNorm2d(out_feats)": ", first_stride)"},
)
