"""torchvision's ResNet34 with its ImageNet weights, or, offline, a labelled stand-in for it.

The stand-in lets everything be tried and tested without a network: copying weights, predicting,
looking up labels. It is no classifier: it knows some of the course's pictures and nothing else.
"""

import hashlib
import os
import platform
import re
import stat
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import filelock
import PIL
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models import ResNet, ResNet34_Weights, resnet34

from resnet_helpers import images
from resnet_helpers.download import DownloadError, download
from resnet_helpers.errors import CourseError
from resnet_helpers.images import as_text, load_images, prepare_images

URL = ResNet34_Weights.IMAGENET1K_V1.url  # ends in -<first 8 digits of the file's SHA-256>.pth
PRETRAINED = "torchvision IMAGENET1K_V1"
STAND_IN = "offline stand-in: knows these pictures and nothing else"
LARGEST_FILE = 500_000_000  # bytes; a ResNet34's weights are 87 MB, and twice that in float64

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
    """A file of weights that is to be used cannot be: the message says why, and what to do."""


class LoadingInterruptedError(CourseError, KeyboardInterrupt):
    """Ctrl-C, or the notebook's stop button, while weights were being loaded."""


def load_pretrained_resnet34(stall_seconds=20.0, stall_bytes=100_000) -> ResNet:
    """The ResNet34 of torchvision in eval mode on the CPU, with the weights it learned on ImageNet.

    The weights are the first of these that there are:

    1. the file that the environment variable RESNET_HELPERS_WEIGHTS names: torchvision's, or any
       state dict of a ResNet34 that an instructor hands out;
    2. the offline stand-in, where RESNET_HELPERS_OFFLINE is 1;
    3. what torchvision's cache holds;
    4. what the network brings (83 MB), which is then kept in that cache.

    Where the network does not bring them, the offline stand-in is returned, and a line says so and
    why. The attribute `weights_name` tells which weights a model has.

    Args:
        stall_seconds: how long a server may take to answer, and the time in which ...
        stall_bytes: ... a download has to bring so many bytes, or it is given up. One that goes on
            is never cut off, however slow it is.

    Raises:
        WeightsError: the instructor's file, or the one in the cache, cannot be used.
        LoadingInterruptedError: it was interrupted; a KeyboardInterrupt that is one sentence.
    """
    with interrupts_as_a_sentence():
        if file := os.environ.get("RESNET_HELPERS_WEIGHTS"):
            return load_handed_out(Path(os.path.expanduser(file)))
        if os.environ.get("RESNET_HELPERS_OFFLINE") == "1":
            print(f"RESNET_HELPERS_OFFLINE=1, so this is the {STAND_IN}.")
            return offline_stand_in()
        model = load_cached()
        if model is None:
            with one_at_a_time(cached_file()):
                # another notebook may have brought them while this one waited
                model = load_cached() or load_downloaded(stall_seconds, stall_bytes)
    return model


