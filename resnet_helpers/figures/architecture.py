"""ResNet34 drawn as nested boxes: what it holds, what a BlockGroup and a ResidualBlock hold.

The paper's network and a learner's own go through the same drawing; of the learner's, each box
carries the module's name, shape and parameters, and is marked where it differs from the paper. What
is no module, such as a call of F.relu, cannot be seen from outside: it is drawn in grey.
"""

import base64
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby, takewhile, zip_longest

from torch import Tensor, nn

from resnet_helpers.errors import CourseError

# --- The network as a table ---------------------------------------------------------------


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
    def stride(self) -> int:
        """By how much the whole block makes the picture smaller."""
        return self.left[0].stride * self.left[1].stride


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
    def parameters(self) -> int:
        """The number of parameters in all layers together."""
        in_blocks = (layer for group in self.groups for block in group for layer in block.layers)
        layers = (self.stem, self.stem.norm, *in_blocks, self.linear)
        return sum(layer.parameters for layer in layers if layer)

    @property
    def not_found(self) -> list[str]:
        """What should be there and is no module, in words."""
        parts = {
            "the first ReLU": [self.relu],
            "the max pool": [self.pool],
            "ReLUs of the blocks": [r for group in self.groups for b in group for r in b.relus],
            "the average pool": [self.average],
        }
        return [part for part, layers in parts.items() if not all(layer.found for layer in layers)]


def paper_network() -> Network:
    """ResNet34 as in He et al. 2015, with torchvision's padding."""

    def conv(in_feats: int, out_feats: int, kernel: int, stride: int, padding: int) -> Layer:
        norm = Layer("BatchNorm", out_feats, out_feats, parameters=2 * out_feats)
        sizes = (in_feats, out_feats, kernel, stride, padding)
        return Layer("Conv", *sizes, in_feats * out_feats * kernel**2, norm=norm)

    def relu(feats: int) -> Layer:
        return Layer("ReLU", feats, feats)

    def block(in_feats: int, out_feats: int, stride: int) -> Block:
        left = (conv(in_feats, out_feats, 3, stride, 1), conv(out_feats, out_feats, 3, 1, 1))
        right = conv(in_feats, out_feats, 1, stride, 0) if stride > 1 else None
        return Block(left, right, (relu(out_feats), relu(out_feats)))

    groups, in_feats = [], 64
    for n_blocks, out_feats, stride in [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]:
        first, other = block(in_feats, out_feats, stride), block(out_feats, out_feats, 1)
        groups.append((first, *[other] * (n_blocks - 1)))
        in_feats = out_feats
    return Network(
        stem=conv(3, 64, 7, 2, 3),
        relu=relu(64),
        pool=Layer("MaxPool", 64, 64, kernel=3, stride=2, padding=1),
        groups=tuple(groups),
        average=Layer("AveragePool", 512, 512),
        linear=Layer("Linear", 512, 1000, parameters=512 * 1000 + 1000, bias=True),
    )


class NoResNetError(CourseError, ValueError):
    """A model in which the parts of a ResNet are not to be found."""


