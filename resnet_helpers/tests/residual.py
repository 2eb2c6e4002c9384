"""Lesson 3: the checks of ResidualBlock and BlockGroup, with their known mistakes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.solutions import BatchNorm2d, ResidualBlock
from resnet_helpers.tests.engine import Catalogue, Exercise, fill, made_up, trials_of
from resnet_helpers.tests.structure import Rows, Values, traced

# ---- What the checks look at ----------------------------------------------------------------


def rows(*arguments) -> Callable:
    """The state dict's entries of a new module."""
    return lambda cls: Rows.of(cls(*arguments))


def filled(module: nn.Module) -> nn.Module:
    """The module with its weights filled in state-dict order.

    Raises:
        LookupError: it has none, so its outputs are random and say nothing.
    """
    if not module.state_dict():
        raise LookupError("the module has no weights to fill")
    return fill(module)


def output_by_hand(x: Tensor, *arguments) -> Callable:
    """The output in eval mode where the state dict holds ones, so batchnorms change nothing."""

    def run(cls):
        module = filled(cls(*arguments)).eval()
        for entry in module.state_dict().values():
            entry.fill_(1)
        return traced(module, x.clone())

    return run


def eval_output(x: Tensor, *arguments) -> Callable:
    """The output in eval mode, and what each layer made of it."""
    return lambda cls: traced(filled(cls(*arguments)).to(x.dtype).eval(), x.clone())


def train_output(x: Tensor, *arguments) -> Callable:
    """The output in train mode, and what each layer made of it."""
    return lambda cls: traced(filled(cls(*arguments)).train(), x.clone())


def statistics_after_training(x: Tensor, *arguments) -> Callable:
    """All buffers after one batch in train mode."""

    def run(cls):
        module = filled(cls(*arguments)).train()
        module(x.clone())
        return Values.of(module.named_buffers())

    return run


def gradients(x: Tensor, *arguments) -> Callable:
    """The gradients of a weighted sum of the outputs with respect to x and every parameter.

    In float64: batchnorm's gradients are small differences of large numbers.
    """

    def run(cls):
        module = filled(cls(*arguments)).double().train()
        given = x.double().requires_grad_()
        output = module(given)
        if not output.requires_grad:
            return "none: the output is cut off from the graph"
        (output * made_up(*output.shape)).sum().backward()
        tensors = [("x", given), *module.named_parameters()]
        return Values.of((name, tensor.grad) for name, tensor in tensors)

    return run


def input_afterwards(x: Tensor, *arguments) -> Callable:
    """The input after a forward pass in eval mode."""

    def run(cls):
        given = x.clone()
        filled(cls(*arguments)).eval()(given)
        return given

    return run


# ---- ResidualBlock: a right one, in steps ---------------------------------------------------


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
            self.projection = self.make_projection()

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

    def make_projection(self):
        return Sequential(self.make_projection_conv(), self.make_projection_norm())

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


PAIR = torch.tensor([[[[1.0, -2.0]]]])  # 1, 1, 1, 2
PAIR_TEXT = "x = [[[[1, -2]]]]"
SQUARE = torch.tensor([[[[1.0, -2.0], [3.0, 4.0]]]])  # 1, 1, 2, 2
SQUARE_TEXT = "x = [[[[1, -2], [3, 4]]]]"
ONES = "eval mode, all weights and statistics 1 (so batchnorm changes nothing)"

