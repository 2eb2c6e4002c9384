"""Modules as outcomes of trials: a state dict's entries, gradients, what each layer returned.

They compare by order and shape, whatever the learner called things, and then say what differs in
the learner's own names.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging import settings_of
from resnet_helpers.debugging.calls import hooked
from resnet_helpers.param_count import Entry, entries_of, first_mismatch
from resnet_helpers.tests.outcomes import Described, difference, same, short, shown
from resnet_helpers.tests.values import fill, made_up


@dataclass(frozen=True, eq=False)
class Rows(Described):
    """A state dict's names and shapes. Two are equal if their shapes are: names are free.

    An entry that is the same tensor as an earlier one (a module used twice) equals only an entry
    that is shared in the same way.
    """

    entries: tuple[Entry, ...]
    plain_lists: tuple[str, ...] = ()  # attributes that hide modules from nn.Module

    @classmethod
    def of(cls, module: nn.Module) -> "Rows":
        return cls(tuple(entries_of(module)), tuple(plain_lists(module)))

    @cached_property
    def _comparable(self) -> list[tuple]:
        if not self.entries:
            return [("in a plain list",)] * bool(self.plain_lists)
        row_of = {entry.name: row for row, entry in enumerate(self.entries)}
        return [(entry.shape, row_of.get(entry.shared_with)) for entry in self.entries]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self._comparable == other._comparable

    __hash__ = None

    def shown(self, subject: str) -> str:
        return f"{len(self.entries)} entries in the state dict"

    def difference(self, subject: str, got: "Rows") -> tuple[str, str, str]:
        texts = [rows.shown(subject) for rows in (self, got)]
        pairs = zip(self._comparable, got._comparable, strict=False)
        row = next((row for row, (a, b) in enumerate(pairs) if a != b), None)
        if row is not None and got.entries:
            texts[0] += f"; entry {row}: {self.entries[row].shape}"
            texts[1] += f"; entry {row}: {got.entries[row].shape}, your {got.entries[row].name}"
        return *texts, self._explanation(got)

    def _explanation(self, got: "Rows") -> str:
        """What is missing, superfluous, out of order, of another shape, or shared."""
        if got.plain_lists and len(got.entries) < len(self.entries):
            return (
                f"There are modules in the plain list {got.plain_lists[0]}, where nn.Module does "
                "not see them: use Sequential, or assign each to an attribute of its own."
            )
        if not got.entries:
            return (
                "Nothing is registered. Assign each layer to an attribute of self in __init__, or "
                "put it into a Sequential that you assign."
            )
        shared = [entry for entry in got.entries if entry.shared_with]
        if len(shared) > len([entry for entry in self.entries if entry.shared_with]):
            names = (shared[0].name, shared[0].shared_with)
            twice, once = (name.rpartition(".")[0] or name for name in names)
            if len(got.entries) == len(self.entries):
                return (
                    f"Your `{twice}` is the same object as your `{once}`: make a new one for each."
                )
            return (
                f"Your `{twice}` is your `{once}` under another name, so the state dict has its "
                "entries again. Register each layer once."
            )
        sentence = first_mismatch(list(got.entries), list(self.entries))
        return re.sub(
            r"(the reference(?: has|'s)) `([\w.]+)`",
            lambda match: f"{match[1]} {place_in_words(match[2])}",
            sentence,
        )


PLACES = {  # in the reference's names, which the learner has never seen
    r"in_layers\.0": "first convolution",
    r"in_layers\.1": "first batchnorm",
    r"residual_layers\.(\d+)": "group {}",
    r"blocks\.(\d+)": "block {}",
    r"blocks": "blocks",
    r"left\.0": "3x3 convolution 1",
    r"left\.1": "batchnorm 1",
    r"left\.3": "3x3 convolution 2",
    r"left\.4": "batchnorm 2",
    r"right\.0": "1x1 convolution",
    r"right\.1": "batchnorm on the right",
    r"left": "left branch",
    r"right": "right branch",
    r"out_layers\.1": "last layer",
}


def place_in_words(name: str) -> str:
    """A name of the reference's in words, as far as it is known: group 2, block 1, weight."""
    words, rest = [], name
    while rest:
        for pattern, place in PLACES.items():
            if match := re.match(rf"{pattern}(\.|$)", rest):
                number = int(match[1]) + 1 if "{}" in place else 0
                words.append(place.format(number))
                rest = rest[match.end() :]
                break
        else:
            return ", ".join([*words, rest if words and "." not in rest else f"`{rest}`"])
    return ", ".join(words)


