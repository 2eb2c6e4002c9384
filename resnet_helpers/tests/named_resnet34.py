"""Lesson 5: the check of named_resnet34, with its known mistakes."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.debugging.causes import settings_of
from resnet_helpers.layers import Conv2d, MaxPool2d
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.outcomes import Crash, remark_on_crash
from resnet_helpers.tests.structure import Entries, few, traced
from resnet_helpers.tests.trials import Trial
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
    model = made(named_resnet34).double()  # its modules may have been made before
    names = list(made(solutions.named_resnet34).state_dict())
    entries = model.state_dict()
    # by name, if the names are right: state dicts are loaded by name, in whatever order
    fill_fast(entries[name] for name in (names if set(names) == set(entries) else entries))
    return traced(model.eval(), made_up(1, 3, 40, 56).double())


def stride_of(named_resnet34, name):
    """The stride of the convolution of this name."""
    stride = made(named_resnet34).get_submodule(name).stride
    return stride if isinstance(stride, int) else stride[0]


def sums_to_one(named_resnet34):
    """Whether the logits are probabilities."""
    return bool((named_output(named_resnet34).output.sum() - 1).abs() < 1e-6)


def n_shared(named_resnet34):
    """How many parameters the networks of two calls have in common."""
    first, second = made(named_resnet34), made(named_resnet34)
    return len(set(first.parameters()) & set(second.parameters()))


def look_closer(named_resnet34) -> str:
    """A hint about what is wrong first, seen from outside; "" if nothing is."""
    try:
        model = made(named_resnet34)
    except Exception as error:
        return why_not_made(error)
    looks = (look_at_stem, look_at_blocks, look_at_shapes, look_at_settings, look_at_order)
    return next(filter(None, (look(model, made(solutions.named_resnet34)) for look in looks)), "")


def why_not_made(error: Exception) -> str:
    """What an error in making the network comes from, where that is certain."""
    text = f"{type(error).__name__}: {error}"
    if re.match(r"KeyError.*got: \w+\.", text):
        return (
            "A key of your dictionary has a dot in it, which no module's name may have. The dots "
            "come by themselves: layer1 is a Sequential, whose blocks are numbered from 0."
        )
    if "is not a Module subclass" in text:
        return remark_on_crash(Crash.of(error))
    return ""


def look_at_stem(model, reference) -> str:
    """Whether a layer of the stem is a group of several."""
    for name in ("conv1", "bn1"):
        if len(list(model.get_submodule(name).children() if hasattr(model, name) else ())):
            return (
                f"Your {name} holds modules. In torchvision conv1, bn1 and relu stand side by side."
            )
    return ""


def look_at_blocks(model, reference) -> str:
    """How many blocks the layers have, and which have a downsample."""
    names = [f"layer{i}" for i in range(1, 5)]
    if not all(hasattr(model, name) for name in names):
        return ""
    mine, right = (
        [list(getattr(m, name).children()) for name in names] for m in (model, reference)
    )
    counts = [[len(layer) for layer in layers] for layers in (mine, right)]
    if counts[0] != counts[1]:
        had, wanted = (", ".join(map(str, numbers)) for numbers in counts)
        return f"Your layers have {had} blocks. ResNet34 has {wanted}."
    later = [
        f"{name}.{i}.downsample"
        for name, blocks in zip(names, mine, strict=True)
        for i, block in enumerate(blocks)
        if i and shrinks(block)
    ]
    if later:
        return (
            f"torchvision's has no {few(later)}. Only the first block of a layer changes size and "
            "channels, the later ones get (out_feats, out_feats, 1)."
        )
    return ""


def shrinks(block: nn.Module) -> bool:
    """Whether a block has a downsample with weights."""
    return any(name.startswith("downsample.") for name, _ in block.named_parameters())


def look_at_shapes(model, reference) -> str:
    """The first weight of another shape, where all names are right."""
    mine, right = model.state_dict(), reference.state_dict()
    missing = [name for name in right if name not in mine]
    if missing == ["fc.bias"]:
        return "Yours lacks fc.bias. Linear makes it by itself, unless you say bias=False."
    if missing:
        return ""
    for name, entry in right.items():
        if mine[name].shape != entry.shape and entry.ndim == 4:
            had, wanted = (tuple(e.shape) for e in (mine[name], entry))
            return (
                f"{name} goes from {had[1]} to {had[0]} channels with a {had[2]}x{had[3]} kernel. "
                f"torchvision's goes from {wanted[1]} to {wanted[0]} with {wanted[2]}x{wanted[3]}. "
                "Follow the channels from layer to layer."
            )
    return ""


def look_at_settings(model, reference) -> str:
    """The layers whose stride, padding and the like are not torchvision's."""
    unlike = []
    for name, layer in reference.named_modules():
        mine = dict(model.named_modules()).get(name)
        if mine is None or not isinstance(layer, (nn.Conv2d, nn.MaxPool2d, Conv2d, MaxPool2d)):
            continue
        settings, right = settings_of(mine), settings_of(layer)
        unlike += [
            f"{name} has {key} {settings[key]} instead of {right[key]}"
            for key in ("kernel_size", "stride", "padding", "dilation")
            if isinstance(settings.get(key), int) and settings[key] != right.get(key, settings[key])
        ]
    return f"Your {few(unlike)}." if unlike else ""


