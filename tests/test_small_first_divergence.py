"""The learner's own first_divergence, on the networks that it is made for."""

import pytest
import torch
import torchvision
from torch import nn

from resnet_helpers.solutions import ResNet34, copy_weights, first_divergence

X = torch.linspace(-2, 2, 3 * 64 * 64).view(1, 3, 64, 64)


@pytest.fixture(scope="module")
def reference():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.resnet34().eval()


@pytest.fixture
def mine(reference):
    with torch.random.fork_rng():
        return copy_weights(ResNet34(), reference).eval()


def test_a_copy_of_torchvisions_network_does_not_diverge(mine, reference):
    assert first_divergence(mine, reference, X) is None


def test_rounding_shows_if_the_tolerance_is_tiny(mine, reference):
    assert first_divergence(mine, reference, X, tolerance=0) is not None


def test_a_weight_that_was_not_copied_is_found(mine, reference):
    with torch.no_grad():
        mine.residual_layers[1].blocks[2].left[3].weight.mul_(1.1)
    found = first_divergence(mine, reference, X)
    assert found == ("residual_layers.1.blocks.2.left.3", "layer2.2.conv2")


def test_a_missing_relu_is_found(mine, reference):
    mine.residual_layers[2].blocks[0].left[2] = nn.Identity()
    found = first_divergence(mine, reference, X)
    assert found == ("residual_layers.2.blocks.0.left.3", "layer3.0.relu")


def test_a_wrong_right_branch_is_found(mine, reference):
    mine.residual_layers[3].blocks[0].right[1].eps = 0.1
    found = first_divergence(mine, reference, X)
    assert found == ("residual_layers.3.blocks.0.right.1", "layer4.0.downsample.1")
