"""first_divergence: the first pair of modules in which two models that should agree do not.

Which calls are pairs is decided in `pairing`; here they are compared, and the difference explained.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import Call, run, unchanged
from resnet_helpers.debugging.pairing import kind, pair
from resnet_helpers.debugging.values import WORST, badness, distance, equal, mapped, shapes

if TYPE_CHECKING:
    import pandas as pd

    from resnet_helpers.figures.style import Picture

# Rounding in a deep network adds up to relative errors of no more than about this.
TOLERANCES = {torch.float64: 1e-8, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}


@dataclass(repr=False)
class Divergence:
    """What first_divergence found: print it, or let a notebook show it."""

    name: str | None  # the first of your modules whose result differs; None if there is none
    reference_name: str | None
    explanation: str
    only_in_mine: list[str]  # calls of leaf modules without a partner
    only_in_reference: list[str]
    table: "pd.DataFrame"  # one row a pair, in your order of execution
    first: int | None  # the row of the first divergence
    tolerance: float

    def __repr__(self) -> str:
        if self.first is None:
            return self.explanation
        return f"{self.explanation}\n{self._excerpt().to_string(float_format='{:.1e}'.format)}"

    def _repr_html_(self) -> str:
        text = f"<p>{escape(self.explanation)}</p>".replace("\n", "<br>")
        if self.first is None:
            return text
        return text + self._excerpt().to_html(float_format="{:.1e}".format)

    def _excerpt(self) -> "pd.DataFrame":
        """From the pair before the first divergence to five pairs after it."""
        rows = slice(max(self.first - 1, 0), self.first + 6)
        return self.table.iloc[rows].drop(columns=["kind", "tensor"])

    def plot(self) -> "Picture":
        """The relative error of each pair on a log axis; where it is 0 there is no point."""
        from resnet_helpers.figures.diagnosis import draw_errors

        return draw_errors(self.table, self.first, self.tolerance, self.name)


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Any, tolerance: float | None = None
) -> Divergence:
    """Run both models on x and find the first pair of leaf modules whose outputs differ.

    Leaf modules are paired in order of execution, like kind with like (our Conv2d with
    nn.Conv2d); one without a partner is reported, not guessed. A branch that one model computes
    before another branch and the other after it is paired too. The last pair are the models
    themselves with their results. In train mode a pair's updated buffers (running_mean, ...) are
    compared as well as its outputs.

    A copy of every leaf's output is kept, so pass a few pictures, not a hundred.

    A TransformerEncoderLayer in eval mode has a fast path that calls none of its modules; PyTorch
    does not take it while hooks are there, so here its modules are compared one by one.

    Args:
        mine: your model, in train or eval mode as you want it compared.
        reference: the model that is right.
        x: what both are called with.
        tolerance: the largest relative error that still counts as equal; None means 1e-4 in
            float32, 1e-8 in float64, 0.02 in float16, 0.1 in bfloat16. With 0 you see where
            rounding begins. Relative means: the largest absolute error divided by the largest
            absolute value in the reference.

    Raises:
        RuntimeError: a forward failed; the message names the module, the original is chained.
        ValueError: a module is lazy and has no weights yet.
    """
    import pandas as pd

    my_calls, calls = _record(mine, x), _record(reference, x)
    # the models themselves come last: they are a pair, whatever their kinds
    pairs = [*pair(my_calls[:-1], calls[:-1]), (my_calls[-1], calls[-1])]
    if tolerance is None:
        dtypes = {t.dtype for call in (*my_calls, *calls) for t in call.outputs}
        tolerance = max((TOLERANCES.get(dtype, 0.0) for dtype in dtypes), default=0.0)

    rows = [
        (a.label, b.label, kind(a.module), shapes(a.outputs), *_compare(a, b, tolerance))
        for a, b in pairs
    ]
    columns = ["yours", "reference", "kind", "shape", "tensor", "absolute error", "relative error"]
    first = next((r for r, row in enumerate(rows) if row[-1] > tolerance), None)
    paired = {call for both in pairs for call in both}
    unpaired = [[str(c) for c in side if c not in paired] for side in (my_calls, calls)]

    return Divergence(
        name=None if first is None else pairs[first][0].name,
        reference_name=None if first is None else pairs[first][1].name,
        explanation="\n".join(_explanation(pairs, rows, first, tolerance, unpaired)),
        only_in_mine=unpaired[0],
        only_in_reference=unpaired[1],
        table=pd.DataFrame(rows, columns=columns),
        first=first,
        tolerance=tolerance,
    )


def _record(model: nn.Module, x: Any) -> list[Call]:
    """The calls of leaf modules, then that of the model, with copies of what went in and came out.

    Copies, since a later module may work in place.
    """
    calls: list[Call] = []

    def keep_inputs(call: Call, inputs: list[Tensor]) -> None:
        if any(True for _ in call.module.children()):
            return
        last = calls[-1].outputs if calls else []  # mostly what goes in is what came out last
        known = [next((o for o in last if equal(o, t)), None) for t in inputs]
        call.inputs = [t.clone() if k is None else k for t, k in zip(inputs, known, strict=True)]

    def keep_outputs(call: Call, outputs: list[Tensor]) -> None:
        does_something = outputs and kind(call.module) not in ("Identity", "Sequential")
        if call.parent is None or (call.is_leaf and does_something):
            call.outputs = [t.clone() for t in outputs]
            if call.is_leaf and call.module.training:
                call.buffers = {name: b.clone() for name, b in call.module.named_buffers()}
            calls.append(call)

    with unchanged(model), torch.no_grad():
        run(model, mapped(x, torch.clone), keep_inputs, keep_outputs)
    return calls


# --- How far two calls are apart, and why -------------------------------------------------------


def _compare(mine: Call, reference: Call, tolerance: float) -> tuple[str, float, float]:
    """Name, absolute and relative error of the first tensor beyond tolerance, or of the worst."""
    tensors = [("output", a, b) for a, b in zip(mine.outputs, reference.outputs, strict=False)]
    tensors += [
        (name, buffer, reference.buffers[name])
        for name, buffer in mine.buffers.items()
        if name in reference.buffers
    ]
    errors = [(name, *distance(a, b)) for name, a, b in tensors]
    beyond = (error for error in errors if error[-1] > tolerance)
    worst = max(errors, key=lambda error: error[-1], default=("output", 0.0, 0.0))
    return next(beyond, worst)


def _explanation(
    pairs: list[tuple[Call, Call]],
    rows: list[tuple],
    first: int | None,
    tolerance: float,
    unpaired: list[list[str]],
) -> Iterator[str]:
    """Line by line: what differs first, why, and what was not compared."""
    if first is None:
        yield f"No divergence above the tolerance of {tolerance:.1e}; pairs compared: {len(pairs)}."
        yield from _unseen(pairs)
    else:
        yield from _what_differs(*pairs[first], *rows[first][-3:])
        before = str(pairs[first - 1][0]) if first else "the input"
        yield _why(*pairs[first], before, tolerance)
    yield from _differing_modes(pairs)
    for owner, names in zip(("yours", "the reference"), unpaired, strict=True):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield f"Without a partner in {owner}: {', '.join(names[:3])}{more}."


def _what_differs(
    mine: Call, reference: Call, tensor: str, absolute: float, relative: float
) -> Iterator[str]:
    yield f"First divergence: {mine} in yours, {reference} in the reference."
    shape, reference_shape = shapes(mine.outputs), shapes(reference.outputs)
    bad, reference_bad = (WORST[badness(call.outputs)] for call in (mine, reference))
    if bad != reference_bad:
        yield f"The output holds {bad} in yours, {reference_bad} in the reference."
    elif absolute < math.inf or shape == reference_shape:
        yield f"The {tensor} differs by up to {absolute:.1e}, a relative error of {relative:.1e}."
    else:
        yield f"The output has shape {shape} in yours, {reference_shape} in the reference."


def _why(mine: Call, reference: Call, before: str, tolerance: float) -> str:
    """The cause as far as it can be seen from outside: input, settings, weights, or mode."""
    inputs = zip(mine.inputs, reference.inputs, strict=False)
    if any(distance(a, b)[1] > tolerance for a, b in inputs):
        return f"What goes into it differs already: look at what happens after {before}."
    if not (mine.is_leaf and reference.is_leaf):
        return f"All pairs before agree: look at what forward does after {before}."
    if causes := list(_causes(mine.module, reference.module, tolerance)):
        return f"Cause: {'; '.join(causes)}."
    if mine.module.training != reference.module.training:
        return "Cause: they are in different modes."
    if tolerance < 1e-6:  # asked to look for rounding
        return "Input, weights and settings agree; so small an error is rounding."
    return (
        "Input, weights and settings agree: forward itself computes something else. Read it "
        "(inspect.getsource shows it), and try it on other inputs."
    )


def _causes(mine: nn.Module, reference: nn.Module, tolerance: float) -> Iterator[str]:
    """What two modules of one kind differ in: settings such as stride and eps, then weights."""
    yield from _differing_settings(mine, reference)
    evaluating = not (mine.training or reference.training)
    weights = [_weights(module, with_buffers=evaluating) for module in (mine, reference)]
    for (name, weight), (reference_name, other) in zip_longest(*weights, fillvalue=(None, None)):
        if weight is None or other is None:
            owner = "the reference" if weight is None else "yours"
            yield f"only {owner} has `{name or reference_name}`"
        elif (absolute := distance(weight, other))[1] > tolerance:
            yield f"`{name}` differs by up to {absolute[0]:.1e}"


def _differing_settings(mine: nn.Module, reference: nn.Module) -> Iterator[str]:
    others = settings_of(reference)
    for name, value in settings_of(mine).items():
        if value != others.get(name, value):
            yield f"{name} is {value} in yours, {others[name]} in the reference"


def settings_of(module: nn.Module) -> dict[str, Any]:
    """kernel_size, stride, eps, ...; (3, 3) as 3, since PyTorch's layers keep pairs."""
    settings = {}
    for name, value in vars(module).items():
        if isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        ignored = name.startswith("_") or name in ("training", "inplace")
        if isinstance(value, (int, float, str, tuple)) and not ignored:
            settings[name] = value
    return settings


def _weights(module: nn.Module, with_buffers: bool) -> Iterator[tuple[str, Tensor]]:
    """The parameters, and the buffers where the output depends on them: in eval mode."""
    yield from module.named_parameters()
    if with_buffers:
        yield from ((name, b) for name, b in module.named_buffers() if b.is_floating_point())


def _unseen(pairs: list[tuple[Call, Call]]) -> Iterator[str]:
    """A setting that differs and has made no difference, as momentum makes none in eval mode."""
    for a, b in pairs:
        if settings := list(_differing_settings(a.module, b.module)):
            yield f"Still, a setting of {a} differs: {'; '.join(settings)}."
            return


def _differing_modes(pairs: list[tuple[Call, Call]]) -> Iterator[str]:
    differing = [a for a, b in pairs if a.module.training != b.module.training]
    if differing:
        mine, other = ("train", "eval") if differing[0].module.training else ("eval", "train")
        yield (
            f"{len(differing)} of {len(pairs)} pairs are in different modes, from {differing[0]} "
            f"on: {mine} in yours, {other} in the reference. Call .eval() on both models."
        )