RESIDUAL_BLOCK_TRIALS = trials_of(
    "test_residual_block",
    ("the state dict of ResidualBlock(3, 3)", rows(3, 3)),
    ("the state dict of ResidualBlock(3, 5)", rows(3, 5)),
    ("the state dict of ResidualBlock(5, 3)", rows(5, 3)),
    ("the state dict of ResidualBlock(3, 3, 2)", rows(3, 3, 2)),
    ("the state dict of ResidualBlock(3, 5, 2)", rows(3, 5, 2)),
    (f"ResidualBlock(1, 1), {ONES}, {PAIR_TEXT}", output_by_hand(PAIR, 1, 1)),
    (f"ResidualBlock(1, 1, 2), {ONES}, {SQUARE_TEXT}", output_by_hand(SQUARE, 1, 1, 2)),
    (f"ResidualBlock(1, 2, 2), {ONES}, {SQUARE_TEXT}", output_by_hand(SQUARE, 1, 2, 2)),
    (
        "ResidualBlock(3, 3), eval mode, x of shape (2, 3, 5, 5)",
        eval_output(made_up(2, 3, 5, 5), 3, 3),
    ),
    (
        "ResidualBlock(3, 5), eval mode, x of shape (2, 3, 4, 5)",
        eval_output(made_up(2, 3, 4, 5), 3, 5),
    ),
    (
        "ResidualBlock(3, 3, 2), eval mode, x of shape (2, 3, 3, 3)",
        eval_output(made_up(2, 3, 3, 3), 3, 3, 2),
    ),
    (
        "ResidualBlock(3, 5, 2), eval mode, x of shape (2, 3, 6, 7)",
        eval_output(made_up(2, 3, 6, 7), 3, 5, 2),
    ),
    (
        "ResidualBlock(3, 5, 3), eval mode, x of shape (2, 3, 6, 7)",
        eval_output(made_up(2, 3, 6, 7), 3, 5, 3),
    ),
    (
        "ResidualBlock(3, 3), train mode, x of shape (2, 3, 4, 5)",
        train_output(made_up(2, 3, 4, 5), 3, 3),
    ),
    (
        "ResidualBlock(3, 5, 2), train mode, x of shape (2, 3, 4, 5)",
        train_output(made_up(2, 3, 4, 5), 3, 5, 2),
    ),
    (
        "ResidualBlock(3, 5, 2), one batch of shape (2, 3, 4, 5) in train mode",
        statistics_after_training(made_up(2, 3, 4, 5), 3, 5, 2),
        "buffer",
    ),
    (
        "ResidualBlock(3, 3), backward, x of shape (2, 3, 4, 5)",
        gradients(made_up(2, 3, 4, 5), 3, 3),
        "gradient of",
    ),
    (
        "ResidualBlock(3, 5, 2), backward, x of shape (2, 3, 4, 5)",
        gradients(made_up(2, 3, 4, 5), 3, 5, 2),
        "gradient of",
    ),
    (
        f"ResidualBlock(1, 1), eval mode, {PAIR_TEXT}",
        input_afterwards(PAIR, 1, 1),
        "x afterwards",
    ),
    (
        "ResidualBlock(3, 5, 2).double(), eval mode, x of shape (2, 3, 4, 5) in float64",
        eval_output(made_up(2, 3, 4, 5).double(), 3, 5, 2),
    ),
)

# ---- ResidualBlock: what can go wrong -------------------------------------------------------


def declare_norms_first(self):
    self.norm1 = BatchNorm2d(self.in_feats)
    self.conv1 = self.make_conv1()
    self.norm2 = BatchNorm2d(self.out_feats)
    self.conv2 = self.make_conv2()


def declare_prelu_last(self):
    self.declare_left()
    self.declare_right()
    self.prelu = nn.PReLU()


def activations(activation: Callable[[Tensor], Tensor]) -> dict[str, Callable]:
    """Both ReLUs replaced by something else."""
    return {
        "middle": lambda self, x: activation(x),
        "final": lambda self, x: activation(x),
    }


def biased(name: str) -> Callable:
    """A step that makes the convolution of that step with a bias."""

    def make(self):
        conv = getattr(ResidualBlockInSteps, name)(self)
        settings = (conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride)
        return nn.Conv2d(*settings, conv.padding)

    return make


def without_padding(name: str) -> Callable:
    """A step that makes the convolution of that step without padding."""

    def make(self):
        conv = getattr(ResidualBlockInSteps, name)(self)
        conv.padding = 0
        return conv

    return make


def no_norm(self):
    return nn.Identity()


RESIDUAL_BLOCK_MISTAKES = mistake = Catalogue()


@mistake(
    "right branch declared before left",
    "You declare the right branch before the left one. Declare the left one first in "
    "__init__: a pretrained network's weights are copied in the order of declaration.",
)
class _:
    def declare(self):
        self.declare_right()
        self.declare_left()


