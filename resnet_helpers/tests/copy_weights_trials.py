"""Lesson 5: what the check of copy_weights tries, and what of it it looks at."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from resnet_helpers.tests.structure import Entries
from resnet_helpers.tests.trials import Trial, trials_of

# ---- Networks --------------------------------------------------------------------------------


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


def two_without_parameters() -> list[nn.Module]:
    """Networks that have buffers only."""
    return two({"norm": nn.BatchNorm2d(2, affine=False)}, {"bn1": nn.BatchNorm2d(2, affine=False)})


def two_in_different_order() -> list[nn.Module]:
    """Networks with the same shapes, but not in the same order."""
    return two(
        {"conv": nn.Conv2d(1, 2, 1), "fc": nn.Linear(2, 3)},
        {"fc": nn.Linear(2, 3), "conv": nn.Conv2d(1, 2, 1)},
    )


# ---- What came out ---------------------------------------------------------------------------


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


def by_number(model: nn.Module, names: Iterable[str]) -> dict[str, str]:
    """Where the values of each entry come from, if those of these names are 10, 11 and so on."""
    sources = dict(enumerate(names, 10))
    values = {name: entry.flatten()[0].item() for name, entry in model.state_dict().items()}
    return {name: sources.get(value, "its old values") for name, value in values.items()}


def mine_afterwards(mine, pretrained):
    """Where the values of my_resnet's entries come from."""
    return Entries(by_number(mine, pretrained.state_dict()))


def pretrained_afterwards(pretrained):
    """Where pretrained's values come from after the copying: they should be its own."""
    sources = by_number(pretrained, pretrained.state_dict())
    return Entries(
        {name: "its own" if source == name else "changed" for name, source in sources.items()}
    )


def which(result, mine, pretrained):
    """Which model is returned."""
    if result is mine:
        return "my_resnet"
    if result is pretrained:
        return "pretrained_resnet"
    if isinstance(result, nn.Module):
        return "another model, not my_resnet itself"
    return "None" if result is None else f"something of type {type(result).__name__}"


def zeroed(pretrained):
    """Which entries of the pretrained network are 0."""
    names = [name for name, entry in pretrained.state_dict().items() if not entry.any()]
    return ", ".join(names) or "none"


def trainable(mine):
    """Whether an optimizer would still train my parameters."""
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


def complaint_about_order(copy_weights):
    """Whether networks in different order raise an error; if not, what became of an entry."""
    mine, pretrained = two_in_different_order()
    old, new = values_of(mine), values_of(pretrained)
    answer = complaint(copy_weights, mine, pretrained)
    if answer == "an error":
        return answer
    return f"no error, and conv.weight got: {origins(mine, old, new)['conv.weight']}"


def without_gradients(copy_weights):
    """Whether there is an error only while gradients are recorded. Any other is raised."""
    try:
        copy_weights(*two_networks())
    except Exception:
        with torch.no_grad():
            copy_weights(*two_networks())
        return "an error, but none under torch.no_grad()"
    return "no error"


class Watched(nn.Sequential):
    """A network that notes whether anything of it is looked at, and how it is loaded."""

    def __getattribute__(self, name: str) -> Any:
        if name not in ("__class__", "__dict__"):
            vars(self)["looked_at"] = True
        return super().__getattribute__(name)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        vars(self)["strict"] = strict
        vars(self)["names"] = list(state_dict)
        return super().load_state_dict(state_dict, strict, assign)


def watched(copy_weights, note: str) -> Any:
    """What a Watched my_resnet has noted; None if nothing."""
    mine, pretrained = two_networks()
    mine = Watched(OrderedDict(mine.named_children()))
    vars(mine).pop("looked_at", None)
    try:
        copy_weights(mine, pretrained)
    except NotImplementedError:  # a stub
        raise
    except Exception:  # of which other trials tell more
        pass
    return vars(mine).get(note)


def looked_at(copy_weights):
    """Whether my_resnet is used at all."""
    return "used" if watched(copy_weights, "looked_at") else "never used"


def look_at_loading(copy_weights):
    """What to say where another network is loaded, or a method is not called."""
    mine, pretrained = two_networks()
    loaded: list[nn.Module] = []

    def load(model, *args, **kwargs):
        loaded.append(model)
        return load_state_dict(model, *args, **kwargs)

    load_state_dict = nn.Module.load_state_dict
    message = ""
    with mock.patch.object(nn.Module, "load_state_dict", load):
        try:
            copy_weights(mine, pretrained)
        except Exception as error:
            message = str(error)
    if loaded and not {*mine.modules(), *pretrained.modules()} & set(loaded):
        return (
            "You load the values into another network than my_resnet. Call "
            "my_resnet.load_state_dict, and return my_resnet."
        )
    no_dictionary = r"'(?:function|method)' object has no attribute '(keys|values|items)'"
    if method := re.match(no_dictionary, message):
        return (
            f"You ask a function itself for its {method[1]}, not what it returns: the brackets are "
            f"missing before .{method[1]}, as in state_dict().{method[1]}()."
        )
    return ""


# ---- The trials ------------------------------------------------------------------------------

NETWORKS = "my_resnet of stem, norm, fc; pretrained_resnet of conv1, bn1, fc"
SOURCES = "origin of my_resnet's values"

