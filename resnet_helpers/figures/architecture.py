"""ResNet34 drawn as nested boxes: what it holds, what a BlockGroup and a ResidualBlock hold.

The paper's network and a learner's own go through the same drawing; of the learner's, each box
carries the module's name, shape and parameters, and is marked where it differs from the paper. What
is no module is drawn in grey. `figures.network` reads what is drawn here.
"""

import base64
import html
import math
import re
from textwrap import shorten
from typing import Literal

from torch import nn

from resnet_helpers.figures.network import (
    Block,
    Layer,
    Network,
    Notes,
    channels,
    differences,
    paper_network,
    read_network,
)

PICTURE_SIZE = 224  # height and width of the picture that goes in
MOST_HEIGHT = 485  # CSS pixels: with a notebook's margins 500, what a projected page shows

# --- Looks ------------------------------------------------------------------------------------

INK, PAGE, RIGHT, WRONG, GREY = "#1a1a1a", "#ffffff", "#007a5a", "#d55e00", "#5f5f5f"
# fill and border of each kind of box: tints and full tones of the Okabe-Ito colours
COLOURS = {
    "Conv": ("#d4e8f5", "#0072b2"),
    "BatchNorm": ("#fdecc8", "#c98a00"),
    "ReLU": ("#e8e8e8", "#666666"),
    "MaxPool": ("#d3eee5", "#007a5a"),
    "AveragePool": ("#d3eee5", "#007a5a"),
    "Linear": ("#f6dfec", "#a8487f"),
    "ResNet": ("#f7f7f7", "#444444"),
    "BlockGroup": ("#e9e9f7", "#4b4b9f"),
    "ResidualBlock": ("#f7f2da", "#857a1d"),
}
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
# font sizes: a panel's title, the lines of a box, shapes beside the boxes, the lines at the bottom
TITLE_FONT, BOX_FONT, NOT_FOUND_FONT, SHAPE_FONT, EXPLANATION_FONT = 23, 19, 17, 18, 17
PLUS_FONT, VERDICT_FONT = 28, 20
BOX_LINE, EXPLANATION_LINE, VERDICT_LINE = 23, 23, 28  # from one line of text to the next
HALF_LETTER = 6  # a text stands this much below the middle of what it belongs to
LONG_LABEL_WIDTH = 300  # a box as wide as this has room for a longer text

# --- Places -----------------------------------------------------------------------------------

WIDTH, TOP = 1480, 12  # of the page; where the panels begin
NETWORK_X, GROUP_X, BLOCK_X = 12, 580, 980  # the left edges of the three panels
NETWORK_WIDTH, GROUP_WIDTH, BLOCK_WIDTH = 528, 360, 488
TITLE_Y = 36  # in a panel, the baseline of its title
FIRST_BOX = 84  # in a panel, the top of its first box
THIN, TALL, GAP = 36, 56, 13  # the height of a box of one line, of two lines, and between boxes
ABOVE_ARROW = 4  # between a text and the arrow below it
SHAPE_GAP = 22  # from a shape's baseline to the first box of the middle panel

LAYERS_X, LAYERS_WIDTH = NETWORK_X + 174, 340  # the boxes of the left panel
LAYERS_SHAPE_X = NETWORK_X + 160  # where the shapes beside them end
BLOCKS_X, BLOCKS_WIDTH = GROUP_X + 152, 194  # the boxes of the middle panel
BLOCKS_SHAPE_X = GROUP_X + 142
BRANCH_WIDTH, BRANCH_MARGIN = 220, 16  # the boxes of the right panel; from there to its edge

GROUP_TALL = 70  # the height of a BlockGroup's box in the left panel
GROUP_LINE_Y = 24  # in it, the baseline of its line of text
LITTLE_Y, LITTLE_TALL, LITTLE_WIDTH, LITTLE_GAP = 34, 28, 42, 6  # in it, a box for each block
MOST_LITTLE = 30  # of these; more are only counted
LITTLE_MARGIN = 20  # what is free beside these, left and right together

