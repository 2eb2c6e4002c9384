"""Lesson 7: what the check of freeze tries, and what of it it looks at."""

import copy
from collections import OrderedDict
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_helpers.tests.structure import Entries
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import fill, made_up

# ---- Networks -------------------------------------------------------------------------------

A = torch.tensor([[[[1.0]]], [[[3.0]]]])  # two pictures of one pixel and one channel
IMAGES = made_up(4, 2, 2, 2)
LABELS = torch.tensor([2, 0, 1, 0])


def network() -> nn.Module:
    """A network of a class of its own, so that whatever is done to the class ends with it."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            body = OrderedDict(conv=nn.Conv2d(2, 3, 1), bn=nn.BatchNorm2d(3), relu=nn.ReLU())
            top = OrderedDict(flatten=nn.Flatten(), norm=nn.BatchNorm1d(12), fc=nn.Linear(12, 3))
            self.body, self.top = nn.Sequential(body), nn.Sequential(top)

        def forward(self, x):
            return self.top(self.body(x))

    return fill(Network())


def new_layer() -> nn.Module:
    """A new last layer, with a batchnorm of its own."""
    return fill(nn.Sequential(nn.BatchNorm1d(12), nn.Dropout(0.1), nn.Linear(12, 3)))


def frozen(freeze: Callable, times=1) -> nn.Module:
    """The network, frozen, and then with a new last layer."""
    model = network()
    for _ in range(times):
        freeze(model)
    model.top.fc = new_layer()
    return model


def train(model: nn.Module, n_steps=2) -> None:
    """Some steps of training, with an optimizer that moves every weight that it can."""
    parameters = model.parameters()
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(n_steps):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(IMAGES.clone()), LABELS).backward()
        optimizer.step()


# ---- What came out --------------------------------------------------------------------------


def values_of(model: nn.Module) -> dict[str, Tensor]:
    """Copies of parameters and statistics; how many batches were seen is left out."""
    entries = model.state_dict().items()
    return {n: entry.clone() for n, entry in entries if not n.endswith("num_batches_tracked")}


def moved(before: dict[str, Tensor], model: nn.Module) -> Entries:
    """Which entries of the model are other than before."""
    after = values_of(model)
    states = {name: "not there" for name in before if name not in after}
    for name, entry in after.items():
        states[name] = "moved"
        if name in before and torch.equal(entry, before[name]):
            states[name] = "as before"
    return Entries(states)


def parameters_afterwards(freeze):
    """Which parameters are still to be trained."""
    model = network()
    freeze(model)
    return Entries(
        {name: f"requires_grad {p.requires_grad}" for name, p in model.named_parameters()}
    )


def values_afterwards(freeze):
    """Whether freeze itself changes any value, or name."""
    model = network()
    before = values_of(model)
    freeze(model)
    return moved(before, model)


def after_training(freeze, times=1):
    """What moves in training: what is new, and nothing else."""
    model = frozen(freeze, times)
    before = values_of(model)
    train(model)
    return moved(before, model)


def modes_of_new_layer(model: nn.Module) -> Entries:
    """In which mode the new last layer, and the batchnorm in it, are after train() and eval()."""
    new = model.top.fc
    states = {}
    for call in ("model.eval()", "model.train()", "model.eval() again"):
        model.train(call == "model.train()")
        for name, module in (("the layer", new), ("its batchnorm", new[0])):
            states[f"{name} after {call}"] = "train" if module.training else "eval"
    return Entries(states)


def gradient_of_new_first_layer(freeze):
    """Whether a gradient gets through the frozen layers to a new one before them."""
    model = network()
    freeze(model)
    model.body.conv = fill(nn.Conv2d(2, 3, 1))
    model.train()
    F.cross_entropy(model(IMAGES.clone()), LABELS).backward()
    gradient = model.body.conv.weight.grad
    return "none" if gradient is None or not gradient.any() else "arrives"


def copied(freeze) -> nn.Module:
    """A deepcopy of the frozen network with its new last layer."""
    return copy.deepcopy(frozen(freeze))


def copy_after_training(freeze):
    """What moves when a deepcopy is trained."""
    model = copied(freeze)
    before = values_of(model)
    train(model)
    return moved(before, model)


def original_after_training_of_copy(freeze):
    """What of the original a deepcopy's training changes."""
    model = frozen(freeze).eval()
    before = values_of(model)
    train(copy.deepcopy(model))
    mode = "train" if model.top.fc.training else "eval"
    return Entries({**moved(before, model).of, "mode of its last layer": mode})


def names_afterwards(freeze):
    """The names in the state dict."""
    model = network()
    before = list(model.state_dict())
    freeze(model)
    after = list(model.state_dict())
    missing = {name: "not there" for name in before if name not in after}
    added = {name: "new" for name in after if name not in before}
    return Entries({**dict.fromkeys(before, "there"), **missing, **added})


def other_values(model: nn.Module) -> dict[str, Tensor]:
    """A state dict of the model's names with other values."""
    return {
        name: entry + 1 if entry.is_floating_point() else entry
        for name, entry in model.state_dict().items()
    }


def after_loading(freeze):
    """What moves in training when a frozen network has loaded the weights of another."""
    model = frozen(freeze)
    model.load_state_dict(other_values(model))
    before = values_of(model)
    train(model)
    return moved(before, model)


def loaded_by_another(freeze):
    """Whether a network that is not frozen can load a frozen one's state dict, and trains."""
    model, other = network(), network()
    freeze(model)
    other.load_state_dict(model.state_dict())
    before = values_of(other)
    train(other)
    return moved(before, other)


