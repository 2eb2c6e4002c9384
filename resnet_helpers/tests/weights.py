"""Lesson 5: the checks of copy_weights, predict and named_resnet34, with their known mistakes."""

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import (
    Catalogue,
    Exercise,
    Trial,
    WithoutInitialisation,
    fill,
    made_up,
    trials_of,
)
from resnet_helpers.tests.outcomes import Described, numbers
from resnet_helpers.tests.structure import traced

# ---- copy_weights ---------------------------------------------------------------------------


class CopyWeightsInSteps:
    """copy_weights cut into the steps that can each go wrong."""

    def entries(self, model):
        return model.state_dict()

    def compare_lengths(self, mine, theirs):
        assert len(mine) == len(theirs)

    def paired(self, mine, theirs):
        return dict(zip(mine, theirs.values(), strict=False))

    def target(self, my_resnet, pretrained_resnet):
        return my_resnet

    def load(self, model, entries):
        return model.load_state_dict(entries)

    def result(self, my_resnet, pretrained_resnet, target, loaded):
        return my_resnet

    def copy_weights(self, my_resnet, pretrained_resnet):
        mine, theirs = self.entries(my_resnet), self.entries(pretrained_resnet)
        self.compare_lengths(mine, theirs)
        target = self.target(my_resnet, pretrained_resnet)
        loaded = self.load(target, self.paired(mine, theirs))
        return self.result(my_resnet, pretrained_resnet, target, loaded)


def network(**layers: nn.Module) -> nn.Sequential:
    """A network of these layers, under these names."""
    return nn.Sequential(OrderedDict(layers))


def numbered(model: nn.Module, first: int) -> nn.Module:
    """Give each entry values of its own: first, first + 1, and so on, and fractions above it."""
    for number, entry in enumerate(model.state_dict().values(), start=first):
        entry.copy_(number + 0.5 * torch.arange(entry.numel()).view_as(entry) / entry.numel())
    return model


def two_networks() -> tuple[nn.Module, nn.Module]:
    """Mine and a pretrained one: other names except for the last layer's."""
    mine = network(stem=nn.Conv2d(1, 2, 1), norm=nn.BatchNorm2d(2), fc=nn.Linear(2, 3))
    pretrained = network(conv1=nn.Conv2d(1, 2, 1), bn1=nn.BatchNorm2d(2), fc=nn.Linear(2, 3))
    return numbered(mine, 1), numbered(pretrained, 101)


def two_of_one_shape() -> tuple[nn.Module, nn.Module]:
    """Networks in which each entry would fit in the place of each other."""
    mine, pretrained = network(**linears("c", "b", "a")), network(**linears("x", "y", "z"))
    return numbered(mine, 1), numbered(pretrained, 101)


def linears(*names: str) -> dict[str, nn.Module]:
    """Layers of one weight each."""
    return {name: nn.Linear(2, 2, bias=False) for name in names}


def two_without_parameters() -> tuple[nn.Module, nn.Module]:
    """Networks that have buffers only."""
    mine = network(norm=nn.BatchNorm2d(2, affine=False))
    return numbered(mine, 1), numbered(network(bn1=nn.BatchNorm2d(2, affine=False)), 101)


def two_of_equal_names() -> tuple[nn.Module, nn.Module]:
    """Networks whose entries have the same names."""
    return numbered(network(**linears("a", "b")), 1), numbered(network(**linears("a", "b")), 101)


def mine_longer() -> tuple[nn.Module, nn.Module]:
    """Mine has a layer too many."""
    return network(**linears("a", "b", "c")), network(**linears("x", "y"))


def pretrained_longer() -> tuple[nn.Module, nn.Module]:
    """The pretrained network has a layer too many."""
    return network(**linears("a", "b")), network(**linears("x", "y", "z"))


def two_in_different_order() -> tuple[nn.Module, nn.Module]:
    """Networks with the same shapes, but not in the same order."""
    mine = network(conv=nn.Conv2d(1, 2, 1), fc=nn.Linear(2, 3))
    return mine, network(fc=nn.Linear(2, 3), conv=nn.Conv2d(1, 2, 1))


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


def copied(networks: Callable) -> Callable:
    """Where the values of each of my_resnet's entries come from after the copying."""

    def run(copy_weights):
        mine, pretrained = networks()
        old, new = values_of(mine), values_of(pretrained)
        copy_weights(mine, pretrained)
        return Entries(origins(mine, old, new))

    return run


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