BRANCH_TOP = 132  # in the right panel, the top of the first boxes of both branches
FORK_SHAPE = 16  # from the shape's baseline to the fork
JOIN_GAP, JOIN_RADIUS = 36, 19  # from the left branch to the plus, and the circle around it
SUM_GAP = 24  # from that circle to the ReLU, and from the ReLU to the end of its arrow
OUT_SHAPE = 44  # from the ReLU to the baseline of the shape that comes out
EXPLANATION_Y = 84  # from the last ReLU to the explanation
BLOCK_HEIGHT = 640  # of a panel with room for all that

BELOW_BLOCKS = 30  # in the middle panel, from the last block to the panel's edge
BELOW_PANELS, BELOW_VERDICT = 12, 10
LINE_LETTERS = 115  # of the verdict, for which there is room
VERDICT_Y = 34  # from the panels to the baseline of the verdict

# --- Pieces of SVG ----------------------------------------------------------------------------


def escape(text: str) -> str:
    """Any text, such as a module's name, as text in SVG and HTML: nothing in it is markup."""
    return html.escape("".join(c if c.isprintable() or c == "\n" else "�" for c in text))


def _text(
    x: float, y: float, text: str, size=BOX_FONT, anchor="middle", bold=False, fill=INK
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"'
        f"{weight}>{escape(text)}</text>"
    )


def _arrow(*points: tuple[float, float]) -> str:
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="2.5" {ARROW_END}/>'


