"""Which known mistakes explain what came out wrong: the search behind a failed check.

A mistake explains a trial if an implementation that makes it has the same outcome there as the
learner's. Best is a mistake, else a pair of them, that explains every trial of every check; then
one that explains every trial of the failed check; then the one that explains the first few trials
to come out wrong. Where several do equally well, what all of them say is said, or what the first of
them says if they share nothing. But first of all an earlier piece of the learner's is blamed, if
with the course's in its place all is right.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from types import FunctionType
from typing import TYPE_CHECKING

from resnet_helpers.tests.outcomes import RETURNED_NONE, Crash, is_stub, same

if TYPE_CHECKING:
    from resnet_helpers.tests.engine import Exercise, Mistake
    from resnet_helpers.tests.trials import Outcomes, Trial

    Mistakes = tuple[Mistake, ...]

MOST_PAIRS = 80  # so many pairs of mistakes are tried
FIRST_FEW = 3  # so many wrong trials a mistake must explain if it does not explain all


@dataclass(frozen=True)
class Diagnosis:
    """What to say of a failed check, and the names of the known mistakes it says it of."""

    hints: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    blamed: str = ""  # the earlier piece of the learner's that is at fault

    @classmethod
    def of(cls, mistakes: Iterable["Mistake"]) -> "Diagnosis":
        mistakes = tuple(mistakes)
        return cls(tuple(m.hint for m in mistakes), tuple(m.name for m in mistakes))


@dataclass(frozen=True)
class Case:
    """A failed check: the first trial to come out wrong, the learner's outcomes, the right ones."""

    exercise: "Exercise"
    failed: "Trial"
    learners: "Outcomes"
    expected: "Outcomes"
    runs: set = field(default_factory=set)  # which trials were run, with which mistakes

    @cached_property
    def trials(self) -> "list[Trial]":
        """All that are no stub's; first the quick ones, and among those the wrong ones."""
        trials = [t for t in self.exercise.trials if not is_stub(self.learners[t])]
        return sorted(trials, key=lambda trial: (trial.slow, self.is_right(trial)))

    def of_this_check(self, trials: "list[Trial]") -> "list[Trial]":
        """Those of the check that failed."""
        return [trial for trial in trials if trial.check == self.failed.check]

    @cached_property
    def candidates(self) -> "list[Mistake]":
        """The mistakes that can be tried."""
        return [mistake for mistake in self.exercise.mistakes if mistake.runnable]

    def made_with(self, *mistakes: "Mistake") -> "CountedOutcomes":
        """What comes out of an implementation that makes these mistakes."""
        return CountedOutcomes(self, mistakes)

    def fits(self, mistakes: "Mistakes") -> bool:
        """Whether what has to be seen of the learner's, for these hints to be true, is seen."""
        evidence = self.exercise.evidence
        if evidence and not self.is_like(self.exercise.outcomes_with(*mistakes), evidence):
            return False
        return all(
            self.learners[replace(self.failed, code=mistake.only_if, look="")] is True
            for mistake in mistakes
            if mistake.only_if
        )

    def is_right(self, trial: "Trial") -> bool:
        """Whether the learner's comes out right."""
        return not self.learners.differ(trial, self.expected)

    def is_spoilt(self, made: "Outcomes", trial: "Trial") -> bool:
        """Whether the trial comes out wrong with the mistakes that `made` these outcomes."""
        return made.differ(trial, self.expected)

    def is_like(self, made: "Outcomes", trial: "Trial") -> bool:
        """Whether the trial comes out as the learner's with those mistakes."""
        return same(made[trial], self.learners[trial])

    def raises(self, made: "Outcomes", trial: "Trial") -> bool:
        """Whether the trial raises, the learner's way or with those mistakes."""
        return isinstance(made[trial], Crash) or isinstance(self.learners[trial], Crash)


class SearchIsOverError(Exception):
    """As many trials have been run as the exercise allows its search."""


class CountedOutcomes:
    """Outcomes of known mistakes; each trial that is run, or would be if it were not known, counts.

    So the search ends at the same place on every machine, and whatever was looked for before.

    Raises:
        SearchIsOverError: there have been too many.
    """

    def __init__(self, case: Case, mistakes: "Mistakes"):
        self.case = case
        self.mistakes = mistakes
        self.outcomes = case.exercise.outcomes_with(*mistakes)

    def __getitem__(self, trial: "Trial") -> object:
        self.count(trial)
        return self.outcomes[trial]

    def differ(self, trial: "Trial", expected: "Outcomes") -> bool:
        """Whether the trial does not come out as expected."""
        self.count(trial)
        return self.outcomes.differ(trial, expected)

    def count(self, trial: "Trial") -> None:
        """Count the trial with these mistakes, once."""
        self.case.runs.add((trial, *(mistake.name for mistake in self.mistakes)))
        if len(self.case.runs) > self.case.exercise.most_runs:
            raise SearchIsOverError


