"""The course's pictures and ImageNet's labels, and how a picture becomes a network's input.

A learner's own folder of pictures goes the same way: load_images(folder), then prepare_images; or
load_classes(folder), where each class has a subfolder.
"""

import json
import os
import stat
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import BinaryIO

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
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

# What photographs come in. Pillow knows forty formats more and looks at the content, not at the
# name: a file of EPS called .jpg would start Ghostscript, which runs the program in it.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # JPEG opens MPO, too
UNREADABLE = {".heic", ".heif", ".avif"}  # phones' formats, which not every Pillow can open
PICTURE_ENDINGS = UNREADABLE | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
}
MOST_PIXELS = 100_000_000  # as RGB 300 MB; more is a mistake or an attack, not a photograph
MANY_PIXELS = 100_000_000  # in all: decoding them takes a second or more

# The shorter side of what is kept of a large picture, and from where on it is large. With four
# times the network's 224 pixels, what prepare_images makes of it stays within 0.01 of the whole
# picture's values on average; nearer to its own size a picture would suffer more, and gain little.
KEPT_SIDE, LARGE_SIDE = 4 * 224, 6 * 224
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # tags of a TIFF file
N_LABELS = 1000

PACKAGE = Path(__file__).parent
# An installed wheel holds the pictures and labels inside the package, a checkout beside it.
DATA = PACKAGE if (PACKAGE / "imagenet_labels.json").exists() else PACKAGE.parent


class PictureError(CourseError, ValueError):
    """Pictures that cannot be used: the message names every one, and why."""


class LabelsError(CourseError, ValueError):
    """The file of labels is missing or is not what it should be."""


def load_images(
    folder: str | Path | None = None, filenames: str | Path | Sequence[str | Path] | None = None
) -> list[Image.Image]:
    """Open pictures as RGB, turned the right way up as their EXIF data says.

    Greyscale, palette, CMYK and LAB pictures are converted; what is transparent becomes white; of
    an animation it is the first picture. For many large pictures a progress bar is shown.

    Args:
        folder: where the pictures are, or one picture's file; None means the course's own.
        filenames: which of them, in this order, or the name of one; None means IMAGE_FILENAMES of
            the course's own folder, and of any other all its files that end like pictures, sorted
            by name, but for those that macOS leaves beside them (`._a.jpg`).

    Returns:
        One picture a file, in mode RGB. A picture whose shorter side has 1344 pixels or more is
        reduced to 896 on that side, since prepare_images wants 224 only, and sixty photographs
        of a phone would take 3 GB; open it with PIL.Image.open for all its pixels.

    Raises:
        PictureError: the folder or some picture is missing, empty, broken, too large, of another
            format than FORMATS, or no picture at all. It names every bad file, so that one run is
            enough to find them.
    """
    folder, filenames = which_pictures(folder, filenames)
    files = [folder / filename for filename in filenames]
    images, problems = [], []
    with reading_bar(files) as advance:
        for file, filename in zip(files, filenames, strict=True):
            try:
                images.append(open_rgb(file))
            except PictureError as error:
                problems.append(f"{as_text(filename)} {error}")
            advance()
    if problems:
        them = "it" if len(problems) == 1 else "them"
        raise PictureError(
            f"{len(problems)} of {len(filenames)} pictures in {as_text(folder)} cannot be used: "
            f"{'; '.join(problems)}. Replace {them}, or leave {them} out."
        )
    return images


def load_classes(
    folder: str | Path | None = None,
) -> tuple[list[Image.Image], Int[Tensor, "images"], list[str]]:
    """The pictures of a folder in which each class has a subfolder, as load_images opens them.

    Args:
        folder: holds one subfolder a class, named like it, with at least one picture in each;
            None means the course's ten pictures, each a class of its own.

    Returns:
        The pictures, class by class; the number of each one's class, on the CPU; and the classes'
        names, sorted, so that names[labels[i]] is the class of picture i.

    Raises:
        PictureError: the folder is missing or holds fewer than two classes; some pictures lie
            beside the classes; a class has no picture; or some pictures cannot be used, of which
            it names every one.
    """
    if folder is None:
        names = [Path(filename).stem.replace("_", " ") for filename in IMAGE_FILENAMES]
        return load_images(), torch.arange(len(names), device="cpu"), names
    folder = as_folder(folder)
    names = list_classes(folder)
    of_class = [list_pictures(folder / name) for name in names]
    filenames = [
        Path(name, file) for name, files in zip(names, of_class, strict=True) for file in files
    ]
    counts = torch.tensor([len(files) for files in of_class], device="cpu")
    labels = torch.arange(len(names), device="cpu").repeat_interleave(counts)
    return load_images(folder, filenames), labels, names