def _arrow_down(x: float, start: float, end: float) -> str:
    """An arrow from the lower edge of one box to the upper edge of the next."""
    return _arrow((x, start + 1), (x, end - 2))


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
    first_y = y + height / 2 + 7 - BOX_LINE / 2 * (len(lines) - 1)
    texts = "".join(
        _text(
            x + width / 2,
            first_y + BOX_LINE * row,
            line,
            size=BOX_FONT if found else NOT_FOUND_FONT,
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
    heading = _text(x + width / 2, TOP + TITLE_Y, title, TITLE_FONT, bold=True)
    return _box(x, TOP, width, height, kind) + heading


def _zoom(x: float, top: float, bottom: float, panel_x: float, panel_height: float, kind) -> str:
    """The wedge that leads from a box to the panel that shows its inside."""
    corners = [(x, top), (panel_x, TOP), (panel_x, TOP + panel_height), (x, bottom)]
    points = " ".join(f"{x:g},{y:g}" for x, y in corners)
    fill, border = COLOURS[kind]
    return f'<polygon points="{points}" fill="{fill}" stroke="{border}" stroke-dasharray="4 4"/>'


# --- Boxes with words -------------------------------------------------------------------------

NOT_FOUND = "not found as a module:\nyour forward may call a function instead"


def _shape(channels: int, size: int) -> str:
    return f"{channels} × {size} × {size}"


def _facts(name: str, shape: int | str, parameters: int, wrong: list[str]) -> str:
    """What the mouse shows over a box: name, shape, parameters, differences."""
    return "\n".join([name, f"output {shape}", f"{parameters:,} parameters", *wrong])


def _layer_box(x, y, width, layer: Layer, size: int, notes: Notes, height=THIN) -> str:
    """The box of one layer; `size` is the height of what comes out of it."""
    if not layer.found:
        room = width > LONG_LABEL_WIDTH
        lines = [f"{layer.kind}: " + ("not found as a module" if room else "no module")]
        return _box(x, y, width, THIN, layer.kind, lines, NOT_FOUND, found=False)
    wrong = notes.get(layer.name, [])
    is_vector = layer.kind in ("AveragePool", "Linear")
    shape = layer.out_channels if is_vector else _shape(layer.out_channels, size)
    hover = _facts(layer.name or layer.kind, shape, layer.parameters, wrong)
    lines = _layer_lines(layer, bool(wrong), height == TALL)
    return _box(x, y, width, height, layer.kind, lines, hover, bool(wrong))


def _layer_lines(layer: Layer, wrong: bool, two_lines: bool) -> list[str]:
    """What stands in the box of a layer; more of it where something is wrong."""
    if layer.kind in ("ReLU", "AveragePool"):
        return [layer.kind]
    if layer.kind == "BatchNorm":
        return ["BatchNorm" + (f" {layer.out_channels}" if wrong else "")]
    if layer.kind == "Linear":
        return [f"Linear, {channels(layer)}"]
    title = f"{layer.kind} {layer.kernel}×{layer.kernel}"
    stride = f"stride {layer.stride}" if layer.stride > 1 or wrong else ""
    sizes = ", ".join(filter(None, [channels(layer) if layer.kind == "Conv" else "", stride]))
    return [title, sizes] if two_lines else [f"{title}, {sizes}"]


def _block_box(place: tuple, block: Block, number: tuple[int, int], size: int, notes: Notes, lines):
    """The box of a block, large or little; `size` is the height of what comes out of it."""
    g, b = number
    wrong = _wrong_in(block, number, notes)
    shape = _shape(block.out_channels, size)
    hover = _facts(f"ResidualBlock {b} of group {g}", shape, block.parameters, wrong)
    return _box(*place, "ResidualBlock", lines, hover, bool(wrong))


def _wrong_in(block: Block, number: tuple[int, int], notes: Notes) -> list[str]:
    """Everything that differs in one block, each with the name of its layer."""
    names = ["group {} block {}".format(*number), *(layer.name for layer in block.layers)]
    return [f"{name}: {note}" for name in names for note in notes.get(name, [])]


def _group_box(x, y, width, g: int, group: tuple[Block, ...], size: int, notes: Notes) -> str:
    """A BlockGroup with a little box for each of its blocks; `size` is the height that goes in."""
    wrong = list(notes.get(f"group {g}", []))
    little = min(LITTLE_WIDTH, (width - LITTLE_MARGIN) / len(group) - LITTLE_GAP)
    left = x + (width - len(group) * (little + LITTLE_GAP) + LITTLE_GAP) / 2
    boxes = ""
    for b, block in enumerate(group, start=1):
        wrong += _wrong_in(block, (g, b), notes)
        size = block.out_size(size)
        place = (left + (b - 1) * (little + LITTLE_GAP), y + LITTLE_Y, little, LITTLE_TALL)
        boxes += _block_box(place, block, (g, b), size, notes, lines=())
    if len(group) > MOST_LITTLE:
        boxes = _text(x + width / 2, y + LITTLE_Y + 24, f"{len(group)} ResidualBlocks")
    out_channels = group[-1].out_channels
    parameters = sum(block.parameters for block in group)
    hover = _facts(f"BlockGroup {g}", _shape(out_channels, size), parameters, wrong)
    stride = math.prod(block.stride for block in group)
    line = f"BlockGroup, {group[0].in_channels} → {out_channels}"
    line += f", stride {stride}" if stride > 1 or wrong else ""
    inside = _text(x + width / 2, y + GROUP_LINE_Y, line) + boxes
    return _box(
        x, y, width, GROUP_TALL, "BlockGroup", hover=hover, wrong=bool(wrong), inside=inside
    )


# --- The three panels -------------------------------------------------------------------------


def _draw_network(network: Network, notes: Notes, zoomed: int, height: float) -> str:
    """The left panel: the whole network from top to bottom, output shapes beside the boxes."""
    x, width, center = LAYERS_X, LAYERS_WIDTH, LAYERS_X + LAYERS_WIDTH / 2
    y, size = TOP + FIRST_BOX, PICTURE_SIZE
    above = y - GAP - ABOVE_ARROW
    parts = [
        _text(center, above, "picture"),
        _text(LAYERS_SHAPE_X, above, _shape(3, size), SHAPE_FONT, anchor="end"),
    ]

    def add(box: str, label: str, box_height=THIN) -> None:
        nonlocal y
        parts.append(_arrow_down(center, y - GAP, y))
        parts.append(box)
        middle = y + box_height / 2 + HALF_LETTER
        parts.append(_text(LAYERS_SHAPE_X, middle, label, SHAPE_FONT, anchor="end"))
        y += box_height + GAP

    stem, pool = network.stem, network.pool
    size = stem.out_size(size)
    for layer in filter(None, (stem, stem.norm, network.relu)):
        add(_layer_box(x, y, width, layer, size, notes), _shape(stem.out_channels, size))
    size = pool.out_size(size)
    add(_layer_box(x, y, width, pool, size, notes), _shape(pool.out_channels, size))
    for g, group in enumerate(network.groups, start=1):
        if g == zoomed:
            parts.append(_zoom(x + width, y, y + GROUP_TALL, GROUP_X, height, "BlockGroup"))
        box = _group_box(x, y, width, g, group, size, notes)
        size = _size_after(group, size)
        add(box, _shape(group[-1].out_channels, size), GROUP_TALL)
    average, linear = network.average, network.linear
    add(_layer_box(x, y, width, average, 1, notes), str(network.blocks[-1].out_channels))
    add(_layer_box(x, y, width, linear, 1, notes), str(linear.out_channels))
    return "".join(parts)


def _size_after(blocks: list[Block] | tuple[Block, ...], size: int) -> int:
    """The height that comes out of these blocks, one after another, when `size` goes in."""
    for block in blocks:
        size = block.out_size(size)
    return size


def _draw_group(group, g: int, zoomed: int, size: int, notes: Notes, height: float) -> str:
    """The middle panel: the blocks of one group from top to bottom."""
    x, width, center = BLOCKS_X, BLOCKS_WIDTH, BLOCKS_X + BLOCKS_WIDTH / 2
    y = TOP + FIRST_BOX
    room = height - FIRST_BOX - BELOW_BLOCKS
    shown = _window(len(group), zoomed, int(room // (TALL + GAP)))
    gap = room / len(shown) - TALL
    size = _size_after(group[: shown[0] - 1], size)
    before, after = shown[0] - 1, len(group) - shown[-1]
    in_shape = _shape(group[shown[0] - 1].in_channels, size)
    if before:
        in_shape = f"{before} more, then {in_shape}"
    in_x = GROUP_X + GROUP_WIDTH / 2 if before else center
    parts = [
        _text(in_x, y - SHAPE_GAP, in_shape, SHAPE_FONT),
        _arrow((center, y - SHAPE_GAP + 6), (center, y - 2)),
    ]
    for b in shown:
        block = group[b - 1]
        size = block.out_size(size)
        stride = f", stride {block.stride}" if _shows_stride(block, (g, b), notes) else ""
        lines = ["ResidualBlock", channels(block) + stride]
        if b == zoomed:
            parts.append(_zoom(x + width, y, y + TALL, BLOCK_X, height, "ResidualBlock"))
        parts.append(_block_box((x, y, width, TALL), block, (g, b), size, notes, lines))
        shape, middle = _shape(block.out_channels, size), y + TALL / 2 + HALF_LETTER
        parts.append(_text(BLOCKS_SHAPE_X, middle, shape, SHAPE_FONT, anchor="end"))
        parts.append(_arrow_down(center, y + TALL, y + TALL + gap))
        y += TALL + gap
    if after:
        shape, center = f"{shape}, then {after} more", GROUP_X + GROUP_WIDTH / 2
    parts.append(_text(center, y + 17, shape, SHAPE_FONT))
    return "".join(parts)


def _window(n_blocks: int, zoomed: int, most: int) -> range:
    """Which blocks of a group there is room for, counted from 1: those around the zoomed one."""
    first = max(1, min(zoomed - most // 2, n_blocks - most + 1))
    return range(first, min(first + most, n_blocks + 1))


def _shows_stride(block: Block, number: tuple[int, int], notes: Notes) -> bool:
    return block.stride > 1 or bool(_wrong_in(block, number, notes))


def _draw_block(
    block: Block, in_size: int, number: tuple[int, int], notes: Notes, explanation: list[str]
) -> str:
    """The right panel: the two branches of one block, and their sum."""
    left = BLOCK_X + BRANCH_MARGIN
    right = BLOCK_X + BLOCK_WIDTH - BRANCH_MARGIN - BRANCH_WIDTH
    centers = [left + BRANCH_WIDTH / 2, right + BRANCH_WIDTH / 2]
    center = BLOCK_X + BLOCK_WIDTH / 2
    parts = [_fork(centers, center, _shape(block.in_channels, in_size))]

    first, second = block.left
    size, out_size = first.out_size(in_size), block.out_size(in_size)
    middle, last = block.relus
    rows = [(first, size), (first.norm, size), (middle, size)]
    rows += [(second, out_size), (second.norm, out_size)]
    column, bottom = _column(left, TOP + BRANCH_TOP, rows, notes)
    parts.append(column)
    column, right_bottom = _draw_right(right, block, in_size, number, notes)
    parts.append(column)

    join = bottom + JOIN_GAP
    parts.append(_join(centers, center, [bottom, right_bottom], join))
    y = join + JOIN_RADIUS + SUM_GAP
    parts.append(_arrow_down(center, join + JOIN_RADIUS, y))
    parts.append(_layer_box(center - BRANCH_WIDTH / 2, y, BRANCH_WIDTH, last, out_size, notes))
    y += THIN
    parts.append(_arrow((center, y + 1), (center, y + SUM_GAP)))
    shape = _shape(second.out_channels, out_size)
    parts.append(_text(center, y + OUT_SHAPE, shape, SHAPE_FONT))
    for row, line in enumerate(explanation):
        line_y = y + EXPLANATION_Y + EXPLANATION_LINE * row
        parts.append(_text(center, line_y, line, EXPLANATION_FONT))
    return "".join(parts)


EXPLANATION = [
    "In the blocks after the first of a group, and in",
    "all of group 1, the right branch is the identity.",
]


def _explanation(network: Network, block: Block) -> list[str]:
    """Beside a right branch with a convolution, which blocks have none; if that is so."""
    first_group, *groups = network.groups
    others = [*first_group, *(block for group in groups for block in group[1:])]
    return EXPLANATION if block.right and not any(other.right for other in others) else []


def _fork(centers: list[float], center: float, shape: str) -> str:
    """What goes into a block, and the way from there to both branches."""
    y = TOP + FIRST_BOX
    parts = [_text(center, y - FORK_SHAPE, shape, SHAPE_FONT)]
    for x, name in zip(centers, ["left branch", "right branch"], strict=True):
        top = TOP + BRANCH_TOP
        parts.append(_arrow((center, y - 9), (center, y), (x, y), (x, top - 2)))
        parts.append(_text(x + 10, top - 20, name, SHAPE_FONT, anchor="start"))
    return "".join(parts)


def _draw_right(x, block: Block, in_size: int, number: tuple, notes: Notes) -> tuple[str, float]:
    """The right branch, and where it ends."""
    y = TOP + BRANCH_TOP
    if block.right:
        size = block.right.out_size(in_size)
        return _column(x, y, [(block.right, size), (block.right.norm, size)], notes)
    wrong = notes.get("group {} block {}".format(*number), [])
    lines = ["identity", "nothing is done here"]
    if wrong:
        lines = ["nothing found", "paper: 1×1 convolution"]
    hover = "\n".join(wrong)
    return _box(x, y, BRANCH_WIDTH, TALL, "ReLU", lines, hover, bool(wrong)), y + TALL


def _column(x, y, rows: list[tuple[Layer | None, int]], notes: Notes) -> tuple[str, float]:
    """Boxes one below the other, none for None, and where the last one ends."""
    parts = []
    for index, (layer, size) in enumerate((layer, size) for layer, size in rows if layer):
        height = TALL if layer.kind == "Conv" else THIN
        if index:
            parts.append(_arrow_down(x + BRANCH_WIDTH / 2, y - GAP, y))
        parts.append(_layer_box(x, y, BRANCH_WIDTH, layer, size, notes, height))
        y += height + GAP
    return "".join(parts), y - GAP


def _join(centers: list[float], center: float, starts: list[float], y: float) -> str:
    """The two branches on their way to the plus."""
    parts = []
    for x, start in zip(centers, starts, strict=True):
        edge = center + math.copysign(JOIN_RADIUS + 3, x - center)
        parts.append(_arrow((x, start + 1), (x, y), (edge, y)))
    circle = f'<circle cx="{center:g}" cy="{y:g}" r="{JOIN_RADIUS}" fill="{PAGE}" stroke="{INK}" '
    parts.append(circle + 'stroke-width="2.5"/>' + _text(center, y + 9, "+", PLUS_FONT, bold=True))
    return "".join(parts)


# --- The whole --------------------------------------------------------------------------------


def _zoomed_block(network: Network, notes: Notes) -> tuple[int, int]:
    """Which group and block the panels zoom in on: the first wrong block, else group 2, block 1."""
    for g, group in enumerate(network.groups, start=1):
        for b, block in enumerate(group, start=1):
            if _wrong_in(block, (g, b), notes):
                return g, b
    return min(2, len(network.groups)), 1


def _draw(network: Network, notes: Notes, verdict: list[str], remark: list[str]) -> str:
    """The whole picture; below it the lines of the verdict, in its colour, and of the remark."""
    g, b = _zoomed_block(network, notes)
    group = network.groups[g - 1]
    block = group[b - 1]
    size = network.pool.out_size(network.stem.out_size(PICTURE_SIZE))
    size = _size_after([block for group in network.groups[: g - 1] for block in group], size)
    block_size = _size_after(group[: b - 1], size)

    height = FIRST_BOX + 6 * (THIN + GAP) + len(network.groups) * (GROUP_TALL + GAP)
    height = max(height, BLOCK_HEIGHT)
    lines = [(line, WRONG if notes else RIGHT) for line in verdict]
    lines += [(line, GREY) for line in remark]
    lines = [(shorten(line, LINE_LETTERS, placeholder=" …"), colour) for line, colour in lines]
    total = TOP + height + BELOW_PANELS + VERDICT_LINE * len(lines)
    total += BELOW_VERDICT if lines else 0
    title = f"{network.name}: {network.parameters:,} parameters"
    first_line = TOP + height + VERDICT_Y
    parts = [
        _panel(NETWORK_X, NETWORK_WIDTH, height, "ResNet", title),
        _panel(GROUP_X, GROUP_WIDTH, height, "BlockGroup", f"BlockGroup {g}"),
        _panel(BLOCK_X, BLOCK_WIDTH, height, "ResidualBlock", f"ResidualBlock {b} of group {g}"),
        _draw_network(network, notes, g, height),
        _draw_group(group, g, b, size, notes, height),
        _draw_block(block, block_size, (g, b), notes, _explanation(network, block)),
        *(
            _text(
                NETWORK_X + 6,
                first_line + VERDICT_LINE * row,
                line,
                VERDICT_FONT,
                "start",
                True,
                colour,
            )
            for row, (line, colour) in enumerate(lines)
        ),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="100%" '
        f'style="max-width: {MOST_HEIGHT * WIDTH // total}px" '
        f'role="img" font-family="{FONT}">'
        f"<title>{network.name} and what is inside it</title>"
        f"<desc>{escape(_alt(network, verdict + remark))}</desc>"
        f'{ARROWHEAD}<rect width="{WIDTH}" height="{total}" rx="10" fill="{PAGE}"/>'
        f"{''.join(parts)}</svg>"
    )


def _alt(network: Network, lines: list[str]) -> str:
    """The picture in words."""
    stem = network.stem
    layers = {
        f"a {stem.kernel}×{stem.kernel} convolution": True,
        "batchnorm": stem.norm is not None,
        "ReLU": network.relu.found,
        "max pool": network.pool.found,
        f"{len(network.groups)} BlockGroups of {_in_a_row(network)} blocks": True,
        "average pool": network.average.found,
        "linear layer": True,
    }
    shown = ", ".join(layer for layer, is_there in layers.items() if is_there)
    drawn = (
        f"Three nested drawings. {network.name}: {shown}. BlockGroup: ResidualBlocks in a row. "
        "ResidualBlock: two convolutions on the left, the identity or a 1×1 convolution on the "
        "right, their sum, ReLU."
    )
    return f"{drawn} {'; '.join(lines)}".strip()


def _in_a_row(network: Network) -> str:
    """The numbers of blocks: "3, 4, 6, 3"."""
    return ", ".join(str(len(group)) for group in network.groups)


class Drawing:
    """An SVG that a notebook shows; `svg` is its text, `alt` says the same in words.

    It is as wide as the page, up to where it is MOST_HEIGHT high.
    """

    def __init__(self, svg: str, alt: str):
        self.svg = svg
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        # JupyterLab shows a bare SVG as <img>, in which nothing can be hovered over; of this it
        # shows the <object>, and in a notebook that it doesn't trust yet the <img>
        data = "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()
        look = f'width="100%" style="{MAX_WIDTH.search(self.svg)[0]}"'
        image = f'<img src="{data}" alt="{escape(self.alt)}" {look}>'
        return f'<object data="{data}" type="image/svg+xml" {look}>{image}</object>'

    def _repr_svg_(self) -> str:
        return self.svg


MAX_WIDTH = re.compile(r"max-width: \d+px")


def architecture(model: nn.Module | Literal["paper"] = "paper") -> Drawing:
    """Draw ResNet34, a BlockGroup and a ResidualBlock, with the output shapes for 224x224 pictures.

    Without a model, the network of He et al. 2015. With one, that: hovering over a box shows the
    module's name, output shape and parameters; boxes that differ from the paper are marked, and
    the differences named. Nothing is run, so a model whose forward fails can be drawn too.

    What is no module, such as a call of F.relu, is not seen: it is drawn in grey, and said so.

    Args:
        model: any ResNet made of blocks of two convolutions, whatever its attributes are called,
            of any depth and width. One with the paper's ResNet18's numbers of blocks is compared
            with that, all others with its ResNet34.

    Raises:
        InvalidArgumentError: it is no model, or some of its weights are still to be made.
        NoResNetError: the model's layers are not a first convolution, residual blocks of two
            convolutions and a linear layer, and nothing else that has parameters.
    """
    if isinstance(model, str) and model == "paper":
        network = paper_network()
        return Drawing(_draw(network, {}, [], []), _alt(network, []))
    network = read_network(model)
    is_resnet18 = [len(group) for group in network.groups] == [2, 2, 2, 2]
    paper = paper_network((2, 2, 2, 2)) if is_resnet18 else paper_network()
    notes = differences(network, paper)
    verdict, remark = _verdict(notes, paper), _remark(network)
    return Drawing(_draw(network, notes, verdict, remark), _alt(network, verdict + remark))


MOST_LINES = 4  # of the verdict
MOST_NAMES = 3  # of modules that are not drawn


def _remark(network: Network) -> list[str]:
    """What the drawing does not show."""
    lines = []
    if network.not_found:
        lines = [
            f"Not found as modules: {', '.join(network.not_found)}.",
            "Your forward may call functions for them, which this drawing cannot see.",
        ]
    if not network.pool.found:
        lines[1] += " The shapes are those with the paper's max pool."
    if network.not_drawn:
        names = ", ".join(network.not_drawn[:MOST_NAMES])
        more = len(network.not_drawn) - MOST_NAMES
        lines.append(f"Not drawn: {names}" + (f", and {more} more." if more > 0 else "."))
    return lines


def _verdict(notes: Notes, paper: Network) -> list[str]:
    """The first differences in words, or that there are none."""
    if not notes:
        return [
            "All channels, kernels, strides and paddings of your modules are those of the paper's "
            f"{paper.name}."
        ]
    lines = [f"{name}: {', '.join(texts)}" for name, texts in notes.items()]
    if len(lines) > MOST_LINES:
        shown = MOST_LINES - 1
        lines[shown:] = [f"and {len(lines) - shown} more: hover over the marked boxes"]
    return lines
