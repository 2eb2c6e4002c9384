"""The task of lessons 3 and 7: which of the course's ten pictures does a random crop come from?

Every crop is new, so a loss that stays high means that nothing is learned, not that it is learned
by heart; and a small network learns it in seconds.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from resnet_helpers.debugging.calls import unchanged
from resnet_helpers.images import load_images, prepare_images

SIDE, CROP = 96, 32  # pixels: of a picture, and of a crop of it


def small_pictures(side=SIDE) -> Float[Tensor, "pictures=10 rgb=3 side side"]:
    """The course's ten pictures, normalised, `side` pixels high and wide; on the CPU."""
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
        n_crops: how many.
        side: their height and width in pixels.
    """
    n_pictures, _, height, width = pictures.shape
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
    """
    with unchanged(model), torch.no_grad():
        model.train()
        guesses = [model(batch).argmax(dim=1) for batch in images.split(batch_size or len(images))]
    return (torch.cat(guesses) == labels).float().mean().item()


def hold_out(labels: Int[Tensor, "pictures"]) -> tuple[list[int], list[int]]:
    """Which pictures to learn from, and which to test on: of each class the last fifth, or one.

    A class of a single picture has it on both sides: then the test shows whether other views of
    that picture are known again, and nothing of other pictures.

    Returns:
        Two lists of positions in `labels`.
    """
    learn, test = [], []
    for label in labels.unique().tolist():
        of_class = (labels == label).nonzero().flatten().tolist()
        n_test = max(len(of_class) // 5, 1)
        learn += of_class[:-n_test] or of_class
        test += of_class[-n_test:]
    return learn, test
