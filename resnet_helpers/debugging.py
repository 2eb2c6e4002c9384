"""Hook tools that say where a network goes wrong: first divergence, first NaN, activations.

Each runs a model as it is, in the mode it is in, and leaves no trace: no hook remains; training
flags, buffers, gradients and torch's random state are as before, whatever is raised. What they
look at is calls: a module called twice counts twice, and a leaf is a call in which no other module
is called.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import SequenceMatcher
from functools import partial
from html import escape
from itertools import accumulate, zip_longest
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.parameter import is_lazy

if TYPE_CHECKING:
    import pandas as pd

    from resnet_helpers.figures.style import Picture

# --- Running a model under observation ------------------------------------------------------


@dataclass(eq=False)
class Call:
    """One call of a module, and what a tool keeps of it."""

    name: str
    module: nn.Module
    number: int  # 2 for the second call of the same module
    parent: "Call | None"  # the call during which it happened
    is_leaf: bool = True
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    worst_input: int = 0  # an index into WORST

    @property
    def label(self) -> str:
        """For a table: layer1.0.relu, and layer1.0.relu #2 for the second call."""
        again = f" #{self.number}" if self.number > 1 else ""
        return (self.name or "the model itself") + again

    def __str__(self) -> str:
        return f"`{self.label}` ({type(self.module).__name__})"


Observer = Callable[[Call, list[Tensor]], None]


def _run(model: nn.Module, x: Any, enter: Observer, leave: Observer) -> Any:
    """Return model(x); `enter` sees each call with its input tensors, `leave` with its outputs.

    Raises:
        RuntimeError: forward raised something; names the innermost module, chains the original.
        ValueError: a module is lazy and has no weights yet.
    """
    names = {module: name for name, module in model.named_modules()}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):  # the first call would make it, and so change the model for good
            raise ValueError(f"`{name}` is uninitialized: call the model once on some data first")
    n_calls: Counter[nn.Module] = Counter()
    running: list[Call] = []

    def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
        parent = running[-1] if running else None
        if parent:
            parent.is_leaf = False
        n_calls[module] += 1
        running.append(Call(names[module], module, n_calls[module], parent))
        enter(running[-1], _tensors((args, kwargs)))

    def after(module: nn.Module, args: tuple, output: Any) -> None:
        while (call := running.pop()).module is not module:
            pass  # a call whose exception the model has caught never got here
        leave(call, _tensors(output))

    handles = []
    try:
        for module in names:
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.register_forward_hook(after))
        return model(x)
    except Exception as error:
        where = f"{running[-1]} of {type(model).__name__}" if running else type(model).__name__
        raise RuntimeError(f"forward failed in {where}: {error}") from error
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards training flags, buffers and torch's random state are as they were before."""
    training = {module: module.training for module in model.modules()}
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in training
        for name, buffer in module.named_buffers(recurse=False)
    ]
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=gpus):
        try:
            yield
        finally:
            for module, flag in training.items():
                module.training = flag
            for module, name, buffer, value in buffers:
                setattr(module, name, buffer)  # forward may have put a new tensor in its place
                if not torch.equal(buffer, value):
                    buffer.detach().copy_(value)


