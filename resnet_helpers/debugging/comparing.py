"""How far two calls are apart, and how far they may be: one row of first_divergence's table each.

A pair has the tolerance of its own dtypes, so one bfloat16 layer leaves the others as strict as
they were.
"""

import inspect
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import Call
from resnet_helpers.debugging.pairing import kind
from resnet_helpers.debugging.values import (
    WORST,
    Path,
    badness,
    distance,
    in_words,
    matched,
    shapes,
)

OWNERS = ("yours", "the reference")

# Rounding in a deep network adds up to relative errors of no more than about this.
TOLERANCES = {
    torch.float64: 1e-8,
    torch.complex128: 1e-8,
    torch.float32: 1e-4,
    torch.complex64: 1e-4,
    torch.float16: 2e-2,
    torch.bfloat16: 1e-1,
    torch.quint8: 1e-1,
    torch.qint8: 1e-1,
}


@dataclass
class Difference:
    """How far apart one thing is in the two models."""

    what: str  # output, output[1], running_mean, ...
    absolute: float
    relative: float
    tolerance: float
    words: str  # what differs, for a sentence

    @property
    def beyond(self) -> bool:
        return self.relative > self.tolerance


@dataclass
class Pass:
    """One pass through both models, forward or backward: what was compared, in order."""

    name: str
    rows: list[tuple] = field(default_factory=list)
    pairs: list[tuple[Call, Call | None]] = field(default_factory=list)  # that the rows are about
    not_compared: list[str] = field(default_factory=list)

    @property
    def first(self) -> int | None:
        """The first row in which the two models part."""
        return next((r for r, row in enumerate(self.rows) if row[-1].beyond), None)

    def add(
        self, pair: tuple[Call, Call | None], differences: list[Difference], tolerance: float
    ) -> None:
        """Add a row for a pair: its first difference beyond tolerance, or else its largest."""
        nothing = Difference("output", 0.0, 0.0, tolerance, "")
        largest = max(differences, key=lambda d: d.relative, default=nothing)
        difference = next((d for d in differences if d.beyond), largest)
        mine, reference = pair
        outputs = [leaf for leaf in mine.outputs.values() if isinstance(leaf, Tensor)]
        partner = reference.label if reference else ""
        labels = mine.label, partner, kind(mine.module), shapes(outputs)
        self.rows.append((self.name, *labels, difference))
        self.pairs.append(pair)


class Tolerances:
    """How far each pair may be apart, in the order in which the pairs run.

    What a bfloat16 layer rounds off goes into the layers after it, and is no fault of theirs: where
    an earlier pair was let pass with an error that the dtypes of this one would not forgive, this
    one is judged as that one was.
    """

    def __init__(self, fixed: float | None):
        self.fixed = fixed
        self.passed: list[Difference] = []

    def of(self, *calls: Call) -> float:
        if self.fixed is not None:
            return self.fixed
        tensors = [
            *(leaf for c in calls for leaf in (*c.inputs.values(), *c.outputs.values())),
            *(t for c in calls if c.is_leaf for t in weights_of(c.module).values()),
        ]
        own = tolerance_of(t for t in tensors if isinstance(t, Tensor))
        return max([own, *(d.tolerance for d in self.passed if d.relative > own)])

    def let_pass(self, differences: list[Difference]) -> None:
        """Remember what rounding these pass on."""
        self.passed += [d for d in differences if 0 < d.relative <= d.tolerance]


def tolerance_of(tensors: Iterable[Tensor]) -> float:
    """The largest relative error that is rounding in the coarsest of their dtypes."""
    return max((TOLERANCES.get(tensor.dtype, 0.0) for tensor in tensors), default=0.0)


def weights_of(module: nn.Module, with_buffers: bool = False) -> dict[str, Tensor]:
    """The parameters; those of a quantised layer, which methods give; and buffers if asked for.

    A tensor that is a plain attribute counts as a parameter that somebody forgot to register.
    """
    weights = dict(module.named_parameters())
    if with_buffers:
        weights |= {n: b for n, b in module.named_buffers() if b.is_floating_point()}
    for name in ("weight", "bias"):
        if inspect.ismethod(method := getattr(module, name, None)):
            weights[name] = method()
    weights |= vars(module)
    return {name: weight for name, weight in weights.items() if isinstance(weight, Tensor)}


