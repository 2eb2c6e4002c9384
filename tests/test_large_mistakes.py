"""Wrong ResNet34s too large to be run in a catalogue: a look at their groups' shapes names them."""

import time

import pytest
from torch import nn

import resnet_helpers.tests as checks
from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential
from resnet_helpers.solutions import AveragePool, BatchNorm2d, BlockGroup
from resnet_helpers.tests.failure import CheckFailure
from resnet_helpers.tests.resnet34 import LARGE_MISTAKES


class SwappedArguments(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        sizes = zip(
            n_blocks_per_group,
            (64, *out_features_per_group[:-1]),
            out_features_per_group,
            first_strides_per_group,
            strict=True,
        )
        groups = []
        for n, previous, out, stride in sizes:
            groups.append(BlockGroup(previous, out, n, stride))
        self.groups = Sequential(*groups)
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


class HardCoded(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = [
            BlockGroup(*sizes)
            for sizes in zip(
                [3, 4, 6, 3], [64, 64, 128, 256], [64, 128, 256, 512], [1, 2, 2, 2], strict=True
            )
        ]
        self.groups = Sequential(*groups)
        self.out_layers = nn.Sequential(AveragePool(), nn.Linear(512, n_classes))

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


class HardCodedGroups(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = [
            BlockGroup(*sizes)
            for sizes in zip(
                [3, 4, 6, 3], [64, 64, 128, 256], [64, 128, 256, 512], [1, 2, 2, 2], strict=True
            )
        ]
        self.groups = Sequential(*groups)
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


@pytest.mark.parametrize(
    ("mistake", "wrong"),
    [
        ("sequences hard-coded", HardCoded),
        ("sequences hard-coded", HardCodedGroups),
        ("in, out, n", SwappedArguments),
    ],
)
def test_a_large_mistake_is_named(mistake, wrong):
    start = time.process_time()
    with pytest.raises(CheckFailure) as raised:
        checks.test_resnet34(wrong)
    _, hint = LARGE_MISTAKES[mistake]
    assert raised.value.hints == [hint]
    assert time.process_time() - start < 5
