"""The task of lessons 3 and 7: which of the course's ten pictures does a random crop come from?

Every crop is new, so a loss that stays high means that nothing is learned, not that it is learned
by heart; and a small network learns it in seconds.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from resnet_helpers.arguments import (
    check_labels,
    check_pictures,
    check_tensor,
    check_whole_number,
    said,
)
from resnet_helpers.debugging.calls import check_model, unchanged
from resnet_helpers.errors import InvalidArgumentError, says_what_failed
from resnet_helpers.images import load_images, prepare_images

SIDE, CROP = 96, 32  # pixels: of a picture, and of a crop of it
MOST_SIDE, MOST_CROPS = 1024, 10_000  # each about 126 MB: ten pictures, and crops of CROP pixels


def small_pictures(side=SIDE) -> Float[Tensor, "pictures=10 rgb=3 side side"]:
    """The course's ten pictures, normalised, `side` pixels high and wide; on the CPU.

    Raises:
        InvalidArgumentError: side is no whole number from 1 to 1024.
    """
    check_whole_number(side, "side", most=MOST_SIDE)
    return F.interpolate(
        prepare_images(load_images()), (side, side), mode="bilinear", antialias=True
    )


def random_crops(
    pictures: Float[Tensor, "pictures rgb h w"],
    generator: torch.Generator,
    n_crops=32,
    side=CROP,
) -> tuple[Float[Tensor, "crops rgb side side"], Int[Tensor, "crops"]]:
    """Random crops, and the number of the picture that each is from; where the pictures are.

    Args:
        pictures: all of one size.
        generator: on the CPU, so that the same seed gives the same crops on every device.
        n_crops: how many, at most 10,000.
        side: their height and width in pixels.

    Raises:
        InvalidArgumentError: pictures are no pictures, or smaller than a crop; or one of the others
            is not as said.
    """
    check_pictures(pictures, "pictures")
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise InvalidArgumentError(
            f"generator is {said(generator)}: it has to be a torch.Generator on the CPU, "
            'torch.Generator("cpu").manual_seed(0).'
        )
    n_pictures, _, height, width = pictures.shape
    check_whole_number(n_crops, "n_crops", most=MOST_CROPS)
    check_whole_number(side, "side, the crops' height and width,", most=min(height, width))
    draw = {"size": (n_crops,), "generator": generator, "device": "cpu"}
    labels = torch.randint(n_pictures, **draw)
    tops = torch.randint(height - side + 1, **draw)
    lefts = torch.randint(width - side + 1, **draw)
    corners = zip(labels.tolist(), tops.tolist(), lefts.tolist(), strict=True)
    crops = [pictures[i, :, top : top + side, left : left + side] for i, top, left in corners]
    return torch.stack(crops), labels.to(pictures.device)


def accuracy_in_train_mode(
    model: nn.Module,
    images: Float[Tensor, "images rgb h w"],
    labels: Int[Tensor, "images"],
    batch_size: int | None = None,
) -> float:
    """The share of right answers, from 0 to 1, when batchnorm normalises with each batch's own.

    It is no measure of a network's worth, since a picture's answer depends on its neighbours; but
    beside the accuracy in eval mode it tells what the running statistics do to it. The model is
    left as it was, running statistics and random state included.

    Args:
        model: wherever the images are.
        images: of any number and size that the model takes.
        labels: the class of each.
        batch_size: how many images are seen together; None means all.

    Raises:
        InvalidArgumentError: model is no model that can be observed; there are no images, or no
            label for each; batch_size is below 1; or the model gives no logits.
        ModelFailedError: the model cannot be run on the images.
    """
    check_pictures(images, "images")
    check_model(model, images)
    check_labels(labels, len(images))
    if batch_size is not None:
        check_whole_number(batch_size, "batch_size")
    with unchanged(model), torch.no_grad():
        model.train()
        guesses = []
        for batch in images.split(min(batch_size or len(images), len(images))):
            with says_what_failed("The model cannot be run on the images"):
                logits = model(batch)
            check_logits(logits, len(batch))
            guesses.append(logits.argmax(dim=1))
    return (torch.cat(guesses) == labels.to(images.device)).float().mean().item()


def check_logits(logits: object, n_images: int, n_classes=1) -> None:
    """Refuse what a network gives for some images, if it is not a row of logits for each.

    Raises:
        InvalidArgumentError: it is so, or there are fewer logits than classes.
    """
    check_tensor(logits, "The model's output")
    if logits.ndim != 2 or len(logits) != n_images or logits.shape[1] < n_classes:
        raise InvalidArgumentError(
            f"The model's output for a batch of {n_images} has the shape {tuple(logits.shape)}: it "
            f"has to be a row of logits for each picture, {n_classes} or more in a row."
        )


def check_learner(model: nn.Module, pictures: Float[Tensor, "pictures rgb h w"]) -> None:
    """Refuse a network that cannot learn to tell from which of the pictures a crop comes.

    Raises:
        InvalidArgumentError: it is no model that can be observed, or has no parameters, or gives
            no logit for each picture; or the pictures are none, or too small.
        ModelFailedError: it cannot be run on crops.
    """
    crops, _ = random_crops(pictures, torch.Generator("cpu"), n_crops=2)
    check_model(model, crops)
    if not list(model.parameters()):
        raise InvalidArgumentError("The model has no parameters, so it cannot be trained.")
    with unchanged(model), torch.no_grad(), says_what_failed("The model cannot be run on crops"):
        check_logits(model(crops), len(crops), len(pictures))


def hold_out(labels: Int[Tensor, "pictures"]) -> tuple[list[int], list[int]]:
    """Which pictures to learn from, and which to test on: of each class the last fifth, or one.

    A class of a single picture has it on both sides: then the test shows whether other views of
    that picture are known again, and nothing of other pictures.

    Returns:
        Two lists of positions in `labels`.

    Raises:
        InvalidArgumentError: labels is no tensor of whole numbers along one axis, or empty.
    """
    check_labels(labels)
    learn, test = [], []
    for label in labels.unique().tolist():
        of_class = (labels == label).nonzero().flatten().tolist()
        n_test = max(len(of_class) // 5, 1)
        learn += of_class[:-n_test] or of_class
        test += of_class[-n_test:]
    return learn, test
