"""Servers, lines, caches and interruptions of thirty kinds: the weights, or one sentence.

The whole way is run as a learner runs it, against a server on 127.0.0.1, with a file that has
torchvision's layout, and its real hash in its name.
"""

import hashlib
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from pathlib import Path

import pytest
import torch
import weights_server as server
from torchvision.models import resnet18, resnet34

from resnet_helpers import download, pretrained
from resnet_helpers.pretrained import (
    PRETRAINED,
    STAND_IN,
    LoadingInterruptedError,
    load_pretrained_resnet34,
)

STALL = {"stall_seconds": 0.5, "stall_bytes": 100_000}


def saved(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def name_of(content: bytes) -> str:
    return f"resnet34-{hashlib.sha256(content).hexdigest()[:8]}.pth"


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return resnet34(weights=None).state_dict()


@pytest.fixture(scope="module")
def content(weights) -> bytes:
    return saved(weights)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, used online. (The stand-in's fit stays where it is: it takes seconds.)"""
    monkeypatch.delenv("RESNET_HELPERS_OFFLINE", raising=False)
    monkeypatch.delenv("RESNET_HELPERS_WEIGHTS", raising=False)
    folder = tmp_path / "checkpoints"
    monkeypatch.setattr(
        pretrained, "cached_file", lambda: folder / pretrained.filename_of(pretrained.URL)
    )
    return folder


@pytest.fixture(autouse=True)
def _no_hang():
    """A minute for what takes seconds: only a hang takes longer."""

    def hangs(*args):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def files(folder) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def loaded_from(behave, content, monkeypatch, stall_seconds=0.5):
    """The model that a learner gets from such a server, and how often it was asked."""
    with server.serving(behave, content) as running:
        monkeypatch.setattr(pretrained, "URL", f"{running.url}/{name_of(content)}")
        return load_pretrained_resnet34(stall_seconds, 100_000), len(running.requests)


GOOD = [
    server.whole,
    server.slowly,
    server.in_fits,
    server.without_length,
    server.chunked,
    server.moved,
    server.length_is_no_number,
]


@pytest.mark.parametrize("behave", GOOD, ids=lambda f: f.__name__)
def test_the_weights_arrive_and_are_kept(cache, weights, content, monkeypatch, capsys, behave):
    model, _ = loaded_from(behave, content, monkeypatch)
    assert model.weights_name == PRETRAINED
    assert not model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name])
    assert files(cache) == [name_of(content)]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Downloading" in printed.err
    assert load_pretrained_resnet34().weights_name == PRETRAINED  # the server is gone


BAD = {
    "403": (server.status(403), "the server answered 403"),
    "404": (server.status(404), "the server answered 404"),
    "407": (server.status(407), "the server answered 407"),
    "429": (server.status(429), "the server answered 429"),
    "500": (server.status(500), "the server answered 500"),
    "503": (server.status(503), "the server answered 503"),
    "no_content": (server.no_content, "does not have the file's hash"),
    "empty": (server.empty, "does not have the file's hash"),
    "portal": (server.portal, "a web page came in place of the file"),
    "moved_to_the_portal": (server.moved_to_the_portal, "a web page came in place of the file"),
    "moved_in_circles": (server.moved_in_circles, "the server answered 302"),
    "moved_to_a_file": (server.moved_to_a_file, "the server answered 302"),
    "silent": (server.silent, "the server does not answer"),
    "stalled": (server.stalled, "it stalled after 43"),
    "byte_by_byte": (server.byte_by_byte, "it stalled after 0.0 MB"),
    "head_byte_by_byte": (server.head_byte_by_byte, "the server does not answer"),
    "cut_off": (server.cut_off, "it ended after 43"),
    "cut_off_chunked": (server.cut_off_chunked, "IncompleteRead"),
    "reset": (server.reset, "Connection reset by peer"),
    "hung_up": (server.hung_up, "Remote end closed connection"),
    "not_http": (server.not_http, "220 mail.example.org"),
    "one_bit_flipped": (server.one_bit_flipped, "does not have the file's hash"),
    "length_too_small": (server.length_too_small, "does not have the file's hash"),
    "length_too_large": (server.length_too_large, "it ended after"),
    "zipped": (server.zipped, "does not have the file's hash"),
    "endless": (server.endless, "the server had not ended after"),
}


