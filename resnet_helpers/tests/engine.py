"""How every check works: run the same trials on two implementations, and name what differs.

An exercise has a reference, trials and a catalogue of mistakes. Where a trial of the learner's
implementation comes out wrong, the engine looks for the known mistake, or the pair of them, with
which all trials come out wrong in the same way. Where there is none, it says where the values part.
"""

import inspect
import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_helpers.tests.failure import CheckFailure, StubNotFilled
from resnet_helpers.tests.outcomes import Crash, difference, few_lines, is_stub, same, short

MOST_PAIRS = 80  # so many pairs of mistakes are tried
FIRST_FEW = 3  # so many wrong trials a mistake must explain if it does not explain all


@dataclass(frozen=True)
class Trial:
    """One thing to do with an implementation, and what of it to look at.

    `run` takes the implementation and returns the outcome: a tensor, something Described, or plain
    data. `tried` says what it does, `subject` what it returns. A `slow` trial is compared last.
    """

    check: str
    tried: str
    run: Callable[[Any], Any]
    subject: str = "output"
    slow: bool = False


def trials_of(check: str, *trials: tuple) -> tuple[Trial, ...]:
    """Trials of one check."""
    return tuple(Trial(check, *trial) for trial in trials)


@dataclass(frozen=True)
class Mistake:
    """A known mistake: the steps of the right computation that it replaces, and what to say."""

    name: str
    hint: str
    steps: Mapping[str, Any]


Mistakes = tuple[Mistake, ...]