def _tensors(tree: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists, dictionaries and dataclasses."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    elif is_dataclass(tree) and not isinstance(tree, type):
        tree = [getattr(tree, f.name) for f in fields(tree)]
    items = tree if isinstance(tree, (tuple, list)) else ()
    return [tensor for item in items for tensor in _tensors(item)]


def _mapped(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same tuples, lists and dictionaries with each tensor changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {key: _mapped(value, change) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [_mapped(item, change) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


# --- first_divergence -----------------------------------------------------------------------

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

    calls = _record(mine, x), _record(reference, x)
    # the models themselves come last: they are a pair, whatever their kinds
    indices = [*_pairs(calls[0][:-1], calls[1][:-1]), (len(calls[0]) - 1, len(calls[1]) - 1)]
    pairs = [(calls[0][i], calls[1][j]) for i, j in indices]
    if tolerance is None:
        dtypes = {t.dtype for call in (*calls[0], *calls[1]) for t in call.outputs}
        tolerance = max((TOLERANCES.get(dtype, 0.0) for dtype in dtypes), default=0.0)

    rows = [
        (a.label, b.label, _kind(a.module), _shapes(a.outputs), *_compare(a, b, tolerance))
        for a, b in pairs
    ]
    columns = ["yours", "reference", "kind", "shape", "tensor", "absolute error", "relative error"]
    first = next((r for r, row in enumerate(rows) if row[-1] > tolerance), None)
    unpaired = [
        [str(call) for k, call in enumerate(calls[s]) if k not in paired]
        for s, paired in enumerate(({i for i, _ in indices}, {j for _, j in indices}))
    ]

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
        known = [next((o for o in last if _equal(o, t)), None) for t in inputs]
        call.inputs = [t.clone() if k is None else k for t, k in zip(inputs, known, strict=True)]

    def keep_outputs(call: Call, outputs: list[Tensor]) -> None:
        does_something = outputs and _kind(call.module) not in ("Identity", "Sequential")
        if call.parent is None or (call.is_leaf and does_something):
            call.outputs = [t.clone() for t in outputs]
            if call.is_leaf and call.module.training:
                call.buffers = {name: b.clone() for name, b in call.module.named_buffers()}
            calls.append(call)

    with _unchanged(model), torch.no_grad():
        _run(model, _mapped(x, torch.clone), keep_inputs, keep_outputs)
    return calls


def _equal(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device) and torch.equal(a, b)


def _kind(module: nn.Module) -> str:
    """The name of PyTorch's class that the module belongs to, or else of its own class."""
    classes = type(module).__mro__
    torchs = (c for c in classes if c.__module__.startswith("torch.nn.") and c is not nn.Module)
    name = next(torchs, classes[0]).__name__
    return "AveragePool" if "avgpool" in name.lower() or "averagepool" in name.lower() else name


# --- Which call belongs to which --------------------------------------------------------------


def _pairs(mine: list[Call], reference: list[Call]) -> list[tuple[int, int]]:
    """The indices of the calls that are partners, in the order of mine."""
    sides = (mine, reference)
    kinds = [[_kind(call.module) for call in side] for side in sides]
    weights = [[getattr(call.module, "weight", None) for call in side] for side in sides]
    shapes = [[w.shape if isinstance(w, Tensor) else None for w in side] for side in weights]
    partner: tuple[dict[int, int], dict[int, int]] = ({}, {})  # mine -> reference, and back

    def match(label: Callable[[int, int], Any]) -> None:
        """Pair, in order, calls not paired yet whose labels agree; None leaves a call out."""
        labels = [
            {k: label(s, k) for k in range(len(sides[s])) if k not in partner[s]} for s in (0, 1)
        ]
        left = [[k for k, value in labels[s].items() if value is not None] for s in (0, 1)]
        for i, j in _in_step(*([labels[s][k] for k in left[s]] for s in (0, 1))):
            partner[0][left[0][i]] = left[1][j]
            partner[1][left[1][j]] = left[0][i]

    match(lambda s, k: (kinds[s][k], shapes[s][k]))
    gaps = [list(accumulate(k in partner[s] for k in range(len(sides[s])))) for s in (0, 1)]
    # a branch that one computes earlier than the other: its weights tell it from its neighbours
    match(lambda s, k: shapes[s][k] and (kinds[s][k], shapes[s][k]))
    # what is in the same place and of the same kind, with a weight of another shape
    match(lambda s, k: (gaps[s][k], kinds[s][k]))
    return sorted(partner[0].items())


def _in_step(mine: list, reference: list) -> Iterator[tuple[int, int]]:
    """The indices of equal entries; as far as the two agree from the start, each with its like."""
    agree = [a == b for a, b in zip(mine, reference, strict=False)]
    n = agree.index(False) if False in agree else len(agree)
    yield from zip(range(n), range(n), strict=True)
    rest = SequenceMatcher(None, mine[n:], reference[n:], autojunk=False)
    for i, j, size in rest.get_matching_blocks():
        yield from zip(range(n + i, n + i + size), range(n + j, n + j + size), strict=True)


# --- How far two calls are apart, and why -------------------------------------------------------


def _compare(mine: Call, reference: Call, tolerance: float) -> tuple[str, float, float]:
    """Name, absolute and relative error of the first tensor beyond tolerance, or of the worst."""
    tensors = [("output", *pair) for pair in zip(mine.outputs, reference.outputs, strict=False)]
    tensors += [
        (name, buffer, reference.buffers[name])
        for name, buffer in mine.buffers.items()
        if name in reference.buffers
    ]
    errors = [(name, *_errors(a, b)) for name, a, b in tensors]
    beyond = (error for error in errors if error[-1] > tolerance)
    worst = max(errors, key=lambda error: error[-1], default=("output", 0.0, 0.0))
    return next(beyond, worst)


def _errors(a: Tensor, b: Tensor) -> tuple[float, float]:
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


def _shapes(tensors: list[Tensor]) -> str:
    return ", ".join(str(tuple(t.shape)) for t in tensors)


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
    shape, reference_shape = _shapes(mine.outputs), _shapes(reference.outputs)
    bad, reference_bad = (WORST[_worst(call.outputs)] for call in (mine, reference))
    if bad != reference_bad:
        yield f"The output holds {bad} in yours, {reference_bad} in the reference."
    elif absolute < math.inf or shape == reference_shape:
        yield f"The {tensor} differs by up to {absolute:.1e}, a relative error of {relative:.1e}."
    else:
        yield f"The output has shape {shape} in yours, {reference_shape} in the reference."


def _why(mine: Call, reference: Call, before: str, tolerance: float) -> str:
    """The cause as far as it can be seen from outside: input, settings, weights, or mode."""
    inputs = zip(mine.inputs, reference.inputs, strict=False)
    if any(_errors(a, b)[1] > tolerance for a, b in inputs):
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
        elif (absolute := _errors(weight, other))[1] > tolerance:
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


# --- find_first_nan -------------------------------------------------------------------------

WORST = ("finite numbers", "infinity", "NaN")  # in order of badness: an infinity may become a NaN


@dataclass(repr=False)
class FirstNan:
    """What find_first_nan found: print it, or let a notebook show it."""

    name: str | None  # of the module; None if all is well, "" for the model itself
    explanation: str

    def __repr__(self) -> str:
        return self.explanation


def find_first_nan(model: nn.Module, x: Any, backward=False) -> FirstNan:
    """Find the module in which the first NaN or infinity arises.

    That is the first whose output holds NaN while its inputs hold none, or an infinity while its
    inputs are finite; of nested ones the innermost.

    Args:
        model: in train or eval mode, as you want it searched.
        x: what it is called with.
        backward: if forward is clean, go backward from the sum of the outputs as well, and find
            the module in which the first bad gradient arises. No gradient is kept.

    Raises:
        RuntimeError: forward failed before any NaN arose, or backward failed; the message names
            the module where forward was, the original is chained.
        ValueError: a module is lazy and has no weights yet; or backward is asked for, but no
            output depends on anything that takes a gradient.
    """
    found: list[FirstNan] = []
    owners: dict[Node, Call] = {}  # in which call each step of the autograd graph was recorded

    def enter(call: Call, inputs: list[Tensor]) -> None:
        if not found:
            call.worst_input = _worst(inputs)
        if backward and call.parent:  # what led here from the last call is the parent's own doing
            _claim(inputs, call.parent, owners)

    def leave(call: Call, outputs: list[Tensor]) -> None:
        if not found and (worst := _worst(outputs)) > call.worst_input:
            found.append(_culprit(call, worst, "in the output of"))
        if backward:
            _claim(outputs, call, owners)

    with _unchanged(model), torch.inference_mode(False), torch.set_grad_enabled(backward):
        try:
            output = _run(model, _mapped(x, _fresh_leaf), enter, leave)
        except RuntimeError:
            if not found:
                raise
        if not found and (worst := _worst(_tensors(output))):
            return FirstNan(None, f"No module makes one: x itself holds {WORST[worst]}.")
        if not found and backward:
            found += _bad_gradients(_tensors(output), owners)
    passes = "forward or backward" if backward else "forward"
    return found[0] if found else FirstNan(None, f"No NaN and no infinity in {passes}.")


def _fresh_leaf(tensor: Tensor) -> Tensor:
    """A copy without a history, which takes a gradient if the original does."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def _worst(tensors: Iterable[Tensor]) -> int:
    """What the tensors hold, as an index into WORST."""
    return max((_badness(tensor.detach()) for tensor in tensors), default=0)


def _badness(tensor: Tensor) -> int:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return 0
    if tensor.sum().isfinite():  # one bad value spoils the sum: one pass, and no copy of the tensor
        return 0
    return 2 if tensor.isnan().any() else 1 if tensor.isinf().any() else 0


def _culprit(call: Call, worst: int, where: str) -> FirstNan:
    text = f"The first {WORST[worst]} arises {where} {call}."
    own = (*call.module.named_parameters(recurse=False), *call.module.named_buffers(recurse=False))
    if bad := [f"`{name}` holds {WORST[_worst([t])]}" for name, t in own if _worst([t])]:
        text += f" Its {' and its '.join(bad)}."
    elif not call.is_leaf:
        text += " The modules it calls are innocent: look at the rest of its forward."
    return FirstNan(call.name, text)


def _claim(tensors: list[Tensor], call: Call, owners: dict[Node, Call]) -> None:
    """Make `call` the owner of all steps behind the tensors that have no owner yet."""
    nodes = [tensor.grad_fn for tensor in tensors]
    while nodes:
        node = nodes.pop()
        if node is not None and node not in owners:
            owners[node] = call
            nodes += [previous for previous, _ in node.next_functions]


def _bad_gradients(outputs: list[Tensor], owners: dict[Node, Call]) -> list[FirstNan]:
    """Go backward from the sum of the outputs; the owners of bad gradients, the first one first.

    The steps of the graph are watched rather than the modules: PyTorch's backward hooks of modules
    fail where a module works in place.
    """
    outputs = [tensor for tensor in outputs if tensor.requires_grad]
    # PyTorch's graph ends in one such node for each tensor that takes a gradient
    ends = {node for node in owners if type(node).__name__ == "AccumulateGrad"}
    if not outputs or not ends:
        raise ValueError("no output depends on a parameter or input that takes a gradient")
    found: list[FirstNan] = []

    def watch(node: Node, gradients: tuple, _: tuple) -> None:
        if not found and (worst := _worst(_tensors(gradients))):
            found.append(_culprit(owners[node], worst, f"in backward, in {node.name()} of"))

    handles = [n.register_hook(partial(watch, n)) for n in owners if n not in ends]
    try:
        ones = [torch.ones_like(tensor) for tensor in outputs]
        torch.autograd.grad(outputs, [end.variable for end in ends], ones, allow_unused=True)
    except Exception as error:
        raise RuntimeError(f"backward failed: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    return found


# --- activation_stats -----------------------------------------------------------------------


@dataclass(repr=False)
class ActivationStats:
    """What activation_stats measured: print it, or let a notebook show it."""

    table: "pd.DataFrame"  # one row an output, in order of execution

    def __repr__(self) -> str:
        return self.table.to_string(float_format="{:.3g}".format)

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.3g}".format)
        return f'<div style="max-height: 32em; overflow: auto">{table}</div>'

    def plot(self) -> "Picture":
        """Spread and mean (log axis) above, share of zeros below, along the network."""
        from resnet_helpers.figures.diagnosis import draw_activations

        return draw_activations(self.table)


def activation_stats(model: nn.Module, x: Any) -> ActivationStats:
    """Run model on x and measure every module's output: mean, std, share of zeros, shape.

    A module that only hands on what its last submodule returned gets no row of its own. One that
    returns several tensors gets a row for each.

    Args:
        model: in train or eval mode, as you want it measured.
        x: what it is called with.

    Raises:
        RuntimeError: forward failed; the message names the module, the original is chained.
        ValueError: a module is lazy and has no weights yet.
    """
    import pandas as pd

    rows: list[tuple] = []

    def leave(call: Call, outputs: list[Tensor]) -> None:
        floats = [t for t in outputs if t.is_floating_point()]
        measured = [_stats(t) for t in floats]
        if not call.is_leaf and repr([row[2:] for row in rows[-len(floats) :]]) == repr(measured):
            return  # compared as text, in which NaN equals NaN
        for i, stats in enumerate(measured):
            which = f"[{i}]" if len(measured) > 1 else ""
            rows.append((call.label + which, type(call.module).__name__, *stats))

    with _unchanged(model), torch.no_grad():
        _run(model, _mapped(x, torch.clone), lambda *_: None, leave)
    columns = ["module", "kind", "shape", "mean", "std", "zeros"]
    return ActivationStats(pd.DataFrame(rows, columns=columns))


def _stats(tensor: Tensor) -> tuple[tuple[int, ...], float, float, float]:
    shape = tuple(tensor.shape)
    if not tensor.numel():
        return shape, math.nan, math.nan, math.nan
    wide = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    mean = wide.mean()
    std = (wide - mean).square().mean().sqrt()  # a tenth of the time that torch.std_mean takes
    zeros = 1 - tensor.count_nonzero().item() / tensor.numel()
    return shape, mean.item(), std.item(), zeros
