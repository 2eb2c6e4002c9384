"""What a large photograph costs, as a multiple of plain torchvision's time."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timing import Row, interleaved, ratios

from resnet_helpers.images import IMAGENET_TRANSFORM, load_images, prepare_images

# how a 12-megapixel picture is stored: its size, the ending of its name
KINDS = {
    "JPEG": ((4032, 3024), "jpg"),
    "JPEG of odd sides": ((4003, 3001), "jpg"),
    "PNG": ((4000, 3000), "png"),
}


def plain(file: Path) -> torch.Tensor:
    """What one would write without the package."""
    return IMAGENET_TRANSFORM(Image.open(file).convert("RGB"))[None]


def noisy_photograph(size: tuple[int, int]) -> Image.Image:
    """A photograph of the course's, enlarged, with noise such as a camera's."""
    pixels = np.asarray(load_images(filenames=["koala.jpg"])[0].resize(size)).astype(int)
    noise = np.random.default_rng(0).integers(-20, 21, pixels.shape)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def rows(rounds: int = 5) -> Iterator[Row]:
    """The course's ten; then one photograph of each kind, from the file to the tensor."""
    files = sorted((Path(__file__).parents[1] / "resnet_inputs").glob("*.jpg"))
    jobs = {
        "ours": lambda: prepare_images(load_images()),
        "plain": lambda: torch.cat([plain(file) for file in files]),
    }
    taken = interleaved(jobs, rounds)
    against = ratios(taken["ours"], taken["plain"])
    yield Row("the course's ten pictures", against, "plain torchvision", wanted=1.0)
    for kind, (size, ending) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"large.{ending}"
            noisy_photograph(size).save(file)
            jobs = {
                "ours": lambda file=file: prepare_images(load_images(file)),
                "plain": lambda file=file: plain(file),
            }
            taken = interleaved(jobs, rounds)
        against = ratios(taken["ours"], taken["plain"])
        yield Row(f"a {kind} of 12 megapixels", against, "plain torchvision", wanted=1.0)