def list_classes(folder: Path) -> list[str]:
    """The names of the subfolders, sorted; hidden ones, as .ipynb_checkpoints, are passed over.

    Raises:
        PictureError: there is no such folder, it may not be read, it has fewer than two
            subfolders, or pictures lie beside them.
    """
    shown = as_text(folder)
    remedy = "Make a subfolder for each class, and put its pictures there."
    try:
        if not folder.is_dir():
            what = "is a file, no folder" if folder.exists() else "is not there"
            raise PictureError(f"The folder of classes {shown} {what}: check the path.")
        entries = [entry for entry in folder.iterdir() if not is_left_by_a_tool(entry.name)]
        names = sorted(entry.name for entry in entries if entry.is_dir())
        astray = [
            entry.name
            for entry in entries
            if entry.suffix.lower() in PICTURE_ENDINGS and entry.name not in names
        ]
    except OSError as error:
        raise PictureError(f"{shown} cannot be read: {error.strerror}.") from None
    except PictureError:
        raise
    except ValueError as error:  # a name that no folder can have
        raise PictureError(f"{shown} cannot be read: {error}.") from None
    if astray and names:
        raise PictureError(
            f"{as_text(min(astray))} lies in {shown} beside the classes, so nothing says which it "
            f"belongs to. Move it into one of them: {', '.join(map(as_text, names[:10]))}."
        )
    if len(names) < 2:
        found = f"only one, {as_text(names[0])}" if names else "none"
        raise PictureError(f"{shown} must hold two classes or more, and holds {found}. {remedy}")
    return names


def is_left_by_a_tool(name: str) -> bool:
    """A hidden file or folder, or what macOS packs into archives beside the real ones."""
    return name.startswith(".") or name == "__MACOSX"


def which_pictures(
    folder: str | Path | None, filenames: str | Path | Iterable[str | Path] | None
) -> tuple[Path, list[Path]]:
    """The folder and the names that the arguments of load_images mean, with `~` filled in.

    Raises:
        PictureError: they are no paths, or there is no such folder or no picture in it.
    """
    if folder is None and filenames is None:
        filenames = IMAGE_FILENAMES
    folder = DATA / "resnet_inputs" if folder is None else as_folder(folder)
    if filenames is None and is_file(folder):
        folder, filenames = folder.parent, [folder.name]
    elif filenames is None:
        filenames = list_pictures(folder)
    elif isinstance(filenames, str | Path) or not isinstance(filenames, Iterable):
        filenames = [filenames]
    return folder, [as_path(filename) for filename in filenames]


def as_path(name: object) -> Path:
    """The path of that name, with `~` filled in.

    Raises:
        PictureError: it is no name.
    """
    if not isinstance(name, str | Path):
        raise PictureError(
            f"A folder or the name of a picture is text, such as 'photos' or 'cat.jpg'; "
            f"this is of type {type(name).__name__}."
        )
    return Path(os.path.expanduser(name))


def as_folder(name: object) -> Path:
    """The same of a folder's name.

    Raises:
        PictureError: it is no name, or an empty one.
    """
    if isinstance(name, str) and not name:
        raise PictureError("The folder has no name: '.' is the current one.")
    return as_path(name)


def as_text(name: object) -> str:
    """A name to be read in one line: as it is, or quoted where it holds line breaks or the like."""
    return str(name) if str(name).isprintable() else ascii(str(name))


def is_file(path: Path) -> bool:
    """Whether there is a regular file; where that cannot be found out, no."""
    try:
        return path.is_file()
    except OSError:
        return False


def list_pictures(folder: str | Path) -> list[str]:
    """The names of the files in `folder` that end like pictures, sorted.

    Raises:
        PictureError: there is no such folder, it may not be read, or there is no picture in it.
    """
    folder = as_folder(folder)
    shown = as_text(folder)
    try:
        if not folder.is_dir():
            raise PictureError(f"There is no folder {shown}: check the path.")
        names = sorted(
            file.name
            for file in folder.iterdir()
            if file.suffix.lower() in PICTURE_ENDINGS
            and not file.name.startswith("._")  # what macOS leaves on disks that are not its own
            and not file.is_dir()
        )
    except OSError as error:
        raise PictureError(f"{shown} cannot be read: {error.strerror}.") from None
    if not names:
        raise PictureError(
            f"There is no picture in {shown}: none of its files ends in "
            f"{', '.join(sorted(PICTURE_ENDINGS))}."
        )
    return names


