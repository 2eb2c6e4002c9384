"""first_divergence: the first pair of modules in which two models that should agree do not.

Which calls are pairs is decided in `pairing`, how far they are apart in `comparing`, and why in
`causes`; gradients are in `gradients`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import (
    Call,
    beside,
    check_model,
    full_float32,
    run,
    scripted_in,
    unchanged,
)
from resnet_helpers.debugging.causes import differing_modes, unseen_setting, why
from resnet_helpers.debugging.comparing import OWNERS, Difference, Pass, Tolerances, compare
from resnet_helpers.debugging.gradients import compare_gradients
from resnet_helpers.debugging.pairing import kind, pair
from resnet_helpers.debugging.values import Leaves, copied, equal, fresh, leaves_in
from resnet_helpers.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from resnet_helpers.figures.style import Picture


@dataclass(repr=False)
class Divergence:
    """What first_divergence found: print it, or let a notebook show it."""

    name: str | None  # the first of your modules whose result differs; None if there is none
    reference_name: str | None
    explanation: str
    only_in_mine: list[str]  # calls of leaf modules without a partner
    only_in_reference: list[str]
    not_compared: list[str]  # those, and all else that was not compared
    table: "pd.DataFrame"  # one row a pair, in your order of execution: forward, then backward
    first: int | None  # the row of the first divergence
    tolerance: float  # of that row; where nothing diverges the largest of any row

    @property
    def compared_everything(self) -> bool:
        """Whether every value that either model computes has been compared with one of the other.

        Not where modules have no partner, or put out what only one of the two has.
        """
        return not self.not_compared

    def __repr__(self) -> str:
        if self.first is None:
            return self.explanation
        return f"{self.explanation}\n{self._excerpt().to_string(float_format='{:.1e}'.format)}"

    def _repr_html_(self) -> str:
        import pandas as pd

        text = f"<p>{escape(self.explanation)}</p>".replace("\n", "<br>")
        if self.first is None:
            return text
        with pd.option_context("display.max_colwidth", None):  # names are shown whole
            return text + self._excerpt().to_html(float_format="{:.1e}".format)

    def _excerpt(self) -> "pd.DataFrame":
        """From the pair before the first divergence to five pairs after it."""
        rows = slice(max(self.first - 1, 0), self.first + 6)
        unneeded = ["kind", "tensor"]
        unneeded += [c for c in ("pass", "tolerance") if self.table[c].nunique() == 1]
        return self.table.iloc[rows].drop(columns=unneeded)

    def plot(self) -> "Picture":
        """The relative error of each pair on a log axis; where it is 0 there is no point."""
        from resnet_helpers.figures.layers import draw_errors

        return draw_errors(self.table, self.first, self.name)


COLUMNS = ["pass", "yours", "reference", "kind", "shape"]
ERRORS = ["tensor", "absolute error", "relative error", "tolerance"]


@full_float32()
def first_divergence(
    mine: nn.Module,
    reference: nn.Module,
    x: Any,
    tolerance: float | None = None,
    backward: bool = False,
) -> Divergence:
    """Run both models on x and find the first pair of leaf modules whose outputs differ.

    Leaf modules are paired in order of execution, like kind with like (our Conv2d with
    nn.Conv2d); one without a partner is reported, not guessed. A branch that one model computes
    before another branch and the other after it is paired too. The last pair are the models
    themselves with their results. In train mode a pair's updated buffers (running_mean, ...) are
    compared as well as its outputs.

    A copy of every leaf's output is kept, so pass a few pictures, not a hundred. Each model runs
    where it is, on a copy of x that is put there, and a GPU in full float32 rather than TF32. What
    torch.compile has made runs as it was written, DataParallel on its first device.

    A TransformerEncoderLayer in eval mode has a fast path that calls none of its modules; PyTorch
    does not take it while hooks are there, so here its modules are compared one by one.

    Args:
        mine: your model, in train or eval mode as you want it compared.
        reference: the model that is right.
        x: what both are called with, as one argument; where forward needs several, a tuple of
            them, or a dictionary by their names.
        tolerance: the largest relative error that still counts as equal; None means, for each pair
            by its own dtypes, 1e-4 in float32, 1e-8 in float64, 0.02 in float16, 0.1 in bfloat16
            or quantised. With 0 you see where rounding begins. Relative means: the largest
            absolute error divided by the largest absolute value in the reference.
        backward: where forward agrees, compare gradients too: those of a sum of the outputs with
            fixed random weights, with respect to each pair's outputs and parameters, from the end
            of the network to its beginning.

    Raises:
        ModelFailedError: a RuntimeError: a forward failed, or the reference's backward; the message
            names the module, the original is chained.
        InvalidArgumentError: a ValueError: what was passed is no model, or one that cannot be
            observed: scripted, lazy, or on the meta device; or a tolerance that is none.
    """
    check_model(mine, x, "mine")
    check_model(reference, x, "reference")
    if not (tolerance is None or tolerance >= 0):  # not of NaN either
        raise InvalidArgumentError(f"tolerance is {tolerance}: it is None, or a number from 0 on.")
    notes: list[str] = []
    my_calls, calls = _record(mine, x, notes), _record(reference, x, notes)
    # the models themselves come last: they are a pair, whatever their kinds
    pairs = [*pair(my_calls[:-1], calls[:-1]), (my_calls[-1], calls[-1])]
    passes = [_forward(pairs, Tolerances(tolerance))]
    if backward and passes[0].first is None:
        passes.append(compare_gradients(mine, reference, x, pairs, Tolerances(tolerance)))
    scripted = dict.fromkeys([*scripted_in(mine), *scripted_in(reference)])
    passes[0].not_compared += [f"`{name}`, which is scripted" for name in scripted]
    return _divergence(my_calls, calls, passes, notes)


def _divergence(
    my_calls: list[Call], calls: list[Call], passes: list[Pass], notes: list[str]
) -> Divergence:
    """What the passes through both models come to."""
    pairs = passes[0].pairs
    paired = {call for both in pairs for call in both}
    alone = [[call for call in side if call not in paired] for side in (my_calls, calls)]
    only = [[str(call) for call in side] for side in alone]
    others = [entry for one in passes for entry in one.not_compared]
    rows = [row for one in passes for row in one.rows]
    first = next((r for r, row in enumerate(rows) if row[-1].beyond), None)
    if first is None:
        culprits = (None, None)
        words = _agreement(passes, bool(only[0] or only[1] or others))
    elif passes[-1].name == "backward":
        culprits = passes[-1].pairs[passes[-1].first]
        words = _backward_words(culprits, rows[first][-1])
    else:
        culprits = pairs[first]
        before = str(pairs[first - 1][0]) if first else "the input"
        between = tuple(map(_just_before, (my_calls, calls), culprits, alone))
        words = _forward_words(culprits, rows[first][-1], before, between)
    lines = [*words, *differing_modes(pairs), *notes, *_not_compared_words(only, others)]
    return Divergence(
        name=culprits[0] and culprits[0].name,
        reference_name=culprits[1] and culprits[1].name,
        explanation="\n".join(lines),
        only_in_mine=only[0],
        only_in_reference=only[1],
        not_compared=[
            *(f"{call}, only in yours" for call in only[0]),
            *(f"{call}, only in the reference" for call in only[1]),
            *others,
        ],
        table=_table(rows),
        first=first,
        tolerance=max(d.tolerance for *_, d in (rows if first is None else [rows[first]])),
    )


# --- Recording ----------------------------------------------------------------------------------


def _record(model: nn.Module, x: Any, notes: list[str]) -> list[Call]:
    """The calls of leaf modules, then that of the model, with copies of what went in and came out.

    Copies, since a later module may work in place.
    """
    calls: list[Call] = []
    states: dict[Call, Tensor] = {}

    def keep_inputs(call: Call, arguments: Any) -> None:
        if call.parent:
            call.parent.inputs.clear()  # no leaf: it is not compared
        last = calls[-1].outputs.values() if calls else ()  # mostly what goes in came out last
        call.inputs = _kept(leaves_in(arguments), [t for t in last if isinstance(t, Tensor)])
        states[call] = torch.get_rng_state()

    def keep_outputs(call: Call, output: Any) -> None:
        outputs = leaves_in(output)
        state = states.pop(call)
        does_something = outputs and kind(call.module) not in ("Identity", "Sequential")
        if call.parent is None or (call.is_leaf and does_something):
            call.outputs = _kept(outputs, [])
            if call.is_leaf and call.module.training:
                call.buffers = {n: fresh(b) for n, b in call.module.named_buffers()}
            if not torch.equal(state, torch.get_rng_state()):
                call.random_state = state
            calls.append(call)

    put = beside(model, x)
    with unchanged(model), torch.inference_mode(False), torch.no_grad():
        run(model, copied(x, lambda tensor: put(fresh(tensor))), keep_inputs, keep_outputs, notes)
    return calls


def _kept(leaves: Leaves, known: list[Tensor]) -> Leaves:
    """Copies of the tensors, or those of them that are known already; other leaves as they are."""

    def keep(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        copy = next((k for k in known if equal(k, leaf)), None)
        return fresh(leaf) if copy is None else copy

    return {path: keep(leaf) for path, leaf in leaves.items()}


# --- The table ----------------------------------------------------------------------------------


def _forward(pairs: list[tuple[Call, Call]], tolerances: Tolerances) -> Pass:
    """Compare what each pair has put out, in the order in which they ran."""
    forward = Pass("forward")
    for mine, reference in pairs:
        tolerance = tolerances.of(mine, reference)
        differences = compare(mine, reference, tolerance, forward.not_compared)
        tolerances.let_pass(differences)
        forward.add((mine, reference), differences, tolerance)
    return forward


def _table(rows: list[tuple]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        [(*row, d.what, d.absolute, d.relative, d.tolerance) for *row, d in rows],
        columns=[*COLUMNS, *ERRORS],
    )


# --- The words ----------------------------------------------------------------------------------


def _forward_words(
    culprits: tuple[Call, Call],
    difference: Difference,
    before: str,
    between: tuple[list[Call], list[Call]],
) -> Iterator[str]:
    """What differs first, and why."""
    mine, reference = culprits
    yield f"First divergence: {mine} in yours, {reference} in the reference."
    yield difference.words
    yield why(mine, reference, before, between, difference)


def _just_before(calls: list[Call], call: Call, alone: list[Call]) -> list[Call]:
    """The calls without a partner that come right before a call."""
    earlier = reversed(calls[: calls.index(call)])
    return list(takewhile(lambda c: c in alone, earlier))[::-1]


def _backward_words(culprits: tuple[Call, Call | None], difference: Difference) -> Iterator[str]:
    mine, reference = culprits
    partner = f"{reference} in the reference" if reference else "which has no partner"
    yield f"First divergence: in backward, at {mine} in yours, {partner}; forward agrees."
    yield difference.words


def _agreement(passes: list[Pass], incomplete: bool) -> Iterator[str]:
    """That nothing diverges; or, where not everything was compared, that what was does not."""
    pairs = passes[0].pairs
    limits = sorted({d.tolerance for one in passes for *_, d in one.rows})
    tolerance = f"the tolerance of {limits[0]:.1e}"
    if len(limits) > 1:
        tolerance = f"the tolerances, from {limits[0]:.1e} to {limits[-1]:.1e}"
    gradients = "; gradients agree too" if len(passes) > 1 else ""
    count = f"pairs compared: {len(pairs)}{gradients}."
    if incomplete:
        yield f"What was compared agrees within {tolerance}, but that is not everything; {count}"
    else:
        yield f"No divergence above {tolerance}; {count}"
    yield from unseen_setting(pairs)


def _not_compared_words(unpaired: list[list[str]], others: list[str]) -> Iterator[str]:
    for owner, names in zip(OWNERS, unpaired, strict=True):
        if names:
            partner = "They have" if len(names) > 1 else "It has"
            other = "the reference" if owner == "yours" else "yours"
            yield f"Only in {owner}: {_three_of(names)}. {partner} no partner in {other}."
    if others:
        yield f"Not compared: {_three_of(others)}."


def _three_of(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
