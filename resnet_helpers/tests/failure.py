"""What a check raises, and how it looks: one short panel in a notebook, plain text elsewhere."""

import linecache
import os
import sysconfig
import textwrap
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import torch

from resnet_helpers.errors import still_a_stub

PANEL_WIDTH = 88
PANEL_HEIGHT = 15  # to which what the learner's code printed is cut

# Where no learner writes: this package, PyTorch, other installed packages, the standard library.
NOT_THE_LEARNERS = (
    *(f"{folder}{os.sep}" for folder in (Path(__file__).parents[1], Path(torch.__file__).parent)),
    *(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib", "stdlib")),
    "<frozen ",
)


class CheckFailure(AssertionError):  # noqa: N818 - what a check finds is a failure, not an error
    """A check that did not pass: what was tried, what was expected, what came out, and why.

    `rows` are the facts with their titles, `hints` say what the mistakes are, and `mistakes` are
    their names in the catalogue; where no mistake is known, `remark` says where the values part.
    `blamed` is the earlier piece of the learner's that is at fault, if one is, and `try_it` a line
    or two of code that show the difference.
    """

    def __init__(
        self,
        check: str,
        rows: dict[str, str],
        hints: Sequence[str] = (),
        remark: str = "",
        *,
        mistakes: Sequence[str] = (),
        blamed: str = "",
        try_it: str = "",
    ):
        self.check = check
        self.rows = {title: printable(text) for title, text in rows.items()}
        self.hints = list(hints)
        self.remark = remark
        self.mistakes = list(mistakes)
        self.blamed = blamed
        self.try_it = try_it
        super().__init__(str(self))

    @property
    def paragraphs(self) -> list[str]:
        """What follows the facts."""
        return self.hints or [self.remark] * bool(self.remark)

    def __str__(self) -> str:
        lines = [f"{self.check} failed."]
        lines += [f"{title + ':':<10} {text}" for title, text in self.rows.items()]
        return "\n".join([*lines, *self.paragraphs, *self._to_try()])

    def _to_try(self) -> list[str]:
        """The lines below the frame, to be copied whole: so nothing stands before them."""
        return ["", "To see it:", *self.try_it.splitlines()] if self.try_it else []

    def _render_traceback_(self) -> list[str]:
        """IPython calls this and shows the lines in place of the stack."""
        rows = dict(self.rows)
        while True:
            lines = panel(f"{self.check} failed", rows, self.paragraphs)
            if len(lines) <= PANEL_HEIGHT or "\n" not in rows.get("Printed", ""):
                return lines + self._to_try()
            rows["Printed"] = rows["Printed"].partition("\n")[2]


class StubNotFilled(NotImplementedError):  # noqa: N818 - the exercise is to be done, not at fault
    """The exercise's `raise NotImplementedError()` is still there."""

    def __init__(self, check: str, where: str):
        self.check = check
        super().__init__(still_a_stub(where))

    def _render_traceback_(self) -> list[str]:
        return panel(f"{self.check}: not written yet", {}, [str(self)])


def panel(title: str, rows: dict[str, str], paragraphs: list[str]) -> list[str]:
    """The lines of a panel, open to the right so that letters of any width do no harm.

    Its only style is bold, which every theme shows well.
    """
    indent = max(map(len, rows), default=0) + 2
    lines = []
    for name, text in rows.items():
        wrapped = [textwrap.wrap(line, PANEL_WIDTH - 2 - indent) for line in text.splitlines()]
        first, *others = chain.from_iterable(wrapped) if text else [""]
        lines.append(bold(name) + " " * (indent - len(name)) + first)
        lines += [" " * indent + line for line in others]
    lines += [""] * bool(rows and paragraphs)
    bullet = "• " if len(paragraphs) > 1 else ""
    for paragraph in paragraphs:
        lines += map(bold, textwrap.wrap(bullet + paragraph, PANEL_WIDTH - 2))
    rule = "─" * (PANEL_WIDTH - len(title) - 4)
    return [
        f"╭─ {bold(title)} {rule}",
        *(f"│ {line}" for line in lines),
        "╰" + "─" * (PANEL_WIDTH - 1),
    ]


def printable(text: str) -> str:
    """The text with a mark for each character that would move the cursor, or cannot be shown."""
    return "".join(
        c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def bold(text: str) -> str:
    """The text between the ANSI codes for bold on and off."""
    return f"\x1b[1m{text}\x1b[0m"


def learners_line(error: BaseException) -> tuple[str, str]:
    """The function and the line of the learner's own code in which `error` arose.

    Two empty strings where no frame of the traceback is the learner's, as when a call does not
    fit the signature.
    """
    function, line = "", ""
    step = error.__traceback__
    while step:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(NOT_THE_LEARNERS):
            function = code.co_qualname.rpartition("<locals>.")[2]
            line = linecache.getline(code.co_filename, step.tb_lineno).strip()
        step = step.tb_next
    return function, line
