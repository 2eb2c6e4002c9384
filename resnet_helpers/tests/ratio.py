"""Lesson 8: the check of ratio, with its known mistakes.

Its jobs only note how many seconds they claim to take, and its clock adds these up: so nothing is
measured here, and what has to come out is known exactly.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import torch

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

Seconds = Callable[[list, list], float]  # of the next call, from what all calls so far took


class Jobs:
    """A job and a baseline, and the clock that only they move.

    `a` and `b` hold the seconds that each call of job and of baseline has taken.
    """

    def __init__(self, job: Seconds, baseline: Seconds, start: float = 0):
        self.seconds = job, baseline
        self.start = start
        self.a: list[float] = []
        self.b: list[float] = []
        self.n_readings = 0

    def job(self) -> None:
        self.a.append(self.seconds[0](self.a, self.b))

    def baseline(self) -> None:
        self.b.append(self.seconds[1](self.a, self.b))

    def clock(self) -> float:
        self.n_readings += 1
        return self.start + sum(self.a) + sum(self.b)


def always_two_and_one() -> Jobs:
    return Jobs(lambda a, b: 2, lambda a, b: 1)


def measured(ratio: Callable, job: Seconds, baseline: Seconds, start: float = 0, **settings) -> Any:
    """What ratio makes of these jobs."""
    jobs = Jobs(job, baseline, start)
    result = ratio(jobs.job, jobs.baseline, clock=jobs.clock, **settings)
    if not jobs.n_readings:
        return "whatever another clock says"
    return round(float(result), 6) if isinstance(result, (int, float)) else result


def called(ratio: Callable) -> dict[str, str]:
    """Which of the three functions that ratio is given it calls at all."""
    jobs = always_two_and_one()
    with suppress(ZeroDivisionError):  # what is not called takes no time
        ratio(jobs.job, jobs.baseline, rounds=3, clock=jobs.clock)
    numbers = {"job": len(jobs.a), "baseline": len(jobs.b), "clock": jobs.n_readings}
    return {name: "called" if number else "never called" for name, number in numbers.items()}


def n_calls(ratio: Callable, **settings) -> dict[str, int]:
    """How often ratio calls the job and the baseline."""
    jobs = always_two_and_one()
    ratio(jobs.job, jobs.baseline, clock=jobs.clock, **settings)
    return {"job": len(jobs.a), "baseline": len(jobs.b)}


def more_calls(ratio: Callable) -> dict[str, int]:
    """How many calls more two rounds more make."""
    few, many = n_calls(ratio, rounds=3), n_calls(ratio, rounds=5)
    return {name: many[name] - few[name] for name in few}


def called_too_often(ratio: Callable) -> str:
    """A hint for one that in each round calls each more than once; "" of others."""
    more = more_calls(ratio)
    if more["job"] == more["baseline"] > 2:
        return (
            f"Two rounds more make {more['job']} calls more of job, and as many of baseline: "
            "2 are enough. In each round call each once; the median is that over the rounds."
        )
    return ""


def default_rounds(ratio: Callable) -> str:
    """Whether ratio by default does what it does for rounds=9."""
    return "as for rounds=9" if n_calls(ratio) == n_calls(ratio, rounds=9) else "another number"


def trial(
    tried: str, job: str, baseline: str, rounds: int | None = None, start: int | None = None
) -> Trial:
    """One of jobs whose next call takes as long as these expressions in `a` and `b` say."""
    settings = f"rounds={rounds}, " if rounds else ""
    clock = f"{start} + sum(a + b)" if start else "sum(a + b)"
    code = (
        "a, b = [], []\n"
        f"ratio(lambda: a.append({job}), lambda: b.append({baseline}), {settings}"
        f"clock=lambda: {clock})"
    )
    look = f"measured(ratio, lambda a, b: {job}, lambda a, b: {baseline}, {settings}"
    look += f"start={start or 0})"
    shown = ", ".join([tried, *([f"rounds={rounds}"] if rounds else [])])
    return Trial("test_ratio", shown, code, "ratio", look=look)


def counted(tried: str, code: str, subject: str, look: str) -> Trial:
    """One of jobs of 2 and 1 seconds that looks at the calls."""
    jobs = "a, b = [], []; jobs = (lambda: a.append(2), lambda: b.append(1))\n"
    return Trial("test_ratio", tried, jobs + code, subject, look=look)


# A machine that becomes slower and slower: so many times the seconds of the first call.
SLOWING_DOWN = "job takes 2 n s, baseline n s, n the number of calls of whichever has had more"
FOR_JOB, FOR_BASELINE = "max(len(a) + 1, len(b))", "max(len(a), len(b) + 1)"

TRIALS = (
    counted(
        "job takes 2 s, baseline 1 s, rounds=3",
        "(ratio(*jobs, rounds=3, clock=lambda: print('clock') or sum(a + b)), len(a), len(b))",
        "functions",
        "called(ratio)",
    ),
    trial("job takes 2 s, baseline 1 s", "2", "1", rounds=3),
    trial("job takes 2 s, baseline 1 s, the clock begins at 1000", "2", "1", 3, start=1000),
    trial("job takes 1 s, baseline 4 s", "1", "4", rounds=1),
    trial("job takes 6 s, baseline 4 s", "6", "4"),
    counted(
        "rounds=3, then rounds=5",
        "[(ratio(*jobs, rounds=n, clock=lambda: sum(a + b)), len(a), len(b)) for n in (3, 5)]",
        "calls that two rounds more make",
        "more_calls(ratio)",
    ),
    counted(
        "no rounds given",
        "(ratio(*jobs, clock=lambda: sum(a + b)), len(a), len(b))",
        "number of rounds",
        "default_rounds(ratio)",
    ),
    trial(
        "job takes 2 s, baseline 1 s; but the first call of job 50 s, of baseline 10 s",
        "2 if a else 50",
        "1 if b else 10",
        rounds=1,
    ),
    trial(
        SLOWING_DOWN,
        f"2 * {FOR_JOB}",
        FOR_BASELINE,
        rounds=5,
    ),
    trial(
        "job takes 2 s, baseline 1 s; but job's 2nd and 3rd call take 20 and 30 s, baseline's 7th "
        "and 8th take 50 and 30 s",
        "{1: 20, 2: 30}.get(len(a), 2)",
        "{6: 50, 7: 30}.get(len(b), 1)",
        rounds=7,
    ),
    trial(
        f"{SLOWING_DOWN}; but job's 2nd and 4th call take 60 and 1 s",
        f"{{1: 60, 3: 1}}.get(len(a), 2 * {FOR_JOB})",
        FOR_BASELINE,
        rounds=5,
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class RatioInSteps:
    """ratio cut into the steps that can each go wrong."""

    def warm_up(self, job, baseline):
        job()
        baseline()

    def clock(self, clock):
        return clock

    def n_rounds(self, rounds):
        return rounds

    def seconds(self, function, clock):
        start = clock()
        function()
        return clock() - start

    def job_seconds(self, job, clock):
        return self.seconds(job, clock)

    def baseline_seconds(self, baseline, clock):
        return self.seconds(baseline, clock)

    def timed(self, job, baseline, rounds, clock):
        """The seconds of both in each round."""
        return [
            (self.job_seconds(job, clock), self.baseline_seconds(baseline, clock))
            for _ in range(rounds)
        ]

    def one_ratio(self, job, baseline):
        return job / baseline

    def of_all(self, ratios):
        return statistics.median(ratios)

    def summary(self, times):
        return self.of_all([self.one_ratio(*pair) for pair in times])

    def result(self, value):
        return value

    def ratio(self, job, baseline, rounds=9, clock=time.perf_counter):
        self.warm_up(job, baseline)
        times = self.timed(job, baseline, self.n_rounds(rounds), self.clock(clock))
        return self.result(self.summary(times))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "clock ignored",
    "You never call `clock`, the argument, so another clock is used: call clock() before and after "
    "each job, and no function of the time module's.",
    clock=lambda self, clock: count().__next__,
)
mistake(
    "job never called",
    "`job` is never called. It is a function: put brackets after its name, job().",
    warm_up=lambda self, job, baseline: baseline(),
    job_seconds=lambda self, job, clock: self.seconds(lambda: None, clock),
)
mistake(
    "baseline never called",
    "`baseline` is never called. It is a function: put brackets after its name, baseline().",
    warm_up=lambda self, job, baseline: job(),
    baseline_seconds=lambda self, baseline, clock: self.seconds(lambda: None, clock),
)
mistake(
    "nothing called",
    "Neither job nor baseline is ever called. They are functions: put brackets after their names, "
    "job() and baseline().",
    warm_up=lambda self, job, baseline: None,
    seconds=lambda self, function, clock: -clock() + clock(),
)
mistake(
    "upside down",
    "You divide baseline's time by job's. The ratio says how much of baseline's time job takes: "
    "job's seconds / baseline's seconds.",
    one_ratio=lambda self, job, baseline: baseline / job,
)
mistake(
    "no warm-up",
    "You time the very first call of each, in which things happen that happen only once. Call both "
    "once before the first round, without timing them.",
    warm_up=lambda self, job, baseline: None,
)
mistake(
    "only job warmed up",
    "You call job once before the first round, but not baseline, so its first, slower call is "
    "timed. Warm up both.",
    warm_up=lambda self, job, baseline: job(),
)
mistake(
    "only baseline warmed up",
    "You call baseline once before the first round, but not job, so its first, slower call is "
    "timed. Warm up both.",
    warm_up=lambda self, job, baseline: baseline(),
)


@mistake(
    "first round left out",
    "With rounds=1 nothing is left: one round fewer than asked for counts. The warm-up comes in "
    "addition: call both once before the first round, and let all rounds count.",
)
class _:
    def warm_up(self, job, baseline):
        pass

    def summary(self, times):
        return self.of_all([self.one_ratio(*pair) for pair in times[1:]])


@mistake(
    "one block after the other",
    "You time all rounds of the one before those of the other, so what changes in between, such as "
    "a machine that slows down, counts for one only. In each round, time both.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        jobs = [self.job_seconds(job, clock) for _ in range(rounds)]
        baselines = [self.baseline_seconds(baseline, clock) for _ in range(rounds)]
        return list(zip(jobs, baselines, strict=True))


@mistake(
    "baseline's block first",
    "You time all rounds of the one before those of the other, so what changes in between, such as "
    "a machine that slows down, counts for one only. In each round, time both.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        baselines = [self.baseline_seconds(baseline, clock) for _ in range(rounds)]
        jobs = [self.job_seconds(job, clock) for _ in range(rounds)]
        return list(zip(jobs, baselines, strict=True))


@mistake(
    "blocks timed as a whole",
    "You time all calls of the one together, then all of the other: a slow one, or a machine that "
    "slows down, spoils the whole. In each round, time both, and take the median of the ratios.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        def all_calls(function):
            return lambda: [function() for _ in range(rounds)]

        return [(self.seconds(all_calls(job), clock), self.seconds(all_calls(baseline), clock))]


@mistake(
    "baseline timed once",
    "You time baseline once, and divide all of job's times by that. Time both in each round, so "
    "that a slower machine slows both.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        once = self.baseline_seconds(baseline, clock)
        return [(self.job_seconds(job, clock), once) for _ in range(rounds)]


mistake(
    "mean of the ratios",
    "You take the mean of the ratios, which one slow call moves. Take their median.",
    of_all=lambda self, ratios: statistics.mean(ratios),
)
mistake(
    "smallest ratio",
    "You take the smallest of the ratios: a slow call of baseline makes it too small. Take their "
    "median.",
    of_all=lambda self, ratios: min(ratios),
)
mistake(
    "largest ratio",
    "You take the largest of the ratios: one slow call of job makes it too large. Take their "
    "median.",
    of_all=lambda self, ratios: max(ratios),
)
mistake(
    "median without sorting",
    "You take the ratio in the middle of your list, which is in the order of the rounds. For a "
    "median they have to be sorted; statistics.median does it.",
    of_all=lambda self, ratios: ratios[len(ratios) // 2],
)
mistake(
    "first ratio only",
    "You give back the ratio of the first round. Do all rounds, then take the median of their "
    "ratios.",
    of_all=lambda self, ratios: ratios[0],
)
mistake(
    "last ratio only",
    "You give back the ratio of the last round alone. Collect the ratios of all rounds in a list, "
    "and take their median.",
    of_all=lambda self, ratios: ratios[-1],
)


def of_columns(name: str, words: str, summary: Callable) -> None:
    """Add a mistake that makes one number of each one's times first."""
    mistake(
        name,
        f"You divide {words}, which come from different rounds. Divide within each round first, "
        "and take the median of the ratios.",
        summary=lambda self, times: self.one_ratio(*map(summary, zip(*times, strict=True))),
    )


