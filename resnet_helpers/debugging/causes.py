"""Why two calls that are partners differ, as far as it can be seen from outside them.

Their input, settings, weights and modes are looked at, in this order; a sentence says what was seen
there, and nothing more.
"""

import types
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import Call, beside, unchanged
from resnet_helpers.debugging.comparing import OWNERS, Difference, tolerance_of, weights_of
from resnet_helpers.debugging.pairing import kind
from resnet_helpers.debugging.values import distance, fresh, leaves_in, matched


def why(
    mine: Call,
    reference: Call,
    before: str,
    between: tuple[list[Call], list[Call]],
    difference: Difference,
) -> str:
    """The cause as far as it can be seen from outside: input, settings, weights, or mode.

    Args:
        mine: a call of your model,
        reference: ... and its partner in the reference.
        before: the pair before these two.
        between: the calls without a partner, of both models, between that pair and these two.
        difference: between the two calls.
    """
    tolerance = difference.tolerance
    if sentence := _other_input(mine, reference, tolerance):
        seen = [
            f"{', '.join(map(str, c))} only in {who}"
            for c, who in zip(between, OWNERS, strict=True)
            if c
        ]
        seen += [f"{cause} in {mine.parent}" for cause in _causes_above(mine, reference, tolerance)]
        there = f" There: {'; '.join(seen)}." if seen else ""
        return f"{sentence}: look at what happens after {before}.{there}"
    if not (mine.is_leaf and reference.is_leaf):
        return f"All pairs before agree: look at what forward does after {before}."
    if causes := list(_causes(mine, reference, tolerance)):
        return f"Cause: {'; '.join(causes)}."
    if mine.module.training != reference.module.training:
        return "Cause: they are in different modes."
    if _draw_other_numbers(mine, reference):
        return "It draws random numbers, others than in the reference: compare in eval mode."
    arguments = [
        [leaf for leaf in call.inputs.values() if isinstance(leaf, (int, float, complex, str))]
        for call in (mine, reference)
    ]
    if arguments[0] != arguments[1]:
        return (
            "The tensors that go in, weights and settings agree; the other arguments are "
            f"{arguments[0]} in yours, {arguments[1]} in the reference."
        )
    outputs = (leaf for leaf in mine.outputs.values() if isinstance(leaf, Tensor))
    if difference.relative <= tolerance_of(outputs):  # asked to look for rounding
        return "Input, weights and settings agree; so small an error is rounding."
    if difference.what.startswith("output") and _agree_on_one_input(mine, reference, tolerance):
        return (
            "Weights and settings agree, and given the very same input, so do the outputs: it only "
            "makes more of the rounding in what goes in."
        )
    return (
        "Input, weights and settings agree: forward itself computes something else. Read it "
        "(inspect.getsource shows it), and try it on other inputs."
    )


def _other_input(mine: Call, reference: Call, tolerance: float) -> str:
    """What is seen of the inputs, if they differ; nothing is kept of those of a module in between.

    They are compared in order: the same argument may have another name in the other class.
    """
    tensors = [
        [leaf for leaf in call.inputs.values() if isinstance(leaf, Tensor)]
        for call in (mine, reference)
    ]
    if any(distance(a, b)[1] > tolerance for a, b in zip(*tensors, strict=False)):
        return "What goes into it differs already"
    if mine.inputs and reference.inputs and len(tensors[0]) != len(tensors[1]):
        counts = f"{len(tensors[0])} in yours, {len(tensors[1])} in the reference"
        return f"The number of tensors that go into it differs already, {counts}"
    return ""


def _agree_on_one_input(mine: Call, reference: Call, tolerance: float) -> bool:
    """Does the reference's module, given what goes into yours, give what yours does?

    A batchnorm of two values that are nearly equal makes a large error of a tiny one.
    """
    tensors = list(mine.inputs.values())
    positional = [(0, i) for i in range(len(tensors))]  # in (args, kwargs)
    if list(mine.inputs) != positional or not all(isinstance(t, Tensor) for t in tensors):
        return False
    put = beside(reference.module, tensors)
    try:
        with unchanged(reference.module), torch.no_grad():
            outputs = leaves_in(reference.module(*(put(fresh(tensor)) for tensor in tensors)))
    except Exception:  # it may want what yours does without
        return False
    pairs, *alone = matched(mine.outputs, outputs)
    both = [(mine.outputs[a], outputs[b]) for a, b in pairs]
    tensors_only = all(isinstance(leaf, Tensor) for leaves in both for leaf in leaves)
    return tensors_only and not any(alone) and all(distance(*b)[1] <= tolerance for b in both)


