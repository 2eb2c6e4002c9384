"""The ways in agree: pip and conda ask for the same packages, in versions that Colab has."""

import ast
import re
import tomllib

import pytest
import yaml
from environments import COLAB
from packaging.requirements import Requirement

from build_notebooks import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
PYTHONS = [
    name.rpartition(" ")[2]
    for name in PROJECT["classifiers"]
    if name.startswith("Programming Language :: Python :: 3.")
]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def requirements() -> dict[str, Requirement]:
    return {r.name: r for r in map(Requirement, PROJECT["dependencies"])}


def test_colabs_versions_satisfy_every_requirement():
    for name in COLAB.keys() & requirements().keys():
        assert requirements()[name].specifier.contains(COLAB[name]), name


def test_conda_asks_for_what_pip_asks_for_and_for_a_jupyterlab():
    python, *specs, pip, ours = CONDA
    assert (pip, ours) == ("pip", {"pip": ["-e ."]})
    # in this form alone repo2docker (Binder) finds the version
    assert re.fullmatch(r"python=(3\.\d+)", python)[1] in PYTHONS
    dev = {r.name: r for r in map(Requirement, PROJECT["optional-dependencies"]["dev"])}
    wanted = [*requirements().values(), dev["jupyterlab"], dev["nbval"]]
    assert specs == [f"{CONDA_NAMES.get(r.name, r.name)} {r.specifier}" for r in wanted]


def test_the_oldest_python_declared_is_the_oldest_allowed():
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{PYTHONS[0].replace('.', '')}"


def test_ci_takes_the_oldest_python_with_the_oldest_versions_and_the_newest():
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    runs = workflow["jobs"]["test"]["strategy"]["matrix"]["include"]
    commands = {run["python"]: run["command"] for run in runs}
    assert set(commands) <= set(PYTHONS)
    assert commands[PYTHONS[0]] == "make test-floor"
    assert commands[PYTHONS[-1]] == ".ci/run"
    assert {"push", "schedule"} <= set(workflow[True])  # YAML's 1.1 reads the word `on` so
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"uv venv --clear --python {PYTHONS[0]} " in makefile


FOLDERS = ("resnet_helpers", "tests", "benchmarks", "site")
CODE = [*ROOT.glob("*.py"), *(file for name in FOLDERS for file in ROOT.glob(f"{name}/**/*.py"))]


def names_no_encoding(call: ast.Call) -> bool:
    """Whether the call reads or writes text in the encoding that the machine likes best."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="Image")):  # Pillow's open
            return False
        case ast.Attribute(attr="open") | ast.Name(id="open"):
            modes = [a.value for a in call.args if isinstance(a, ast.Constant)]
            if any(mode in ("rb", "wb", "ab") for mode in modes):
                return False
        case ast.Attribute(attr="read_text" | "write_text"):
            pass
        case _:
            return False
    return "encoding" not in {keyword.arg for keyword in call.keywords}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("file.read_text()", True),
        ("file.write_text('a')", True),
        ("open(file)", True),
        ("file.open('a')", True),
        ("file.open('rb')", False),
        ("file.read_text(encoding='utf-8')", False),
        ("Image.open(file)", False),
    ],
)
def test_a_forgotten_encoding_is_noticed(call, expected):
    assert names_no_encoding(ast.parse(call).body[0].value) is expected


def test_every_file_is_read_and_written_as_utf_8():
    """Windows takes another encoding unless told, and the lessons are full of arrows and dashes."""
    forgotten = [
        f"{file}:{node.lineno}"
        for file in CODE
        if file.parent.name != "fresh_answers"  # those are as their writers left them
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and names_no_encoding(node)
    ]
    assert forgotten == []


def test_the_wheel_takes_pictures_and_labels_along():
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    included = wheel["force-include"]
    assert included == {
        name: f"resnet_helpers/{name}" for name in ("resnet_inputs", "imagenet_labels.json")
    }
    assert all((ROOT / name).exists() for name in included)


def test_the_metadata_names_the_pictures_licences():
    """Each licence that a row of CREDITS.md links to, by its SPDX name, and MIT for the code."""
    spdx = {
        "gnu.org/licenses/gpl-3.0": "GPL-3.0-only",
        "creativecommons.org/publicdomain/zero/1.0": "CC0-1.0",
        "creativecommons.org/licenses/by/3.0": "CC-BY-3.0",
        "creativecommons.org/licenses/by-sa/4.0": "CC-BY-SA-4.0",
    }
    credits = (ROOT / "resnet_inputs" / "CREDITS.md").read_text(encoding="utf-8")
    rows = [line.split("|")[4] for line in credits.splitlines() if line.startswith("| `")]
    assert len(rows) == 10
    named = set()
    for licence in rows:
        found = {name for address, name in spdx.items() if address in licence}
        assert found or "public domain" in licence, licence
        named |= found
    assert set(PROJECT["license"].split(" AND ")) == named | {"MIT"}
    assert all((ROOT / file).is_file() for file in PROJECT["license-files"])
