"""Which call of one model belongs to which call of another, however differently they are nested.

Nothing is guessed from names. Three passes, each of which pairs, in order, what the ones before it
have left over; what no pass pairs has no partner.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import Call


@dataclass(eq=False)
class Side:
    """The calls of one model in the order in which they ran, and the partners found so far."""

    calls: list[Call]
    partners: dict[Call, Call] = field(default_factory=dict)
    gaps: dict[Call, int] = field(default_factory=dict)  # how many pairs stand before each call

    def count_gaps(self) -> None:
        """Number the gaps between the pairs found so far, so that a call knows which it is in."""
        n_pairs = 0
        for call in self.calls:
            n_pairs += call in self.partners
            self.gaps[call] = n_pairs


Label = Callable[[Side, Call], Hashable | None]


def pair(mine: list[Call], reference: list[Call]) -> list[tuple[Call, Call]]:
    """The calls that are partners, in the order of mine."""
    sides = Side(mine), Side(reference)
    pair_in_step(*sides, like_with_like)
    for side in sides:
        side.count_gaps()
    pair_in_step(*sides, by_weight)
    pair_in_step(*sides, by_place)
    partners = sides[0].partners
    return [(call, partners[call]) for call in mine if call in partners]


def like_with_like(side: Side, call: Call) -> Hashable:
    """First pass: the same kind of module, with a weight of the same shape."""
    return kind(call.module), weight_shape(call.module)


def by_weight(side: Side, call: Call) -> Hashable | None:
    """Second pass: a branch that one model computes earlier is known by the shapes of weights."""
    return like_with_like(side, call) if weight_shape(call.module) else None


def by_place(side: Side, call: Call) -> Hashable:
    """Third pass: between the same two pairs, the same kind with a weight of another shape."""
    return side.gaps[call], kind(call.module)


def pair_in_step(mine: Side, reference: Side, label: Label) -> None:
    """Pair, in order, calls not paired yet whose labels agree; None leaves a call out."""
    labels, calls = [], []
    for side in (mine, reference):
        left = {call: label(side, call) for call in side.calls if call not in side.partners}
        labels.append([value for value in left.values() if value is not None])
        calls.append([call for call, value in left.items() if value is not None])
    for i, j in equal_entries(*labels):
        my_call, call = calls[0][i], calls[1][j]
        mine.partners[my_call] = call
        reference.partners[call] = my_call


def equal_entries(mine: list, reference: list) -> Iterator[tuple[int, int]]:
    """The indices of equal entries; as far as the two agree from the start, each with its like."""
    agree = [a == b for a, b in zip(mine, reference, strict=False)]
    n = agree.index(False) if False in agree else len(agree)
    yield from zip(range(n), range(n), strict=True)
    rest = SequenceMatcher(None, mine[n:], reference[n:], autojunk=False)
    for i, j, size in rest.get_matching_blocks():
        yield from zip(range(n + i, n + i + size), range(n + j, n + j + size), strict=True)


def kind(module: nn.Module) -> str:
    """The name of PyTorch's class that the module belongs to, or else of its own class."""
    classes = type(module).__mro__
    torchs = (c for c in classes if c.__module__.startswith("torch.nn.") and c is not nn.Module)
    name = next(torchs, classes[0]).__name__
    if isinstance(module, torch.jit.ScriptModule):
        name = module.original_name
    return "AveragePool" if "avgpool" in name.lower() or "averagepool" in name.lower() else name


def weight_shape(module: nn.Module) -> torch.Size | None:
    """The shape of its weight, if it has one."""
    weight = getattr(module, "weight", None)  # a method, where it is quantised
    return weight.shape if isinstance(weight, Tensor) else None