def _draw_other_numbers(mine: Call, reference: Call) -> bool:
    """Does it draw random numbers, and not surely the same ones in both models?"""
    states = mine.random_state, reference.random_state
    if states[0] is None or states[1] is None:
        dropout = "Dropout" in type(mine.module).__name__  # on a GPU, whose state is not read
        return mine.module.training and dropout
    return not states[0].equal(states[1])


# --- Settings and weights -------------------------------------------------------------------------


def _causes(mine: Call, reference: Call, tolerance: float) -> Iterator[str]:
    """What two modules differ in: settings such as stride and eps, then weights."""
    yield from _differing_settings(mine, reference)
    evaluating = not (mine.module.training or reference.module.training)
    weights = (weights_of(call.module, with_buffers=evaluating) for call in (mine, reference))
    yield from _differing_weights(*weights, tolerance)


def _causes_above(mine: Call, reference: Call, tolerance: float) -> Iterator[str]:
    """What the modules that call the two differ in, of what is their own."""
    if mine.parent and reference.parent:
        yield from _differing_settings(mine.parent, reference.parent)
        calls = mine.parent, reference.parent
        owns = (dict(call.module.named_parameters(recurse=False)) for call in calls)
        yield from _differing_weights(*owns, tolerance)


def _differing_weights(
    mine: dict[str, Tensor], reference: dict[str, Tensor], tolerance: float
) -> Iterator[str]:
    pairs, only_mine, only_reference = matched(mine, reference)
    for name, other in pairs:
        absolute, relative = distance(mine[name], reference[other])
        if relative > tolerance:
            yield f"`{name}` differs by up to {absolute:.1e}"
    yield from (f"only yours has `{name}`" for name in only_mine)
    yield from (f"only the reference has `{name}`" for name in only_reference)


def _differing_settings(mine: Call, reference: Call) -> Iterator[str]:
    """Of the two modules; where they call no others, also of those in them with the same names."""
    theirs = dict(reference.module.named_modules())
    for path, module in mine.module.named_modules():
        if path and not (mine.is_leaf and path in theirs and kind(module) == kind(theirs[path])):
            continue
        others = _attributes(theirs[path])
        for name, value in _attributes(module).items():
            other = others.get(name, value)
            if value != other and repr(value) != repr(other):  # NaN is not even equal to itself
                setting = f"{path}.{name}" if path else name
                yield f"{setting} is {value} in yours, {other} in the reference"


def _attributes(module: nn.Module) -> dict[str, Any]:
    """The settings, and functions by their names: activation is relu, or gelu."""
    functions = (types.FunctionType, types.BuiltinFunctionType)
    named = {
        name: value.__name__
        for name, value in vars(module).items()
        if isinstance(value, functions) and not name.startswith("_") and name != "forward"
    }
    return settings_of(module) | named


def settings_of(module: nn.Module) -> dict[str, Any]:
    """kernel_size, stride, eps, ...; (3, 3) as 3, since PyTorch's layers keep pairs."""
    settings = {}
    for name, value in vars(module).items():
        ignored = name.startswith("_") or name in ("training", "inplace")
        if ignored or not _is_simple(value):
            continue
        if isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        settings[name] = value
    return settings


def _is_simple(value: Any) -> bool:
    """A number, a text, or a tuple of such."""
    if isinstance(value, tuple):
        return all(entry is None or _is_simple(entry) for entry in value)
    return isinstance(value, (int, float, str))


# --- What is said besides -------------------------------------------------------------------------


def unseen_setting(pairs: list[tuple[Call, Call]]) -> Iterator[str]:
    """A setting that differs and has made no difference, as momentum makes none in eval mode."""
    for a, b in pairs:
        if settings := list(_differing_settings(a, b)):
            yield f"Still, a setting of {a} differs: {'; '.join(settings)}."
            return


def differing_modes(pairs: list[tuple[Call, Call]]) -> Iterator[str]:
    """How many pairs are in different modes, and what to do about it."""
    differing = [a for a, b in pairs if a.module.training != b.module.training]
    if differing:
        mine, other = ("train", "eval") if differing[0].module.training else ("eval", "train")
        yield (
            f"{len(differing)} of {len(pairs)} pairs are in different modes, from {differing[0]} "
            f"on: {mine} in yours, {other} in the reference. Call .eval() on both models."
        )
