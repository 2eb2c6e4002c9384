"""What is said of a ResidualBlock, a BlockGroup or a ResNet34 is true of that very code.

Each case is a right answer with something changed, a part of what the check must say, and what it
must not say: for other code comes to the same numbers, or to nearly the same.
"""

import pytest

import resnet_helpers.tests as checks
from resnet_helpers.answers.block_group import block_group
from resnet_helpers.answers.edits import Answers
from resnet_helpers.answers.residual_block import residual_block
from resnet_helpers.answers.resnet34 import resnet34
from resnet_helpers.tests.failure import CheckFailure


def said_of(answers: Answers, style: str, edits: dict[str, str]) -> str:
    """What the check says of the right answer of that style after the edits."""
    changed = Answers(answers.exercise, answers.names)
    changed.right_ones = answers.right_ones
    changed.wrong(f"edited {edits}", type(style, (), {}), edits)
    [exercise] = [e for e in checks.EXERCISES if e.name == answers.exercise]
    with pytest.raises(CheckFailure) as caught:
        exercise.check(exercise.checks[0], changed.wrong_ones[0].implementation)
    return " ".join(caught.value.paragraphs)


PROJECTION = "Sequential(\nConv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)\n)"
THREE_BY_THREE = "Conv2d(in_feats, out_feats, 3, first_stride, 1)"

