"""The Makefile's installation on a new machine, with an index of empty packages on 127.0.0.1."""

import http.server
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from build_notebooks import ROOT

WHEEL = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# All that pip asks of hatchling, the course's build backend: an editable wheel without code.
HATCHLING = """\
import zipfile
from pathlib import Path

FILES = {"METADATA": %r, "WHEEL": %r, "RECORD": ""}

def build_editable(folder, config_settings=None, metadata_directory=None):
    import tomllib
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needs = project["dependencies"] + [f'{need}; extra == "dev"' for need in extras["dev"]]
    lines = [f"Requires-Dist: {need}\\n" for need in needs]
    lines += [f"Provides-Extra: {extra}\\n" for extra in extras]
    name = "resnet_helpers-0.1.0"
    with zipfile.ZipFile(Path(folder, f"{name}-py3-none-any.whl"), "w") as wheel:
        for file, text in FILES.items():
            extra = "".join(lines) if file == "METADATA" else ""
            wheel.writestr(f"{name}.dist-info/{file}", text + extra)
    return f"{name}-py3-none-any.whl"
"""


def metadata(name: str, version: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def wheel(name: str, version: str) -> bytes:
    """An empty package of this name; hatchling can do what the course's installation needs."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for part, text in {
            "METADATA": metadata(name, version),
            "WHEEL": WHEEL,
            "RECORD": "",
        }.items():
            file.writestr(f"{name}-{version}.dist-info/{part}", text)
        if name == "jupyterlab":
            # Of its commands, the installation only switches off nbgrader's buttons.
            command = zipfile.ZipInfo(f"{name}-{version}.data/scripts/jupyter")
            command.external_attr = 0o100755 << 16
            file.writestr(command, "#!/bin/sh\n")
        if name == "hatchling":
            code = HATCHLING % (metadata("resnet-helpers", "0.1.0"), WHEEL)
            file.writestr("hatchling/__init__.py", "")
            file.writestr("hatchling/build.py", code)
    return content.getvalue()


class Index(http.server.BaseHTTPRequestHandler):
    """`/usual/NAME/` has version 99.0 of any package, and `/cpu/NAME/` its 99.0+cpu."""

    def do_GET(self):
        index, name, *file = self.path.strip("/").split("/")
        name = name.replace("-", "_")
        version = "99.0+cpu" if index == "cpu" else "99.0"
        content = wheel(name, version)
        if not file:
            filename = f"{name}-{version}-py3-none-any.whl"
            content = f'<a href="{filename}">{filename}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if file else "text/html")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def index():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def folder(tmp_path) -> Path:
    """What the installation reads of the course, in a path with a space."""
    folder = tmp_path / "my courses"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def install(folder: Path, index: str, *arguments: str, **popen) -> subprocess.CompletedProcess:
    own = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{index}/usual/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    # The tests may themselves have been started by a make, which tells its children so.
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", ".venv/installed", f"PYTHON={sys.executable}", *arguments],
        **({"cwd": folder, "env": environment | own} | popen),
        capture_output=True,
        text=True,
    )


def installed_torch(folder: Path) -> str:
    asks = "from importlib.metadata import version as v; print(v('torch'), v('torchvision'))"
    return subprocess.check_output([folder / ".venv/bin/python", "-c", asks], text=True).strip()


def test_the_usual_pytorch_is_installed_and_pip_says_what_it_does(folder, index):
    done = install(folder, index)
    assert done.returncode == 0, done.stderr
    assert "Downloading" in done.stdout
    assert installed_torch(folder) == "99.0 99.0"


def test_the_cpu_build_comes_from_its_own_index_and_stays(folder, index):
    done = install(folder, index, "TORCH=cpu", f"TORCH_INDEX={index}/cpu/")
    assert done.returncode == 0, done.stderr
    assert installed_torch(folder) == "99.0+cpu 99.0+cpu"
    os.utime(folder / "pyproject.toml", (2**32, 2**32))  # newer than the installation
    again = install(folder, index)
    assert again.returncode == 0, again.stderr
    assert installed_torch(folder) == "99.0+cpu 99.0+cpu"


def test_where_that_index_cannot_be_reached_the_usual_one_is_taken_and_a_sentence_says_so(
    folder, index
):
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}/cpu/"
        done = install(folder, index, "TORCH=cpu", f"TORCH_INDEX={dead}")
    assert done.returncode == 0, done.stderr
    sentence = f"PyTorch for cpu could not be had from {dead}: the usual one instead."
    assert sentence in done.stdout
    assert installed_torch(folder) == "99.0 99.0"


# --- Machines where it cannot go on: one sentence -------------------------------------------------


def stand_in(folder: Path, code: str) -> Path:
    """A `python` that runs these lines first."""
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    python = folder / "python"
    text = f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n'
    python.write_text(text, encoding="utf-8")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "import sys; sys.modules['ensurepip'] = None",
            "cannot make environments: on Debian and Ubuntu, sudo apt install python3-venv.",
        ),
        ("import sys; sys.version_info = (3, 10, 0)", "The course needs Python 3.11 or newer"),
    ],
    ids=["without python3-venv", "too old"],
)
def test_a_python_that_does_not_do_is_told_of_in_one_sentence(
    folder, index, tmp_path, code, sentence
):
    python = stand_in(tmp_path, code)
    done = install(folder, index, f"PYTHON='{python}'")
    assert done.returncode != 0
    assert sentence in done.stdout
    assert len(done.stdout.splitlines()) == 1, done.stdout
    assert not (folder / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_told_of_in_one_sentence(folder, index, tmp_path):
    python = tmp_path / "python"  # nothing is wrong with it
    python.write_text("#!/bin/sh\n", encoding="utf-8")
    python.chmod(0o755)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_mode & 0o077 == 0:  # one of pytest's own, which only we may enter
            parent.chmod(0o755)
    folder.chmod(0o555)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    done = install(folder, index, f"PYTHON='{python}'", **nobody)
    folder.chmod(0o755)
    assert done.returncode != 0
    assert done.stdout == (
        f"Nothing can be written to {folder}: copy the course into a folder of your own.\n"
    )