of_columns("ratio of the medians", "one median by another", statistics.median)
of_columns("ratio of the minima", "one minimum by another", min)
mistake(
    "medians of all rounds so far",
    "In each round you divide medians of all rounds so far, which come from different rounds. "
    "Divide that round's two times, and take the median once, of the ratios of all rounds.",
    summary=lambda self, times: self.of_all(
        [
            self.one_ratio(*map(statistics.median, zip(*times[:n], strict=True)))
            for n in range(1, len(times) + 1)
        ]
    ),
)
mistake(
    "ratio of the sums",
    "You divide job's total time by baseline's (dividing means is the same), which one slow call "
    "moves. Divide within each round, and take the median of the ratios.",
    summary=lambda self, times: self.one_ratio(*map(sum, zip(*times, strict=True))),
)


def clock_started_once(name: str, before_the_warm_up: bool) -> None:
    """Add the mistake of timing everything from one reading of the clock."""

    def ratio(self, job, baseline, rounds=9, clock=time.perf_counter):
        if not before_the_warm_up:
            self.warm_up(job, baseline)
        start = clock()
        if before_the_warm_up:
            self.warm_up(job, baseline)

        def since(function):
            function()
            return clock() - start

        return self.of_all([since(job) / since(baseline) for _ in range(rounds)])

    mistake(
        name,
        "You read the clock's start once, so each time counts from there. Read it anew before each "
        "call of job and of baseline.",
        ratio=ratio,
    )


