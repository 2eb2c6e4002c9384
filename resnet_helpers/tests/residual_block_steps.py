"""Lesson 3: what the check of ResidualBlock tries, and a right answer cut into steps.

The mistakes in `residual_block.py` each replace some of the steps.
"""

import torch.nn.functional as F
from torch import nn

from resnet_helpers.layers import Conv2d, Sequential
from resnet_helpers.solutions import BatchNorm2d
from resnet_helpers.tests.outcomes import same
from resnet_helpers.tests.structure import (
    after_a_batch,
    detached,
    in_backward,
    in_eval_mode,
    in_train_mode,
    of_ones,
    state_dict_of,
    with_ones,
)
from resnet_helpers.tests.trials import trials_of
from resnet_helpers.tests.values import made_up

# ---- What is tried --------------------------------------------------------------------------

TRIALS = trials_of(
    "test_residual_block",
    state_dict_of("ResidualBlock(3, 3)"),
    state_dict_of("ResidualBlock(3, 5)"),
    state_dict_of("ResidualBlock(5, 3)"),
    state_dict_of("ResidualBlock(3, 3, 2)"),
    state_dict_of("ResidualBlock(3, 5, 2)"),
    state_dict_of("ResidualBlock(3, 3, 3)"),
    with_ones("ResidualBlock(1, 1)", [[[[1, -2]]]]),
    with_ones("ResidualBlock(1, 1, 2)", [[[[1, -2, 3, 4]]]]),
    with_ones("ResidualBlock(1, 2, 2)", [[[[1, -2, 3, 4]]]]),
    in_eval_mode("ResidualBlock(3, 3)", 2, 3, 5, 5),
    in_eval_mode("ResidualBlock(3, 5)", 2, 3, 4, 5),
    in_eval_mode("ResidualBlock(3, 3, 2)", 2, 3, 3, 3),
    in_eval_mode("ResidualBlock(3, 5, 2)", 2, 3, 6, 7),
    (*in_eval_mode("ResidualBlock(3, 5, 3)", 2, 3, 6, 7), "output", True),
    (*in_train_mode("ResidualBlock(3, 3)", 2, 3, 4, 5), "output", True),
    (*in_train_mode("ResidualBlock(3, 5, 2)", 2, 3, 4, 5), "output", True),
    after_a_batch("ResidualBlock(3, 5, 2)", 2, 3, 4, 5),
    (*in_backward("ResidualBlock(3, 3)", 2, 3, 4, 5), True),
    (*in_backward("ResidualBlock(3, 5, 2)", 2, 3, 4, 5), True),
    (
        "ResidualBlock(1, 1), eval mode, all weights and statistics 1, x = [[[[1, -2]]]]",
        f"{of_ones('ResidualBlock(1, 1)')}; x = torch.tensor([[[[1.0, -2.0]]]]); module(x)\nx",
        "x afterwards",
        True,
    ),
    (
        "ResidualBlock(3, 5, 2).double(), eval mode, x of shape (2, 3, 4, 5) in float64",
        "eval_output(ResidualBlock(3, 5, 2), made_up(2, 3, 4, 5).double())",
        "output",
        True,
    ),
)


def right_branch_alone(block, x):
    """ReLU of what the right branch makes of x: with weights 0 the left one adds nothing."""
    block.eval()
    for entry in block.state_dict().values():
        entry.zero_()
    return detached(block(x))


def drops_pixels(ResidualBlock):
    """Whether the right branch takes every second pixel, and adds zeros for new channels."""
    x = made_up(2, 3, 6, 7)
    expected = F.pad(F.relu(x[:, :, ::2, ::2]), (0, 0, 0, 0, 0, 2))
    return same(right_branch_alone(ResidualBlock(3, 5, 2), x), expected)


# ---- A right answer in steps ----------------------------------------------------------------


class ResidualBlockInSteps(nn.Module):
    """ResidualBlock cut into the steps that can each go wrong."""

    default_stride = 1

    def __init__(self, in_feats: int, out_feats: int, first_stride=None):
        super().__init__()
        self.in_feats = in_feats
        self.out_feats = out_feats
        self.first_stride = self.default_stride if first_stride is None else first_stride
        self.declare()

    def declare(self):
        self.declare_left()
        self.declare_right()

    def declare_left(self):
        self.conv1 = self.make_conv1()
        self.norm1 = self.make_norm1()
        self.conv2 = self.make_conv2()
        self.norm2 = self.make_norm2()

    def declare_right(self):
        if self.needs_projection():
            conv, norm = self.make_projection_conv(), self.make_projection_norm()
            self.projection = Sequential(conv, norm)

    def make_conv1(self):
        return Conv2d(self.in_feats, self.out_feats, 3, self.stride1(), padding=1)

    def make_norm1(self):
        return BatchNorm2d(self.out_feats)

    def make_conv2(self):
        return Conv2d(self.out_feats, self.out_feats, 3, self.stride2(), padding=1)

    def make_norm2(self):
        return BatchNorm2d(self.out_feats)

    def stride1(self):
        return self.first_stride

    def stride2(self):
        return 1

    def needs_projection(self):
        return self.first_stride != 1 or self.in_feats != self.out_feats

    def make_projection_conv(self):
        return Conv2d(self.in_feats, self.out_feats, 1, self.projection_stride())

    def projection_stride(self):
        return self.first_stride

    def make_projection_norm(self):
        return BatchNorm2d(self.out_feats)

    def received(self, x):
        return x

    def middle(self, x):
        return F.relu(x)

    def left(self, x):
        return self.norm2(self.conv2(self.middle(self.norm1(self.conv1(x)))))

    def right(self, x):
        return self.projection(x) if self.needs_projection() else x

    def combine(self, left, right):
        return left + right

    def final(self, x):
        return F.relu(x)

    def forward(self, x):
        x = self.received(x)
        return self.final(self.combine(self.left(x), self.right(x)))