@dataclass(frozen=True)
class Exercise:
    """An exercise, with all that is known about getting it right and wrong.

    `steps` is a right implementation cut into overridable steps; a class made from it goes through
    `finished` to become what a learner would pass to the check (the class itself, or a function).
    `closer_look` is for what no known mistake explains: a trial that returns a hint, or "".
    """

    name: str
    reference: Any
    steps: type
    trials: tuple[Trial, ...]
    mistakes: tuple[Mistake, ...]
    finished: Callable[[type], Any] = lambda steps: steps
    closer_look: Trial | None = None

    @property
    def checks(self) -> list[str]:
        """The names of the checks, in the order of their first trials."""
        return list(dict.fromkeys(trial.check for trial in self.trials))

    def wrong(self, *mistakes: Mistake) -> Any:
        """An implementation that makes exactly these mistakes."""
        overrides = {name: step for mistake in mistakes for name, step in mistake.steps.items()}
        return self.finished(type(self.name, (self.steps,), overrides))

    def check(self, check: str, implementation: Any) -> None:
        """Run the trials of one check, and print a line if all come out right.

        Raises:
            StubNotFilled: the implementation, or something it uses, is still a stub.
            CheckFailure: a trial came out wrong; it names the mistake if it is a known one.
        """
        __tracebackhide__ = True  # pytest shows the learner's line, not ours
        self._check_kind(check, implementation)
        learners = Outcomes(implementation)
        expected = Outcomes(self.reference)
        for trial in self.trials:
            if trial.check != check:
                continue
            got = learners[trial]
            if is_stub(got):
                raise StubNotFilled(check, got.function)
            if not same(got, expected[trial]):
                hints = self._without_self(implementation) if isinstance(got, Crash) else []
                hints = hints or self._diagnose(trial, learners, expected)
                raise explain(trial, expected[trial], got, hints, learners.printed[trial])
        print(f"All tests in `{check}` passed!")

    def _check_kind(self, check: str, implementation: Any) -> None:
        """Raise a CheckFailure unless a class was given for a class, a function for a function."""
        __tracebackhide__ = True
        wants_class = isinstance(self.reference, type)
        if wants_class and isinstance(implementation, type):
            remark = f"Derive your {self.name} from nn.Module: class {self.name}(nn.Module)."
            right = issubclass(implementation, nn.Module)
        elif wants_class and inspect.isfunction(implementation):
            remark = (
                f"You wrote a function. {self.name} is to be a class derived from nn.Module: "
                f"class {self.name}(nn.Module), with a method forward(self, x)."
            )
            right = False
        elif wants_class:
            remark = f"Pass the class itself, with no brackets after it: {check}({self.name})."
            right = False
        else:
            remark = f"Pass the function itself, with no brackets after it: {check}({self.name})."
            right = callable(implementation)
        if not right:
            kind = "a class derived from nn.Module" if wants_class else "a function"
            got = short(f"{type(implementation).__name__}: {implementation!r}", 60)
            rows = {"Tried": f"to call what {check} was given", "Expected": kind, "Got": got}
            raise CheckFailure(check, rows, [], remark)

    def _without_self(self, implementation: Any) -> list[str]:
        """The hint for a class whose __init__ or forward lacks self, so has a parameter too few."""
        for name in ("__init__", "forward"):
            mine, right = (getattr(c, name, None) for c in (implementation, self.steps))
            if not (inspect.isfunction(mine) and inspect.isfunction(right)):
                continue
            parameters = inspect.signature(mine).parameters
            plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values())
            too_few = len(parameters) < len(inspect.signature(right).parameters)
            if plain and too_few and "self" not in parameters:
                signature = ", ".join(["self", *map(str, parameters.values())])
                return [f"Your {name} has no self: begin it with def {name}({signature})."]
        return []

    def _diagnose(self, failed: Trial, learners: "Outcomes", expected: "Outcomes") -> list[str]:
        """The hints of the known mistakes that explain what came out wrong, if any do.

        Best is what explains all trials, of all checks; then all trials of this check; then the
        first few that came out wrong.
        """
        trials = [trial for trial in self.trials if not is_stub(learners[trial])]
        trials.sort(key=lambda trial: (trial.slow, same(learners[trial], expected[trial])))
        this_check = [trial for trial in trials if trial.check == failed.check]

        def explaining(candidates: Iterable[Mistakes], scope: list[Trial]) -> list[Mistakes]:
            made = ((mistakes, self._outcomes(mistakes)) for mistakes in candidates)
            return [m for m, outcomes in made if explains(outcomes, learners, expected, scope)]

        for scope in (trials, this_check):
            explanations = explaining([(mistake,) for mistake in self.mistakes], scope)
            explanations = explanations or explaining(
                self._plausible_pairs(learners, expected, scope), scope
            )
            if explanations:
                return self._hints_in_common(explanations, learners, trials)
        hints = self._hints_on_first_differences(failed, learners, expected, trials)
        if not hints and self.closer_look and self.closer_look.check == failed.check:
            hint = learners[self.closer_look]
            hints = [hint] if hint and isinstance(hint, str) else []
        return hints

    def _hints_in_common(
        self, explanations: list[Mistakes], learners: "Outcomes", trials: list[Trial]
    ) -> list[str]:
        """The hints on which all those explanations agree that explain most trials."""
        cheap = [trial for trial in trials if not trial.slow]
        counts = []
        for mistakes in explanations:
            made = self._outcomes(mistakes)
            counts.append(sum(same(made[trial], learners[trial]) for trial in cheap))
        best = [m for m, count in zip(explanations, counts, strict=True) if count == max(counts)]
        hints = [[mistake.hint for mistake in mistakes] for mistakes in best]
        return [hint for hint in hints[0] if all(hint in others for others in hints)] or hints[0]

    def _hints_on_first_differences(
        self, failed: Trial, learners: "Outcomes", expected: "Outcomes", trials: list[Trial]
    ) -> list[str]:
        """The hint of the mistake that explains the first few trials to come out wrong.

        They are the first of this check, or else of all if the mistake spoils this check too. Where
        one of both raises, nothing follows: that is a matter of how the mistake is written.
        """
        cheap = [trial for trial in self.trials if trial in trials and not trial.slow]
        right = [trial for trial in cheap if same(learners[trial], expected[trial])]
        wrong = [trial for trial in cheap if trial not in right]
        for wrong_in_scope in ([trial for trial in wrong if trial.check == failed.check], wrong):
            explained: dict[str, int] = {}  # hint -> how many trials
            for mistake in self.mistakes:
                made = self._outcomes((mistake,))
                if (
                    explains_first_few(made, learners, wrong_in_scope)
                    and all(
                        same(made[trial], expected[trial])
                        for trial in right
                        if no_crash(made, learners, trial)
                    )
                    and not same(made[failed], expected[failed])
                ):
                    count = sum(same(made[trial], learners[trial]) for trial in wrong)
                    explained[mistake.hint] = max(count, explained.get(mistake.hint, 0))
            best = [hint for hint, count in explained.items() if count == max(explained.values())]
            if len(best) == 1:
                return best
        return []

    def _plausible_pairs(
        self, learners: "Outcomes", expected: "Outcomes", scope: list[Trial]
    ) -> list[Mistakes]:
        """Pairs of mistakes in different steps that spoil no trial which the learner has right.

        First come those of which most trials, where only one of both spoils it, come out as the
        learner's: the likeliest ones, since each pair costs time to try.
        """
        cheap = [trial for trial in scope if not trial.slow]
        right = [trial for trial in cheap if same(learners[trial], expected[trial])]
        candidates = []
        for mistake in self.mistakes:
            made = self._outcomes((mistake,))
            if agree(made, expected, right) and not agree(made, expected, cheap):
                spoilt = {t for t in cheap if not same(made[t], expected[t])}
                unlike = {t for t in cheap if not same(made[t], learners[t])}
                candidates.append((mistake, spoilt, unlike))
        pairs = []
        for (one, spoilt, unlike), (other, spoilt_2, unlike_2) in combinations(candidates, 2):
            if one.steps.keys().isdisjoint(other.steps):
                doubts = ((spoilt - spoilt_2) & unlike) | ((spoilt_2 - spoilt) & unlike_2)
                pairs.append((len(doubts), (one, other)))
        pairs.sort(key=lambda pair: pair[0])
        return [pair for _, pair in pairs[:MOST_PAIRS]]

    def _outcomes(self, mistakes: Mistakes) -> "Outcomes":
        """What the trials make of an implementation that makes exactly these mistakes."""
        if len(mistakes) > 1:
            return Outcomes(self.wrong(*mistakes))
        return self._outcomes_of_mistakes[mistakes[0].name]

    @cached_property
    def _outcomes_of_mistakes(self) -> dict[str, "Outcomes"]:
        return {mistake.name: Outcomes(self.wrong(mistake)) for mistake in self.mistakes}


