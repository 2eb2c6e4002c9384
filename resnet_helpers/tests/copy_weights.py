"""Lesson 5: the check of copy_weights, with its known mistakes."""

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.structure import Entries
from resnet_helpers.tests.trials import trials_of

# ---- What is tried --------------------------------------------------------------------------


def two(mine: dict[str, nn.Module], pretrained: dict[str, nn.Module]) -> list[nn.Module]:
    """Two networks of these layers, in which each entry has values of its own."""
    networks = [nn.Sequential(OrderedDict(layers)) for layers in (mine, pretrained)]
    for first, network in zip((1, 101), networks, strict=True):
        for number, entry in enumerate(network.state_dict().values(), start=first):
            entry.copy_(number + 0.5 * torch.arange(entry.numel()).view_as(entry) / entry.numel())
    return networks


def two_networks() -> list[nn.Module]:
    """Mine and a pretrained one: other names except for the last layer's."""
    return two(
        {"stem": nn.Conv2d(1, 2, 1), "norm": nn.BatchNorm2d(2), "fc": nn.Linear(2, 3)},
        {"conv1": nn.Conv2d(1, 2, 1), "bn1": nn.BatchNorm2d(2), "fc": nn.Linear(2, 3)},
    )


def two_of_one_shape(mine: str, pretrained: str) -> list[nn.Module]:
    """Networks of one layer for each letter, in which each entry would fit in all places."""
    return two(*({name: nn.Linear(2, 2, bias=False) for name in of} for of in (mine, pretrained)))


def two_without_parameters() -> list[nn.Module]:
    """Networks that have buffers only."""
    return two({"norm": nn.BatchNorm2d(2, affine=False)}, {"bn1": nn.BatchNorm2d(2, affine=False)})


def two_in_different_order() -> list[nn.Module]:
    """Networks with the same shapes, but not in the same order."""
    return two(
        {"conv": nn.Conv2d(1, 2, 1), "fc": nn.Linear(2, 3)},
        {"fc": nn.Linear(2, 3), "conv": nn.Conv2d(1, 2, 1)},
    )


def values_of(model: nn.Module) -> dict[str, Tensor]:
    """Copies of a model's entries."""
    return {name: entry.clone() for name, entry in model.state_dict().items()}


def origins(model: nn.Module, old: dict[str, Tensor], new: dict[str, Tensor]) -> dict[str, str]:
    """Where the values of each of the model's entries come from: the name in `new`."""
    sources = {}
    for name, entry in model.state_dict().items():
        found = [source for source, value in new.items() if torch.equal(value, entry)]
        unchanged = torch.equal(old[name], entry)
        sources[name] = found[0] if found else "its old values" if unchanged else "other values"
    return sources


def copied(copy_weights, mine, pretrained):
    """Where the values of each of my_resnet's entries come from after the copying."""
    old, new = values_of(mine), values_of(pretrained)
    copy_weights(mine, pretrained)
    return Entries(origins(mine, old, new))


def returned_model(copy_weights):
    """Which model is returned."""
    mine, pretrained = two_networks()
    result = copy_weights(mine, pretrained)
    if result is mine:
        return "my_resnet"
    if result is pretrained:
        return "pretrained_resnet"
    if isinstance(result, nn.Module):
        return "another model, not my_resnet itself"
    return "None" if result is None else f"something of type {type(result).__name__}"


def pretrained_afterwards(copy_weights):
    """Where pretrained's values come from after the copying: they should be its own."""
    mine, pretrained = two_networks()
    old, new = values_of(mine), values_of(pretrained)
    copy_weights(mine, pretrained)
    sources = origins(pretrained, new, new | {f"my {name}": value for name, value in old.items()})
    return Entries(
        {name: "its own" if source == name else source for name, source in sources.items()}
    )


def pretrained_after_mine_was_zeroed(copy_weights):
    """Which entries of the pretrained network go to 0 when all of mine are set to 0."""
    mine, pretrained = two_networks()
    copy_weights(mine, pretrained)
    for entry in mine.state_dict().values():
        entry.zero_()
    zeroed = [name for name, entry in pretrained.state_dict().items() if not entry.any()]
    return ", ".join(zeroed) or "none"


