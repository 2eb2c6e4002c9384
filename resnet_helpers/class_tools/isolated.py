"""nbgrader's autograding, with the one step replaced that runs learners' code.

nbgrader cleans a submission, puts its own check cells back and saves the points; in between, in
place of its Execute, the notebook is run and judged in a box of its own.
"""

from collections.abc import Mapping
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from traitlets import Float, Integer

from resnet_helpers.class_tools import box
from resnet_helpers.class_tools.limits import Limits

RECORD = "graded.json"  # beside the autograded notebook: what grade_all writes of it
LARGEST_FILE = 20_000_000  # of those that a learner hands in beside the notebook


class Isolated(NbGraderPreprocessor):
    """Runs and judges the notebook in a box; or takes what came of it on another machine."""

    seconds = Float(300, help="of the clock, for the whole notebook").tag(config=True)
    memory = Integer(2_000_000_000, help="bytes that all its processes may hold").tag(config=True)
    known: Mapping[tuple[str, str], box.Verdict] = {}  # by student and notebook

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        key = resources["nbgrader"]["student"], resources["nbgrader"]["notebook"]
        if key not in self.known:
            files = files_beside(Path(resources["metadata"]["path"]))
            limits = Limits(seconds=self.seconds, memory=self.memory)
            self.known = {**self.known, key: box.grade(nb, files, limits)}
        verdict = self.known[key]
        verdict.put_into(nb)
        for remark in verdict.remarks:
            self.log.warning("%s of %s: %s", key[1], key[0], remark)
        return nb, resources


PREPROCESSORS = [
    Isolated,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]


def files_beside(folder: Path) -> dict[str, bytes]:
    """What a learner has handed in beside the notebook, by name: my_resnet.py, say."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and not file.is_symlink()
        and file.suffix != ".ipynb"
        and file.name != RECORD
        and file.stat().st_size <= LARGEST_FILE
    }
