"""Lesson 8 looked at: which layers compute and which wait for memory, and where the time goes.

What `resnet_helpers.measuring` found, drawn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import cycle
from statistics import median

import numpy as np

from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Picture,
    new_figure,
    styled,
)
from resnet_helpers.measuring import Layer, Roof

LOOKS = [  # of the kinds of layer, in the order in which they come
    (BLUE, "o"),
    (VERMILION, "s"),
    (GREEN, "^"),
    (ORANGE, "D"),
    (PURPLE, "v"),
    (SKY, "P"),
    (BLACK, "X"),
    (BLUE, "<"),
    (VERMILION, ">"),
]
LEAST_SHARE = 0.01  # of the time, for a kind to have bars of its own
REST = "all else"


def by_kind(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """The layers of each kind, in the order in which the kinds first come."""
    kinds: dict[str, list[Layer]] = {}
    for layer in layers:
        kinds.setdefault(layer.kind, []).append(layer)
    return kinds


def _checked(layers: Iterable[Layer]) -> list[Layer]:
    """The layers, at least one.

    Raises:
        InvalidArgumentError: it is something else.
    """
    layers = list(layers) if isinstance(layers, Iterable) else []
    if not layers or not all(isinstance(layer, Layer) for layer in layers):
        raise InvalidArgumentError("Pass the layers that measuring.layers_of(model, x) gives.")
    return layers


def _raised(roof: Roof, layers: list[Layer]) -> Roof:
    """The roof, or what a layer did where that was more: it was measured on a busy machine then.

    Memory's slope stays: what comes from a cache may be above it.
    """
    operations = max((layer.operations / layer.seconds for layer in layers), default=0)
    bandwidth = max((layer.bytes / layer.seconds for layer in layers), default=0)
    return replace(
        roof,
        operations=max(roof.operations, operations),
        cache=max(roof.cache, roof.memory, bandwidth),
    )


@styled
def roofline(roof: Roof, layers: Iterable[Layer]) -> Picture:
    """A point for each layer: operations on a byte and in a second, under what the machine can do.

    Below the slope memory sets the limit, below the flat part arithmetic does: the "roofline" of
    Williams et al. 2009. Where a layer did more than the roof says, its speed is drawn as the roof.

    Args:
        roof: what the machine can do at best.
        layers: of one network, or of several.

    Raises:
        InvalidArgumentError: these are not what roof_of and layers_of give.
    """
    if not isinstance(roof, Roof):
        raise InvalidArgumentError("roof is what measuring.roof_of(device) gives.")
    layers = [layer for layer in _checked(layers) if layer.operations and layer.seconds > 0]
    roof = _raised(roof, layers)
    figure, ((ax,),) = new_figure("Near the slope a layer waits for memory", height=4.9)
    kinds = by_kind(layers)
    facts = []
    for (kind, of_kind), (colour, marker) in zip(kinds.items(), cycle(LOOKS), strict=False):
        intensity = [layer.operations / layer.bytes for layer in of_kind]
        speed = [layer.operations / layer.seconds / 1e9 for layer in of_kind]
        ax.plot(intensity, speed, marker, color=colour, label=f" {kind}", alpha=0.8, markersize=6)
        facts.append(f"{kind} {median(intensity):.2g} and {median(speed):.2g}")
    x = np.geomspace(0.05, 1000, 200)
    for bandwidth, dashes, label in ((roof.memory, "-", "memory"), (roof.cache, "--", "cache")):
        y = np.minimum(bandwidth * x, roof.operations) / 1e9
        ax.plot(x, y, dashes, color=GREY, label=f"{label}: {bandwidth / 1e9:.0f} GB a second")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="operations on each byte that is read or written",
        ylabel="billion operations\na second",
    )
    ax.legend(loc="lower right", ncols=2)
    peak = f"At best {roof.operations / 1e9:.0f} billion operations a second"
    return Picture(
        figure,
        f"{peak}, memory {roof.memory / 1e9:.0f} GB a second, caches {roof.cache / 1e9:.0f}. "
        "Medians of operations on a byte, and of billion operations a second: "
        f"{'; '.join(facts)}.",
    )


@styled
def time_by_kind(networks: Mapping[str, Iterable[Layer]]) -> Picture:
    """Where the time goes: a bar for each kind of layer and network, in milliseconds.

    Args:
        networks: the layers of each, by what it is called.

    Raises:
        InvalidArgumentError: it is no dictionary of what layers_of gives, or an empty one.
    """
    if not isinstance(networks, Mapping) or not networks:
        raise InvalidArgumentError(
            'networks is a dictionary, {"before": measuring.layers_of(model, x), …}.'
        )
    networks = {name: _checked(layers) for name, layers in networks.items()}
    totals = {
        name: {
            kind: 1e3 * sum(layer.seconds for layer in of_kind) for kind, of_kind in kinds.items()
        }
        for name, kinds in ((name, by_kind(layers)) for name, layers in networks.items())
    }
    sums = {name: sum(kinds.values()) for name, kinds in totals.items()}
    shares: dict[str, float] = {}
    for name, kinds in totals.items():
        for kind, taken in kinds.items():
            shares[kind] = max(shares.get(kind, 0), taken / sums[name])
    shown = sorted((k for k in shares if shares[k] >= LEAST_SHARE), key=lambda k: -shares[k])
    figure, ((ax,),) = new_figure("Where the time goes, by kind of layer", height=4.9)
    labels = [*shown, REST]
    width = 0.8 / len(totals)
    facts = []
    for n, (name, kinds) in enumerate(totals.items()):
        rest = sum(taken for kind, taken in kinds.items() if kind not in shown)
        values = [*(kinds.get(kind, 0) for kind in shown), rest]
        places = np.arange(len(labels)) + (n - (len(totals) - 1) / 2) * width
        colour, hatch = ((GREY, ""), (BLUE, "//"), (ORANGE, ".."))[n % 3]
        bars = ax.barh(
            places,
            values,
            width,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=f"{sums[name]:.0f} ms: {name}",
        )
        ax.bar_label(bars, fmt="%.1f", padding=4, fontsize=11)
        facts.append(
            f"{name}, {sums[name]:.0f} ms: "
            + ", ".join(f"{label} {value:.1f}" for label, value in zip(labels, values, strict=True))
        )
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("milliseconds of one forward pass, all layers of the kind together")
    for text in ax.legend(loc="lower right").get_texts():
        text.set_parse_math(False)  # names may hold a $
    return Picture(figure, f"Milliseconds by kind of layer. {'. '.join(facts)}.")