def plain_lists(module: nn.Module) -> list[str]:
    """The attributes that are lists, tuples or dicts of modules, as in self.layers = [...]."""
    found = []
    for name, value in vars(module).items():
        items = value.values() if isinstance(value, dict) else value
        if name != "_modules" and isinstance(value, (list, tuple, dict)):
            found += [f"self.{name}"] * any(isinstance(item, nn.Module) for item in items)
    return found


@dataclass(frozen=True)
class Entries(Described):
    """Something about each entry of a model, by its name."""

    of: dict[str, str]

    def shown(self, subject: str) -> str:
        return f"{subject}: {few(f'{name}: {text}' for name, text in self.of.items())}"

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        names = [name for name in self.of if self.of[name] != got.of.get(name)]
        names += [name for name in got.of if name not in self.of]
        texts = [
            Entries({name: entries.of.get(name, "not there") for name in names}).shown(subject)
            for entries in (self, got)
        ]
        return *texts, f"{len(self.of.keys() - set(names))} of {len(self.of)} are right."


def few(texts: Iterable[str], n_most=4) -> str:
    """The first of the texts, and how many more there are."""
    texts = list(texts)
    more = f", and {len(texts) - n_most} more" if len(texts) > n_most else ""
    return ", ".join(texts[:n_most]) + more


CUT_OFF = (
    "No gradient reaches {}: look for requires_grad, for detach, .data or no_grad between it and "
    "the output, or for a layer that forward leaves out."
)


@dataclass(frozen=True, eq=False)
class Values(Described):
    """Tensors in order, such as the gradients of all parameters. The names are the learner's."""

    named: tuple[tuple[str, Tensor | None], ...]

    @classmethod
    def of(cls, named: Iterable[tuple[str, Tensor | None]]) -> "Values":
        return cls(tuple((name, None if t is None else t.clone()) for name, t in named))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Values)
            and len(self.named) == len(other.named)
            and all(same(a, b) for (_, a), (_, b) in zip(self.named, other.named, strict=True))
        )

    __hash__ = None

    def shown(self, subject: str) -> str:
        return f"{subject}: {len(self.named)} tensors"

    def difference(self, subject: str, got: "Values") -> tuple[str, str, str]:
        for (_, expected), (name, mine) in zip(self.named, got.named, strict=False):
            if not same(expected, mine):
                texts = difference(f"{subject} {name}", expected, mine)
                return texts if mine is not None else (*texts[:2], CUT_OFF.format(name))
        return self.shown(subject), got.shown(subject), ""


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer that has weights."""

    layer: int  # its position among all layers with weights, in order of declaration
    input: Tensor
    output: Tensor


@dataclass(frozen=True, eq=False)
class Traced(Described):
    """An output, and what each layer with weights got and returned on the way to it.

    Two are equal if their outputs are. The calls serve to say where two unequal ones part.
    """

    output: Tensor
    layers: dict[str, nn.Module]  # in order of declaration, without weights
    calls: list[Call]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Traced) and same(self.output, other.output)

    __hash__ = None

    def shown(self, subject: str) -> str:
        return shown(subject, self.output)

    def difference(self, subject: str, got: "Traced") -> tuple[str, str, str]:
        expected_text, got_text, remark = difference(subject, self.output, got.output)
        return expected_text, got_text, f"{self._parting(got)} {remark}".strip()

    def _parting(self, got: "Traced") -> str:
        """Where the learner's forward parts from this one, if their layers can be paired."""
        if len(got.layers) != len(self.layers):
            return ""
        names = list(got.layers)
        called, should = ([call.layer for call in t.calls] for t in (got, self))
        for layer, name in enumerate(names):
            times = called.count(layer)
            if times != should.count(layer):
                return (
                    f"Your forward calls `{name}` {times} times."
                    if times
                    else (f"Your forward never calls `{name}`.")
                )
        before = ""
        for call in self.calls:
            name = names[call.layer]
            mine = next(c for c in got.calls if c.layer == call.layer)
            if not same(call.input, mine.input):
                wanted, had, _ = difference("input", call.input, mine.input)
                return (
                    f"The first wrong step is before your `{name}`: it gets {had} instead of "
                    f"{wanted}" + (f", while `{before}` before it is right." if before else ".")
                )
            if not same(call.output, mine.output):
                yours, reference = (list(t.layers.values())[call.layer] for t in (got, self))
                return (
                    f"Your `{name}` gets the right input and returns something else. "
                    + difference_of_layers(yours, reference)
                )
            before = name
        return (
            "Each of your layers with weights gets and returns what it should: look at what else "
            "you do with x, and with their results."
        )