mistake(
    "final ReLU missing",
    "The final ReLU is missing: apply it to the sum of the two branches.",
    final=lambda self, x: x,
)
mistake(
    "final ReLU before the addition",
    "You apply the final ReLU to the left branch, before the addition. Add first, then apply "
    "ReLU to the sum.",
    combine=lambda self, left, right: F.relu(left) + right,
    final=lambda self, x: x,
)
mistake(
    "ReLU on both branches before the addition",
    "You apply ReLU to each branch and then add. Add first, then apply ReLU to the sum.",
    combine=lambda self, left, right: F.relu(left) + F.relu(right),
    final=lambda self, x: x,
)
mistake(
    "ReLU at the end of the left branch",
    "Your left branch ends in a ReLU. It ends in batchnorm, so that it can subtract from the "
    "right branch too; the ReLU comes after the addition.",
    combine=lambda self, left, right: F.relu(left) + right,
)
mistake(
    "ReLU in the right branch",
    "Your right branch ends in a ReLU. It is only a 1x1 convolution and batchnorm, or the "
    "identity.",
    right=lambda self, x: F.relu(self.projection(x)) if self.needs_projection() else x,
)
mistake(
    "ReLU on the input",
    "You apply a ReLU to the input. The block starts with the first convolution, and the "
    "right branch gets x as it is.",
    received=lambda self, x: F.relu(x),
)
mistake(
    "middle ReLU missing",
    "The ReLU in the middle of the left branch is missing. It comes after the first batchnorm.",
    middle=lambda self, x: x,
)
mistake(
    "middle ReLU before batchnorm",
    "In your left branch the ReLU comes before the first batchnorm. The order is convolution, "
    "batchnorm, ReLU.",
    left=lambda self, x: self.norm2(self.conv2(self.norm1(F.relu(self.conv1(x))))),
)
mistake(
    "pre-activation order",
    "You put batchnorm and ReLU before each convolution, as in the later paper on "
    "pre-activation. Here each convolution comes first, then its batchnorm.",
    declare_left=declare_norms_first,
    left=lambda self, x: self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x)))))),
)
mistake(
    "batchnorm before convolution",
    "In your left branch each batchnorm comes before its convolution. It comes after it: "
    "convolution, batchnorm.",
    declare_left=declare_norms_first,
    left=lambda self, x: self.conv2(self.norm2(F.relu(self.conv1(self.norm1(x))))),
)
mistake(
    "stride on the second convolution",
    "You gave first_stride to the second convolution of the left branch. It belongs to the "
    "first; the second has stride 1.",
    stride1=lambda self: 1,
    stride2=lambda self: self.first_stride,
)
mistake(
    "stride on both 3x3 convolutions",
    "Both convolutions of your left branch have first_stride, so it shrinks the picture twice. "
    "Only the first has it.",
    stride2=lambda self: self.first_stride,
)
mistake(
    "stride missing in the left branch",
    "Your left branch has no stride. Its first convolution has stride first_stride, like the "
    "1x1 convolution of the right branch.",
    stride1=lambda self: 1,
)
mistake(
    "stride missing in the right branch",
    "Your 1x1 convolution has no stride. Give it first_stride, like the first convolution of "
    "the left branch.",
    projection_stride=lambda self: 1,
)
mistake(
    "first_stride ignored",
    "No convolution of yours has a stride other than 1. Give first_stride to the first "
    "convolution of the left branch and to the 1x1 convolution.",
    stride1=lambda self: 1,
    projection_stride=lambda self: 1,
)
mistake(
    "stride 2 hard-coded",
    "Your stride is 2 wherever the right branch has a convolution. Use first_stride, which "
    "may be another number.",
    stride1=lambda self: 2 if self.needs_projection() else 1,
    projection_stride=lambda self: 2,
)
mistake(
    "stride always 2",
    "Your stride is always 2, whatever first_stride is. Use the argument, which is 1 where the "
    "size is to stay.",
    stride1=lambda self: 2,
    projection_stride=lambda self: 2,
)
mistake(
    "stride always 2 in the left branch",
    "The first convolution of your left branch always has stride 2. Use first_stride, which is "
    "1 where the size is to stay.",
    stride1=lambda self: 2,
)
mistake(
    "stride always 2 in the right branch",
    "Your 1x1 convolution always has stride 2. Use first_stride, as in the left branch.",
    projection_stride=lambda self: 2,
)
mistake(
    "default first_stride is 2",
    "Your default first_stride is 2. It is 1.",
    default_stride=2,
)
mistake(
    "identity everywhere",
    "Your right branch is always the identity. Where first_stride is not 1, or in_feats and "
    "out_feats differ, it is a 1x1 convolution with that stride, and batchnorm.",
    needs_projection=lambda self: False,
)
mistake(
    "identity where only the stride is not 1",
    "With first_stride 2 and equal features your right branch is the identity, so the two "
    "branches differ in size. It needs the 1x1 convolution there as well.",
    needs_projection=lambda self: self.in_feats != self.out_feats,
)
mistake(
    "identity where only the features differ",
    "With first_stride 1 and unequal features your right branch is the identity, so the two "
    "branches differ in channels. It needs the 1x1 convolution there as well.",
    needs_projection=lambda self: self.first_stride != 1,
)
mistake(
    "identity unless stride and features both change",
    "You use the 1x1 convolution only where stride and features both change. One of the two "
    "is enough: the condition is an `or`.",
    needs_projection=lambda self: self.first_stride != 1 and self.in_feats != self.out_feats,
)
mistake(
    "projection everywhere",
    "Your right branch always has a convolution. Where first_stride is 1 and in_feats equals "
    "out_feats, the shapes agree and it is the identity.",
    needs_projection=lambda self: True,
)
mistake(
    "padding on the 1x1 convolution",
    "Your 1x1 convolution has padding 1, which frames the picture with zeros. A 1x1 kernel "
    "needs none: padding 0.",
    make_projection_conv=lambda self: Conv2d(
        self.in_feats, self.out_feats, 1, self.projection_stride(), padding=1
    ),
)
mistake(
    "3x3 convolution in the right branch",
    "The convolution of your right branch is 3x3. It is 1x1 without padding: the simplest map "
    "to the shape that is needed.",
    make_projection_conv=lambda self: Conv2d(
        self.in_feats, self.out_feats, 3, self.projection_stride(), padding=1
    ),
)
mistake(
    "padding missing on the 3x3 convolutions",
    "Your 3x3 convolutions have no padding, so each takes a pixel off every edge. Give both "
    "padding 1.",
    make_conv1=without_padding("make_conv1"),
    make_conv2=without_padding("make_conv2"),
)
mistake(
    "padding missing on the first convolution",
    "Your first 3x3 convolution has no padding, so it takes a pixel off every edge. Give it "
    "padding 1.",
    make_conv1=without_padding("make_conv1"),
)
mistake(
    "padding missing on the second convolution",
    "Your second 3x3 convolution has no padding, so it takes a pixel off every edge. Give it "
    "padding 1.",
    make_conv2=without_padding("make_conv2"),
)
mistake(
    "features change in the second convolution",
    "Your first convolution keeps in_feats and the second goes to out_feats. The first goes "
    "from in_feats to out_feats, the second from out_feats to out_feats.",
    make_conv1=lambda self: Conv2d(self.in_feats, self.in_feats, 3, self.stride1(), padding=1),
    make_norm1=lambda self: BatchNorm2d(self.in_feats),
    make_conv2=lambda self: Conv2d(self.in_feats, self.out_feats, 3, padding=1),
)
mistake(
    "second convolution takes in_feats",
    "Your second convolution takes in_feats channels. It gets what the first one returns, "
    "out_feats channels.",
    make_conv2=lambda self: Conv2d(self.in_feats, self.out_feats, 3, padding=1),
)
mistake(
    "first batchnorm of in_feats",
    "Your first batchnorm is made for in_feats channels. It follows the convolution, so it "
    "has out_feats.",
    make_norm1=lambda self: BatchNorm2d(self.in_feats),
)
mistake(
    "right batchnorm of in_feats",
    "The batchnorm of your right branch is made for in_feats channels. It follows the 1x1 "
    "convolution, so it has out_feats.",
    make_projection_norm=lambda self: BatchNorm2d(self.in_feats),
)
mistake(
    "batchnorm missing in the right branch",
    "The batchnorm of your right branch is missing. It follows the 1x1 convolution.",
    make_projection_norm=no_norm,
)
mistake(
    "first batchnorm missing",
    "The batchnorm between the first convolution and the ReLU is missing.",
    make_norm1=no_norm,
)
mistake(
    "second batchnorm missing",
    "The batchnorm at the end of your left branch is missing. Each convolution is followed by one.",
    make_norm2=no_norm,
)
mistake(
    "no batchnorm at all",
    "Your block has no batchnorm. Each of its convolutions is followed by one, the 1x1 too.",
    make_norm1=no_norm,
    make_norm2=no_norm,
    make_projection_norm=no_norm,
)
mistake(
    "batchnorm after the addition",
    "You put the second batchnorm after the addition, where it also changes what the right "
    "branch brought. It belongs to the left branch, after the second convolution.",
    left=lambda self, x: self.conv2(F.relu(self.norm1(self.conv1(x)))),
    combine=lambda self, left, right: self.norm2(left + right),
)