BATCHNORMS = "my_resnet: Sequential(BatchNorm2d(1)); pretrained_resnet: BatchNorm2d(1)"
MINE_AND_PRETRAINED = "mine, pretrained = torch.nn.Sequential({}), torch.nn.Sequential({})"
COPIED = """\
mine, pretrained = torch.nn.Sequential(torch.nn.BatchNorm2d(1)), torch.nn.BatchNorm2d(1)
[entry.fill_(number) for number, entry in enumerate(pretrained.state_dict().values(), 10)]
copy_weights(mine, pretrained)
"""
RETURNED = """\
mine, pretrained = torch.nn.Sequential(torch.nn.BatchNorm2d(1)), torch.nn.BatchNorm2d(1)
copy_weights(mine, pretrained) is mine
"""
LETTERS = """\
mine, pretrained = (torch.nn.ModuleDict({{name: torch.nn.Linear(1, 1, bias=False) for name in names}}) for names in ("{}", "{}"))
[entry.fill_(number) for number, entry in enumerate(pretrained.state_dict().values(), 10)]
copy_weights(mine, pretrained)
mine.state_dict()
"""  # noqa: E501 - one line of a cell


def tried_on_batchnorms(then: str, look: str, subject: str, after: str = "") -> Trial:
    """A trial that copies one batchnorm's entries, numbers from 10 on, into another's."""
    return Trial(
        "test_copy_weights",
        BATCHNORMS + after,
        COPIED + then,
        subject,
        look=look,
    )


def tried_on_letters(mine: str, pretrained: str) -> Trial:
    """A trial of networks with a layer for each letter, in which each entry fits in all places."""
    return Trial(
        "test_copy_weights",
        f"my_resnet of {', '.join(mine)}; pretrained_resnet of {', '.join(pretrained)}",
        LETTERS.format(mine, pretrained),
        SOURCES,
        look="mine_afterwards(mine, pretrained)",
    )


def tried_on_unlike(tried: str, mine: str, pretrained: str) -> Trial:
    """A trial of networks that do not fit each other, given as text: it should raise."""
    return Trial(
        "test_copy_weights",
        tried,
        MINE_AND_PRETRAINED.format(mine, pretrained) + "\ncopy_weights(mine, pretrained)",
        "raised",
        look="complaint(copy_weights, mine, pretrained)",
    )


def square(n: int) -> str:
    """The text of n layers with one entry each."""
    return ", ".join(["torch.nn.Linear(2, 2, bias=False)"] * n)


TRIALS = (
    *trials_of("test_copy_weights", (NETWORKS, "looked_at(copy_weights)", "my_resnet")),
    tried_on_batchnorms("mine.state_dict()", "mine_afterwards(mine, pretrained)", SOURCES),
    *trials_of("test_copy_weights", (NETWORKS, "copied(copy_weights, *two_networks())", SOURCES)),
    tried_on_letters("cba", "xyz"),
    *trials_of(
        "test_copy_weights",
        (
            "both with buffers only: norm; bn1",
            "copied(copy_weights, *two_without_parameters())",
            SOURCES,
        ),
    ),
    Trial(
        "test_copy_weights",
        BATCHNORMS,
        RETURNED,
        "returned",
        look="which(copy_weights(mine, pretrained), mine, pretrained)",
    ),
    tried_on_batchnorms(
        "pretrained.state_dict()",
        "pretrained_afterwards(pretrained)",
        "pretrained_resnet's values",
    ),
    tried_on_batchnorms(
        "[entry.zero_() for entry in mine.state_dict().values()]\npretrained.state_dict()",
        "zeroed(pretrained)",
        "entries of pretrained_resnet that become 0 with it",
        after=". Then all of my_resnet is set to 0",
    ),
    tried_on_batchnorms(
        "[(parameter.requires_grad, parameter.is_leaf) for parameter in mine.parameters()]",
        "trainable(mine)",
        "parameters of my_resnet",
    ),
    tried_on_unlike("two layers in my_resnet, three in pretrained_resnet", square(2), square(3)),
    tried_on_unlike("three layers in my_resnet, two in pretrained_resnet", square(3), square(2)),
    tried_on_unlike(
        "pretrained_resnet has a batchnorm with buffers only more than my_resnet",
        square(1),
        f"{square(1)}, torch.nn.BatchNorm2d(2, affine=False)",
    ),
    tried_on_unlike(
        "my_resnet has a batchnorm with buffers only more than pretrained_resnet",
        f"{square(1)}, torch.nn.BatchNorm2d(2, affine=False)",
        square(1),
    ),
    tried_on_unlike(
        "pretrained_resnet has a layer that holds no values more than my_resnet",
        square(1),
        f"{square(1)}, torch.nn.Linear(0, 2, bias=False)",
    ),
    tried_on_unlike(
        "a 3x2 weight in my_resnet, a 2x3 weight in pretrained_resnet",
        "torch.nn.Linear(2, 3, bias=False)",
        "torch.nn.Linear(3, 2, bias=False)",
    ),
    *trials_of(
        "test_copy_weights",
        (
            "my_resnet of conv, fc; pretrained_resnet of fc, conv",
            "complaint_about_order(copy_weights)",
            "raised",
        ),
        (NETWORKS, "without_gradients(copy_weights)", "raised"),
    ),
)

CLOSER_LOOK = Trial("test_copy_weights", NETWORKS, "look_at_loading(copy_weights)")
