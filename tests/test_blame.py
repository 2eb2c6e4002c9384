"""A check that fails for the sake of an earlier piece says so, and names the piece."""

import pytest

import resnet_helpers.tests as checks
from resnet_helpers.answers import answers_to
from resnet_helpers.answers.edits import Answers
from resnet_helpers.tests.failure import CheckFailure

PIECES = ("BatchNorm2d", "AveragePool", "ResidualBlock", "BlockGroup", "ResNet34")
ANSWERS = {name: answers_to(name) for name in PIECES}
CHECKS = {exercise.name: exercise for exercise in checks.EXERCISES}


def edited(answers: Answers, style: str, edits: dict[str, str]) -> str:
    """The source of a right answer after these edits."""
    changed = Answers(answers.exercise, answers.names)
    changed.right_ones = answers.right_ones
    changed.wrong("", type(style, (), {}), edits)
    return changed.wrong_ones[0].source


def notebook(*cells: str) -> dict:
    """The names of a notebook in which these cells were run, and the course's where none is."""
    names = {}
    for answers in ANSWERS.values():
        names.update(answers.names)
    names["__name__"] = "__main__"
    for cell in cells:
        exec(cell, names)
    return names


def failure(exercise: str, *cells: str) -> CheckFailure:
    """What the check of the exercise says of the class of that name in the notebook."""
    [check] = CHECKS[exercise].checks
    with pytest.raises(CheckFailure) as caught:
        getattr(checks, check)(notebook(*cells)[exercise])
    return caught.value


def right(exercise: str, style: str) -> str:
    return ANSWERS[exercise].right_ones[style].source


def wrong(exercise: str, mistake: str) -> str:
    return next(a.source for a in ANSWERS[exercise].wrong_ones if a.mistake == mistake)


BLOCK = right("ResidualBlock", "TwoBranches")
GROUP = right("BlockGroup", "Starred")
NETWORK = right("ResNet34", "ThreeParts")


@pytest.mark.parametrize(
    ("blamed", "exercise", "cells"),
    [
        (
            "BatchNorm2d",
            "ResidualBlock",
            [wrong("BatchNorm2d", "biased variance in running_var"), BLOCK],
        ),
        (
            "BatchNorm2d",
            "ResidualBlock",
            [wrong("BatchNorm2d", "eps outside the root"), BLOCK],
        ),
        (
            "BatchNorm2d",
            "BlockGroup",
            [wrong("BatchNorm2d", "biased variance in running_var"), BLOCK, GROUP],
        ),
        ("ResidualBlock", "BlockGroup", [wrong("ResidualBlock", "final ReLU missing"), GROUP]),
        (
            "ResidualBlock",
            "BlockGroup",
            [wrong("ResidualBlock", "right branch declared before left"), GROUP],
        ),
        (
            "BatchNorm2d",
            "ResNet34",
            [wrong("BatchNorm2d", "biased variance in running_var"), NETWORK],
        ),
        (
            "AveragePool",
            "ResNet34",
            [
                "class AveragePool(nn.Module):\n    def forward(self, x):\n"
                "        return x.sum((2, 3))",
                NETWORK,
            ],
        ),
        (
            "ResidualBlock",
            "ResNet34",
            [wrong("ResidualBlock", "middle ReLU missing"), GROUP, NETWORK],
        ),
        ("BlockGroup", "ResNet34", [wrong("BlockGroup", "last block not applied"), NETWORK]),
        ("BlockGroup", "ResNet34", [wrong("BlockGroup", "stride on every block"), NETWORK]),
    ],
)
def test_the_piece_that_is_at_fault_is_blamed(blamed, exercise, cells):
    found = failure(exercise, *cells)
    assert (found.blamed, found.mistakes) == (blamed, [])
    assert found.hints == [
        f"Your {blamed} is at fault: with the course's the same {exercise} is right. Run its "
        "checks again."
    ]


def test_a_right_piece_is_not_blamed_for_what_is_built_of_it():
    cells = [BLOCK, wrong("BlockGroup", "stride on every block")]
    found = failure("BlockGroup", *cells)
    assert (found.blamed, found.mistakes) == ("", ["stride on every block"])


def test_none_is_blamed_where_the_class_itself_is_wrong_too():
    found = failure(
        "BlockGroup",
        wrong("ResidualBlock", "final ReLU missing"),
        wrong("BlockGroup", "stride on every block"),
    )
    assert found.blamed == ""


def test_of_two_wrong_pieces_none_is_said_to_be_the_one_at_fault():
    found = failure(
        "ResNet34",
        "class AveragePool(nn.Module):\n    def forward(self, x):\n        return x.sum((2, 3))",
        wrong("BlockGroup", "last block not applied"),
        NETWORK,
    )
    assert found.blamed == ""


def test_what_was_replaced_is_back_afterwards():
    names = notebook(wrong("ResidualBlock", "final ReLU missing"), GROUP)
    mine = names["ResidualBlock"]
    with pytest.raises(CheckFailure):
        checks.test_block_group(names["BlockGroup"])
    assert names["ResidualBlock"] is mine
