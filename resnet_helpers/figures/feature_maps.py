"""Lesson 6 looked at: what a channel of a layer responds to, caught by forward hooks.

And the filters of the first layer, the only ones whose weights can be looked at as pictures.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from ipywidgets import IntSlider
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from resnet_helpers.debugging.calls import hooked
from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.figures.live import Live, menu
from resnet_helpers.figures.looking import check_model, look
from resnet_helpers.figures.style import (
    SKY,
    VERMILION,
    Photo,
    Picture,
    hide_axes,
    new_figure,
    styled,
)
from resnet_helpers.images import IMAGE_FILENAMES, load_images, prepare_images

BLOCKS = ("ResidualBlock", "NamedResidualBlock", "BasicBlock")  # torchvision's is the last
TILES_A_ROW, MOST_ROWS = 16, 6  # of filters; where there are more than 96, both grow
SIDE = 224  # pixels of a picture as the network gets it


@contextmanager
def recorded_outputs(model: nn.Module, names: list[str]) -> Iterator[dict[str, Tensor]]:
    """While this is open, the dictionary it gives holds what each named module put out last.

        with recorded_outputs(model, ["layer1", "layer2.0"]) as outputs:
            model(x)
        outputs["layer1"].shape

    The hooks are gone at its end, whatever happens in between.
    """
    names_of = {model.get_submodule(name): name for name in names}
    outputs = {}

    def keep(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        if isinstance(output, Tensor):
            outputs[names_of[module]] = output.detach().clone()  # an in-place ReLU may come next

    with hooked(names_of, keep):
        yield outputs


def viewable_layers(model: nn.Module) -> list[str]:
    """The names of the layers worth a look: those of the stem, and every residual block."""
    names, inside = [], ()
    for name, module in model.named_modules():
        if inside and name.startswith(inside):
            continue
        is_block = type(module).__name__ in BLOCKS
        if is_block:
            inside = (*inside, f"{name}.")
        if is_block or not list(module.children()):
            names.append(name)
    return names


@torch.inference_mode()
def feature_maps(
    model: nn.Module, x: Float[Tensor, "1 rgb=3 height width"]
) -> dict[str, Float[Tensor, "channels rows columns"]]:
    """What every viewable layer that still has rows and columns puts out for one picture.

    The model runs in eval mode, wherever it is; afterwards its modules are in the modes they were
    in before. The maps are on the CPU.

    Raises:
        InvalidArgumentError: it is no model, or its forward raises.
    """
    check_model(model)
    with recorded_outputs(model, viewable_layers(model)) as outputs:
        look(model, x)
    return {
        name: output[0].float().cpu()
        for name, output in outputs.items()
        if output.dim() == 4 and output.shape[2:].numel() > 1
    }


def viewer(model: nn.Module, weights_name: str | None = None) -> Live:
    """Choose a picture, a layer and a channel: where in the picture does the channel respond?

    Args:
        model: torchvision's ResNet34 or a learner's.
        weights_name: written below the picture; None: the model's own `weights_name`, as
            load_pretrained_resnet34 sets it.

    Raises:
        ValueError: it is no model, its forward raises, or it has no layers with rows and columns.
    """
    check_model(model)
    images = dict(zip(IMAGE_FILENAMES, load_images(), strict=True))

    @lru_cache(maxsize=1)  # all layers of one picture are 15 MB
    def maps_of(picture: str) -> dict[str, Tensor]:
        return feature_maps(model, prepare_images([images[picture]]))

    weights = weights_line(model, weights_name)
    shapes = {name: tuple(m.shape) for name, m in maps_of(IMAGE_FILENAMES[0]).items()}
    if not shapes:
        raise InvalidArgumentError(
            f"no layer of {type(model).__name__} puts out rows and columns to look at"
        )

    @lru_cache(maxsize=32)
    def drawn(picture: str, layer: str, channel: int) -> Photo:
        feature_map = maps_of(picture)[layer]
        return draw_channel(images[picture], picture, layer, feature_map, channel, weights)

    def draw(picture: str, layer: str, channel: int) -> Photo:
        # after a change of layer the slider's range, and so its value, follows in a second call
        return drawn(picture, layer, min(channel, shapes[layer][0] - 1))

    layers = [(f"{name}: {' × '.join(map(str, s))}", name) for name, s in shapes.items()]
    first = layers[0][1]
    strongest = maps_of(IMAGE_FILENAMES[0])[first].abs().mean(dim=(1, 2)).argmax().item()
    channel = IntSlider(
        description="channel",
        value=strongest,
        max=shapes[first][0] - 1,
        layout={"width": "420px"},
    )
    shown = Live(
        draw,
        picture=menu("picture", IMAGE_FILENAMES, IMAGE_FILENAMES[0]),
        layer=menu("layer", layers, first),
        channel=channel,
    )
    shown.controls["layer"].observe(
        lambda change: setattr(channel, "max", shapes[change["new"]][0] - 1), names="value"
    )
    return shown


@styled
def draw_channel(
    image: Image.Image,
    picture: str,
    layer: str,
    feature_map: Float[Tensor, "channels rows columns"],
    channel: int,
    weights: str,
) -> Photo:
    """One channel over the picture and by itself, and how strong it is among the others."""
    values = feature_map[channel].numpy()
    strongest = abs(values).max().item()
    title = f"Orange: where channel {channel} of {layer} responds"
    if values.min() < 0:
        title += " (purple: negative)"
    elif strongest == 0:
        title = f"Channel {channel} of {layer} responds to nothing here"
    figure, axes = new_figure(title, columns=3, height=4.3, note=weights)
    over, alone, among = axes[0]
    limit = strongest or 1.0
    look = {"cmap": "PuOr_r", "vmin": -limit, "vmax": limit, "extent": (0, SIDE, SIDE, 0)}
    over.imshow(image.convert("L").resize((SIDE, SIDE)), cmap="gray")
    over.imshow(values, alpha=abs(values) / limit * 0.85, **look)
    over.set_title("over the picture")
    rows, columns = values.shape
    figure.colorbar(alone.imshow(values, **look), ax=[over, alone], shrink=0.7)
    alone.set_title(f"by itself: {rows} × {columns}")
    for panel in (over, alone):
        hide_axes(panel)

    strengths = feature_map.abs().mean(dim=(1, 2)).numpy()
    among.fill_between(range(len(strengths)), strengths, step="mid", color=SKY)
    top = 1.25 * strengths.max() or 1
    among.plot(channel, 0.96 * top, "v", color=VERMILION)  # free of the bars: no part of any
    among.bar(channel, strengths[channel], color=VERMILION)
    among.set(xlim=(-1, len(strengths)), ylim=(0, top), xlabel="channel")
    among.set_title("mean |value| per channel\n(▾ and red: this one)")
    active = (values != 0).mean()
    return Photo(
        figure,
        f"{picture}, layer {layer}, channel {channel} of {len(feature_map)}: not zero at "
        f"{active:.0%} of its {rows} x {columns} positions, strongest value {strongest:.2g}. "
        f"{weights}.",
    )


@styled
def first_layer_filters(model: nn.Module, weights_name: str | None = None) -> Picture:
    """The filters of the first convolution as colour tiles; grey is a weight of 0.

    Filter k makes channel k. Trained on photographs, neighbouring weights become alike and form
    edges and patches of colour. The title says what is measured of these.

    Args:
        model: one whose first convolution takes red, green and blue.
        weights_name: as for `viewer`.

    Raises:
        ValueError: the model has no such convolution.
    """
    check_model(model)
    kernels = next((p.detach() for p in model.parameters() if p.dim() == 4), None)
    if kernels is None or kernels.shape[1] != 3:
        raise InvalidArgumentError(
            "the model's first convolution does not take 3 channels: no colours to see"
        )
    if kernels.is_meta:
        raise InvalidArgumentError("the model is on the meta device: its filters have no values")
    kernels = kernels.float().cpu()
    likeness = neighbour_correlation(kernels)
    title = "Neighbouring weights are alike: these filters are patterns, not noise"
    if likeness < 0.1:  # random ones reach ±0.02
        title = "Neighbouring weights have nothing in common: noise, as before any training"
    columns = max(TILES_A_ROW, math.ceil(math.sqrt(len(kernels) * TILES_A_ROW / MOST_ROWS)))
    rows = math.ceil(len(kernels) / columns)
    weights = weights_line(model, weights_name)
    tile = 9.4 / columns
    figure, axes = new_figure(title, height=1.4 + tile * rows, note=weights)
    panel = axes[0, 0]
    picture = tiles(kernels, columns).numpy()
    panel.imshow(picture, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
    every = math.ceil(columns / TILES_A_ROW)  # with more tiles than that, not each has a number
    panel.set_yticks(range(0, rows, every), [f"{r * columns} +" for r in range(0, rows, every)])
    panel.set_xticks(range(0, columns, every))
    panel.set_xlabel("filter = row + column")
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    n_filters, _, height, width = kernels.shape
    return Picture(
        figure,
        f"{title}. The {n_filters} filters of the first convolution, {height} x {width} weights "
        f"for each colour; correlation of neighbouring weights {likeness:.2f}. {weights}.",
    )


def tiles(
    kernels: Float[Tensor, "filters rgb=3 kh kw"], columns=TILES_A_ROW
) -> Float[Tensor, "height width rgb=3"]:
    """The filters side by side, each scaled by its largest weight; 0 is grey, gaps are white."""
    strongest = kernels.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
    colours = 0.5 + 0.5 * kernels / strongest
    n_missing = -len(kernels) % columns
    colours = F.pad(colours, (0, 1, 0, 1, 0, 0, 0, n_missing), value=1.0)
    return rearrange(colours, "(row column) rgb h w -> (row h) (column w) rgb", column=columns)


def neighbour_correlation(kernels: Float[Tensor, "filters rgb kh kw"]) -> float:
    """How alike weights beside or above each other are: 0 for random ones, at most 1."""
    pairs = [
        torch.stack([a.flatten(), b.flatten()])
        for a, b in (
            (kernels[..., :-1], kernels[..., 1:]),
            (kernels[..., :-1, :], kernels[..., 1:, :]),
        )
    ]
    return torch.corrcoef(torch.cat(pairs, dim=1))[0, 1].item()


def weights_line(model: nn.Module, weights_name: str | None) -> str:
    """Which weights a picture was made with."""
    if weights_name is None:
        weights_name = getattr(model, "weights_name", "not named")
    return f"Weights: {weights_name}"
