"""A ResNet as a table of its layers: the paper's, a model's, and where the two differ.

A model's is read off its modules, whatever they are called. Nothing is run, so that a model whose
forward fails can be read too; what is no module, such as a call of F.relu, is not seen.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, takewhile, zip_longest

from torch import Tensor, nn

from resnet_helpers.errors import CourseError

# --- The table --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """A layer's sizes; `name` is its place in a learner's model, `norm` the batchnorm after it.

    `found` is False for what should be there and is no module of the model.
    """

    kind: str
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    parameters: int = 0
    name: str = ""
    norm: "Layer | None" = None
    bias: bool = False
    found: bool = True

    def out_size(self, size: int) -> int:
        """The height (or width) that comes out when this one goes in."""
        return (size + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Block:
    """A ResidualBlock: two convolutions on the left, one or none on the right, and two ReLUs."""

    left: tuple[Layer, Layer]
    right: Layer | None
    relus: tuple[Layer, Layer]  # between the convolutions, and after the addition

    @property
    def convs(self) -> tuple[Layer, ...]:
        """The two or three convolutions."""
        return self.left if self.right is None else (*self.left, self.right)

    @property
    def layers(self) -> list[Layer]:
        """The convolutions and their batchnorms."""
        return [layer for conv in self.convs for layer in (conv, conv.norm) if layer]

    @property
    def in_channels(self) -> int:
        """The channels that go in."""
        return self.left[0].in_channels

    @property
    def out_channels(self) -> int:
        """The channels that come out."""
        return self.left[1].out_channels

    @property
    def stride(self) -> int:
        """By how much the whole block makes the picture smaller."""
        return self.left[0].stride * self.left[1].stride

    @property
    def parameters(self) -> int:
        """The number of parameters in its layers together."""
        return sum(layer.parameters for layer in self.layers)

    def out_size(self, size: int) -> int:
        """The height (or width) that comes out of the left branch when this one goes in."""
        return self.left[1].out_size(self.left[0].out_size(size))


@dataclass(frozen=True)
class Network:
    """All that is drawn."""

    stem: Layer
    relu: Layer
    pool: Layer
    groups: tuple[tuple[Block, ...], ...]
    average: Layer
    linear: Layer

    @property
    def blocks(self) -> list[Block]:
        """The blocks of all groups."""
        return [block for group in self.groups for block in group]

    @property
    def parameters(self) -> int:
        """The number of parameters in all layers together."""
        in_blocks = sum(block.parameters for block in self.blocks)
        others = (self.stem, self.stem.norm, self.linear)
        return in_blocks + sum(layer.parameters for layer in others if layer)

    @property
    def not_found(self) -> list[str]:
        """What should be there and is no module, in words."""
        parts = {
            "the first ReLU": [self.relu],
            "the max pool": [self.pool],
            "ReLUs of the blocks": [relu for block in self.blocks for relu in block.relus],
            "the average pool": [self.average],
        }
        return [part for part, layers in parts.items() if not all(layer.found for layer in layers)]


# --- The paper's ------------------------------------------------------------------------------


def paper_network() -> Network:
    """ResNet34 as in He et al. 2015, with torchvision's padding."""
    groups, in_feats = [], 64
    for n_blocks, out_feats, stride in [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]:
        first = _paper_block(in_feats, out_feats, stride)
        other = _paper_block(out_feats, out_feats, 1)
        groups.append((first, *[other] * (n_blocks - 1)))
        in_feats = out_feats
    return Network(
        stem=_paper_conv(3, 64, 7, 2, 3),
        relu=Layer("ReLU", 64, 64),
        pool=Layer("MaxPool", 64, 64, kernel=3, stride=2, padding=1),
        groups=tuple(groups),
        average=Layer("AveragePool", 512, 512),
        linear=Layer("Linear", 512, 1000, parameters=512 * 1000 + 1000, bias=True),
    )


def _paper_conv(in_feats: int, out_feats: int, kernel: int, stride: int, padding: int) -> Layer:
    norm = Layer("BatchNorm", out_feats, out_feats, parameters=2 * out_feats)
    sizes = (in_feats, out_feats, kernel, stride, padding)
    return Layer("Conv", *sizes, in_feats * out_feats * kernel**2, norm=norm)


def _paper_block(in_feats: int, out_feats: int, stride: int) -> Block:
    convs = (3, stride, 1), (3, 1, 1)
    left = (
        _paper_conv(in_feats, out_feats, *convs[0]),
        _paper_conv(out_feats, out_feats, *convs[1]),
    )
    right = _paper_conv(in_feats, out_feats, 1, stride, 0) if stride > 1 else None
    relu = Layer("ReLU", out_feats, out_feats)
    return Block(left, right, (relu, relu))


# --- A model's --------------------------------------------------------------------------------


class NoResNetError(CourseError, ValueError):
    """A model in which the parts of a ResNet are not to be found."""