def look_at_order(model, reference) -> str:
    """Which of the outermost modules stand in another order."""
    mine, right = ([name for name, _ in m.named_children()] for m in (model, reference))
    swapped = [pair for pair in zip(mine, right, strict=False) if pair[0] != pair[1]]
    in_sequence = type(model).__name__ in ("NamedSequential", "Sequential")
    if not in_sequence or sorted(mine) != sorted(right) or not swapped:
        return ""
    return f"Your {swapped[0][0]} stands before {swapped[0][1]}. It comes after it."


@cache
def random_row() -> Tensor:
    """Three million random numbers, always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.empty(3_000_000, dtype=torch.float32).normal_(generator=generator)


@torch.no_grad()
def fill_fast(entries: Iterable[Tensor]) -> None:
    """What `fill` does, for 21 million numbers: each entry is a piece of one row of random ones."""
    row = random_row().double()
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
        parts = {
            "Yours lacks {}.": by_block(outermost(self.of, missing_in=got.of)),
            "torchvision's has no {}.": by_block(outermost(got.of, missing_in=self.of)),
            "Of another shape: {}.": [
                n for n in self.of if got.of.get(n, self.of[n]) != self.of[n]
            ],
        }
        remarks = [text.format(few(names)) for text, names in parts.items() if names]
        return *super().difference(subject, got)[:2], " ".join(remarks)


def outermost(names: Iterable[str], missing_in: Iterable[str]) -> list[str]:
    """The modules or entries that are missing there, each with all that it holds as one: fc, say.

    Of fc.weight and fc.bias, where there is fc.weight, it is fc.bias.
    """
    known = {start for name in missing_in for start in starts_of(name)}
    found = [next((s for s in starts_of(name) if s not in known), None) for name in names]
    return list(dict.fromkeys(start for start in found if start))


def starts_of(name: str) -> list[str]:
    """layer1, layer1.0, layer1.0.conv1, and so on, for a name."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def by_block(names: Iterable[str]) -> list[str]:
    """The names, and of those that several blocks have in common only one: bn2 in 16 blocks."""
    in_blocks: dict[str, list[str]] = {}
    for name in names:
        match = re.fullmatch(r"layer\d\.\d+\.(.+)", name)
        in_blocks.setdefault(match[1] if match else name, []).append(name)
    return [
        of_one[0] if len(of_one) == 1 else f"{name} in {len(of_one)} blocks"
        for name, of_one in in_blocks.items()
    ]


TORCHVISIONS_NAMES = (
    "conv1 bn1 relu maxpool layer1 layer2 layer3 layer4 avgpool fc conv2 bn2 downsample "
    "0 1 2 3 4 5 weight bias running_mean running_var num_batches_tracked"
)

