"""ResidualBlocks and BlockGroups as learners write them."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.solutions import BatchNorm2d, ResidualBlock
from wrong import makes, solves

# ==== ResidualBlock: right ones ===============================================================


@solves("ResidualBlock")
class WithPyTorchsLayers(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Sequential()
        if first_stride > 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x), inplace=True)


@solves("ResidualBlock")
class LikeTorchvision(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False),
                nn.BatchNorm2d(planes),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


@solves("ResidualBlock")
class FunctionalReLU(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv_a = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.norm_a = BatchNorm2d(out_feats)
        self.conv_b = Conv2d(out_feats, out_feats, 3, padding=1)
        self.norm_b = BatchNorm2d(out_feats)
        self.same_shape = first_stride == 1 and in_feats == out_feats
        if not self.same_shape:
            self.conv_skip = Conv2d(in_feats, out_feats, 1, stride=first_stride)
            self.norm_skip = BatchNorm2d(out_feats)

    def forward(self, x):
        y = torch.relu(self.norm_a(self.conv_a(x)))
        y = self.norm_b(self.conv_b(y))
        skip = x if self.same_shape else self.norm_skip(self.conv_skip(x))
        return F.relu_(skip + y)


@solves("ResidualBlock")
class BranchesInADict(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1),
            BatchNorm2d(out_feats),
        )
        self.branches = nn.ModuleDict({"left": left})
        if (in_feats, 1) != (out_feats, first_stride):
            conv = Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride)
            self.branches["right"] = Sequential(conv, BatchNorm2d(out_feats))

    def forward(self, x):
        right = self.branches["right"](x) if "right" in self.branches else x
        return (right + self.branches["left"](x)).clamp(min=0)


@solves("ResidualBlock")
class LayersInALoop(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.steps = nn.ModuleList()
        for i, (feats, stride) in enumerate([(in_feats, first_stride), (out_feats, 1)]):
            self.steps.append(Conv2d(feats, out_feats, 3, stride, 1))
            self.steps.append(BatchNorm2d(out_feats))
            if i == 0:
                self.steps.append(ReLU())
        self.skip = nn.ModuleList()
        if first_stride != 1 or in_feats != out_feats:
            self.skip.extend([Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)])

    def forward(self, x):
        out = x
        for step in self.steps:
            out = step(out)
        for step in self.skip:
            x = step(x)
        return torch.where(out + x > 0, out + x, 0)


@solves("ResidualBlock")
class OwnWeights(nn.Module):
    """Convolutions by F.conv2d with Parameters of its own."""

    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.stride = first_stride
        self.w1 = nn.Parameter(torch.randn(out_feats, in_feats, 3, 3) / 10)
        self.add_module("b1", nn.BatchNorm2d(out_feats))
        self.second = Conv2d(out_feats, out_feats, 3, padding=1)
        self.b2 = nn.BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.LazyConv2d(out_feats, 1, first_stride, bias=False), nn.BatchNorm2d(out_feats)
            )
            self.right[0](torch.zeros(1, in_feats, 8, 8))

    def forward(self, x):
        out = self.b1(F.conv2d(x, self.w1, stride=self.stride, padding=1))
        out = self.b2(self.second(out.relu()))
        return (out + self.right(x)).relu()


@solves("ResidualBlock")
class SubclassOfSequential(nn.Sequential):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__(
            nn.Conv2d(
                in_feats, out_feats, 3, first_stride, "same" if first_stride == 1 else 1, bias=False
            ),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, padding="same", bias=False),
            nn.BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.shortcut = lambda x: x
        else:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, (1, 1), first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        out = x
        for layer in list(self)[:5]:
            out = layer(out)
        return F.relu(torch.add(out, self.shortcut(x)))


# ==== ResidualBlock: wrong ones ===============================================================


@makes("ResidualBlock", "right branch declared before left")
class RightFirst(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
        )
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "final ReLU missing")
class NoFinalReLU(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, stride=first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return self.left(x) + self.right(x)


@makes("ResidualBlock", "final ReLU before the addition")
class ReLUThenAdd(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, first_stride, 1)
        self.bn1 = BatchNorm2d(out_feats)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.bn2 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.shortcut = None
        if first_stride != 1 or in_feats != out_feats:
            self.shortcut = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        if self.shortcut is not None:
            x = self.shortcut(x)
        return out + x


@makes("ResidualBlock", "ReLU on both branches before the addition")
class ReLUOnEach(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = ReLU()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats), ReLU()
            )

    def forward(self, x):
        return self.left(x) + self.right(x)


@makes("ResidualBlock", "ReLU at the end of the left branch")
class ReLUEndsLeft(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
        )
        self.right = (
            nn.Identity()
            if first_stride == 1 and in_feats == out_feats
            else Sequential(Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats))
        )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "ReLU in the right branch")
class ReLUEndsRight(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.main = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
        )
        self.skip = nn.Identity()
        if not (first_stride == 1 and in_feats == out_feats):
            self.skip = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats), ReLU()
            )

    def forward(self, x):
        return F.relu(self.main(x) + self.skip(x))


@makes("ResidualBlock", "ReLU on the input")
class ReLUFirst(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.relu = ReLU()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        x = self.relu(x)
        return self.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "middle ReLU missing")
class NoMiddleReLU(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "middle ReLU before batchnorm")
class ReLUBeforeNorm(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            ReLU(),
            BatchNorm2d(out_feats),
            Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "pre-activation order")
class PreActivation(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.BatchNorm2d(in_feats),
            nn.ReLU(),
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
        )
        self.right = None
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + (x if self.right is None else self.right(x)))


@makes("ResidualBlock", "batchnorm before convolution")
class NormThenConv(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            BatchNorm2d(in_feats),
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            ReLU(),
            BatchNorm2d(out_feats),
            Conv2d(out_feats, out_feats, 3, 1, 1),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "stride on the second convolution")
class StrideOnSecond(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1, stride=first_stride),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "stride on both 3x3 convolutions")
class StrideOnBoth(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_feats)
        self.conv2 = nn.Conv2d(out_feats, out_feats, 3, first_stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        left = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (self.right(x) + left).relu()


@makes("ResidualBlock", "stride missing in the left branch")
class StrideOnlyRight(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "stride missing in the right branch")
class StrideOnlyLeft(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, padding=1, stride=first_stride),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(Conv2d(in_feats, out_feats, 1), BatchNorm2d(out_feats))

    def forward(self, x):
        left, right = self.left(x), self.right(x)
        return F.relu(right + left)


@makes("ResidualBlock", "first_stride ignored")
class NoStride(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, padding=1),
            BatchNorm2d(out_feats),
        )
        self.is_simple = first_stride == 1 and in_feats == out_feats
        if not self.is_simple:
            self.right = Sequential(Conv2d(in_feats, out_feats, 1), BatchNorm2d(out_feats))

    def forward(self, x):
        return F.relu(self.left(x) + (x if self.is_simple else self.right(x)))


@makes("ResidualBlock", "stride 2 hard-coded")
class AlwaysHalves(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        downsample = first_stride != 1 or in_feats != out_feats
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, 2 if downsample else 1, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if downsample:
            self.right = Sequential(Conv2d(in_feats, out_feats, 1, 2), BatchNorm2d(out_feats))
        else:
            self.right = nn.Identity()

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "stride always 2")
class Halves(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, 2, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(Conv2d(in_feats, out_feats, 1, 2), BatchNorm2d(out_feats))

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "stride always 2 in the left branch")
class HalvesLeft(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, 2, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "stride always 2 in the right branch")
class HalvesRight(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(Conv2d(in_feats, out_feats, 1, 2), BatchNorm2d(out_feats))

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "default first_stride is 2")
class DefaultTwo(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=2):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "identity everywhere")
class OnlyIdentity(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )

    def forward(self, x):
        return F.relu(x + self.left(x))


@makes("ResidualBlock", "identity where only the stride is not 1")
class LooksAtFeaturesOnly(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.right(x) + self.left(x))


@makes("ResidualBlock", "identity where only the features differ")
class LooksAtStrideOnly(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "identity unless stride and features both change")
class OrForAnd(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 or in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "projection everywhere")
class NeverIdentity(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
            nn.BatchNorm2d(out_feats),
        )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "padding on the 1x1 convolution")
class PaddedProjection(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride, 1), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "3x3 convolution in the right branch")
class WideProjection(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "padding missing on the 3x3 convolutions")
class Unpadded(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "padding missing on the first convolution")
class FirstUnpadded(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "padding missing on the second convolution")
class SecondUnpadded(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_feats, out_feats, 3, first_stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_feats)
        self.conv2 = nn.Conv2d(out_feats, out_feats, 3, bias=False)
        self.norm2 = nn.BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        left = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(left + self.right(x))


@makes("ResidualBlock", "features change in the second convolution")
class WidensLater(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, in_feats, 3, first_stride, 1),
            BatchNorm2d(in_feats),
            ReLU(),
            Conv2d(in_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "second convolution takes in_feats")
class SecondTakesIn(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(in_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "first batchnorm of in_feats")
class FirstNormOfIn(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(in_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "right batchnorm of in_feats")
class RightNormOfIn(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(in_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "batchnorm missing in the right branch")
class BareProjection(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Conv2d(in_feats, out_feats, 1, first_stride)

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "first batchnorm missing")
class NoFirstNorm(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "second batchnorm missing")
class NoSecondNorm(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "no batchnorm at all")
class NoNorm(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, first_stride, 1)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.conv3 = None
        if first_stride != 1 or in_feats != out_feats:
            self.conv3 = Conv2d(in_feats, out_feats, 1, first_stride)

    def forward(self, x):
        left = self.conv2(F.relu(self.conv1(x)))
        right = x if self.conv3 is None else self.conv3(x)
        return F.relu(left + right)


@makes("ResidualBlock", "batchnorm after the addition")
class NormAfterAddition(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, first_stride, 1)
        self.norm1 = BatchNorm2d(out_feats)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.norm2 = BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        out = F.relu(self.norm1(self.conv1(x)))
        out = self.conv2(out) + self.right(x)
        return F.relu(self.norm2(out))


@makes("ResidualBlock", "batchnorm after the addition, declared last")
class NormLast(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.main = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
        )
        self.shortcut = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.shortcut = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.bn = BatchNorm2d(out_feats)

    def forward(self, x):
        return F.relu(self.bn(self.main(x) + self.shortcut(x)))


@makes("ResidualBlock", "third batchnorm after the addition")
class NormTooMany(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.bn = BatchNorm2d(out_feats)

    def forward(self, x):
        return self.bn(self.left(x) + self.right(x)).relu()


@makes("ResidualBlock", "one batchnorm used for both convolutions")
class OneNorm(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_feats)
        self.conv2 = nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False)
        self.relu = nn.ReLU()
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        out = self.relu(self.bn(self.conv1(x)))
        out = self.bn(self.conv2(out))
        return self.relu(out + self.right(x))


@makes("ResidualBlock", "the same batchnorm object twice")
class SameNormTwice(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        norm = BatchNorm2d(out_feats)
        relu = ReLU()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            norm,
            relu,
            Conv2d(out_feats, out_feats, 3, 1, 1),
            norm,
        )
        self.relu = relu
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "batchnorm shared by the two branches")
class NormOfBothBranches(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        last_norm = BatchNorm2d(out_feats)
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            last_norm,
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(Conv2d(in_feats, out_feats, 1, first_stride), last_norm)

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "convolutions with bias")
class BiasEverywhere(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride), nn.BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "3x3 convolutions with bias")
class BiasLeft(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "1x1 convolution with bias")
class BiasRight(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "left branch declared out of order")
class ConvolutionsThenNorms(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, first_stride, 1)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.bn1 = BatchNorm2d(out_feats)
        self.bn2 = BatchNorm2d(out_feats)
        self.right = None
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + (self.right(x) if self.right else x))


@makes("ResidualBlock", "second half of the left branch declared first")
class SecondHalfFirst(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.end = Sequential(Conv2d(out_feats, out_feats, 3, padding=1), BatchNorm2d(out_feats))
        self.start = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1), BatchNorm2d(out_feats), ReLU()
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.end(self.start(x)) + self.right(x))


@makes("ResidualBlock", "layers in a plain list")
class PlainLists(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = [
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        ]
        self.right = []
        if first_stride != 1 or in_feats != out_feats:
            self.right = [Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)]

    def forward(self, x):
        left = right = x
        for layer in self.left:
            left = layer(left)
        for layer in self.right:
            right = layer(right)
        return F.relu(left + right)


@makes("ResidualBlock", "no layers declared")
class LayersInForward(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.in_feats = in_feats
        self.out_feats = out_feats
        self.first_stride = first_stride

    def forward(self, x):
        left = Sequential(
            Conv2d(self.in_feats, self.out_feats, 3, self.first_stride, 1),
            BatchNorm2d(self.out_feats),
            ReLU(),
            Conv2d(self.out_feats, self.out_feats, 3, 1, 1),
            BatchNorm2d(self.out_feats),
        )
        if self.first_stride != 1 or self.in_feats != self.out_feats:
            conv = Conv2d(self.in_feats, self.out_feats, 1, self.first_stride)
            x = left(x) + BatchNorm2d(self.out_feats)(conv(x))
        else:
            x = left(x) + x
        return F.relu(x)


@makes("ResidualBlock", "branches multiplied")
class Product(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.right(x) * self.left(x))


@makes("ResidualBlock", "branches concatenated")
class Concatenation(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(torch.cat((self.left(x), self.right(x)), 1))


@makes("ResidualBlock", "branches subtracted")
class Difference(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        residual = self.left(x) - self.right(x)
        return residual.relu()


@makes("ResidualBlock", "branches averaged")
class Mean(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(torch.stack([self.left(x), self.right(x)]).mean(0))


@makes("ResidualBlock", "maximum of the branches")
class Maximum(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(torch.max(self.left(x), self.right(x)))


@makes("ResidualBlock", "right branch not added")
class SkipForgotten(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        left = self.left(x)
        right = self.right(x)  # noqa: F841
        return F.relu(left)


@makes("ResidualBlock", "no right branch")
class PlainBlock(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.layers = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
            ReLU(),
        )

    def forward(self, x):
        return self.layers(x)


@makes("ResidualBlock", "left branch not added")
class OnlySkip(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        out = self.left(x)
        out = self.right(x)
        return F.relu(out)


@makes("ResidualBlock", "right branch applied to the left one's output")
class InARow(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        x = self.left(x)
        return F.relu(x + self.right(x))


@makes("ResidualBlock", "shortcut without weights")
class OptionA(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.stride = first_stride
        self.new_feats = out_feats - in_feats
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )

    def forward(self, x):
        right = x[..., :: self.stride, :: self.stride]
        zeros = torch.zeros_like(right[:, :1]).repeat(1, self.new_feats, 1, 1)
        return F.relu(self.left(x) + torch.cat([right, zeros], dim=1))


@makes("ResidualBlock", "skip connection detached")
class DetachedSkip(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x).detach())


@makes("ResidualBlock", "right branch of a detached input")
class SkipOfDetached(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return F.relu(self.left(x) + self.right(x.detach()))


@makes("ResidualBlock", "left branch detached")
class LeftWithoutGraph(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        with torch.no_grad():
            left = self.left(x)
        return F.relu(left + self.right(x))


@makes("ResidualBlock", "left branch of a detached input")
class LeftOfDetached(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        left = self.left(x.detach())
        return F.relu(left + self.right(x))


@makes("ResidualBlock", "input detached")
class DetachesItsInput(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        x = x.data
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "cut off from the graph")
class WithoutGraph(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    @torch.no_grad()
    def forward(self, x):
        return F.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "right branch under no_grad")
class SkipWithoutGraph(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        with torch.no_grad():
            right = self.right(x)
        return F.relu(self.left(x) + right)


@makes("ResidualBlock", "input changed in place")
class AddedInPlace(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        out = self.right(x)
        out += self.left(x)
        return F.relu(out)


@makes("ResidualBlock", "PReLU in the middle")
class PReLUInside(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.PReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "PReLU at the end")
class PReLUAtEnd(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.act = nn.PReLU()

    def forward(self, x):
        return self.act(self.left(x) + self.right(x))


@makes("ResidualBlock", "one PReLU for both")
class PReLUTwice(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, first_stride, 1)
        self.bn1 = BatchNorm2d(out_feats)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.bn2 = BatchNorm2d(out_feats)
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.relu = nn.PReLU()

    def forward(self, x):
        left = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(left + self.right(x))


@makes("ResidualBlock", "LeakyReLU")
class Leaky(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, first_stride, 1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.LeakyReLU(),
            nn.Conv2d(out_feats, out_feats, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, first_stride, bias=False),
                nn.BatchNorm2d(out_feats),
            )
        self.relu = nn.LeakyReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


@makes("ResidualBlock", "GELU")
class Gelu(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            nn.GELU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.gelu = nn.GELU()

    def forward(self, x):
        return self.gelu(self.right(x) + self.left(x))


@makes("ResidualBlock", "ReLU6")
class Relu6(nn.Module):
    def __init__(self, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            nn.ReLU6(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.right = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return (self.left(x) + self.right(x)).clamp(0, 6)


# ==== BlockGroup: right ones ==================================================================


@solves("BlockGroup")
class GroupInALoop(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(n_blocks):
            if i == 0:
                self.blocks.append(ResidualBlock(in_feats, out_feats, first_stride))
            else:
                self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@solves("BlockGroup")
class FirstAndRest(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.first = LikeTorchvision(in_feats, out_feats, first_stride)
        self.rest = nn.Sequential(
            *[LikeTorchvision(out_feats, out_feats) for _ in range(1, n_blocks)]
        )

    def forward(self, x):
        return self.rest(self.first(x))


@solves("BlockGroup")
class GroupIsSequential(nn.Sequential):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        feats = [in_feats] + [out_feats] * n_blocks
        strides = [first_stride] + [1] * (n_blocks - 1)
        super().__init__(*map(WithPyTorchsLayers, feats, feats[1:], strides))


@solves("BlockGroup")
class BlocksByName(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.n_blocks = n_blocks
        for i in range(n_blocks):
            setattr(self, f"block{i}", FunctionalReLU(in_feats, out_feats, first_stride))
            in_feats, first_stride = out_feats, 1

    def forward(self, x):
        for i in range(self.n_blocks):
            x = getattr(self, f"block{i}")(x)
        return x


@solves("BlockGroup")
class AppendedToASequential(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        blocks = []
        while len(blocks) < n_blocks:
            blocks += [
                OwnWeights(in_feats, out_feats, first_stride)
                if not blocks
                else ResidualBlock(out_feats, out_feats)
            ]
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


# ==== BlockGroup: wrong ones ==================================================================


@makes("BlockGroup", "stride on every block")
class StrideEverywhere(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(n_blocks - 1):
            blocks.append(ResidualBlock(out_feats, out_feats, first_stride))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "stride on the last block")
class StrideLast(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(n_blocks):
            feats = in_feats if i == 0 else out_feats
            stride = first_stride if i == n_blocks - 1 else 1
            self.blocks.append(ResidualBlock(feats, out_feats, stride))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@makes("BlockGroup", "stride on all but the first block")
class StrideOnTheOthers(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats),
            *(ResidualBlock(out_feats, out_feats, first_stride) for _ in range(1, n_blocks)),
        )

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "first_stride ignored")
class GroupWithoutStride(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.first = ResidualBlock(in_feats, out_feats)
        self.rest = Sequential(*[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)])

    def forward(self, x):
        return self.rest(self.first(x))


@makes("BlockGroup", "stride always 2")
class GroupHalves(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        later = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.blocks = Sequential(ResidualBlock(in_feats, out_feats, 2), *later)

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "always 1 blocks")
class OneBlock(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.block = ResidualBlock(in_feats, out_feats, first_stride)

    def forward(self, x):
        return self.block(x)


@makes("BlockGroup", "always 2 blocks")
class TwoBlocks(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.block1 = ResidualBlock(in_feats, out_feats, first_stride)
        self.block2 = ResidualBlock(out_feats, out_feats)

    def forward(self, x):
        return self.block2(self.block1(x))


@makes("BlockGroup", "always 3 blocks")
class ThreeBlocks(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            ResidualBlock(out_feats, out_feats),
            ResidualBlock(out_feats, out_feats),
        )

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "always 4 blocks")
class FourBlocks(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(3):
            blocks.append(ResidualBlock(out_feats, out_feats))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "stride 2 where the features change")
class GuessesTheStride(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        stride = 1 if in_feats == out_feats else 2
        later = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.blocks = Sequential(ResidualBlock(in_feats, out_feats, stride), *later)

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "default first_stride is 2")
class GroupDefaultTwo(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=2):
        super().__init__()
        self.first = ResidualBlock(in_feats, out_feats, first_stride)
        self.rest = Sequential(*[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)])

    def forward(self, x):
        return self.rest(self.first(x))


@makes("BlockGroup", "one block too many")
class FirstPlusN(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.first = ResidualBlock(in_feats, out_feats, first_stride)
        self.rest = nn.Sequential(*[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks)])

    def forward(self, x):
        return self.rest(self.first(x))


@makes("BlockGroup", "one block too few")
class OneTooFew(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(1, n_blocks):
            if i == 1:
                self.blocks.append(ResidualBlock(in_feats, out_feats, first_stride))
            else:
                self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@makes("BlockGroup", "in_feats for every block")
class EveryBlockTakesIn(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        strides = [first_stride] + [1] * (n_blocks - 1)
        self.blocks = Sequential(*[ResidualBlock(in_feats, out_feats, s) for s in strides])

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "features change in the last block")
class WidensAtTheEnd(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        feats = [in_feats] * n_blocks + [out_feats]
        strides = [first_stride] + [1] * (n_blocks - 1)
        self.blocks = Sequential(
            *[ResidualBlock(feats[i], feats[i + 1], strides[i]) for i in range(n_blocks)]
        )

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "in_feats and out_feats swapped")
class GroupSwapped(nn.Module):
    def __init__(self, n_blocks, out_feats, in_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.Sequential(ResidualBlock(in_feats, out_feats, first_stride))
        for _ in range(n_blocks - 1):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "in_feats and out_feats swapped in the first block")
class FirstSwapped(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        first = ResidualBlock(out_feats, in_feats, first_stride)
        rest = [ResidualBlock(out_feats, out_feats) for _ in range(1, n_blocks)]
        self.blocks = Sequential(first, *rest)

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "first block takes out_feats")
class FirstTakesOut(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        strides = [first_stride] + [1] * (n_blocks - 1)
        self.blocks = Sequential(*[ResidualBlock(out_feats, out_feats, s) for s in strides])

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "out_feats ignored")
class NeverWidens(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, in_feats, first_stride),
            *[ResidualBlock(in_feats, in_feats) for _ in range(n_blocks - 1)],
        )

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "the same block repeated")
class BlockTimesN(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        later = ResidualBlock(out_feats, out_feats)
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        blocks.extend([later] * (n_blocks - 1))
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "the first block repeated")
class FirstTimesN(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        block = ResidualBlock(in_feats, out_feats, first_stride)
        self.blocks = Sequential(*[block for _ in range(n_blocks)])

    def forward(self, x):
        return self.blocks(x)


@makes("BlockGroup", "one block applied several times")
class LoopsOverOne(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.n_blocks = n_blocks
        self.first = ResidualBlock(in_feats, out_feats, first_stride)
        if n_blocks > 1:
            self.other = ResidualBlock(out_feats, out_feats)

    def forward(self, x):
        x = self.first(x)
        for _ in range(self.n_blocks - 1):
            x = self.other(x)
        return x


@makes("BlockGroup", "blocks in a plain list")
class PlainList(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(n_blocks - 1):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@makes("BlockGroup", "no blocks declared")
class BlocksInForward(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.arguments = n_blocks, in_feats, out_feats, first_stride

    def forward(self, x):
        n_blocks, in_feats, out_feats, first_stride = self.arguments
        x = ResidualBlock(in_feats, out_feats, first_stride)(x)
        for _ in range(n_blocks - 1):
            x = ResidualBlock(out_feats, out_feats)(x)
        return x


@makes("BlockGroup", "later blocks in a plain list")
class RestInPlainList(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.first = ResidualBlock(in_feats, out_feats, first_stride)
        self.rest = tuple(ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1))

    def forward(self, x):
        x = self.first(x)
        for block in self.rest:
            x = block(x)
        return x


@makes("BlockGroup", "first block declared last")
class RestFirst(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.rest = Sequential(*[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)])
        self.first = ResidualBlock(in_feats, out_feats, first_stride)

    def forward(self, x):
        return self.rest(self.first(x))


@makes("BlockGroup", "blocks applied in reverse")
class Reversed(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList([ResidualBlock(in_feats, out_feats, first_stride)])
        self.blocks += [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]

    def forward(self, x):
        for block in reversed(self.blocks):
            x = block(x)
        return x


@makes("BlockGroup", "returned after the first block")
class ReturnsInLoop(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList([ResidualBlock(in_feats, out_feats, first_stride)])
        for _ in range(n_blocks - 1):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
            return x


@makes("BlockGroup", "last block not applied")
class StopsEarly(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.n_blocks = n_blocks
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *(ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)),
        )

    def forward(self, x):
        for i in range(self.n_blocks - 1):
            x = self.blocks[i](x)
        return x


@makes("BlockGroup", "every block applied to the first input")
class NotChained(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList([ResidualBlock(in_feats, out_feats, first_stride)])
        for _ in range(n_blocks - 1):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            out = block(x)
        return out


@makes("BlockGroup", "input detached")
class GroupDetachesInput(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        later = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.blocks = Sequential(ResidualBlock(in_feats, out_feats, first_stride), *later)

    def forward(self, x):
        return self.blocks(x.detach())


@makes("BlockGroup", "cut off from the graph")
class GroupWithoutGraph(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        later = [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.blocks = Sequential(ResidualBlock(in_feats, out_feats, first_stride), *later)

    def forward(self, x):
        with torch.no_grad():
            for block in self.blocks:
                x = block(x)
        return x


@makes("BlockGroup", "skip connection around the group")
class SkipAroundGroup(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *(ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)),
        )

    def forward(self, x):
        return self.blocks(x) + x