def complaint(networks: Callable) -> Callable:
    """Whether copying raises an error, of whatever kind; if not, whether anything was copied."""

    def run(copy_weights):
        mine, pretrained = networks()
        old = values_of(mine)
        try:
            copy_weights(mine, pretrained)
        except NotImplementedError:  # a stub
            raise
        except Exception:
            return "an error"
        unchanged = all(torch.equal(old[name], new) for name, new in values_of(mine).items())
        return f"no error, and {'nothing' if unchanged else 'something'} copied"

    return run


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

COPY_WEIGHTS_TRIALS = trials_of(
    "test_copy_weights",
    (NETWORKS, looked_at, "my_resnet"),
    (NETWORKS, copied(two_networks), SOURCES),
    ("my_resnet of c, b, a; pretrained_resnet of x, y, z", copied(two_of_one_shape), SOURCES),
    ("both with buffers only: norm; bn1", copied(two_without_parameters), SOURCES),
    ("both with the same names: a, b; a, b", copied(two_of_equal_names), SOURCES),
    (NETWORKS, returned_model, "returned"),
    (NETWORKS, pretrained_afterwards, "origin of pretrained_resnet's values"),
    (
        f"{NETWORKS}. Then all of my_resnet is set to 0",
        pretrained_after_mine_was_zeroed,
        "entries of pretrained_resnet that become 0 with it",
    ),
    (NETWORKS, trainable, "parameters of my_resnet"),
    ("my_resnet of a, b; pretrained_resnet of x, y, z", complaint(pretrained_longer), "raised"),
    ("my_resnet of a, b, c; pretrained_resnet of x, y", complaint(mine_longer), "raised"),
    (
        "my_resnet of conv, fc; pretrained_resnet of fc, conv",
        complaint(two_in_different_order),
        "raised",
    ),
)


def load_what_fits(self, model, entries):
    return model.load_state_dict(entries, strict=False)


COPY_WEIGHTS_MISTAKES = mistake = Catalogue()


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
    load=load_what_fits,
)
mistake(
    "num_batches_tracked forgotten",
    "You leave out num_batches_tracked. Copy every entry of the state dict.",
    entries=lambda self, model: {
        name: entry for name, entry in model.state_dict().items() if entry.ndim
    },
    load=load_what_fits,
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
    load=load_what_fits,
)
mistake(
    "first entry only",
    "Only the first entry is copied. Load and return after the loop, not inside it.",
    paired=lambda self, mine, theirs: dict(list(zip(mine, theirs.values(), strict=False))[:1]),
    load=load_what_fits,
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
    load=load_what_fits,
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
    load=load_what_fits,
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


COPY_WEIGHTS = Exercise(
    name="copy_weights",
    reference=solutions.copy_weights,
    names={},
    in_steps=CopyWeightsInSteps,
    trials=COPY_WEIGHTS_TRIALS,
    mistakes=COPY_WEIGHTS_MISTAKES,
    finished=lambda steps: steps().copy_weights,
)


def test_copy_weights(copy_weights: Callable) -> None:
    """Check that copy_weights(mine, pretrained) copies each entry into its place, and no less."""
    COPY_WEIGHTS.check("test_copy_weights", copy_weights)


# ---- predict --------------------------------------------------------------------------------


class PredictInSteps:
    """predict cut into the steps that can each go wrong."""

    def prepare(self, model):
        model.eval()

    def guard(self):
        return torch.inference_mode()

    def received(self, images):
        return images

    def probabilities(self, logits):
        return logits.softmax(1)

    def best(self, probabilities):
        return probabilities.max(1)

    def result(self, values, classes):
        return values, classes

    def finish(self, model):
        pass

    def predict(self, model, images):
        self.prepare(model)
        with self.guard():
            values, classes = self.best(self.probabilities(model(self.received(images))))
        self.finish(model)
        return self.result(values, classes)


class Colours(nn.Module):
    """A model whose logits are the values of a picture of one pixel: red, green and blue."""

    def forward(self, images):
        return images.flatten(1).clone()


class Witness(nn.Module):
    """A model that notes how it was called, and with which pictures; it behaves like Colours."""

    def __init__(self):
        super().__init__()
        self.colours = Colours()
        self.weight = nn.Parameter(torch.ones(3))
        self.modes = "forward never called"
        self.recorded = None
        self.pictures = []

    def forward(self, images):
        self.modes = {"model": self.training, "its submodules": self.colours.training}
        self.recorded = torch.is_grad_enabled()
        self.pictures += [image.flatten().tolist() for image in images]
        return self.colours(images) * self.weight


def pixels(*colours: tuple[float, float, float]) -> Tensor:
    """Pictures of one pixel each."""
    return torch.tensor(colours).view(-1, 3, 1, 1)


def normalised_model() -> nn.Module:
    """A model with a batchnorm, for five classes and pictures of 2x2 pixels."""
    return fill(nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 5)))