@mistake(
    "batchnorm after the addition, declared last",
    "You put the second batchnorm after the addition, where it also changes what the right "
    "branch brought. It belongs to the left branch, after the second convolution.",
    left=lambda self, x: self.conv2(F.relu(self.norm1(self.conv1(x)))),
    combine=lambda self, left, right: self.norm2(left + right),
)
class _:
    def declare(self):
        self.conv1 = self.make_conv1()
        self.norm1 = self.make_norm1()
        self.conv2 = self.make_conv2()
        self.declare_right()
        self.norm2 = self.make_norm2()


@mistake(
    "third batchnorm after the addition",
    "You put one batchnorm too many after the addition. After the sum comes only the ReLU.",
    combine=lambda self, left, right: self.norm3(left + right),
)
class _:
    def declare(self):
        self.declare_left()
        self.declare_right()
        self.norm3 = BatchNorm2d(self.out_feats)


@mistake(
    "one batchnorm used for both convolutions",
    "You use one batchnorm after both convolutions. Each has its own weights and running "
    "statistics: make two.",
    left=lambda self, x: self.norm1(self.conv2(F.relu(self.norm1(self.conv1(x))))),
)
class _:
    def declare_left(self):
        self.conv1 = self.make_conv1()
        self.norm1 = self.make_norm1()
        self.conv2 = self.make_conv2()


@mistake(
    "the same batchnorm object twice",
    "The two batchnorms of your left branch are the same object, so they share weights and "
    "running statistics. Make a new one for each place.",
)
class _:
    def declare_left(self):
        self.conv1 = self.make_conv1()
        self.norm1 = self.make_norm1()
        self.conv2 = self.make_conv2()
        self.norm2 = self.norm1


