"""The backward half of first_divergence: where two models that agree going forward part going back.

Gradients are those of one number, the sum of the outputs with fixed random weights. They are
compared from the end of the network to its beginning, as backward computes them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import Call, beside, run, unchanged
from resnet_helpers.debugging.comparing import OWNERS, Difference, Pass, Tolerances
from resnet_helpers.debugging.graph import Steps
from resnet_helpers.debugging.values import (
    copied,
    distance,
    fresh,
    in_words,
    largest,
    leaves_in,
    matched,
    tensors_in,
)
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError


@dataclass
class Gradients:
    """Those of one model. A call is known by its module's name and its number, as in every run."""

    outputs: dict[tuple[str, int], dict[tuple, Tensor | None]] = field(default_factory=dict)
    tensors: dict[Tensor, Tensor | None] = field(default_factory=dict)  # parameters and inputs
    inputs: list[Tensor] = field(default_factory=list)
    weights: dict[tuple, Tensor] = field(default_factory=dict)  # of the outputs in their sum
    error: Exception | None = None  # that backward raised,
    failed_in: Call | None = None  # ... and in which call

    def of_outputs(self, call: Call) -> dict[tuple, Tensor | None]:
        return self.outputs.get((call.name, call.number), {})


def compare_gradients(
    mine: nn.Module,
    reference: nn.Module,
    x: Any,
    pairs: list[tuple[Call, Call]],
    tolerances: Tolerances,
) -> Pass:
    """Compare the gradients of each pair, from the last to the first; then what is left.

    Raises:
        ModelFailedError: the reference's backward failed.
        InvalidArgumentError: nothing in the reference takes a gradient.
    """
    theirs = _gradients(reference, x)
    if theirs.error:
        where = f" in {theirs.failed_in}" if theirs.failed_in else ""
        message = f"the reference's backward failed{where}: {theirs.error}"
        raise ModelFailedError(message) from theirs.error
    if not theirs.tensors:
        raise InvalidArgumentError(
            "backward is asked for, but no output of the reference depends on a parameter or an "
            "input that takes a gradient."
        )
    ours = _gradients(mine, x, theirs.weights)
    backward = Pass("backward")
    if ours.error:
        _add_failure(backward, ours, pairs)
        return backward
    shares = _shared_out(pairs)
    for pair in reversed(pairs):
        tolerance = tolerances.of(*pair)
        outputs = [
            gradients.of_outputs(call) for gradients, call in zip((ours, theirs), pair, strict=True)
        ]
        advice = "Those of the modules after it agree: look at what forward does with it."
        if pair == pairs[-1]:
            advice = "Look at what forward returns."
        differences = list(_of_outputs(*outputs, tolerance, advice))
        differences += _of_parameters(shares[pair], ours, theirs, tolerance)
        backward.add(pair, differences, tolerance)
        tolerances.let_pass(differences)
    done = {p for share in shares.values() for _, *both in share for p in both}
    lefts = [
        {name: p for name, p in model.named_parameters() if p not in done}
        for model in (mine, reference)
    ]
    _add_the_rest(backward, pairs[-1], lefts, (ours, theirs), tolerances.of(*pairs[-1]))
    return backward


# --- Going backward -------------------------------------------------------------------------------


def _gradients(model: nn.Module, x: Any, weights: dict[tuple, Tensor] | None = None) -> Gradients:
    """Run model on x and go back from the sum of the outputs, weighted; they are made if None."""
    found, steps, handles = Gradients(), Steps(), []
    put = beside(model, x)

    def fresh_input(tensor: Tensor) -> Tensor:
        copy = put(fresh(tensor))
        if not _takes_gradient(copy):
            return copy
        found.inputs.append(copy.requires_grad_())
        return copy.clone()  # no leaf of the graph, so that a module may work in place on it

    def enter(call: Call, arguments: Any) -> None:
        if call.parent:
            steps.claim(tensors_in(arguments), call.parent)

    def leave(call: Call, output: Any) -> None:
        gradients = found.outputs.setdefault((call.name, call.number), {})
        for path, leaf in leaves_in(output).items():
            if _takes_gradient(leaf):
                gradients[path] = None
            if _takes_gradient(leaf) and leaf.requires_grad:
                # a tensor's hook gets the gradient of what it is now, whatever works on it later
                handles.append(leaf.register_hook(partial(gradients.__setitem__, path)))
        steps.claim(tensors_in(output), call)

    with unchanged(model), torch.inference_mode(False), torch.enable_grad():
        try:
            results = leaves_in(run(model, copied(x, fresh_input), enter, leave))
            outputs = {path: leaf for path, leaf in results.items() if _takes_gradient(leaf)}
            found.weights = _random_weights(outputs) if weights is None else weights
            _go_back(model, outputs, found, steps)
        finally:
            for handle in handles:
                handle.remove()
    return found


def _go_back(
    model: nn.Module, outputs: dict[tuple, Tensor], found: Gradients, steps: Steps
) -> None:
    """Fill in the gradients of parameters and inputs; hooks fill in those of outputs."""
    matches, _, _ = matched(outputs, found.weights)
    sums = [
        (outputs[path], found.weights[key].reshape(outputs[path].shape).to(outputs[path]))
        for path, key in matches
        if outputs[path].requires_grad
    ]
    wanted = [*found.inputs, *(p for p in model.parameters() if p.requires_grad)]
    if not sums or not wanted:
        return
    try:
        with steps.watched():
            ends, weights = zip(*sums, strict=True)
            gradients = torch.autograd.grad(ends, wanted, weights, allow_unused=True)
    except Exception as error:
        found.error = error
        found.failed_in = steps.owners.get(steps.current)
    else:
        found.tensors = dict(zip(wanted, gradients, strict=True))


