"""ResNet34s as learners write them."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential
from resnet_helpers.solutions import AveragePool, BatchNorm2d, BlockGroup
from wrong import makes, solves

# ==== Right ones ==============================================================================


@solves("ResNet34")
class WithPyTorchsLayers(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        feats = 64
        for n, out, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group, strict=False
        ):
            groups.append(BlockGroup(n, feats, out, stride))
            feats = out
        self.groups = nn.Sequential(*groups)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(feats, n_classes)
        )

    def forward(self, x):
        return self.head(self.groups(self.stem(x)))


@solves("ResNet34")
class LikeTorchvision(nn.Module):
    """torchvision's names; ReLU after the max pool, which comes to the same."""

    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.n_layers = len(n_blocks_per_group)
        self.inplanes = 64
        self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for i in range(self.n_layers):
            settings = (out_features_per_group[i], first_strides_per_group[i])
            setattr(self, f"layer{i + 1}", self._make_layer(n_blocks_per_group[i], *settings))
        self.fc = nn.Linear(self.inplanes, n_classes)

    def _make_layer(self, blocks, planes, stride):
        layer = BlockGroup(blocks, self.inplanes, planes, stride)
        self.inplanes = planes
        return layer

    def forward(self, x):
        x = F.relu_(self.maxpool(self.bn1(self.conv1(x))))
        for i in range(self.n_layers):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(torch.flatten(x, 2).mean(-1))


@solves("ResNet34")
class GroupsInAModuleList(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=None,
        out_features_per_group=None,
        first_strides_per_group=None,
        n_classes=1000,
    ):
        super().__init__()
        n_blocks = n_blocks_per_group or [3, 4, 6, 3]
        out_feats = out_features_per_group or [64, 128, 256, 512]
        strides = first_strides_per_group or [1, 2, 2, 2]
        in_feats = [64, *out_feats[:-1]]
        self.conv = Conv2d(3, 64, 7, 2, 3)
        self.norm = BatchNorm2d(64)
        self.groups = nn.ModuleList(
            BlockGroup(n_blocks[i], in_feats[i], out_feats[i], strides[i])
            for i in range(len(n_blocks))
        )
        self.fc = Linear(out_feats[-1], n_classes)

    def forward(self, x):
        x = self.norm(self.conv(x)).relu()
        x = F.max_pool2d(x, 3, 2, 1)
        for group in self.groups:
            x = group(x)
        return self.fc(x.mean((-2, -1)))


@solves("ResNet34")
class TakesTuples(nn.Sequential):
    """Adds tuples, so it takes nothing else."""

    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        in_features_per_group = (64,) + out_features_per_group[:-1]  # noqa: RUF005
        super().__init__(
            Conv2d(3, 64, 7, 2, 3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(3, 2, 1),
            *map(
                BlockGroup,
                n_blocks_per_group,
                in_features_per_group,
                out_features_per_group,
                first_strides_per_group,
            ),
            AveragePool(),
            Linear(out_features_per_group[-1], n_classes),
        )


@solves("ResNet34")
class EverythingInForward(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, 7, stride=2, padding=3), BatchNorm2d(64), ReLU(), MaxPool2d(3, 2, 1)
        )
        all_feats = [64, *out_features_per_group]
        blocks = nn.ModuleDict()
        for i, (n, stride) in enumerate(
            zip(n_blocks_per_group, first_strides_per_group, strict=True)
        ):
            blocks[f"group {i}"] = BlockGroup(n, all_feats[i], all_feats[i + 1], stride)
        self.blocks = blocks
        self.out = Linear(all_feats[-1], n_classes)

    def forward(self, x):
        x = self.in_layers(x)
        for block in self.blocks.values():
            x = block(x)
        height, width = x.shape[2:]
        return self.out(x.sum((2, 3)) / (height * width))


# ==== Wrong ones ==============================================================================