def read_network(model: nn.Module) -> Network:
    """Find a ResNet's layers in any model, whatever its attributes are called.

    The first convolution is the stem; two by two, in the order of definition, the wider ones are
    the left branches of the blocks; those of 1x1 are right branches.

    Raises:
        NoResNetError: the layers found are not a stem, residual blocks and a linear layer.
    """
    convs, linears = _weighted_layers(model)
    wide = [conv for conv in convs[1:] if conv.kernel > 1]
    _check_counts(convs, wide, linears)
    lefts = list(zip(wide[::2], wide[1::2], strict=True))
    rights = _right_branches(lefts, [conv for conv in convs[1:] if conv.kernel == 1])
    homes = [
        _home([*left, right], [*convs, *linears]) for left, right in zip(lefts, rights, strict=True)
    ]
    weightless = _modules_without_weights(model)
    blocks = [
        Block(left, right, _relus(left, home, weightless))
        for left, right, home in zip(lefts, rights, homes, strict=True)
    ]
    outside = {
        name: module
        for name, module in weightless.items()
        if not any(_is_inside(name, home) for home in homes)
    }
    groups = groupby(blocks, key=lambda block: block.out_channels)
    stem_feats = convs[0].out_channels
    return Network(
        stem=convs[0],
        relu=_first_called("ReLU", outside, stem_feats),
        pool=_first_called("MaxPool", outside, stem_feats),
        groups=tuple(tuple(group) for _, group in groups),
        average=_first_called("AveragePool", outside, blocks[-1].out_channels),
        linear=linears[-1],
    )


def _weighted_layers(model: nn.Module) -> tuple[list[Layer], list[Layer]]:
    """The convolutions, each with its batchnorm, and the linear layers.

    A convolution is a module with a four-dimensional weight, a linear layer one with a
    two-dimensional weight, and a batchnorm one with a running_mean.
    """
    convs, norms, linears = [], [], []
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        n_dims = weight.dim() if isinstance(weight, Tensor) else 0
        if n_dims == 4:
            convs.append(_layer("Conv", name, module, weight.shape[1], weight.shape[0]))
        elif n_dims == 2:
            linears.append(_layer("Linear", name, module, weight.shape[1], weight.shape[0]))
        elif isinstance(getattr(module, "running_mean", None), Tensor):
            features = len(module.running_mean)
            norms.append(_layer("BatchNorm", name, module, features, features))
    # both in the order of definition, so the first batchnorm belongs to the first convolution
    pairs = zip_longest(convs, norms[: len(convs)])
    return [replace(conv, norm=norm) for conv, norm in pairs], linears


def _layer(kind: str, name: str, module: nn.Module, in_channels: int, out_channels: int) -> Layer:
    """A module as a row of the table."""
    defaults = {"kernel_size": 1, "stride": 1, "padding": 0}
    sizes = [getattr(module, attribute, default) for attribute, default in defaults.items()]
    # PyTorch's own layers keep (2, 2) where ours keep 2
    sizes = [size[0] if isinstance(size, tuple) else size for size in sizes]
    parameters = sum(p.numel() for p in module.parameters())
    bias = getattr(module, "bias", None) is not None
    return Layer(kind, in_channels, out_channels, *sizes, parameters, name, bias=bias)


def _check_counts(convs: list[Layer], wide: list[Layer], linears: list[Layer]) -> None:
    """Is there a stem, a linear layer, and an even number of convolutions in between?"""
    if convs and linears and not wide:
        raise NoResNetError(
            "No blocks found: are your groups in a plain list? nn.Module does not see what is in "
            "one: use Sequential(*groups)."
        )
    if not linears or not wide or len(wide) % 2:
        raise NoResNetError(
            f"a ResNet has a first convolution, two more of 3×3 for each block, and a linear "
            f"layer; found {len(convs[:1])}, {len(wide)} and {len(linears)} of them"
        )


def _right_branches(lefts: list[tuple[Layer, Layer]], narrow: list[Layer]) -> list[Layer | None]:
    """The 1x1 convolution of each block, or None: its name begins like those of the left branch."""
    rights: list[Layer | None] = [None] * len(lefts)
    for conv in narrow:
        shared = [_n_shared_parts(conv.name, first.name) for first, _ in lefts]
        rights[shared.index(max(shared))] = conv
    return rights


# --- ReLUs and pools --------------------------------------------------------------------------

CLASS_NAMES = {"ReLU": r"relu", "MaxPool": r"max\w*pool", "AveragePool": r"(avg|average)\w*pool"}


def _modules_without_weights(model: nn.Module) -> dict[str, nn.Module]:
    """Where ReLUs and pools would be; one that is used in two places has two names."""
    return {
        name: module
        for name, module in model.named_modules(remove_duplicate=False)
        if not list(module.children()) and not list(module.parameters())
    }


