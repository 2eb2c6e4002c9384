"""A server on 127.0.0.1 that behaves as servers, lines and hotels do.

A behaviour is a function of the request's handler and the file that was asked for.
"""

import gzip
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

os.environ["no_proxy"] = "127.0.0.1"  # on networks where everything else goes through one
PORTAL = b"<!DOCTYPE html><html><body>Welcome to the Grand Hotel. Your room number?</body></html>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):  # the client may have given up
            self.server.behave(self, self.server.content)

    def log_message(self, *args: object) -> None:
        pass

    def head(self, status=200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def answer(self, content: bytes, status=200) -> None:
        self.head(status, Content_Length=len(content))
        self.wfile.write(content)

    def dribble(self, content: bytes, seconds: float) -> None:
        """Send a byte, wait, and so on, until the client or the test has gone."""
        for i in range(len(content)):
            self.wfile.write(content[i : i + 1])
            if self.server.over.wait(seconds):
                return

    def wait_for_the_end(self) -> None:
        self.server.over.wait()


@contextmanager
def serving(behave: Callable[[Handler, bytes], None], content: bytes) -> Iterator:
    """The server while it runs; `.url` is its address, `.requests` the paths it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.behave, server.content, server.requests, server.over = behave, content, [], Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


# --- servers that bring the file ---


def whole(handler: Handler, content: bytes) -> None:
    handler.answer(content)


def slowly(handler: Handler, content: bytes) -> None:
    """For four seconds."""
    handler.head(Content_Length=len(content))
    piece = len(content) // 40 + 1
    for start in range(0, len(content), piece):
        handler.wfile.write(content[start : start + piece])
        time.sleep(0.1)


def in_fits(handler: Handler, content: bytes) -> None:
    """With pauses that are shorter than the time-out."""
    handler.head(Content_Length=len(content))
    for start in range(0, len(content), len(content) // 3):
        handler.wfile.write(content[start : start + len(content) // 3])
        time.sleep(0.3)


def without_length(handler: Handler, content: bytes) -> None:
    handler.head(Connection="close")
    handler.wfile.write(content)


def chunked(handler: Handler, content: bytes) -> None:
    handler.head(Transfer_Encoding="chunked")
    for start in range(0, len(content), 1 << 20):
        piece = content[start : start + (1 << 20)]
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def moved(handler: Handler, content: bytes) -> None:
    if handler.path.startswith("/moved"):
        return handler.answer(content)
    return handler.head(302, Location="/moved" + handler.path, Content_Length=0)


def length_is_no_number(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length="many")
    handler.wfile.write(content)


# --- servers that do not ---


def status(number: int) -> Callable[[Handler, bytes], None]:
    return lambda handler, content: handler.answer(b"no", number)


def no_content(handler: Handler, content: bytes) -> None:
    handler.head(204)


def empty(handler: Handler, content: bytes) -> None:
    handler.answer(b"")


def portal(handler: Handler, content: bytes) -> None:
    handler.answer(PORTAL)


def moved_to_the_portal(handler: Handler, content: bytes) -> None:
    if handler.path == "/login":
        return handler.answer(PORTAL)
    return handler.head(302, Location="/login", Content_Length=0)


def moved_in_circles(handler: Handler, content: bytes) -> None:
    handler.head(302, Location=handler.path, Content_Length=0)


def moved_to_a_file(handler: Handler, content: bytes) -> None:
    handler.head(302, Location="file:///etc/passwd", Content_Length=0)


def silent(handler: Handler, content: bytes) -> None:
    handler.wait_for_the_end()


def stalled(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length=len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.wait_for_the_end()


def byte_by_byte(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length=len(content))
    handler.dribble(content, 0.05)


def head_byte_by_byte(handler: Handler, content: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.dribble(b"x" * 10_000, 0.05)


def cut_off(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length=len(content))
    handler.wfile.write(content[: len(content) // 2])


def cut_off_chunked(handler: Handler, content: bytes) -> None:
    handler.head(Transfer_Encoding="chunked")
    handler.wfile.write(b"%x\r\n%b" % (len(content), content[: len(content) // 2]))


def reset(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length=len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    linger_not = b"\1\0\0\0\0\0\0\0"
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    handler.connection.close()


def hung_up(handler: Handler, content: bytes) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def not_http(handler: Handler, content: bytes) -> None:
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")


def one_bit_flipped(handler: Handler, content: bytes) -> None:
    middle = len(content) // 2
    handler.answer(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])


def length_too_small(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length=len(content) // 2)
    handler.wfile.write(content)


def length_too_large(handler: Handler, content: bytes) -> None:
    handler.head(Content_Length=2 * len(content))
    handler.wfile.write(content)


def zipped(handler: Handler, content: bytes) -> None:
    small = gzip.compress(content[:100_000])
    handler.head(Content_Encoding="gzip", Content_Length=len(small))
    handler.wfile.write(small)


def endless(handler: Handler, content: bytes) -> None:
    handler.head(Connection="close")
    while not handler.server.over.is_set():
        handler.wfile.write(b"\0" * (1 << 22))
