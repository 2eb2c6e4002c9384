"""The ways in agree: pip and conda ask for the same packages, in versions that Colab has."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement

from build_notebooks import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}

# What Colab shipped in August 2026. A floor above one of these would make pip upgrade it there,
# which is what breaks notebooks in Colab.
COLAB = {
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "einops": "0.8.2",
    "pandas": "2.2.3",
    "matplotlib": "3.10.0",
    "numpy": "2.1.3",
    "rich": "13.9.4",
    "pillow": "11.3.0",
    "ipywidgets": "7.7.1",
}


def requirements() -> dict[str, Requirement]:
    return {r.name: r for r in map(Requirement, PROJECT["dependencies"])}


def test_colabs_versions_satisfy_every_requirement():
    for name, version in COLAB.items():
        assert requirements()[name].specifier.contains(version), name


def test_conda_asks_for_what_pip_asks_for():
    specs = dict(re.fullmatch(r"(\S+)(?: (\S+))?", s).groups() for s in CONDA if isinstance(s, str))
    for name, requirement in requirements().items():
        assert specs[CONDA_NAMES.get(name, name)] == str(requirement.specifier), name
    assert {"pip": ["-e ."]} in CONDA


def test_the_wheel_takes_pictures_and_labels_along():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    included = wheel["targets"]["wheel"]["force-include"]
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