@mistake(
    "batchnorm shared by the two branches",
    "Your right branch ends in the very batchnorm that ends the left one. Make a new one for "
    "each place.",
)
class _:
    def declare(self):
        self.declare_left()
        if self.needs_projection():
            self.projection = Sequential(self.make_projection_conv(), self.norm2)


mistake(
    "convolutions with bias",
    "Your convolutions have a bias. Batchnorm would subtract it again: pass bias=False to "
    "nn.Conv2d, or use the course's Conv2d.",
    **{name: biased(name) for name in ("make_conv1", "make_conv2", "make_projection_conv")},
)
mistake(
    "3x3 convolutions with bias",
    "The convolutions of your left branch have a bias. Batchnorm would subtract it again: "
    "pass bias=False.",
    **{name: biased(name) for name in ("make_conv1", "make_conv2")},
)
mistake(
    "1x1 convolution with bias",
    "Your 1x1 convolution has a bias. Batchnorm would subtract it again: pass bias=False.",
    make_projection_conv=biased("make_projection_conv"),
)


@mistake(
    "left branch declared out of order",
    "You declare both 3x3 convolutions before their batchnorms. Declare the layers in the "
    "order in which the data meets them: weights are copied in that order.",
)
class _:
    def declare_left(self):
        self.conv1 = self.make_conv1()
        self.conv2 = self.make_conv2()
        self.norm1 = self.make_norm1()
        self.norm2 = self.make_norm2()


@mistake(
    "second half of the left branch declared first",
    "You declare the second convolution and batchnorm before the first ones. Declare the "
    "layers in the order in which the data meets them.",
)
class _:
    def declare_left(self):
        self.conv2 = self.make_conv2()
        self.norm2 = self.make_norm2()
        self.conv1 = self.make_conv1()
        self.norm1 = self.make_norm1()


@mistake(
    "layers in a plain list",
    "Your layers are in a plain list, where nn.Module does not see their parameters. Use "
    "Sequential, or assign each to an attribute of its own.",
    left=lambda self, x: nn.Sequential(*self.layers[:2], ReLU(), *self.layers[2:4])(x),
    right=lambda self, x: self.layers[4](x) if self.needs_projection() else x,
)
class _:
    def declare(self):
        self.layers = [self.make_conv1(), self.make_norm1(), self.make_conv2(), self.make_norm2()]
        if self.needs_projection():
            self.layers.append(self.make_projection())


mistake(
    "no layers declared",
    "Your __init__ declares no layers. If you make them in forward, they are new at every call "
    "and never learn: make them in __init__, each an attribute of self.",
    declare=lambda self: None,
)
mistake(
    "branches multiplied",
    "You multiply the two branches. Add them.",
    combine=lambda self, left, right: left * right,
)
mistake(
    "branches concatenated",
    "You concatenate the two branches, which doubles the channels. Add them.",
    combine=lambda self, left, right: torch.cat([left, right], dim=1),
)
mistake(
    "branches subtracted",
    "You subtract the right branch from the left one. Add them.",
    combine=lambda self, left, right: left - right,
)
mistake(
    "branches averaged",
    "You average the two branches. Add them, without dividing by 2.",
    combine=lambda self, left, right: (left + right) / 2,
)
mistake(
    "maximum of the branches",
    "You take the larger of the two branches. Add them.",
    combine=lambda self, left, right: torch.maximum(left, right),
)
mistake(
    "right branch not added",
    "You do not add the right branch: the skip connection is missing. Return ReLU(left + right).",
    combine=lambda self, left, right: left,
)
mistake(
    "no right branch",
    "Your block has no right branch at all. Its way around the convolutions is what makes a "
    "block residual: identity, or 1x1 convolution and batchnorm.",
    declare_right=lambda self: None,
    combine=lambda self, left, right: left,
    right=lambda self, x: x,
)
mistake(
    "left branch not added",
    "You return the right branch without adding the left one.",
    combine=lambda self, left, right: right,
)
mistake(
    "right branch applied to the left one's output",
    "You apply the right branch to what the left one returns. Both take the block's input x.",
    combine=lambda self, left, right: left + self.right(left),
)


@mistake(
    "shortcut without weights",
    "Your right branch drops pixels and pads with zero channels. Use a 1x1 convolution (stride "
    "first_stride) and batchnorm instead: the paper's option B.",
    declare_right=lambda self: None,
)
class _:
    def right(self, x):
        x = x[:, :, :: self.first_stride, :: self.first_stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.out_feats - self.in_feats))