def kinds(predict):
    """What is returned."""
    result = predict(Colours(), TWO)
    if not isinstance(result, (tuple, list)):
        return type(result).__name__
    return f"({', '.join(type(part).__name__ for part in result)})"


def part(position: int, images: Tensor, model=Colours, train=False) -> Callable:
    """One of the two things returned; all of it if it isn't two."""

    def run(predict):
        result = predict(model().train(train), images.clone())
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            return result
        chosen = result[position]
        if isinstance(chosen, list):
            return f"a list of {len(chosen)}"  # whether of numbers or of tensors
        whole = isinstance(chosen, Tensor) and not chosen.is_floating_point()
        return chosen.long() if whole else chosen  # any type of integer will do

    return run


def both(images: Tensor, tried: str, **settings) -> tuple[tuple, tuple]:
    """A trial of the probabilities and one of the classes."""
    return (
        (tried, part(0, images, **settings), "probabilities"),
        (tried, part(1, images, **settings), "classes"),
    )


def pictures_seen(predict):
    """The pictures that the model was given, each once."""
    witness = Witness()
    predict(witness, TWO.clone())
    pictures = [p for i, p in enumerate(witness.pictures) if p not in witness.pictures[:i]]
    return numbers(pictures) if pictures else "none: it was never called"


def modes_seen(train: bool) -> Callable:
    """Which modes the model saw during its forward pass."""

    def run(predict):
        witness = Witness().train(train)
        predict(witness, TWO.clone())
        return witness.modes

    return run


def mode_afterwards(predict):
    """Whether a model that was in eval mode is in train mode afterwards."""
    model = Colours().eval()
    predict(model, TWO.clone())
    return model.training


def statistics_afterwards(predict):
    """The running mean of a model that was in train mode."""
    model = normalised_model().train()
    predict(model, SQUARES.clone())
    return model[0].running_mean


def recorded(predict):
    """Whether gradients were recorded, and whether the result hangs on to a graph."""
    witness = Witness()
    result = predict(witness, TWO.clone())
    parts = result if isinstance(result, (tuple, list)) else (result,)
    attached = any(isinstance(part, Tensor) and part.requires_grad for part in parts)
    return {"during forward": witness.recorded, "result.requires_grad": attached}


def pictures_afterwards(predict):
    """Whether the pictures are still the same after predict."""
    images = TWO.clone()
    predict(Colours(), images)
    return "unchanged" if torch.equal(images, TWO) else "changed in place"


TWO = pixels((1.0, 3.0, 0.0), (2.0, -1.0, 2.5))
THREE = pixels((1.0, 3.0, 0.0), (2.0, -1.0, 2.5), (0.5, 1.0, 4.0))
SQUARES = made_up(4, 3, 2, 2)
TWO_TEXT = "two pictures of one pixel, [1, 3, 0] and [2, -1, 2.5], which are the logits"

PREDICT_TRIALS = trials_of(
    "test_predict",
    (TWO_TEXT, pictures_seen, "pictures given to the model"),
    ("a model that was in train mode", modes_seen(True), "training seen in forward"),
    ("a model that was in eval mode", modes_seen(False), "training seen in forward"),
    (TWO_TEXT, kinds, "returned"),
    *both(TWO, TWO_TEXT),
    *both(THREE, "three such pictures, logits [[1, 3, 0], [2, -1, 2.5], [0.5, 1, 4]]"),
    *both(TWO[:1], "one such picture, logits [[1, 3, 0]]"),
    *both(pixels((1000.0, 999.0, 0.0)), "one such picture, logits [[1000, 999, 0]]"),
    *both(
        SQUARES,
        "4 pictures, 5 classes, a model with batchnorm in eval mode",
        model=normalised_model,
    ),
    *both(
        SQUARES,
        "4 pictures, 5 classes, a model with batchnorm that was in train mode",
        model=normalised_model,
        train=True,
    ),
    ("a model that was in eval mode", mode_afterwards, "model.training afterwards"),
    (
        "a model with batchnorm that was in train mode",
        statistics_afterwards,
        "running_mean afterwards",
    ),
    (TWO_TEXT, recorded, "gradients recorded"),
    (TWO_TEXT, pictures_afterwards, "images afterwards"),
)