@makes("ResNet34", "maxpool missing")
class NoMaxPool(nn.Module):
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
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "maxpool before batchnorm")
class PoolBeforeNorm(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.maxpool(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "maxpool before the first convolution")
class PoolFirst(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            MaxPool2d(3, stride=2, padding=1),
            Conv2d(3, 64, 7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "maxpool after the groups")
class PoolLast(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.maxpool(self.groups(x))
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "maxpool of 2x2")
class PoolOfTwo(nn.Module):
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
            MaxPool2d(2),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "maxpool stride left out")
class PoolStrideThree(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, padding=1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "maxpool padding left out")
class PoolUnpadded(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "average pool in the stem")
class StemAverages(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d(3, stride=2, padding=1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.pool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "stem kernel 3x3")
class SmallKernel(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=3, stride=2, padding=1),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "stem stride 1")
class StemStrideOne(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "stem padding missing")
class StemUnpadded(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "stem padding 1")
class StemPaddingOne(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=1),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "stem convolution with bias")
class StemBias(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "stem batchnorm missing")
class StemWithoutNorm(nn.Module):
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
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "stem ReLU missing")
class StemWithoutReLU(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "stem ReLU before batchnorm")
class StemReLUEarly(nn.Module):
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
            ReLU(),
            BatchNorm2d(64),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "stem as wide as the first group")
class StemAsWide(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        feats = out_features_per_group[0]
        self.in_layers = Sequential(
            Conv2d(3, feats, 7, stride=2, padding=3), BatchNorm2d(feats), ReLU(), MaxPool2d(3, 2, 1)
        )
        groups = []
        for n, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group, strict=True
        ):
            groups.append(BlockGroup(n, feats, out_feats, stride))
            feats = out_feats
        self.residual_layers = Sequential(*groups)
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "in_feats are the group's own out_feats")
class InIsOut(nn.Module):
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
        in_features_per_group = out_features_per_group
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "in_feats 64 for every group")
class InIs64(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "in_feats hard-coded")
class InHardCoded(nn.Module):
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
        in_features_per_group = [64, 64, 128, 256][: len(out_features_per_group)]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "out_features_per_group ignored")
class OutHardCoded(nn.Module):
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
        in_features_per_group = [64, 64, 128, 256]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    [64, 128, 256, 512],
                    first_strides_per_group,
                    strict=False,
                )
            )
        )
        out_feats = [64, 128, 256, 512][len(n_blocks_per_group) - 1]
        self.out_layers = Sequential(AveragePool(), Linear(out_feats, n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "n_blocks_per_group ignored")
class BlocksHardCoded(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup([3, 4, 6, 3][i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "strides left out")
class NoStrides(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(BlockGroup(n_blocks_per_group[i], in_feats, out_feats))
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "first_strides_per_group ignored")
class StridesHardCoded(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, 1 if i == 0 else 2)
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "stride 2 in every group")
class StrideTwo(nn.Module):
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
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, first_stride=2)
                for n, in_feats, out_feats in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "n_classes ignored")
class ThousandClasses(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, 1000)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "512 features hard-coded")
class Takes512(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(512, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "Linear without bias")
class NoBias(nn.Module):
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
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(
            AveragePool(), Linear(out_features_per_group[-1], n_classes, bias=False)
        )

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "last group left out")
class NoLastGroup(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group[:-1]):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "groups in a plain list")
class ListOfGroups(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = groups
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for group in self.groups:
            x = group(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "last layer declared first")
class HeadFirst(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "groups declared before the stem")
class GroupsFirst(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "stem declared last")
class StemLast(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "groups applied in reverse")
class GroupsReversed(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for group in reversed(self.groups):
            x = group(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "average pool missing")
class NoAveragePool(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(torch.flatten(x, 1))


@makes("ResNet34", "average pool of fixed size")
class PoolOfSeven(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)
        self.avgpool = nn.AvgPool2d(7)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(self.avgpool(x)[:, :, 0, 0])


@makes("ResNet34", "max pool at the end")
class MaxAtEnd(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))


@makes("ResNet34", "cut off from the graph")
class WithoutGraph(nn.Module):
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
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        with torch.no_grad():
            return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "softmax at the end")
class Softmax(nn.Module):
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
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(
            AveragePool(), Linear(out_features_per_group[-1], n_classes), nn.Softmax(dim=1)
        )

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "log_softmax at the end")
class LogSoftmax(nn.Module):
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
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        logits = self.out_layers(self.residual_layers(self.in_layers(x)))
        return F.log_softmax(logits, dim=-1)


