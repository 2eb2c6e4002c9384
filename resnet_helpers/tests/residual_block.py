"""Lesson 3: the check of ResidualBlock, with its known mistakes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.layers import Conv2d, Sequential
from resnet_helpers.solutions import BatchNorm2d
from resnet_helpers.tests import structure
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.residual_block_steps import TRIALS, ResidualBlockInSteps, drops_pixels
from resnet_helpers.tests.trials import Trial

# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()


def declaring_left(*names: str) -> Callable:
    """A step that declares these layers of the left branch, in this order."""

    def declare_left(self):
        for name in names:
            setattr(self, name, getattr(self, f"make_{name}")())

    return declare_left


def declaring_last(name: str, make: Callable[[int], nn.Module]) -> Callable:
    """A step that declares both branches and then one more layer, for out_feats channels."""

    def declare(self):
        ResidualBlockInSteps.declare(self)
        setattr(self, name, make(self.out_feats))

    return declare


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
    "The final ReLU is missing, or its result is not used: return ReLU(left + right).",
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
    "The ReLU in the middle of the left branch is missing, or its result is not used. It comes "
    "after the first batchnorm.",
    middle=lambda self, x: x,
)
mistake(
    "middle ReLU before batchnorm",
    "In your left branch the ReLU comes before the first batchnorm. The order is convolution, "
    "batchnorm, ReLU.",
    left=lambda self, x: self.norm2(self.conv2(self.norm1(F.relu(self.conv1(x))))),
)


def declare_norms_first(self):
    self.norm1 = BatchNorm2d(self.in_feats)
    self.conv1 = self.make_conv1()
    self.norm2 = BatchNorm2d(self.out_feats)
    self.conv2 = self.make_conv2()


mistake(
    "pre-activation order",
    "You put batchnorm and ReLU before each convolution, as in the later paper on "
    "pre-activation. Here each convolution comes first, then its batchnorm.",
    declare_left=declare_norms_first,
    left=lambda self, x: self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x)))))),
)
mistake(
    "pre-activation block",
    "Your block is the later paper's: batchnorm and ReLU before each convolution, and no ReLU "
    "after the sum. Here each convolution comes first, then its batchnorm; ReLU follows the sum.",
    declare_left=declare_norms_first,
    left=lambda self, x: self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x)))))),
    final=lambda self, x: x,
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
    "Your default first_stride is 2. It should be 1.",
    default_stride=2,
)
mistake(
    "identity everywhere",
    "No convolution of a right branch is registered. Where first_stride is not 1, or in_feats and "
    "out_feats differ, the right branch is a 1x1 convolution with that stride, and batchnorm: make "
    "them in __init__.",
    only_if="not plain_lists(ResidualBlock(3, 5))",
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
    "projection declared everywhere",
    "You make the 1x1 convolution and its batchnorm always, and use them where they are needed. "
    "Make them only there: a pretrained network has no weights for the others.",
    declare_right=lambda self: setattr(
        self, "projection", Sequential(self.make_projection_conv(), self.make_projection_norm())
    ),
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

unpadded1 = {"make_conv1": lambda self: Conv2d(self.in_feats, self.out_feats, 3, self.stride1())}
unpadded2 = {"make_conv2": lambda self: Conv2d(self.out_feats, self.out_feats, 3, self.stride2())}
mistake(
    "padding missing on the 3x3 convolutions",
    "Your 3x3 convolutions have no padding, so each takes a pixel off every edge. Give both "
    "padding 1.",
    **unpadded1,
    **unpadded2,
)
mistake(
    "padding missing on the first convolution",
    "Your first 3x3 convolution has no padding, so it takes a pixel off every edge. Give it "
    "padding 1.",
    **unpadded1,
)
mistake(
    "padding missing on the second convolution",
    "Your second 3x3 convolution has no padding, so it takes a pixel off every edge. Give it "
    "padding 1.",
    **unpadded2,
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
    make_projection_norm=lambda self: nn.Identity(),
)
mistake(
    "first batchnorm missing",
    "The batchnorm between the first convolution and the ReLU is missing.",
    make_norm1=lambda self: nn.Identity(),
)
mistake(
    "second batchnorm missing",
    "The batchnorm at the end of your left branch is missing. Each convolution is followed by one.",
    make_norm2=lambda self: nn.Identity(),
)
mistake(
    "no batchnorm at all",
    "Your block has no batchnorm. Each of its convolutions is followed by one, the 1x1 too.",
    make_norm1=lambda self: nn.Identity(),
    make_norm2=lambda self: nn.Identity(),
    make_projection_norm=lambda self: nn.Identity(),
)
mistake(
    "batchnorm after the addition",
    "You put the second batchnorm after the addition, where it also changes what the right "
    "branch brought. It belongs to the left branch, after the second convolution.",
    left=lambda self, x: self.conv2(F.relu(self.norm1(self.conv1(x)))),
    combine=lambda self, left, right: self.norm2(left + right),
)
mistake(
    "batchnorm after the addition, declared last",
    "You put the second batchnorm after the addition, where it also changes what the right "
    "branch brought. It belongs to the left branch, after the second convolution.",
    declare_left=declaring_left("conv1", "norm1", "conv2"),
    declare=declaring_last("norm2", BatchNorm2d),
    left=lambda self, x: self.conv2(F.relu(self.norm1(self.conv1(x)))),
    combine=lambda self, left, right: self.norm2(left + right),
)
mistake(
    "third batchnorm after the addition",
    "You put one batchnorm too many after the addition. After the sum comes only the ReLU.",
    declare=declaring_last("norm3", BatchNorm2d),
    combine=lambda self, left, right: self.norm3(left + right),
)
mistake(
    "one batchnorm used for both convolutions",
    "You use one batchnorm after both convolutions. Each has its own weights and running "
    "statistics: make two.",
    declare_left=declaring_left("conv1", "norm1", "conv2"),
    left=lambda self, x: self.norm1(self.conv2(F.relu(self.norm1(self.conv1(x))))),
)
mistake(
    "one batchnorm used for both convolutions, declared last",
    "You use one batchnorm after both convolutions. Each has its own weights and running "
    "statistics: make two.",
    declare_left=declaring_left("conv1", "conv2", "norm1"),
    left=lambda self, x: self.norm1(self.conv2(F.relu(self.norm1(self.conv1(x))))),
)


@mistake(
    "the same batchnorm object twice",
    "The two batchnorms of your left branch are the same object, so they share weights and "
    "running statistics. Make a new one for each place.",
)
class _:
    def declare_left(self):
        ResidualBlockInSteps.declare_left(self)
        self.norm2 = self.norm1


@mistake(
    "batchnorm shared by the two branches",
    "Your right branch ends in the very batchnorm that ends the left one. Make a new one for "
    "each place.",
)
class _:
    def declare(self):
        ResidualBlockInSteps.declare(self)
        if self.needs_projection():
            self.projection[1] = self.norm2


biased_left = {
    "make_conv1": lambda self: nn.Conv2d(self.in_feats, self.out_feats, 3, self.stride1(), 1),
    "make_conv2": lambda self: nn.Conv2d(self.out_feats, self.out_feats, 3, self.stride2(), 1),
}
biased_right = {
    "make_projection_conv": lambda self: nn.Conv2d(
        self.in_feats, self.out_feats, 1, self.projection_stride()
    )
}
mistake(
    "convolutions with bias",
    "Your convolutions have a bias. Batchnorm would subtract it again: pass bias=False to "
    "nn.Conv2d, or use the course's Conv2d.",
    **biased_left,
    **biased_right,
)
mistake(
    "3x3 convolutions with bias",
    "The convolutions of your left branch have a bias. Batchnorm would subtract it again: "
    "pass bias=False.",
    **biased_left,
)
mistake(
    "1x1 convolution with bias",
    "Your 1x1 convolution has a bias. Batchnorm would subtract it again: pass bias=False.",
    **biased_right,
)
mistake(
    "left branch declared out of order",
    "You declare both 3x3 convolutions before their batchnorms. Declare the layers in the "
    "order in which the data meets them: weights are copied in that order.",
    declare_left=declaring_left("conv1", "conv2", "norm1", "norm2"),
)
mistake(
    "second half of the left branch declared first",
    "You declare the second convolution and batchnorm before the first ones. Declare the "
    "layers in the order in which the data meets them.",
    declare_left=declaring_left("conv2", "norm2", "conv1", "norm1"),
)


@mistake(
    "layers in a plain list",
    "Your layers are in a plain list, where nn.Module does not see their parameters. Use "
    "Sequential, or assign each to an attribute of its own.",
)
class _:
    def declare(self):
        ResidualBlockInSteps.declare(self)
        self.layers = list(self._modules.values())
        vars(self).update(self._modules)  # so that forward finds them, and nothing else does
        self._modules.clear()


mistake(
    "no layers declared",
    "Your __init__ registers no layers. If you make them in forward, they are new at every call "
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
    "right branch not used",
    "Your 1x1 convolution and its batchnorm have no effect: you add x itself, not what they "
    "return. Return ReLU(left(x) + right(x)).",
    right=lambda self, x: x,
)
mistake(
    "right branch computed and not used",
    "Your 1x1 convolution and its batchnorm have no effect: you add x itself, not what they "
    "return. Return ReLU(left(x) + right(x)).",
    right=lambda self, x: (ResidualBlockInSteps.right(self, x), x)[1],
)
mistake(
    "no right branch",
    "Your block has no right branch at all. Its way around the convolutions is what makes a "
    "block residual: identity, or 1x1 convolution and batchnorm.",
    only_if="not plain_lists(ResidualBlock(3, 5))",
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
mistake(
    "shortcut without weights",
    "Your right branch drops pixels and pads with zero channels. Use a 1x1 convolution (stride "
    "first_stride) and batchnorm instead: the paper's option B.",
    only_if="drops_pixels(ResidualBlock)",
    declare_right=lambda self: None,
    right=lambda self, x: F.pad(
        x[:, :, :: self.first_stride, :: self.first_stride],
        (0, 0, 0, 0, 0, self.out_feats - self.in_feats),
    ),
)
mistake(
    "skip connection detached",
    "No gradient passes through your right branch, so none takes the short way: use what it "
    "returns as it is, without detach, .data or no_grad.",
    combine=lambda self, left, right: left + right.detach(),
)
mistake(
    "right branch of a detached input",
    "Your right branch passes no gradient on to the block's input, though its own layers get "
    "theirs: give it x as it is, without detach or .data.",
    right=lambda self, x: ResidualBlockInSteps.right(self, x.detach()),
)
mistake(
    "left branch detached",
    "No gradient passes through your left branch, so its layers would never learn: use what it "
    "returns as it is, without detach, .data or no_grad.",
    combine=lambda self, left, right: left.detach() + right,
)
mistake(
    "left branch of a detached input",
    "Your left branch passes no gradient on to the block's input, though its own layers get "
    "theirs: give it x as it is, without detach or .data.",
    left=lambda self, x: ResidualBlockInSteps.left(self, x.detach()),
)
mistake(
    "input detached",
    "No gradient reaches the block's input, so the layers before it would never learn: use x as "
    "it is, without detach or .data.",
    received=lambda self, x: x.detach(),
)
mistake(
    "cut off from the graph",
    "Your output is cut off from the graph, so nothing would learn: look for no_grad, "
    "inference_mode, detach or .data.",
    final=lambda self, x: F.relu(x).detach(),
)
mistake(
    "right branch under no_grad",
    "No gradient passes through your 1x1 convolution and its batchnorm, so they would never "
    "learn: compute them like the left branch, without no_grad, detach or .data.",
    right=torch.no_grad()(ResidualBlockInSteps.right),
)
mistake(
    "input changed in place",
    "You change the input in place: where the right branch is the identity, a sum in place (+= or "
    "add_) writes into x. Write left + right.",
    combine=lambda self, left, right: right.add_(left),
)


HAS_PRELU = "any(isinstance(module, nn.PReLU) for module in ResidualBlock(3, 3).modules())"


def computed_again(*branches: str) -> Callable:
    """A forward that computes these branches once for nothing."""

    def forward(self, x):
        for branch in branches:
            getattr(self, branch)(x)
        return ResidualBlockInSteps.forward(self, x)

    return forward


for name, words, branches in (
    ("both branches computed twice", "both branches twice, so in train mode", ("left", "right")),
    ("left branch computed twice", "the left branch twice, so in train mode", ("left",)),
    ("right branch computed twice", "the right branch twice, so in train mode", ("right",)),
):
    mistake(
        name,
        f"You compute {words} the running statistics move twice for one batch. Compute each "
        "branch once, and keep what it returns.",
        forward=computed_again(*branches),
    )


@mistake(
    "PReLU in the middle",
    "Your left branch has a PReLU, which has a weight of its own. Use ReLU, which has none.",
    only_if=HAS_PRELU,
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
    only_if=HAS_PRELU,
    declare=declaring_last("prelu", lambda feats: nn.PReLU()),
    final=lambda self, x: self.prelu(x),
)
mistake(
    "one PReLU for both",
    "You use a PReLU in both places, which has a weight of its own. Use ReLU, which has none.",
    only_if=HAS_PRELU,
    declare=declaring_last("prelu", lambda feats: nn.PReLU()),
    middle=lambda self, x: self.prelu(x),
    final=lambda self, x: self.prelu(x),
)


def other_activation(name: str, hint: str, activation: Callable[[Tensor], Tensor]) -> None:
    """Add a block with this in the place of both ReLUs."""
    mistake(name, hint, middle=lambda self, x: activation(x), final=lambda self, x: activation(x))


other_activation(
    "LeakyReLU",
    "You use LeakyReLU. The block uses ReLU, which is 0 for every negative number.",
    F.leaky_relu,
)
other_activation("GELU", "You use GELU. The block uses ReLU.", F.gelu)
other_activation("ReLU6", "You use ReLU6, which cuts off at 6. The block uses ReLU.", F.relu6)

# ---- The check ------------------------------------------------------------------------------

RESIDUAL_BLOCK = Exercise(
    name="ResidualBlock",
    reference=solutions.ResidualBlock,
    trials=TRIALS,
    names={  # what the trials' code uses
        **vars(structure),
        "drops_pixels": drops_pixels,
        "RightBlock": solutions.ResidualBlock,
    },
    in_steps=ResidualBlockInSteps,
    mistakes=mistake,
    pieces={"BatchNorm2d": solutions.BatchNorm2d},
    evidence=Trial(
        "test_residual_block",
        "the layers' settings and effects",
        "[Wiring.of(ResidualBlock(3, 3), made_up(2, 3, 5, 5)),"
        " Wiring.of(ResidualBlock(3, 5, 2), made_up(2, 3, 6, 7)),"
        " Rows.of(ResidualBlock(3, 5)), Rows.of(ResidualBlock(3, 5, 2))]",
    ),
    closer_look=Trial(
        "test_residual_block",
        "dropouts and settings",
        "dropouts(ResidualBlock(3, 5, 2)) or other_settings("
        "ResidualBlock(3, 5, 2), RightBlock(3, 5, 2).eval(), made_up(2, 3, 6, 7))",
    ),
    most_runs=3000,
)


def test_residual_block(ResidualBlock: type[nn.Module]) -> None:
    """Check a ResidualBlock's layers and their order, outputs and gradients."""
    RESIDUAL_BLOCK.check("test_residual_block", ResidualBlock)
