"""Fetching a large file over a line that may be slow, broken, or end in a hotel's log-in page.

What comes is held in memory until its user has checked it, so that a failure leaves nothing behind.
"""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from queue import Empty, SimpleQueue

CHUNK = 64 * 1024  # bytes asked for at once
MOST_BYTES = 500_000_000  # more are no weights of a ResNet34 but a server that never ends
LISTEN_SECONDS = 0.2  # Windows hears Ctrl-C between two waits only


class DownloadError(Exception):
    """The file did not come; the message says why, without the address."""


def download(url: str, stall_seconds: float, stall_bytes: int) -> bytes:
    """The content of the file at `url`, under a progress bar while it comes.

    However slow it is, it is not cut off while it goes on. Another thread reads, and this one waits
    for what it brings: so a name look-up that hangs, or a server that sends a byte a second, is
    noticed in time, and Ctrl-C is heard.

    Args:
        url: where it is, http or https.
        stall_seconds: how long the server may take to answer, and the time in which ...
        stall_bytes: ... at least so many bytes have to come, or the download counts as stalled.

    Raises:
        DownloadError: no route, no answer, an answer that is no file, a stalled or a broken line.
    """
    arrivals, given_up = SimpleQueue(), threading.Event()
    reading = (url, 2 * stall_seconds, arrivals, given_up)  # `collect` is to judge, not the socket
    threading.Thread(target=read_into, args=reading, daemon=True).start()
    try:
        length = next_arrival(arrivals, time.monotonic() + stall_seconds)
        if length is None:
            raise DownloadError("the server does not answer")
        with download_bar(length) as show:
            return collect(arrivals, length, show, stall_seconds, stall_bytes)
    finally:
        given_up.set()


def read_into(url: str, timeout: float, arrivals: SimpleQueue, given_up: threading.Event) -> None:
    """Put into `arrivals` the file's length or 0, its pieces, and b"" at the end; or an error.

    Args:
        url: of the file.
        timeout: for one wait for the server, in seconds.
        arrivals: where all that comes is put.
        given_up: set when nobody wants the rest any more.
    """
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "resnet_helpers"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            arrivals.put(answer.length or 0)  # 0: the server does not tell
            piece = answer.read1(CHUNK)
            while piece and not given_up.is_set():
                arrivals.put(piece)
                piece = answer.read1(CHUNK)
            arrivals.put(b"")
    except Exception as error:  # whatever it is, the thread that waits has to know
        arrivals.put(error)


def collect(
    arrivals: SimpleQueue,
    length: int,
    show: Callable[[int], None],
    stall_seconds: float,
    stall_bytes: int,
) -> bytes:
    """Put together what arrives.

    Args:
        arrivals: what `read_into` fills, but for the length.
        length: how many bytes there will be; 0: unknown.
        show: is told after each piece how many bytes there are.
        stall_seconds: see `download`.
        stall_bytes: see `download`.

    Raises:
        DownloadError: see `download`.
    """
    content = BytesIO()
    checked, deadline = 0, time.monotonic() + stall_seconds
    while (piece := next_arrival(arrivals, deadline)) != b"":
        content.write(piece or b"")
        received = content.tell()
        show(received)
        if received > MOST_BYTES:
            raise DownloadError(f"the server had not ended after {megabytes(received)}")
        if time.monotonic() >= deadline:
            if received - checked < stall_bytes:
                raise DownloadError(f"it stalled after {megabytes(received)}")
            checked, deadline = received, time.monotonic() + stall_seconds
    if content.tell() < length:
        raise DownloadError(f"it ended after {megabytes(content.tell())} of {megabytes(length)}")
    return content.getvalue()


def next_arrival(arrivals: SimpleQueue, deadline: float) -> bytes | int | None:
    """What arrives next; None if nothing does until `deadline`, a time.monotonic().

    Raises:
        DownloadError: an error arrives.
    """
    while True:
        left = deadline - time.monotonic()
        try:
            arrival = arrivals.get(timeout=min(max(left, 0), LISTEN_SECONDS))
        except Empty:
            if left <= 0:
                return None
            continue
        if isinstance(arrival, Exception):
            raise DownloadError(reason(arrival)) from None
        return arrival


def reason(error: Exception) -> str:
    """In one line why a server could not be read from."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return reason(error.reason)
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def megabytes(n_bytes: int) -> str:
    """A number of bytes to be read."""
    return f"{n_bytes / 1e6:.1f} MB"


@contextmanager
def download_bar(length: int) -> Iterator[Callable[[int], None]]:
    """A progress bar for `length` bytes; 0: nobody knows how many.

    Yields:
        What to call with the bytes received.
    """
    from rich.console import Console  # a quarter of a second, and mostly not needed
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("Downloading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=length or None)
        try:
            yield lambda received: bar.update(task, completed=received)
        finally:
            bar.refresh()  # in a notebook rich leaves out the last steps