def trainable(copy_weights):
    """Whether an optimizer would still train my parameters."""
    mine, pretrained = two_networks()
    copy_weights(mine, pretrained)
    states = {}
    for name, parameter in mine.named_parameters():
        states[name] = "trainable" if parameter.requires_grad else "frozen"
        if not parameter.is_leaf:
            states[name] = "attached to a graph"
    return Entries(states)


def complaint(copy_weights, mine, pretrained):
    """Whether copying raises an error, of whatever kind; if not, whether anything was copied."""
    old = values_of(mine)
    try:
        copy_weights(mine, pretrained)
    except NotImplementedError:  # a stub
        raise
    except Exception:
        return "an error"
    unchanged = all(torch.equal(old[name], new) for name, new in values_of(mine).items())
    return f"no error, and {'nothing' if unchanged else 'something'} copied"


class Looked(nn.Sequential):
    """A network that notes whether anything of it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name not in ("__class__", "__dict__"):
            vars(self)["looked_at"] = True
        return super().__getattribute__(name)


def looked_at(copy_weights):
    """Whether my_resnet is used at all."""
    mine, pretrained = two_networks()
    mine = Looked(OrderedDict(mine.named_children()))
    vars(mine)["looked_at"] = False
    try:
        copy_weights(mine, pretrained)
    except NotImplementedError:  # a stub
        raise
    except Exception:  # of which other trials tell more
        pass
    return "used" if vars(mine)["looked_at"] else "never used"


NETWORKS = "my_resnet of stem, norm, fc; pretrained_resnet of conv1, bn1, fc"
SOURCES = "origin of my_resnet's values"

TRIALS = trials_of(
    "test_copy_weights",
    (NETWORKS, "looked_at(copy_weights)", "my_resnet"),
    (NETWORKS, "copied(copy_weights, *two_networks())", SOURCES),
    (
        "my_resnet of c, b, a; pretrained_resnet of x, y, z",
        "copied(copy_weights, *two_of_one_shape('cba', 'xyz'))",
        SOURCES,
    ),
    (
        "both with buffers only: norm; bn1",
        "copied(copy_weights, *two_without_parameters())",
        SOURCES,
    ),
    (
        "both with the same names: a, b; a, b",
        "copied(copy_weights, *two_of_one_shape('ab', 'ab'))",
        SOURCES,
    ),
    (NETWORKS, "returned_model(copy_weights)", "returned"),
    (NETWORKS, "pretrained_afterwards(copy_weights)", "origin of pretrained_resnet's values"),
    (
        f"{NETWORKS}. Then all of my_resnet is set to 0",
        "pretrained_after_mine_was_zeroed(copy_weights)",
        "entries of pretrained_resnet that become 0 with it",
    ),
    (NETWORKS, "trainable(copy_weights)", "parameters of my_resnet"),
    (
        "my_resnet of a, b; pretrained_resnet of x, y, z",
        "complaint(copy_weights, *two_of_one_shape('ab', 'xyz'))",
        "raised",
    ),
    (
        "my_resnet of a, b, c; pretrained_resnet of x, y",
        "complaint(copy_weights, *two_of_one_shape('abc', 'xy'))",
        "raised",
    ),
    (
        "my_resnet of conv, fc; pretrained_resnet of fc, conv",
        "complaint(copy_weights, *two_in_different_order())",
        "raised",
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class CopyWeightsInSteps:
    """copy_weights cut into the steps that can each go wrong."""

    strict = True

    def entries(self, model):
        return model.state_dict()

    def compare_lengths(self, mine, theirs):
        assert len(mine) == len(theirs)

    def paired(self, mine, theirs):
        return dict(zip(mine, theirs.values(), strict=False))

    def target(self, my_resnet, pretrained_resnet):
        return my_resnet

    def load(self, model, entries):
        return model.load_state_dict(entries, strict=self.strict)

    def result(self, my_resnet, pretrained_resnet, target, loaded):
        return my_resnet

    def copy_weights(self, my_resnet, pretrained_resnet):
        mine, theirs = self.entries(my_resnet), self.entries(pretrained_resnet)
        self.compare_lengths(mine, theirs)
        target = self.target(my_resnet, pretrained_resnet)
        loaded = self.load(target, self.paired(mine, theirs))
        return self.result(my_resnet, pretrained_resnet, target, loaded)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()


@mistake(
    "a network made inside",
    "You never use my_resnet: you make a network of your own inside the function. Copy into "
    "the one that copy_weights is given.",
)
class _:
    def copy_weights(self, my_resnet, pretrained_resnet):
        my_resnet = solutions.ResNet34((1,), (8,), (1,), 5)
        return CopyWeightsInSteps.copy_weights(self, my_resnet, pretrained_resnet)


mistake(
    "buffers forgotten",
    "You copy the parameters only. Batchnorm's running statistics are buffers, and eval mode "
    "needs them: state_dict() holds both.",
    entries=lambda self, model: dict(model.named_parameters()),
    strict=False,
)
mistake(
    "num_batches_tracked forgotten",
    "You leave out num_batches_tracked. Copy every entry of the state dict.",
    entries=lambda self, model: {
        name: entry for name, entry in model.state_dict().items() if entry.ndim
    },
    strict=False,
)
mistake(
    "first of the same shape",
    "You give each of my_resnet's entries the first of pretrained's that has its shape, again "
    "and again. Shapes repeat: pair the entries by position, the first with the first.",
    paired=lambda self, mine, theirs: {
        name: next(other for other in theirs.values() if other.shape == entry.shape)
        for name, entry in mine.items()
    },
)
mistake(
    "last of the same shape",
    "You give each of my_resnet's entries the last of pretrained's that has its shape. Shapes "
    "repeat: pair the entries by position, the first with the first.",
    paired=lambda self, mine, theirs: {
        name: {other.shape: other for other in theirs.values()}[entry.shape]
        for name, entry in mine.items()
    },
)


@mistake(
    "each of the same shape in turn",
    "You pair the entries by shape, so that two networks in different order go through "
    "unnoticed. Pair them by position: then load_state_dict complains if a shape differs.",
)
class _:
    def paired(self, mine, theirs):
        left = list(theirs.values())
        pairs = {}
        for name, entry in mine.items():
            position = next(i for i, other in enumerate(left) if other.shape == entry.shape)
            pairs[name] = left.pop(position)
        return pairs


mistake(
    "sorted by name",
    "You pair the entries in the alphabetical order of their names. Names are free: keep the "
    "order of the state dicts.",
    paired=lambda self, mine, theirs: {
        name: theirs[other] for name, other in zip(sorted(mine), sorted(theirs), strict=False)
    },
)
mistake(
    "reversed",
    "You pair my_resnet's first entry with pretrained_resnet's last. Keep the order: the first "
    "with the first.",
    paired=lambda self, mine, theirs: dict(zip(mine, reversed(theirs.values()), strict=False)),
)
mistake(
    "last entry left out",
    "The last entry is left out. Copy all of them.",
    paired=lambda self, mine, theirs: dict(list(zip(mine, theirs.values(), strict=False))[:-1]),
    strict=False,
)
mistake(
    "first entry only",
    "Only the first entry is copied. Load and return after the loop, not inside it.",
    paired=lambda self, mine, theirs: dict(list(zip(mine, theirs.values(), strict=False))[:1]),
    strict=False,
)
mistake(
    "loaded into pretrained",
    "You copy my_resnet's weights into pretrained_resnet. It goes the other way: my_resnet "
    "gets pretrained_resnet's values, under its own names.",
    target=lambda self, my_resnet, pretrained_resnet: pretrained_resnet,
    paired=lambda self, mine, theirs: dict(zip(theirs, mine.values(), strict=False)),
)
mistake(
    "a copy loaded",
    "You load the weights into a copy of my_resnet. Load them into my_resnet itself.",
    target=lambda self, my_resnet, pretrained_resnet: copy.deepcopy(my_resnet),
    result=lambda self, my_resnet, pretrained_resnet, target, loaded: target,
)
mistake(
    "pretrained returned",
    "You return pretrained_resnet. Return my_resnet, which has the weights now.",
    result=lambda self, my_resnet, pretrained_resnet, target, loaded: pretrained_resnet,
)
mistake(
    "nothing returned",
    "You return nothing. Return my_resnet.",
    result=lambda self, my_resnet, pretrained_resnet, target, loaded: None,
)
mistake(
    "load_state_dict's result returned",
    "You return what load_state_dict returns, which is a report on the keys. Load first, then "
    "return my_resnet.",
    result=lambda self, my_resnet, pretrained_resnet, target, loaded: loaded,
)
mistake(
    "lengths not compared",
    "Nothing stops you where the numbers of entries differ (a print does not): zip stops at "
    "the shorter one, and pretrained entries are left over. Assert that both are equal.",
    compare_lengths=lambda self, mine, theirs: None,
)


@mistake(
    "only a return where lengths differ",
    "Where the numbers of entries differ you return, and whoever called goes on with a network "
    "that knows nothing. Raise an error instead: assert that both are equal.",
)
class _:
    def copy_weights(self, my_resnet, pretrained_resnet):
        if len(my_resnet.state_dict()) != len(pretrained_resnet.state_dict()):
            return None
        return CopyWeightsInSteps.copy_weights(self, my_resnet, pretrained_resnet)


mistake(
    "names zipped with names",
    "You pair my_resnet's names with pretrained's names, since going through a state dict "
    "gives its keys. Take the values of the second: .values().",
    paired=lambda self, mine, theirs: dict(zip(mine, theirs, strict=False)),
)
mistake(
    "strict=False hides a mismatch",
    "strict=False lets entries be missing without a word. Leave it out, and assert that both "
    "networks have the same number of entries.",
    compare_lengths=lambda self, mine, theirs: None,
    strict=False,
)
mistake(
    "names not translated",
    "You load pretrained's state dict under its own names, which my_resnet doesn't have. Put "
    "pretrained's values under my_resnet's keys.",
    paired=lambda self, mine, theirs: theirs,
)
mistake(
    "names not translated, with strict=False",
    "You load pretrained's state dict under its own names, and strict=False skips those that "
    "my_resnet doesn't have, which is nearly all. Put the values under my_resnet's keys.",
    paired=lambda self, mine, theirs: theirs,
    strict=False,
)
mistake(
    "keys and values swapped",
    "You pair pretrained's keys with my_resnet's values. It takes my_resnet's keys and "
    "pretrained's values.",
    paired=lambda self, mine, theirs: dict(zip(theirs, mine.values(), strict=False)),
)
mistake(
    "never loaded",
    "Nothing arrives in my_resnet: changing the dictionary that state_dict() returned does not "
    "change the model. Pass it to my_resnet.load_state_dict.",
    load=lambda self, model, entries: None,
)
mistake(
    "memory shared",
    "my_resnet and pretrained_resnet now share their memory: training one would change the "
    "other. Copy the values: load_state_dict without assign=True does, or copy_.",
    load=lambda self, model, entries: model.load_state_dict(entries, assign=True),
)


@mistake(
    "memory shared through .data",
    "You make pretrained's tensors those of my_resnet (as p.data = q does): they share their "
    "memory, and no shape is compared. Copy the values: load_state_dict does, or copy_.",
)
class _:
    def load(self, model, entries):
        tensors = dict([*model.named_parameters(), *model.named_buffers()])
        for name, entry in entries.items():
            tensors[name].data = entry


@mistake(
    "copied in place with gradients on",
    "PyTorch does not let you change a parameter in place while it records gradients. Copy "
    "under torch.no_grad(), or use load_state_dict.",
)
class _:
    def load(self, model, entries):
        tensors = dict([*model.named_parameters(), *model.named_buffers()])
        for name, entry in entries.items():
            tensors[name].copy_(entry)


@mistake(
    "parameters attached to pretrained's graph",
    "You copy with gradients on, so my_resnet's parameters became results computed from "
    "pretrained's, which no optimizer takes. Copy under torch.no_grad().",
)
class _:
    def load(self, model, entries):
        model.requires_grad_(False)
        parameters = dict(model.named_parameters())
        for name, entry in entries.items():
            if name in parameters:
                parameters[name].copy_(entry.clone().requires_grad_())
            else:
                model.get_buffer(name).copy_(entry)


@mistake(
    "parameters frozen",
    "Your parameters don't require gradients any more, so my_resnet can't be trained further. "
    "Leave requires_grad as it is; copy under torch.no_grad() instead.",
)
class _:
    def load(self, model, entries):
        model.load_state_dict(entries)
        model.requires_grad_(False)


# ---- The check ------------------------------------------------------------------------------

COPY_WEIGHTS = Exercise(
    name="copy_weights",
    reference=solutions.copy_weights,
    trials=TRIALS,
    names=globals(),
    in_steps=CopyWeightsInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().copy_weights,
)


def test_copy_weights(copy_weights: Callable) -> None:
    """Check that copy_weights(mine, pretrained) copies each entry into its place, and no less."""
    COPY_WEIGHTS.check("test_copy_weights", copy_weights)