PREDICT_MISTAKES = mistake = Catalogue()


@mistake(
    "another model than the argument",
    "You never call `model`, the argument, but a network from outside the function, such as "
    "my_resnet. Use the argument.",
)
class _:
    def predict(self, model, images):
        model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 9)).eval()
        with torch.inference_mode():
            return model(images).softmax(1).max(1)


mistake(
    "logits for probabilities",
    "You return the largest logit. Turn the logits into probabilities first: softmax over the "
    "classes, dim=1.",
    probabilities=lambda self, logits: logits,
)
mistake(
    "log probabilities",
    "You return the logarithm of the probability. Use softmax, not log_softmax.",
    probabilities=lambda self, logits: logits.log_softmax(1),
)
mistake(
    "sigmoid",
    "You apply a sigmoid to each logit by itself, so the probabilities of a picture don't add "
    "up to 1. Use softmax over the classes, dim=1.",
    probabilities=lambda self, logits: logits.sigmoid(),
)
mistake(
    "softmax over the batch",
    "Your softmax goes over the batch (dim=0), so the pictures share one probability. Take it "
    "over the classes, dim=1.",
    probabilities=lambda self, logits: logits.softmax(0),
)
mistake(
    "softmax over everything",
    "Your softmax goes over pictures and classes together. Take it over the classes only, dim=1.",
    probabilities=lambda self, logits: logits.flatten().softmax(0).view_as(logits),
)
mistake(
    "softmax twice",
    "You apply softmax twice, which flattens the probabilities. Once is enough.",
    probabilities=lambda self, logits: logits.softmax(1).softmax(1),
)
mistake(
    "exponential not normalised",
    "You take the exponential of the logits but don't divide by their sum over the classes. "
    "softmax(dim=1) does both.",
    probabilities=lambda self, logits: logits.exp(),
)


@mistake(
    "divided by the sum of the logits",
    "You divide the logits by their sum. They may be negative: take the exponential first, or "
    "let softmax(dim=1) do both.",
)
class _:
    def probabilities(self, logits):
        return logits / logits.sum(1, keepdim=True)


@mistake(
    "exponential overflows",
    "Your exponential overflows for large logits, and inf / inf is NaN. softmax subtracts the "
    "largest logit first: use it.",
)
class _:
    def probabilities(self, logits):
        return logits.exp() / logits.exp().sum(1, keepdim=True)