@contextmanager
def interrupts_as_a_sentence() -> Iterator[None]:
    """In place of a stack of eighty lines, most of them of other packages.

    Raises:
        LoadingInterruptedError: a KeyboardInterrupt was raised.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise LoadingInterruptedError(
            "Loading the pretrained weights was interrupted. Run this again, or set "
            "RESNET_HELPERS_OFFLINE=1 to use the stand-in."
        ) from None


def load_handed_out(file: Path) -> ResNet:
    """The model with the weights of an instructor's file.

    Raises:
        WeightsError: it is not there, cannot be read, or does not hold a ResNet34's weights.
    """
    try:
        content = read_file(file)
        if content is None:
            raise WeightsError("is not there")
        name = name_by_content(file.name, content)
        model = resnet34_with(content)
    except WeightsError as error:
        raise WeightsError(
            f"RESNET_HELPERS_WEIGHTS names the file {as_text(file)}, which {error}. Set it to "
            f"another file, or unset it to do without."
        ) from None
    model.weights_name = name
    return model


def name_by_content(filename: str, content: bytes) -> str:
    """What the weights in an instructor's file are called wherever weights are named.

    Raises:
        WeightsError: the name ends in a hash that is not the content's. (Of eight decimal digits
            nobody knows whether they are a hash or a date.)
    """
    digest = hashlib.sha256(content).hexdigest()
    stem = Path(filename).stem
    in_name = re.search(r"-([0-9a-f]{8,64})$", stem)
    is_its_hash = in_name is not None and digest.startswith(in_name[1])
    if in_name and not is_its_hash and (filename == filename_of(URL) or not in_name[1].isdecimal()):
        raise WeightsError(
            f"is damaged, or was renamed: its SHA-256 starts with {digest[:8]}, not with the "
            f"{in_name[1]} of its name"
        )
    if digest.startswith(hash_in(URL)):
        return PRETRAINED
    stem = stem.removesuffix(in_name[0]) if is_its_hash else stem
    return f"your instructor's weights ({as_text(stem)}-{digest[:8]}.pth)"


def load_cached() -> ResNet | None:
    """The model with the weights that torchvision's cache holds; None if it holds none.

    torchvision itself trusts a file that is in its cache; one that was copied there by hand may be
    only half there, and any file there may hold code, which torchvision would run.

    Raises:
        WeightsError: the file cannot be read, has another hash, or holds something else.
    """
    file = cached_file()
    try:
        content = read_file(file)
        if content is None:
            return None
        if not hashlib.sha256(content).hexdigest().startswith(hash_in(URL)):
            raise WeightsError("is damaged, perhaps a download that was cut off")
        model = resnet34_with(content)
    except WeightsError as error:
        raise WeightsError(
            f"The file of pretrained weights {error}. Delete {as_text(file)} and run this again."
        ) from None
    model.weights_name = PRETRAINED
    return model


def load_downloaded(stall_seconds: float, stall_bytes: int) -> ResNet:
    """The model with the weights from the network, or, with a line that says why, the stand-in."""
    try:
        content = download(URL, stall_seconds, stall_bytes)
        check_download(content)
        try:
            model = resnet34_with(content)
        except WeightsError as error:
            raise DownloadError(f"what came {error}") from None
    except DownloadError as error:
        print(f"The pretrained weights could not be downloaded: {error}. This is the {STAND_IN}.")
        return offline_stand_in()
    try:
        keep(content, cached_file())
    except OSError as error:
        folder = as_text(cached_file().parent)
        print(f"The weights cannot be kept in {folder} ({error.strerror}), only used now.")
    model.weights_name = PRETRAINED
    return model


def check_download(content: bytes) -> None:
    """Check what came over the network against the hash in its name.

    Raises:
        DownloadError: it is another file.
    """
    if hashlib.sha256(content).hexdigest().startswith(hash_in(URL)):
        return
    if content[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise DownloadError(
            "a web page came in place of the file, as in networks that want a log-in first"
        )
    raise DownloadError(f"what came ({len(content) / 1e6:.1f} MB) does not have the file's hash")


def filename_of(url: str) -> str:
    """The last part of an address."""
    return url.rpartition("/")[2]


def hash_in(url: str) -> str:
    """The first digits of the SHA-256 that torchvision writes into the names of its files."""
    return re.search(r"-([0-9a-f]+)\.pth$", url)[1]


def cached_file() -> Path:
    """Where torchvision keeps the downloaded weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / filename_of(URL)


