"""Lesson 3: the check of BlockGroup, with its known mistakes."""

from torch import nn

from resnet_helpers import solutions
from resnet_helpers.layers import Sequential
from resnet_helpers.solutions import ResidualBlock
from resnet_helpers.tests import structure
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.structure import (
    after_a_batch,
    in_backward,
    in_eval_mode,
    in_train_mode,
    state_dict_of,
    with_ones,
)
from resnet_helpers.tests.trials import Trial, trials_of

# ---- What is tried --------------------------------------------------------------------------

TRIALS = trials_of(
    "test_block_group",
    state_dict_of("BlockGroup(2, 3, 3)"),
    state_dict_of("BlockGroup(1, 3, 5)"),
    state_dict_of("BlockGroup(3, 3, 5, 2)"),
    state_dict_of("BlockGroup(4, 3, 3, 2)"),
    with_ones("BlockGroup(2, 1, 1)", [[[[1, -2]]]]),
    with_ones("BlockGroup(2, 1, 1, 2)", [[[[1, -2], [3, 4]]]]),
    with_ones("BlockGroup(2, 1, 2, 2)", [[[[1, -2], [3, 4]]]]),
    in_eval_mode("BlockGroup(3, 3, 3)", 2, 3, 4, 5),
    in_eval_mode("BlockGroup(2, 3, 5)", 2, 3, 4, 5),
    in_eval_mode("BlockGroup(3, 3, 5, 2)", 2, 3, 6, 7),
    in_eval_mode("BlockGroup(3, 3, 3, 3)", 2, 3, 6, 7),
    in_eval_mode("BlockGroup(1, 3, 5, 2)", 2, 3, 6, 7),
    in_train_mode("BlockGroup(3, 3, 5, 2)", 2, 3, 6, 7),
    after_a_batch("BlockGroup(3, 3, 5, 2)", 2, 3, 6, 7),
    in_backward("BlockGroup(3, 3, 5, 2)", 2, 3, 6, 7),
)


def number_of_blocks(BlockGroup):
    """What is wrong with the number of ResidualBlocks that the groups hold, in words, or ""."""
    for n_blocks in (1, 2, 3, 4):
        first, second = (
            [type(module).__name__ for module in group.modules()].count("ResidualBlock")
            for group in (BlockGroup(n_blocks, 3, 3), BlockGroup(n_blocks, 3, 3))
        )
        if first != second:
            return (
                "A group of yours also holds the blocks of those made before it: is there a list "
                "in a default argument, or in the class? Make a new one in __init__."
            )
        if 0 < first != n_blocks:
            blocks = "ResidualBlock" if first == 1 else "ResidualBlocks"
            return f"With n_blocks = {n_blocks} your group holds {first} {blocks}."
    return ""


# ---- A right answer in steps ----------------------------------------------------------------


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


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()
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
    "Your default first_stride is 2. It should be 1.",
    default_stride=2,
)
for n_made in (1, 2, 3, 4):
    mistake(
        f"always {n_made} blocks",
        "Your number of blocks is fixed. Make as many as n_blocks says.",
        number_made=lambda self, n_made=n_made: n_made,
    )
mistake(
    "one block too many",
    "You make n_blocks + 1 blocks. The first, which may change the shape, is one of the n_blocks.",
    number_made=lambda self: self.n_blocks + 1,
)
mistake(
    "one block too few",
    "You make one block too few. Count the first one, and look at where your range ends.",
    number_made=lambda self: self.n_blocks - 1,
)
mistake(
    "one block too few of several",
    "You make one block too few. Count the first one, and look at where your range ends.",
    number_made=lambda self: max(1, self.n_blocks - 1),
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
mistake(
    "the same block repeated",
    "The blocks after the first are one object repeated (as [block] * n does), so they share "
    "their weights. Make a new ResidualBlock for each.",
    made=lambda self: [self.make_block(0)] + [self.make_block(1)] * (self.n_blocks - 1),
)
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
    "Your __init__ registers no blocks. If you make them in forward, they are new at every call "
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
    "blocks without effect",
    "Your group returns its input: what the blocks return is not used. Each takes what the one "
    "before returned: x = block(x).",
    forward=lambda self, x: x,
)
mistake(
    "input detached",
    "No gradient reaches the group's input, so the layers before it would never learn: use x as "
    "it is, without detach or .data.",
    forward=lambda self, x: self.blocks(x.detach()),
)
mistake(
    "cut off from the graph",
    "Your output is cut off from the graph, so nothing would learn: look for no_grad, "
    "inference_mode, detach or .data.",
    forward=lambda self, x: self.blocks(x).detach(),
)
mistake(
    "skip connection around the group",
    "You add the group's input to its output. Each block has its own skip connection; the "
    "group has none.",
    forward=lambda self, x: x + self.blocks(x),
)

# ---- The check ------------------------------------------------------------------------------

BLOCK_GROUP = Exercise(
    name="BlockGroup",
    reference=solutions.BlockGroup,
    trials=TRIALS,
    names=vars(structure) | globals(),  # what the trials' code uses
    in_steps=BlockGroupInSteps,
    mistakes=mistake,
    pieces={
        "BatchNorm2d": solutions.BatchNorm2d,
        "ResidualBlock": solutions.ResidualBlock,
    },
    evidence=Trial(
        "test_block_group",
        "the layers' settings and effects",
        "[Wiring.of(BlockGroup(3, 3, 5, 2), made_up(2, 3, 6, 7)), Rows.of(BlockGroup(4, 3, 3, 2))]",
    ),
    closer_look=Trial("test_block_group", "the number of blocks", "number_of_blocks(BlockGroup)"),
)


def test_block_group(BlockGroup: type[nn.Module]) -> None:
    """Check a BlockGroup's blocks and their order, outputs and gradients."""
    BLOCK_GROUP.check("test_block_group", BlockGroup)
