"""Lesson 2 looked at: what is left of a feature map when only its mean goes on.

The class activation map (Zhou et al. 2016) shows, for each position, its vote for a class: the
mean of all votes, plus the bias, is the class's logit.
"""

from functools import cache
from typing import Any, Self

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

from resnet_helpers.debugging.calls import hooked
from resnet_helpers.errors import CourseError, InvalidArgumentError
from resnet_helpers.figures.live import Live, menu, slider
from resnet_helpers.figures.looking import check_model, look
from resnet_helpers.figures.style import Photo, hide_axes, new_figure, styled
from resnet_helpers.figures.threads import one_thread
from resnet_helpers.images import (
    IMAGE_FILENAMES,
    IMAGENET_TRANSFORM,
    N_LABELS,
    load_images,
    load_labels,
)

SIDE = 224  # pixels of a picture as the networks got it in training
SIZES = [96, 160, 256, 288]


def resized_input(image: Image.Image, size: int) -> Float[Tensor, "1 rgb=3 size size"]:
    """The picture as a network's input: IMAGENET_TRANSFORM, but of any size."""
    to_tensor, _, normalize = IMAGENET_TRANSFORM.transforms
    resize = transforms.Resize((size, size), antialias=True)
    return normalize(resize(to_tensor(image)))[None]


class NoClassifierError(CourseError, ValueError):
    """A model that a class activation map cannot be made of; the message says why."""

    @classmethod
    def of(cls, model: nn.Module) -> Self:
        """The usual reason."""
        return cls(
            f"The logits of {type(model).__name__} are not a linear layer of the average-pooled "
            "features, so that there are no votes to show."
        )


@torch.inference_mode()
def votes(
    model: nn.Module, x: Float[Tensor, "1 rgb=3 height width"]
) -> tuple[Float[Tensor, "classes rows columns"], Float[Tensor, "classes"]]:
    """How much each position of the last feature map adds to each class's logit.

    Works for any network that ends in an average pool and one linear layer, whatever its
    attributes are called, wherever it is.

    Returns:
        The votes, whose mean over rows and columns, plus the bias, are the logits; and the logits
        as the model gives them. Both are on the CPU, in float32.

    Raises:
        ValueError: it is no model, its forward raises, its logits are no finite numbers, or it
            does not end in an average pool and a linear layer.
    """
    logits, last_map, linear = last_steps(model, x)
    if logits is None or last_map is None or linear is None:
        raise NoClassifierError.of(model)
    if not logits.isfinite().all():
        raise NoClassifierError(
            f"The logits of {type(model).__name__} hold NaN or infinity: "
            "debugging.find_first_nan(model, x) says where they come from."
        )
    weight = linear.weight.float().cpu()
    bias = 0 if linear.bias is None else linear.bias.float().cpu()
    if weight.shape != (len(logits), len(last_map)):
        raise NoClassifierError.of(model)
    maps = torch.einsum("kc,chw->khw", weight, last_map)
    tolerance = 1e-3 if linear.weight.dtype == torch.float32 else 0.1  # half has 3 digits
    if not torch.allclose(maps.mean(dim=(1, 2)) + bias, logits, rtol=tolerance, atol=tolerance):
        raise NoClassifierError.of(model)
    return maps, logits


def last_steps(
    model: nn.Module, x: Float[Tensor, "1 rgb=3 height width"]
) -> tuple[Tensor | None, Tensor | None, nn.Module | None]:
    """A model's logits and its last feature map, on the CPU, and the last linear layer it calls.

    None for what there is not.
    """
    feature_maps, linears = [], []

    def remember(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2:].numel() > 1:
            feature_maps.append(output)
        weight = getattr(module, "weight", None)
        if isinstance(weight, Tensor) and weight.dim() == 2:
            linears.append(module)

    check_model(model)
    with hooked(model.modules(), remember):
        output = look(model, x)
    is_batch_of_logits = isinstance(output, Tensor) and output.dim() == 2
    return (
        output[0].float().cpu() if is_batch_of_logits else None,
        feature_maps[-1][0].float().cpu() if feature_maps else None,
        linears[-1] if linears else None,
    )