def read_network(model: nn.Module) -> Network:
    """Find a ResNet's layers in any model, whatever its attributes are called.

    A convolution is a module with a four-dimensional weight, a batchnorm one with a running_mean,
    the linear layer the last one with a two-dimensional weight; ReLUs and pools go by the names of
    their classes. Nothing is run, so that a model whose forward fails can be drawn too.

    Raises:
        NoResNetError: the layers found are not a stem, residual blocks and a linear layer.
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
    convs = [replace(conv, norm=norm) for conv, norm in zip_longest(convs, norms[: len(convs)])]
    wide = [conv for conv in convs[1:] if conv.kernel > 1]
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
    rights: list[Layer | None] = [None] * (len(wide) // 2)
    for conv in convs[1:]:
        if conv.kernel == 1:  # belongs where its name begins like that of the block's 3×3
            shared = [_n_shared_parts(conv.name, left.name) for left in wide[::2]]
            rights[shared.index(max(shared))] = conv

    others = _modules_without_weights(model)
    lefts = list(zip(wide[::2], wide[1::2], strict=True))
    homes = [
        _home([*left, right], [*convs, *linears]) for left, right in zip(lefts, rights, strict=True)
    ]
    blocks = [
        Block(left, right, _relus(left, home, others))
        for left, right, home in zip(lefts, rights, homes, strict=True)
    ]
    outside = {
        name: module
        for name, module in others.items()
        if not any(_is_inside(name, home) for home in homes)
    }
    groups = groupby(blocks, key=lambda block: block.left[1].out_channels)
    stem_feats, last_feats = convs[0].out_channels, blocks[-1].left[1].out_channels
    return Network(
        stem=convs[0],
        relu=_first_called("ReLU", outside, stem_feats),
        pool=_first_called("MaxPool", outside, stem_feats),
        groups=tuple(tuple(group) for _, group in groups),
        average=_first_called("AveragePool", outside, last_feats),
        linear=linears[-1],
    )


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


def _is_inside(name: str, home: str) -> bool:
    return f"{name}.".startswith(f"{home}.")


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _shared_parent(block: Sequence[Layer | None]) -> str:
    """The innermost module that holds the first two layers, those of the left branch."""
    names = [layer.name for layer in block[:2]]
    return ".".join(names[0].split(".")[: _n_shared_parts(*names)])


def _home(block: list[Layer | None], layers: list[Layer]) -> str:
    """The module that is the block: the largest that holds none of the other layers."""
    others = [layer.name for layer in layers if layer not in block]
    home = _shared_parent(block)
    while (parent := _parent(home)) and not any(_is_inside(name, parent) for name in others):
        home = parent
    return home


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


def _n_shared_parts(name: str, other_name: str) -> int:
    """How far two dotted names go together: 2 for "groups.1.left" and "groups.1.right"."""
    pairs = zip(name.split("."), other_name.split("."), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _layer(kind: str, name: str, module: nn.Module, in_channels: int, out_channels: int) -> Layer:
    """A module as a row of the table."""
    defaults = {"kernel_size": 1, "stride": 1, "padding": 0}
    sizes = [getattr(module, attribute, default) for attribute, default in defaults.items()]
    # PyTorch's own layers keep (2, 2) where ours keep 2
    sizes = [size[0] if isinstance(size, tuple) else size for size in sizes]
    parameters = sum(p.numel() for p in module.parameters())
    bias = getattr(module, "bias", None) is not None
    return Layer(kind, in_channels, out_channels, *sizes, parameters, name, bias=bias)


def differences(mine: Network, paper: Network) -> dict[str, list[str]]:
    """What differs, under the layer's name, or "group 2" or "group 2 block 1" (counted from 1)."""
    notes = defaultdict(list)

    def compare(mine: Layer, paper: Layer) -> None:
        if (mine.in_channels, mine.out_channels) != (paper.in_channels, paper.out_channels):
            notes[mine.name].append(f"channels {_channels(mine)}, paper {_channels(paper)}")
        for size in ("kernel", "stride", "padding"):
            if getattr(mine, size) != getattr(paper, size):
                notes[mine.name].append(
                    f"{size} {getattr(mine, size)}, paper {getattr(paper, size)}"
                )
        if mine.kind != "BatchNorm" and mine.bias != paper.bias:
            notes[mine.name].append("bias, paper none" if mine.bias else "no bias, paper has one")
        if mine.norm and paper.norm:
            compare(mine.norm, paper.norm)
        elif paper.norm:
            notes[mine.name].append("no batchnorm after it")

    compare(mine.stem, paper.stem)
    if mine.pool.found:
        compare(mine.pool, paper.pool)
    for g, groups in enumerate(zip_longest(mine.groups, paper.groups, fillvalue=()), start=1):
        if len(groups[0]) != len(groups[1]):
            blocks = "block" if len(groups[0]) == 1 else "blocks"
            notes[f"group {g}"].append(f"{len(groups[0])} {blocks}, paper {len(groups[1])}")
        for b, (block, paper_block) in enumerate(zip(*groups), start=1):  # noqa: B905
            for conv, paper_conv in zip(block.left, paper_block.left, strict=True):
                compare(conv, paper_conv)
            if block.right and paper_block.right:
                compare(block.right, paper_block.right)
            elif block.right:
                notes[f"group {g} block {b}"].append("1×1 convolution on the right, paper identity")
            elif paper_block.right:
                notes[f"group {g} block {b}"].append("nothing on the right, paper 1×1 convolution")
    compare(mine.linear, paper.linear)
    return dict(notes)


