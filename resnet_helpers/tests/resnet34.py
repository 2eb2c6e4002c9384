"""Lesson 4: the check of ResNet34, with its known mistakes.

Most trials use a network of few and narrow groups, which shows every mistake as well and is fast;
the whole network is built on the meta device, which has shapes and no numbers.
"""

import contextlib

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers import solutions
from resnet_helpers.layers import Conv2d, Linear, Sequential
from resnet_helpers.solutions import BatchNorm2d, BlockGroup
from resnet_helpers.tests import structure
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.structure import (
    after_a_batch,
    dropouts,
    in_backward,
    in_eval_mode,
    in_train_mode,
    state_dict_of,
)
from resnet_helpers.tests.trials import Trial, trials_of
from resnet_helpers.tests.values import made_up

# ---- What is tried --------------------------------------------------------------------------

TWO_GROUPS = "ResNet34((1, 2), (8, 12), (1, 2), 5)"
THREE_GROUPS = "ResNet34((2, 1, 1), (64, 8, 16), (2, 1, 3), 4)"
EIGHT_WIDE = "ResNet34(out_features_per_group=(8, 8, 8, 8), n_classes=5)"


def without_numbers(ResNet34, *arguments):
    """A network that has shapes only."""
    with torch.device("meta"):
        return ResNet34(*arguments)


def n_layers_run(module):
    """How many layers with weights run before forward ends or raises."""
    run = []
    for layer in module.modules():
        if list(layer.parameters(recurse=False)):
            layer.register_forward_hook(lambda layer, x, y: run.append(layer))
    with contextlib.suppress(Exception):
        module.eval()(made_up(2, 3, 17, 20))
    return len(run)


def lists_afterwards(ResNet34):
    """The three arguments, given as lists, after the network is made."""
    given = [[1, 1], [8, 12], [1, 2]]
    lists = [list(values) for values in given]
    try:
        ResNet34(*lists, 5)
    except TypeError:  # tuples are all that some right answers take
        return given
    return lists


def look_closer(ResNet34):
    """The mistake, too large to run, that makes groups of the same shapes; or about a dropout."""

    def shapes(network):
        # not TWO_GROUPS, where each group has as many blocks as its stride
        entries = without_numbers(network, (1, 3), (8, 12), (1, 2), 5).state_dict().values()
        return [tuple(entry.shape) for entry in entries][6:-2]  # without stem and last layer

    mine = shapes(ResNet34)
    for large in RESNET34.mistakes:
        if not large.runnable and mine == shapes(RESNET34.made_with(large)):
            return large
    return dropouts(ResNet34((1,), (8,), (1,), 5))


