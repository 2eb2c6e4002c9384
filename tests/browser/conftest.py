"""One JupyterLab for all notebooks, found here and told to leave no trace.

Where no Chromium is installed every test in this folder is skipped, and says what to install.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyterlab_page import Notebook, close_notebooks, open_lab
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]
SETTINGS = {
    # with windowing, cells out of sight have no elements to look at
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def start_lab(folder: Path, port: int) -> subprocess.Popen:
    """JupyterLab of this environment on `folder / "notebooks"`, its own files in `folder`."""
    settings = folder / "settings"
    for plugin, values in SETTINGS.items():
        file = settings / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    own = {
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "IPYTHONDIR": folder / "ipython",
        "RESNET_HELPERS_OFFLINE": "1",
        "RESNET_HELPERS_WORK": folder / "notebooks",
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder / "notebooks",
        "IdentityProvider.token": "",
        "ServerApp.password": "",
        "LabApp.news_url": "",
        "LabApp.expose_app_in_browser": True,
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    with (folder / "lab.log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            command,
            env=os.environ | {name: str(value) for name, value in own.items()},
            stdout=log,
            stderr=log,
        )


def is_up(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/api/status", timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory) -> Path:
    """The folder that JupyterLab serves: what runs there leaves the repository as it is."""
    folder = tmp_path_factory.mktemp("lab") / "notebooks"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def lab(notebooks) -> Iterator[str]:
    """The address of a running JupyterLab that serves `notebooks`."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: pip install -e .[dev]")
    for _ in range(3):  # another run may take the free port first
        port = free_port()
        server = start_lab(notebooks.parent, port)
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while server.poll() is None and not is_up(url) and time.monotonic() < deadline:
            time.sleep(0.1)
        if server.poll() is None:
            break
    log = (notebooks.parent / "lab.log").read_text(encoding="utf-8")
    assert is_up(url), f"JupyterLab did not start:\n{log}"
    yield url
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="session")
def opened() -> list:
    """The page of JupyterLab that a test hands on to the next, unless it failed."""
    return []


@pytest.fixture
def page(browser, lab, opened, request):
    """A page with JupyterLab in which nothing is open, as wide as a laptop's."""
    page = opened.pop() if opened else open_lab(browser, lab)
    page.set_viewport_size({"width": 1280, "height": 900})
    failed = request.session.testsfailed
    yield page
    if request.session.testsfailed == failed:
        close_notebooks(page)
        opened.append(page)
    else:
        page.context.close()


@pytest.fixture
def open_cells(page, notebooks):
    """A function that opens a notebook with cells of the given code in JupyterLab."""

    def open_cells(*sources: str, tags: tuple[str, ...] = ()) -> Notebook:
        cells = [new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(new_notebook(cells=cells, metadata=kernel), notebooks / "made_here.ipynb")
        return Notebook(page, "made_here.ipynb")

    return open_cells


@pytest.fixture
def run(open_cells):
    """A function that opens such a notebook and runs it."""

    def run(*sources: str, tags: tuple[str, ...] = ()) -> Notebook:
        notebook = open_cells(*sources, tags=tags)
        notebook.run()
        return notebook

    return run


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """The folder that SCREENSHOTS names; without it no pictures are taken."""
    folder = os.environ.get("SCREENSHOTS")
    return Path(folder) if folder else None
