"""Run a command that may do anything, within limits, and leave nothing of it running.

A guard process starts the command in a session of its own and watches all that descends from it:
time, resident memory, number of processes, output. (RLIMIT_AS is no limit for PyTorch, which
reserves far more than it uses.) When the command ends, or a limit is passed, or whoever asked is
gone, the guard kills them all.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from resnet_helpers.errors import CourseError

try:
    import resource
except ImportError:  # on Windows, where a class's notebooks can be read all the same
    resource = None

LOOKS_PER_SECOND = 10
MOST_WORDS = 2000  # bytes of what it wrote to its standard error
GRACE = 30  # seconds more that the guard itself gets
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True)
class Limits:
    """What a command may use: seconds, and bytes of memory, of output, and of any one file."""

    seconds: float = 300
    memory: int = 2_000_000_000
    output: int = 30_000_000
    file_size: int = 200_000_000
    processes: int = 64


@dataclass(frozen=True)
class Ended:
    """How a command ended: its output, and which limit it passed, "" if none.

    `seconds` are those of the clock, `processor` those of all processors, `memory` is the most that
    all its processes held at once, in bytes.
    """

    output: bytes
    passed: str = ""
    status: int = 0
    seconds: float = 0
    processor: float = 0
    memory: int = 0
    errors: str = ""  # the end of what it wrote to its standard error


def run(command: list[str], folder: Path, limits: Limits, env: dict[str, str]) -> Ended:
    """Run the command in the folder, within the limits; when this returns, nothing of it is left.

    Raises:
        CourseError: this is Windows, which has no such limits.
        RuntimeError: the guard itself was killed.
    """
    if resource is None:
        raise CourseError(
            "Learners' code is run within limits that Windows does not have: use Linux or macOS."
        )
    task = json.dumps({"command": command, "limits": asdict(limits), "env": env})
    guard = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, task],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, verdict = guard.communicate(timeout=limits.seconds + GRACE)
    except BaseException:
        guard.terminate()  # which makes it kill what it guards
        guard.wait()
        raise
    try:
        *_, last = verdict.decode().splitlines()
        return replace(Ended(output), **json.loads(last))
    except (ValueError, TypeError):
        words = verdict.decode(errors="replace")[-500:]
        raise RuntimeError(f"what guards a submission was killed: {words}") from None


# ---- The guard --------------------------------------------------------------------------------


class Guard:
    """Watches one command and its descendants."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.parent = os.getppid()
        self.started = time.monotonic()
        self.relayed = 0
        self.passed = ""
        self.processor = 0.0
        self.memory = 0

    def run(self, command: list[str], env: dict[str, str]) -> dict:
        """Run the command to its end or to a limit; the fields of an Ended but its output."""
        adopt_orphans()
        with open("errors", "wb") as errors, open("errors", "rb") as written:
            child = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=self._limit,
            )
            relay = threading.Thread(target=self._relay, args=(child,), daemon=True)
            relay.start()
            try:
                while child.poll() is None and not self.passed:
                    self._look()
                    time.sleep(1 / LOOKS_PER_SECOND)
            finally:
                kill_descendants()
            child.wait()
            reap_orphans()
            relay.join()
            written.seek(max(0, written.seek(0, os.SEEK_END) - MOST_WORDS))
            words = written.read().decode(errors="replace")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "passed": self.passed,
            "status": child.returncode,
            "seconds": time.monotonic() - self.started,
            "processor": used.ru_utime + used.ru_stime,
            "memory": self.memory,
            "errors": words,
        }

    def _limit(self) -> None:
        """In the child, before the command: the limits that Unix itself keeps."""
        size = self.limits.file_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # should memory run out, this is what goes first
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")

    def _relay(self, child: subprocess.Popen) -> None:
        """Pass on what the command prints, as far as the limit."""
        while block := child.stdout.read1(1 << 16):
            self.relayed += len(block)
            if self.relayed > self.limits.output:
                self.passed = self.passed or "output"
                return
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()

    def _look(self) -> None:
        """See whether a limit is passed."""
        memory, processes = 0, descendants()
        for process in processes:
            with contextlib.suppress(psutil.Error):
                memory += process.memory_info().rss
        self.memory = max(self.memory, memory)
        if memory > self.limits.memory:
            self.passed = "memory"
        elif time.monotonic() - self.started > self.limits.seconds:
            self.passed = "time"
        elif len(processes) > self.limits.processes:
            self.passed = "processes"
        elif os.getppid() != self.parent:
            self.passed = "whoever asked for it is gone"


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own is gone, so that none gets away."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants() -> list[psutil.Process]:
    """All that descends from this process and still runs."""
    alive = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


def kill_descendants() -> None:
    """Kill them until none is left: while one is killed, another may start a third."""
    while alive := descendants():
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)


def reap_orphans() -> None:
    """Take note of the ends of adopted processes, so that their time counts."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def main() -> None:
    """Guard the command that the one argument names, and say on stderr how it ended."""
    task = json.loads(sys.argv[1])
    guard = Guard(Limits(**task["limits"]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through `finally`, which kills
    print(json.dumps(guard.run(task["command"], task["env"])), file=sys.stderr)


if __name__ == "__main__":
    main()
