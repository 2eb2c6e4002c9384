"""Whether the published copy is one that a learner can use: `make publish-check`.

Clones the address that `repository` in pyproject.toml names, as a learner's machine would, and
looks at what it got: the notebooks install the course from there, their badges open themselves,
and the site made of them leads to files that are there. Each thing that is wrong is one line.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat

from build_notebooks import ROOT, repository

SITE_PYTHON = ROOT / ".venv-site" / "bin" / "python"
COLAB = "https://colab.research.google.com/github"

# What a learner's first minute needs: the set-up cell, then pictures and labels of the package.
FIRST_MINUTE = """{install}
import resnet_helpers
from resnet_helpers.images import load_images, load_labels
assert len(load_images()) == 10 and len(load_labels()) == 1000
print("installed in", resnet_helpers.__file__)
"""


class Copy:
    """A clone of the published copy: its address, folder, branch and notebooks."""

    def __init__(self, address: str, folder: Path):
        subprocess.run(["git", "clone", "--quiet", "--depth=1", address, folder], check=True)
        self.address = address.removesuffix(".git")
        self.folder = folder
        head = ["git", "-C", folder, "symbolic-ref", "--short", "HEAD"]
        self.branch = subprocess.check_output(head, text=True).strip()
        found = sorted((folder / "notebooks").rglob("*.ipynb"))
        self.notebooks = {file: nbformat.read(file, as_version=4) for file in found}

    def wrong_link(self, address: str) -> str | None:
        """What is wrong with a link into this copy; None if nothing is, or it leads elsewhere."""
        slug = self.address.removeprefix("https://github.com/")
        match = re.match(
            rf"(?:{COLAB}/{re.escape(slug)}|{re.escape(self.address)})/(?:blob|tree)/([^/]+)/(.*)",
            address,
        )
        if match is None:
            return f"opens another copy: {address}" if address.startswith(COLAB) else None
        branch, path = match.groups()
        if branch != self.branch:
            return f"opens the branch {branch}, and the copy's is {self.branch}"
        if not (self.folder / path.partition("#")[0]).exists():
            return f"opens {path}, which the copy has not"
        return None


def first_code_cell(notebook: nbformat.NotebookNode) -> str:
    """The source of the cell that installs the course."""
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def wrong_addresses(copy: Copy) -> Iterator[str]:
    """The notebooks whose first cell installs the course from elsewhere."""
    for file, notebook in copy.notebooks.items():
        address = re.search(r'^REPOSITORY = "(.*)"$', first_code_cell(notebook), re.MULTILINE)
        if address is None or address[1].removesuffix(".git") != copy.address:
            yield f"{file.name} installs from {(address and address[1]) or 'nowhere'}"


def wrong_badges(copy: Copy) -> Iterator[str]:
    """The notebooks on GitHub whose badge is missing or opens anything but themselves."""
    if not copy.address.startswith("https://github.com/"):
        return
    for file, notebook in copy.notebooks.items():
        path = file.relative_to(copy.folder)
        if (badge := re.search(rf"{COLAB}[^)]*", notebook.cells[0].source)) is None:
            yield f"{path} has no Colab badge"
        elif wrong := copy.wrong_link(badge[0]):
            yield f"the badge of {path} {wrong}"
        elif not badge[0].endswith(f"/{copy.branch}/{path}"):
            yield f"the badge of {path} opens another notebook: {badge[0]}"


def failed_installation(copy: Copy) -> Iterator[str]:
    """What the first notebook's first cell says where it fails, in a new environment.

    The environment has what this one has, PyTorch above all, except the course itself.
    """
    folder = Path(tempfile.mkdtemp(dir=copy.folder.parent))
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    [packages] = (folder / "env").glob("lib/python3*/site-packages")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "resnet_helpers" not in package.name and not (packages / package.name).exists():
            (packages / package.name).symlink_to(package)
    pip = {"NO_DEPS": "1", "IGNORE_INSTALLED": "1", "NO_BUILD_ISOLATION": "0"}  # 0 switches it off
    done = subprocess.run(
        [
            folder / "env/bin/python",
            "-c",
            FIRST_MINUTE.format(install=first_code_cell(first(copy))),
        ],
        cwd=folder,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        | {f"PIP_{name}": value for name, value in pip.items()},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 or str(folder) not in done.stdout.splitlines()[-1]:
        yield f"the first cell does not install the course:\n{done.stdout}{done.stderr}"


def first(copy: Copy) -> nbformat.NotebookNode:
    """The first lesson's notebook."""
    return copy.notebooks[min(file for file in copy.notebooks if file.parent.name == "notebooks")]


def wrong_links_of_the_site(copy: Copy) -> Iterator[str]:
    """Why the site cannot be built, or those of its links into the copy that lead nowhere."""
    build = [SITE_PYTHON, copy.folder / "site" / "build.py"]
    done = subprocess.run(build, capture_output=True, text=True)
    if done.returncode != 0:
        yield f"the site cannot be built:\n{done.stdout}{done.stderr}"
    for page in sorted(copy.folder.glob("build/site/html/**/*.html")):
        for address in set(re.findall(r'href="([^"]+)"', page.read_text(encoding="utf-8"))):
            if wrong := copy.wrong_link(address):
                yield f"a link of the site's {page.name} {wrong}"


CHECKS = {
    "the notebooks install the course from there": wrong_addresses,
    "the badges open the notebook that they stand in": wrong_badges,
    "the first cell installs it in a new environment": failed_installation,
    "the site's links lead to what is there": wrong_links_of_the_site,
}


def main() -> None:
    """Print what holds and what does not; exit status 1 if anything does not."""
    if not (address := repository()):
        sys.exit(
            "Set repository in pyproject.toml to the copy's address, "
            '"https://github.com/YOU/REPO", run `make notebooks`, commit and push: then there is '
            "something to check."
        )
    is_well = True
    with tempfile.TemporaryDirectory() as folder:
        try:
            copy = Copy(address, Path(folder, "copy"))
        except subprocess.CalledProcessError:
            sys.exit(f"git cannot clone {address}: what it says is above.")
        for name, check in CHECKS.items():
            problems = list(check(copy))
            print("no:" if problems else "yes:", name, *problems, sep="\n    " if problems else " ")
            is_well &= not problems
    if not is_well:
        sys.exit("Mend that, run `make notebooks`, commit, push, and check again.")


if __name__ == "__main__":
    main()
