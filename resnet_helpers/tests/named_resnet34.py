"""Lesson 5: the check of named_resnet34, with its known mistakes."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.structure import Entries, few, traced
from resnet_helpers.tests.trials import trials_of
from resnet_helpers.tests.values import WithoutInitialisation, made_up

# ---- What is tried --------------------------------------------------------------------------


def made(named_resnet34: Callable) -> nn.Module:
    """The network, with whatever is in memory for weights.

    Raises:
        LookupError: it is none.
    """
    with WithoutInitialisation():
        model = named_resnet34()
    if isinstance(model, dict):
        raise LookupError("you return a dictionary of modules, not a network")
    if not isinstance(model, nn.Module):
        kind = "nothing" if model is None else f"something of type {type(model).__name__}"
        raise LookupError(f"you return {kind}, not a network")
    return model


def children(named_resnet34):
    """The names of the outermost modules."""
    return Named({name: "is there" for name, _ in made(named_resnet34).named_children()})


def named_shapes(named_resnet34):
    """The names and shapes of a state dict."""
    entries = made(named_resnet34).state_dict()
    return Named({name: str(tuple(entry.shape)) for name, entry in entries.items()})


def named_output(named_resnet34):
    """The logits for a made-up picture in eval mode, with made-up weights in float64."""
    # float32 rounds too much in so deep a network; `undisturbed` puts the default back
    torch.set_default_dtype(torch.float64)
    model = made(named_resnet34)
    names = list(made(solutions.named_resnet34).state_dict())
    entries = model.state_dict()
    # by name, if the names are right: state dicts are loaded by name, in whatever order
    fill_fast(entries[name] for name in (names if set(names) == set(entries) else entries))
    return traced(model.eval(), made_up(1, 3, 40, 56).double())


@torch.no_grad()
def fill_fast(entries: Iterable[Tensor]) -> None:
    """What `fill` does, for 21 million numbers: each entry is a piece of one row of random ones."""
    generator = torch.Generator().manual_seed(0)
    row = torch.empty(3_000_000, dtype=torch.float32).normal_(generator=generator).double()
    for position, entry in enumerate(entries):
        start = 977 * position % 600_000  # which leaves enough for the largest, 512 * 512 * 3 * 3
        piece = row[start : start + entry.numel()].view_as(entry)
        if entry.ndim >= 2:
            torch.mul(piece, (2 / entry[0].numel()) ** 0.5, out=entry)
        elif entry.is_floating_point():
            torch.add(piece.sigmoid(), 0.5, out=entry)


@dataclass(frozen=True, eq=False)
class Named(Entries):
    """The same in whatever order. Which wrong name somebody chose makes no difference."""

    def _comparable(self) -> list[tuple[str, str]]:
        """The entries, with a question mark for whatever torchvision has no such name for."""
        known = TORCHVISIONS_NAMES.split()
        names = {
            name: ".".join(part if part in known else "?" for part in name.split("."))
            for name in self.of
        }
        return sorted((names[name], text) for name, text in self.of.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self._comparable() == other._comparable()

    __hash__ = None

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        missing = modules_of(name for name in self.of if name not in got.of)
        added = modules_of(name for name in got.of if name not in self.of)
        remarks = [f"Yours lacks {few(missing)}."] if missing else []
        remarks += [f"torchvision's has no {few(added)}."] if added else []
        return *super().difference(subject, got)[:2], " ".join(remarks)


def modules_of(names: Iterable[str]) -> list[str]:
    """The modules that entries belong to: layer1.0 or conv1, say, each once."""
    parts = (name.split(".") for name in names)
    return list(dict.fromkeys(".".join(p[: 2 if p[0].startswith("layer") else 1]) for p in parts))


TORCHVISIONS_NAMES = (
    "conv1 bn1 relu maxpool layer1 layer2 layer3 layer4 avgpool fc conv2 bn2 downsample "
    "0 1 2 3 4 5 weight bias running_mean running_var num_batches_tracked"
)

TRIALS = trials_of(
    "test_named_resnet34",
    ("named_resnet34().named_children()", "children(named_resnet34)", "names"),
    ("named_resnet34().state_dict()", "named_shapes(named_resnet34)", "entries"),
    (
        "eval mode, a picture of shape (1, 3, 40, 56)",
        "named_output(named_resnet34)",
        "logits",
        True,
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class NamedResNet34InSteps:
    """named_resnet34 cut into the steps that can each go wrong."""

    n_blocks = (3, 4, 6, 3)
    channels = (64, 64, 128, 256, 512)
    strides = (1, 2, 2, 2)
    conv_bias = False
    first_layer = 1
    n_classes = 1000
    left_out = ()

    def conv(self, in_feats, out_feats, kernel_size, stride=1):
        padding = kernel_size // 2
        return nn.Conv2d(in_feats, out_feats, kernel_size, stride, padding, bias=self.conv_bias)

    def stem(self):
        return {
            "conv1": self.conv(3, 64, 7, 2),
            "bn1": nn.BatchNorm2d(64),
            "relu": nn.ReLU(),
            "maxpool": nn.MaxPool2d(3, 2, 1),
        }

    def layers(self):
        sizes = zip(self.n_blocks, self.channels, self.channels[1:], self.strides, strict=False)
        return {f"layer{i}": self.layer(*size) for i, size in enumerate(sizes, self.first_layer)}

    def layer(self, n_blocks, in_feats, out_feats, stride):
        first = self.block(in_feats, out_feats, stride)
        return nn.Sequential(first, *self.more_blocks(n_blocks - 1, out_feats))

    def more_blocks(self, n_blocks, feats):
        return [self.block(feats, feats, 1) for _ in range(n_blocks)]

    def block(self, in_feats, out_feats, stride):
        return NamedBlock(self, in_feats, out_feats, stride)

    def block_strides(self, stride):
        return stride, 1

    def right_branch(self, in_feats, out_feats, stride):
        if not self.needs_downsample(in_feats, out_feats, stride):
            return {}
        convolution = self.conv(in_feats, out_feats, 1, stride)
        return self.downsample(convolution, nn.BatchNorm2d(out_feats))

    def needs_downsample(self, in_feats, out_feats, stride):
        return stride != 1 or in_feats != out_feats

    def downsample(self, convolution, batchnorm):
        return {"downsample": nn.Sequential(convolution, batchnorm)}

    def left(self, block, x):
        return block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))

    def joined(self, left, right):
        return (left + right).relu()

    def head(self):
        return {"avgpool": solutions.AveragePool(), "fc": nn.Linear(512, self.n_classes)}

    def called(self, name):
        return name

    def assembled(self, modules):
        return solutions.NamedSequential(OrderedDict(modules))

    def named_resnet34(self):
        modules = self.stem() | self.layers() | self.head()
        return self.assembled(
            {
                self.called(name): module
                for name, module in modules.items()
                if name not in self.left_out
            }
        )


class NamedBlock(nn.Module):
    """A residual block with torchvision's names, which does as the steps say."""

    def __init__(self, steps, in_feats, out_feats, stride):
        super().__init__()
        self.steps = steps
        first, second = steps.block_strides(stride)
        self.conv1 = steps.conv(in_feats, out_feats, 3, first)
        self.bn1 = nn.BatchNorm2d(out_feats)
        self.conv2 = steps.conv(out_feats, out_feats, 3, second)
        self.bn2 = nn.BatchNorm2d(out_feats)
        self.right = []  # a list, so that the names are those that `steps` gives
        for name, module in steps.right_branch(in_feats, out_feats, stride).items():
            self.add_module(name, module)
            self.right.append(module)

    def forward(self, x):
        left, right = self.steps.left(self, x), x
        for module in self.right:
            right = module(right)
        return self.steps.joined(left, right)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "dictionary returned",
    "You return the dictionary of the modules. Make a network of it: NamedSequential(…).",
    assembled=lambda self, modules: OrderedDict(modules),
)
mistake(
    "plain dict",
    "You give NamedSequential a plain dict. It knows an OrderedDict: OrderedDict(conv1=…).",
    assembled=lambda self, modules: solutions.NamedSequential(dict(modules)),
)
mistake(
    "modules numbered",
    "Your modules are numbered, as Sequential(a, b, …) does. Pass one OrderedDict to "
    "NamedSequential, whose keys are the names.",
    assembled=lambda self, modules: nn.Sequential(*modules.values()),
)
mistake(
    "layers counted from 0",
    "You count the layers from 0. torchvision's are layer1 to layer4.",
    first_layer=0,
)
mistake(
    "ResidualBlock instead of NamedResidualBlock",
    "Your blocks are ResidualBlocks, whose names are left and right. Use NamedResidualBlock, "
    "which has torchvision's: conv1, bn1, conv2, bn2, downsample.",
    block=lambda self, *sizes: solutions.ResidualBlock(*sizes),
)
mistake(
    "fc under another name",
    "Your last layer isn't called fc, which is its name in torchvision.",
    called=lambda self, name: "linear" if name == "fc" else name,
)
mistake(
    "avgpool under another name",
    "Your average pool isn't called avgpool, which is its name in torchvision.",
    called=lambda self, name: "pool" if name == "avgpool" else name,
)
mistake(
    "stem's ReLU missing",
    "There is no relu between bn1 and maxpool.",
    left_out=("relu",),
)
mistake(
    "maxpool missing",
    "There is no maxpool after relu: 3x3, stride 2, padding 1.",
    left_out=("maxpool",),
)
mistake(
    "downsample under another name",
    "Your blocks' right branch isn't called downsample, which is its name in torchvision.",
    downsample=lambda self, *modules: {"shortcut": nn.Sequential(*modules)},
)
mistake(
    "downsample not a Sequential",
    "The convolution and the batchnorm of the right branch are attributes of the block. In "
    "torchvision they are downsample.0 and downsample.1: put both in a Sequential.",
    downsample=lambda self, convolution, batchnorm: {"conv3": convolution, "bn3": batchnorm},
)
mistake(
    "downsample in every block",
    "Every block has a downsample. It is None where the stride is 1 and the channels stay the "
    "same.",
    needs_downsample=lambda self, *sizes: True,
)
mistake(
    "downsample without batchnorm",
    "Your downsample has no batchnorm after its convolution.",
    downsample=lambda self, convolution, _: {"downsample": nn.Sequential(convolution)},
)
mistake(
    "convolutions with bias",
    "Your convolutions have a bias. In torchvision's ResNet they have none: the batchnorm "
    "after them would subtract it.",
    conv_bias=True,
)
mistake(
    "two blocks in every layer",
    "You have two blocks in every layer, which makes a ResNet18. ResNet34 has 3, 4, 6, 3.",
    n_blocks=(2, 2, 2, 2),
)
mistake(
    "one block too many in every layer",
    "Every layer has a block too many: the first block counts, so n_blocks - 1 are to follow.",
    n_blocks=(4, 5, 7, 4),
)
mistake(
    "the same block repeated",
    "The same block stands several times in a layer, so that its weights are shared. Make a "
    "new one each time: a list times a number repeats the object.",
    more_blocks=lambda self, n_blocks, feats: [self.block(feats, feats, 1)] * n_blocks,
)
mistake(
    "no strides",
    "No layer has a stride. The first blocks of layer2, layer3 and layer4 have stride 2.",
    strides=(1, 1, 1, 1),
)
mistake(
    "stride on the second convolution",
    "The stride is on conv2. It belongs to conv1, the block's first convolution.",
    block_strides=lambda self, stride: (1, stride),
)
mistake(
    "last ReLU of the blocks missing",
    "Your blocks end without a ReLU. It comes after the addition: relu(left + right).",
    joined=lambda self, left, right: left + right,
)
mistake(
    "last ReLU before the addition",
    "Your blocks apply the last ReLU to the left branch, before the addition. It comes after: "
    "relu(left + right).",
    joined=lambda self, left, right: left.relu() + right,
)
mistake(
    "middle ReLU of the blocks missing",
    "There is no ReLU between bn1 and conv2 in your blocks.",
    left=lambda self, block, x: block.bn2(block.conv2(block.bn1(block.conv1(x)))),
)
mistake(
    "skip connection missing",
    "Your blocks return the left branch only. Add the right one: relu(left + right).",
    joined=lambda self, left, right: left.relu(),
)
mistake(
    "softmax at the end",
    "Your network ends in a softmax. It returns logits; predict makes probabilities of them.",
    head=lambda self: NamedResNet34InSteps.head(self) | {"softmax": nn.Softmax(dim=1)},
)
mistake(
    "number of classes",
    "fc doesn't have 1000 outputs, one for each class of ImageNet.",
    n_classes=10,
)

# ---- The check ------------------------------------------------------------------------------

NAMED_RESNET34 = Exercise(
    name="named_resnet34",
    reference=solutions.named_resnet34,
    trials=TRIALS,
    names=globals(),
    in_steps=NamedResNet34InSteps,
    mistakes=mistake,
    finished=lambda steps: steps().named_resnet34,
)


def test_named_resnet34(named_resnet34: Callable) -> None:
    """Check that named_resnet34() has torchvision's names and computes what a ResNet34 does."""
    NAMED_RESNET34.check("test_named_resnet34", named_resnet34)
