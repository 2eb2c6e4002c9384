"""Answers to BlockGroup."""

import torch  # noqa: F401 - an edit uses it
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.answers.residual_block import LikeTorchvision, OwnWeights, WithPyTorchsLayers
from resnet_helpers.layers import Sequential
from resnet_helpers.solutions import ResidualBlock

block_group = Answers("BlockGroup", globals())
right, wrong = block_group.right, block_group.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class GroupInALoop(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(n_blocks):
            if i == 0:
                self.blocks.append(ResidualBlock(in_feats, out_feats, first_stride))
            else:
                self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@right
class FirstAndRest(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.first = ResidualBlock(in_feats, out_feats, first_stride)
        later = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.rest = Sequential(*later)

    def forward(self, x):
        return self.rest(self.first(x))


@right
class ListFirst(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(n_blocks - 1):
            blocks.append(ResidualBlock(out_feats, out_feats))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


@right
class Starred(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *(ResidualBlock(out_feats, out_feats) for _ in range(1, n_blocks)),
        )

    def forward(self, x):
        return self.blocks(x)


@right
class FeatsAndStrides(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        feats = [in_feats] + [out_feats] * n_blocks
        strides = [first_stride] + [1] * (n_blocks - 1)
        self.blocks = nn.Sequential(
            *[ResidualBlock(feats[i], feats[i + 1], strides[i]) for i in range(n_blocks)]
        )

    def forward(self, x):
        return self.blocks(x)


@right
class Conditions(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(n_blocks):
            feats = in_feats if i == 0 else out_feats
            stride = first_stride if i == 0 else 1
            self.blocks.append(ResidualBlock(feats, out_feats, stride))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@right
class AppendedBlocks(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.Sequential(ResidualBlock(in_feats, out_feats, first_stride))
        while len(self.blocks) < n_blocks:
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        return self.blocks(x)


@right
class GroupIsSequential(nn.Sequential):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        feats = [in_feats] + [out_feats] * n_blocks
        strides = [first_stride] + [1] * (n_blocks - 1)
        super().__init__(*map(WithPyTorchsLayers, feats, feats[1:], strides))


@right
class BlocksByName(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.n_blocks = n_blocks
        for i in range(n_blocks):
            setattr(self, f"block{i}", LikeTorchvision(in_feats, out_feats, first_stride))
            in_feats, first_stride = out_feats, 1

    def forward(self, x):
        for i in range(self.n_blocks):
            x = getattr(self, f"block{i}")(x)
        return x


@right
class AppendedToASequential(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        blocks = []
        while len(blocks) < n_blocks:
            blocks += [
                OwnWeights(in_feats, out_feats, first_stride)
                if not blocks
                else ResidualBlock(out_feats, out_feats)
            ]
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


# ---- Wrong ----------------------------------------------------------------------------------

wrong(
    "stride on every block",
    AppendedBlocks,
    {"out_feats, out_feats": "out_feats, out_feats, first_stride"},
)
wrong(
    "stride on the last block",
    Conditions,
    {"stride = first_stride if i == 0": "stride = first_stride if i == n_blocks - 1"},
)
wrong(
    "stride on all but the first block",
    Starred,
    {
        "in_feats, out_feats, first_stride)": "in_feats, out_feats)",
        "out_feats, out_feats": "out_feats, out_feats, first_stride",
    },
)
wrong("first_stride ignored", FirstAndRest, {"out_feats, first_stride)": "out_feats)"})
wrong("stride always 2", Starred, {"out_feats, first_stride)": "out_feats, 2)"})
wrong(
    "always 1 blocks",
    FirstAndRest,
    {
        "\nlater = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]\n"
        "self.rest = Sequential(*later)": "",
        "self.rest(self.first(x))": "self.first(x)",
    },
)
wrong("always 2 blocks", ListFirst, {"for _ in range(n_blocks - 1):\nblocks": "blocks"})
wrong(
    "always 3 blocks",
    Starred,
    {
        "*(ResidualBlock(out_feats, out_feats) for _ in range(1, n_blocks)),": (
            "ResidualBlock(out_feats, out_feats),\nResidualBlock(out_feats, out_feats),"
        )
    },
)
wrong("always 4 blocks", Conditions, {"range(n_blocks)": "range(4)"})
wrong(
    "stride 2 where the features change",
    ListFirst,
    {"out_feats, first_stride)": "out_feats, 1 if in_feats == out_feats else 2)"},
)
wrong("default first_stride is 2", FirstAndRest, {"first_stride=1": "first_stride=2"})
wrong("one block too many", FirstAndRest, {"range(n_blocks - 1)": "range(n_blocks)"})
wrong(
    "one block too few", GroupInALoop, {"range(n_blocks)": "range(1, n_blocks)", "i == 0": "i == 1"}
)
wrong("one block too few of several", Starred, {"range(1, n_blocks)": "range(2, n_blocks)"})
wrong("in_feats for every block", GroupInALoop, {"(out_feats, out_feats)": "(in_feats, out_feats)"})
wrong(
    "features change in the last block",
    FeatsAndStrides,
    {"[in_feats] + [out_feats] * n_blocks": "[in_feats] * n_blocks + [out_feats]"},
)
wrong(
    "in_feats and out_feats swapped",
    AppendedBlocks,
    {"n_blocks, in_feats, out_feats": "n_blocks, out_feats, in_feats"},
)
wrong(
    "in_feats and out_feats swapped in the first block",
    Starred,
    {"(in_feats, out_feats": "(out_feats, in_feats"},
)
wrong("first block takes out_feats", ListFirst, {"(in_feats, out_feats": "(out_feats, out_feats"})
wrong(
    "out_feats ignored",
    Conditions,
    {
        "feats = in_feats if i == 0 else out_feats\n": "",
        "feats, out_feats, stride": "in_feats, in_feats, stride",
    },
)
wrong(
    "the same block repeated",
    ListFirst,
    {
        "for _ in range(n_blocks - 1):\nblocks.append(ResidualBlock(out_feats, out_feats))": (
            "blocks += [ResidualBlock(out_feats, out_feats)] * (n_blocks - 1)"
        )
    },
)
wrong(
    "the first block repeated",
    GroupInALoop,
    {"ResidualBlock(out_feats, out_feats)": "self.blocks[0]"},
)
wrong(
    "one block applied several times",
    FirstAndRest,
    {
        "later = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]\n"
        "self.rest = Sequential(*later)": (
            "self.n_blocks = n_blocks\n"
            "if n_blocks > 1:\n    self.other = ResidualBlock(out_feats, out_feats)"
        ),
        "return self.rest(self.first(x))": (
            "x = self.first(x)\nfor _ in range(self.n_blocks - 1):\n    x = self.other(x)\nreturn x"
        ),
    },
)
wrong("blocks in a plain list", Conditions, {"nn.ModuleList()": "[]"})
wrong(
    "later blocks in a plain list",
    FirstAndRest,
    {
        "Sequential(*later)": "later",
        "return self.rest(self.first(x))": (
            "x = self.first(x)\nfor block in self.rest:\n    x = block(x)\nreturn x"
        ),
    },
)
wrong(
    "first block declared last",
    FirstAndRest,
    {
        "\nself.first = ResidualBlock(in_feats, out_feats, first_stride)": "",
        "Sequential(*later)": (
            "Sequential(*later)\nself.first = ResidualBlock(in_feats, out_feats, first_stride)"
        ),
    },
)
wrong("blocks applied in reverse", GroupInALoop, {"in self.blocks": "in reversed(self.blocks)"})
wrong("returned after the first block", Conditions, {"x = block(x)\nreturn x": "return block(x)"})
wrong("last block not applied", GroupInALoop, {"in self.blocks": "in self.blocks[:-1]"})
wrong(
    "every block applied to the first input",
    Conditions,
    {"x = block(x)": "out = block(x)", "return x": "return out"},
)
wrong("blocks without effect", GroupInALoop, {"x = block(x)": "block(x)"})
wrong("input detached", FeatsAndStrides, {"self.blocks(x)": "self.blocks(x.detach())"})
wrong(
    "cut off from the graph",
    GroupInALoop,
    {
        "for block in self.blocks:\nx = block(x)": (
            "with torch.no_grad():\n    for block in self.blocks:\n        x = block(x)"
        )
    },
)
wrong("skip connection around the group", AppendedBlocks, {"self.blocks(x)": "self.blocks(x) + x"})


@block_group.wrong_in_full("no blocks declared")
class BlocksInForward(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.arguments = n_blocks, in_feats, out_feats, first_stride

    def forward(self, x):
        n_blocks, in_feats, out_feats, first_stride = self.arguments
        x = ResidualBlock(in_feats, out_feats, first_stride)(x)
        for _ in range(n_blocks - 1):
            x = ResidualBlock(out_feats, out_feats)(x)
        return x