@contextmanager
def reading_bar(files: Sequence[Path]) -> Iterator[Callable[[], None]]:
    """A progress bar for the time of reading `files`, if they hold MANY_PIXELS; else nothing.

    Yields:
        What to call after each file.
    """
    pixels = [count_pixels(file) for file in files]
    if sum(pixels) < MANY_PIXELS:
        yield lambda: None
        return
    from rich.console import Console  # a quarter of a second, for those only who need it
    from rich.progress import Progress

    left = iter(pixels)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(f"Reading {len(files)} pictures", total=sum(pixels))
        yield lambda: bar.advance(task, next(left))
        bar.refresh()  # in a notebook rich leaves out the last steps


def count_pixels(file: Path) -> int:
    """How many pixels are to be decoded, as the picture's header says; 0 if it cannot be used."""
    if not is_file(file):
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(file, formats=FORMATS) as image:
                pixels = image.width * image.height
                return pixels if pixels <= MOST_PIXELS else 0
        except Exception:  # open_rgb will say what is wrong with it
            return 0


def open_rgb(file: Path) -> Image.Image:
    """One picture as RGB, reduced if it is large (see load_images).

    Raises:
        PictureError: it cannot be used; the message says why, without the name.
    """
    with one_sentence():
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for without end
            raise PictureError("is a folder" if file.is_dir() else "is not a regular file")
        with file.open("rb") as stream:
            return read_rgb(stream)