RESIDUAL_BLOCK = {
    "a right branch in a plain list": (
        "TwoBranches",
        {
            PROJECTION: "[Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)]",
            "self.right = nn.Identity()": "self.right = []",
            "return F.relu(self.left(x) + self.right(x))": (
                "right = x\nfor layer in self.right:\n    right = layer(right)\n"
                "return F.relu(self.left(x) + right)"
            ),
        },
        "in the plain list self.right",
        "identity",
    ),
    "a right branch made in forward": (
        "FunctionalReLU",
        {
            "self.conv_skip = Conv2d(in_feats, out_feats, 1, stride=first_stride)\n"
            "self.norm_skip = BatchNorm2d(out_feats)": (
                "self.make = lambda: Sequential(\n"
                "    Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)\n)"
            ),
            "self.norm_skip(self.conv_skip(x))": "self.make()(x)",
        },
        "No convolution of a right branch is registered.",
        "identity",
    ),
    "a pool for a right branch": (
        "TwoBranches",
        {PROJECTION: "nn.MaxPool2d(first_stride)"},
        "No convolution of a right branch is registered.",
        "identity",
    ),
    "a right branch that is called for nothing": (
        "LikeTorchvision",
        {"identity = self.downsample(x)": "self.downsample(x)"},
        "have no effect",
        "stride",
    ),
    "a second batchnorm that is declared last": (
        "LayerByLayer",
        {
            "\nself.norm2 = BatchNorm2d(out_feats)": "",
            "self.relu = ReLU()": "self.relu = ReLU()\nself.norm2 = BatchNorm2d(out_feats)",
        },
        "your `right` is declared before your `norm2`",
        "after the addition",
    ),
    "one batchnorm called twice, and another never": (
        "LayerByLayer",
        {"self.norm2(self.conv2(out))": "self.norm1(self.conv2(out))"},
        "Your forward calls `norm1` 2 times.",
        "missing",
    ),
    "layers registered under two names": (
        "LayerByLayer",
        {"self.relu = ReLU()": "self.relu = ReLU()\nself.left = Sequential(self.conv1)"},
        "Your `left.0` is your `conv1` under another name",
        "too many",
    ),
    "a number to learn that is no PReLU's": (
        "LayerByLayer",
        {
            "self.conv2 = ": "self.scale = nn.PReLU().weight\nself.conv2 = ",
            "self.conv2(out)": "self.conv2(out * self.scale)",
        },
        "`scale`",
        "PReLU",
    ),
    "an activation whose result is dropped": (
        "LayerByLayer",
        {"return self.relu(out)": "self.relu(out)\nreturn out"},
        "or its result is not used",
        "•",
    ),
    "weights that are frozen": (
        "TwoBranches",
        {
            "self.right = nn.Identity()": (
                "self.right = nn.Identity()\nfor weight in self.left.parameters():\n"
                "    weight.requires_grad = False"
            )
        },
        "look for requires_grad",
        "cut off",
    ),
    "a kernel given as a pair": (
        "TwoBranches",
        {THREE_BY_THREE: "Conv2d(in_feats, out_feats, (3, 3), first_stride, 1)"},
        "Your code raised an error",
        "•",
    ),
    "stride and padding swapped": (
        "TwoBranches",
        {THREE_BY_THREE: "Conv2d(in_feats, out_feats, 3, 1, first_stride)"},
        "Your `left.0` has other settings. It is Conv2d(3, 5, kernel_size=3, stride=1, padding=2)",
        "always",
    ),
    "a dropout": (
        "TwoBranches",
        {"ReLU(),": "ReLU(),\nnn.Dropout(0.2),"},
        "Your `left.3` is a dropout",
        "missing",
    ),
    "a 1x1 convolution only for stride 2": (
        "TwoBranches",
        {"if first_stride != 1": "if first_stride == 2"},
        "the reference's right branch",
        "always",
    ),
}
BLOCK_GROUP = {
    "a list in a default argument": (
        "ListFirst",
        {
            "first_stride=1)": "first_stride=1, blocks=[])",
            "blocks = [ResidualBlock(in_feats, out_feats, first_stride)]": (
                "blocks.append(ResidualBlock(in_feats, out_feats, first_stride))"
            ),
        },
        "also holds the blocks of those made before it",
        "n_blocks + 1",
    ),
    "a last block that is always there": (
        "Starred",
        {
            "range(1, n_blocks)),": "range(2, n_blocks)),\nResidualBlock(out_feats, out_feats),",
        },
        "With n_blocks = 1 your group holds 2 ResidualBlocks.",
        "too many",
    ),
    "a first block registered twice": (
        "FirstAndRest",
        {"Sequential(*later)": "Sequential(self.first, *later)", "self.first(x)": "x"},
        "Your `rest.0.left.0` is your `first.left.0` under another name",
        "one object repeated",
    ),
    "blocks in a list in a list": (
        "Conditions",
        {
            "nn.ModuleList()": "[[]]",
            "self.blocks.append": "self.blocks[0].append",
            "in self.blocks": "in self.blocks[0]",
        },
        "Your __init__ registers no blocks.",
        "declares",
    ),
}
RESNET34 = {
    "no return": ("OneByOne", {"return self.fc": "self.fc"}, "is there a `return`", "outside"),
    "a name of nn.Module's own": (
        "OneByOne",
        {
            "self.groups = nn.Sequential(*groups)": "self._modules = nn.Sequential(*groups)",
            "self.groups(x)": "self._modules(x)",
        },
        "assign to no name of nn.Module's own",
        "declares",
    ),
    "groups that each get the stem's output": (
        "GroupsInAModuleList",
        {"x = group(x)": "group(x)"},
        "Each of your groups gets what the stem returns.",
        "last to first",
    ),
    "groups in eval mode": (
        "OneByOne",
        {"x = self.groups(x)": "self.groups.eval()\nx = self.groups(x)"},
        "It is in eval mode",
        "self.eval()",
    ),
    "a max pool whose result is dropped": (
        "OneByOne",
        {
            "x = self.maxpool(self.relu(self.bn1(self.conv1(x))))": (
                "x = self.relu(self.bn1(self.conv1(x)))\nself.maxpool(x)"
            )
        },
        "or does not use its result",
        "•",
    ),
    "too much for nn.Module's __init__": (
        "OneByOne",
        {"super().__init__()": "super().__init__(n_classes)"},
        "More arguments are given there than taken.",
        "You give ResNet34",
    ),
}
CASES = [
    pytest.param(answers, *case, id=f"{answers.exercise}: {name}")
    for answers, cases in (
        (residual_block, RESIDUAL_BLOCK),
        (block_group, BLOCK_GROUP),
        (resnet34, RESNET34),
    )
    for name, case in cases.items()
]


@pytest.mark.parametrize(("answers", "style", "edits", "must_say", "must_not_say"), CASES)
def test_what_is_said_is_true_of_this_code(answers, style, edits, must_say, must_not_say):
    said = said_of(answers, style, edits)
    assert must_say in said
    assert must_not_say not in said