def diagnose(case: Case) -> Diagnosis:
    """What is known of the mistake behind a failed check; an empty Diagnosis if nothing is."""
    try:
        return piece_at_fault(case) or known_mistake(case) or after_a_closer_look(case)
    except SearchIsOverError:
        return after_a_closer_look(case)


def known_mistake(case: Case) -> Diagnosis | None:
    """The known mistakes that explain what came out wrong, if any do."""
    for scope in (case.trials, case.of_this_check(case.trials)):
        single = [(mistake,) for mistake in case.candidates]
        found = explaining_all(case, single, scope)
        found = found or explaining_all(case, pairs_worth_trying(case, scope), scope)
        if shared := what_they_share(case, found):
            return Diagnosis.of(shared)
    return explaining_the_first_few(case)


def explaining_all(case: Case, candidates: "list[Mistakes]", scope: "list[Trial]"):
    """Those candidates with which every trial of the scope comes out as the learner's."""
    found = [m for m in candidates if explains_all(case, case.made_with(*m), scope)]
    return [mistakes for mistakes in found if case.fits(mistakes)]


def explains_all(case: Case, made: "Outcomes", scope: "list[Trial]") -> bool:
    """Whether all trials come out the same, and what came out wrong is evidence enough.

    Different mistakes raise errors of one kind: then the message must be the same as well, unless
    there is also a trial that came out wrong without an error.
    """
    if not all(case.is_like(made, trial) for trial in scope):
        return False
    wrong = [trial for trial in scope if not case.is_right(trial)]
    crashes = [trial for trial in wrong if isinstance(case.learners[trial], Crash)]
    same_messages = all(case.learners[t].message == made[t].message for t in crashes)
    return len(crashes) < len(wrong) or same_messages


def pairs_worth_trying(case: Case, scope: "list[Trial]") -> "list[Mistakes]":
    """Pairs of mistakes in different steps that spoil no trial which the learner has right.

    Each pair costs time, so the likeliest come first: a trial that one of both spoils, and the
    other leaves alone, should come out of the pair as it comes out of that one. Where it is not
    what the learner's came to, the pair is in doubt. Of equal pairs the first are those of which
    one alone explains the failed trial. Where the failed trial raises an error such as
    no known mistake raises there, no pair is worth it.
    """
    if nobody_else_raises_so(case):
        return []
    quick = [trial for trial in scope if not trial.slow]
    right = [trial for trial in quick if case.is_right(trial)]
    halves = []
    for mistake in case.candidates:
        made = case.made_with(mistake)
        if any(case.is_spoilt(made, trial) for trial in right):
            continue
        spoilt = {trial for trial in quick if case.is_spoilt(made, trial)}
        unlike = {trial for trial in quick if not case.is_like(made, trial)}
        if spoilt:
            halves.append((mistake, spoilt, unlike))
    pairs = []
    for (one, spoilt_by_one, unlike_one), (two, spoilt_by_two, unlike_two) in combinations(
        halves, 2
    ):
        if one.overrides.keys().isdisjoint(two.overrides):
            doubts = (spoilt_by_one - spoilt_by_two) & unlike_one
            doubts |= (spoilt_by_two - spoilt_by_one) & unlike_two
            like_neither = case.failed in unlike_one & unlike_two
            pairs.append(((len(doubts), like_neither), (one, two)))
    pairs.sort(key=lambda pair: pair[0])
    return [pair for _, pair in pairs[:MOST_PAIRS]]


def nobody_else_raises_so(case: Case) -> bool:
    """Whether the failed trial raises, and with no known mistake raises the same error."""
    error = case.learners[case.failed]
    if not isinstance(error, Crash):
        return False
    wrong = [trial for trial in case.trials if not case.is_right(trial)]
    all_raise = all(isinstance(case.learners[trial], Crash) for trial in wrong)
    others = [case.made_with(mistake)[case.failed] for mistake in case.candidates]
    like = [other for other in others if same(other, error)]
    return not any(other.message == error.message or not all_raise for other in like)


def what_they_share(case: Case, explanations: "list[Mistakes]") -> "list[Mistake]":
    """The mistakes of the best explanation, or those of them whose words all the best ones use.

    The best ones explain most trials, those of other checks counted. First comes what explains the
    trial that failed.
    """
    quick = [trial for trial in case.trials if not trial.slow]

    def n_explained(mistakes: "Mistakes") -> int:
        made = case.made_with(*mistakes)
        return sum(case.is_like(made, trial) for trial in quick)

    if not explanations:
        return []
    counts = [n_explained(mistakes) for mistakes in explanations]
    best = [m for m, count in zip(explanations, counts, strict=True) if count == max(counts)]
    hints = [{mistake.hint for mistake in mistakes} for mistakes in best]
    shared = [mistake for mistake in best[0] if all(mistake.hint in others for others in hints)]
    return sorted(
        shared or best[0],
        key=lambda mistake: not case.is_spoilt(case.made_with(mistake), case.failed),
    )


