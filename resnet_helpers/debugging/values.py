"""What modules are given and give back: the tensors in it, and how bad or far apart they are.

Nothing here knows of models or hooks.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

WORST = ("finite numbers", "infinity", "NaN")  # in order of badness: an infinity may become a NaN


def tensors_in(tree: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists, dictionaries and dataclasses."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    elif is_dataclass(tree) and not isinstance(tree, type):
        tree = [getattr(tree, f.name) for f in fields(tree)]
    items = tree if isinstance(tree, (tuple, list)) else ()
    return [tensor for item in items for tensor in tensors_in(item)]


def mapped(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same tuples, lists and dictionaries with each tensor changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {key: mapped(value, change) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [mapped(item, change) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


def badness(tensors: Iterable[Tensor]) -> int:
    """What the tensors hold, as an index into WORST."""
    return max((_badness_of(tensor.detach()) for tensor in tensors), default=0)


def _badness_of(tensor: Tensor) -> int:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return 0
    if tensor.sum().isfinite():  # one bad value spoils the sum: one pass, and no copy of the tensor
        return 0
    return 2 if tensor.isnan().any() else 1 if tensor.isinf().any() else 0


def equal(a: Tensor, b: Tensor) -> bool:
    """The same values, in the same shape, dtype and place."""
    return (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device) and torch.equal(a, b)


def distance(a: Tensor, b: Tensor) -> tuple[float, float]:
    """The largest absolute error, and that divided by the largest value of b.

    Infinite where the shapes differ, other than by axes of size 1.
    """
    if [n for n in a.shape if n != 1] != [n for n in b.shape if n != 1]:
        return math.inf, math.inf
    if a.numel() == 0:
        return 0.0, 0.0
    wide = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
    a, b = a.to(wide), b.to(a.device, wide).reshape(a.shape)
    absolute = (a - b).abs().max().item()
    scale = b.abs().max().item()
    if not math.isfinite(absolute + scale):  # the same NaN or infinity in both is no difference
        same = (a == b) | (a.isnan() & b.isnan())
        difference = (a - b).abs().masked_fill(same, 0)
        absolute = difference.nan_to_num(nan=math.inf, posinf=math.inf).max().item()
        scale = b.abs().nan_to_num(nan=0, posinf=0).max().item()
    if absolute == 0:
        return 0.0, 0.0
    return absolute, absolute / scale if scale else math.inf


def shapes(tensors: list[Tensor]) -> str:
    """For a table: (2, 3), (4,)."""
    return ", ".join(str(tuple(t.shape)) for t in tensors)