# --- The drawing ----------------------------------------------------------------------------

INK, PAGE, RIGHT, WRONG, GREY = "#1a1a1a", "#ffffff", "#007a5a", "#d55e00", "#5f5f5f"
# fill and border of each kind of box: tints and full tones of the Okabe-Ito colours
COLOURS = {
    "Conv": ("#d4e8f5", "#0072b2"),
    "BatchNorm": ("#fdecc8", "#c98a00"),
    "ReLU": ("#e8e8e8", "#666666"),
    "MaxPool": ("#d3eee5", "#007a5a"),
    "AveragePool": ("#d3eee5", "#007a5a"),
    "Linear": ("#f6dfec", "#a8487f"),
    "ResNet34": ("#f7f7f7", "#444444"),
    "BlockGroup": ("#e9e9f7", "#4b4b9f"),
    "ResidualBlock": ("#f7f2da", "#857a1d"),
}
WIDTH, TOP = 1480, 12
NETWORK_X, GROUP_X, BLOCK_X = 12, 580, 980  # the left edges of the three panels
NETWORK_WIDTH, GROUP_WIDTH, BLOCK_WIDTH = 528, 360, 488
THIN, TALL, GAP = 42, 62, 18  # the height of a box of one line, of two lines, and between boxes

Notes = dict[str, list[str]]


def _channels(layer: Layer) -> str:
    return f"{layer.in_channels} → {layer.out_channels}"


def _shape(channels: int, size: int) -> str:
    return f"{channels} × {size} × {size}"


def _text(x: float, y: float, text: str, size=19, anchor="middle", bold=False, fill=INK) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"'
        f"{weight}>{escape(text)}</text>"
    )


def _arrow(*points: tuple[float, float]) -> str:
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="2.5" {ARROW_END}/>'


ARROW_END = 'marker-end="url(#arrowhead)"'
ARROWHEAD = (
    '<defs><marker id="arrowhead" markerWidth="7" markerHeight="7" refX="5" refY="3" '
    f'orient="auto"><path d="M0,0 L6,3 L0,6 z" fill="{INK}"/></marker></defs>'
)


def _box(x, y, width, height, kind, lines=(), hover="", wrong=False, inside="", found=True) -> str:
    """A box in the colours of its kind; a wrong one has a thick dashed border.

    One for what was not found is white, with a thin dotted border.
    """
    fill, border = COLOURS[kind]
    stroke = f'stroke="{border}" stroke-width="2"'
    if not found:
        fill, stroke = PAGE, f'stroke="{GREY}" stroke-width="2" stroke-dasharray="2 4"'
    if wrong:
        stroke = f'stroke="{WRONG}" stroke-width="5" stroke-dasharray="9 4"'
    title = f"<title>{escape(hover)}</title>" if hover else ""
    first_y = y + height / 2 + 7 - 12 * (len(lines) - 1)
    texts = "".join(
        _text(
            x + width / 2,
            first_y + 24 * row,
            line,
            size=19 if found else 17,
            bold=row == 0 and len(lines) > 1,
            fill=INK if found else GREY,
        )
        for row, line in enumerate(lines)
    )
    return (
        f'<g>{title}<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
        f'fill="{fill}" {stroke}/>{texts}{inside}</g>'
    )


def _panel(x: float, width: float, height: float, kind: str, title: str) -> str:
    return _box(x, TOP, width, height, kind) + _text(x + width / 2, TOP + 36, title, 23, bold=True)