TRIALS = (
    Trial(
        "test_named_resnet34",
        "named_resnet34().named_children()",
        "[name for name, child in named_resnet34().named_children()]",
        "names",
        look="children(named_resnet34)",
    ),
    Trial(
        "test_named_resnet34",
        "named_resnet34().state_dict()",
        "{name: tuple(entry.shape) for name, entry in named_resnet34().state_dict().items()}",
        "entries",
        look="named_shapes(named_resnet34)",
    ),
    Trial(
        "test_named_resnet34",
        "eval mode, a picture of shape (1, 3, 40, 56)",
        "named_output(named_resnet34)",
        "logits",
        slow=True,
    ),
    Trial(
        "test_named_resnet34",
        "named_resnet34() twice",
        "len(set(named_resnet34().parameters()) & set(named_resnet34().parameters()))",
        "parameters in common",
        slow=True,
        look="n_shared(named_resnet34)",
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
        convolution = self.conv(in_feats, out_feats, 1, self.downsample_stride(stride))
        return self.downsample(convolution, nn.BatchNorm2d(out_feats))

    def downsample_stride(self, stride):
        return stride

    def needs_downsample(self, in_feats, out_feats, stride):
        return stride != 1 or in_feats != out_feats

    def downsample(self, convolution, batchnorm):
        return {"downsample": nn.Sequential(convolution, batchnorm)}

    def left(self, block, x):
        return block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))

    def kept(self, x, left):
        return x

    def skipped(self, block, x):
        for module in block.right:
            x = module(x)
        return x

    def joined(self, left, right):
        return (left + right).relu()

    def head(self):
        return {"avgpool": self.pool(), "fc": nn.Linear(512, self.n_classes)}

    def pool(self):
        return solutions.AveragePool()

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
        left = self.steps.left(self, x)
        return self.steps.joined(left, self.steps.skipped(self, self.steps.kept(x, left)))