def difference_of_layers(yours: nn.Module, reference: nn.Module) -> str:
    """What they are; or, where their settings are the same, that yours is wrong inside."""
    if yours.training != reference.training:
        mode = "train" if yours.training else "eval"
        return f"It is in {mode} mode: leave the mode to whoever uses the network."
    kinds = [type(layer).__name__ for layer in (yours, reference)]
    settings = [settings_of(layer) for layer in (yours, reference)]
    common = settings[0].keys() & settings[1].keys()
    if kinds[0] == kinds[1] and all(settings[0][name] == settings[1][name] for name in common):
        lesson = " (lesson 1)" if kinds[0] == "BatchNorm2d" else ""
        return (
            "Its settings are right, so the mistake is in "
            f"{kinds[0]} itself: run its own check again{lesson}."
        )
    return f"It is {short(repr(yours), 110)}; the reference has {short(repr(reference), 110)}."


def traced(module: nn.Module, x: Tensor) -> Traced | object:
    """Call the module on x, and record its layers; what is returned is not traced if no tensor."""
    output, layers, calls = recorded(module, x)
    if not isinstance(output, Tensor):
        return output
    kept = {name: without_weights(layer) for layer, name in layers.items()}
    return Traced(output.detach(), kept, calls)


def recorded(module: nn.Module, x: Tensor) -> tuple[object, dict[nn.Module, str], list[Call]]:
    """What the module makes of x, its layers with weights by name, and their calls."""
    layers = {
        layer: name
        for name, layer in module.named_modules()
        if name and (layer._parameters or layer._buffers)
    }
    positions = {layer: position for position, layer in enumerate(layers)}
    calls = []

    def record(layer: nn.Module, args: tuple, kwargs: dict, output: object) -> None:
        given = next(iter((*args, *kwargs.values())), None)
        if isinstance(given, Tensor) and isinstance(output, Tensor):
            # copies, since an in-place operation may come next
            calls.append(Call(positions[layer], given.detach().clone(), output.detach().clone()))

    with hooked(layers, record):
        output = module(x)
    return output, layers, calls


def without_weights(layer: nn.Module) -> nn.Module:
    """What shows as the layer does. Outcomes are kept, and 21 million weights take 170 MB."""
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    for kind in ("_parameters", "_buffers"):
        entries = layer.__dict__[kind].items()
        twin.__dict__[kind] = {
            name: entry if entry is None else entry.detach().to("meta") for name, entry in entries
        }
    twin.__dict__["_modules"] = {}
    return twin


@dataclass(frozen=True, eq=False)
class Wiring:
    """How the layers with weights are set, and what each has an effect on.

    A layer goes by the place of its first entry in the state dict. Two wirings are equal if what
    is known of a layer in both is the same in both; of a learner's own kind of layer, or where
    forward raises, little is known.
    """

    layers: dict[int, dict[str, Any]]

    @classmethod
    def of(cls, module: nn.Module, x: Tensor) -> "Wiring":
        """What is found by changing the weights of one layer after the other, in eval mode."""
        filled(module).eval()
        places = places_of_layers(module)
        facts = {place: settings_of(layer) for layer, place in places.items()}
        try:
            before = what_arrives(module, places, x)
            for layer, place in places.items():
                with other_weights(layer):
                    after = what_arrives(module, places, x)
                facts[place]["called again"] = len(before.get(place, [])) > 1
                for where in before:
                    reached = not same(before[where], after.get(where))
                    facts[place][f"has an effect on {where}"] = reached
        except Exception:
            return cls(facts)
        return cls(facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wiring) and all(
            type(fact) is not type(others.get(name)) or fact == others[name]
            for place, facts in self.layers.items()
            for name, fact in facts.items()
            for others in [other.layers.get(place, {})]
        )

    __hash__ = None


def places_of_layers(module: nn.Module) -> dict[nn.Module, int]:
    """The layers within the module that have entries of their own, and where the first stands."""
    places: dict[nn.Module, int] = {}
    layers = dict(module.named_modules())
    for place, entry in enumerate(module.state_dict()):
        layer = layers.get(entry.rpartition(".")[0])
        if layer is not None and layer is not module:
            places.setdefault(layer, place)
    return places


def what_arrives(module: nn.Module, places: dict, x: Tensor) -> dict[int | str, list]:
    """The inputs of each layer, by its place, and the output."""
    arrived: dict[int | str, list] = {}
    output, names, calls = recorded(module, x.clone())
    layers = list(names)
    for call in calls:
        arrived.setdefault(places[layers[call.layer]], []).append(call.input)
    return arrived | {"output": [output.detach()]}


@contextmanager
def other_weights(layer: nn.Module) -> Iterator[None]:
    """Within it, the layer's own weights and statistics are larger by 1."""
    entries = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
    before = [entry.detach().clone() for entry in entries]
    with torch.no_grad():
        try:
            for entry in entries:
                entry.add_(1)
            yield
        finally:
            for entry, old in zip(entries, before, strict=True):
                entry.copy_(old)


