"""Lesson 5 looked at: what a learner's network sees in each picture, beside the reference.

Below each picture its class activation map: which places vote for the class that the learner's
network names.
"""

from collections import Counter
from dataclasses import dataclass
from html import escape
from io import BytesIO
from textwrap import shorten

import ipywidgets as widgets
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from PIL import Image
from torch import Tensor, nn

from resnet_helpers.figures.live import Live, menu
from resnet_helpers.figures.pooling import SIDE, draw_votes, votes
from resnet_helpers.figures.style import BLUE, ORANGE, Photo, new_figure, styled
from resnet_helpers.images import (
    IMAGE_FILENAMES,
    PictureError,
    as_text,
    load_images,
    load_labels,
    prepare_images,
    read_rgb,
)

SHOWN = 5  # of each network's classes


@dataclass(frozen=True)
class Prediction:
    """What one network makes of one picture."""

    probabilities: Float[Tensor, "classes"]
    votes: Float[Tensor, "rows columns"]  # for the most probable class

    @property
    def best(self) -> int:
        """The most probable class."""
        return self.classes[0]

    @property
    def classes(self) -> list[int]:
        """The five most probable classes, the best one first."""
        return self.probabilities.topk(SHOWN).indices.tolist()


class Gallery(Live):
    """Choose or upload a picture: both networks' best five classes, and where mine looked.

    All of the course's pictures go through both networks once, at the start, so that choosing one
    only draws. The static twin shows all of them with both networks' best class.

    Args:
        mine: the learner's network, for ImageNet's 1000 classes.
        reference: the one it is compared with. Its `weights_name`, as load_pretrained_resnet34
            sets it, is written below the picture.

    Attributes:
        upload: the button that takes a picture of one's own.
        message: one sentence where the upload could not be used, else empty.

    Raises:
        ValueError: a network does not end in an average pool and a linear layer.
    """

    def __init__(self, mine: nn.Module, reference: nn.Module):
        self.networks = (mine, reference)
        self.weights = f"Weights of the reference: {getattr(reference, 'weights_name', 'unknown')}"
        self.names = short_names(load_labels())
        self.images: dict[str, Image.Image] = {}
        self.predictions: dict[str, tuple[Prediction, Prediction]] = {}
        for filename, image in zip(IMAGE_FILENAMES, load_images(), strict=True):
            self.add(filename, image)
        super().__init__(
            self.draw_one, picture=menu("picture", IMAGE_FILENAMES, IMAGE_FILENAMES[0])
        )
        self.twin = self.draw_all()
        self.upload = widgets.FileUpload(accept="image/*", description="or your own")
        self.upload.observe(self.take_upload, names="value")
        self.message = widgets.HTML()
        row, view = self.widget.children
        row.children = (*row.children, self.upload)
        self.widget.children = (row, self.message, view)

    def add(self, name: str, image: Image.Image) -> None:
        """Put a picture through both networks and keep what they make of it."""
        x = prepare_images([image])
        self.images[name] = image.resize((SIDE, SIDE))
        self.predictions[name] = tuple(predict(network, x) for network in self.networks)

    def take_upload(self, change: dict) -> None:
        """Add an uploaded picture to the menu and show it, or say why that cannot be."""
        if not change["new"]:
            return
        name, content = newest_file(change["new"])
        name = as_text(name)
        try:
            image = read_rgb(BytesIO(content))
        except PictureError as error:
            self.message.value = escape(f"{name} {error}. Choose another picture.")
            return
        self.message.value = ""
        name = f"{name} (yours)"  # it may be called like one of the course's
        self.add(name, image)
        choice = self.controls["picture"]
        choice.unobserve(self.redraw, names="value")  # new options choose the first of them
        choice.options = list(self.images)
        choice.value = name
        choice.observe(self.redraw, names="value")
        self.redraw()

    def verdict(self, name: str) -> str:
        """What the two networks see, in a few words."""
        mine, reference = self.predictions[name]
        if mine.best == reference.best:
            return f"Both see: {self.names[mine.best]}"
        return f"Mine sees: {self.names[mine.best]}; the reference: {self.names[reference.best]}"

    @styled
    def draw_one(self, picture: str) -> Photo:
        """One picture, where my network looked, and both networks' best classes as bars."""
        mine, reference = self.predictions[picture]
        figure, axes = new_figure(self.verdict(picture), 2, 2, height=6.2, width_ratios=[1, 2.2])
        axes[0, 0].imshow(self.images[picture])
        axes[0, 0].set_title("what the networks get")
        strongest = mine.votes.abs().max().item()
        draw_votes(axes[1, 0], self.images[picture], mine.votes, strongest)
        axes[1, 0].set_title(f"where mine sees\n{self.names[mine.best]}")
        for panel in axes[:, 0]:
            panel.set_axis_off()
        for panel in axes[:, 1]:
            panel.remove()
        bars = figure.add_subplot(axes[0, 1].get_gridspec()[:, 1])
        classes = list(dict.fromkeys(mine.classes + reference.classes))  # none twice
        pairs = [(mine.probabilities[c].item(), reference.probabilities[c].item()) for c in classes]
        names = [self.names[c] for c in classes]
        draw_bars(bars, names, pairs)
        figure.supxlabel(self.weights, fontsize=12, parse_math=False)
        facts = [f"{name} {m:.1%} and {r:.1%}" for name, (m, r) in zip(names, pairs, strict=True)]
        return Photo(
            figure,
            f"{picture}. {self.verdict(picture)}. Probabilities of mine and of the reference: "
            f"{', '.join(facts)}. {self.weights}.",
        )

    @styled
    def draw_all(self) -> Photo:
        """All pictures, each with both networks' best class and its probability."""
        n_equal = sum(mine.best == reference.best for mine, reference in self.predictions.values())
        title = f"Mine and the reference see the same in {n_equal} of {len(self.images)} pictures"
        figure, axes = new_figure(title, 2, 5, height=5.6)
        facts = []
        for panel, (name, image) in zip(axes.flat, self.images.items(), strict=True):
            mine, reference = self.predictions[name]
            best, other = (
                shorten(self.names[p.best], 18, placeholder="…") for p in (mine, reference)
            )
            caption = f"mine: {best}\nref.: {other}"
            if mine.best == reference.best:
                chances = (f"{p.probabilities.max():.0%}" for p in (mine, reference))
                caption = "{}\nmine {}, ref. {}".format(best, *chances)
            panel.imshow(image)
            panel.set_title(caption, fontsize=11)
            panel.set_axis_off()
            # no numbers here: on another machine their last digit may be another
            facts.append(f"{name}. {self.verdict(name)}")
        figure.supxlabel(self.weights, fontsize=12, parse_math=False)
        return Photo(figure, f"{title}. {'. '.join(facts)}. {self.weights}.")