mistake(
    "percent",
    "You return percent. Return a probability between 0 and 1; show it as you like later.",
    result=lambda self, values, classes: (100 * values, classes),
)
mistake(
    "probabilities and classes swapped",
    "You return the classes first. Return (probabilities, classes), the order in which "
    "max(dim=1) gives them.",
    result=lambda self, values, classes: (classes, values),
)
mistake(
    "maximum over the batch",
    "You take the maximum over the pictures (dim=0): one for each class. Take it over the "
    "classes, dim=1: one for each picture.",
    best=lambda self, probabilities: probabilities.max(0),
)
mistake(
    "maximum over everything",
    "You take one maximum over all pictures. Take it over the classes, dim=1: one for each "
    "picture.",
    best=lambda self, probabilities: (probabilities.max(), probabilities.argmax()),
)
mistake(
    "minimum",
    "You take the least likely class. Take the maximum.",
    best=lambda self, probabilities: probabilities.min(1),
)
mistake(
    "all probabilities",
    "You return the probabilities of all classes. Return the largest one of each picture, "
    "shape (batch,).",
    best=lambda self, probabilities: (probabilities, probabilities.argmax(1)),
)
mistake(
    "keepdim",
    "You keep the class axis with size 1. Return two tensors of shape (batch,): leave out "
    "keepdim, or the slice that keeps it.",
    best=lambda self, probabilities: probabilities.max(1, keepdim=True),
)
mistake(
    "first picture only",
    "You predict for the first picture only. Return one probability and one class for each.",
    received=lambda self, images: images[:1],
)
mistake(
    "squeezed",
    "squeeze() also removes the batch axis when there is one picture only. Leave it out: the "
    "shape is (batch,), here (1,).",
    result=lambda self, values, classes: (values.squeeze(), classes.squeeze()),
)
mistake(
    "lists",
    "You return Python lists. Return two tensors of shape (batch,), as the model's output for "
    "the whole batch gives them.",
    result=lambda self, values, classes: (values.tolist(), classes.tolist()),
)
mistake(
    "classes only",
    "You return the classes only. Return (probabilities, classes): max(dim=1) gives both.",
    result=lambda self, values, classes: classes,
)
mistake(
    "probabilities only",
    "You return the probabilities only. Return (probabilities, classes): max(dim=1) gives both.",
    result=lambda self, values, classes: values,
)
mistake(
    "nothing returned",
    "You return nothing. Return (probabilities, classes).",
    result=lambda self, values, classes: None,
)
mistake(
    "classes counted from 1",
    "You count the classes from 1. The index starts at 0, as imagenet_labels.json does.",
    result=lambda self, values, classes: (values, classes + 1),
)
mistake(
    "eval mode forgotten",
    "You leave the model in whatever mode it is in. In train mode batchnorm uses the batch's "
    "statistics, and changes its running ones: call model.eval() first, with its brackets.",
    prepare=lambda self, model: None,
)
mistake(
    "train mode",
    "You put the model into train mode. Call model.eval(), not model.train().",
    prepare=lambda self, model: model.train(),
)


@mistake(
    "only the outermost module in eval mode",
    "model.training = False reaches the outermost module only. model.eval() goes through all "
    "of its submodules.",
)
class _:
    def prepare(self, model):
        model.training = False


mistake(
    "train mode afterwards",
    "You put the model into train mode at the end, although it was in eval mode before. Leave "
    "it in eval mode, or put back the mode it was in.",
    finish=lambda self, model: model.train(),
)
mistake(
    "gradients recorded",
    "Gradients are recorded, and your result keeps the whole graph alive. Run the model inside "
    "`with torch.inference_mode():`.",
    guard=torch.enable_grad,
)
mistake(
    "detached afterwards",
    "Your model records gradients, and you drop them afterwards. The forward pass itself "
    "belongs inside `with torch.inference_mode():`.",
    guard=torch.enable_grad,
    result=lambda self, values, classes: (values.detach(), classes),
)

PREDICT = Exercise(
    name="predict",
    reference=solutions.predict,
    names={},
    in_steps=PredictInSteps,
    trials=PREDICT_TRIALS,
    mistakes=PREDICT_MISTAKES,
    finished=lambda steps: steps().predict,
)


def test_predict(predict: Callable) -> None:
    """Check that predict(model, images) gives each picture's probability and class."""
    PREDICT.check("test_predict", predict)


# ---- named_resnet34 -------------------------------------------------------------------------


class NamedResNet34InSteps:
    """named_resnet34 cut into the steps that can each go wrong."""

    n_blocks = (3, 4, 6, 3)
    channels = (64, 64, 128, 256, 512)
    strides = (1, 2, 2, 2)
    conv_bias = False
    first_layer = 1
    n_classes = 1000

    def conv(self, in_feats, out_feats, kernel_size, stride=1):
        padding = kernel_size // 2
        return nn.Conv2d(in_feats, out_feats, kernel_size, stride, padding, bias=self.conv_bias)

    def stem(self):
        return {
            "conv1": self.conv(3, 64, 7, 2),
            "bn1": nn.BatchNorm2d(64),
            "relu": nn.ReLU(),
            "maxpool": nn.MaxPool2d(3, 2, 1),
        }

    def layers(self):
        sizes = zip(self.n_blocks, self.channels, self.channels[1:], self.strides, strict=False)
        return {f"layer{i}": self.layer(*size) for i, size in enumerate(sizes, self.first_layer)}

    def layer(self, n_blocks, in_feats, out_feats, stride):
        first = self.block(in_feats, out_feats, stride)
        return nn.Sequential(first, *self.more_blocks(n_blocks - 1, out_feats))

    def more_blocks(self, n_blocks, feats):
        return [self.block(feats, feats, 1) for _ in range(n_blocks)]

    def block(self, in_feats, out_feats, stride):
        return NamedBlock(self, in_feats, out_feats, stride)

    def block_strides(self, stride):
        return stride, 1

    def downsample(self, in_feats, out_feats, stride):
        if stride == 1 and in_feats == out_feats:
            return {}
        convolution = self.conv(in_feats, out_feats, 1, stride)
        return {"downsample": nn.Sequential(convolution, nn.BatchNorm2d(out_feats))}

    def left(self, block, x):
        return block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))

    def joined(self, left, right):
        return (left + right).relu()

    def head(self):
        return {"avgpool": solutions.AveragePool(), "fc": nn.Linear(512, self.n_classes)}

    def assembled(self, modules):
        return solutions.NamedSequential(OrderedDict(modules))

    def named_resnet34(self):
        return self.assembled(self.stem() | self.layers() | self.head())