def compare(
    mine: Call, reference: Call, tolerance: float, not_compared: list[str]
) -> list[Difference]:
    """What both put out, and their buffers where those were kept.

    Args:
        mine: a call.
        reference: its partner.
        tolerance: for all that they hold.
        not_compared: gets a sentence for all that only one of them has.
    """
    pairs, only_mine, only_reference = matched(mine.outputs, reference.outputs)
    differences = [
        _difference(in_words(a), mine.outputs[a], reference.outputs[b], tolerance) for a, b in pairs
    ]
    if mine.parent is None and (only_mine or only_reference):  # the models' results
        differences.append(_missing(only_mine, only_reference, tolerance))
    elif only_mine or only_reference:
        owners = [f"{in_words(path)} only in yours" for path in only_mine]
        owners += [f"{in_words(path)} only in the reference" for path in only_reference]
        not_compared.append(f"of {mine}, {', '.join(owners)}")
    opaque = [d.what for d in differences if math.isnan(d.relative)]
    if opaque:
        not_compared.append(f"of {mine}, {', '.join(opaque)}: neither tensor, number nor text")
    differences = [d for d in differences if d.what not in opaque]
    return differences + list(_buffers(mine, reference, tolerance, not_compared))


def _buffers(
    mine: Call, reference: Call, tolerance: float, not_compared: list[str]
) -> Iterator[Difference]:
    pairs, *alone = matched(mine.buffers, reference.buffers)
    for name, other in pairs:
        yield _difference(name, mine.buffers[name], reference.buffers[other], tolerance)
    if mine.buffers and reference.buffers and any(alone):
        names = ", ".join(f"`{name}`" for names in alone for name in names)
        not_compared.append(f"of {mine}, the buffers {names}, which only one of the two has")


def _missing(only_mine: list[Path], only_reference: list[Path], tolerance: float) -> Difference:
    """The models' results do not hold the same."""
    owners = zip(OWNERS, (only_mine, only_reference), strict=True)
    parts = (f"{', '.join(map(in_words, paths))} only in {who}" for who, paths in owners if paths)
    words = f"The models' results do not hold the same: {'; '.join(parts)}."
    return Difference("output", math.inf, math.inf, tolerance, words)


def _difference(what: str, a: Any, b: Any, tolerance: float) -> Difference:
    """Between two tensors or numbers; NaN where two things cannot be compared."""
    absolute, relative = _apart(a, b)
    words = f"The {what} differs by up to {absolute:.1e}, a relative error of {relative:.1e}."
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        words = f"The {what} is {_short(a)} in yours, {_short(b)} in the reference."
    elif (bad := [WORST[badness([t])] for t in (a, b)]) and bad[0] != bad[1]:
        words = f"The {what} holds {bad[0]} in yours, {bad[1]} in the reference."
    elif absolute == math.inf and shapes([a]) != shapes([b]):
        words = f"The {what} has shape {shapes([a])} in yours, {shapes([b])} in the reference."
    return Difference(what, absolute, relative, tolerance, words)


def _apart(a: Any, b: Any) -> tuple[float, float]:
    numbers = (bool, int, float, complex)
    if isinstance(a, (Tensor, *numbers)) and isinstance(b, (Tensor, *numbers)):
        return distance(_as_tensor(a), _as_tensor(b))
    if isinstance(a, (str, bytes)) or isinstance(b, (str, bytes)):
        return (0.0, 0.0) if type(a) is type(b) and a == b else (math.inf, math.inf)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return math.inf, math.inf
    return math.nan, math.nan


def _as_tensor(value: Any) -> Tensor:
    """A number on the CPU, whatever the default device."""
    return value if isinstance(value, Tensor) else torch.as_tensor(value, device="cpu")


def _short(value: Any) -> str:
    text = f"a tensor {shapes([value])}" if isinstance(value, Tensor) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
