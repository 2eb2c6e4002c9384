"""Answers that fail, the failure that a check raises, and the panel that shows it."""

import re

import pytest
from torch import nn

from resnet_helpers.tests.failure import CheckFailure

MOST_LINES = 15  # of a panel
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def pool(compute):
    """An AveragePool that computes this."""
    return type("AveragePool", (nn.Module,), {"forward": lambda self, x: compute(x)})


def failure_of(check, implementation):
    """The failure that the check raises."""
    with pytest.raises(CheckFailure) as caught:
        check(implementation)
    return caught.value


def frame_of(failure):
    """The lines of its panel, without those to paste below it."""
    lines = [ANSI.sub("", line) for line in failure._render_traceback_()]
    return lines[: 1 + next(i for i, line in enumerate(lines) if line.startswith("╰"))]
