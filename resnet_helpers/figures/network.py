"""A ResNet as a table of its layers: the paper's, a model's, and where the two differ.

A model's is read off its modules, whatever they are called. Nothing is run, so that a model whose
forward fails can be read too; what is no module, such as a call of F.relu, is not seen.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, takewhile, zip_longest
from numbers import Integral
from operator import itemgetter
from typing import Any

from torch import Tensor, nn

from resnet_helpers.errors import CourseError
from resnet_helpers.figures.looking import check_model

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
        return max(0, (size + 2 * self.padding - self.kernel) // self.stride + 1)


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
    not_drawn: tuple[str, ...] = ()  # what else the model holds, name and class

    @property
    def name(self) -> str:
        """ResNet with the number of its layers that have weights, as the paper counts them."""
        return f"ResNet{2 * len(self.blocks) + 2}"

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
    def weightless(self) -> list[Layer]:
        """The ReLUs and pools."""
        relus = [relu for block in self.blocks for relu in block.relus]
        return [self.relu, self.pool, *relus, self.average]

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


def paper_network(n_blocks_per_group=(3, 4, 6, 3)) -> Network:
    """ResNet34 as in He et al. 2015, with torchvision's padding; with (2, 2, 2, 2), ResNet18."""
    groups, in_feats = [], 64
    widths_and_strides = [(64, 1), (128, 2), (256, 2), (512, 2)]
    for n_blocks, (out_feats, stride) in zip(n_blocks_per_group, widths_and_strides, strict=True):
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
    """A model that is no ResNet made of blocks of two convolutions; the message says why."""

    def __init__(self, reason: str):
        super().__init__(f"This is no ResNet made of blocks of two convolutions: {reason}.")


def read_network(model: nn.Module) -> Network:
    """Find the layers of a ResNet in any model, whatever its attributes are called.

    The first convolution is the stem. Two by two, in the order of definition, the others wider
    than 1x1 are the left branches of the blocks. What has no place in that is refused, so that
    the table has all of the model's parameters.

    Raises:
        InvalidArgumentError: it is no model, or not all of its weights are made.
        NoResNetError: its layers are not a stem, residual blocks and a linear layer.
    """
    check_model(model)
    _check_shared(model)
    layers = _layers_with_weights(model)
    lefts, linear = _left_branches(layers)
    homes = [_home(left, layers) for left in lefts]
    modules = _modules_without_weights(model)
    blocks = [_read_block(home, layers, modules, model) for home in homes]
    outside = [layer for layer in layers if layer != linear and not _is_in_any(layer.name, homes)]
    stem = _stem(outside)
    modules_outside = {n: module for n, module in modules.items() if not _is_in_any(n, homes)}
    network = Network(
        stem=stem,
        relu=_first_called("ReLU", modules_outside, stem.out_channels),
        pool=_first_called("MaxPool", modules_outside, stem.out_channels),
        groups=_groups(blocks, homes),
        average=_first_called("AveragePool", modules_outside, blocks[-1].out_channels),
        linear=linear,
    )
    _check_parameters(network, model)
    return replace(network, not_drawn=_not_drawn(network, modules))


def _layers_with_weights(model: nn.Module) -> list[Layer]:
    """All convolutions, batchnorms and linear layers in the order of definition.

    Raises:
        NoResNetError: something else has parameters.
    """
    layers = []
    for name, module in model.named_modules():
        if kind := _kind(module):
            layers.append(_layer(kind, name, module))
        elif any(True for _ in module.parameters(recurse=False)):
            own_name = f"`{name}` ({type(module).__name__})" if name else type(module).__name__
            raise NoResNetError(
                f"{own_name} has parameters and is no convolution, batchnorm or linear layer"
            )
    return layers


def _kind(module: nn.Module) -> str | None:
    """A convolution has a four-dimensional weight, a linear layer a two-dimensional one.

    A batchnorm goes by its name or, if it has not got one that says so, by its running_mean.
    """
    if "_orig_mod" in module._modules:  # what torch.compile made hands on all it is asked for
        return None
    weight = getattr(module, "weight", None)
    n_dims = weight.dim() if isinstance(weight, Tensor) else 0
    name = type(module).__name__.lower()
    tracks = isinstance(getattr(module, "running_mean", None), Tensor)
    if n_dims < 2 and (re.search("batch_?norm", name) or (tracks and "norm" not in name)):
        return "BatchNorm"
    return {4: "Conv", 2: "Linear"}.get(n_dims)