def _zoom(x: float, top: float, bottom: float, panel_x: float, panel_height: float, kind) -> str:
    """The wedge that leads from a box to the panel that shows its inside."""
    corners = [(x, top), (panel_x, TOP), (panel_x, TOP + panel_height), (x, bottom)]
    points = " ".join(f"{x:g},{y:g}" for x, y in corners)
    fill, border = COLOURS[kind]
    return f'<polygon points="{points}" fill="{fill}" stroke="{border}" stroke-dasharray="4 4"/>'


def _layer_box(x, y, width, layer: Layer, size: int, notes: Notes, height=THIN) -> str:
    """The box of one layer; `size` is the height of what comes out of it."""
    wrong = notes.get(layer.name, [])
    if not layer.found:
        lines = [f"{layer.kind}: " + ("not found as a module" if width > 300 else "no module")]
        return _box(x, y, width, THIN, layer.kind, lines, NOT_FOUND, found=False)
    if layer.kind in ("ReLU", "AveragePool"):
        lines = [layer.kind]
    elif layer.kind == "BatchNorm":
        lines = ["BatchNorm" + (f" {layer.out_channels}" if wrong else "")]
    elif layer.kind == "Linear":
        lines = [f"Linear, {_channels(layer)}"]
    else:
        title = f"{layer.kind} {layer.kernel}×{layer.kernel}"
        stride = f"stride {layer.stride}" if layer.stride > 1 or wrong else ""
        channels = _channels(layer) if layer.kind == "Conv" else ""
        sizes = ", ".join(filter(None, [channels, stride]))
        lines = [title, sizes] if height == TALL else [f"{title}, {sizes}"]
    return _box(x, y, width, height, layer.kind, lines, _hover(layer, size, wrong), bool(wrong))


NOT_FOUND = "not found as a module:\nyour forward may call a function instead"


def _hover(layer: Layer, size: int, wrong: list[str]) -> str:
    """What the mouse shows over a layer: name, shape, parameters, differences."""
    is_vector = layer.kind in ("AveragePool", "Linear")
    shape = layer.out_channels if is_vector else _shape(layer.out_channels, size)
    facts = [layer.name or layer.kind, f"output {shape}", f"{layer.parameters:,} parameters"]
    return "\n".join(facts + wrong)


def _wrong_in(block: Block, label: str, notes: Notes) -> list[str]:
    """Everything that differs in one block, each with the name of its layer."""
    names = [label, *(layer.name for layer in block.layers)]
    return [f"{name}: {note}" for name in names for note in notes.get(name, [])]


def _draw_network(network: Network, notes: Notes, zoomed: int, height: float) -> str:
    """The left panel: the whole network from top to bottom, output shapes beside the boxes."""
    x, width, label_x = NETWORK_X + 174, 340, NETWORK_X + 160
    y, size, parts = TOP + 94, 224, []

    def add(box_height: float, box: str, label: str) -> None:
        nonlocal y
        parts.append(_arrow((x + width / 2, y - GAP + 1), (x + width / 2, y - 2)))
        parts.append(box)
        parts.append(_text(label_x, y + box_height / 2 + 6, label, 18, anchor="end"))
        y += box_height + GAP

    parts.append(_text(x + width / 2, y - GAP - 4, "picture"))
    parts.append(_text(label_x, y - GAP - 4, _shape(3, size), 18, anchor="end"))
    stem, pool = network.stem, network.pool
    size = stem.out_size(size)
    shape = _shape(stem.out_channels, size)
    add(THIN, _layer_box(x, y, width, stem, size, notes), shape)
    if stem.norm:
        add(THIN, _layer_box(x, y, width, stem.norm, size, notes), shape)
    add(THIN, _layer_box(x, y, width, network.relu, size, notes), shape)
    size = pool.out_size(size)
    add(THIN, _layer_box(x, y, width, pool, size, notes), _shape(pool.out_channels, size))
    for g, group in enumerate(network.groups, start=1):
        if g == zoomed:
            parts.append(_zoom(x + width, y, y + 84, GROUP_X, height, "BlockGroup"))
        box, size = _group_box(x, y, width, g, group, size, notes)
        add(84, box, _shape(group[-1].left[1].out_channels, size))
    out_feats = network.groups[-1][-1].left[1].out_channels
    add(THIN, _layer_box(x, y, width, network.average, 1, notes), str(out_feats))
    linear = network.linear
    add(THIN, _layer_box(x, y, width, linear, 1, notes), str(linear.out_channels))
    return "".join(parts)


