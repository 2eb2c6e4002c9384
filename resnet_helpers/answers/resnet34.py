"""Answers to ResNet34."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential
from resnet_helpers.solutions import AveragePool, BatchNorm2d, BlockGroup

resnet34 = Answers("ResNet34", globals())
right, wrong = resnet34.right, resnet34.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class ThreeParts(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@right
class OneByOne(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@right
class WithPyTorchsLayers(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        feats = 64
        for n, out, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group, strict=False
        ):
            groups.append(BlockGroup(n, feats, out, stride))
            feats = out
        self.groups = nn.Sequential(*groups)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(feats, n_classes)
        )

    def forward(self, x):
        return self.head(self.groups(self.stem(x)))


# torchvision's names; ReLU after the max pool, which comes to the same.
@right
class LikeTorchvision(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.n_layers = len(n_blocks_per_group)
        self.inplanes = 64
        self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for i in range(self.n_layers):
            settings = (out_features_per_group[i], first_strides_per_group[i])
            setattr(self, f"layer{i + 1}", self._make_layer(n_blocks_per_group[i], *settings))
        self.fc = nn.Linear(self.inplanes, n_classes)

    def _make_layer(self, blocks, planes, stride):
        layer = BlockGroup(blocks, self.inplanes, planes, stride)
        self.inplanes = planes
        return layer

    def forward(self, x):
        x = F.relu_(self.maxpool(self.bn1(self.conv1(x))))
        for i in range(self.n_layers):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(torch.flatten(x, 2).mean(-1))


@right
class GroupsInAModuleList(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=None,
        out_features_per_group=None,
        first_strides_per_group=None,
        n_classes=1000,
    ):
        super().__init__()
        n_blocks = n_blocks_per_group or [3, 4, 6, 3]
        out_feats = out_features_per_group or [64, 128, 256, 512]
        strides = first_strides_per_group or [1, 2, 2, 2]
        in_feats = [64, *out_feats[:-1]]
        self.conv = Conv2d(3, 64, 7, 2, 3)
        self.norm = BatchNorm2d(64)
        self.groups = nn.ModuleList(
            BlockGroup(n_blocks[i], in_feats[i], out_feats[i], strides[i])
            for i in range(len(n_blocks))
        )
        self.fc = Linear(out_feats[-1], n_classes)

    def forward(self, x):
        x = self.norm(self.conv(x)).relu()
        x = F.max_pool2d(x, 3, 2, 1)
        for group in self.groups:
            x = group(x)
        return self.fc(x.mean((-2, -1)))


# Adds tuples, so it takes nothing else.
@right
class TakesTuples(nn.Sequential):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        in_features_per_group = (64,) + out_features_per_group[:-1]
        super().__init__(
            Conv2d(3, 64, 7, 2, 3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(3, 2, 1),
            *map(
                BlockGroup,
                n_blocks_per_group,
                in_features_per_group,
                out_features_per_group,
                first_strides_per_group,
            ),
            AveragePool(),
            Linear(out_features_per_group[-1], n_classes),
        )


@right
class EverythingInForward(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, 7, stride=2, padding=3), BatchNorm2d(64), ReLU(), MaxPool2d(3, 2, 1)
        )
        all_feats = [64, *out_features_per_group]
        blocks = nn.ModuleDict()
        for i, (n, stride) in enumerate(
            zip(n_blocks_per_group, first_strides_per_group, strict=True)
        ):
            blocks[f"group {i}"] = BlockGroup(n, all_feats[i], all_feats[i + 1], stride)
        self.blocks = blocks
        self.out = Linear(all_feats[-1], n_classes)

    def forward(self, x):
        x = self.in_layers(x)
        for block in self.blocks.values():
            x = block(x)
        height, width = x.shape[2:]
        return self.out(x.sum((2, 3)) / (height * width))


@right
class ZippedSizes(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        sizes = zip(
            n_blocks_per_group,
            (64, *out_features_per_group[:-1]),
            out_features_per_group,
            first_strides_per_group,
            strict=True,
        )
        groups = []
        for size in sizes:
            groups.append(BlockGroup(*size))
        self.groups = Sequential(*groups)
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


# ---- Wrong: the stem -------------------------------------------------------------------------

wrong(
    "maxpool missing",
    ThreeParts,
    {"ReLU(),\nMaxPool2d(kernel_size=3, stride=2, padding=1),": "ReLU(),"},
)
wrong(
    "maxpool before batchnorm",
    OneByOne,
    {"maxpool(self.relu(self.bn1(self.conv1(x))))": "relu(self.bn1(self.maxpool(self.conv1(x))))"},
)
wrong(
    "maxpool before the first convolution",
    ZippedSizes,
    {
        "\nMaxPool2d(kernel_size=3, stride=2, padding=1),": "",
        "Conv2d(3, 64,": "MaxPool2d(kernel_size=3, stride=2, padding=1),\nConv2d(3, 64,",
    },
)
wrong(
    "maxpool after the groups",
    OneByOne,
    {
        "self.maxpool(self.relu(self.bn1(self.conv1(x))))": "self.relu(self.bn1(self.conv1(x)))",
        "self.groups(x)": "self.maxpool(self.groups(x))",
    },
)
wrong(
    "maxpool of 2x2", ThreeParts, {"MaxPool2d(kernel_size=3, stride=2, padding=1)": "MaxPool2d(2)"}
)
wrong(
    "maxpool stride left out",
    OneByOne,
    {"MaxPool2d(3, stride=2, padding=1)": "MaxPool2d(3, padding=1)"},
)
wrong("maxpool padding left out", GroupsInAModuleList, {"(x, 3, 2, 1)": "(x, 3, 2)"})
wrong("average pool in the stem", OneByOne, {"nn.MaxPool2d": "nn.AvgPool2d"})
wrong(
    "stem kernel 3x3",
    ThreeParts,
    {"kernel_size=7, stride=2, padding=3": "kernel_size=3, stride=2, padding=1"},
)
wrong("stem stride 1", WithPyTorchsLayers, {"kernel_size=7, stride=2": "kernel_size=7"})
wrong("stem padding missing", LikeTorchvision, {"stride=2, padding=3": "stride=2"})
wrong("stem padding 1", EverythingInForward, {"padding=3": "padding=1"})
wrong("stem convolution with bias", OneByOne, {", bias=False": ""})
wrong("stem batchnorm missing", ZippedSizes, {"BatchNorm2d(64),\n": ""})
wrong("stem ReLU missing", GroupsInAModuleList, {".relu()": ""})
wrong(
    "stem ReLU before batchnorm",
    ThreeParts,
    {"BatchNorm2d(64),\nReLU(),": "ReLU(),\nBatchNorm2d(64),"},
)
wrong(
    "stem as wide as the first group",
    LikeTorchvision,
    {"self.inplanes = 64": "self.inplanes = out_features_per_group[0]"},
)

# ---- Wrong: the groups -----------------------------------------------------------------------

wrong(
    "in_feats are the group's own out_feats",
    ThreeParts,
    {"[64, *out_features_per_group[:-1]]": "out_features_per_group"},
)
wrong("in_feats 64 for every group", EverythingInForward, {"all_feats[i], all": "64, all"})
wrong(
    "in_feats and out_feats swapped",
    ThreeParts,
    {"BlockGroup(n, in_feats, out_feats, stride)": "BlockGroup(n, out_feats, in_feats, stride)"},
)
wrong("in_feats hard-coded", GroupsInAModuleList, {"[64, *out_feats[:-1]]": "[64, 64, 128, 256]"})
wrong(
    "out_features_per_group ignored",
    WithPyTorchsLayers,
    {"n_blocks_per_group, out_features_per_group,": "n_blocks_per_group, [64, 128, 256, 512],"},
)
wrong("n_blocks_per_group ignored", OneByOne, {"(n_blocks_per_group[i]": "([3, 4, 6, 3][i]"})
wrong(
    "strides left out",
    LikeTorchvision,
    {"(blocks, self.inplanes, planes, stride)": "(blocks, self.inplanes, planes)"},
)
wrong("first_strides_per_group ignored", GroupsInAModuleList, {"first_strides_per_group or [": "["})
wrong(
    "stride 2 in every group",
    EverythingInForward,
    {"all_feats[i + 1], stride)": "all_feats[i + 1], 2)"},
)
wrong(
    "last group left out",
    OneByOne,
    {"enumerate(out_features_per_group)": "enumerate(out_features_per_group[:-1])"},
)
wrong("first group only made", ZippedSizes, {"(BlockGroup(*size))": "(BlockGroup(*size))\nbreak"})
wrong("first group only applied", GroupsInAModuleList, {"return self.fc": "    return self.fc"})
wrong("groups in a plain list", GroupsInAModuleList, {"nn.ModuleList(": "list("})
wrong(
    "groups applied in reverse",
    LikeTorchvision,
    {"for i in range(self.n_layers):\nx =": "for i in reversed(range(self.n_layers)):\n    x ="},
)

wrong(
    "every group applied to the stem's output",
    GroupsInAModuleList,
    {"x = group(x)": "out = group(x)", "x.mean": "out.mean"},
)
wrong("groups without effect", OneByOne, {"x = self.groups(x)": "self.groups(x)"})
add_a_list = {"[64, *out_features_per_group[:-1]]": "[64] + out_features_per_group[:-1]"}
wrong("list and tuple added", ThreeParts, add_a_list)
wrong(
    "list and tuple added at times",
    ThreeParts,
    add_a_list | {"(64, 128, 256, 512)": "[64, 128, 256, 512]"},
)

# ---- Wrong: the order of declaration ----------------------------------------------------------

wrong(
    "last layer declared first",
    EverythingInForward,
    {
        "\nself.out = Linear(all_feats[-1], n_classes)": "",
        "super().__init__()": "super().__init__()\n"
        "self.out = Linear(out_features_per_group[-1], n_classes)",
    },
)
wrong(
    "groups declared before the stem",
    GroupsInAModuleList,
    {
        "self.conv = Conv2d(3, 64, 7, 2, 3)\nself.norm = BatchNorm2d(64)\n": "",
        "self.fc = ": "self.conv = Conv2d(3, 64, 7, 2, 3)\nself.norm = BatchNorm2d(64)\nself.fc = ",
    },
)
wrong(
    "stem declared last",
    OneByOne,
    {
        "self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)\nself.bn1 = nn.BatchNorm2d(64)\n": "",
        "self.fc = nn.Linear(in_feats, n_classes)": "self.fc = nn.Linear(in_feats, n_classes)\n"
        "self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)\nself.bn1 = nn.BatchNorm2d(64)",
    },
)

# ---- Wrong: the head -------------------------------------------------------------------------

wrong("n_classes ignored", LikeTorchvision, {"(self.inplanes, n_classes)": "(self.inplanes, 1000)"})
wrong(
    "512 features hard-coded", GroupsInAModuleList, {"out_feats[-1], n_classes": "512, n_classes"}
)
wrong(
    "last layer hard-coded",
    ZippedSizes,
    {"Linear(out_features_per_group[-1], n_classes)": "Linear(512, 1000)"},
)
wrong("Linear without bias", TakesTuples, {"[-1], n_classes)": "[-1], n_classes, bias=False)"})
wrong("average pool forgotten", ThreeParts, {"AveragePool(), ": ""})
wrong("average pool keeps its axes", WithPyTorchsLayers, {"nn.Flatten(), ": ""})
wrong("average pool missing", WithPyTorchsLayers, {"nn.AdaptiveAvgPool2d(1), ": ""})
wrong(
    "average pool missing, 7x7 expected",
    ThreeParts,
    {
        "AveragePool(), Linear(out_features_per_group[-1]": (
            "nn.Flatten(), Linear(out_features_per_group[-1] * 49"
        )
    },
)
wrong("average pool of fixed size", WithPyTorchsLayers, {"AdaptiveAvgPool2d(1)": "AvgPool2d(7)"})
wrong("max pool at the end", LikeTorchvision, {".mean(-1)": ".amax(-1)"})
wrong("softmax at the end", TakesTuples, {"n_classes),": "n_classes),\nnn.Softmax(dim=1),"})
wrong(
    "softmax at the end in eval mode",
    OneByOne,
    {
        "return self.fc(x.mean(dim=(2, 3)))": (
            "logits = self.fc(x.mean(dim=(2, 3)))\n"
            "if self.training:\n    return logits\nreturn logits.softmax(-1)"
        )
    },
)
wrong(
    "log_softmax at the end",
    ThreeParts,
    {"return ": "return F.log_softmax(", "in_layers(x)))": "in_layers(x))), dim=-1)"},
)
wrong("sigmoid at the end", LikeTorchvision, {".mean(-1))": ".mean(-1)).sigmoid()"})
wrong(
    "ReLU at the end",
    OneByOne,
    {"self.fc(x.mean(dim=(2, 3)))": "self.relu(self.fc(x.mean(dim=(2, 3))))"},
)
wrong(
    "class instead of logits",
    OneByOne,
    {
        "return self.fc": "logits = self.fc",
        "dim=(2, 3)))": "dim=(2, 3)))\nreturn torch.max(logits, dim=1).indices",
    },
)
wrong(
    "cut off from the graph",
    ThreeParts,
    {"return self.out_layers(": "with torch.no_grad():\n    return self.out_layers("},
)
wrong("eval mode in forward", ZippedSizes, {"return self.out": "self.eval()\nreturn self.out"})
wrong("train mode in forward", ZippedSizes, {"return self.out": "self.train()\nreturn self.out"})

# ---- Wrong: the arguments --------------------------------------------------------------------

wrong("default blocks of ResNet18", ThreeParts, {"(3, 4, 6, 3)": "(2, 2, 2, 2)"})
wrong("default strides all 2", OneByOne, {"(1, 2, 2, 2)": "(2, 2, 2, 2)"})
wrong("default strides all 1", EverythingInForward, {"(1, 2, 2, 2)": "(1, 1, 1, 1)"})
wrong("default n_classes is 10", LikeTorchvision, {"n_classes=1000": "n_classes=10"})
wrong(
    "arguments changed",
    EverythingInForward,
    {"[64, *out_features_per_group]": "out_features_per_group\nall_feats.insert(0, 64)"},
)

# ---- Wrong, and too large to run in a catalogue -----------------------------------------------

hard_coded = {
    "n_blocks_per_group,\n(64, *out": "(3, 4, 6, 3),\n(64, *out",
    "(64, *out_features_per_group[:-1]),": "(64, 64, 128, 256),",
    "out_features_per_group,\nfirst_strides_per_group,": "(64, 128, 256, 512),\n(1, 2, 2, 2),",
}
wrong("sequences hard-coded", ZippedSizes, hard_coded)
wrong(
    "sequences hard-coded",
    ZippedSizes,
    hard_coded | {"Linear(out_features_per_group[-1]": "Linear(512"},
)
wrong(
    "in, out, n",
    ThreeParts,
    {"(n, in_feats, out_feats, stride)": "(in_feats, out_feats, n, stride)"},
)
wrong(
    "in, out, stride, n",
    LikeTorchvision,
    {"(blocks, self.inplanes, planes, stride)": "(self.inplanes, planes, stride, blocks)"},
)
wrong(
    "out, in, n",
    WithPyTorchsLayers,
    {"(n, feats, out, stride)": "(out, feats, n, stride)"},
)
wrong(
    "n, in, stride, out",
    ThreeParts,
    {"(n, in_feats, out_feats, stride)": "(n, in_feats, stride, out_feats)"},
)
wrong(
    "in, n, out",
    OneByOne,
    {"BlockGroup(n_blocks_per_group[i], in_feats,": "BlockGroup(in_feats, n_blocks_per_group[i],"},
)