mistake(
    "skip connection detached",
    "You detach the right branch from the graph, so no gradient takes the short way. Leave it "
    "attached.",
    combine=lambda self, left, right: left + right.detach(),
)
mistake(
    "right branch of a detached input",
    "Your right branch takes a detached x, so no gradient passes through the skip connection. "
    "Give it x as it is.",
    right=lambda self, x: ResidualBlockInSteps.right(self, x.detach()),
)
mistake(
    "left branch detached",
    "You cut the left branch off from the graph (by detach, no_grad or .data), so its layers "
    "would never learn. Leave it attached.",
    combine=lambda self, left, right: left.detach() + right,
)
mistake(
    "left branch of a detached input",
    "Your left branch takes a detached x, so no gradient passes through it to the layers "
    "before. Give it x as it is.",
    left=lambda self, x: ResidualBlockInSteps.left(self, x.detach()),
)
mistake(
    "input detached",
    "You detach x, so no gradient reaches the layers before this block. Use x as it is.",
    received=lambda self, x: x.detach(),
)
mistake(
    "cut off from the graph",
    "Your output is cut off from the graph (by no_grad, detach or .data), so nothing would "
    "learn. Compute it with gradients on.",
    final=lambda self, x: F.relu(x).detach(),
)


@mistake(
    "right branch under no_grad",
    "You compute the right branch under no_grad, so its convolution and batchnorm would never "
    "learn. Compute it like the left one.",
)
class _:
    def right(self, x):
        with torch.no_grad():
            return ResidualBlockInSteps.right(self, x)


@mistake(
    "input changed in place",
    "You change the input in place: where the right branch is the identity, `right += left` "
    "writes into x. Write left + right.",
)
class _:
    def combine(self, left, right):
        right += left
        return right


@mistake(
    "PReLU in the middle",
    "Your left branch has a PReLU, which has a weight of its own. Use ReLU, which has none.",
    middle=lambda self, x: self.prelu(x),
)
class _:
    def declare_left(self):
        self.conv1 = self.make_conv1()
        self.norm1 = self.make_norm1()
        self.prelu = nn.PReLU()
        self.conv2 = self.make_conv2()
        self.norm2 = self.make_norm2()


mistake(
    "PReLU at the end",
    "Your block ends in a PReLU, which has a weight of its own. Use ReLU, which has none.",
    declare=declare_prelu_last,
    final=lambda self, x: self.prelu(x),
)
mistake(
    "one PReLU for both",
    "You use a PReLU in both places, which has a weight of its own. Use ReLU, which has none.",
    declare=declare_prelu_last,
    middle=lambda self, x: self.prelu(x),
    final=lambda self, x: self.prelu(x),
)
mistake(
    "LeakyReLU",
    "You use LeakyReLU. The block uses ReLU, which is 0 for every negative number.",
    **activations(F.leaky_relu),
)
mistake(
    "GELU",
    "You use GELU. The block uses ReLU.",
    **activations(F.gelu),
)
mistake(
    "ReLU6",
    "You use ReLU6, which cuts off at 6. The block uses ReLU.",
    **activations(F.relu6),
)

RESIDUAL_BLOCK = Exercise(
    name="ResidualBlock",
    reference=solutions.ResidualBlock,
    names={},
    in_steps=ResidualBlockInSteps,
    trials=RESIDUAL_BLOCK_TRIALS,
    mistakes=RESIDUAL_BLOCK_MISTAKES,
)


def test_residual_block(ResidualBlock: type[nn.Module]) -> None:
    """Check a ResidualBlock's layers and their order, outputs and gradients."""
    RESIDUAL_BLOCK.check("test_residual_block", ResidualBlock)


# ---- BlockGroup: a right one, in steps ------------------------------------------------------


class BlockGroupInSteps(nn.Module):
    """BlockGroup cut into the steps that can each go wrong."""

    default_stride = 1

    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=None):
        super().__init__()
        self.n_blocks = n_blocks
        self.in_feats = in_feats
        self.out_feats = out_feats
        self.first_stride = self.default_stride if first_stride is None else first_stride
        self.declare(self.made())

    def made(self):
        return [self.make_block(number) for number in range(self.number_made())]

    def number_made(self):
        return self.n_blocks

    def make_block(self, number):
        return ResidualBlock(*self.features(number), self.stride(number))

    def features(self, number):
        return (self.in_feats if number == 0 else self.out_feats), self.out_feats

    def stride(self, number):
        return self.first_stride if number == 0 else 1

    def declare(self, blocks):
        self.blocks = Sequential(*blocks)

    def applied(self):
        return list(self.blocks)

    def forward(self, x):
        for block in self.applied():
            x = block(x)
        return x


