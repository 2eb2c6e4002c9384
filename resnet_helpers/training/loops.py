# ruff: noqa: D103
"""The training loops of lesson 7's runs, which learners read as they stand here.

So there are no comments: finding out which of them are right is the exercise. Each calls
log(loss) once a step.
"""

import torch
import torch.nn.functional as F


def train_0(model, optimizer, batches, fresh, log):
    for images, labels in batches:
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        log(loss.item())


def train_1(model, optimizer, batches, fresh, log):
    model.train()
    for images, labels in batches:
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        log(loss.item())


def train_2(model, optimizer, batches, fresh, log):
    model.train()
    optimizer.zero_grad()
    for images, labels in batches:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        log(loss.item())


def share_right(model, images, labels):
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


def train_3(model, optimizer, batches, fresh, log):
    model.train()
    best = 0.0
    for step, (images, labels) in enumerate(batches):
        if step % 20 == 0:
            best = max(best, share_right(model, *fresh))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        log(loss.item())
    return best


def train_4(model, optimizer, batches, fresh, log):
    for images, labels in batches:
        model.train()
        for parameter in model.parameters():
            parameter.grad = None
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        log(loss.item())


def train_5(model, optimizer, batches, fresh, log):
    model.train()
    for images, labels in batches:
        log_probabilities = model(images).log_softmax(dim=1)
        loss = F.nll_loss(log_probabilities, labels)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        log(loss.item())


def train_6(model, optimizer, batches, fresh, log):
    for batch in batches:
        model.train()
        images, labels = batch
        optimizer.zero_grad(set_to_none=False)
        logits = model(images)
        loss = F.cross_entropy(logits, labels, reduction="none").mean()
        loss.backward()
        optimizer.step()
        log(float(loss.detach()))