def read_rgb(stream: BinaryIO) -> Image.Image:
    """One picture as RGB from the content of its file, reduced if it is large (see load_images).

    Raises:
        PictureError: it cannot be used; the message says why, without a name.
    """
    with one_sentence():
        start = stream.read(12)
        if not start:
            raise PictureError("is empty (0 bytes)")
        if start[4:8] == b"ftyp":  # HEIC, AVIF and films
            raise PictureError("is in a format that cannot be read here: save it as JPEG")
        stream.seek(0)
        image = Image.open(stream, formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise PictureError(f"is too large ({image.width} x {image.height} pixels)")
        draft_large(image)
        ImageOps.exif_transpose(image, in_place=True)
        image = to_rgb(image)
        return reduced(image) if min(image.size) >= LARGE_SIDE else image.copy()


@contextmanager
def one_sentence() -> Iterator[None]:
    """Around Pillow, which may raise anything and warns of much: one PictureError that says why.

    Raises:
        PictureError: anything else was raised.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PictureError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise PictureError("is not there") from None
    except UnidentifiedImageError:
        raise PictureError(
            "is not a picture that can be read here (JPEG, PNG, WebP, GIF, BMP or TIFF), whatever "
            "its name says"
        ) from None
    except Image.DecompressionBombError:
        raise PictureError("is too large (far more pixels than a photograph has)") from None
    except OSError as error:
        if error.strerror:  # the system's: no permission, a name too long
            raise PictureError(f"cannot be read ({error.strerror})") from None
        raise PictureError(f"is broken ({as_text(error)})") from None  # Pillow's
    except Exception as error:
        reason = str(error)[:200] or type(error).__name__
        raise PictureError(f"cannot be decoded ({as_text(reason)})") from None


def draft_large(image: Image.Image) -> None:
    """Have a large JPEG decoded at a half, a quarter or an eighth of its size.

    That is quicker and takes less memory. Only where it leaves no remainder: a last column made of
    fewer pixels would count as a whole one, and everything in the picture would be shifted.
    """
    for factor in (8, 4, 2):
        width, height = image.width // factor, image.height // factor
        if min(width, height) >= LARGE_SIDE and image.size == (width * factor, height * factor):
            image.draft(None, (width, height))  # of other formats Pillow takes no notice
            return


def reduced(image: Image.Image) -> Image.Image:
    """The picture with KEPT_SIDE pixels on its shorter side."""
    scale = KEPT_SIDE / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.BICUBIC)


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture in mode RGB; what is transparent becomes white.

    Raises:
        PictureError: it is not known which of its numbers means white.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = deep_grey(image)
    elif image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    elif image.mode == "La":  # Pillow has no way from here to RGBA
        image = image.convert("LA")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def deep_grey(image: Image.Image) -> Image.Image:
    """A greyscale picture of more than 8 bits as one of 8, in mode L, or LA if part is transparent.

    White is the largest number of 12 or 16 bits, and 1 of floating-point numbers, as TIFF has it.
    Of 32-bit integers Pillow does not tell which it is.

    Raises:
        PictureError: it is not known which number means white.
    """
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})  # TIFF's
    if image.mode == "I" and image.format != "PNG":  # where older Pillows use I for 16 bits
        raise PictureError("has numbers whose white is not known: save it with 8 bits")
    (bits,) = tags.get(BITS_PER_SAMPLE, (16,))
    white = 1.0 if image.mode == "F" else 2**bits - 1
    if not (values.min() >= 0 and values.max() <= white):  # so written, NaN is refused too
        raise PictureError(f"has numbers outside of 0 to {white}: save it with 8 bits")
    brightness = values / np.float32(white)
    if tags.get(PHOTOMETRIC) == 0:  # a negative: 0 is white
        brightness = 1 - brightness
    grey = Image.fromarray((255 * brightness).round().astype(np.uint8))
    if "transparency" in image.info:  # the one number that stands for nothing there
        opaque = values != image.info["transparency"]
        grey.putalpha(Image.fromarray(255 * opaque.astype(np.uint8)))
    return grey


def prepare_images(
    images: Image.Image | Iterable[Image.Image],
) -> Float[Tensor, "batch rgb=3 h=224 w=224"]:
    """Put each picture through IMAGENET_TRANSFORM and stack them: (batch, 3, 224, 224), on the CPU.

    Args:
        images: of any mode, as load_images returns them; one picture makes a batch of one.

    Raises:
        PictureError: there are no pictures to stack, or something is no picture, or a broken one.
    """
    if isinstance(images, Image.Image | str) or not isinstance(images, Iterable):
        images = [images]
    tensors = []
    for number, image in enumerate(images, start=1):
        if not isinstance(image, Image.Image):
            raise PictureError(
                f"Picture {number} to prepare is of type {type(image).__name__}: give pictures as "
                f"load_images returns them."
            )
        try:
            with one_sentence():
                tensors.append(IMAGENET_TRANSFORM(to_rgb(image)))
        except PictureError as error:
            raise PictureError(f"Picture {number} to prepare {error}.") from None
    if not tensors:
        raise PictureError("There are no pictures to prepare: the list is empty.")
    return torch.stack(tensors)


def load_labels(file: str | Path | None = None) -> list[str]:
    """The names of ImageNet's 1000 classes in order: labels[207] is "golden retriever".

    Two classes may have one name: 134 and 517 are both a "crane", the bird and the machine.

    Args:
        file: JSON like {"0": "tench, Tinca tinca", ...}; None means the course's own.

    Raises:
        LabelsError: the file is missing, is no JSON, or does not name the classes 0 to 999, each
            once.
    """
    remedy = "Take imagenet_labels.json from the course once more."
    if not isinstance(file, str | Path | NoneType):
        raise LabelsError(
            f"The name of a labels file is text, such as 'labels.json'; this is of type "
            f"{type(file).__name__}."
        )
    file = DATA / "imagenet_labels.json" if file is None else Path(os.path.expanduser(file))
    labels_file = f"The labels file {as_text(file)}"
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise LabelsError(f"{labels_file} is a folder, or no regular file. {remedy}")
        labels = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=without_doubles)
    except FileNotFoundError:
        raise LabelsError(f"{labels_file} is not there. {remedy}") from None
    except OSError as error:
        raise LabelsError(f"{labels_file} cannot be read: {error.strerror}. {remedy}") from None
    except RecursionError:
        raise LabelsError(f"{labels_file} is nested too deeply. {remedy}") from None
    except json.JSONDecodeError as error:
        raise LabelsError(f"{labels_file} is not valid JSON: {error}. {remedy}") from None
    except UnicodeDecodeError:
        raise LabelsError(f"{labels_file} is not valid JSON: it is not UTF-8. {remedy}") from None
    except ValueError as error:  # a name that no file can have
        raise LabelsError(f"{labels_file} cannot be read: {error}. {remedy}") from None
    if not isinstance(labels, dict | list):
        raise LabelsError(f"{labels_file} holds a {type(labels).__name__}, no labels. {remedy}")
    if not isinstance(labels, dict) or set(labels) != {str(i) for i in range(N_LABELS)}:
        raise LabelsError(
            f"{labels_file} has {len(labels)} entries that are not numbered 0 to {N_LABELS - 1}. "
            f"{remedy}"
        )
    for number, label in labels.items():
        if not isinstance(label, str) or not label.strip():
            raise LabelsError(f"{labels_file} has no name for class {number}. {remedy}")
    return [labels[str(i)] for i in range(N_LABELS)]


def without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The entries of a JSON object, of which Python would keep the last of each name.

    Raises:
        LabelsError: a name occurs twice.
    """
    entries = dict(pairs)
    if len(entries) < len(pairs):
        ((double, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise LabelsError(f"The labels file has two entries {as_text(double)!r}: leave one out.")
    return entries