BLOCK_GROUP_TRIALS = trials_of(
    "test_block_group",
    ("the state dict of BlockGroup(2, 3, 3)", rows(2, 3, 3)),
    ("the state dict of BlockGroup(1, 3, 5)", rows(1, 3, 5)),
    ("the state dict of BlockGroup(3, 3, 5, 2)", rows(3, 3, 5, 2)),
    ("the state dict of BlockGroup(4, 3, 3, 2)", rows(4, 3, 3, 2)),
    (f"BlockGroup(2, 1, 1), {ONES}, {PAIR_TEXT}", output_by_hand(PAIR, 2, 1, 1)),
    (f"BlockGroup(2, 1, 1, 2), {ONES}, {SQUARE_TEXT}", output_by_hand(SQUARE, 2, 1, 1, 2)),
    (f"BlockGroup(2, 1, 2, 2), {ONES}, {SQUARE_TEXT}", output_by_hand(SQUARE, 2, 1, 2, 2)),
    (
        "BlockGroup(3, 3, 3), eval mode, x of shape (2, 3, 4, 5)",
        eval_output(made_up(2, 3, 4, 5), 3, 3, 3),
    ),
    (
        "BlockGroup(2, 3, 5), eval mode, x of shape (2, 3, 4, 5)",
        eval_output(made_up(2, 3, 4, 5), 2, 3, 5),
    ),
    (
        "BlockGroup(3, 3, 5, 2), eval mode, x of shape (2, 3, 6, 7)",
        eval_output(made_up(2, 3, 6, 7), 3, 3, 5, 2),
    ),
    (
        "BlockGroup(3, 3, 3, 3), eval mode, x of shape (2, 3, 6, 7)",
        eval_output(made_up(2, 3, 6, 7), 3, 3, 3, 3),
    ),
    (
        "BlockGroup(1, 3, 5, 2), eval mode, x of shape (2, 3, 6, 7)",
        eval_output(made_up(2, 3, 6, 7), 1, 3, 5, 2),
    ),
    (
        "BlockGroup(3, 3, 5, 2), train mode, x of shape (2, 3, 6, 7)",
        train_output(made_up(2, 3, 6, 7), 3, 3, 5, 2),
    ),
    (
        "BlockGroup(3, 3, 5, 2), one batch of shape (2, 3, 6, 7) in train mode",
        statistics_after_training(made_up(2, 3, 6, 7), 3, 3, 5, 2),
        "buffer",
    ),
    (
        "BlockGroup(3, 3, 5, 2), backward, x of shape (2, 3, 6, 7)",
        gradients(made_up(2, 3, 6, 7), 3, 3, 5, 2),
        "gradient of",
    ),
)

# ---- BlockGroup: what can go wrong ----------------------------------------------------------


def always(n_blocks: int) -> None:
    """Add a fixed number of blocks."""
    mistake(
        f"always {n_blocks} blocks",
        "Your number of blocks is fixed. Make as many as n_blocks says.",
        number_made=lambda self: n_blocks,
    )


BLOCK_GROUP_MISTAKES = mistake = Catalogue()
mistake(
    "stride on every block",
    "Every block of yours has first_stride. Only the first has it; the others have stride 1.",
    stride=lambda self, number: self.first_stride,
)
mistake(
    "stride on the last block",
    "Your last block has first_stride. The first one has it; the others have stride 1.",
    stride=lambda self, number: self.first_stride if number == self.n_blocks - 1 else 1,
)
mistake(
    "stride on all but the first block",
    "All your blocks but the first have first_stride. It is the other way round: only the "
    "first has it.",
    stride=lambda self, number: 1 if number == 0 else self.first_stride,
)
mistake(
    "first_stride ignored",
    "No block of yours has first_stride. Pass it to the first one.",
    stride=lambda self, number: 1,
)
mistake(
    "stride always 2",
    "Your first block always has stride 2. Use first_stride, which is 1 where the size is to stay.",
    stride=lambda self, number: 2 if number == 0 else 1,
)
mistake(
    "stride 2 where the features change",
    "Your first block has stride 2 where in_feats and out_feats differ. Use first_stride, "
    "which does not depend on them.",
    stride=lambda self, number: 2 if number == 0 and self.in_feats != self.out_feats else 1,
)
mistake(
    "default first_stride is 2",
    "Your default first_stride is 2. It is 1.",
    default_stride=2,
)
always(1)
always(2)
always(3)
always(4)
mistake(
    "one block too many",
    "You make n_blocks + 1 blocks. The first, which may change the shape, is one of the n_blocks.",
    number_made=lambda self: self.n_blocks + 1,
)
mistake(
    "one block too few",
    "You make n_blocks - 1 blocks. Count the first one, and look at where your range ends.",
    number_made=lambda self: self.n_blocks - 1,
)
mistake(
    "in_feats for every block",
    "Every block of yours takes in_feats channels. Only the first does; the others get what "
    "it returns, out_feats.",
    features=lambda self, number: (self.in_feats, self.out_feats),
)
mistake(
    "features change in the last block",
    "Your last block changes the features from in_feats to out_feats. The first one does.",
    features=lambda self, number: (
        self.in_feats,
        self.out_feats if number == self.n_blocks - 1 else self.in_feats,
    ),
)
mistake(
    "in_feats and out_feats swapped",
    "in_feats and out_feats are swapped in all your blocks: the group takes in_feats channels "
    "and returns out_feats.",
    features=lambda self, number: (
        (self.out_feats if number == 0 else self.in_feats),
        self.in_feats,
    ),
)
mistake(
    "in_feats and out_feats swapped in the first block",
    "in_feats and out_feats are swapped in your first block: it takes in_feats channels and "
    "returns out_feats.",
    features=lambda self, number: (
        self.out_feats,
        self.in_feats if number == 0 else self.out_feats,
    ),
)
mistake(
    "first block takes out_feats",
    "Your first block takes out_feats channels. It gets the group's input, which has in_feats.",
    features=lambda self, number: (self.out_feats, self.out_feats),
)
mistake(
    "out_feats ignored",
    "All your blocks return in_feats channels. The first goes from in_feats to out_feats, and "
    "the others keep out_feats.",
    features=lambda self, number: (self.in_feats, self.in_feats),
)


