"""How long a figure takes to follow when a control is moved; half a second feels stuck."""

import os
from collections.abc import Iterator

from ipywidgets import IntSlider
from timing import Row, seconds

from resnet_helpers.figures import batchnorm, feature_maps, pooling
from resnet_helpers.figures.live import Live
from resnet_helpers.figures.predictions import Gallery
from resnet_helpers.pretrained import load_pretrained_resnet34
from resnet_helpers.solutions import ResNet34, copy_weights


def moves(live: Live) -> Iterator[float]:
    """The seconds of setting each control to another of its values, and back."""
    for control in live.controls.values():
        slider = isinstance(control, IntSlider)
        what, other = ("value", control.max) if slider else ("index", len(control.options) - 1)
        first = getattr(control, what)
        for value in (other, first, other, first):
            yield seconds(lambda c=control, what=what, value=value: setattr(c, what, value))


def rows() -> Iterator[Row]:
    """Each widget of the lessons."""
    os.environ["RESNET_HELPERS_OFFLINE"] = "1"  # the stand-in has the same layers
    reference = load_pretrained_resnet34()
    mine = copy_weights(ResNet34(), reference)
    for name, live in {
        "weight_scale": batchnorm.weight_scale(),
        "running_mean": batchnorm.running_mean(),
        "class_activation": pooling.class_activation(reference),
        "viewer": feature_maps.viewer(mine),
        "Gallery": Gallery(mine, reference),
    }.items():
        yield Row(f"moving a control of {name}", list(moves(live)), "", 0.5)
