"""Whatever is given to them, the functions for pictures and labels work or say so in a sentence."""

from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resnet_helpers.errors import CourseError
from resnet_helpers.images import load_images, load_labels, prepare_images

settings.register_profile("course", derandomize=True, deadline=None, max_examples=300)
settings.load_profile("course")

MODES = ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"]
MODES += ["I", "F", "I;16", "I;16B", "I;16L"]

texts = st.text(max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=5) | texts
things = scalars | st.just(np.zeros((2, 3))) | st.just(torch.zeros(3)) | st.just(Image.Image())
paths = texts | texts.map(Path) | st.sampled_from(["~", "/", ".", "..", "\0", "koala.jpg", "/dev"])
pictures = st.builds(
    Image.new,
    st.sampled_from(MODES),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
)


def works_or_says_why(function, *arguments):
    """What it returns, or None where it has said in one line why it cannot be done."""
    result, message = None, "one line"
    try:
        result = function(*arguments)
    except CourseError as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return result


@given(things | paths, things | paths | st.lists(things | paths, max_size=3))
def test_load_images(folder, filenames):
    for arguments in ((folder,), (folder, filenames), (None, filenames)):
        images = works_or_says_why(load_images, *arguments)
        assert images is None or all(image.mode == "RGB" for image in images)


@given(things | st.lists(pictures | things, max_size=4) | pictures)
def test_prepare_images(images):
    batch = works_or_says_why(prepare_images, images)
    if batch is not None:
        assert batch.shape[1:] == (3, 224, 224)
        assert batch.isfinite().all()


@given(things | paths)
def test_load_labels(file):
    labels = works_or_says_why(load_labels, file)
    assert labels is None or len(labels) == 1000