@pytest.mark.parametrize("name", BAD)
def test_the_stand_in_comes_with_one_line_that_says_why(cache, content, monkeypatch, capsys, name):
    behave, why = BAD[name]
    monkeypatch.setattr(download, "MOST_BYTES", 100_000_000)  # 500 MB take a while even here
    model, _ = loaded_from(behave, content, monkeypatch)
    assert_stand_in_with_one_line(model, why, capsys)
    assert files(cache) == []


def assert_stand_in_with_one_line(model, why, capsys):
    assert model.weights_name == STAND_IN
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("The pretrained weights could not be downloaded: ")
    assert why in line
    assert line.endswith(f"This is the {STAND_IN}.")


class RunsCode:
    def __reduce__(self):
        return os.mkdir, (os.environ["A_FOLDER_THAT_CODE_MAKES"],)


def zip_of_text() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "no weights")
    return archive.getvalue()


# Files whose hash is right and whose content is not; `w` are the right weights.
OTHER = {
    "of another network": lambda w: saved(resnet18(weights=None).state_dict()),
    "one entry missing": lambda w: saved({k: v for k, v in w.items() if k != "fc.bias"}),
    "one entry too many": lambda w: saved(w | {"fc2.bias": torch.zeros(3)}),
    "another shape": lambda w: saved(w | {"fc.weight": torch.zeros(10, 512)}),
    "no tensor": lambda w: saved(w | {"fc.bias": "zero"}),
    "sparse": lambda w: saved(w | {"fc.weight": torch.zeros(1000, 512).to_sparse()}),
    "a list": lambda w: saved([1, 2]),
    "a tensor": lambda w: saved(torch.zeros(3)),
    "text": lambda w: b"I am no weights.",
    "another zip": lambda w: zip_of_text(),
    "code": lambda w: saved(RunsCode()),
    "code in a plain pickle": lambda w: pickle.dumps(RunsCode()),
}


@pytest.mark.parametrize("kind", OTHER)
def test_a_right_hash_alone_is_not_believed(cache, weights, tmp_path, monkeypatch, capsys, kind):
    monkeypatch.setenv("A_FOLDER_THAT_CODE_MAKES", str(tmp_path / "made"))
    content = OTHER[kind](weights)
    model, _ = loaded_from(server.whole, content, monkeypatch)
    assert_stand_in_with_one_line(model, "what came ", capsys)
    assert files(cache) == []
    cache.mkdir(exist_ok=True)
    (cache / name_of(content)).write_bytes(content)  # nor in the cache
    with pytest.raises(pretrained.WeightsError, match=f"Delete .*{name_of(content)}"):
        load_pretrained_resnet34()
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/"])
def test_nobody_there(cache, content, monkeypatch, capsys, url):
    monkeypatch.setattr(pretrained, "URL", url + name_of(content))
    assert_stand_in_with_one_line(load_pretrained_resnet34(**STALL), "", capsys)


def test_a_name_look_up_that_hangs_is_given_up(cache, content, monkeypatch, capsys):
    import socket
    import threading

    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait() and [])
    monkeypatch.setattr(pretrained, "URL", "http://weights.example/" + name_of(content))
    assert_stand_in_with_one_line(load_pretrained_resnet34(**STALL), "does not answer", capsys)
    over.set()


def test_ctrl_c_ends_a_download_in_one_sentence(cache, content, monkeypatch):
    def interrupts(handler, content):
        handler.head(Content_Length=len(content))
        handler.wfile.write(content[:1_000_000])
        os.kill(os.getpid(), signal.SIGINT)
        handler.wait_for_the_end()

    # a shell's background job ignores SIGINT, and so would this process
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as raised:
            loaded_from(interrupts, content, monkeypatch, stall_seconds=20)
    finally:
        signal.signal(signal.SIGINT, before)
    assert isinstance(raised.value, LoadingInterruptedError)
    (line,) = raised.value._render_traceback_()
    assert "was interrupted. Run this again" in line
    assert files(cache) == []


# --- caches, and two at once: in processes of their own ---

SCRIPT = """
import os, sys
import torch, torchvision, resnet_helpers.pretrained as pretrained
import rich.console, rich.progress, encodings.idna  # another user may not be able to
pretrained.URL = sys.argv[1]
torch.hub.set_dir(sys.argv[2])
pretrained.fit_file = lambda: pretrained.Path(sys.argv[3])
{before}
model = pretrained.load_pretrained_resnet34(2.0)
print(model.weights_name)
"""


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    """The stand-in's fit, which takes seconds, for all the processes."""
    file = tmp_path_factory.mktemp("fit") / "fit.pt"
    pretrained.offline_stand_in()
    file.write_bytes(pretrained.fit_file().read_bytes())
    return file