class NamedBlock(nn.Module):
    """A residual block with torchvision's names, which does as the steps say."""

    def __init__(self, steps, in_feats, out_feats, stride):
        super().__init__()
        self.steps = steps
        first, second = steps.block_strides(stride)
        self.conv1 = steps.conv(in_feats, out_feats, 3, first)
        self.bn1 = nn.BatchNorm2d(out_feats)
        self.conv2 = steps.conv(out_feats, out_feats, 3, second)
        self.bn2 = nn.BatchNorm2d(out_feats)
        self.right = []  # a list, so that the names are those that `steps` gives
        for name, module in steps.downsample(in_feats, out_feats, stride).items():
            self.add_module(name, module)
            self.right.append(module)

    def forward(self, x):
        left, right = self.steps.left(self, x), x
        for module in self.right:
            right = module(right)
        return self.steps.joined(left, right)


@dataclass(frozen=True, eq=False)
class Named(Entries):
    """The same in whatever order. Which wrong name somebody chose makes no difference."""

    def _comparable(self) -> list[tuple[str, str]]:
        """The entries, with a question mark for whatever torchvision has no such name for."""
        known = TORCHVISIONS_NAMES.split()
        names = {
            name: ".".join(part if part in known else "?" for part in name.split("."))
            for name in self.of
        }
        return sorted((names[name], text) for name, text in self.of.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self._comparable() == other._comparable()

    __hash__ = None

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        missing = modules_of(name for name in self.of if name not in got.of)
        added = modules_of(name for name in got.of if name not in self.of)
        remarks = [f"Yours lacks {few(missing)}."] if missing else []
        remarks += [f"torchvision's has no {few(added)}."] if added else []
        return *super().difference(subject, got)[:2], " ".join(remarks)


def modules_of(names: Iterable[str]) -> list[str]:
    """The modules that entries belong to: layer1.0 or conv1, say, each once."""
    parts = (name.split(".") for name in names)
    return list(dict.fromkeys(".".join(p[: 2 if p[0].startswith("layer") else 1]) for p in parts))


TORCHVISIONS_NAMES = (
    "conv1 bn1 relu maxpool layer1 layer2 layer3 layer4 avgpool fc conv2 bn2 downsample "
    "0 1 2 3 4 5 weight bias running_mean running_var num_batches_tracked"
)


def made(named_resnet34: Callable) -> nn.Module:
    """The network, with whatever is in memory for weights.

    Raises:
        LookupError: it is none.
    """
    with WithoutInitialisation():
        model = named_resnet34()
    if isinstance(model, dict):
        raise LookupError("you return a dictionary of modules, not a network")
    if not isinstance(model, nn.Module):
        kind = "nothing" if model is None else f"something of type {type(model).__name__}"
        raise LookupError(f"you return {kind}, not a network")
    return model


def children(named_resnet34):
    """The names of the outermost modules."""
    return Named({name: "is there" for name, _ in made(named_resnet34).named_children()})


def named_shapes(named_resnet34):
    """The names and shapes of a state dict."""
    entries = made(named_resnet34).state_dict()
    return Named({name: str(tuple(entry.shape)) for name, entry in entries.items()})


def named_output(*shape: int) -> Callable:
    """The logits for a made-up picture in eval mode, with made-up weights in float64."""

    def run(named_resnet34):
        # float32 rounds too much in so deep a network; `undisturbed` puts the default back
        torch.set_default_dtype(torch.float64)
        model = made(named_resnet34)
        names = list(made(solutions.named_resnet34).state_dict())
        entries = model.state_dict()
        # by name, if the names are right: state dicts are loaded by name, in whatever order
        fill_fast(entries[name] for name in (names if set(names) == set(entries) else entries))
        return traced(model.eval(), made_up(*shape).double())

    return run


@torch.no_grad()
def fill_fast(entries: Iterable[Tensor]) -> None:
    """What `fill` does, for 21 million numbers: each entry is a piece of one row of random ones."""
    generator = torch.Generator().manual_seed(0)
    row = torch.empty(3_000_000, dtype=torch.float32).normal_(generator=generator).double()
    for position, entry in enumerate(entries):
        start = 977 * position % 600_000  # which leaves enough for the largest, 512 * 512 * 3 * 3
        piece = row[start : start + entry.numel()].view_as(entry)
        if entry.ndim >= 2:
            torch.mul(piece, (2 / entry[0].numel()) ** 0.5, out=entry)
        elif entry.is_floating_point():
            torch.add(piece.sigmoid(), 0.5, out=entry)


NAMED_RESNET34_TRIALS = (
    Trial("test_named_resnet34", "named_resnet34().named_children()", children, "names"),
    Trial("test_named_resnet34", "named_resnet34().state_dict()", named_shapes, "entries"),
    Trial(
        "test_named_resnet34",
        "eval mode, a picture of shape (1, 3, 40, 56)",
        named_output(1, 3, 40, 56),
        "logits",
        slow=True,
    ),
)


def without(names: str, step: str) -> dict[str, Callable]:
    """The step without the modules of these names."""

    def shortened(self):
        modules = getattr(NamedResNet34InSteps, step)(self)
        return {name: module for name, module in modules.items() if name not in names.split()}

    return {step: shortened}


def renamed(step: str, **names: str) -> dict[str, Callable]:
    """The step with other names for some of the modules."""

    def with_other_names(self):
        modules = getattr(NamedResNet34InSteps, step)(self)
        return {names.get(name, name): module for name, module in modules.items()}

    return {step: with_other_names}


def project_always(self, in_feats, out_feats, stride):
    convolution = self.conv(in_feats, out_feats, 1, stride)
    return {"downsample": nn.Sequential(convolution, nn.BatchNorm2d(out_feats))}


NAMED_RESNET34_MISTAKES = mistake = Catalogue()
mistake(
    "dictionary returned",
    "You return the dictionary of the modules. Make a network of it: NamedSequential(…).",
    assembled=lambda self, modules: OrderedDict(modules),
)


@mistake(
    "plain dict",
    "You give NamedSequential a plain dict. It knows an OrderedDict: OrderedDict(conv1=…).",
)
class _:
    def assembled(self, modules):
        return solutions.NamedSequential(dict(modules))


mistake(
    "modules numbered",
    "Your modules are numbered, as Sequential(a, b, …) does. Pass one OrderedDict to "
    "NamedSequential, whose keys are the names.",
    assembled=lambda self, modules: nn.Sequential(*modules.values()),
)
mistake(
    "layers counted from 0",
    "You count the layers from 0. torchvision's are layer1 to layer4.",
    first_layer=0,
)


@mistake(
    "ResidualBlock instead of NamedResidualBlock",
    "Your blocks are ResidualBlocks, whose names are left and right. Use NamedResidualBlock, "
    "which has torchvision's: conv1, bn1, conv2, bn2, downsample.",
)
class _:
    def block(self, in_feats, out_feats, stride):
        return solutions.ResidualBlock(in_feats, out_feats, stride)


mistake(
    "fc under another name",
    "Your last layer isn't called fc, which is its name in torchvision.",
    **renamed("head", fc="linear"),
)
mistake(
    "avgpool under another name",
    "Your average pool isn't called avgpool, which is its name in torchvision.",
    **renamed("head", avgpool="pool"),
)
mistake(
    "stem's ReLU missing",
    "There is no relu between bn1 and maxpool.",
    **without("relu", "stem"),
)
mistake(
    "maxpool missing",
    "There is no maxpool after relu: 3x3, stride 2, padding 1.",
    **without("maxpool", "stem"),
)


@mistake(
    "downsample under another name",
    "Your blocks' right branch isn't called downsample, which is its name in torchvision.",
)
class _:
    def downsample(self, in_feats, out_feats, stride):
        modules = NamedResNet34InSteps.downsample(self, in_feats, out_feats, stride)
        return {"shortcut": modules["downsample"]} if modules else {}


@mistake(
    "downsample not a Sequential",
    "The convolution and the batchnorm of the right branch are attributes of the block. In "
    "torchvision they are downsample.0 and downsample.1: put both in a Sequential.",
)
class _:
    def downsample(self, in_feats, out_feats, stride):
        modules = NamedResNet34InSteps.downsample(self, in_feats, out_feats, stride)
        if not modules:
            return {}
        return {"conv3": modules["downsample"][0], "bn3": modules["downsample"][1]}


mistake(
    "downsample in every block",
    "Every block has a downsample. It is None where the stride is 1 and the channels stay the "
    "same.",
    downsample=project_always,
)


@mistake(
    "downsample without batchnorm",
    "Your downsample has no batchnorm after its convolution.",
)
class _:
    def downsample(self, in_feats, out_feats, stride):
        modules = NamedResNet34InSteps.downsample(self, in_feats, out_feats, stride)
        return {name: nn.Sequential(module[0]) for name, module in modules.items()}


mistake(
    "convolutions with bias",
    "Your convolutions have a bias. In torchvision's ResNet they have none: the batchnorm "
    "after them would subtract it.",
    conv_bias=True,
)
mistake(
    "two blocks in every layer",
    "You have two blocks in every layer, which makes a ResNet18. ResNet34 has 3, 4, 6, 3.",
    n_blocks=(2, 2, 2, 2),
)
mistake(
    "one block too many in every layer",
    "Every layer has a block too many: the first block counts, so n_blocks - 1 are to follow.",
    n_blocks=(4, 5, 7, 4),
)


@mistake(
    "the same block repeated",
    "The same block stands several times in a layer, so that its weights are shared. Make a "
    "new one each time: a list times a number repeats the object.",
)
class _:
    def more_blocks(self, n_blocks, feats):
        return [self.block(feats, feats, 1)] * n_blocks


mistake(
    "no strides",
    "No layer has a stride. The first blocks of layer2, layer3 and layer4 have stride 2.",
    strides=(1, 1, 1, 1),
    downsample=lambda self, in_feats, out_feats, stride: (
        {} if in_feats == out_feats else project_always(self, in_feats, out_feats, stride)
    ),
)


@mistake(
    "stride on the second convolution",
    "The stride is on conv2. It belongs to conv1, the block's first convolution.",
)
class _:
    def block_strides(self, stride):
        return 1, stride


mistake(
    "last ReLU of the blocks missing",
    "Your blocks end without a ReLU. It comes after the addition: relu(left + right).",
    joined=lambda self, left, right: left + right,
)


@mistake(
    "last ReLU before the addition",
    "Your blocks apply the last ReLU to the left branch, before the addition. It comes after: "
    "relu(left + right).",
)
class _:
    def joined(self, left, right):
        return left.relu() + right


mistake(
    "middle ReLU of the blocks missing",
    "There is no ReLU between bn1 and conv2 in your blocks.",
    left=lambda self, block, x: block.bn2(block.conv2(block.bn1(block.conv1(x)))),
)
mistake(
    "skip connection missing",
    "Your blocks return the left branch only. Add the right one: relu(left + right).",
    joined=lambda self, left, right: left.relu(),
)
mistake(
    "softmax at the end",
    "Your network ends in a softmax. It returns logits; predict makes probabilities of them.",
    head=lambda self: NamedResNet34InSteps.head(self) | {"softmax": nn.Softmax(dim=1)},
)
mistake(
    "number of classes",
    "fc doesn't have 1000 outputs, one for each class of ImageNet.",
    n_classes=10,
)

NAMED_RESNET34 = Exercise(
    name="named_resnet34",
    reference=solutions.named_resnet34,
    names={},
    in_steps=NamedResNet34InSteps,
    trials=NAMED_RESNET34_TRIALS,
    mistakes=NAMED_RESNET34_MISTAKES,
    finished=lambda steps: steps().named_resnet34,
)


def test_named_resnet34(named_resnet34: Callable) -> None:
    """Check that named_resnet34() has torchvision's names and computes what a ResNet34 does."""
    NAMED_RESNET34.check("test_named_resnet34", named_resnet34)
