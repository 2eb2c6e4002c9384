"""Answers to ratio."""

import statistics
import time
from statistics import median

import torch

from resnet_helpers.answers.edits import Answers

ratio = Answers("ratio", globals())
right, wrong = ratio.right, ratio.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
def with_a_function_inside(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(function):
        start = clock()
        function()
        return clock() - start

    job()
    baseline()
    return statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))


@right
def step_by_step(job, baseline, rounds=9, clock=time.perf_counter):
    job()
    baseline()
    ratios = []
    for _ in range(rounds):
        start = clock()
        job()
        job_seconds = clock() - start
        start = clock()
        baseline()
        baseline_seconds = clock() - start
        ratios.append(job_seconds / baseline_seconds)
    ratios.sort()
    return ratios[len(ratios) // 2]


@right
def three_readings(job, baseline, rounds=9, clock=time.perf_counter):
    for _warm_up in range(3):
        job()
        baseline()
    ratios = torch.zeros(rounds, dtype=torch.float64)
    for i in range(rounds):
        a = clock()
        baseline()
        b = clock()
        job()
        c = clock()
        ratios[i] = (c - b) / (b - a)
    return ratios.median().item()


@right
def two_lists(job, baseline, rounds=9, clock=time.perf_counter):
    times = {job: [], baseline: []}
    job(), baseline()
    for _ in range(rounds):
        for function, seconds in times.items():
            before = clock()
            function()
            after = clock()
            seconds.append(after - before)
    return median([a / b for a, b in zip(times[job], times[baseline], strict=True)])


@right
def first_round_thrown_away(job, baseline, rounds=9, clock=time.perf_counter):
    ratios = []
    for i in range(rounds + 1):
        t0 = clock()
        job()
        t1 = clock()
        baseline()
        t2 = clock()
        if i > 0:
            ratios.append((t1 - t0) / (t2 - t1))
    return sorted(ratios)[rounds // 2]


@right
def order_changes(job, baseline, rounds=9, clock=time.perf_counter):
    def run(*functions):
        seconds = []
        for function in functions:
            start = clock()
            function()
            seconds.append(clock() - start)
        return seconds

    run(job, baseline)  # warm-up
    ratios = []
    for i in range(rounds):
        if i % 2:
            b, a = run(baseline, job)
        else:
            a, b = run(job, baseline)
        ratios += [a / b]
    return torch.tensor(ratios, dtype=torch.float64).quantile(0.5).item()


# ---- Wrong ----------------------------------------------------------------------------------

wrong(
    "clock ignored",
    with_a_function_inside,
    {"start = clock()": "start = time.perf_counter()", "return clock()": "return time.time()"},
)
wrong(
    "job never called",
    step_by_step,
    {
        "job()\nbaseline()\nratios = []": "job\nbaseline()\nratios = []",
        "job()\njob_seconds": "job\njob_seconds",
    },
)
wrong(
    "baseline never called",
    with_a_function_inside,
    {"job()\nbaseline()": "job()", "seconds(baseline)": "seconds(lambda: baseline)"},
)
wrong(
    "nothing called",
    with_a_function_inside,
    {"function()\nreturn": "function\nreturn", "job()\nbaseline()\n": ""},
)
wrong(
    "upside down",
    step_by_step,
    {"job_seconds / baseline_seconds": "baseline_seconds / job_seconds"},
)
wrong("no warm-up", with_a_function_inside, {"job()\nbaseline()\n": ""})
wrong("no warm-up", step_by_step, {"job()\nbaseline()\nratios": "ratios"})
wrong("only job warmed up", with_a_function_inside, {"job()\nbaseline()\n": "job()\n"})
wrong("only baseline warmed up", step_by_step, {"job()\nbaseline()\nratios": "baseline()\nratios"})
wrong(
    "first round left out",
    first_round_thrown_away,
    {"range(rounds + 1)": "range(rounds)", "sorted(ratios)[rounds // 2]": "median(ratios)"},
)
wrong(
    "one block after the other",
    with_a_function_inside,
    {
        "return statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))": (
            "a = [seconds(job) for _ in range(rounds)]\n"
            "b = [seconds(baseline) for _ in range(rounds)]\n"
            "return statistics.median(x / y for x, y in zip(a, b))"
        )
    },
)
wrong(
    "one block after the other",
    two_lists,
    {
        "for _ in range(rounds):\n    for function, seconds in times.items():": (
            "for function, seconds in times.items():\n    for _ in range(rounds):"
        )
    },
)
wrong(
    "baseline's block first",
    two_lists,
    {
        "times = {job: [], baseline: []}": "times = {baseline: [], job: []}",
        "for _ in range(rounds):\n    for function, seconds in times.items():": (
            "for function, seconds in times.items():\n    for _ in range(rounds):"
        ),
    },
)
wrong(
    "blocks timed as a whole",
    with_a_function_inside,
    {
        "function()\nreturn": "for _ in range(rounds):\n    function()\nreturn",
        "statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))": (
            "seconds(job) / seconds(baseline)"
        ),
    },
)
wrong(
    "baseline timed once",
    with_a_function_inside,
    {
        "return statistics.median(seconds(job) / seconds(baseline) for": (
            "once = seconds(baseline)\nreturn statistics.median(seconds(job) / once for"
        )
    },
)
wrong("mean of the ratios", with_a_function_inside, {"statistics.median": "statistics.mean"})
wrong(
    "mean of the ratios",
    step_by_step,
    {"ratios.sort()\nreturn ratios[len(ratios) // 2]": "return sum(ratios) / len(ratios)"},
)
wrong("smallest ratio", first_round_thrown_away, {"sorted(ratios)[rounds // 2]": "min(ratios)"})
wrong("largest ratio", first_round_thrown_away, {"sorted(ratios)[rounds // 2]": "max(ratios)"})
wrong("median without sorting", step_by_step, {"ratios.sort()\n": ""})
wrong(
    "first ratio only",
    step_by_step,
    {"ratios.sort()\nreturn ratios[len(ratios) // 2]": "return ratios[0]"},
)
wrong(
    "last ratio only",
    step_by_step,
    {"ratios.sort()\nreturn ratios[len(ratios) // 2]": "return job_seconds / baseline_seconds"},
)
MEDIAN_OF_PAIRS = "median([a / b for a, b in zip(times[job], times[baseline], strict=True)])"
wrong(
    "ratio of the medians",
    two_lists,
    {MEDIAN_OF_PAIRS: "median(times[job]) / median(times[baseline])"},
)
wrong(
    "medians of all rounds so far",
    with_a_function_inside,
    {
        "return statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))": (
            "a, b, ratios = [], [], []\n"
            "for _ in range(rounds):\n"
            "    a.append(seconds(job))\n"
            "    b.append(seconds(baseline))\n"
            "    ratios.append(statistics.median(a) / statistics.median(b))\n"
            "return statistics.median(ratios)"
        )
    },
)
wrong("ratio of the minima", two_lists, {MEDIAN_OF_PAIRS: "min(times[job]) / min(times[baseline])"})
wrong("ratio of the sums", two_lists, {MEDIAN_OF_PAIRS: "sum(times[job]) / sum(times[baseline])"})
wrong(
    "clock started once",
    with_a_function_inside,
    {
        "start = clock()\nfunction()": "function()",
        "job()\nbaseline()": "job()\nbaseline()\nstart = clock()",
    },
)
wrong(
    "clock started once, before the warm-up",
    with_a_function_inside,
    {"def seconds(function):\n    start = clock()": "def seconds(function, start=clock()):"},
)
wrong("divided by the seconds of both", first_round_thrown_away, {"t2 - t1": "t2 - t0"})
wrong("job's seconds have baseline's in them", three_readings, {"c - b": "c - a"})
wrong(
    "readings of the clock divided",
    with_a_function_inside,
    {"start = clock()\n": "", "clock() - start": "clock()"},
)
wrong("start minus end", three_readings, {"c - b": "b - c"})
wrong("start minus end for baseline", three_readings, {"b - a": "a - b"})
wrong("seconds returned", step_by_step, {"job_seconds / baseline_seconds": "job_seconds"})
wrong(
    "seconds of baseline returned",
    step_by_step,
    {"job_seconds / baseline_seconds": "baseline_seconds"},
)
wrong(
    "difference of the seconds",
    step_by_step,
    {"job_seconds / baseline_seconds": "job_seconds - baseline_seconds"},
)
wrong(
    "difference of the seconds the other way round",
    step_by_step,
    {"job_seconds / baseline_seconds": "baseline_seconds - job_seconds"},
)
wrong(
    "divided by the seconds of both",
    step_by_step,
    {"job_seconds / baseline_seconds": "job_seconds / (job_seconds + baseline_seconds)"},
)
wrong(
    "rounded down",
    step_by_step,
    {"job_seconds / baseline_seconds": "job_seconds // baseline_seconds"},
)
wrong("percent", step_by_step, {"return ratios[": "return 100 * ratios["})
wrong(
    "ratio minus 1",
    step_by_step,
    {"job_seconds / baseline_seconds": "job_seconds / baseline_seconds - 1"},
)
wrong(
    "list of ratios returned",
    step_by_step,
    {"ratios.sort()\nreturn ratios[len(ratios) // 2]": "return ratios"},
)
wrong(
    "nothing returned",
    with_a_function_inside,
    {"return statistics": "statistics"},
)
wrong("tensor returned", three_readings, {".item()": "", ", dtype=torch.float64": ""})
wrong(
    "text returned",
    first_round_thrown_away,
    {"return sorted(ratios)[rounds // 2]": 'return f"{sorted(ratios)[rounds // 2]:.2f}"'},
)
wrong("rounds ignored", with_a_function_inside, {"range(rounds)": "range(9)"})
wrong(
    "one round only",
    step_by_step,
    {"ratios.append(job_seconds / baseline_seconds)": "return job_seconds / baseline_seconds"},
)
wrong("other default of rounds", two_lists, {"rounds=9": "rounds=10"})
wrong(
    "two calls each a round",
    with_a_function_inside,
    {
        "start = clock()\nfunction()": "function()\nstart = clock()\nfunction()",
        "job()\nbaseline()\n": "",
    },
)