def _layer(kind: str, name: str, module: nn.Module) -> Layer:
    """A module with weights as a row of the table.

    Raises:
        NoResNetError: a convolution does more than a ResNet's.
    """
    parameters = sum(p.numel() for p in module.parameters())
    if kind == "BatchNorm":
        features = _batchnorm_features(module)
        return Layer(kind, features, features, parameters=parameters, name=name)
    bias = getattr(module, "bias", None) is not None
    out_channels, in_channels, *kernel = module.weight.shape
    if kind == "Linear":
        return Layer(kind, in_channels, out_channels, parameters=parameters, name=name, bias=bias)
    sizes = _sizes(name, module, kernel)
    return Layer(kind, in_channels, out_channels, *sizes, parameters, name, bias=bias)


def _batchnorm_features(module: nn.Module) -> int:
    for tensor in (getattr(module, "running_mean", None), getattr(module, "weight", None)):
        if isinstance(tensor, Tensor):
            return tensor.numel()
    return getattr(module, "num_features", 0)


# What a ResNet's convolutions and pools do not do, and this table has no room for.
USUAL = {"groups": 1, "dilation": 1, "transposed": False, "ceil_mode": False, "output_size": 1}


def _sizes(name: str, module: nn.Module, kernel: Any) -> tuple[int, int, int]:
    """Kernel, stride and padding as whole numbers.

    Raises:
        NoResNetError: one of them is no square, or the module does more than a ResNet's.
    """
    for setting, usual in USUAL.items():
        if (value := getattr(module, setting, usual)) not in (usual, (usual, usual)):
            raise NoResNetError(f"`{name}` has {setting} {value}, a ResNet's has {usual}")
    kernel = _square(name, "kernel", kernel, least=1)
    stride, padding = getattr(module, "stride", 1), getattr(module, "padding", 0)
    if isinstance(padding, str) and kernel % 2:
        padding = {"same": kernel // 2, "valid": 0}.get(padding, padding)
    stride = _square(name, "stride", kernel if stride is None else stride, least=1)
    return kernel, stride, _square(name, "padding", padding, least=0)


def _square(name: str, what: str, sizes: Any, least: int) -> int:
    """One whole number for the same one in both directions: PyTorch's layers keep (2, 2)."""
    first, *others = sizes if isinstance(sizes, (tuple, list)) and sizes else [sizes]
    if not isinstance(first, Integral) or first < least or any(o != first for o in others):
        raise NoResNetError(f"`{name}` has the {what} {sizes}, a ResNet's is one whole number")
    return int(first)


def _left_branches(layers: list[Layer]) -> tuple[list[tuple[Layer, Layer]], Layer]:
    """The pairs of convolutions that make the blocks, and the linear layer."""
    stem, *convs = [layer for layer in layers if layer.kind == "Conv"] or [None]
    linears = [layer for layer in layers if layer.kind == "Linear"]
    wide = [conv for conv in convs if conv.kernel > 1]
    if stem and linears and not convs:
        raise NoResNetError(
            "No blocks found: are your groups in a plain list? nn.Module does not see what is in "
            "one: use Sequential(*groups)"
        )
    if not wide or len(wide) % 2 or len(linears) != 1:
        raise NoResNetError(
            f"a ResNet has a first convolution, two more of 3×3 for each block, and one linear "
            f"layer; found {int(stem is not None)}, {len(wide)} and {len(linears)} of them"
        )
    return list(zip(wide[::2], wide[1::2], strict=True)), linears[0]


def _home(left: tuple[Layer, Layer], layers: list[Layer]) -> str:
    """The module that is the block: the largest with these two convolutions, and no other wide one.

    Raises:
        NoResNetError: there is none.
    """
    stem = next(layer for layer in layers if layer.kind == "Conv")
    others = [
        layer.name
        for layer in layers
        if layer not in left and (layer.kernel > 1 or layer.kind == "Linear" or layer is stem)
    ]

    def holds_others(module: str) -> bool:
        return module == "" or any(_is_inside(name, module) for name in others)

    home = _shared_parent(left)
    if holds_others(home):
        raise NoResNetError(
            f"`{left[0].name}` and `{left[1].name}` are not the two convolutions of one block, a "
            "module that holds them and no others"
        )
    while not holds_others(parent := home.rpartition(".")[0]):
        home = parent
    return home


def _read_block(
    home: str, layers: list[Layer], modules: dict[str, nn.Module], model: nn.Module
) -> Block:
    """The block in the module of this name."""
    convs = _with_norms([layer for layer in layers if _is_inside(layer.name, home)])
    left = tuple(conv for conv in convs if conv.kernel > 1)
    rights = [conv for conv in convs if conv.kernel == 1]
    if len(rights) > 1:
        raise NoResNetError(
            f"`{home}` has {len(rights)} convolutions of 1×1, and a block one or none"
        )
    inside = {name: module for name, module in modules.items() if _is_inside(name, home)}
    branch = type(model.get_submodule(_shared_parent(left))).__name__
    relus = _relus(left, inside, branch_is_sequential="Sequential" in branch)
    return Block(left, rights[0] if rights else None, relus)


def _with_norms(layers: list[Layer]) -> list[Layer]:
    """The convolutions, each with its batchnorm: the first with the first, and so on.

    Where some have none, a batchnorm belongs to the convolution right before it.

    Raises:
        NoResNetError: a batchnorm is left over.
    """
    convs = [layer for layer in layers if layer.kind == "Conv"]
    norms = [layer for layer in layers if layer.kind == "BatchNorm"]
    pairs = list(zip(convs, norms, strict=False))
    if len(convs) != len(norms):
        pairs = [(a, b) for a, b in pairwise(layers) if (a.kind, b.kind) == ("Conv", "BatchNorm")]
    norm_of = dict(pairs)
    for norm in norms:
        conv = next((conv for conv, its_norm in pairs if its_norm is norm), None)
        if conv is None or layers.index(norm) < layers.index(conv):
            raise NoResNetError(f"`{norm.name}` (BatchNorm) is not defined after a convolution")
    return [replace(conv, norm=norm_of.get(conv)) for conv in convs]


def _stem(outside: list[Layer]) -> Layer:
    """The first convolution, with its batchnorm: the only one outside the blocks."""
    stem, *others = _with_norms(outside)
    if others:
        raise NoResNetError(f"`{others[0].name}` (Conv) is in none of the blocks")
    return stem


def _groups(blocks: list[Block], homes: list[str]) -> tuple[tuple[Block, ...], ...]:
    """The blocks by group: by the module that holds them or, if none does, by their channels."""
    names = [home.split(".") for home in homes]
    n_shared = len(_shared_parts(names))
    keys: list[Any] = [parts[: n_shared + 1] for parts in names]
    if all(a != b for a, b in pairwise(keys)):  # each would be a group of its own
        keys = [block.out_channels for block in blocks]
    pairs = groupby(zip(keys, blocks, strict=True), key=itemgetter(0))
    return tuple(tuple(block for _, block in group) for _, group in pairs)


# --- ReLUs and pools --------------------------------------------------------------------------

# By the names of their classes, which need not be PyTorch's.
WEIGHTLESS = {
    "ReLU": re.compile(r"relu", re.IGNORECASE),
    "MaxPool": re.compile(r"^(?!.*(adaptive|fractional|unpool)).*max\w*pool", re.IGNORECASE),
    "AveragePool": re.compile(r"(avg|average)\w*pool", re.IGNORECASE),
}
RESIZING = re.compile(r"pool|pad|sampl|shuffle|fold|crop|interpol", re.IGNORECASE)
IDLE = re.compile(r"identity|flatten|\w*sequential|module(list|dict)", re.IGNORECASE)


def _modules_without_weights(model: nn.Module) -> dict[str, nn.Module]:
    """Where ReLUs and pools would be; one that is used in two places has two names."""
    try:
        modules = dict(model.named_modules(remove_duplicate=False))
    except RecursionError:
        raise NoResNetError("a module of it holds itself, or one that holds it") from None
    return {
        name: module
        for name, module in modules.items()
        if not list(module.children()) and not _kind(module)
    }


def _first_called(kind: str, modules: dict[str, nn.Module], feats: int) -> Layer:
    """The first module of this kind, going by the name of its class; else one marked as missing."""
    for name, module in modules.items():
        if not WEIGHTLESS[kind].search(type(module).__name__):
            continue
        if kind == "ReLU":
            return Layer(kind, feats, feats, name=name)
        sizes = _sizes(name, module, getattr(module, "kernel_size", 1))
        return Layer(kind, feats, feats, *sizes, name=name)
    usual = paper_network().pool if kind == "MaxPool" else Layer(kind, feats, feats)
    return replace(usual, in_channels=feats, out_channels=feats, found=False)


def _relus(
    left: tuple[Layer, Layer], inside: dict[str, nn.Module], branch_is_sequential: bool
) -> tuple[Layer, Layer]:
    """The ReLU between the convolutions and the one after the addition.

    Beside the convolutions, one module may serve as both. Where the left branch has a module of its
    own, the ReLU in it is the first, and one outside of it the second.
    """
    branch, feats = _shared_parent(left), left[1].out_channels
    in_branch = {name: m for name, m in inside.items() if _is_inside(name, branch)}
    after = {name: m for name, m in inside.items() if name not in in_branch}
    first, last = _first_called("ReLU", in_branch, feats), _first_called("ReLU", after, feats)
    if last.found or branch_is_sequential:
        return first, last
    return first, _first_called("ReLU", dict(reversed(in_branch.items())), feats)


def _not_drawn(network: Network, modules: dict[str, nn.Module]) -> tuple[str, ...]:
    """The modules that have no place in the table, and do something.

    Raises:
        NoResNetError: one of them changes the size of the picture.
    """
    seen = {modules[layer.name] for layer in network.weightless if layer.found}
    names = []
    for name, module in modules.items():
        kind = type(module).__name__
        if module in seen or IDLE.fullmatch(kind):
            continue
        if RESIZING.search(kind):
            raise NoResNetError(f"`{name}` ({kind}) has no place in one")
        seen.add(module)
        names.append(f"{name} ({kind})")
    return tuple(names)


# --- What makes a table false -----------------------------------------------------------------


def _check_shared(model: nn.Module) -> None:
    """Refuse one layer in two places, as in `Sequential(*[block] * 3)`: it is drawn but once."""
    for name, module in model.named_modules():
        first_names: dict[nn.Module, str] = {}
        for child_name, child in module._modules.items():
            if not child_name.isdigit() or child is None or not list(child.parameters()):
                continue
            first = first_names.setdefault(child, child_name)
            if first != child_name:
                raise NoResNetError(
                    f"`{name}` holds one and the same module twice, as {first} and {child_name}, "
                    "so these share their weights; make a new one for each place"
                )


def _check_parameters(network: Network, model: nn.Module) -> None:
    """Refuse where a parameter is in the table twice, or not at all."""
    n_parameters = sum(p.numel() for p in model.parameters())
    if network.parameters != n_parameters:
        raise NoResNetError(
            f"its layers have {network.parameters:,} parameters together, the model "
            f"{n_parameters:,}: some are shared"
        )


# --- Names ------------------------------------------------------------------------------------


def _is_inside(name: str, home: str) -> bool:
    return f"{name}.".startswith(f"{home}.")


def _is_in_any(name: str, homes: list[str]) -> bool:
    return any(_is_inside(name, home) for home in homes)


def _shared_parent(left: tuple[Layer, Layer]) -> str:
    """The innermost module that holds the two layers of a left branch."""
    parts = [layer.name.split(".") for layer in left]
    return ".".join(_shared_parts(parts))


def _shared_parts(names: list[list[str]]) -> list[str]:
    """The parts that all names begin with: "groups.1" for "groups.1.left" and "groups.1.right"."""
    ranks = takewhile(lambda rank: len(set(rank)) == 1, zip(*names, strict=False))
    return [rank[0] for rank in ranks]


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
        if not paper_group:
            continue
        # more blocks than the paper's are compared with the last of its
        pairs = zip_longest(group, paper_group[: len(group)], fillvalue=paper_group[-1])
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
        yield mine.name, "no batchnorm of its own"


def channels(part: Layer | Block) -> str:
    """What goes in and what comes out."""
    return f"{part.in_channels} → {part.out_channels}"
