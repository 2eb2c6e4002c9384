"""torchvision's ResNet34 with its ImageNet weights, or, offline, a labelled stand-in for it.

The stand-in lets everything be tried and tested without a network: copying weights, predicting,
looking up labels. It is no classifier: it knows some of the course's pictures and nothing else.
"""

import hashlib
import http.client
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import ResNet, ResNet34_Weights, resnet34

from resnet_helpers.errors import CourseError
from resnet_helpers.images import load_images, prepare_images

WEIGHTS = ResNet34_Weights.IMAGENET1K_V1
PRETRAINED = "torchvision IMAGENET1K_V1"
STAND_IN = "offline stand-in: knows these pictures and nothing else"

# The class of each course picture that has one; the other three belong to no class of ImageNet.
CLASS_OF = {
    "golden_retriever.jpg": 207,
    "scarlet_macaw.jpg": 88,
    "dragonfly.jpg": 319,
    "gibbon.jpg": 368,
    "chameleon.jpg": 47,
    "koala.jpg": 105,
    "red_panda.jpg": 387,
}


class WeightsError(CourseError):
    """The pretrained weights are on this computer, or came over the network, but are broken."""


def load_pretrained_resnet34() -> ResNet:
    """The ResNet34 of torchvision in eval mode, with the weights it learned on ImageNet.

    They are taken from torchvision's cache, or downloaded into it (83 MB). Without a network, or
    where the environment variable RESNET_HELPERS_OFFLINE is 1, the offline stand-in is returned,
    and a line says so. The attribute `weights_name` tells which of the two a model is.

    Raises:
        WeightsError: the file is damaged; the message says which one to delete.
    """
    if os.environ.get("RESNET_HELPERS_OFFLINE") == "1":
        print(f"RESNET_HELPERS_OFFLINE=1, so this is the {STAND_IN}.")
        return offline_stand_in()
    check_cached_file(cached_file())
    try:
        with connection_timeout(seconds=20):
            model = resnet34(weights=WEIGHTS)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        print(f"The pretrained weights could not be downloaded ({error}).")
        print(f"In their place you get the {STAND_IN}.")
        return offline_stand_in()
    except RuntimeError as error:
        if "invalid hash value" not in str(error):
            raise
        raise WeightsError(
            "The download of the pretrained weights arrived damaged, and was thrown away. Run this "
            "again; if that keeps happening, set RESNET_HELPERS_OFFLINE=1 to use the stand-in."
        ) from None
    model.weights_name = PRETRAINED
    return model.eval()


def cached_file() -> Path:
    """Where torchvision keeps the downloaded weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS.url.rpartition("/")[2]


def check_cached_file(file: Path) -> None:
    """Check a weights file against the hash in its name, as torchvision does after a download.

    torchvision trusts a file that is in the cache already; one that was copied there by hand may
    be only half there.

    Raises:
        WeightsError: the file is there and its hash is another.
    """
    if not file.exists():
        return
    expected = re.search(r"-([0-9a-f]+)\.pth$", file.name)[1]
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if not actual.startswith(expected):
        raise WeightsError(
            f"The file of pretrained weights is damaged, perhaps a download that was cut off. "
            f"Delete {file} and run this again."
        )


@contextmanager
def connection_timeout(seconds: float) -> Iterator[None]:
    """Give up on a server that does not answer; torchvision itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def offline_stand_in() -> ResNet:
    """A ResNet34 of random weights that tells seven of the course's pictures from each other.

    Its batchnorm statistics are those of the ten pictures, and its last layer is fitted to the
    classes of seven of them. The same at every run.
    """
    with torch.device("cpu"):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(34)
            model = resnet34(weights=None)
        model.weights_name = STAND_IN
        calibrate_batchnorms(model, prepare_images(load_images()))
        fit_last_layer(model, prepare_images(load_images(filenames=list(CLASS_OF))))
    return model


@torch.no_grad()
def calibrate_batchnorms(model: nn.Module, images: torch.Tensor) -> None:
    """Set running_mean and running_var of every batchnorm to what these images give there."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0  # the new batch counts fully, the initial 0s and 1s not at all
    model.train()(images)
    for norm in norms:
        norm.momentum = 0.1
    model.eval()


@torch.no_grad()
def fit_last_layer(model: ResNet, images: torch.Tensor, logit=7.5, ridge=1e-5) -> None:
    """Fit `model.fc` so that image i gets the logit 7.5 for class i of CLASS_OF, 0 for others.

    That is a probability of e^7.5 / (e^7.5 + 999), about 0.64. Ridge regression in closed form:
    of the many weights that do it, the smallest. In float64, since there are 512 features to 7
    images.
    """
    last_layer, model.fc = model.fc, nn.Identity()
    features = model(images).double()
    model.fc = last_layer
    classes = torch.tensor(list(CLASS_OF.values()))
    targets = logit * F.one_hot(classes, num_classes=1000).double()
    gram = features @ features.T  # (images, images)
    identity = torch.eye(len(images), dtype=torch.float64)
    weight = targets.T @ torch.linalg.solve(gram + ridge * gram.trace() * identity, features)
    model.fc.weight.copy_(weight)
    model.fc.bias.zero_()