def _takes_gradient(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex())


def _random_weights(outputs: dict[tuple, Tensor]) -> dict[tuple, Tensor]:
    """The same at every run, and on every device."""
    generator = torch.Generator("cpu").manual_seed(0)
    return {
        path: torch.randn(t.numel(), generator=generator, device="cpu")
        for path, t in outputs.items()
    }


# --- Comparing ------------------------------------------------------------------------------------

Share = list[tuple[str, nn.Parameter, nn.Parameter]]


def _shared_out(pairs: list[tuple[Call, Call]]) -> dict[tuple[Call, Call], Share]:
    """Which parameters are compared with which pair: the first that uses them, going forward.

    Going backward, it is the last that adds to their gradients.
    """
    shares, used = {}, set()
    for mine, reference in pairs:
        shares[mine, reference] = []
        if not (mine.is_leaf and reference.is_leaf):
            continue
        my_own, others = (dict(c.module.named_parameters()) for c in (mine, reference))
        for name, other in matched(my_own, others)[0]:
            both = my_own[name], others[other]
            if both[0].shape.numel() == both[1].shape.numel() and not used.intersection(both):
                shares[mine, reference].append((name, *both))
                used.update(both)
    return shares


def _of_outputs(mine: dict, reference: dict, tolerance: float, advice: str) -> Iterator[Difference]:
    for path, other in matched(mine, reference)[0]:
        what = f"the {in_words(path)}"
        yield _difference(what, mine[path], reference[other], tolerance, advice)


def _of_parameters(
    share: Share, ours: Gradients, theirs: Gradients, tolerance: float
) -> Iterator[Difference]:
    """Errors are relative to the largest gradient of any of the module's parameters.

    The gradient of a bias before a batchnorm is 0, and what comes out is nothing but rounding.
    """
    gradients = [theirs.tensors.get(parameter) for _, _, parameter in share]
    scale = largest(gradient for gradient in gradients if gradient is not None)
    for (name, mine, reference), gradient in zip(share, gradients, strict=True):
        if mine.requires_grad != reference.requires_grad:
            takes, not_ = OWNERS if mine.requires_grad else reversed(OWNERS)
            words = f"`{name}` takes a gradient in {takes}; in {not_} its requires_grad is False."
            yield Difference(f"gradient of {name}", math.inf, math.inf, tolerance, words)
            continue
        advice = f"That of its output agrees: look at what is done with `{name}`."
        yield _difference(f"`{name}`", ours.tensors.get(mine), gradient, tolerance, advice, scale)


def _difference(
    what: str,
    mine: Tensor | None,
    reference: Tensor | None,
    tolerance: float,
    advice: str,
    scale: float = 0.0,
) -> Difference:
    """Between two gradients; where there is none, it counts as 0."""
    if mine is None or reference is None:
        absolute = largest(gradient for gradient in (mine, reference) if gradient is not None)
        relative = 1.0 if absolute else 0.0
        lacks, has = OWNERS if mine is None else reversed(OWNERS)
        seen = f"No gradient reaches {what} in {lacks}; one does in {has}."
    else:
        absolute, relative = distance(mine, reference, scale)
        seen = (
            f"The gradient of {what} differs by up to {absolute:.1e}, a relative error of "
            f"{relative:.1e}."
        )
    name = f"gradient of {what.replace('`', '').removeprefix('the ')}"
    return Difference(name, absolute, relative, tolerance, f"{seen} {advice}")


def _add_failure(backward: Pass, ours: Gradients, pairs: list[tuple[Call, Call]]) -> None:
    """Backward failed in mine: a row for the call in which it did."""
    failed = ours.failed_in or pairs[-1][0]
    same = ((a, b) for a, b in pairs if (a.name, a.number) == (failed.name, failed.number))
    pair = next(same, (failed, None))
    words = f"Its gradients cannot be computed in yours, and can in the reference: {ours.error}"
    backward.add(pair, [Difference("backward", math.inf, math.inf, 0.0, words)], 0.0)


def _add_the_rest(
    backward: Pass,
    models: tuple[Call, Call],
    lefts: list[dict[str, nn.Parameter]],
    gradients: tuple[Gradients, Gradients],
    tolerance: float,
) -> None:
    """The parameters of modules that are no pair, by name; and the inputs."""
    ours, theirs = gradients
    pairs, *alone = matched(*lefts)
    share = [(name, lefts[0][name], lefts[1][other]) for name, other in pairs]
    unlike = [name for name, a, b in share if a.numel() != b.numel()]
    backward.not_compared += [
        f"the gradient of `{name}`" for names in (unlike, *alone) for name in names
    ]
    share = [entry for entry in share if entry[0] not in unlike]
    differences = list(_of_parameters(share, ours, theirs, tolerance))
    for mine, reference in zip(ours.inputs, theirs.inputs, strict=True):
        advice = "Those of all modules agree: look at what forward does with its input."
        both = ours.tensors.get(mine), theirs.tensors.get(reference)
        differences.append(_difference("the input", *both, tolerance, advice))
    backward.add(models, differences, tolerance)