clock_started_once("clock started once", before_the_warm_up=False)
clock_started_once("clock started once, before the warm-up", before_the_warm_up=True)


@mistake(
    "divided by the seconds of both",
    "You divide job's seconds by those of both together. Divide by baseline's alone, from a "
    "reading of the clock just before its call to one just after it.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        times = []
        for _ in range(rounds):
            start = clock()
            job()
            between = clock()
            baseline()
            times.append((between - start, clock() - start))
        return times


@mistake(
    "job's seconds have baseline's in them",
    "Job's seconds have baseline's in them: you read the clock's start once for both. Read it anew "
    "between the two.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        times = []
        for _ in range(rounds):
            start = clock()
            baseline()
            between = clock()
            job()
            times.append((clock() - start, between - start))
        return times


mistake(
    "readings of the clock divided",
    "You divide what the clock says, and it counts from anywhere. Seconds are the difference of "
    "two readings: clock() after the call, minus clock() before it.",
    seconds=lambda self, function, clock: (function(), clock())[1],
)
mistake(
    "start minus end",
    "Your seconds are negative, the start minus the end, for one of the two. Take the reading "
    "after the call minus the one before it.",
    job_seconds=lambda self, job, clock: -self.seconds(job, clock),
)
mistake(
    "start minus end for baseline",
    "Your seconds are negative, the start minus the end, for one of the two. Take the reading "
    "after the call minus the one before it.",
    baseline_seconds=lambda self, baseline, clock: -self.seconds(baseline, clock),
)
mistake(
    "seconds returned",
    "You return job's seconds. Divide them by baseline's of the same round.",
    one_ratio=lambda self, job, baseline: job,
)
mistake(
    "seconds of baseline returned",
    "You return baseline's seconds. Divide job's by them.",
    one_ratio=lambda self, job, baseline: baseline,
)
mistake(
    "difference of the seconds",
    "You subtract the two times. Divide job's seconds by baseline's.",
    one_ratio=lambda self, job, baseline: job - baseline,
)
mistake(
    "difference of the seconds the other way round",
    "You subtract the two times. Divide job's seconds by baseline's.",
    one_ratio=lambda self, job, baseline: baseline - job,
)
mistake(
    "rounded down",
    "You divide with //, which cuts off what is behind the point. Divide with /.",
    one_ratio=lambda self, job, baseline: job // baseline,
)
mistake(
    "percent",
    "You return percent. Return the ratio itself: 0.5 is half of baseline's time.",
    result=lambda self, value: 100 * value,
)
mistake(
    "ratio minus 1",
    "You return the ratio minus 1. Return the ratio itself, which is 1 where both take the same "
    "time.",
    result=lambda self, value: value - 1,
)
mistake(
    "list of ratios returned",
    "You return the ratios of all rounds. Return one number, their median.",
    of_all=lambda self, ratios: list(ratios),
)
mistake(
    "nothing returned",
    "You return nothing. Return the median of the ratios.",
    result=lambda self, value: None,
)
mistake(
    "tensor returned",
    "You return a tensor. Return a number: statistics.median gives one, and of a tensor .item().",
    result=lambda self, value: torch.tensor(float(value)),
)
mistake(
    "text returned",
    "You return text. Return the number itself; how it is shown is for whoever calls ratio.",
    result=lambda self, value: f"{value:.2f}",
)
mistake(
    "rounds ignored",
    "You do 9 rounds whatever rounds is. Use the argument: range(rounds).",
    n_rounds=lambda self, rounds: 9,
)
mistake(
    "one round only",
    "You do one round whatever rounds is. Repeat it, for _ in range(rounds), and return only after "
    "the last.",
    n_rounds=lambda self, rounds: 1,
)


@mistake(
    "other default of rounds",
    "Your default for rounds is not 9. Keep the exercise's arguments: rounds=9.",
)
class _:
    def ratio(self, job, baseline, rounds=5, clock=time.perf_counter):
        return RatioInSteps.ratio(self, job, baseline, rounds, clock)


@mistake(
    "two calls each a round",
    "You call both twice in each round. Once is enough: only before the first round there is a "
    "call more, the warm-up.",
)
class _:
    def timed(self, job, baseline, rounds, clock):
        times = []
        for _ in range(rounds):
            self.warm_up(job, baseline)
            times.append((self.job_seconds(job, clock), self.baseline_seconds(baseline, clock)))
        return times


# ---- The check ------------------------------------------------------------------------------

RATIO = Exercise(
    name="ratio",
    reference=solutions.ratio,
    trials=TRIALS,
    names=globals(),
    in_steps=RatioInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().ratio,
    closer_look=Trial("test_ratio", "how often each is called", "called_too_often(ratio)"),
)


def test_ratio(ratio: Callable) -> None:
    """Check that ratio(job, baseline) is the median of the ratios of all rounds."""
    RATIO.check("test_ratio", ratio)