@makes("ResNet34", "sigmoid at the end")
class Sigmoid(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3))).sigmoid()


@makes("ResNet34", "ReLU at the end")
class ReLUAtEnd(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.relu(self.fc(x.mean(dim=(2, 3))))


@makes("ResNet34", "class instead of logits")
class ReturnsClass(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        logits = self.fc(x.mean(dim=(2, 3)))
        return torch.max(logits, dim=1).indices


@makes("ResNet34", "default blocks of ResNet18")
class Eighteen(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(2, 2, 2, 2),
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
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "default strides all 2")
class DefaultTwos(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(2, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "default strides all 1")
class DefaultOnes(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 1, 1, 1),
        n_classes=1000,
    ):
        super().__init__()
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = [64, *out_features_per_group[:-1]]
        self.residual_layers = Sequential(
            *(
                BlockGroup(n, in_feats, out_feats, stride)
                for n, in_feats, out_feats, stride in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                    strict=True,
                )
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "default n_classes is 10")
class TenClasses(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=10,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        groups = []
        in_feats = 64
        for i, out_feats in enumerate(out_features_per_group):
            groups.append(
                BlockGroup(n_blocks_per_group[i], in_feats, out_feats, first_strides_per_group[i])
            )
            in_feats = out_feats
        self.groups = nn.Sequential(*groups)
        self.fc = nn.Linear(in_feats, n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.groups(x)
        return self.fc(x.mean(dim=(2, 3)))


@makes("ResNet34", "arguments changed")
class InsertsIntoArgument(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        out_features = out_features_per_group
        out_features.insert(0, 64)
        self.in_layers = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.residual_layers = Sequential(
            *(
                BlockGroup(
                    n_blocks_per_group[i],
                    out_features[i],
                    out_features[i + 1],
                    first_strides_per_group[i],
                )
                for i in range(len(n_blocks_per_group))
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.residual_layers(self.in_layers(x)))


@makes("ResNet34", "in_feats and out_feats swapped")
class OutBeforeIn(nn.Module):
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
        groups = [BlockGroup(n, out, into, stride) for n, into, out, stride in sizes]
        self.groups = Sequential(*groups)
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


@makes("ResNet34", "first group only made")
class BreaksInLoop(nn.Module):
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
        for size in sizes:
            groups.append(BlockGroup(*size))
            break
        self.groups = Sequential(*groups)
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


@makes("ResNet34", "first group only applied")
class ReturnsInLoop(nn.Module):
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
        self.groups = nn.ModuleList([BlockGroup(*size) for size in sizes])
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.in_layers(x)
        for group in self.groups:
            x = group(x)
            return self.out_layers(x)


@makes("ResNet34", "average pool forgotten")
class ForgetsAveragePool(nn.Module):
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
        self.groups = Sequential(*(BlockGroup(*size) for size in sizes))
        self.out_layers = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        return self.out_layers(self.groups(self.in_layers(x)))


@makes("ResNet34", "eval mode in forward")
class EvalInForward(nn.Module):
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
        self.groups = Sequential(*(BlockGroup(*size) for size in sizes))
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        self.eval()
        return self.out_layers(self.groups(self.in_layers(x)))


@makes("ResNet34", "train mode in forward")
class TrainInForward(nn.Module):
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
        self.groups = Sequential(*(BlockGroup(*size) for size in sizes))
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        self.train()
        return self.out_layers(self.groups(self.in_layers(x)))
