"""Sixty networks, each with one planted fault that first_divergence must find.

Fifteen architectures that are nobody's homework, four faults each: the weights of one layer, the
eps of one norm, one activation, the mode of one module. A fifth shows in gradients only, a sixth
is a NaN. Small inputs, random weights, seeded.
"""

import copy
import re
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.ops import StochasticDepth
from torchvision.ops.misc import FrozenBatchNorm2d

from resnet_helpers.debugging import (
    Divergence,
    activation_stats,
    find_first_nan,
    first_divergence,
)

Make = Callable[[], nn.Module]


def vgg() -> nn.Module:
    model = models.vgg11_bn(weights=None, num_classes=10, init_weights=False)
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    model.classifier[0] = nn.Linear(512, 64)  # of 25088 x 4096 weights nothing would be learned
    model.classifier[3] = nn.Linear(64, 64)
    model.classifier[6] = nn.Linear(64, 10)
    return model


def maskrcnn() -> nn.Module:
    return models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=3, min_size=64, max_size=64
    )


PICTURE = (2, 3, 64, 64)
ARCHITECTURES: dict[str, tuple[Make, tuple[int, ...]]] = {
    "resnet18": (lambda: models.resnet18(num_classes=10), PICTURE),
    "resnet34": (lambda: models.resnet34(num_classes=10), PICTURE),
    "resnet50": (lambda: models.resnet50(num_classes=10), PICTURE),
    "wide_resnet50": (lambda: models.wide_resnet50_2(num_classes=10), PICTURE),
    "resnext50": (lambda: models.resnext50_32x4d(num_classes=10), PICTURE),
    "vgg11": (vgg, PICTURE),
    "densenet121": (lambda: models.densenet121(num_classes=10), PICTURE),
    "efficientnet": (lambda: models.efficientnet_b0(num_classes=10), PICTURE),
    "regnet": (lambda: models.regnet_y_400mf(num_classes=10), PICTURE),
    "swin": (lambda: models.swin_t(num_classes=10), PICTURE),
    "vit": (lambda: models.VisionTransformer(32, 8, 3, 2, 16, 32, 0.1), (2, 3, 32, 32)),
    "convnext": (lambda: models.convnext_tiny(num_classes=10), PICTURE),
    "maskrcnn": (maskrcnn, PICTURE),
    "transformer": (lambda: nn.Transformer(16, 2, 2, 2, 32), (5, 2, 16)),
    "mobilenet": (lambda: models.mobilenet_v3_small(num_classes=10), PICTURE),
}
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, FrozenBatchNorm2d)
ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.Hardswish)


@cache
def reference_of(architecture: str) -> nn.Module:
    """In eval mode, with random running statistics, so that no norm does nothing."""
    make, _ = ARCHITECTURES[architecture]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make().eval()
        for name, buffer in model.named_buffers():
            if name.endswith("running_var"):
                nn.init.uniform_(buffer, 0.5, 1.5)
        for module in model.modules():
            if isinstance(module, (nn.Dropout, StochasticDepth)):
                module.p = 0.5  # to see it; without effect in eval mode
        for name, parameter in model.named_parameters():
            if name.endswith("layer_scale"):  # 1e-6 at first, which hides its whole block
                nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def input_of(architecture: str) -> Tensor | list[Tensor] | tuple[Tensor, Tensor]:
    shape = ARCHITECTURES[architecture][1]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return {"maskrcnn": list(x), "transformer": (x, x.flip(0))}.get(architecture, x)


def middle(model: nn.Module, *kinds: type) -> tuple[str, nn.Module]:
    """The one in the middle of the modules of these kinds, of those that run for sure."""
    found = [(n, m) for n, m in model.named_modules() if isinstance(m, kinds) and "aux" not in n]
    return found[len(found) // 2]


def other_weights(model: nn.Module) -> str:
    name, module = middle(model, nn.Conv2d, nn.Linear)
    module.weight.data.mul_(1.1)
    return name


def other_eps(model: nn.Module) -> str:
    name, module = middle(model, *NORMS)
    module.eps = 0.5
    return name


def other_activation(model: nn.Module) -> str:
    if isinstance(model, nn.Transformer):  # a function, not a module
        model.encoder.layers[1].activation = nn.functional.gelu
        return "encoder.layers.1"
    name, _ = middle(model, *ACTIVATIONS)
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, nn.LeakyReLU(0.5))
    return name