def _group_box(x, y, width, number: int, group, size: int, notes: Notes) -> tuple[str, int]:
    """A BlockGroup with a little box for each of its blocks, and the size that comes out."""
    label = f"group {number}"
    first, last = group[0], group[-1]
    channels = f"{first.left[0].in_channels} → {last.left[1].out_channels}"
    stride = math.prod(block.stride for block in group)
    wrong = notes.get(label, [])
    little = min(42, (width - 20) / len(group) - 6)
    left = x + (width - len(group) * (little + 6) + 6) / 2
    boxes = ""
    for b, block in enumerate(group, start=1):
        wrong_here = _wrong_in(block, f"{label} block {b}", notes)
        wrong = wrong + wrong_here
        size, hover = _block_hover(block, f"ResidualBlock {b} of {label}", size, wrong_here)
        place = (left + (b - 1) * (little + 6), y + 40, little, 34)
        boxes += _box(*place, "ResidualBlock", hover=hover, wrong=bool(wrong_here))
    parameters = sum(layer.parameters for block in group for layer in block.layers)
    shape = _shape(last.left[1].out_channels, size)
    facts = [f"BlockGroup {number}", f"output {shape}", f"{parameters:,} parameters", *wrong]
    line = f"BlockGroup, {channels}" + (f", stride {stride}" if stride > 1 or wrong else "")
    inside = _text(x + width / 2, y + 28, line) + boxes
    box = _box(
        x, y, width, 84, "BlockGroup", hover="\n".join(facts), wrong=bool(wrong), inside=inside
    )
    return box, size


def _block_hover(block: Block, name: str, size: int, wrong: list[str]) -> tuple[int, str]:
    """What the mouse shows over a block, after the size that comes out of it."""
    for conv in block.left:
        size = conv.out_size(size)
    parameters = sum(layer.parameters for layer in block.layers)
    shape = _shape(block.left[1].out_channels, size)
    return size, "\n".join([name, f"output {shape}", f"{parameters:,} parameters", *wrong])


def _draw_group(group, number: int, zoomed: int, size: int, notes: Notes, height: float) -> str:
    """The middle panel: the blocks of one group from top to bottom."""
    x, width, label_x = GROUP_X + 152, 194, GROUP_X + 142
    y, center = TOP + 94, x + width / 2
    gap = (height - 124) / len(group) - TALL
    in_shape = _shape(group[0].left[0].in_channels, size)
    parts = [_text(center, y - 24, in_shape, 18), _arrow((center, y - 18), (center, y - 2))]
    for b, block in enumerate(group, start=1):
        label = f"group {number} block {b}"
        wrong = _wrong_in(block, label, notes)
        size, hover = _block_hover(block, f"ResidualBlock {b} of group {number}", size, wrong)
        stride = f", stride {block.stride}" if block.stride > 1 or wrong else ""
        lines = ["ResidualBlock", _block_channels(block) + stride]
        if b == zoomed:
            parts.append(_zoom(x + width, y, y + TALL, BLOCK_X, height, "ResidualBlock"))
        parts.append(_box(x, y, width, TALL, "ResidualBlock", lines, hover, bool(wrong)))
        shape = _shape(block.left[1].out_channels, size)
        parts.append(_text(label_x, y + TALL / 2 + 6, shape, 18, anchor="end"))
        parts.append(_arrow((center, y + TALL + 1), (center, y + TALL + gap - 2)))
        y += TALL + gap
    parts.append(_text(center, y + 17, shape, 18))
    return "".join(parts)


def _block_channels(block: Block) -> str:
    return f"{block.left[0].in_channels} → {block.left[1].out_channels}"


