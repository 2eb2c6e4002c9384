"""Arguments of any kind, and what a function of the course does with them: it works or says why."""

from pathlib import Path

import numpy as np
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from resnet_helpers.errors import CourseError

many = settings(derandomize=True, deadline=None, max_examples=300)
some = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

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
nested = st.recursive(
    things, lambda t: st.lists(t, max_size=3) | st.dictionaries(texts, t, max_size=3), max_leaves=5
)
callables = st.sampled_from(
    [nn.ReLU, nn.Tanh, nn.ReLU(), nn.Linear(3, 3), nn.Sequential(), int, len, lambda: None]
)
anything = nested | callables


def works_or_says_why(function, *arguments, **named):
    """What it returns, or None where it has said in one line why it cannot be done."""
    result, message = None, "one line"
    try:
        result = function(*arguments, **named)
    except CourseError as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return result