# ---- What the trials look at ----------------------------------------------------------------


def with_weights(module: nn.Module) -> nn.Module:
    """The module itself.

    Raises:
        LookupError: it has no weights, so its outputs are random and say nothing.
    """
    if not module.state_dict():
        raise LookupError("the module has no weights to fill")
    return module


def filled(module: nn.Module) -> nn.Module:
    """The module with its weights, which it must have, filled in state-dict order."""
    return fill(with_weights(module))


def detached(output: object) -> object:
    """The output without its graph, if it is a tensor."""
    return output.detach() if isinstance(output, Tensor) else output


def eval_output(module: nn.Module, x: Tensor) -> Traced | object:
    """The output in eval mode, and what each layer made of it."""
    return traced(filled(module).to(x.dtype).eval(), x)


def train_output(module: nn.Module, x: Tensor) -> Traced | object:
    """The output in train mode, and what each layer made of it."""
    return traced(filled(module).train(), x)


def statistics_after_training(module: nn.Module, x: Tensor) -> Values:
    """All buffers after one batch in train mode."""
    filled(module).train()(x)
    return Values.of(module.named_buffers())


def gradients(module: nn.Module, x: Tensor) -> Values | object:
    """The gradients of a weighted sum of the outputs with respect to x and every parameter.

    In float64: batchnorm's gradients are small differences of large numbers.
    """
    filled(module).double().train()
    x = x.double().requires_grad_()
    output = module(x)
    if not isinstance(output, Tensor):
        return output
    if not output.requires_grad:
        return "none: the output is cut off from the graph"
    (output * made_up(*output.shape)).sum().backward()
    tensors = [("x", x), *module.named_parameters()]
    return Values.of((name, tensor.grad) for name, tensor in tensors)


def dropouts(module: nn.Module) -> str:
    """The hint for a module that holds a dropout; "" if it holds none."""
    for name, layer in module.named_modules():
        if isinstance(layer, (nn.Dropout, nn.Dropout2d)):
            return (
                f"Your `{name}` is a dropout, which sets values to 0 at random in train mode. This "
                "network has none: leave it out."
            )
    return ""


def other_settings(module: nn.Module, reference: nn.Module, x: Tensor) -> str:
    """The hint for the first layer of other settings, where forward raises; "" if none has."""
    try:
        filled(module).eval()(x)
    except Exception:
        pairs = [places_of_layers(model).items() for model in (module, reference)]
        names = {layer: name for name, layer in module.named_modules()}
        for (yours, place), (right, right_place) in zip(*pairs, strict=False):
            if place != right_place:
                break
            if Wiring({0: settings_of(yours)}) != Wiring({0: settings_of(right)}):
                return f"Your `{names[yours]}` has other settings. " + difference_of_layers(
                    yours, right
                )
    return ""


# ---- Trials of modules, whose code is given as text: "ResidualBlock(3, 5)" ------------------


def state_dict_of(module: str) -> tuple:
    shapes = f"{{name: tuple(entry.shape) for name, entry in {module}.state_dict().items()}}"
    return f"the state dict of {module}", shapes, "output", False, f"Rows.of({module})"


def with_ones(module: str, numbers: list) -> tuple:
    ones = "eval mode, all weights and statistics 1 (so batchnorm changes nothing)"
    x = f"torch.tensor({torch.tensor(numbers).float().tolist()})"
    code = f"{of_ones(module)}\nmodule({x})"
    look = f"traced(with_weights(module), {x})"
    return f"{module}, {ones}, x = {numbers}", code, "output", False, look


def of_ones(module: str) -> str:
    """Code that makes the module, in eval mode, with all weights and statistics 1."""
    fill = "[entry.fill_(1) for entry in module.state_dict().values()]"
    return f"module = {module}.eval(); {fill}"


def in_eval_mode(module: str, *shape: int) -> tuple[str, str]:
    tried = f"{module}, eval mode, x of shape {shape}"
    return tried, f"eval_output({module}, made_up{shape})"


def in_train_mode(module: str, *shape: int) -> tuple[str, str]:
    tried = f"{module}, train mode, x of shape {shape}"
    return tried, f"train_output({module}, made_up{shape})"


def after_a_batch(module: str, *shape: int) -> tuple[str, str, str]:
    tried = f"{module}, one batch of shape {shape} in train mode"
    return tried, f"statistics_after_training({module}, made_up{shape})", "buffer"


def in_backward(module: str, *shape: int) -> tuple[str, str, str]:
    tried = f"{module}, backward, x of shape {shape}"
    return tried, f"gradients({module}, made_up{shape})", "gradient of"