def _draw_block(block: Block, in_size: int, label: str, notes: Notes) -> str:
    """The right panel: the two branches of one block, and their sum."""
    width = 220
    left, right = BLOCK_X + 16, BLOCK_X + BLOCK_WIDTH - 16 - width
    centers = [left + width / 2, right + width / 2]
    center, fork, top = BLOCK_X + BLOCK_WIDTH / 2, TOP + 94, TOP + 152
    first, second = block.left
    size = first.out_size(in_size)
    out_size = second.out_size(size)

    parts = [_text(center, fork - 16, _shape(first.in_channels, in_size), 18)]
    for x, name in zip(centers, ["left branch", "right branch"], strict=True):
        parts.append(_arrow((center, fork - 9), (center, fork), (x, fork), (x, top - 2)))
        parts.append(_text(x + 10, top - 20, name, 18, anchor="start"))

    middle, last = block.relus
    rows = [(first, size), (first.norm, size), (middle, size), (second, out_size)]
    bottom = _column(parts, left, top, width, [*rows, (second.norm, out_size)], notes)
    if block.right:
        right_size = block.right.out_size(in_size)
        rows = [(block.right, right_size), (block.right.norm, right_size)]
        right_bottom = _column(parts, right, top, width, rows, notes)
    else:
        right_bottom = top + TALL
        wrong = notes.get(label, [])
        lines = ["identity", "nothing is done here"]
        parts.append(_box(right, top, width, TALL, "ReLU", lines, "\n".join(wrong), bool(wrong)))

    join = bottom + 40
    for x, start in zip(centers, [bottom, right_bottom], strict=True):
        parts.append(
            _arrow((x, start + 1), (x, join), (center + math.copysign(22, x - center), join))
        )
    parts.append(
        f'<circle cx="{center:g}" cy="{join:g}" r="19" fill="{PAGE}" stroke="{INK}" '
        f'stroke-width="2.5"/>' + _text(center, join + 9, "+", 28, bold=True)
    )
    y = join + 19 + 24
    parts.append(_arrow((center, y - 23), (center, y - 2)))
    parts.append(_layer_box(center - width / 2, y, width, last, out_size, notes))
    parts.append(_arrow((center, y + THIN + 1), (center, y + THIN + 24)))
    parts.append(_text(center, y + THIN + 46, _shape(second.out_channels, out_size), 18))
    if block.right:
        y += THIN + 84
        parts.append(_text(center, y, "In the blocks after the first of a group, and in", 17))
        parts.append(_text(center, y + 23, "all of group 1, the right branch is the identity.", 17))
    return "".join(parts)


def _column(parts: list[str], x, y, width, rows, notes: Notes) -> float:
    """Add boxes one below the other, none for None; return where the last one ends."""
    for index, (layer, size) in enumerate((layer, size) for layer, size in rows if layer):
        height = TALL if layer.kind == "Conv" else THIN
        if index:
            parts.append(_arrow((x + width / 2, y - GAP + 1), (x + width / 2, y - 2)))
        parts.append(_layer_box(x, y, width, layer, size, notes, height))
        y += height + GAP
    return y - GAP