TRIALS = trials_of(
    "test_resnet34",
    state_dict_of(TWO_GROUPS),
    state_dict_of(THREE_GROUPS),
    # some of the entries: where two mistakes meet, they tell one from the other
    (f"the first 6 entries of {TWO_GROUPS}", f"Rows(Rows.of({TWO_GROUPS}).entries[:6])"),
    (f"the last 2 entries of {TWO_GROUPS}", f"Rows(Rows.of({TWO_GROUPS}).entries[-2:])"),
    (*state_dict_of("ResNet34()")[:4], "Rows.of(without_numbers(ResNet34))"),
    (
        f"{TWO_GROUPS}, eval mode, the last weight 0, the last bias [-1, 0, 1, 2, 3]",
        f"model = {TWO_GROUPS}.eval(); *_, weight, bias = model.state_dict().values()\n"
        "weight.zero_(); bias.copy_(torch.arange(bias.numel()).view(bias.shape) - 1)\n"
        "model(torch.zeros(1, 3, 17, 20))",
        "output",
        False,
        "detached(model(torch.zeros(1, 3, 17, 20)))",
    ),
    in_eval_mode(TWO_GROUPS, 2, 3, 17, 20),
    in_train_mode(TWO_GROUPS, 2, 3, 17, 20),
    after_a_batch(TWO_GROUPS, 2, 3, 17, 20),
    (*in_eval_mode(THREE_GROUPS, 1, 3, 37, 29), "output", True),
    (*in_eval_mode(EIGHT_WIDE, 1, 3, 33, 36), "output", True),
    (*in_backward(TWO_GROUPS, 2, 3, 17, 20), True),
    ("ResNet34([1, 1], [8, 12], [1, 2], 5)", "lists_afterwards(ResNet34)", "the lists afterwards"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class ResNet34InSteps(nn.Module):
    """ResNet34 cut into the steps that can each go wrong."""

    default_n_blocks = (3, 4, 6, 3)
    default_out_features = (64, 128, 256, 512)
    default_strides = (1, 2, 2, 2)
    default_n_classes = 1000
    order = ("stem", "groups", "linear")
    stem_stride = 2
    stem_padding = 3
    linear_bias = True

    def __init__(
        self,
        n_blocks_per_group=None,
        out_features_per_group=None,
        first_strides_per_group=None,
        n_classes=None,
    ):
        super().__init__()
        self.n_blocks = n_blocks_per_group or self.default_n_blocks
        self.out_features = out_features_per_group or self.default_out_features
        self.strides = first_strides_per_group or self.default_strides
        self.n_classes = n_classes or self.default_n_classes
        self.declare()

    def declare(self):
        for part in self.order:
            getattr(self, f"declare_{part}")()

    def declare_stem(self):
        self.stem_conv = self.make_stem_conv()
        self.stem_norm = self.make_stem_norm()

    def make_stem_conv(self):
        return Conv2d(3, self.stem_feats(), 7, self.stem_stride, self.stem_padding)

    def stem_feats(self):
        return 64

    def make_stem_norm(self):
        return BatchNorm2d(self.stem_feats())

    def declare_groups(self):
        self.groups = self.kept([self.make_group(number) for number in range(self.n_groups())])

    def n_groups(self):
        return len(self.out_features)

    def make_group(self, number):
        n, into, out = self.blocks_in(number), self.feats_into(number), self.feats_out_of(number)
        return BlockGroup(*self.in_order(n, into, out, self.stride(number)))

    def in_order(self, n, into, out, stride):
        return n, into, out, stride

    def blocks_in(self, number):
        return self.n_blocks[number]

    def feats_into(self, number):
        return self.stem_feats() if number == 0 else self.feats_out_of(number - 1)

    def feats_out_of(self, number):
        return self.out_features[number]

    def stride(self, number):
        return self.strides[number]

    def kept(self, groups):
        return Sequential(*groups)

    def declare_linear(self):
        self.linear = Linear(self.feats_into_linear(), self.n_outputs(), self.linear_bias)

    def feats_into_linear(self):
        return self.feats_out_of(self.n_groups() - 1)

    def n_outputs(self):
        return self.n_classes

    def stem(self, x):
        return self.max_pooled(self.stem_relu(self.stem_norm(self.stem_conv(x))))

    def stem_relu(self, x):
        return F.relu(x)

    def max_pooled(self, x):
        return F.max_pool2d(x, 3, stride=2, padding=1)

    def through_groups(self, x):
        for group in self.groups:
            x = group(x)
        return x

    def average_pooled(self, x):
        return x.mean((2, 3))

    def finished(self, logits):
        return logits

    def forward(self, x):
        x = self.average_pooled(self.through_groups(self.stem(x)))
        return self.finished(self.linear(x))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "maxpool missing",
    "Your stem has no max pool, or does not use its result: 3x3, stride 2, padding 1, after the "
    "first ReLU.",
    max_pooled=lambda self, x: x,
)
mistake(
    "maxpool before batchnorm",
    "Your max pool comes right after the first convolution. The order is convolution, "
    "batchnorm, ReLU, max pool.",
    stem=lambda self, x: self.stem_relu(self.stem_norm(self.max_pooled(self.stem_conv(x)))),
)
mistake(
    "maxpool before the first convolution",
    "Your max pool comes before the first convolution. It comes at the end of the stem: "
    "convolution, batchnorm, ReLU, max pool.",
    stem=lambda self, x: self.stem_relu(self.stem_norm(self.stem_conv(self.max_pooled(x)))),
)
mistake(
    "maxpool after the groups",
    "Your max pool comes after the groups. It comes before them, at the end of the stem.",
    stem=lambda self, x: self.stem_relu(self.stem_norm(self.stem_conv(x))),
    average_pooled=lambda self, x: self.max_pooled(x).mean((2, 3)),
)
mistake(
    "maxpool of 2x2",
    "Your max pool is 2x2. It should be 3x3, with stride 2 and padding 1.",
    max_pooled=lambda self, x: F.max_pool2d(x, 2),
)
mistake(
    "maxpool stride left out",
    "Your max pool has stride 3: left out, the stride is the size of the window. Pass stride=2.",
    max_pooled=lambda self, x: F.max_pool2d(x, 3, padding=1),
)
mistake(
    "maxpool padding left out",
    "Your max pool has no padding. Pass padding=1.",
    max_pooled=lambda self, x: F.max_pool2d(x, 3, stride=2),
)
mistake(
    "average pool in the stem",
    "The pool in your stem averages. It should take the maximum.",
    max_pooled=lambda self, x: F.avg_pool2d(x, 3, 2, 1),
)
mistake(
    "stem kernel 3x3",
    "Your first convolution is 3x3. It should be 7x7, with stride 2 and padding 3.",
    make_stem_conv=lambda self: Conv2d(3, self.stem_feats(), 3, self.stem_stride, padding=1),
)
mistake(
    "stem stride 1",
    "Your first convolution has stride 1. It should have stride 2.",
    stem_stride=1,
)
mistake(
    "stem padding missing",
    "Your first convolution has no padding. With its 7x7 kernel it needs padding 3.",
    stem_padding=0,
)
mistake(
    "stem padding 1",
    "Your first convolution has padding 1, which fits a 3x3 kernel. This one is 7x7: give it "
    "padding 3.",
    stem_padding=1,
)
mistake(
    "stem convolution with bias",
    "Your first convolution has a bias. Batchnorm would subtract it again: pass bias=False to "
    "nn.Conv2d, or use the course's Conv2d.",
    make_stem_conv=lambda self: nn.Conv2d(3, 64, 7, 2, 3),
)
mistake(
    "stem batchnorm missing",
    "The batchnorm after the first convolution is missing.",
    make_stem_norm=lambda self: nn.Identity(),
)
mistake(
    "stem ReLU missing",
    "Your stem has no ReLU, or does not use its result. It comes after the first batchnorm, "
    "before the max pool.",
    stem_relu=lambda self, x: x,
)
mistake(
    "stem ReLU before batchnorm",
    "In your stem the ReLU comes before the batchnorm. The order is convolution, batchnorm, "
    "ReLU, max pool.",
    stem=lambda self, x: self.max_pooled(self.stem_norm(self.stem_relu(self.stem_conv(x)))),
)
mistake(
    "stem as wide as the first group",
    "Your stem has out_features_per_group[0] channels. It should always have 64, and the first "
    "group takes 64.",
    stem_feats=lambda self: self.out_features[0],
)
mistake(
    "in_feats are the group's own out_feats",
    "Each group of yours takes the channels that it returns. It gets what the group before it "
    "returns, and the first gets the stem's 64.",
    feats_into=lambda self, number: self.feats_out_of(number),
)
mistake(
    "in_feats 64 for every group",
    "Every group of yours takes 64 channels. Only the first does; the others get what the "
    "group before returns.",
    feats_into=lambda self, number: 64,
)
mistake(
    "in_feats and out_feats swapped",
    "You give BlockGroup out_feats before in_feats. Its order is n_blocks, in_feats, "
    "out_feats, first_stride.",
    in_order=lambda self, n, into, out, stride: (n, out, into, stride),
)
mistake(
    "in_feats hard-coded",
    "Your groups' in_feats are fixed to 64, 64, 128, 256. Take them from "
    "out_features_per_group: all but the last, after the stem's 64.",
    feats_into=lambda self, number: (64, 64, 128, 256)[number],
)
mistake(
    "out_features_per_group ignored",
    "Your groups return 64, 128, 256, 512 channels whatever out_features_per_group is. Use "
    "the argument.",
    feats_out_of=lambda self, number: (64, 128, 256, 512)[number],
)
mistake(
    "n_blocks_per_group ignored",
    "Your groups have 3, 4, 6, 3 blocks whatever n_blocks_per_group is. Use the argument.",
    blocks_in=lambda self, number: (3, 4, 6, 3)[number],
)
mistake(
    "strides left out",
    "No group of yours has a stride. Pass first_strides_per_group on, one to each.",
    stride=lambda self, number: 1,
)
mistake(
    "first_strides_per_group ignored",
    "Your groups have strides 1, 2, 2, 2 whatever first_strides_per_group is. Use the argument.",
    stride=lambda self, number: (1, 2, 2, 2)[number],
)
mistake(
    "stride 2 in every group",
    "Every group of yours has stride 2. Use first_strides_per_group, which starts with 1.",
    stride=lambda self, number: 2,
)
mistake(
    "n_classes ignored",
    "Your last layer has 1000 outputs whatever n_classes is. Use the argument.",
    n_outputs=lambda self: 1000,
)
mistake(
    "512 features hard-coded",
    "Your last layer takes 512 features. It takes as many as the last group returns: "
    "out_features_per_group[-1].",
    feats_into_linear=lambda self: 512,
)
mistake(
    "last layer hard-coded",
    "Your last layer takes 512 features and has 1000 outputs whatever the arguments are. Take the "
    "two numbers from them: Linear(out_features_per_group[-1], n_classes).",
    feats_into_linear=lambda self: 512,
    n_outputs=lambda self: 1000,
)
mistake(
    "Linear without bias",
    "Your last layer has no bias. Linear layers have one here; only the convolutions have not.",
    linear_bias=False,
)
mistake(
    "last group left out",
    "You make one group too few. There is one for each entry of out_features_per_group.",
    n_groups=lambda self: len(self.out_features) - 1,
)
mistake(
    "first group only made",
    "You make the first group only: look for a break, or a return, inside the loop.",
    n_groups=lambda self: 1,
    feats_into_linear=lambda self: self.out_features[-1],
)
mistake(
    "first group only applied",
    "Only the first group is applied to x: is there a return inside the loop? Go through all "
    "groups first, x = group(x).",
    through_groups=lambda self, x: self.groups[0](x),
)
mistake(
    "groups in a plain list",
    "Your groups are in a plain list, where nn.Module does not see their parameters. Use "
    "Sequential(*groups).",
    kept=lambda self, groups: groups,
)
mistake(
    "last layer declared first",
    "You declare the last layer before all others. Declare the layers in the order in which "
    "the data meets them: weights are copied in that order.",
    order=("linear", "stem", "groups"),
)
mistake(
    "groups declared before the stem",
    "You declare the groups before the stem. Declare the layers in the order in which the "
    "data meets them: weights are copied in that order.",
    order=("groups", "stem", "linear"),
)
mistake(
    "stem declared last",
    "You declare the stem after everything else. Declare the layers in the order in which the "
    "data meets them: weights are copied in that order.",
    order=("groups", "linear", "stem"),
)
mistake(
    "groups applied in reverse",
    "You apply the groups from last to first. The first declared comes first.",
    through_groups=lambda self, x: Sequential(*list(self.groups)[::-1])(x),
    only_if=f"n_layers_run({TWO_GROUPS}) == 2",
)
mistake(
    "groups without effect",
    "What your groups return is not used: the last layer gets what the stem returns. Write "
    "x = self.groups(x), or x = group(x) for each.",
    through_groups=lambda self, x: x,
)
mistake(
    "every group applied to the stem's output",
    "Each of your groups gets what the stem returns. Only the first does; the others get what the "
    "group before returned: x = group(x).",
    through_groups=lambda self, x: [group(x) for group in self.groups][-1],
    only_if=f"n_layers_run({TWO_GROUPS}) > 2",
)


def adding_a_list(default):
    """Steps that write [64] + out_features_per_group[:-1], with a default of this type."""
    return {
        "default_out_features": default((64, 128, 256, 512)),
        "feats_into": lambda self, number: ([64] + self.out_features[:-1])[number],  # noqa: RUF005
    }


for name, default in (("list and tuple added", tuple), ("list and tuple added at times", list)):
    mistake(
        name,
        "out_features_per_group may be a tuple, as the default in the exercise is, and Python adds "
        "no list and tuple. A star takes its entries: [64, *out_features_per_group[:-1]].",
        **adding_a_list(default),
    )
mistake(
    "average pool forgotten",
    "The last layer gets maps of height and width. Put AveragePool between the groups and the "
    "last layer.",
    average_pooled=lambda self, x: x,
)
mistake(
    "average pool keeps its axes",
    "Your average pool leaves two axes of size 1, where the last layer wants features on the last "
    "axis. AveragePool drops them; after nn.AdaptiveAvgPool2d(1) comes nn.Flatten().",
    average_pooled=lambda self, x: x.mean((2, 3), keepdim=True),
)
mistake(
    "average pool missing",
    "You flatten without averaging, so the last layer gets a number of features that depends "
    "on the size of the picture. Put AveragePool before it.",
    average_pooled=lambda self, x: x.flatten(1),
)
mistake(
    "average pool missing, 7x7 expected",
    "Your last layer takes 7 * 7 features for each channel, which fits pictures of 224x224 only. "
    "Put AveragePool before it, which leaves one for each channel.",
    feats_into_linear=lambda self: 49 * self.out_features[-1],
    average_pooled=lambda self, x: x.flatten(1),
)
mistake(
    "average pool of fixed size",
    "Your average pool has a window of 7x7, which fits pictures of 224x224 only. AveragePool "
    "takes the mean over whatever height and width there are.",
    average_pooled=lambda self, x: F.avg_pool2d(x, 7).flatten(1),
)
mistake(
    "max pool at the end",
    "You take the maximum over height and width before the last layer. Take the mean: AveragePool.",
    average_pooled=lambda self, x: x.amax((2, 3)),
)
mistake(
    "cut off from the graph",
    "Your output is cut off from the graph, so nothing would learn: look for no_grad, "
    "inference_mode, detach or .data.",
    finished=lambda self, logits: logits.detach(),
)
mistake(
    "eval mode in forward",
    "In train mode your batchnorms still use their running statistics: does something in forward "
    "call eval()? Leave the mode to whoever uses the network.",
    forward=lambda self, x: ResNet34InSteps.forward(self.eval(), x),
)
mistake(
    "train mode in forward",
    "In eval mode your batchnorms still use the batch's statistics: does something in forward "
    "call train()? Leave the mode to whoever uses the network.",
    forward=lambda self, x: ResNet34InSteps.forward(self.train(), x),
)
mistake(
    "softmax at the end",
    "Your network ends in softmax. It returns the logits, what the Linear layer gives.",
    finished=lambda self, logits: logits.softmax(1),
)
mistake(
    "softmax at the end in eval mode",
    "In eval mode your network ends in softmax. It returns the logits in both modes, what the "
    "Linear layer gives.",
    finished=lambda self, logits: logits if self.training else logits.softmax(1),
)
mistake(
    "log_softmax at the end",
    "Your network ends in log_softmax. It returns the logits, what the Linear layer gives.",
    finished=lambda self, logits: logits.log_softmax(1),
)
mistake(
    "sigmoid at the end",
    "Your network ends in a sigmoid. It returns the logits, what the Linear layer gives.",
    finished=lambda self, logits: logits.sigmoid(),
)
mistake(
    "ReLU at the end",
    "Your network ends in a ReLU, which takes the negative logits away. It returns what the "
    "Linear layer gives.",
    finished=lambda self, logits: logits.relu(),
)
mistake(
    "class instead of logits",
    "You return the most likely class. Return the logits of all classes.",
    finished=lambda self, logits: logits.argmax(1),
)
mistake(
    "default blocks of ResNet18",
    "Your default n_blocks_per_group is ResNet18's, 2, 2, 2, 2. ResNet34 has 3, 4, 6, 3.",
    default_n_blocks=(2, 2, 2, 2),
)
mistake(
    "default strides all 2",
    "Your default first_strides_per_group starts with 2. It should be 1, 2, 2, 2.",
    default_strides=(2, 2, 2, 2),
)
mistake(
    "default strides all 1",
    "Your default first_strides_per_group is 1 throughout. It should be 1, 2, 2, 2.",
    default_strides=(1, 1, 1, 1),
)
mistake(
    "default n_classes is 10",
    "Your default n_classes is 10. ImageNet has 1000.",
    default_n_classes=10,
)


@mistake(
    "arguments changed",
    "You change a list that you were given (insert, append or pop), and the caller's list "
    "with it. Make a new one: [64, *out_features_per_group[:-1]].",
)
class _:
    def declare(self):
        self.out_features.insert(0, 64)
        in_features = list(self.out_features[:-1])
        out_features = self.out_features[1:]
        self.declare_stem()
        groups = map(BlockGroup, self.n_blocks, in_features, out_features, self.strides)
        self.groups = Sequential(*groups)
        self.declare_linear()


mistake(
    "sequences hard-coded",
    "Your groups are always those of the defaults. Take their numbers from the three arguments "
    "n_blocks_per_group, out_features_per_group and first_strides_per_group.",
    runnable=False,
    n_groups=lambda self: 4,
    blocks_in=lambda self, number: (3, 4, 6, 3)[number],
    feats_into=lambda self, number: (64, 64, 128, 256)[number],
    feats_out_of=lambda self, number: (64, 128, 256, 512)[number],
    stride=lambda self, number: (1, 2, 2, 2)[number],
)
for name, in_order in {
    "in, out, n": lambda self, n, into, out, stride: (into, out, n, stride),
    "in, out, stride, n": lambda self, n, into, out, stride: (into, out, stride, n),
    "out, in, n": lambda self, n, into, out, stride: (out, into, n, stride),
    "in, n, out": lambda self, n, into, out, stride: (into, n, out, stride),
    "n, in, stride, out": lambda self, n, into, out, stride: (n, into, stride, out),
}.items():
    mistake(
        name,
        "You give BlockGroup its arguments in another order than it takes them: n_blocks, "
        "in_feats, out_feats, first_stride.",
        runnable=False,
        in_order=in_order,
    )

# ---- The check ------------------------------------------------------------------------------

RESNET34 = Exercise(
    name="ResNet34",
    reference=solutions.ResNet34,
    trials=TRIALS,
    names=vars(structure) | globals(),
    in_steps=ResNet34InSteps,
    mistakes=mistake,
    pieces={
        "BatchNorm2d": solutions.BatchNorm2d,
        "AveragePool": solutions.AveragePool,
        "ResidualBlock": solutions.ResidualBlock,
        "BlockGroup": solutions.BlockGroup,
    },
    evidence=Trial(
        "test_resnet34",
        "the layers' settings and effects",
        f"Wiring.of({TWO_GROUPS}, made_up(2, 3, 17, 20))",
    ),
    closer_look=Trial("test_resnet34", "the shapes of the groups", "look_closer(ResNet34)"),
    most_runs=1000,
)


def test_resnet34(ResNet34: type[nn.Module]) -> None:
    """Check a ResNet34's layers and their order, arguments, outputs and gradients."""
    RESNET34.check("test_resnet34", ResNet34)
