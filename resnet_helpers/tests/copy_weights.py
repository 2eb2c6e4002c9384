"""Lesson 5: the check of copy_weights, with its known mistakes."""

import copy
from collections.abc import Callable

import torch

from resnet_helpers import solutions
from resnet_helpers.tests import copy_weights_trials
from resnet_helpers.tests.engine import Catalogue, Exercise

# ---- What is tried --------------------------------------------------------------------------

TRIALS = copy_weights_trials.TRIALS  # in a module of their own: both would be too long for one

# ---- A right answer in steps ----------------------------------------------------------------


class CopyWeightsInSteps:
    """copy_weights cut into the steps that can each go wrong."""

    strict = True

    def entries(self, model):
        return model.state_dict()

    def compare(self, my_resnet, pretrained_resnet):
        assert self.length(my_resnet) == self.length(pretrained_resnet)

    def length(self, model):
        return len(self.entries(model))

    def paired(self, mine, theirs):
        return dict(zip(mine, theirs.values(), strict=False))

    def target(self, my_resnet, pretrained_resnet):
        return my_resnet

    def load(self, model, entries):
        return model.load_state_dict(entries, strict=self.strict)

    @torch.no_grad()
    def load_in_place(self, model, entries):
        tensors = model.state_dict()
        for name, entry in entries.items():
            tensors[name].copy_(entry)

    def result(self, my_resnet, pretrained_resnet, target, loaded):
        return my_resnet

    def copy_weights(self, my_resnet, pretrained_resnet):
        self.compare(my_resnet, pretrained_resnet)
        mine, theirs = self.entries(my_resnet), self.entries(pretrained_resnet)
        target = self.target(my_resnet, pretrained_resnet)
        loaded = self.load(target, self.paired(mine, theirs))
        return self.result(my_resnet, pretrained_resnet, target, loaded)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()


NEVER_USED = (
    "You never use my_resnet, the network that copy_weights is given. Copy into that one, and "
    "return it."
)


@mistake("a network made inside", NEVER_USED)
class _:
    def copy_weights(self, my_resnet, pretrained_resnet):
        my_resnet = solutions.ResNet34((1,), (8,), (1,), 5)
        return CopyWeightsInSteps.copy_weights(self, my_resnet, pretrained_resnet)


mistake(
    "a copy of pretrained returned",
    NEVER_USED,
    copy_weights=lambda self, my_resnet, pretrained_resnet: copy.deepcopy(pretrained_resnet),
)
mistake(
    "pretrained returned as it is",
    "You return pretrained_resnet, and never use my_resnet: `my_resnet = pretrained_resnet` is "
    "only a second name for it. Copy its values into the network that my_resnet was.",
    copy_weights=lambda self, my_resnet, pretrained_resnet: pretrained_resnet,
)
BUFFERS_FORGOTTEN = (
    "You copy the parameters only. Batchnorm's running statistics are buffers, and eval mode "
    "needs them: state_dict() holds both."
)

mistake(
    "buffers forgotten",
    BUFFERS_FORGOTTEN,
    entries=lambda self, model: dict(model.named_parameters()),
    strict=False,
)
mistake(
    "buffers forgotten, though counted",
    BUFFERS_FORGOTTEN,
    entries=lambda self, model: dict(model.named_parameters()),
    length=lambda self, model: len(model.state_dict()),
    strict=False,
)
mistake(
    "buffers forgotten, though counted, in place",
    BUFFERS_FORGOTTEN,
    entries=lambda self, model: dict(model.named_parameters()),
    length=lambda self, model: len(model.state_dict()),
    load=CopyWeightsInSteps.load_in_place,
)


@mistake("buffers forgotten, though counted, and memory shared", BUFFERS_FORGOTTEN)
class _:
    def entries(self, model):
        return dict(model.named_parameters())

    def length(self, model):
        return len(model.state_dict())

    def load(self, model, entries):
        for name, parameter in model.named_parameters():
            if name in entries:
                parameter.data = entries[name].data


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


PAIRED_BY_SHAPE = (
    "You pair the entries by shape, so that two networks in different order go through "
    "unnoticed. Pair them by position: then load_state_dict complains if a shape differs."
)


def paired_by_shape(self, mine, theirs):
    """Each entry with the first of its shape that is left; one without a partner keeps its own."""
    left = list(theirs.values())
    pairs = dict(mine)
    for name, entry in mine.items():
        for position, other in enumerate(left):
            if other.shape == entry.shape:
                pairs[name] = left.pop(position)
                break
    return pairs


mistake("each of the same shape in turn", PAIRED_BY_SHAPE, paired=paired_by_shape)


@mistake("each of the same shape in turn, or an error", PAIRED_BY_SHAPE)
class _:
    def paired(self, mine, theirs):
        assert {entry.shape for entry in mine.values()} <= {o.shape for o in theirs.values()}
        return paired_by_shape(self, mine, theirs)


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
LAST_LAYER = (
    "The last entries keep their old values, as one would leave them for fine-tuning. Copy all."
)