def read_file(file: Path) -> bytes | None:
    """The content of a file of weights; None if there is no such file.

    Raises:
        WeightsError: it cannot be read; the message says why, without the name.
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for without end
            raise WeightsError("is a folder, or no regular file")
        if status.st_size > LARGEST_FILE:
            raise WeightsError(f"is too large ({status.st_size / 1e6:.0f} MB)")
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror})") from None


def resnet34_with(content: bytes) -> ResNet:
    """A ResNet34 in eval mode with the weights that a file holds.

    Raises:
        WeightsError: it holds others, or something else; the message says so without the name.
    """
    with torch.device("meta"):  # where no random weights are drawn, only to be replaced
        model = resnet34(weights=None)
    model.to_empty(device="cpu")
    for tensor in model.state_dict().values():
        tensor.zero_()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            weights = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # of many kinds
        raise WeightsError(
            "cannot be loaded with torch.load(…, weights_only=True), which reads state dicts and "
            "nothing that could run code"
        ) from None
    check_entries(weights, model)
    try:
        # not strict: before PyTorch 0.4.1 there was no num_batches_tracked
        model.load_state_dict(weights, strict=False)
    except Exception:  # sparse, quantised
        raise WeightsError("holds tensors that cannot be copied into a ResNet34") from None
    return model.eval()


def check_entries(weights: object, model: nn.Module) -> None:
    """Check that these are the weights of such a model.

    Raises:
        WeightsError: they are not; the message names the first difference.
    """
    if not isinstance(weights, dict):
        raise WeightsError(f"holds something of type {type(weights).__name__}, not a state dict")
    expected = model.state_dict()
    for name, tensor in expected.items():
        if name not in weights and not name.endswith("num_batches_tracked"):
            raise WeightsError(f"holds no ResNet34 of torchvision's: there is no {name}")
        found = weights.get(name, tensor)
        if not isinstance(found, torch.Tensor) or found.shape != tensor.shape:
            raise WeightsError(
                f"holds no ResNet34 of torchvision's: {name} is not of shape {tuple(tensor.shape)}"
            )
    for name in weights:
        if name not in expected:
            raise WeightsError(
                f"holds no ResNet34 of torchvision's: it has an entry {as_text(name)}"
            )


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Let one process after another make `file`; where no lock can be made, all at once."""
    lock = filelock.FileLock(f"{file}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            print("Another notebook is downloading the pretrained weights: waiting for it …")
            lock.acquire()
    except (OSError, NotImplementedError):  # a cache that cannot be written, a disk without locks
        pass
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # on Windows an open file stays, and goes with the release
                Path(lock.lock_file).unlink()
            lock.release()


def keep(content: bytes, file: Path) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def offline_stand_in() -> ResNet:
    """A ResNet34 of random weights that tells seven of the course's pictures from each other.

    Its batchnorm statistics are those of the ten pictures, and its last layer is fitted to the
    classes of seven of them. The same at every run, in eval mode and on the CPU. What was fitted is
    kept beside torchvision's cache, for that takes longer than all the rest.
    """
    with torch.device("cpu"):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(34)
            model = resnet34(weights=None)
        model.weights_name = STAND_IN
        if not load_fit(model):
            calibrate_batchnorms(model, prepare_images(load_images()))
            fit_last_layer(model, prepare_images(load_images(filenames=list(CLASS_OF))))
            keep_fit(model)
    return model.eval()


def fitted_entries(model: nn.Module) -> dict[str, torch.Tensor]:
    """What is not random in the stand-in: batchnorms' statistics and the last layer."""
    statistics = {name for name, _ in model.named_buffers()}
    return {n: t for n, t in model.state_dict().items() if n in statistics or n.startswith("fc.")}


def fit_file() -> Path:
    """Where the fit is kept: under a name that changes with everything that it depends on."""
    pictures = [images.DATA / "resnet_inputs" / name for name in images.IMAGE_FILENAMES]
    code = [Path(__file__), Path(images.__file__)]
    versions = (torch.__version__, torchvision.__version__, PIL.__version__, platform.machine())
    cpu = torch.backends.cpu.get_cpu_capability()  # a home may be shared by unlike machines
    digest = hashlib.sha256(repr((versions, cpu)).encode())
    for file in code + pictures:
        digest.update(file.read_bytes())
    return Path(torch.hub.get_dir()) / "resnet_helpers" / f"stand-in-{digest.hexdigest()[:16]}.pt"


def load_fit(model: ResNet) -> bool:
    """Load the kept fit into the model; False if there is none that can be used."""
    try:
        content = read_file(fit_file())
        fit = torch.load(BytesIO(content or b""), weights_only=True)
        expected = fitted_entries(model)
        if {n: t.shape for n, t in fit.items()} != {n: t.shape for n, t in expected.items()}:
            return False
        model.load_state_dict(fit, strict=False)
    except Exception:  # whatever is wrong with it, it is made again
        return False
    return True


def keep_fit(model: ResNet) -> None:
    """Keep the fit for the next time, where there is a place for it."""
    content = BytesIO()
    torch.save(fitted_entries(model), content)
    with suppress(OSError):  # then it is made again
        keep(content.getvalue(), fit_file())


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
