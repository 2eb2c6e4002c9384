"""Lesson 5 looked at: what a learner's network sees in each picture, beside the reference.

Below each picture its class activation map: which places vote for the class that the learner's
network names.
"""

from collections import Counter
from dataclasses import dataclass
from html import escape
from io import BytesIO

import ipywidgets as widgets
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from PIL import Image
from torch import Tensor, nn

from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.figures.live import Live, menu
from resnet_helpers.figures.looking import check_model
from resnet_helpers.figures.pooling import SIDE, classify, draw_votes
from resnet_helpers.figures.style import (
    BLACK,
    BLUE,
    ORANGE,
    VERMILION,
    Photo,
    hide_axes,
    new_figure,
    styled,
)
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
MOST_LETTERS = 17  # of a class above a picture of the grid
MOST_PICTURES, PICTURES_A_ROW = 10, 5  # in a grid: what a screen has room for
SAME = 0.0005  # a difference in probability that the order of additions can make


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
        ValueError: a network does not take pictures, or does not end in an average pool and a
            linear layer for 1000 classes; or it is no network.
    """

    def __init__(self, mine: nn.Module, reference: nn.Module):
        for network in (mine, reference):
            check_model(network)
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
        return verdict(*(self.names[prediction.best] for prediction in self.predictions[name]))

    @styled
    def draw_one(self, picture: str) -> Photo:
        """One picture, where my network looked, and both networks' best classes as bars."""
        mine, reference = self.predictions[picture]
        figure, axes = new_figure(
            self.verdict(picture), 2, 2, height=4.4, note=self.weights, width_ratios=[1, 2.6]
        )
        axes[0, 0].imshow(self.images[picture])
        axes[0, 0].set_title("what the networks get", fontsize=12)
        strongest = mine.votes.abs().max().item()
        draw_votes(axes[1, 0], self.images[picture], mine.votes, strongest)
        axes[1, 0].set_title(f"where mine sees\n{_short(self.names[mine.best])}", fontsize=12)
        for panel in axes[:, 0]:
            hide_axes(panel)
        for panel in axes[:, 1]:
            panel.remove()
        bars = figure.add_subplot(axes[0, 1].get_gridspec()[:, 1])
        classes = list(dict.fromkeys(mine.classes + reference.classes))  # none twice
        pairs = [(mine.probabilities[c].item(), reference.probabilities[c].item()) for c in classes]
        names = [self.names[c] for c in classes]
        draw_bars(bars, names, pairs)
        facts = [f"{name} {m:.1%} and {r:.1%}" for name, (m, r) in zip(names, pairs, strict=True)]
        return Photo(
            figure,
            f"{picture}. {self.verdict(picture)}. Probabilities of mine and of the reference: "
            f"{', '.join(facts)}. {self.weights}.",
        )

    def draw_all(self) -> Photo:
        """All pictures, each with both networks' best class and its probability."""
        predictions = [
            (
                torch.stack([p.probabilities.max() for p in ps]),
                torch.tensor([p.best for p in ps], device="cpu"),
            )
            for ps in zip(*self.predictions.values(), strict=True)
        ]
        weights = self.weights.partition(": ")[2]
        return compare_predictions(self.images, *predictions, weights)


def short_names(labels: list[str]) -> list[str]:
    """The first synonym of each class, with its number where another class has the same."""
    names = [label.partition(",")[0] for label in labels]
    count = Counter(names)
    return [n if count[n] == 1 else f"{n} ({number})" for number, n in enumerate(names)]


