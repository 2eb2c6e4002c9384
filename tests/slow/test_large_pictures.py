"""Photographs of 12 megapixels: little memory, and the values of the whole picture."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from resnet_helpers import images
from resnet_helpers.images import IMAGENET_TRANSFORM, load_images, prepare_images

SIZES = [(4000, 3000), (3024, 4032), (4003, 3001), (4618, 2598)]  # the third has no divisor


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def noisy_photograph(width: int, height: int) -> np.ndarray:
    (koala,) = load_images(filenames=["koala.jpg"])
    pixels = np.asarray(koala.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    speckle = np.random.default_rng(0).integers(-20, 21, pixels.shape)
    return (pixels + speckle).clip(0, 255).astype(np.uint8)


def rings(width: int, height: int) -> np.ndarray:
    """Ever finer ones: from smooth in the middle to finer than the network's pixels."""
    y, x = np.mgrid[:height, :width]
    waves = np.cos(((x - width / 2) ** 2 + (y - height / 2) ** 2) / (6 * width))
    return np.repeat((127.5 + 127.5 * waves)[..., None], 3, axis=2).astype(np.uint8)


def save(pixels: np.ndarray, file, **settings: object) -> None:
    Image.fromarray(pixels).save(file, **settings)


@pytest.mark.parametrize("make", [noise, noisy_photograph, rings], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("size", "ending"), [*((size, "jpg") for size in SIZES), ((4003, 3001), "png")]
)
def test_the_values_are_those_of_the_whole_picture(tmp_path, size, make, ending):
    file = tmp_path / f"large.{ending}"
    save(make(*size), file, **({"quality": 95} if ending == "jpg" else {"compress_level": 1}))
    with Image.open(file) as image:
        whole = IMAGENET_TRANSFORM(image.convert("RGB"))
    (picture,) = load_images(tmp_path)
    assert min(picture.size) == images.KEPT_SIDE
    difference = (prepare_images([picture])[0] - whole).abs()
    assert difference.mean() <= 0.01
    assert difference.max() <= 0.1


def test_a_large_turned_picture_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    pixels[:, :2000] = 255  # the left half, which comes to be the upper one
    save(pixels, tmp_path / "turned.jpg", exif=exif)
    (picture,) = load_images(tmp_path)
    assert picture.size == (896, 1195)
    assert np.asarray(picture)[100, 400].min() > 250
    assert np.asarray(picture)[1100, 400].max() < 5


def test_pictures_up_to_1343_pixels_are_kept_whole(tmp_path):
    save(noise(1400, 1343), tmp_path / "a.png")
    assert np.array_equal(np.asarray(load_images(tmp_path)[0]), noise(1400, 1343))


MEASURE = """
import resource, sys
from resnet_helpers.images import load_images, prepare_images
prepare_images(load_images())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
batch = prepare_images(load_images(sys.argv[1]))
print(len(batch), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss has other units")
@pytest.mark.parametrize(
    ("number", "size", "ending", "mode"),
    [
        (60, (4032, 3024), "jpg", "RGB"),
        (60, (4003, 3001), "jpg", "RGB"),
        (20, (4000, 3000), "png", "RGBA"),  # which take longer, and no more than JPEGs once read
    ],
)
def test_sixty_photographs_add_at_most_600_mb(tmp_path, number, size, ending, mode):
    buffer = io.BytesIO()
    image = Image.linear_gradient("L").resize(size).convert(mode)  # quickly made and read
    image.save(buffer, {"jpg": "JPEG", "png": "PNG"}[ending])
    for i in range(number):
        (tmp_path / f"{i}.{ending}").write_bytes(buffer.getvalue())
    out = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ).stdout
    n_pictures, kilobytes = map(int, out.split())
    assert n_pictures == number
    assert kilobytes <= 600_000
