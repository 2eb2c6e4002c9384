"""The other Pythons and versions that a learner may have: `make test-environments`, by hand.

Each line of ENVIRONMENTS becomes an environment in a folder of its own, in which the course is
installed, tried and deleted again before the next is made: in all one to two hours, and gigabytes
to download. A table says at the end what was tried, what passed and how long it took; where a
Python is not on this machine, it says so.

    python tests/environments.py            all
    python tests/environments.py colab      only those whose names start so
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

# What Colab shipped in August 2026, as its public list says. A floor above one of these would make
# pip upgrade it there, which is what breaks notebooks in Colab.
COLAB = {
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "numpy": "2.1.3",
    "pandas": "2.2.3",
    "matplotlib": "3.10.0",
    "pillow": "11.3.0",
    "rich": "13.9.4",
    "einops": "0.8.2",
    "ipywidgets": "7.7.1",
    "ipython": "7.34.0",
    "ipykernel": "6.17.1",
}

UNCHANGED = f"""
from importlib.metadata import version
now = {{name: version(name).partition("+")[0] for name in {COLAB}}}
assert now == {COLAB}, now
"""

# Each notebook on a machine of its own: an empty folder, and no other lesson's work.
ALONE = """
import pathlib, tempfile, nbformat
from nbclient import NotebookClient
for file in sorted(pathlib.Path("notebooks").rglob("*.ipynb")):
    if ".ipynb_checkpoints" not in file.parts:
        with tempfile.TemporaryDirectory() as folder:
            notebook = nbformat.read(file, as_version=4)
            options = {"timeout": 300, "kernel_name": "python3"}
            NotebookClient(notebook, resources={"metadata": {"path": folder}}, **options).execute()
        print("ran", file, flush=True)
"""

CONDA = """
import pathlib, yaml
from rattler import MatchSpec
for spec in yaml.safe_load(pathlib.Path("environment.yml").read_text("utf-8"))["dependencies"]:
    print(MatchSpec(spec) if isinstance(spec, str) else spec)
"""

BINDER = """
import subprocess, sys
done = subprocess.run(
    [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
    capture_output=True, text=True, check=True,
)
assert "Building conda environment for python=3." in done.stdout + done.stderr
assert '--file "environment.yml"' in done.stdout + done.stderr
"""


class Environment(NamedTuple):
    """A Python, what pip installs there (a list a call), and what that Python then runs."""

    python: str
    packages: list[list[str]]
    commands: list[list[str]]
    with_two_threads: Sequence[list[str]] = ()


def compared(*notebooks: str) -> list[str]:
    """Run these solution notebooks, and compare what they put out with what is in them."""
    files = [f"notebooks/solutions/{name}.ipynb" for name in notebooks]
    return ["-m", "pytest", "--nbval", "--nbval-cell-timeout=300", *files]


def newest(python: str) -> Environment:
    """The course with the newest versions that pip finds for this Python."""
    course = ["--editable", f"{ROOT}[dev]"]
    tests = ["-m", "pytest", "-n", "2", "--ignore=tests/slow", "--ignore=tests/browser", "tests"]
    # What a network has learned, to the last digit, depends on the version and on the threads.
    learning = "07_training"
    commands = [tests, compared("06_hooks", learning)]
    return Environment(python, [course], commands, [compared(learning)])


ENVIRONMENTS = {
    "conda-specs": Environment("python3", [["py-rattler", "pyyaml"]], [["-c", CONDA]]),
    "binder": Environment("python3", [["jupyter-repo2docker"]], [["-c", BINDER]]),
    "colab": Environment(
        "python3.13",
        [
            [*(f"{name}=={version}" for name, version in COLAB.items()), "setuptools"],
            [str(ROOT)],
            ["nbclient", "pytest"],
        ],
        [["-c", UNCHANGED], ["-c", ALONE], ["-m", "pytest", "tests/slow/test_in_colab.py"]],
    ),
    "newest-3.12": newest("python3.12"),
    "newest-3.13": newest("python3.13"),
    "newest-3.14": newest("python3.14"),
}


def starts(python: str) -> bool:
    """Whether there is such a Python; one that pyenv has, but is not told to use, is not."""
    found = shutil.which(python)
    return found is not None and subprocess.run([found, "--version"]).returncode == 0


def run(command: list[str], threads: int = 1) -> None:
    """Run a command in the repository, as a test does: offline, with so many threads a process."""
    own = {"RESNET_HELPERS_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
    subprocess.run(command, cwd=ROOT, env=os.environ | own, check=True)


def result_of(environment: Environment) -> str:
    """Make the environment, run its commands, delete it, and say how that went."""
    if not starts(environment.python):
        return f"not tried: no {environment.python} here"
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder, "bin", "python"))
        try:
            run([environment.python, "-m", "venv", folder])
            for packages in environment.packages:
                run([python, "-m", "pip", "install", *packages])
            for arguments in environment.commands:
                run([python, *arguments])
            for arguments in environment.with_two_threads:
                run([python, *arguments], threads=2)
        except subprocess.CalledProcessError as error:
            return f"FAILED: {' '.join(error.cmd[1:4])} …"
    return "passed"


def main() -> None:
    """Try the environments named on the command line, or all; exit status 1 if one failed."""
    chosen = {n: e for n, e in ENVIRONMENTS.items() if n.startswith(tuple(sys.argv[1:]) or "")}
    results = []
    for name, environment in chosen.items():
        print(f"\n--- {name} ---", flush=True)
        start = time.monotonic()
        result = result_of(environment)
        results.append((name, result, f"{(time.monotonic() - start) / 60:.0f} min"))
    print()
    for name, result, minutes in results:
        print(f"{name:<14} {minutes:>7}   {result}")
    sys.exit(any(result.startswith("FAILED") for _, result, _ in results))


if __name__ == "__main__":
    main()