@mistake(
    "the same block repeated",
    "The blocks after the first are one object repeated (as [block] * n does), so they share "
    "their weights. Make a new ResidualBlock for each.",
)
class _:
    def made(self):
        first = self.make_block(0)
        return [first] + [self.make_block(1)] * (self.n_blocks - 1)


mistake(
    "the first block repeated",
    "All your blocks are one object repeated (as [block] * n does), so they share their "
    "weights. Make a new ResidualBlock for each.",
    made=lambda self: [self.make_block(0)] * self.n_blocks,
)


@mistake(
    "one block applied several times",
    "You make two blocks and apply the second n_blocks - 1 times, so its weights are shared. "
    "Make a new ResidualBlock for each.",
    applied=lambda self: [self.first] + [self.more for _ in range(self.n_blocks - 1)],
)
class _:
    def declare(self, blocks):
        self.first = blocks[0]
        if self.n_blocks > 1:
            self.more = blocks[1]


mistake(
    "blocks in a plain list",
    "Your blocks are in a plain list, where nn.Module does not see them. Use Sequential(*blocks).",
    declare=lambda self, blocks: setattr(self, "blocks", blocks),
)
mistake(
    "no blocks declared",
    "Your __init__ declares no blocks. If you make them in forward, they are new at every call "
    "and never learn: make them in __init__, in a Sequential that you assign to self.",
    declare=lambda self, blocks: None,
)


@mistake(
    "later blocks in a plain list",
    "Your first block is registered, the others are in a plain list, where nn.Module does not "
    "see them. Use Sequential(*blocks).",
    applied=lambda self: [self.first, *self.more],
)
class _:
    def declare(self, blocks):
        self.first = blocks[0]
        self.more = blocks[1:]


@mistake(
    "first block declared last",
    "You declare the first block after the others. Declare the blocks in the order in which "
    "the data meets them: weights are copied in that order.",
    applied=lambda self: [self.first, *self.more],
)
class _:
    def declare(self, blocks):
        self.more = Sequential(*blocks[1:])
        self.first = blocks[0]


mistake(
    "blocks applied in reverse",
    "You apply the blocks from last to first. The first declared comes first.",
    applied=lambda self: list(self.blocks)[::-1],
)
mistake(
    "returned after the first block",
    "You apply only the first block. Is the `return` inside the loop? It comes after it.",
    applied=lambda self: list(self.blocks)[:1],
)
mistake(
    "last block not applied",
    "You do not apply the last block. Apply all n_blocks of them.",
    applied=lambda self: list(self.blocks)[:-1],
)


@mistake(
    "every block applied to the first input",
    "You apply every block to the group's input and return the last one's result. Each takes "
    "what the one before returned: x = block(x).",
)
class _:
    def forward(self, x):
        for block in self.applied():
            out = block(x)
        return out


mistake(
    "input detached",
    "You detach x, so no gradient reaches the layers before this group. Use x as it is.",
    forward=lambda self, x: self.blocks(x.detach()),
)
mistake(
    "cut off from the graph",
    "Your output is cut off from the graph (by no_grad, detach or .data), so nothing would "
    "learn. Compute it with gradients on.",
    forward=lambda self, x: self.blocks(x).detach(),
)
mistake(
    "skip connection around the group",
    "You add the group's input to its output. Each block has its own skip connection; the "
    "group has none.",
    forward=lambda self, x: x + self.blocks(x),
)

BLOCK_GROUP = Exercise(
    name="BlockGroup",
    reference=solutions.BlockGroup,
    names={},
    in_steps=BlockGroupInSteps,
    trials=BLOCK_GROUP_TRIALS,
    mistakes=BLOCK_GROUP_MISTAKES,
)


def test_block_group(BlockGroup: type[nn.Module]) -> None:
    """Check a BlockGroup's blocks and their order, outputs and gradients."""
    BLOCK_GROUP.check("test_block_group", BlockGroup)