def start(url: str, hub, fit, before="") -> subprocess.Popen:
    """A new Python that loads the weights from `url`, as it is after the lines `before`."""
    code = SCRIPT.format(before=textwrap.dedent(before))
    env = {k: v for k, v in os.environ.items() if not k.startswith("RESNET_HELPERS_")}
    return subprocess.Popen(
        [sys.executable, "-c", code, url, str(hub), str(fit)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_from(process: subprocess.Popen) -> list[str]:
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    return out.splitlines()


def test_two_notebooks_at_once_download_once(tmp_path, content, fit):
    with server.serving(server.slowly, content) as running:
        url = f"{running.url}/{name_of(content)}"
        both = [start(url, tmp_path, fit) for _ in range(2)]
        lines = [lines_from(process) for process in both]
        assert len(running.requests) == 1
    waiting = "Another notebook is downloading the pretrained weights: waiting for it …"
    assert sorted(lines, key=len) in ([[PRETRAINED], [waiting, PRETRAINED]], [[PRETRAINED]] * 2)
    assert files(tmp_path / "checkpoints") == [name_of(content)]


def test_a_full_disk_does_not_keep_the_weights_from_being_used(tmp_path, content, fit):
    """No file may grow over 1 MB, which is as much of a full disk as a test can make."""
    full = """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    """
    with server.serving(server.whole, content) as running:
        url = f"{running.url}/{name_of(content)}"
        line, name = lines_from(start(url, tmp_path, fit, full))
    assert "cannot be kept in" in line
    assert "only used now" in line
    assert name == PRETRAINED
    assert files(tmp_path / "checkpoints") == []


needs_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0,
    reason="only root can become another user, and root no permission stops",
)
AS_NOBODY = """
os.setgroups([]); os.setgid(65534); os.setuid(65534)
"""


@pytest.fixture
def open_way():
    """A folder that another user can come to (pytest closes its own at every start)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_root
@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read-only", "closed"])
def test_a_cache_that_cannot_be_written(open_way, content, fit, mode):
    hub = open_way / "hub"
    (hub / "checkpoints").mkdir(parents=True)
    (hub / "checkpoints").chmod(mode)
    with server.serving(server.whole, content) as running:
        url = f"{running.url}/{name_of(content)}"
        process = start(url, hub, fit, AS_NOBODY)
        out, err = process.communicate(timeout=50)
    if mode == 0o000:  # whether the file is there cannot be seen
        assert err.splitlines()[-1].endswith("and run this again.")
        assert "cannot be read (Permission denied)" in err.splitlines()[-1]
    else:
        assert process.returncode == 0, err
        line, name = out.splitlines()
        assert "cannot be kept in" in line
        assert "(Permission denied), only used now." in line
        assert name == PRETRAINED
    assert files(hub / "checkpoints") == []


@needs_root
def test_a_cached_file_that_may_not_be_read(open_way, content, fit):
    hub = open_way / "hub"
    (hub / "checkpoints").mkdir(parents=True)
    file = hub / "checkpoints" / name_of(content)
    file.write_bytes(content)
    file.chmod(0o000)
    process = start(f"http://127.0.0.1:9/{file.name}", hub, fit, AS_NOBODY)
    _, err = process.communicate(timeout=50)
    last = err.splitlines()[-1]
    assert "The file of pretrained weights cannot be read (Permission denied). Delete" in last


def fifo(file):
    os.mkfifo(file)


def folder(file):
    file.mkdir()


def loop(file):
    file.symlink_to(file)


@pytest.mark.parametrize("make", [fifo, folder, loop], ids=lambda f: f.__name__)
def test_something_else_in_the_place_of_the_cached_file(cache, content, monkeypatch, make):
    cache.mkdir()
    make(cache / name_of(content))
    monkeypatch.setattr(pretrained, "URL", f"http://127.0.0.1:9/{name_of(content)}")
    with pytest.raises(pretrained.WeightsError, match=r"^The file of .* run this again\.$"):
        load_pretrained_resnet34()


@pytest.mark.parametrize("part", ["checkpoints", "lock"])
def test_something_else_in_the_place_of_the_cache_or_its_lock(cache, content, monkeypatch, part):
    if part == "checkpoints":
        cache.write_text("a file", encoding="utf-8")
    else:
        (cache / f"{name_of(content)}.lock").mkdir(parents=True)
    model, _ = loaded_from(server.whole, content, monkeypatch)
    assert model.weights_name == PRETRAINED
