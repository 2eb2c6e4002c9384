"""What functions ask of their arguments: each check refuses what cannot be used, in one sentence.

Of numbers, functions, tensors and labels; what is asked of a model is in debugging/calls.py.
"""

import torch
from torch import Tensor

from resnet_helpers.errors import InvalidArgumentError

WHOLE = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}  # dtypes of labels


def said(value: object) -> str:
    """A value in a sentence: itself where it is short, else what it is."""
    short = isinstance(value, str | int | float | torch.device | None)
    return repr(value)[:60] if short else f"an object of type {type(value).__name__}"


def is_number(value: object) -> bool:
    """Is it a number, whole or not, that can be computed with and drawn?"""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def is_whole(value: object) -> bool:
    """Is it a whole number? True and False, which Python counts among them, are not meant."""
    return isinstance(value, int) and not isinstance(value, bool)


def as_number(value: object, name: str) -> float:
    """The value as Python's float: of a number, or of a tensor or an array with one in it.

    Raises:
        InvalidArgumentError: it is something else.
    """
    try:
        if isinstance(value, str | bytes):
            raise TypeError("float() would read it")
        return float(value)
    except Exception as error:  # of a kind that depends on what it is
        raise InvalidArgumentError(f"{name} has to be a number, not {said(value)}.") from error


def check_whole_number(value: object, name: str, least=1, most: int | None = None) -> None:
    """Refuse what is no whole number, or one that is too small or too large.

    Raises:
        InvalidArgumentError: it is so.
    """
    if not is_whole(value) or value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}"
        raise InvalidArgumentError(f"{name} is a whole number, {limits}, not {said(value)}.")


def check_seed(seed: object) -> None:
    """Refuse what no random generator takes as a seed.

    Raises:
        InvalidArgumentError: it is so.
    """
    if not is_whole(seed) or not 0 <= seed < 2**63:
        raise InvalidArgumentError(
            f"A seed is a whole number, 0 or more and below 2**63, not {said(seed)}."
        )


def check_function(function: object, name: str, example: str) -> None:
    """Refuse what cannot be called.

    Raises:
        InvalidArgumentError: it is so; `example` says what to pass.
    """
    if not callable(function):
        raise InvalidArgumentError(
            f"{name} is of type {type(function).__name__}: it has to be a function, {example}."
        )


def check_tensor(x: object, name: str) -> None:
    """Refuse what is no tensor, or one without values.

    Raises:
        InvalidArgumentError: it is so.
    """
    if not isinstance(x, Tensor):
        raise InvalidArgumentError(f"{name} is of type {type(x).__name__}: it has to be a tensor.")
    if x.is_meta:
        raise InvalidArgumentError(
            f"{name} is on the meta device, which knows shapes and no values."
        )


def check_pictures(pictures: object, name: str) -> None:
    """Refuse what is no batch of pictures.

    Raises:
        InvalidArgumentError: it is no tensor of four axes with something in it.
    """
    check_tensor(pictures, name)
    if pictures.ndim != 4 or not pictures.numel():
        raise InvalidArgumentError(
            f"{name} has the shape {tuple(pictures.shape)}: it has to be (pictures, rgb, height, "
            "width), with at least one picture."
        )


def check_labels(labels: object, n_images: int | None = None) -> None:
    """Refuse what are no labels, one whole number for each image.

    Raises:
        InvalidArgumentError: it is no tensor of one axis of whole numbers, or of another length.
    """
    check_tensor(labels, "labels")
    if labels.dtype not in WHOLE or labels.ndim != 1 or not len(labels):
        raise InvalidArgumentError(
            f"labels is of {labels.dtype} and has the shape {tuple(labels.shape)}: it has to hold "
            "a whole number for each image, along one axis."
        )
    if n_images not in (None, len(labels)):
        raise InvalidArgumentError(
            f"labels holds {len(labels)} numbers for a batch of {n_images}: each image has one."
        )