def other_mode(model: nn.Module) -> str:
    name, module = middle(model, nn.BatchNorm2d, nn.Dropout, StochasticDepth)
    module.train()
    return name


def frozen_weight(model: nn.Module) -> str:
    name, module = middle(model, nn.Conv2d, nn.Linear)
    module.weight.requires_grad_(False)
    return name


each_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def diagnose(architecture: str, fault: Callable, backward=False) -> tuple[str, Divergence]:
    """The name of the module with the fault, and what the tool found."""
    reference = reference_of(architecture)
    mine = copy.deepcopy(reference)
    name = fault(mine)
    return name, first_divergence(mine, reference, input_of(architecture), backward=backward)


def is_or_calls(found: str, planted: str) -> bool:
    """Is it the module, or the one that uses it without calling it, as nn.MultiheadAttention?"""
    return planted == found or planted.startswith(f"{found}.")


@each_architecture
def test_without_a_fault_nothing_is_found(architecture):
    reference, x = reference_of(architecture), input_of(architecture)
    found = first_divergence(copy.deepcopy(reference), reference, x, backward=True)
    assert found.name is None
    assert found.compared_everything
    assert find_first_nan(reference, x).name is None
    assert len(activation_stats(reference, x).table) >= len(found.table) // 3


@each_architecture
def test_the_weights_of_one_layer(architecture):
    planted, found = diagnose(architecture, other_weights)
    assert is_or_calls(found.name, planted)
    assert "weight` differs by up to" in found.explanation


@each_architecture
def test_the_eps_of_one_norm(architecture):
    planted, found = diagnose(architecture, other_eps)
    assert found.name == planted
    assert "Cause: eps is 0.5 in yours" in found.explanation


@each_architecture
def test_one_activation(architecture):
    planted, found = diagnose(architecture, other_activation)
    assert found.name is not None
    assert f"`{planted}`" in found.explanation.splitlines()[2]  # the cause, by name
    assert re.search("only in the reference|activation is gelu in yours", found.explanation)


@each_architecture
def test_the_mode_of_one_module(architecture):
    planted, found = diagnose(architecture, other_mode)
    assert found.name == planted
    assert "Cause: they are in different modes." in found.explanation


@each_architecture
def test_a_frozen_weight(architecture):
    planted, found = diagnose(architecture, frozen_weight, backward=True)
    assert is_or_calls(found.name, planted)
    assert "in yours its requires_grad is False" in found.explanation


@each_architecture
def test_a_nan_in_the_weights_of_one_layer(architecture):
    model = copy.deepcopy(reference_of(architecture))
    name, module = middle(model, nn.Conv2d, nn.Linear)
    module.weight.data[0] = torch.nan
    found = find_first_nan(model, input_of(architecture))
    assert is_or_calls(found.name, name)
    assert "weight` holds NaN" in found.explanation


class WithTargets(nn.Module):
    """A detector in train mode takes targets too, and returns a dictionary of losses."""

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector

    def forward(self, images: list[Tensor]) -> dict[str, Tensor]:
        target = {
            "boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]),
            "labels": torch.tensor([1]),
            "masks": torch.ones(1, 64, 64, dtype=torch.uint8),
        }
        return self.detector(images, [target for _ in images])


def test_a_dictionary_of_losses():
    reference = WithTargets(copy.deepcopy(reference_of("maskrcnn"))).train()
    mine = copy.deepcopy(reference)
    x = input_of("maskrcnn")
    assert first_divergence(mine, reference, x).name is None  # the samples drawn are the same
    mine.detector.roi_heads.mask_predictor.conv5_mask.weight.data *= 1.1
    found = first_divergence(mine, reference, x)
    assert found.name == "detector.roi_heads.mask_predictor.conv5_mask"
    mine = copy.deepcopy(reference)
    mine.detector.roi_heads.box_coder.weights = (5.0, 5.0, 5.0, 5.0)  # of no module
    found = first_divergence(mine, reference, x)
    assert found.name is not None
