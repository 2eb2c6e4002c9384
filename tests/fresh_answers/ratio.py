# Unlike the other files', these answers are by whoever wrote the check, after its first version,
# looking for what the catalogue had not thought of.

### RIGHT warm-up through the timing function, its result dropped
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def timed(f):
        t = clock()
        f()
        return clock() - t

    timed(job), timed(baseline)
    results = []
    while len(results) < rounds:
        j, b = timed(job), timed(baseline)
        results.append(j / b)
    return sorted(results)[(rounds - 1) // 2]


### RIGHT a context manager that appends
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    from contextlib import contextmanager

    @contextmanager
    def stop_watch(into):
        begin = clock()
        yield
        into.append(clock() - begin)

    job()
    baseline()
    j, b = [], []
    for _ in range(rounds):
        with stop_watch(j):
            job()
        with stop_watch(b):
            baseline()
    return statistics.median(map(float.__truediv__, map(float, j), map(float, b)))


### RIGHT numpy's median
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    import numpy as np

    baseline(), job()
    marks = []
    for _ in range(rounds):
        marks.append(clock())
        job()
        marks.append(clock())
        baseline()
        marks.append(clock())
    marks = np.array(marks).reshape(rounds, 3)
    both = np.diff(marks, axis=1)
    return np.median(both[:, 0] / both[:, 1])


### RIGHT the same function for both, by name
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    seconds = {"job": [], "baseline": []}
    for i in range(-1, rounds):
        for name, f in [("baseline", baseline), ("job", job)]:
            start = clock()
            f()
            if i >= 0:
                seconds[name].append(clock() - start)
    ratios = [a / b for a, b in zip(*seconds.values())]
    return statistics.median(ratios)


### WRONG two calls between the readings of the clock -> named; hint
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    job(), baseline()
    ratios = []
    for _ in range(rounds):
        t0 = clock()
        job()
        job()
        t1 = clock()
        baseline()
        baseline()
        t2 = clock()
        ratios.append((t1 - t0) / (t2 - t1))
    return statistics.median(ratios)


### WRONG geometric mean -> generic; remark
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(f):
        start = clock()
        f()
        return clock() - start

    job()
    baseline()
    return statistics.geometric_mean(seconds(job) / seconds(baseline) for _ in range(rounds))


### WRONG mean without the best and the worst -> generic; remark
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(f):
        start = clock()
        f()
        return clock() - start

    job()
    baseline()
    ratios = sorted(seconds(job) / seconds(baseline) for _ in range(rounds))
    if rounds > 2:
        ratios = ratios[1:-1]
    return sum(ratios) / len(ratios)


### WRONG one round too few -> named; first round left out
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    job()
    baseline()
    ratios = []
    for _ in range(1, rounds):
        start = clock()
        job()
        middle = clock()
        baseline()
        ratios.append((middle - start) / (clock() - middle))
    return statistics.median(ratios)


### WRONG the clock without brackets -> named; remark
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    job()
    baseline()
    ratios = []
    for _ in range(rounds):
        start = clock
        job()
        middle = clock
        baseline()
        ratios.append((middle - start) / (clock - middle))
    return statistics.median(ratios)


### WRONG warm-up after the timing -> named; no warm-up
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    ratios = []
    for _ in range(rounds):
        start = clock()
        job()
        middle = clock()
        baseline()
        ratios.append((middle - start) / (clock() - middle))
    job()
    baseline()
    return statistics.median(ratios)


### WRONG start of the clock as a default -> named; clock started once, before the warm-up
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(f, start=clock()):
        f()
        return clock() - start

    job()
    baseline()
    return statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))


### WRONG rounded to a whole number -> named; remark
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(f):
        start = clock()
        f()
        return clock() - start

    job()
    baseline()
    return round(statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds)))


### WRONG with the spread besides -> named; remark
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(f):
        start = clock()
        f()
        return clock() - start

    job()
    baseline()
    ratios = [seconds(job) / seconds(baseline) for _ in range(rounds)]
    return statistics.median(ratios), max(ratios) - min(ratios)


### WRONG timeit -> named; clock ignored
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    import timeit

    job()
    baseline()
    return timeit.timeit(job, number=rounds) / timeit.timeit(baseline, number=rounds)


### WRONG timeit with the clock -> named; blocks timed as a whole
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    import timeit

    job()
    baseline()
    return timeit.timeit(job, timer=clock, number=rounds) / timeit.timeit(
        baseline, timer=clock, number=rounds
    )


### WRONG the repeat of timeit, and its minimum -> named; one block after the other, ratio of the minima
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    import timeit

    job()
    baseline()
    jobs = timeit.repeat(job, timer=clock, number=1, repeat=rounds)
    baselines = timeit.repeat(baseline, timer=clock, number=1, repeat=rounds)
    return min(jobs) / min(baselines)


### WRONG speed-up in percent -> generic; remark
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def seconds(f):
        start = clock()
        f()
        return clock() - start

    job()
    baseline()
    r = statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))
    return 100 * (1 - r)


### WRONG block medians -> named; one block after the other
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    def median_seconds(f):
        f()
        times = []
        for _ in range(rounds):
            start = clock()
            f()
            times.append(clock() - start)
        return statistics.median(times)

    return median_seconds(job) / median_seconds(baseline)


### WRONG warm-up with the job only, in a loop -> named; only job warmed up
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    for _ in range(3):
        job()
    ratios = []
    for _ in range(rounds):
        start = clock()
        job()
        middle = clock()
        baseline()
        ratios.append((middle - start) / (clock() - middle))
    return statistics.median(ratios)


### WRONG list overwritten in the loop -> named; last ratio only
def ratio(job, baseline, rounds=9, clock=time.perf_counter):
    job()
    baseline()
    for _ in range(rounds):
        ratios = []
        start = clock()
        job()
        middle = clock()
        baseline()
        ratios.append((middle - start) / (clock() - middle))
    return statistics.median(ratios)