@styled
def compare_predictions(
    images: dict[str, Image.Image],
    mine: tuple[Float[Tensor, "pictures"], Int[Tensor, "pictures"]],
    reference: tuple[Float[Tensor, "pictures"], Int[Tensor, "pictures"]],
    weights_name="not named",
) -> Photo:
    """A grid of up to ten pictures, each with what both networks see in it and how surely.

        compare_predictions(
            dict(zip(IMAGE_FILENAMES, images)),
            predict(my_resnet, batch),
            predict(pretrained_resnet, batch),
            pretrained_resnet.weights_name,
        )

    Args:
        images: the pictures by their names.
        mine: the best probability and the class that has it, for each picture, as lesson 5's
            `predict` returns them; on any device.
        reference: the same of the network that mine is compared with.
        weights_name: of the reference's weights; it stands below the title.

    Raises:
        InvalidArgumentError: there are no pictures, more than ten, or not as many predictions; or
            a class is not one of ImageNet's 1000.
    """
    if not isinstance(images, dict) or not all(
        isinstance(image, Image.Image) for image in images.values()
    ):
        raise InvalidArgumentError("Pass the pictures as a dict, name: picture.")
    if not 0 < len(images) <= MOST_PICTURES:
        raise InvalidArgumentError(
            f"A screen has room for {MOST_PICTURES} pictures, not for {len(images)}: pass some."
        )
    if not all(are_predictions(pair, len(images)) for pair in (mine, reference)):
        raise InvalidArgumentError(
            f"There are {len(images)} pictures: give as many probabilities and classes for each "
            "of the two networks."
        )
    mine, reference = ([values.tolist() for values in pair] for pair in (mine, reference))
    classes = mine[1] + reference[1]
    names = short_names(load_labels())
    if not all(isinstance(c, int) and 0 <= c < len(names) for c in classes):
        raise InvalidArgumentError(f"Classes are whole numbers from 0 to {len(names) - 1}.")
    n_equal = sum(a == b for a, b in zip(mine[1], reference[1], strict=True))
    title = f"Mine and the reference see the same in {n_equal} of {len(images)} pictures"
    weights = f"Weights of the reference: {weights_name}"
    rows = -(-len(images) // PICTURES_A_ROW)
    figure, axes = new_figure(title, rows, PICTURES_A_ROW, height=0.6 + 2.15 * rows, note=weights)
    facts = []
    predictions = zip(zip(*mine, strict=True), zip(*reference, strict=True), strict=True)
    for panel, (name, image), pair in zip(axes.flat, images.items(), predictions, strict=False):
        (p, c), (expected_p, expected_c) = pair
        caption = f"{_short(names[c])}\nmine {p:.1%}, ref. {expected_p:.1%}"
        if c != expected_c:
            caption = f"mine: {_short(names[c])}\n≠ ref.: {_short(names[expected_c])}\n"
            caption += f"{p:.1%} and {expected_p:.1%}"
        panel.imshow(image.resize((SIDE, SIDE)))
        panel.set_title(caption, fontsize=10.5, color=BLACK if c == expected_c else VERMILION)
        facts.append(f"{name}. {verdict(names[c], names[expected_c])}")
    for panel in axes.flat:
        hide_axes(panel)
    difference = max(abs(a - b) for a, b in zip(mine[0], reference[0], strict=True))
    likeness = f"The probabilities differ by at most {difference:.1%}"
    if difference < SAME:  # no digits of it: on another machine they may be others
        likeness = f"The probabilities agree to within {SAME}"
    return Photo(figure, f"{title}. {'. '.join(facts)}. {likeness}. {weights}.")


def are_predictions(pair: object, n_pictures: int) -> bool:
    """Are these two tensors, each with a number for each picture?"""
    return (
        isinstance(pair, tuple | list)
        and len(pair) == 2
        and all(isinstance(values, Tensor) and values.shape == (n_pictures,) for values in pair)
    )


def verdict(mine: str, reference: str) -> str:
    """What the two networks see, in a few words."""
    if mine == reference:
        return f"Both see: {mine}"
    return f"Mine sees: {mine}; the reference: {reference}"


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def predict(network: nn.Module, x: Float[Tensor, "1 rgb=3 height width"]) -> Prediction:
    """A network's probabilities for one picture, and its class activation map."""
    maps, logits = classify(network, x)
    return Prediction(logits.softmax(dim=0), maps[logits.argmax()].clone())


def draw_bars(panel: Axes, names: list[str], pairs: list[tuple[float, float]]) -> None:
    """Two bars for each class: the probability that mine gives it, and the reference's."""
    looks = {"mine": {"color": BLUE}, "reference": {"color": ORANGE, "hatch": "//"}}
    letters = min(13, 80 / len(names))  # two numbers in each row
    for offset, probabilities, (label, look) in zip(
        (-0.2, 0.2), zip(*pairs, strict=True), looks.items(), strict=True
    ):
        rows = [row + offset for row in range(len(names))]
        bars = panel.barh(rows, probabilities, height=0.36, label=label, **look)
        panel.bar_label(bars, [f"{p:.1%}" for p in probabilities], padding=4, fontsize=letters)
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
