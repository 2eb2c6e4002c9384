"""What a folder of large photographs costs, as a multiple of plain torchvision's time.

Run it: python benchmarks/pictures.py. It fails if load_images and prepare_images are slower.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timing import median_seconds

from resnet_helpers.images import IMAGENET_TRANSFORM, load_images, prepare_images

# how a 12-megapixel picture is stored: its size, the ending of its name
KINDS = {
    "JPEG": ((4032, 3024), "jpg"),
    "JPEG of odd sides": ((4003, 3001), "jpg"),
    "PNG": ((4000, 3000), "png"),
}


LIMIT = 1.0


def plain(file: Path) -> torch.Tensor:
    """What one would write without the package."""
    return IMAGENET_TRANSFORM(Image.open(file).convert("RGB"))[None]


def noisy_photograph(size: tuple[int, int]) -> Image.Image:
    """A photograph of the course's, enlarged, with noise such as a camera's."""
    pixels = np.asarray(load_images(filenames=["koala.jpg"])[0].resize(size)).astype(int)
    noise = np.random.default_rng(0).integers(-20, 21, pixels.shape)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def main(rounds: int = 5) -> int:
    """Measure, print the table, and return 1 if plain torchvision is faster, else 0."""
    print("A photograph of 12 megapixels, from the file to the tensor, one thread")
    print(f"{'':<18}{'ours / torchvision':>19}{'limit':>7}")
    too_slow = False
    for kind, (size, ending) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"large.{ending}"
            noisy_photograph(size).save(file)
            jobs = {
                "ours": lambda file=file: prepare_images(load_images(file)),
                "torchvision": lambda file=file: plain(file),
            }
            seconds = median_seconds(jobs, rounds)
        ratio = seconds["ours"] / seconds["torchvision"]
        too_slow = too_slow or ratio > LIMIT
        print(f"{kind:<18}{ratio:>19.2f}{LIMIT:>7}")
    return int(too_slow)


if __name__ == "__main__":
    sys.exit(main())
