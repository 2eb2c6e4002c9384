"""Answers to copy_weights."""

import copy  # noqa: F401 (for a wrong answer)
from collections import OrderedDict

import torch

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import ResNet34  # noqa: F401 (for a wrong answer)

copy_weights = Answers("copy_weights", globals())
right, wrong = copy_weights.right, copy_weights.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
def dict_of_zip(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=True)))
    return my_resnet


@right
def by_ordered_dict(my_resnet, pretrained_resnet):
    my_entries = my_resnet.state_dict()
    their_entries = pretrained_resnet.state_dict()
    if len(my_entries) != len(their_entries):
        raise ValueError("The lengths differ!")
    new = OrderedDict()
    for my_key, their_value in zip(my_entries, their_entries.values(), strict=True):
        new[my_key] = their_value
    my_resnet.load_state_dict(new)
    return my_resnet


@right
def entry_by_entry(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    for key, value in zip(mine, theirs.values(), strict=True):
        mine[key] = value
    my_resnet.load_state_dict(mine)
    return my_resnet


@right
def by_index(my_resnet, pretrained_resnet):
    keys = list(my_resnet.state_dict().keys())
    values = list(pretrained_resnet.state_dict().values())
    new = {}
    for i in range(max(len(keys), len(values))):  # an IndexError if one is shorter
        new[keys[i]] = values[i].clone()
    my_resnet.load_state_dict(new, strict=True)
    return my_resnet


@right
def in_place(my_resnet, pretrained_resnet):
    pairs = zip(
        my_resnet.state_dict().values(), pretrained_resnet.state_dict().values(), strict=True
    )
    for mine, theirs in pairs:
        mine.copy_(theirs)
    return my_resnet


@right
@torch.no_grad()
def kind_by_kind(my_resnet, pretrained_resnet):
    for kind in ("parameters", "buffers"):
        mine = list(getattr(my_resnet, kind)())
        theirs = list(getattr(pretrained_resnet, kind)())
        assert [m.shape for m in mine] == [t.shape for t in theirs], f"{kind} don't fit"
        for m, t in zip(mine, theirs, strict=True):
            m.data.copy_(t.data)
    return my_resnet


@right
@torch.no_grad()
def tensor_by_tensor(my_resnet, pretrained_resnet):
    mine = [*my_resnet.parameters(), *my_resnet.buffers()]
    theirs = [*pretrained_resnet.parameters(), *pretrained_resnet.buffers()]
    assert len(mine) == len(theirs)
    for m, t in zip(mine, theirs, strict=True):
        m.copy_(t)
    return my_resnet


# ---- Wrong ----------------------------------------------------------------------------------

wrong(
    "a network made inside",
    dict_of_zip,
    {"mine, theirs =": "my_resnet = ResNet34((1, 1, 1, 1), (8, 8, 8, 8))\nmine, theirs ="},
)
wrong(
    "a copy of pretrained returned",
    in_place,
    {"pairs =": "my_resnet = copy.deepcopy(pretrained_resnet)\npairs ="},
)
wrong(
    "pretrained returned as it is",
    in_place,
    {"pairs =": "my_resnet = pretrained_resnet\npairs ="},
)
wrong("buffers forgotten", kind_by_kind, {'("parameters", "buffers")': '("parameters",)'})
wrong(
    "num_batches_tracked forgotten",
    entry_by_entry,
    {"mine[key] =": 'if "num_batches_tracked" not in key:\n    mine[key] ='},
)
in_turn = "for key, value in zip(mine, theirs.values(), strict=True):\nmine[key] = value"
of_one_shape = """\
for key in mine:
    for value in theirs.values():
        if value.shape == mine[key].shape:
            mine[key] = value"""
wrong("last of the same shape", entry_by_entry, {in_turn: of_one_shape})
wrong("first of the same shape", entry_by_entry, {in_turn: f"{of_one_shape}\n            break"})
wrong(
    "each of the same shape in turn",
    entry_by_entry,
    {
        in_turn: """\
used = set()
for key in mine:
    for other, value in theirs.items():
        if other not in used and value.shape == mine[key].shape:
            mine[key] = value
            used.add(other)
            break"""
    },
)
wrong(
    "each of the same shape in turn, or an error",
    by_ordered_dict,
    {
        "for my_key, their_value in zip(my_entries, their_entries.values(), strict=True):\n"
        "new[my_key] = their_value": "left = list(their_entries.values())\n"
        "for my_key, mine in my_entries.items():\n"
        "    i = [value.shape for value in left].index(mine.shape)\n"
        "    new[my_key] = left.pop(i)"
    },
)
wrong(
    "sorted by name",
    by_index,
    {
        "list(my_resnet.state_dict().keys())": "sorted(my_resnet.state_dict())",
        "list(pretrained": "list(dict(sorted(pretrained",
        "state_dict().values())": "state_dict().items())).values())",
    },
)
wrong("reversed", by_index, {"values[i]": "values[-1 - i]"})
wrong(
    "last entry left out",
    entry_by_entry,
    {"in zip(": "in list(zip(", "strict=True)": "strict=True))[:-1]"},
)
wrong(
    "first entry only",
    entry_by_entry,
    {"my_resnet.load_state_dict(mine)\nreturn": "    my_resnet.load_state_dict(mine)\n    return"},
)
wrong(
    "loaded into pretrained",
    dict_of_zip,
    {
        "my_resnet.load": "pretrained_resnet.load",
        "mine.keys(), theirs.values()": "theirs.keys(), mine.values()",
    },
)
wrong(
    "a copy loaded",
    by_ordered_dict,
    {
        "my_resnet.load": "mine = copy.deepcopy(my_resnet)\nmine.load",
        "return my_resnet": "return mine",
    },
)
wrong("pretrained returned", in_place, {"return my_resnet": "return pretrained_resnet"})
wrong("nothing returned", by_ordered_dict, {"\nreturn my_resnet": ""})
wrong(
    "load_state_dict's result returned",
    dict_of_zip,
    {"\nreturn my_resnet": "", "my_resnet.load": "return my_resnet.load"},
)
wrong(
    "lengths not compared",
    dict_of_zip,
    {"assert len(mine) == len(theirs)\n": "", "strict=True": "strict=False"},
)
wrong(
    "only a return where lengths differ",
    by_ordered_dict,
    {"raise ValueError(": "print(", 'differ!")': 'differ!")\nreturn None'},
)
wrong("names zipped with names", by_ordered_dict, {", their_entries.values()": ", their_entries"})
wrong(
    "strict=False hides a mismatch",
    dict_of_zip,
    {
        "assert len(mine) == len(theirs)\n": "",
        "strict=True)))": "strict=False)), strict=False)",
    },
)
wrong("lengths not compared, in place", in_place, {"strict=True": "strict=False"})
wrong(
    "surplus of mine left alone",
    by_index,
    {
        "range(max(len(keys), len(values)))": "range(len(values))",
        "new = {}": "new = my_resnet.state_dict()",
    },
)
count = "len(list({}.parameters()))"
values = "sum(p.numel() for p in {}.parameters())"
for name, length in (
    ("buffers not counted", count),
    ("numbers of values in parameters compared", values),
):
    wrong(
        name,
        dict_of_zip,
        {
            "len(mine) == len(theirs)": f"{length.format('my_resnet')} == "
            f"{length.format('pretrained_resnet')}",
            "strict=True": "strict=False",
        },
    )
wrong(
    "buffers not counted, with strict=False",
    by_ordered_dict,
    {
        "len(my_entries) != len(their_entries)": "len(list(my_resnet.parameters())) != "
        "len(list(pretrained_resnet.parameters()))",
        "strict=True": "strict=False",
        "load_state_dict(new)": "load_state_dict(new, strict=False)",
    },
)
wrong(
    "numbers of values compared",
    tensor_by_tensor,
    {
        "len(mine) == len(theirs)": "sum(m.numel() for m in mine) == "
        "sum(t.numel() for t in theirs)",
        "strict=True": "strict=False",
    },
)
wrong("reshaped to fit", tensor_by_tensor, {"m.copy_(t)": "m.copy_(t.view(m.shape))"})
wrong(
    "names paired with pairs",
    by_ordered_dict,
    {", their_entries.values()": ", their_entries.items()"},
)
wrong("values without brackets", dict_of_zip, {"theirs.values()": "theirs.values"})
wrong(
    "unlike shapes skipped",
    entry_by_entry,
    {"mine[key] =": "if mine[key].shape == value.shape:\n    mine[key] ="},
)
wrong(
    "zip for a dictionary",
    dict_of_zip,
    {"dict(zip(": "zip(", "strict=True)))": "strict=True))"},
)
wrong(
    "state_dict without brackets",
    by_ordered_dict,
    {
        "my_resnet.state_dict()": "my_resnet.state_dict",
        "pretrained_resnet.state_dict()": "pretrained_resnet.state_dict",
    },
)
wrong(
    "names not translated",
    by_ordered_dict,
    {"load_state_dict(new)": "load_state_dict(their_entries)"},
)
wrong(
    "names not translated, with strict=False",
    dict_of_zip,
    {"dict(zip(mine.keys(), theirs.values(), strict=True))": "theirs, strict=False"},
)
wrong(
    "keys and values swapped",
    dict_of_zip,
    {"mine.keys(), theirs.values()": "theirs.keys(), mine.values()"},
)
wrong("never loaded", entry_by_entry, {"my_resnet.load_state_dict(mine)\n": ""})
wrong(
    "memory shared", by_ordered_dict, {"load_state_dict(new)": "load_state_dict(new, assign=True)"}
)
wrong("shapes replaced", tensor_by_tensor, {"m.copy_(t)": "m.data = t.clone()"})
wrong("memory shared through .data", tensor_by_tensor, {"m.copy_(t)": "m.data = t.data"})
wrong("copied in place with gradients on", tensor_by_tensor, {"@torch.no_grad()\n": ""})
wrong(
    "parameters attached to pretrained's graph",
    tensor_by_tensor,
    {"@torch.no_grad()\n": "", "m.copy_(t)": "m.requires_grad_(False).copy_(t)"},
)
wrong(
    "parameters frozen",
    tensor_by_tensor,
    {"@torch.no_grad()\n": "", "m.copy_(t)": "m.requires_grad = False\nm.copy_(t.detach())"},
)
wrong(
    "buffers forgotten, though counted",
    by_ordered_dict,
    {
        "zip(my_entries, their_entries.values(), strict=True)": "zip(\n"
        "dict(my_resnet.named_parameters()), pretrained_resnet.parameters())",
        "load_state_dict(new)": "load_state_dict(new, strict=False)",
    },
)
wrong(
    "buffers forgotten, though counted, in place",
    in_place,
    {
        "my_resnet.state_dict().values(), pretrained_resnet.state_dict().values(), strict=True": (
            "my_resnet.parameters(), pretrained_resnet.parameters()"
        ),
        "pairs =": (
            "assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())\npairs ="
        ),
        "mine.copy_(theirs)": "mine.data.copy_(theirs)",
    },
)
wrong(
    "buffers forgotten, though counted, and memory shared",
    in_place,
    {
        "my_resnet.state_dict().values(), pretrained_resnet.state_dict().values(), strict=True": (
            "my_resnet.parameters(), pretrained_resnet.parameters()"
        ),
        "pairs =": (
            "assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())\npairs ="
        ),
        "mine.copy_(theirs)": "mine.data = theirs.data",
    },
)
wrong(
    "last two entries left alone",
    by_index,
    {"my_resnet.load": "new |= dict(list(my_resnet.state_dict().items())[-2:])\nmy_resnet.load"},
)
wrong(
    "fc left alone",
    entry_by_entry,
    {"mine[key] =": 'if not key.startswith("fc"):\n    mine[key] ='},
)