def explaining_the_first_few(case: Case) -> Diagnosis | None:
    """The mistake that explains the first few trials to come out wrong, if there is just one.

    They are the first of this check, or else of all if the mistake spoils this check too. Where
    one of both raises, nothing follows: that is a matter of how the mistake is written.
    """
    quick = [trial for trial in case.exercise.trials if trial in case.trials and not trial.slow]
    right = [trial for trial in quick if case.is_right(trial)]
    wrong = [trial for trial in quick if trial not in right]
    for scope in (case.of_this_check(wrong), wrong):
        explained: dict[str, tuple[int, Mistake]] = {}  # hint -> how many trials, by which mistake
        for mistake in case.candidates:
            made = case.made_with(mistake)
            if (
                explains_first_few(case, made, scope)
                and not any(case.is_spoilt(made, t) for t in right if not case.raises(made, t))
                and case.is_spoilt(made, case.failed)
                and case.fits((mistake,))
            ):
                count = sum(case.is_like(made, trial) for trial in wrong)
                if count > explained.get(mistake.hint, (0, None))[0]:
                    explained[mistake.hint] = (count, mistake)
        most = max((count for count, _ in explained.values()), default=0)
        best = [mistake for count, mistake in explained.values() if count == most]
        if len(best) == 1:
            return Diagnosis.of(best)
    return None


def explains_first_few(case: Case, made: "Outcomes", wrong: "list[Trial]") -> bool:
    """Whether the first few trials of those that raise for neither come out the same for both.

    It runs no more trials than it takes to rule the mistake out, which most often is one.
    """
    count = 0
    for trial in wrong:
        if not case.raises(made, trial):
            if not case.is_like(made, trial):
                return False
            count += 1
            if count == FIRST_FEW:
                break
    return count > 0


def piece_at_fault(case: Case) -> Diagnosis | None:
    """The earlier piece of the learner's without which the exercise passes, if there is one.

    All that came out wrong is tried again with the course's piece where the learner's code finds
    its own; blamed is only a piece with which then all comes out right.
    """
    implementation = case.learners.names[case.exercise.name]
    for name, right_piece in case.exercise.pieces.items():
        everywhere = names_used_by(implementation, case.exercise.pieces)
        places = [names for names in everywhere if is_learners(names.get(name), right_piece)]
        if not places:
            continue
        wrong = [trial for trial in case.trials if not case.is_right(trial)]
        with replaced(places, name, right_piece):
            again = case.exercise.outcomes(implementation, learners=True)
            if all(same(again[trial], case.expected[trial]) for trial in wrong):
                hint = (
                    f"Your {name} is at fault: with the course's the same {case.exercise.name} is "
                    "right. Run its checks again."
                )
                return Diagnosis((hint,), blamed=name)
    return None


def is_learners(piece: object, right_piece: object) -> bool:
    """Whether a piece is one that a learner wrote: not the course's, nor PyTorch's."""
    module = getattr(piece, "__module__", "") or ""
    return callable(piece) and piece is not right_piece and not module.startswith("torch.")


def names_used_by(implementation: object, pieces: Iterable[str]) -> list[dict]:
    """The global names of the functions of this class or function, and of the pieces it uses."""
    found: list[dict] = []
    to_look_at = [implementation]
    while to_look_at:
        for function in functions_of(to_look_at.pop()):
            names = function.__globals__
            if not any(names is known for known in found):
                found.append(names)
                to_look_at += [names[piece] for piece in pieces if piece in names]
    return found


def functions_of(thing: object) -> list[FunctionType]:
    """A function itself, or the functions that a class and its parents define."""
    if isinstance(thing, FunctionType):
        return [thing]
    values = [value for cls in getattr(thing, "__mro__", ()) for value in vars(cls).values()]
    return [value for value in values if isinstance(value, FunctionType)]


@contextmanager
def replaced(places: list[dict], name: str, value: object) -> Iterator[None]:
    """Within it, the name has this value in all those places."""
    before = [names[name] for names in places]
    try:
        for names in places:
            names[name] = value
        yield
    finally:
        for names, old in zip(places, before, strict=True):
            names[name] = old


def after_a_closer_look(case: Case) -> Diagnosis:
    """What the exercise's own closer look finds, where it has one for this check."""
    if case.learners[case.failed] is None:
        return Diagnosis((RETURNED_NONE,))
    look = case.exercise.closer_look
    if look is None or look.check != case.failed.check:
        return Diagnosis()
    found = case.learners[look]
    if isinstance(found, str):
        return Diagnosis((found,)) if found else Diagnosis()
    return Diagnosis() if isinstance(found, Crash) else Diagnosis.of([found])
