"""What modules are given and give back: the tensors in it, and how bad or far apart they are.

Nothing here knows of models or hooks. Tensors are looked at where they are, on whatever device.
"""

import copy
import math
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.errors import InvalidArgumentError

WORST = ("finite numbers", "infinity", "NaN")  # in order of badness: an infinity may become a NaN
INFINITY, NAN = 1, 2  # indices into it

Path = tuple[Any, ...]  # the indices, keys and names of attributes that lead to a value
Leaves = dict[Path, Any]

OPAQUE = (nn.Module, type, types.ModuleType, types.FunctionType, torch.Generator)


# --- Containers -------------------------------------------------------------------------------


def leaves_in(tree: Any) -> Leaves:
    """Every value in nested tuples, lists, dictionaries and objects, by the path that leads to it.

    None is no value: a module that returns (output, None) gives one.
    """
    return dict(_leaves(tree, (), set()))


def _leaves(tree: Any, path: Path, above: set[int]) -> Iterator[tuple[Path, Any]]:
    if tree is None or id(tree) in above:  # an object may hold itself
        return
    children = _children(tree)
    if children is None:
        yield path, tree
        return
    for key, child in children.items():
        yield from _leaves(child, (*path, key), above | {id(tree)})


def _children(tree: Any) -> Mapping | None:
    """What a container or an object holds, by key; None for what is a value itself."""
    if isinstance(tree, (Tensor, *OPAQUE)):
        return None
    if isinstance(tree, Mapping):
        return tree
    if isinstance(tree, (tuple, list)):
        return dict(enumerate(tree))
    return getattr(tree, "__dict__", None)  # a dataclass, or torchvision's ImageList


def tensors_in(tree: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists, dictionaries and objects."""
    return [leaf for leaf in leaves_in(tree).values() if isinstance(leaf, Tensor)]


def copied(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A copy, down to the last container, in which each tensor is what `change` makes of it.

    Raises:
        InvalidArgumentError: it holds something that cannot be copied, such as a generator.
    """
    changed = {id(tensor): change(tensor) for tensor in tensors_in(tree)}
    try:
        return copy.deepcopy(tree, changed)
    except Exception as error:
        raise InvalidArgumentError(
            f"x is changed by no tool, so it is copied first, and that failed: {error}. Pass "
            "tensors, or lists, tuples and dictionaries of tensors."
        ) from error


def fresh(tensor: Tensor) -> Tensor:
    """A copy without a history."""
    return tensor.detach().clone()


def in_words(path: Path) -> str:
    """For a sentence: output, output[0], output['loss']."""
    return "output" + "".join(f"[{key!r}]" for key in path)


def matched(mine: Mapping, reference: Mapping) -> tuple[list[tuple], list, list]:
    """Which of mine belongs to which of the reference's.

    By key; where no key is common to both, as in a tuple and a dictionary, in order.

    Returns:
        Pairs of keys, and the keys that only mine and only the reference has.
    """
    common = [key for key in mine if key in reference]
    if not common:
        pairs = list(zip(mine, reference, strict=False))
        return pairs, list(mine)[len(pairs) :], list(reference)[len(pairs) :]
    return (
        [(key, key) for key in common],
        [key for key in mine if key not in reference],
        [key for key in reference if key not in mine],
    )


# --- Tensors ----------------------------------------------------------------------------------


def plain(tensor: Tensor) -> Tensor:
    """The same values in an ordinary tensor: no history, not quantised, sparse, nested or 8-bit."""
    tensor = tensor.detach()
    if tensor.is_nested:
        parts = [part.reshape(-1) for part in tensor.unbind()]
        return torch.cat(parts) if parts else torch.empty(0)
    if tensor.is_quantized:
        return tensor.dequantize()
    if tensor.layout != torch.strided:
        return tensor.to_dense()
    if tensor.is_floating_point() and tensor.itemsize == 1:  # hardly any operation takes float8
        return tensor.float()
    return tensor


def badness(tensors: Iterable[Tensor]) -> int:
    """What the tensors hold, as an index into WORST."""
    return max((_badness_of(plain(tensor)) for tensor in tensors), default=0)


def _badness_of(tensor: Tensor) -> int:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return 0
    if tensor.sum().isfinite():  # one bad value spoils the sum: one pass, and no copy of the tensor
        return 0
    return 2 if tensor.isnan().any() else 1 if tensor.isinf().any() else 0


def equal(a: Tensor, b: Tensor) -> bool:
    """The same values, in the same shape, dtype and place."""
    if (a.dtype, a.device, a.layout, a.is_nested) != (b.dtype, b.device, b.layout, b.is_nested):
        return False
    a, b = plain(a), plain(b)
    return a.shape == b.shape and torch.equal(a, b)


def distance(a: Tensor, b: Tensor, scale: float = 0.0) -> tuple[float, float]:
    """The largest absolute error, and that divided by the largest value of b.

    Infinite where the shapes differ, other than by axes of size 1.

    Args:
        a: a tensor.
        b: what it should be, on any device.
        scale: divide by this, if it is larger than the largest value of b.
    """
    a, b = plain(a), plain(b)
    if [n for n in a.shape if n != 1] != [n for n in b.shape if n != 1]:
        return math.inf, math.inf
    if a.numel() == 0:
        return 0.0, 0.0
    wide = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
    a, b = a.to(wide), b.to(a.device, wide).reshape(a.shape)
    absolute = (a - b).abs().max().item()
    largest = b.abs().max().item()
    if not math.isfinite(absolute + largest):  # the same NaN or infinity in both is no difference
        same = (a == b) | (a.isnan() & b.isnan())
        difference = (a - b).abs().masked_fill(same, 0)
        absolute = difference.nan_to_num(nan=math.inf, posinf=math.inf).max().item()
        largest = b.abs().nan_to_num(nan=0, posinf=0).max().item()
    if absolute == 0:
        return 0.0, 0.0
    scale = max(scale, largest)
    return absolute, absolute / scale if scale else math.inf


def largest(tensors: Iterable[Tensor]) -> float:
    """The largest absolute value that is finite; 0 if there is none."""
    values = [plain(t).abs().nan_to_num(0, 0, 0).max().item() for t in tensors if t.numel()]
    return max(values, default=0.0)


def shapes(tensors: Iterable[Tensor]) -> str:
    """For a table: (2, 3), (4,)."""
    return ", ".join("nested" if t.is_nested else str(tuple(t.shape)) for t in tensors)
