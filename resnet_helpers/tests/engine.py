"""How every check works: run the same trials on two implementations, and say what differs.

To add a mistake, say a batchnorm with the wrong variance, find its exercise's module beside this
one (`batchnorm2d.py`). Near its top stands a right answer in steps, or where it comes from. In the
catalogue below it, add the mistake: a name that never changes again, the words for the learner, and
the steps that come out differently, one-liners as keywords, longer ones as methods of a class:

    mistake("unbiased variance when normalising", "You normalise with …",
            batch_var=lambda self, x: x.var(AXES, keepdim=True))

Then prove it in `resnet_helpers/answers` (`batchnorm2d_wrong.py`) by an edit of a right answer's
source, whose old text stands there just once, written without looking at the steps:

    wrong("unbiased variance when normalising", Lerp, {", unbiased=False": ""})

Run `pytest tests/test_checks.py -k "test_the_catalogue or unbiased-variance"`: the check must say
these words of that answer, and no others.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from torch import nn

from resnet_helpers import solutions
from resnet_helpers.tests.diagnosis import Case, Diagnosis, diagnose
from resnet_helpers.tests.failure import CheckFailure, StubNotFilled
from resnet_helpers.tests.outcomes import (
    Crash,
    can_be_compared,
    certain_remark,
    difference,
    few_lines,
    is_of_a_call,
    is_stub,
    same,
    short,
    text_of,
)
from resnet_helpers.tests.pasting import Renamed, to_paste
from resnet_helpers.tests.trials import NAMES, Outcomes, Trial
from resnet_helpers.tests.undisturbed import Replacements, replacements, with_pytorchs_own

MOST_REMEMBERED = 300  # mistakes, and pairs of them, of an exercise whose outcomes are kept

# ---- Mistakes -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Mistake:
    """A known mistake: its name, what to say of it, and the steps of a right answer it replaces.

    What the hint says of the learner's code may be more than the outcomes show: `only_if` is then
    the code of a look at the implementation, and the hint is given only where that is True. One
    that is not `runnable` makes something too large to try: a closer look recognises it.
    """

    name: str
    hint: str
    overrides: dict[str, Any] = field(default_factory=dict)
    only_if: str = ""
    runnable: bool = True


class Catalogue(list[Mistake]):
    """The known mistakes of an exercise. Calling it adds one."""

    def __call__(
        self, name: str, hint: str, /, *, only_if="", runnable=True, **steps: Any
    ) -> Callable:
        """Add a mistake; longer steps may follow as the methods of a decorated class."""
        added = Mistake(name, hint, steps, only_if, runnable)
        self.append(added)

        def with_methods(methods: type) -> type:
            for step, value in vars(methods).items():
                if inspect.isfunction(value) or not step.startswith("__"):
                    added.overrides[step] = value
            return methods

        return with_methods


# ---- Exercises ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exercise:
    """An exercise, with all that is known about getting it right and wrong.

    `in_steps` is a right implementation cut into overridable steps; a class made from it goes
    through `finished` to become what a learner would pass to the check (the class itself, or a
    function). `names` are those that the trials' code uses besides the exercise's own.
    `pieces` are earlier exercises that the learner's code uses, with the course's answers to them.
    `closer_look` is for what no known mistake explains: a trial that returns a hint, a Mistake that
    is not runnable, or "". The search for a known mistake is over after `most_runs` trials.
    `evidence` is a trial that is neither right nor wrong, and asked last: a known mistake is named
    only if it comes out the same for the learner's, whatever else does.
    """

    name: str
    reference: Any
    in_steps: type
    trials: tuple[Trial, ...]
    mistakes: Sequence[Mistake]
    names: Mapping[str, Any]
    finished: Callable[[type], Any] = lambda in_steps: in_steps
    pieces: Mapping[str, Any] = field(default_factory=dict)
    closer_look: Trial | None = None
    evidence: Trial | None = None
    most_runs: int = 5000

    @property
    def checks(self) -> list[str]:
        """The names of the checks, in the order of their first trials."""
        return list(dict.fromkeys(trial.check for trial in self.trials))

    def made_with(self, *mistakes: Mistake) -> Any:
        """An implementation that makes exactly these mistakes: a right one if there are none."""
        steps = {name: step for mistake in mistakes for name, step in mistake.overrides.items()}
        return self.finished(type(self.name, (self.in_steps,), steps))

    def outcomes(
        self, implementation: Any, learners=False, replaced: Replacements = ()
    ) -> Outcomes:
        """What the trials make of this implementation, which may be a learner's.

        A learner's runs with what has been put in place of PyTorch's own functions.
        """
        return Outcomes({**NAMES, **self.names, self.name: implementation}, learners, replaced)

    def outcomes_with(self, *mistakes: Mistake) -> Outcomes:
        """What the trials make of an implementation that makes exactly these mistakes."""
        return self._outcomes_with(mistakes)

    @cached_property
    def expected(self) -> Outcomes:
        """What the trials make of the reference: always the same, so each is run only once."""
        return self.outcomes(self.reference)

    @cached_property
    def _outcomes_with(self) -> Callable[[tuple[Mistake, ...]], Outcomes]:
        # remembered: whoever mends something and checks again needs most of them again
        return lru_cache(MOST_REMEMBERED)(lambda these: self.outcomes(self.made_with(*these)))

    def check(self, check: str, implementation: Any) -> None:
        """Run the trials of one check, and print a line if all come out right.

        Raises:
            StubNotFilled: the implementation, or something it uses, is still a stub.
            CheckFailure: a trial came out wrong; it names the mistake if it is a known one.
        """
        __tracebackhide__ = True  # pytest shows the learner's line, not ours
        with self._learners(implementation) as (learners, replaced):
            self._run(check, learners, replaced)
        print(f"All tests in `{check}` passed!")

    def failures(self, implementation: Any) -> dict[str, CheckFailure]:
        """The failure of each check that does not pass; all of them look at the same outcomes.

        Raises:
            StubNotFilled: the implementation, or something it uses, is still a stub.
        """
        found = {}
        with self._learners(implementation) as (learners, replaced):
            for check in self.checks:
                try:
                    self._run(check, learners, replaced)
                except CheckFailure as failure:
                    found[check] = failure
        return found

    @contextmanager
    def _learners(self, implementation: Any) -> Iterator[tuple[Outcomes, Replacements]]:
        """A learner's outcomes, and what stands in place of PyTorch's own: not within this."""
        replaced = replacements()
        with with_pytorchs_own(replaced):
            yield self.outcomes(implementation, learners=True, replaced=replaced), replaced

    def _run(self, check: str, learners: Outcomes, replaced: Replacements) -> None:
        """Raise StubNotFilled or a CheckFailure unless all trials of the check come out right."""
        __tracebackhide__ = True
        self._check_kind(check, learners.names[self.name])
        for trial in self.trials:
            if trial.check == check:
                self._compare(trial, learners, self.expected, replaced)

    def _compare(
        self, trial: Trial, learners: Outcomes, expected: Outcomes, replaced: Replacements
    ) -> None:
        """Raise StubNotFilled or a CheckFailure unless this trial comes out right."""
        __tracebackhide__ = True
        got = learners[trial]
        if is_stub(got):
            raise StubNotFilled(trial.check, got.function)
        if same(got, expected[trial]):
            return
        implementation = learners.names[self.name]
        diagnosis = self._replaced(trial, learners, replaced)
        if isinstance(got, Crash) and not diagnosis.hints:
            diagnosis = self._without_self(implementation)
        if is_of_a_call(got) and not diagnosis.hints:
            diagnosis = self._with_other_parameters(implementation)
        if isinstance(got, Crash) and not diagnosis.hints:
            diagnosis = self._with_other_arguments(implementation)
        if not diagnosis.hints:
            diagnosis = diagnose(Case(self, trial, learners, expected))
        if isinstance(got, Crash) and not diagnosis.hints and certain_remark(got):
            diagnosis = Diagnosis((certain_remark(got),))
        tried = re.sub(rf"\b{self.name}\b", self.name_for(implementation), trial.tried)
        try_it = self.to_try(trial, implementation)
        raise failure(trial, tried, learners, expected, diagnosis, try_it)

    def to_try(self, trial: Trial, implementation: Any) -> str:
        """A line or two that show a learner what the trial has shown; "" if so few cannot."""
        name = getattr(implementation, "__name__", "")
        name = name if isinstance(name, str) and name.isidentifier() else self.name
        return to_paste(trial.code, {**self.names, self.name: Renamed(name)})

    def name_for(self, implementation: Any) -> str:
        """The exercise's name; or another one's that has its checks too, as FusedBatchNorm2d."""
        for thing in (implementation, type(implementation)):
            name = getattr(thing, "__name__", None)
            if isinstance(name, str) and hasattr(solutions, name):
                return name
        return self.name

    def _check_kind(self, check: str, implementation: Any) -> None:
        """Raise a CheckFailure unless a class was given for a class, a function for a function."""
        __tracebackhide__ = True
        wants_class = isinstance(self.reference, type)
        name = self.name_for(implementation)
        if wants_class and isinstance(implementation, type):
            hint = f"Derive your {name} from nn.Module: class {name}(nn.Module)."
            right = issubclass(implementation, nn.Module)
        elif wants_class and inspect.isfunction(implementation):
            hint = (
                f"You wrote a function. {name} is to be a class derived from nn.Module: "
                f"class {name}(nn.Module), with a method forward(self, x)."
            )
            right = False
        elif wants_class:
            hint = f"Pass the class itself, with no brackets after it: {check}({name})."
            right = False
        else:
            hint = f"Pass the function itself, with no brackets after it: {check}({self.name})."
            right = callable(implementation)
        if not right:
            kind = "a class derived from nn.Module" if wants_class else "a function"
            got = short(f"{type(implementation).__name__}: {text_of(implementation)}", 60)
            rows = {"Tried": f"to call what {check} was given", "Expected": kind, "Got": got}
            raise CheckFailure(check, rows, [hint])

    def _replaced(self, trial: Trial, learners: Outcomes, replaced: Replacements) -> Diagnosis:
        """The hint for a trial that comes out otherwise with PyTorch's own functions."""
        if not replaced:
            return Diagnosis()
        got = learners[trial]
        with_own = self.outcomes(learners.names[self.name], learners=True)[trial]
        same_kind = type(with_own) is type(got)
        if (same_kind and not can_be_compared(got)) or same(with_own, got):
            return Diagnosis()
        names = ", ".join(
            f"{getattr(owner, '__qualname__', owner.__name__)}.{name}"
            for owner, name, _ in replaced
        )
        hint = (
            f"Something stands in the place of {short(names, 80)}, and with PyTorch's own this "
            "comes out otherwise. Restart the kernel, and leave out the cell that put it there."
        )
        return Diagnosis((hint,))

    def _with_other_parameters(self, implementation: Any) -> Diagnosis:
        """The hint for a class whose __init__ cannot be called as the exercise calls it."""
        mine, right = (getattr(c, "__init__", None) for c in (implementation, self.in_steps))
        if not (inspect.isfunction(mine) and inspect.isfunction(right)):
            return Diagnosis()
        mine, right = (list(inspect.signature(f).parameters.values()) for f in (mine, right))
        demanded, given = (
            [p.name for p in these if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
            for these in (mine, right)
        )
        takes_any, gets_any = (
            any(p.kind is p.VAR_POSITIONAL for p in these) for these in (mine, right)
        )
        if gets_any and "__init__" in vars(self.in_steps) and not takes_any:
            hint = (
                "Your __init__ takes a fixed number of arguments. A star before the name takes "
                "any number of them: def __init__(self, *modules)."
            )
        elif surplus := demanded[len(given) :]:
            names = " and ".join(surplus)
            hint = (
                f"Your __init__ demands {names}, which {self.name} does not always get: leave out "
                "what the exercise does not have, and give the rest a default."
            )
        else:
            return Diagnosis()
        return Diagnosis((hint,))

    def _without_self(self, implementation: Any) -> Diagnosis:
        """The hint for a class whose __init__ or forward lacks self, so has a parameter too few."""
        for name in ("__init__", "forward"):
            mine, right = (getattr(c, name, None) for c in (implementation, self.in_steps))
            if not (inspect.isfunction(mine) and inspect.isfunction(right)):
                continue
            parameters = inspect.signature(mine).parameters
            plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values())
            too_few = len(parameters) < len(inspect.signature(right).parameters)
            if plain and too_few and "self" not in parameters:
                signature = ", ".join(["self", *map(str, parameters.values())])
                hint = f"Your {name} has no self: begin it with def {name}({signature})."
                return Diagnosis((hint,))
        return Diagnosis()

    def _with_other_arguments(self, implementation: Any) -> Diagnosis:
        """The hint for a function that cannot be called with the exercise's arguments."""
        if not inspect.isfunction(implementation):
            return Diagnosis()
        mine, right = inspect.signature(implementation), inspect.signature(self.reference)
        wanted = [p.name for p in right.parameters.values() if p.default is p.empty]
        try:
            mine.bind(*wanted)
        except TypeError:
            names = (", ".join(these) for these in (mine.parameters, wanted))
            hint = "Your {} takes ({}), and it is called with ({}): keep the exercise's arguments."
            return Diagnosis((hint.format(self.name, *names),))
        return Diagnosis()


def failure(
    trial: Trial,
    tried: str,
    learners: Outcomes,
    expected: Outcomes,
    diagnosis: Diagnosis,
    try_it: str,
) -> CheckFailure:
    """What to raise for a trial that came out wrong."""
    got, printed = learners[trial], learners.printed[trial].strip()
    expected_text, got_text, remark = difference(trial.subject, expected[trial], got)
    rows = {"Tried": tried, "Expected": expected_text, "Got": got_text}
    if isinstance(got, Crash) and got.line:
        rows["Your line"] = f"{short(got.line, 150)}  (in {got.function})"
    if printed:
        rows["Printed"] = few_lines(printed)
    return CheckFailure(
        trial.check,
        rows,
        diagnosis.hints,
        remark,
        mistakes=diagnosis.mistakes,
        blamed=diagnosis.blamed,
        try_it=try_it,
    )