def short_names(labels: list[str]) -> list[str]:
    """The first synonym of each class, with its number where another class has the same."""
    names = [label.partition(",")[0] for label in labels]
    count = Counter(names)
    return [n if count[n] == 1 else f"{n} ({number})" for number, n in enumerate(names)]


def predict(network: nn.Module, x: Float[Tensor, "1 rgb=3 height width"]) -> Prediction:
    """A network's probabilities for one picture, and its class activation map."""
    maps, logits = votes(network, x)
    return Prediction(logits.softmax(dim=0), maps[logits.argmax()].clone())


def draw_bars(panel: Axes, names: list[str], pairs: list[tuple[float, float]]) -> None:
    """Two bars for each class: the probability that mine gives it, and the reference's."""
    looks = {"mine": {"color": BLUE}, "reference": {"color": ORANGE, "hatch": "//"}}
    for offset, probabilities, (label, look) in zip(
        (-0.2, 0.2), zip(*pairs, strict=True), looks.items(), strict=True
    ):
        rows = [row + offset for row in range(len(names))]
        bars = panel.barh(rows, probabilities, height=0.36, label=label, **look)
        panel.bar_label(bars, [f"{p:.1%}" for p in probabilities], padding=4)
    panel.set_yticks(range(len(names)), names)
    panel.invert_yaxis()
    panel.set_xlim(0, 1.12)
    panel.xaxis.set_major_formatter(PercentFormatter(1.0))
    panel.grid(visible=False, axis="y")
    panel.set_title("probability")
    panel.legend(loc="lower right")


def newest_file(value: dict | tuple) -> tuple[str, bytes]:
    """Name and content of what was uploaded last, from the `value` of a FileUpload.

    ipywidgets 7 has {name: {"content": bytes, ...}}, ipywidgets 8 ({"name": ..., "content": ...},).
    """
    if isinstance(value, dict):
        name, file = list(value.items())[-1]
        return name, bytes(file["content"])
    return value[-1]["name"], bytes(value[-1]["content"])
