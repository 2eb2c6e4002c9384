"""Answers to accuracy."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from resnet_helpers.answers.edits import Answers

answers = Answers("accuracy", globals())
right, wrong = answers.right, answers.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
def plain(model, images, labels):
    modes = [module.training for module in model.modules()]
    model.eval()
    with torch.inference_mode():
        guesses = model(images).argmax(dim=1)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return (guesses == labels).float().mean().item()


@right
def counted_in_batches(model, images, labels):
    modes = {name: module.training for name, module in model.named_modules()}
    model.eval()
    n_right = 0
    with torch.no_grad():
        for start in range(0, len(images), 64):
            logits = model(images[start : start + 64])
            _, guesses = torch.max(logits, dim=1)
            n_right += (guesses == labels[start : start + 64]).sum().item()
    for name, module in model.named_modules():
        module.train(modes[name])
    return n_right / len(images)


@right
@torch.no_grad()
def decorated(model, images, labels):
    in_train_mode = [module for module in model.modules() if module.training]
    try:
        model.train(False)
        probabilities = model(images).softmax(-1)
        return float((probabilities.topk(1).indices.squeeze(1) == labels).double().mean())
    finally:
        for module in in_train_mode:
            module.training = True


@right
def one_by_one(model, images, labels):
    before = {}
    for module in model.modules():
        before[module] = module.training
        module.training = False
    n_right = 0
    for image, label in zip(images, labels, strict=True):
        with torch.inference_mode():
            logits = model(image[None])[0]
        n_right += logits.argmax().item() == label.item()
    for module in before:
        module.training = before[module]
    return n_right / len(labels)


@right
def weighted_means(model, images, labels):
    modes = [module.training for module in model.modules()]
    model.eval()
    total = 0.0
    for some, their_labels in zip(images.split(1000), labels.split(1000), strict=True):
        with torch.no_grad():
            guesses = model(some).argmax(1)
        total += (guesses == their_labels).float().mean().item() * len(some)
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return total / len(images)


@right
def with_a_loader(model, images, labels):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    right = []
    with torch.inference_mode():
        for batch, their_labels in DataLoader(TensorDataset(images, labels), batch_size=500):
            right += (model(batch).argmax(1) == their_labels).tolist()
    for module, mode in modes.items():
        module.training = mode
    return sum(right) / len(right)


@right
def of_a_copy(model, images, labels):
    its_copy = copy.deepcopy(model).eval()
    with torch.no_grad():
        guesses = [its_copy(image[None]).argmax() for image in images]
    return sum(map(torch.equal, guesses, labels)) / len(labels)


# ---- Wrong ----------------------------------------------------------------------------------

with torch.random.fork_rng(devices=[]):
    my_resnet = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))

wrong("another model than the argument", plain, {"model(images)": "my_resnet(images)"})
wrong("eval mode forgotten", plain, {"model.eval()": "model.eval"})
wrong("train mode", plain, {"model.eval()": "model.train()"})
wrong("only the outermost module in eval mode", plain, {"model.eval()": "model.training = False"})
wrong(
    "eval mode only if the model is in train mode",
    plain,
    {"model.eval()": "if model.training:\n    model.eval()"},
)
wrong("left in eval mode", decorated, {"module.training = True": "pass"})
wrong(
    "always train mode afterwards",
    plain,
    {
        "for module, mode in zip(model.modules(), modes, strict=True):\n"
        "module.training = mode": "model.train()"
    },
)
wrong(
    "train mode afterwards if the model was in it, else left",
    plain,
    {
        "modes = [module.training for module in model.modules()]": "was_training = model.training",
        "for module, mode in zip(model.modules(), modes, strict=True):\n"
        "module.training = mode": "model.train(was_training)",
    },
)
wrong(
    "only the outermost mode put back",
    plain,
    {
        "modes = [module.training for module in model.modules()]": "was_training = model.training",
        "for module, mode in zip(model.modules(), modes, strict=True):\n"
        "module.training = mode": "model.training = was_training",
    },
)
wrong(
    "modes of the children only",
    plain,
    {
        "for module in model.modules()]": "for module in model.children()]",
        "zip(model.modules()": "zip(model.children()",
    },
)
wrong("gradients recorded", weighted_means, {"with torch.no_grad():": "if True:"})
wrong(
    "neither eval mode nor gradients off",
    plain,
    {
        "model.eval()\n": "",
        "with torch.inference_mode():": "if True:",
        "for module, mode in zip(model.modules(), modes, strict=True):\nmodule.training = mode": "",
    },
)
wrong(
    "gradients left off",
    plain,
    {"with torch.inference_mode():": "torch.set_grad_enabled(False)\nif True:"},
)
wrong(
    "parameters frozen",
    plain,
    {"model.eval()": "model.eval()\nfor p in model.parameters():\n    p.requires_grad = False"},
)
wrong("inference_mode without brackets", plain, {"inference_mode()": "inference_mode"})
wrong("argmax over the batch", plain, {"dim=1": "dim=0"})
wrong("argmax over everything", plain, {"argmax(dim=1)": "argmax()"})
wrong("argmin", plain, {"argmax": "argmin"})
wrong("highest logits for classes", counted_in_batches, {"_, guesses": "guesses, _"})
wrong("both of max", plain, {"argmax": "max"})
wrong("keepdim", plain, {"argmax(dim=1)": "argmax(dim=1, keepdim=True)"})
wrong("labels with another axis", plain, {"== labels": "== labels.view(-1, 1)"})
for k in (2, 3):
    wrong(
        f"among the best {k}",
        plain,
        {
            "model(images).argmax(dim=1)": "model(images)",
            "(guesses == labels)": "torch.tensor([label in guess.topk(min"
            f"({k}, len(guess))).indices for guess, label in zip(guesses, labels)])",
        },
    )
wrong("classes counted from 1", plain, {"argmax(dim=1)": "argmax(dim=1) + 1"})
wrong("share of errors", plain, {"guesses == labels": "guesses != labels"})
wrong("percent", counted_in_batches, {"return n_right": "return 100 * n_right"})
wrong("number instead of share", counted_in_batches, {" / len(images)\n": "\n"})
wrong(
    "divided by the number of classes",
    plain,
    {
        "guesses = model(images)": "logits = model(images)\nguesses = logits",
        ".float().mean().item()": ".sum().item() / logits.shape[1]",
    },
)
wrong("all or nothing", plain, {".float().mean().item()": ".all().float().item()"})
wrong("rounded down", counted_in_batches, {" / len(images)\n": " // len(images)\n"})
wrong(
    "rounded",
    plain,
    {
        "return (guesses == labels).float().mean().item()": "return round(torch.mean((guesses"
        " == labels).float()).item(), 2)"
    },
)
wrong("mean of booleans", plain, {".float()": ""})
wrong("first picture only", plain, {".float().mean()": "[0].float()"})
wrong("tensor returned", plain, {".item()": ""})
wrong("nothing returned", plain, {"return ": ""})
wrong("item without brackets", plain, {"item()": "item"})
wrong("guesses returned", plain, {".float().mean().item()": ""})
wrong(
    "mean of the batches' means",
    weighted_means,
    {" * len(some)": "", "total / len(images)": "total / len(images.split(1000))"},
)
wrong("pictures left out", with_a_loader, {"batch_size=500": "batch_size=500, drop_last=True"})
wrong(
    "divided by the number of batches",
    counted_in_batches,
    {"n_right / len(images)": "n_right / len(range(0, len(images), 64))"},
)
wrong(
    "last batch only",
    with_a_loader,
    {"right += (model": "right = (model"},
)