def _draw(network: Network, notes: Notes, verdict: list[str], remark: list[str]) -> str:
    """The whole picture; the panels zoom in on the first wrong block, else on group 2, block 1.

    Below it come the lines of the verdict, in its colour, and those of the remark.
    """
    labels = [
        (g, b)
        for g, group in enumerate(network.groups, start=1)
        for b, block in enumerate(group, start=1)
        if _wrong_in(block, f"group {g} block {b}", notes)
    ]
    g, b = labels[0] if labels else (min(2, len(network.groups)), 1)
    group = network.groups[g - 1]
    size = network.pool.out_size(network.stem.out_size(224))
    for block in (block for earlier in network.groups[: g - 1] for block in earlier):
        size, _ = _block_hover(block, "", size, [])
    block_size = size
    for block in group[: b - 1]:
        block_size, _ = _block_hover(block, "", block_size, [])

    height = 94 + 4 * (THIN + GAP) + len(network.groups) * (84 + GAP) + 2 * (THIN + GAP)
    lines = [(line, WRONG if notes else RIGHT) for line in verdict]
    lines += [(line, GREY) for line in remark]
    total = TOP + height + 14 + 30 * len(lines) + (12 if lines else 0)
    parts = [
        _panel(
            NETWORK_X,
            NETWORK_WIDTH,
            height,
            "ResNet34",
            f"ResNet34: {network.parameters:,} parameters",
        ),
        _panel(GROUP_X, GROUP_WIDTH, height, "BlockGroup", f"BlockGroup {g}"),
        _panel(BLOCK_X, BLOCK_WIDTH, height, "ResidualBlock", f"ResidualBlock {b} of group {g}"),
        _draw_network(network, notes, g, height),
        _draw_group(group, g, b, size, notes, height),
        _draw_block(group[b - 1], block_size, f"group {g} block {b}", notes),
        *(
            _text(NETWORK_X + 6, TOP + height + 38 + 30 * row, line, 20, "start", True, colour)
            for row, (line, colour) in enumerate(lines)
        ),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="100%" '
        f'role="img" font-family="Arial, Liberation Sans, Helvetica, sans-serif">'
        "<title>ResNet34 and what is inside it</title>"
        f"<desc>{escape(_alt(network, verdict + remark))}</desc>"
        f'{ARROWHEAD}<rect width="{WIDTH}" height="{total}" rx="10" fill="{PAGE}"/>'
        f"{''.join(parts)}</svg>"
    )


def _alt(network: Network, lines: list[str]) -> str:
    """The picture in words."""
    stem = network.stem
    n_blocks = ", ".join(str(len(group)) for group in network.groups)
    drawn = (
        f"Three nested drawings. ResNet34: a {stem.kernel}×{stem.kernel} convolution, batchnorm, "
        f"ReLU, max pool, {len(network.groups)} BlockGroups of {n_blocks} blocks, average pool, "
        "linear layer. BlockGroup: ResidualBlocks in a row. ResidualBlock: two convolutions on the "
        "left, the identity or a 1×1 convolution on the right, their sum, ReLU."
    )
    return f"{drawn} {'; '.join(lines)}".strip()


class Drawing:
    """An SVG that a notebook shows; `svg` is its text, `alt` says the same in words."""

    def __init__(self, svg: str, alt: str):
        self.svg = svg
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        # JupyterLab shows a bare SVG as <img>, in which nothing can be hovered over; of this it
        # shows the <object>, and in a notebook that it doesn't trust yet the <img>
        data = "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()
        image = f'<img src="{data}" alt="{escape(self.alt)}" width="100%">'
        return f'<object data="{data}" type="image/svg+xml" width="100%">{image}</object>'

    def _repr_svg_(self) -> str:
        return self.svg


def architecture(model: nn.Module | None = None) -> Drawing:
    """Draw ResNet34, a BlockGroup and a ResidualBlock, with the output shapes for 224x224 pictures.

    Without a model, the network of He et al. 2015. With one, that: hovering over a box shows the
    module's name, output shape and parameters; boxes that differ from the paper are marked, and
    the differences named. Nothing is run, so a model whose forward fails can be drawn too.

    What is no module, such as a call of F.relu, is not seen: it is drawn in grey, and said so.

    Raises:
        NoResNetError: the model's layers are not a first convolution, residual blocks of two 3x3
            convolutions and a linear layer.
    """
    network, verdict, remark, notes = paper_network(), [], [], {}
    if model is not None:
        network = read_network(model)
        notes = differences(network, paper_network())
        verdict = [f"{name}: {', '.join(texts)}" for name, texts in notes.items()]
        if len(verdict) > 4:
            verdict[3:] = [f"and {len(verdict) - 3} more: hover over the marked boxes"]
        verdict = verdict or [
            "All channels, kernels, strides and paddings of your modules are those of the paper."
        ]
        if network.not_found:
            remark = [
                f"Not found as modules: {', '.join(network.not_found)}.",
                "Your forward may call functions for them, which this drawing cannot see.",
            ]
    return Drawing(_draw(network, notes, verdict, remark), _alt(network, verdict + remark))
