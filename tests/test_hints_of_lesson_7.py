"""What the checks of lesson 7 say of answers that make several mistakes, or only resemble one."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.tests import test_freeze as check_freeze
from resnet_helpers.tests import test_recalibrate as check_recalibrate
from resnet_helpers.tests import test_train_step as check_train_step
from resnet_helpers.tests.failure import CheckFailure


def said(check, answer) -> str:
    with pytest.raises(CheckFailure) as raised:
        check(answer)
    return str(raised.value)


def recalibrate_with_reset(model, batches):
    mode = model.training
    momenta = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    for batchnorm in momenta:
        batchnorm.reset_running_stats()
        batchnorm.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for batchnorm, momentum in momenta.items():
        batchnorm.momentum = momentum
    model.train(mode)


def test_update_bn_is_named_only_where_it_was_called():
    hints = said(check_recalibrate, recalibrate_with_reset)
    assert "update_bn" not in hints
    assert "PyTorch's batchnorms have reset_running_stats()" in hints
    assert "You put one mode on the whole model." in hints
    update_bn = torch.optim.swa_utils.update_bn
    assert "update_bn" in said(check_recalibrate, lambda model, batches: update_bn(batches, model))


def test_the_most_naive_train_step_is_told_of_the_mode_first():
    def train_step(model, optimizer, images, labels):
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    assert "The model runs in whatever mode it is in." in said(check_train_step, train_step)


@pytest.mark.parametrize(("part", "free"), [("bn", "top.norm"), ("norm", "body.bn")])
def test_batchnorms_chosen_by_name(part, free):
    def freeze(model):
        model.requires_grad_(False)
        for name, module in model.named_modules():
            if part in name:
                module.eval()
                module.train = lambda mode=True: None

    assert f"of a network, {free} is in train mode" in said(check_freeze, freeze)


def test_track_running_stats_is_named_only_where_it_was_changed():
    def freeze(model):
        model.requires_grad_(False)
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 0.0

    assert "track_running_stats" not in said(check_freeze, freeze)