def classify(model: nn.Module, x: Float[Tensor, "1 rgb=3 height width"]) -> tuple[Tensor, Tensor]:
    """The votes and logits of a model for ImageNet's 1000 classes.

    Raises:
        ValueError: it has other classes, or see `votes`.
    """
    maps, logits = votes(model, x)
    if len(logits) != N_LABELS:
        raise NoClassifierError(
            f"{type(model).__name__} has {len(logits)} classes; the names of ImageNet's "
            f"{N_LABELS} do not fit them."
        )
    return maps, logits


def draw_votes(
    panel: Axes, image: Image.Image, votes: Float[Tensor, "rows columns"], strongest: float
) -> AxesImage:
    """Lay votes over a picture in grey: orange where they are for the class, purple against.

    The colours are full at plus and minus `strongest`.
    """
    extent = (0, SIDE, SIDE, 0)
    panel.imshow(image.convert("L"), cmap="gray", extent=extent)
    look = {"cmap": "PuOr_r", "vmin": -strongest, "vmax": strongest, "alpha": 0.6}
    return panel.imshow(votes.numpy(), extent=extent, **look)


def class_activation(model: nn.Module, filename=IMAGE_FILENAMES[0]) -> Live:
    """Where a network sees what it sees, at 224 pixels and at another size.

    Args:
        model: torchvision's ResNet34 or a learner's. If it has a `weights_name`, as what
            load_pretrained_resnet34 returns has, the picture says which weights these are.
        filename: the course's picture to start with.

    Raises:
        ValueError: the model does not end in an average pool and a linear layer for ImageNet's
            1000 classes, or there is no such picture.
    """
    check_model(model)
    if filename not in IMAGE_FILENAMES:
        raise InvalidArgumentError(
            f"There is no picture {filename!r}: take one of {', '.join(IMAGE_FILENAMES)}."
        )
    images = dict(zip(IMAGE_FILENAMES, load_images(), strict=True))
    labels = load_labels()
    weights_name = getattr(model, "weights_name", type(model).__name__)

    @cache
    @one_thread()  # a little slower than with all of them, but on a busy machine far quicker
    def seen(filename: str, size: int) -> tuple[Tensor, Tensor]:
        return classify(model, resized_input(images[filename], size))

    for name in images:  # beforehand, so that the picture changes without delay
        seen(name, SIDE)

    @styled
    def draw(picture: str, size: int) -> Photo:
        figure, axes = new_figure(
            "A vote at each position; pooling keeps only their mean",
            columns=3,
            height=4.2,
            note=f"Weights: {weights_name}",
        )
        label = seen(picture, SIDE)[1].argmax().item()
        name = labels[label].partition(",")[0]
        maps = {s: seen(picture, s)[0][label] for s in (SIDE, size)}
        strongest = max(votes.abs().max().item() for votes in maps.values())
        small = images[picture].resize((SIDE, SIDE))
        axes[0, 0].imshow(small)
        axes[0, 0].set_title(f"{picture}\nseen as: {name}")
        facts = []
        for panel, s in zip(axes[0, 1:], (SIDE, size), strict=True):
            rows, columns = maps[s].shape
            logits = seen(picture, s)[1]
            probability = logits.softmax(dim=0)[label].item()
            shown = draw_votes(panel, small, maps[s], strongest)
            panel.set_title(
                f"input {s}×{s}: {rows}×{columns} votes\n"
                f"mean {maps[s].mean():.1f}, probability {probability:.0%}"
            )
            facts.append(
                f"input {s}x{s} gives {rows}x{columns} votes with mean {maps[s].mean():.1f} and "
                f"probability {probability:.2f}"
            )
        for panel in axes.flat:
            hide_axes(panel)
        figure.colorbar(shown, ax=axes, shrink=0.7, label=f"vote for {name}")
        return Photo(
            figure,
            f"Class activation map of {picture} for {name}: {'; '.join(facts)}. "
            f"Weights: {weights_name}.",
        )

    return Live(
        draw,
        picture=menu("picture", IMAGE_FILENAMES, filename),
        size=slider("size of the input on the right", SIZES, 288),
    )
