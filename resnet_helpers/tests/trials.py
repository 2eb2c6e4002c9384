"""One trial of an implementation, as text; and the outcomes of all, each run when asked for."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import nn

from resnet_helpers.tests.outcomes import Crash, same
from resnet_helpers.tests.undisturbed import Replacements, contained, silent, surroundings
from resnet_helpers.tests.values import fill, made_up

# What the code of every trial can use.
NAMES = {"torch": torch, "nn": nn, "made_up": made_up, "fill": fill}


@dataclass(frozen=True)
class Trial:
    """One thing to do with an implementation, and what of it to look at.

    `code` is Python in which the implementation goes by the exercise's name; the value of its last
    line is the outcome: a tensor, something Described, or plain data. Where there is a `look`, it
    is run in place of the code's last line, which shows a learner the same. `tried` says what the
    trial does, `subject` what it returns. A `slow` trial is compared last.
    """

    check: str
    tried: str
    code: str
    subject: str = "output"
    slow: bool = False
    look: str = ""

    def __hash__(self) -> int:
        return hash(self.code)  # asked for at every look at an outcome

    def run(self, names: Mapping[str, Any]) -> Any:
        """The outcome, where the code's names mean these."""
        statements, last = self._compiled
        own_names = dict(names)
        exec(statements, own_names)
        return eval(last, own_names)

    @cached_property
    def _compiled(self) -> tuple[CodeType, CodeType]:
        *statements, last = ast.parse(self.code).body
        if self.look:
            [last] = ast.parse(self.look).body
        # A name in this package's folder, so that no line of it is taken for the learner's.
        file = str(Path(__file__).with_name("trial"))
        return (
            compile(ast.Module(statements, []), file, "exec"),
            compile(ast.Expression(last.value), file, "eval"),
        )


def trials_of(check: str, *trials: tuple) -> tuple[Trial, ...]:
    """Trials of one check."""
    return tuple(Trial(check, *trial) for trial in trials)


class Outcomes:
    """What the trials make of one implementation, each run when it is first asked for.

    What the code prints is kept in `printed`: a learner's `print` would show for every trial.
    """

    def __init__(
        self, names: Mapping[str, Any], learners=False, replaced: Replacements = ()
    ) -> None:
        self.names = names  # what the trials' code can use, the implementation among it
        self.around = partial(contained, surroundings(), replaced) if learners else silent
        self.printed: dict[Trial, str] = {}
        self._known: dict[Trial, Any] = {}
        self._differ: dict[tuple[Trial, Outcomes], bool] = {}

    def __getitem__(self, trial: Trial) -> Any:
        if trial not in self._known:
            raised = None
            with self.around() as printed:
                try:
                    self._known[trial] = trial.run(self.names)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # exit() and its like end a trial, not the notebook
                    raised = error
            if raised is not None:
                self._known[trial] = Crash.of(raised)
            self.printed[trial] = printed.getvalue()
        return self._known[trial]

    def differ(self, trial: Trial, expected: "Outcomes") -> bool:
        """Whether the trial does not come out as expected; the two are compared only once."""
        key = trial, expected
        if key not in self._differ:
            self._differ[key] = not same(self[trial], expected[trial])
        return self._differ[key]