mistake(
    "last two entries left alone",
    LAST_LAYER,
    paired=lambda self, mine, theirs: (
        dict(zip(mine, theirs.values(), strict=False)) | dict(list(mine.items())[-2:])
    ),
)
mistake(
    "fc left alone",
    LAST_LAYER,
    paired=lambda self, mine, theirs: {
        name: entry if name.startswith("fc.") else other
        for (name, entry), other in zip(mine.items(), theirs.values(), strict=False)
    },
)
mistake(
    "first entry only",
    "Only the first entry is copied. What comes after the loop, such as load_state_dict or "
    "return, must not be indented like the loop's lines.",
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
    "my_resnet stays as it was, and you return another network. Load the weights into my_resnet "
    "itself.",
    target=lambda self, my_resnet, pretrained_resnet: copy.deepcopy(my_resnet),
    result=lambda self, my_resnet, pretrained_resnet, target, loaded: target,
)
mistake(
    "pretrained returned",
    "You return pretrained_resnet. Return my_resnet.",
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
    "Nothing stops you where pretrained_resnet has more entries than my_resnet (a print does "
    "not): those left over are dropped. Assert that both have the same number.",
    compare=lambda self, my_resnet, pretrained_resnet: None,
)
mistake(
    "strict=False hides a mismatch",
    "strict=False lets entries be missing without a word. Leave it out, and assert that both "
    "networks have the same number of entries.",
    compare=lambda self, my_resnet, pretrained_resnet: None,
    strict=False,
    only_if="watched(copy_weights, 'strict') is False",
)
mistake(
    "lengths not compared, in place",
    "Nothing stops you where the numbers of entries differ (a print does not): those without a "
    "partner are left out. Assert that both networks have the same number.",
    compare=lambda self, my_resnet, pretrained_resnet: None,
    load=CopyWeightsInSteps.load_in_place,
)


@mistake(
    "surplus of mine left alone",
    "Nothing stops you where my_resnet has more entries than pretrained_resnet: those left over "
    "keep their old values. Assert that both have the same number.",
    load=CopyWeightsInSteps.load_in_place,
)
class _:
    def compare(self, my_resnet, pretrained_resnet):
        assert self.length(my_resnet) >= self.length(pretrained_resnet)


NOT_COUNTED = (
    "Networks whose buffers differ in number go through. Count all entries of both state dicts, "
    "the buffers among them."
)


def number_of_parameters(self, model):
    return len(list(model.parameters()))


mistake("buffers not counted", NOT_COUNTED, length=number_of_parameters)
mistake(
    "buffers not counted, with strict=False",
    NOT_COUNTED,
    length=number_of_parameters,
    strict=False,
)


mistake(
    "numbers of values in parameters compared",
    NOT_COUNTED,
    length=lambda self, model: sum(parameter.numel() for parameter in model.parameters()),
)
mistake(
    "numbers of values compared",
    "Networks with different entries go through if they hold equally many values in all. Compare "
    "the numbers of entries.",
    length=lambda self, model: sum(entry.numel() for entry in model.state_dict().values()),
)
mistake(
    "reshaped to fit",
    "An entry of another shape is forced into place where it has as many values, so networks "
    "that do not fit go through. Leave the shapes alone: load_state_dict compares them.",
    paired=lambda self, mine, theirs: {
        name: other.reshape(mine[name].shape)
        for name, other in zip(mine, theirs.values(), strict=False)
    },
)


mistake(
    "unlike shapes skipped",
    "You skip entries whose shapes differ, so networks that do not fit go through, half copied or "
    "not at all. Leave the comparison to load_state_dict, which raises.",
    paired=lambda self, mine, theirs: {
        name: other if mine[name].shape == other.shape else mine[name]
        for name, other in zip(mine, theirs.values(), strict=False)
    },
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
    "names paired with pairs",
    ".items() gives pairs of a name and a value, and the name gets in the way. Take the values "
    "of pretrained's state dict: .values().",
    paired=lambda self, mine, theirs: dict(zip(mine, theirs.items(), strict=False)),
)
mistake(
    "zip for a dictionary",
    "You give load_state_dict a zip. It wants a dictionary: dict(zip(…)).",
    paired=lambda self, mine, theirs: zip(mine, theirs.values(), strict=False),
)
mistake(
    "values without brackets",
    "values is a method: without brackets you get the method, not what it returns. Write values().",
    paired=lambda self, mine, theirs: dict(zip(mine, theirs.values, strict=False)),
)
mistake(
    "state_dict without brackets",
    "state_dict is a method: without brackets you get the method, not what it returns. Write "
    "state_dict().",
    entries=lambda self, model: model.state_dict,
)
mistake(
    "names not translated",
    "You load pretrained's state dict under its own names, which my_resnet doesn't have. Put "
    "pretrained's values under my_resnet's keys.",
    paired=lambda self, mine, theirs: theirs,
)
mistake(
    "names not translated, with strict=False",
    "Only entries that have the same name in both networks are copied, the others keep their old "
    "values. Names are free: pair by position, and put the values under my_resnet's keys.",
    paired=lambda self, mine, theirs: theirs,
    strict=False,
)
mistake(
    "keys and values swapped",
    "You pair pretrained's keys with my_resnet's values. It takes my_resnet's keys and "
    "pretrained's values.",
    paired=lambda self, mine, theirs: dict(zip(theirs, mine.values(), strict=False)),
    only_if="'conv1.weight' in watched(copy_weights, 'names')",
)
mistake(
    "never loaded",
    "Nothing arrives in my_resnet: a new value in a dictionary, or for a variable, does not "
    "change the model. Pass a dictionary to my_resnet.load_state_dict.",
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
    "shapes replaced",
    "You give my_resnet copies of pretrained's tensors in place of its own (as p.data = q.clone() "
    "does), whatever their shape. load_state_dict and copy_ compare the shapes.",
)
class _:
    def load(self, model, entries):
        tensors = dict([*model.named_parameters(), *model.named_buffers()])
        for name, entry in entries.items():
            tensors[name].data = entry.clone()


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
    names=vars(copy_weights_trials),
    in_steps=CopyWeightsInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().copy_weights,
    closer_look=copy_weights_trials.CLOSER_LOOK,
)


def test_copy_weights(copy_weights: Callable) -> None:
    """Check that copy_weights(mine, pretrained) copies each entry into its place, and no less."""
    COPY_WEIGHTS.check("test_copy_weights", copy_weights)