class Outcomes:
    """What the trials make of one implementation, each run when it is first asked for.

    What the code prints is kept in `printed`: a learner's `print` would show for every trial.
    """

    def __init__(self, implementation: Any):
        self.implementation = implementation
        self.printed: dict[Trial, str] = {}
        self._known: dict[Trial, Any] = {}

    def __getitem__(self, trial: Trial) -> Any:
        if trial not in self._known:
            with undisturbed(), redirect_stdout(io.StringIO()) as printed:
                try:
                    self._known[trial] = trial.run(self.implementation)
                except Exception as error:
                    self._known[trial] = Crash.of(error)
            self.printed[trial] = printed.getvalue()
        return self._known[trial]


@contextmanager
def undisturbed() -> Iterator[None]:
    """A fixed random state, float32 on the CPU, gradients on; afterwards all is as it was."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    with (
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.device("cpu"),
        torch.autocast("cpu", enabled=False),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        torch.default_generator.manual_seed(0)
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)  # more of them take ten times as long on tensors this small
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)


def agree(some: Outcomes, others: Outcomes, trials: list[Trial]) -> bool:
    """Whether all trials come out the same for both."""
    return all(same(some[trial], others[trial]) for trial in trials)


def explains(
    mistake: Outcomes, learners: Outcomes, expected: Outcomes, trials: list[Trial]
) -> bool:
    """Whether all trials come out the same for both, and what came out wrong is evidence enough.

    Different mistakes raise errors of one kind: then the message must be the same as well, unless
    there is also a trial that came out wrong without an error.
    """
    if not agree(mistake, learners, trials):
        return False
    wrong = [trial for trial in trials if not same(learners[trial], expected[trial])]
    crashes = [trial for trial in wrong if isinstance(learners[trial], Crash)]
    same_messages = all(learners[trial].message == mistake[trial].message for trial in crashes)
    return len(crashes) < len(wrong) or same_messages


def no_crash(some: Outcomes, others: Outcomes, trial: Trial) -> bool:
    """Whether the trial raises for neither."""
    return not isinstance(some[trial], Crash) and not isinstance(others[trial], Crash)


def explains_first_few(mistake: Outcomes, learners: Outcomes, wrong: list[Trial]) -> bool:
    """Whether the first few trials of those that raise for neither come out the same for both.

    It runs no more trials than it takes to rule the mistake out, which most often is one.
    """
    count = 0
    for trial in wrong:
        if no_crash(mistake, learners, trial):
            if not same(mistake[trial], learners[trial]):
                return False
            count += 1
            if count == FIRST_FEW:
                break
    return count > 0


def explain(trial: Trial, expected: Any, got: Any, hints: list[str], printed: str) -> CheckFailure:
    """The failure to raise for a trial that came out wrong."""
    expected_text, got_text, remark = difference(trial.subject, expected, got)
    rows = {"Tried": trial.tried, "Expected": expected_text, "Got": got_text}
    if isinstance(got, Crash) and got.line:
        rows["Your line"] = f"{short(got.line, 150)}  (in {got.function})"
    if printed.strip():
        rows["Printed"] = few_lines(printed.strip())
    return CheckFailure(trial.check, rows, hints, remark)


class WithoutInitialisation(TorchFunctionMode):
    """Within it, new layers keep whatever is in memory: to be filled, or looked at for shapes.

    Drawing the 21 million weights of a ResNet34 takes more time than all that a check does.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (Tensor.uniform_, Tensor.normal_):
            return args[0]
        if func in (nn.init.kaiming_uniform_, nn.init.kaiming_normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def fill(module: nn.Module, names: Sequence[str] | None = None) -> nn.Module:
    """Give every parameter and buffer fixed values that depend on its position and shape only.

    So two modules with the same entries in the same order get the same values, whatever they call
    them. The order is that of `names` if given, else of the state dict. Weights are scaled to keep
    the activations' size; vectors lie between 0.5 and 1.5.
    """
    entries = module.state_dict()
    with torch.no_grad():
        for position, name in enumerate(names or entries):
            entry = entries[name]
            generator = torch.Generator().manual_seed(position)
            if entry.ndim >= 2:
                fan_in = entry[0].numel()
                entry.normal_(std=(2 / fan_in) ** 0.5, generator=generator)
            elif entry.is_floating_point():
                entry.uniform_(0.5, 1.5, generator=generator)
    return module


def made_up(*shape: int) -> Tensor:
    """A tensor of fixed, irregular values between -2 and 2: sines, so that no seed is needed."""
    return 2 * (torch.arange(torch.Size(shape).numel()) * 1.7).sin().reshape(shape)