class Grouped(nn.Module):
    """Blocks under one more name, as in a BlockGroup."""

    def __init__(self, blocks):
        super().__init__()
        self.blocks = blocks

    def forward(self, x):
        return self.blocks(x)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "dictionary returned",
    "You return the dictionary of the modules. Make a network of it: NamedSequential(…).",
    assembled=lambda self, modules: OrderedDict(modules),
)
mistake(
    "nothing returned",
    "You return nothing. End your function with return NamedSequential(…), or whatever you call "
    "the network.",
    assembled=lambda self, modules: None,
)
mistake(
    "avgpool missing",
    "No module is called avgpool. torchvision's stands between layer4 and fc.",
    left_out=("avgpool",),
)
mistake(
    "plain dict",
    "You give NamedSequential a plain dict. It knows an OrderedDict: OrderedDict(conv1=…).",
    assembled=lambda self, modules: solutions.NamedSequential(dict(modules)),
)
mistake(
    "two stars before the dictionary",
    "Two stars give NamedSequential the modules as keyword arguments, which it doesn't take. Pass "
    "the OrderedDict itself, without a star.",
    assembled=lambda self, modules: solutions.NamedSequential(**modules),
)
mistake(
    "a star before the dictionary",
    "A star takes the names out of a dictionary, and leaves its modules behind. Pass the "
    "OrderedDict itself, without a star.",
    assembled=lambda self, modules: solutions.NamedSequential(*modules),
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
    only_if="'layer0' in children(named_resnet34).of",
)
mistake(
    "ResidualBlock instead of NamedResidualBlock",
    "Your blocks call their branches left and right, as ResidualBlock does. Use "
    "NamedResidualBlock, which has torchvision's names: conv1, bn1, conv2, bn2, downsample.",
    block=lambda self, *sizes: solutions.ResidualBlock(*sizes),
    only_if="any('.left.' in name for name in named_shapes(named_resnet34).of)",
)
mistake(
    "BlockGroup instead of Sequential",
    "The blocks of your layers stand under one more name, `blocks`, as in a BlockGroup. Make each "
    "layer a plain Sequential of blocks: layer1.0, not layer1.blocks.0.",
    layer=lambda self, *size: Grouped(NamedResNet34InSteps.layer(self, *size)),
    only_if="any('.blocks.0.' in name for name in named_shapes(named_resnet34).of)",
)
mistake(
    "fc under another name",
    "No module is called fc, which is the name of torchvision's last layer.",
    called=lambda self, name: "linear" if name == "fc" else name,
)
mistake(
    "avgpool under another name",
    "No module is called avgpool, which is the name of torchvision's average pool.",
    called=lambda self, name: "pool" if name == "avgpool" else name,
)
mistake(
    "stem's ReLU missing",
    "No module is called relu. torchvision's stands between bn1 and maxpool.",
    left_out=("relu",),
)
mistake(
    "maxpool missing",
    "No module is called maxpool. torchvision's stands after relu: 3x3, stride 2, padding 1.",
    left_out=("maxpool",),
)
mistake(
    "downsample under another name",
    "No block has a downsample, which is torchvision's name for the right branch where that is "
    "not the identity.",
    downsample=lambda self, *modules: {"shortcut": nn.Sequential(*modules)},
)
mistake(
    "downsample not a Sequential",
    "The convolution and the batchnorm of the right branch are attributes of the block. In "
    "torchvision they are downsample.0 and downsample.1: put both in a Sequential.",
    downsample=lambda self, convolution, batchnorm: {"conv3": convolution, "bn3": batchnorm},
)
mistake(
    "downsample with names",
    "The modules in your downsample have names of their own. In torchvision they are numbered, "
    "downsample.0 and downsample.1: use a plain Sequential.",
    downsample=lambda self, convolution, batchnorm: {
        "downsample": solutions.NamedSequential(OrderedDict(conv=convolution, bn=batchnorm))
    },
)
mistake(
    "downsample in every block",
    "Every block has a downsample. It is None where the stride is 1 and the channels stay the "
    "same.",
    needs_downsample=lambda self, *sizes: True,
)
mistake(
    "downsample a bare convolution",
    "Your downsample is a convolution alone. torchvision's is a Sequential of a convolution and a "
    "batchnorm.",
    downsample=lambda self, convolution, _: {"downsample": convolution},
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
    "stride in layer1",
    "layer1 has stride 2 too. Only the first blocks of layer2, layer3 and layer4 have it: layer1 "
    "has stride 1, and no downsample.",
    strides=(2, 2, 2, 2),
    only_if="stride_of(named_resnet34, 'layer1.0.conv1') == 2",
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
    "x added instead of downsample's result",
    "Your blocks add x itself where there is a downsample. Add what it makes of x: downsample(x).",
    skipped=lambda self, block, x: x,
    only_if="stride_of(named_resnet34, 'layer2.0.downsample.0') == 2",
)
mistake(
    "downsample without stride",
    "The convolution in your downsample has stride 1. It has to halve the picture as conv1 does: "
    "give it the same stride.",
    downsample_stride=lambda self, stride: 1,
    only_if="stride_of(named_resnet34, 'layer2.0.downsample.0') == 1",
)
mistake(
    "left branch's result skipped",
    "Your downsample gets what the left branch has made, not x. Keep x under a name of its own "
    "before you call the first convolution.",
    kept=lambda self, x, left: left,
)
mistake(
    "axes kept by avgpool",
    "Your avgpool keeps the axes of height and width, and fc wants (batch, 512). Your AveragePool "
    "drops them.",
    pool=lambda self: nn.AdaptiveAvgPool2d(1),
)
mistake(
    "softmax at the end",
    "Your network ends in a softmax. It returns logits; predict makes probabilities of them.",
    head=lambda self: NamedResNet34InSteps.head(self) | {"softmax": nn.Softmax(dim=1)},
    only_if="sums_to_one(named_resnet34)",
)
mistake(
    "number of classes",
    "fc doesn't have 1000 outputs, one for each class of ImageNet.",
    n_classes=10,
)


mistake(
    "the same network at every call",
    "Two calls of your function return networks that share their weights. Make all modules inside "
    "the function: a default argument, or what stands before the function, is made only once.",
    named_resnet34=cache(lambda self: NamedResNet34InSteps.named_resnet34(self)),
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
    pieces={
        "NamedSequential": solutions.NamedSequential,
        "BatchNorm2d": solutions.BatchNorm2d,
        "AveragePool": solutions.AveragePool,
    },
    closer_look=Trial("test_named_resnet34", "the network", "look_closer(named_resnet34)"),
    most_runs=200,  # of 10 ms each
)


def test_named_resnet34(named_resnet34: Callable) -> None:
    """Check that named_resnet34() has torchvision's names and computes what a ResNet34 does."""
    NAMED_RESNET34.check("test_named_resnet34", named_resnet34)
