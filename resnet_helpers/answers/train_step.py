"""Answers to train_step."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.answers.edits import Answers

answers = Answers("train_step", globals())
right, wrong = answers.right, answers.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
def plain(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


@right
def step_by_step(model, optimizer, images, labels):
    model.train(True)
    logits = model(images)
    loss_function = nn.CrossEntropyLoss()
    loss = loss_function(logits, labels)
    model.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    return float(loss)


@right
def by_hand(model, optimizer, images, labels):
    model = model.train()
    logits = model(images)
    log_probabilities = logits - logits.logsumexp(dim=1, keepdim=True)
    loss = -log_probabilities[torch.arange(len(labels)), labels].mean()
    for parameter in model.parameters():
        parameter.grad = None
    loss.backward()
    optimizer.step()
    return loss.detach().cpu().numpy().item()


@right
def one_hot_labels(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad(set_to_none=False)
    logits = model(images)
    target = F.one_hot(labels, logits.shape[1]).float()
    loss = F.cross_entropy(logits, target)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


@right
def log_softmax_first(model, optimizer, images, labels):
    # which changes nothing: cross_entropy takes log_softmax, and that of log_softmax is the same
    model.train()
    loss = F.cross_entropy(F.log_softmax(model(images), dim=1), labels, reduction="sum")
    loss = loss / len(labels)
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    return loss.tolist()


@right
def nll(model, optimizer, images, labels):
    was_training = model.training
    model.train()
    optimizer.zero_grad()
    with torch.enable_grad():
        loss = nn.NLLLoss()(torch.log_softmax(model(images), -1), labels.long())
        loss.backward()
        optimizer.step()
    model.train(was_training)
    return loss.detach().item()


@right
def with_a_closure(model, optimizer, images, labels):
    model.train()

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        return loss

    return optimizer.step(closure).item()


@right
def forward_called(model, optimizer, images, labels):
    model.train()
    logits = model.forward(images)
    loss = F.cross_entropy(input=logits, target=labels)
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
    return loss.data.item()


@right
def gradients_assigned(model, optimizer, images, labels):
    model.train()
    loss = F.cross_entropy(model(images), labels)
    parameters = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.item()


# ---- Wrong ----------------------------------------------------------------------------------

with torch.random.fork_rng(devices=[]):
    my_resnet = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))

wrong("another model than the argument", plain, {"model(images)": "my_resnet(images)"})
wrong("mode left as it is", plain, {"model.train()": "model.train"})
wrong("eval mode", plain, {"train()": "eval()"})
wrong(
    "only the outermost module in train mode",
    step_by_step,
    {"model.train(True)": "model.training = True"},
)
wrong(
    "train mode only if the model is not in it",
    plain,
    {"model.train()": "if not model.training:\n    model.train()"},
)
wrong(
    "training set by hand",
    plain,
    {"model.train()": "for module in model.modules():\n    module.training = True"},
)
wrong("gradients never zeroed", plain, {"zero_grad()": "zero_grad"})
wrong(
    "gradients zeroed between backward and step",
    step_by_step,
    {
        "model.zero_grad(set_to_none=False)\nloss.backward()": "loss.backward()\n"
        "model.zero_grad(set_to_none=False)"
    },
)
wrong(
    "gradients zeroed at the end only",
    plain,
    {"optimizer.zero_grad()\n": "", "optimizer.step()": "optimizer.step()\noptimizer.zero_grad()"},
)
wrong(
    "step before backward",
    plain,
    {"loss.backward()\noptimizer.step()": "optimizer.step()\nloss.backward()"},
)
wrong(
    "step before backward, gradients never zeroed",
    plain,
    {
        "optimizer.zero_grad()\n": "",
        "loss.backward()\noptimizer.step()": "optimizer.step()\nloss.backward()",
    },
)
wrong(
    "step before zeroing and backward",
    step_by_step,
    {
        "model.zero_grad(set_to_none=False)\n": "optimizer.step()\nmodel.zero_grad()\n",
        "loss.backward()\noptimizer.step()": "loss.backward()",
    },
)
wrong("no step", plain, {"optimizer.step()": "optimizer.step"})
wrong("neither zeroed nor stepped", plain, {"optimizer.zero_grad()": "", "optimizer.step()": ""})
wrong(
    "no step, gradients zeroed at the end",
    plain,
    {"optimizer.zero_grad()\n": "", "optimizer.step()": "optimizer.zero_grad()"},
)
wrong("no backward", by_hand, {"loss.backward()": "loss.backward"})
wrong(
    "no backward, gradients never zeroed",
    plain,
    {"optimizer.zero_grad()": "", "loss.backward()": ""},
)
wrong("neither backward nor step", plain, {"loss.backward()\noptimizer.step()": ""})
wrong("two steps", plain, {"optimizer.step()": "optimizer.step()\noptimizer.step()"})
wrong("softmax before the loss", plain, {"model(images)": "model(images).softmax(dim=1)"})
wrong(
    "softmax over the batch before the loss",
    step_by_step,
    {"logits = model(images)": "logits = torch.softmax(model(images), 0)"},
)
wrong("sigmoid before the loss", plain, {"model(images)": "torch.sigmoid(model(images))"})
wrong("ReLU before the loss", plain, {"model(images)": "F.relu(model(images))"})
wrong("nll_loss of logits", nll, {"torch.log_softmax(model(images), -1)": "model(images)"})
wrong("nll_loss of probabilities", nll, {"log_softmax": "softmax"})
wrong(
    "logarithm of probabilities",
    nll,
    {"torch.log_softmax(model(images), -1)": "torch.log(model(images).softmax(1))"},
)
wrong("loss summed", log_softmax_first, {"loss = loss / len(labels)": ""})
wrong(
    "loss summed, and its average returned",
    plain,
    {", labels)\n": ', labels, reduction="sum")\n', "loss.item()": "loss.item() / len(images)"},
)
wrong(
    "loss divided by the batch again",
    plain,
    {"images), labels)\n": "images), labels) / len(images)\n"},
)
wrong("loss not reduced", plain, {", labels)\n": ', labels, reduction="none")\n'})
wrong("loss class given the data", plain, {"F.cross_entropy(model(": "nn.CrossEntropyLoss(model("})
wrong("loss with the sign changed", by_hand, {"-log_prob": "log_prob"})
wrong(
    "binary cross-entropy",
    one_hot_labels,
    {"F.cross_entropy": "F.binary_cross_entropy_with_logits"},
)
wrong("squared error", one_hot_labels, {"F.cross_entropy": "F.mse_loss"})
wrong(
    "squared error of probabilities",
    one_hot_labels,
    {"F.cross_entropy(logits": "nn.MSELoss()(logits.softmax(dim=-1)"},
)
for amount in (0.05, 0.1, 0.2):
    wrong(
        f"labels smoothed by {amount}",
        step_by_step,
        {"CrossEntropyLoss()": f"CrossEntropyLoss(label_smoothing={amount})"},
    )
wrong("outputs and labels swapped", step_by_step, {"(logits, labels)": "(labels, logits)"})
wrong("labels as floats", plain, {", labels)\n": ", labels.float())\n"})

wrong("labels one-hot, as integers", one_hot_labels, {".float()": ""})
wrong("labels with another axis", plain, {", labels)\n": ", labels.unsqueeze(1))\n"})
wrong("guesses instead of logits", plain, {"model(images)": "model(images).argmax(dim=1)"})
wrong(
    "guesses as floats instead of logits",
    plain,
    {"model(images)": "model(images).argmax(dim=1).float()"},
)
wrong("gradients off: no_grad", nll, {"enable_grad": "no_grad"})
wrong(
    "gradients off: inference_mode",
    step_by_step,
    {"logits = model(images)": "with torch.inference_mode():\n    logits = model(images)"},
)
wrong("logits detached", plain, {"model(images)": "model(images).detach()"})
wrong(
    "made a leaf of its own",
    step_by_step,
    {"loss.backward()": "loss = loss.detach().requires_grad_()\nloss.backward()"},
)
wrong("outputs squeezed", plain, {"model(images)": "model(images).squeeze()"})
wrong("item before backward", plain, {"loss.backward()": "loss = loss.item()\nloss.backward()"})
wrong("backward called twice", plain, {"loss.backward()": "loss.backward()\nloss.backward()"})
wrong("item forgotten", plain, {".item()": ""})
wrong("tensor returned", nll, {".item()": ""})
wrong("nothing returned", plain, {"return ": ""})
wrong("item without brackets", plain, {"item()": "item"})
wrong("sum of losses returned", plain, {"item()": "item() * images.shape[0]"})
wrong("loss returned divided by the batch", plain, {"item()": "item() / images.shape[0]"})
wrong("loss rounded", step_by_step, {"float(loss)": "int(loss)"})
wrong(
    "accuracy returned",
    step_by_step,
    {"float(loss)": "(model(images).argmax(1) == labels).float().mean().item()"},
)
wrong(
    "loss after the step",
    plain,
    {"return loss.item()": "return F.cross_entropy(model(images), labels).item()"},
)
wrong(
    "a second run after the step",
    step_by_step,
    {"return": "print((model(images).argmax(1) == labels).float().mean())\nreturn"},
)
wrong(
    "a second run before the step",
    step_by_step,
    {"loss_function(logits, labels)": "loss_function(model(images), labels)"},
)
wrong("loss and something else returned", step_by_step, {"float(loss)": "float(loss), 0.0"})
wrong(
    "parameters frozen afterwards",
    plain,
    {"return": "for parameter in model.parameters():\n    parameter.requires_grad = False\nreturn"},
)
wrong("gradients left off", plain, {"return": "torch.set_grad_enabled(False)\nreturn"})
wrong(
    "another optimizer than the argument",
    plain,
    {"model.train()": "model.train()\noptimizer = torch.optim.SGD(model.parameters(), lr=0.01)"},
)