def _first_called(kind: str, modules: dict[str, nn.Module], feats: int) -> Layer:
    """The first module of this kind, going by the name of its class; else one marked as missing."""
    for name, module in modules.items():
        if re.search(CLASS_NAMES[kind], type(module).__name__, re.IGNORECASE):
            return _layer(kind, name, module, feats, feats)
    usual = paper_network().pool if kind == "MaxPool" else Layer(kind, feats, feats)
    return replace(usual, in_channels=feats, out_channels=feats, found=False)


def _relus(
    left: tuple[Layer, Layer], home: str, modules: dict[str, nn.Module]
) -> tuple[Layer, Layer]:
    """The ReLU between the convolutions and the one after the addition.

    Beside the convolutions, one module may serve as both. Where the left branch has a module of its
    own, the ReLU in it is the first, and one outside of it the second.
    """
    branch, feats = _shared_parent(left), left[1].out_channels
    inside = {name: m for name, m in modules.items() if _is_inside(name, home)}
    if branch == home:
        relu = _first_called("ReLU", inside, feats)
        return relu, relu
    in_branch = {name: m for name, m in inside.items() if _is_inside(name, branch)}
    after = {name: m for name, m in inside.items() if name not in in_branch}
    return _first_called("ReLU", in_branch, feats), _first_called("ReLU", after, feats)


# --- Names ------------------------------------------------------------------------------------


def _is_inside(name: str, home: str) -> bool:
    return f"{name}.".startswith(f"{home}.")


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _n_shared_parts(name: str, other_name: str) -> int:
    """How far two dotted names go together: 2 for "groups.1.left" and "groups.1.right"."""
    pairs = zip(name.split("."), other_name.split("."), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _shared_parent(left: tuple[Layer, Layer]) -> str:
    """The innermost module that holds the two layers of a left branch."""
    names = [layer.name for layer in left]
    return ".".join(names[0].split(".")[: _n_shared_parts(*names)])


def _home(block: list[Layer | None], layers: list[Layer]) -> str:
    """The module that is the block: the largest that holds none of the other layers."""
    others = [layer.name for layer in layers if layer not in block]
    home = _shared_parent((block[0], block[1]))
    while (parent := _parent(home)) and not any(_is_inside(name, parent) for name in others):
        home = parent
    return home


# --- Two of them ------------------------------------------------------------------------------

Notes = dict[str, list[str]]


def differences(mine: Network, paper: Network) -> Notes:
    """What differs, under the layer's name, or "group 2" or "group 2 block 1" (counted from 1)."""
    notes = defaultdict(list)
    for place, note in _compare_networks(mine, paper):
        notes[place].append(note)
    return dict(notes)


def _compare_networks(mine: Network, paper: Network) -> Iterator[tuple[str, str]]:
    """Where and what: the differences from the first layer to the last."""
    yield from _compare_layers(mine.stem, paper.stem)
    if mine.pool.found:
        yield from _compare_layers(mine.pool, paper.pool)
    groups = zip_longest(mine.groups, paper.groups, fillvalue=())
    for g, (group, paper_group) in enumerate(groups, start=1):
        if len(group) != len(paper_group):
            blocks = "block" if len(group) == 1 else "blocks"
            yield f"group {g}", f"{len(group)} {blocks}, paper {len(paper_group)}"
        pairs = zip(group, paper_group, strict=False)
        for b, (block, paper_block) in enumerate(pairs, start=1):
            yield from _compare_blocks(block, paper_block, f"group {g} block {b}")
    yield from _compare_layers(mine.linear, paper.linear)


def _compare_blocks(mine: Block, paper: Block, label: str) -> Iterator[tuple[str, str]]:
    for conv, paper_conv in zip(mine.left, paper.left, strict=True):
        yield from _compare_layers(conv, paper_conv)
    if mine.right and paper.right:
        yield from _compare_layers(mine.right, paper.right)
    elif mine.right:
        yield label, "1×1 convolution on the right, paper identity"
    elif paper.right:
        yield label, "nothing on the right, paper 1×1 convolution"


def _compare_layers(mine: Layer, paper: Layer) -> Iterator[tuple[str, str]]:
    """The differences of two layers, and of the batchnorms after them."""
    if (mine.in_channels, mine.out_channels) != (paper.in_channels, paper.out_channels):
        yield mine.name, f"channels {channels(mine)}, paper {channels(paper)}"
    for size in ("kernel", "stride", "padding"):
        if getattr(mine, size) != getattr(paper, size):
            yield mine.name, f"{size} {getattr(mine, size)}, paper {getattr(paper, size)}"
    if mine.kind != "BatchNorm" and mine.bias != paper.bias:
        yield mine.name, "bias, paper none" if mine.bias else "no bias, paper has one"
    if mine.norm and paper.norm:
        yield from _compare_layers(mine.norm, paper.norm)
    elif paper.norm:
        yield mine.name, "no batchnorm after it"


def channels(part: Layer | Block) -> str:
    """What goes in and what comes out."""
    return f"{part.in_channels} → {part.out_channels}"