def another_model(freeze):
    """The mode of other batchnorms, made before and after, when their model is put in train mode.

    They are of each kind that the frozen one has.
    """
    before = network().eval()
    freeze(network())
    after = network().eval()
    for model in (before, after):
        model.train()
    return {
        f"{name} made {when}": "train" if module.training else "eval"
        for when, model in (("before", before), ("after", after))
        for name, module in (("BatchNorm2d", model.body.bn), ("BatchNorm1d", model.top.norm))
    }


# ---- The trials -----------------------------------------------------------------------------


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    return Trial("test_freeze", tried, code, subject, look=look)


NEW_LAYER = "frozen, then with a new last layer that has a batchnorm"
MODEL = "model = torch.nn.Sequential(torch.nn.BatchNorm2d(1))"
OWN = (
    "from resnet_helpers.solutions import BatchNorm2d; model = torch.nn.Sequential(BatchNorm2d(1))"
)
OF_VECTORS = "model = torch.nn.Sequential(torch.nn.BatchNorm1d(1))"
THREE_LAYERS = (
    "model = torch.nn.Sequential(torch.nn.BatchNorm2d(1), torch.nn.Flatten(), "
    "torch.nn.Linear(1, 2))"
)
IN_A_PART = "model = torch.nn.Sequential(torch.nn.Sequential(torch.nn.BatchNorm2d(1)))"
PICTURES = "model(x) with x = [1, 3], two pictures of one pixel"


def statistics(tried: str, model: str, then: str, place="0", images="A.clone()") -> Trial:
    """A trial of a batchnorm's running_mean, which is 0, when the model has run on two pictures."""
    code = f"{model}; freeze(model); {then}model({images})\nmodel[{place}].running_mean"
    return trial(f"{tried}, {PICTURES}", code, "running_mean afterwards")


TRIALS = (
    trial(
        "freeze(model)",
        "model = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1), torch.nn.BatchNorm2d(1)); "
        "freeze(model)\n[p.requires_grad for p in model.parameters()]",
        "parameters",
        "parameters_afterwards(freeze)",
    ),
    statistics("BatchNorm2d(1), freeze(model)", MODEL, ""),
    statistics("BatchNorm2d(1), freeze(model), model.train()", MODEL, "model.train(); "),
    trial(
        f"BatchNorm2d(1), freeze(model), model.train(), {PICTURES}",
        f"{MODEL}; freeze(model); model.train()\nmodel(A.clone())",
        "output",
    ),
    statistics(
        "BatchNorm2d(1), freeze(model), model.eval(), model.train()",
        MODEL,
        "model.eval(); model.train(); ",
    ),
    statistics("BatchNorm2d(1), freeze(model), model.eval()", MODEL, "model.eval(); "),
    statistics(
        "the BatchNorm2d of lesson 1, the course's, freeze(model), model.train()",
        OWN,
        "model.train(); ",
    ),
    statistics(
        "a torch.nn.BatchNorm1d, freeze(model), model.train()",
        OF_VECTORS,
        "model.train(); ",
        images="A.flatten(1)",
    ),
    statistics(
        "a BatchNorm2d in a Sequential in the model, freeze(model), model.train()",
        IN_A_PART,
        "model.train(); ",
        place="0][0",
    ),
    trial(
        "freeze(model), and model.train() of other models, made before and after",
        "another_model(freeze)",
        "mode of their batchnorms",
    ),
    trial("freeze(model)", "values_afterwards(freeze)", "afterwards"),
    trial(
        f"a network {NEW_LAYER}, two steps of training",
        "after_training(freeze)",
        "afterwards",
    ),
    trial(
        f"a network {NEW_LAYER}",
        f"{THREE_LAYERS}; freeze(model); model[2] = torch.nn.Linear(1, 2); model.eval()\n"
        "model[2].training",
        "mode of",
        "modes_of_new_layer(frozen(freeze))",
    ),
    trial(
        "a network frozen, then with a new first layer, and loss.backward()",
        "gradient_of_new_first_layer(freeze)",
        "the new layer's gradient",
    ),
    trial(
        f"a deepcopy of a network {NEW_LAYER}, two steps of training of the copy",
        f"import copy; {MODEL}; freeze(model); twin = copy.deepcopy(model); twin.train(); "
        "twin(A.clone())\ntwin[0].running_mean",
        "the copy afterwards",
        "copy_after_training(freeze)",
    ),
    trial(
        f"a deepcopy of a network {NEW_LAYER}",
        f"import copy; {THREE_LAYERS}; freeze(model); twin = copy.deepcopy(model); "
        "twin[2] = torch.nn.Linear(1, 2); twin.eval()\ntwin[2].training",
        "mode of",
        "modes_of_new_layer(copied(freeze))",
    ),
    trial(
        f"a network {NEW_LAYER}, in eval mode, two steps of training of a deepcopy of it",
        "original_after_training_of_copy(freeze)",
        "the original afterwards",
    ),
    trial("freeze(model)", "names_afterwards(freeze)", "in the state dict"),
    trial(
        f"a network {NEW_LAYER}, load_state_dict with other values, two steps of training",
        "after_loading(freeze)",
        "afterwards",
    ),
    trial(
        "another network loads the frozen one's state dict, two steps of training of the other",
        "loaded_by_another(freeze)",
        "the other one afterwards",
    ),
    trial(
        "freeze twice, then a new last layer, two steps", "after_training(freeze, 2)", "afterwards"
    ),
    trial("freeze(model)", f"{MODEL}; freeze(model)\ntorch.is_grad_enabled()", "gradients are on"),
)
