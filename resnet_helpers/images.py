"""The course's pictures and ImageNet's labels, and how a picture becomes a network's input.

A learner's own folder of pictures goes the same way: load_images(folder), then prepare_images.
"""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision import transforms

from resnet_helpers.errors import CourseError

IMAGE_FILENAMES = [
    "golden_retriever.jpg",
    "scarlet_macaw.jpg",
    "astronaut.jpg",
    "dragonfly.jpg",
    "gibbon.jpg",
    "chameleon.jpg",
    "koala.jpg",
    "red_panda.jpg",
    "fireworks.jpg",
    "goofy.jpg",
]

# Every network of torchvision's model zoo was trained on pictures normalised so.
IMAGENET_TRANSFORM = transforms.Compose(
    [
        transforms.ToTensor(),  # (height, width, rgb) of 0..255 -> (rgb, height, width) of 0..1
        transforms.Resize((224, 224), antialias=True),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)

UNREADABLE = {".heic", ".heif", ".avif"}  # phones' formats, which not every Pillow can open
PICTURE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"} | UNREADABLE
MOST_PIXELS = 100_000_000  # as RGB 300 MB; more is a mistake or an attack, not a photograph
N_LABELS = 1000

PACKAGE = Path(__file__).parent
# An installed wheel holds the pictures and labels inside the package, a checkout beside it.
DATA = PACKAGE if (PACKAGE / "imagenet_labels.json").exists() else PACKAGE.parent


class PictureError(CourseError, ValueError):
    """Pictures that cannot be used: the message names every one, and why."""


class LabelsError(CourseError, ValueError):
    """The file of labels is missing or is not what it should be."""


def load_images(
    folder: str | Path | None = None, filenames: Sequence[str] | None = None
) -> list[Image.Image]:
    """Open pictures as RGB, turned the right way up as their EXIF data says.

    Greyscale, palette and CMYK pictures are converted; what is transparent becomes white.

    Args:
        folder: where the pictures are; None means the course's own.
        filenames: which of them, in this order; None means IMAGE_FILENAMES of the course's own
            folder, and all pictures (by their ending, sorted by name) of any other.

    Raises:
        PictureError: the folder or some picture is missing, empty, broken, too large, or no
            picture at all. It names every bad file, so that one run is enough to find them.
    """
    if filenames is None:
        filenames = IMAGE_FILENAMES if folder is None else list_pictures(folder)
    folder = DATA / "resnet_inputs" if folder is None else Path(folder)
    images, problems = [], []
    for filename in filenames:
        try:
            images.append(open_rgb(folder / filename))
        except PictureError as error:
            problems.append(f"{filename} {error}")
    if problems:
        them = "it" if len(problems) == 1 else "them"
        raise PictureError(
            f"{len(problems)} of {len(filenames)} pictures in {folder} cannot be used: "
            f"{'; '.join(problems)}. Replace {them}, or leave {them} out."
        )
    return images


def list_pictures(folder: str | Path) -> list[str]:
    """The names of the files in `folder` that end like pictures, sorted.

    Raises:
        PictureError: there is no such folder, or no picture in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PictureError(f"There is no folder {folder}: check the path.")
    names = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in PICTURE_ENDINGS)
    if not names:
        raise PictureError(
            f"There is no picture in {folder}: none of its files ends in "
            f"{', '.join(sorted(PICTURE_ENDINGS))}."
        )
    return names


def open_rgb(file: Path) -> Image.Image:
    """One picture as RGB.

    Raises:
        PictureError: it cannot be used; the message says why, without the name.
    """
    if not file.is_file():
        raise PictureError("is not there")
    if file.stat().st_size == 0:
        raise PictureError("is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we look ourselves
            image = Image.open(file)
        if image.width * image.height > MOST_PIXELS:
            raise PictureError(f"is too large ({image.width} x {image.height} pixels)")
        return to_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise PictureError("is too large (far more pixels than a photograph has)") from None
    except UnidentifiedImageError:
        if file.suffix.lower() in UNREADABLE:
            raise PictureError("is in a format that cannot be read here: save it as JPEG") from None
        raise PictureError("is not a picture, whatever its name says") from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's, for broken files
        if isinstance(error, PictureError):
            raise
        raise PictureError(f"is broken ({error})") from None


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture in mode RGB; what is transparent becomes white."""
    if image.mode.startswith("I;16"):  # 16-bit greyscale, which convert() would clip at 255
        image = image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def prepare_images(images: Sequence[Image.Image]) -> Float[Tensor, "batch rgb=3 h=224 w=224"]:
    """Put each picture through IMAGENET_TRANSFORM and stack them: (batch, 3, 224, 224).

    Raises:
        PictureError: there are no pictures to stack.
    """
    if len(images) == 0:
        raise PictureError("There are no pictures to prepare: the list is empty.")
    return torch.stack([IMAGENET_TRANSFORM(to_rgb(image)) for image in images])


def load_labels(file: str | Path | None = None) -> list[str]:
    """The names of ImageNet's 1000 classes in order: labels[207] is "golden retriever".

    Args:
        file: JSON like {"0": "tench, Tinca tinca", ...}; None means the course's own.

    Raises:
        LabelsError: the file is missing, is no JSON, or does not name the classes 0 to 999.
    """
    file = DATA / "imagenet_labels.json" if file is None else Path(file)
    remedy = "Take imagenet_labels.json from the course once more."
    try:
        labels = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabelsError(f"The labels file {file} is not there. {remedy}") from None
    except ValueError as error:
        raise LabelsError(f"The labels file {file} is not valid JSON: {error}. {remedy}") from None
    if not isinstance(labels, dict) or set(labels) != {str(i) for i in range(N_LABELS)}:
        raise LabelsError(
            f"The labels file {file} has {len(labels)} entries that are not numbered 0 to "
            f"{N_LABELS - 1}. {remedy}"
        )
    return [labels[str(i)] for i in range(N_LABELS)]
