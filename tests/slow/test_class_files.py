"""What a class got wrong, found out from files my_resnet.py, whatever their code does."""

import pytest

from resnet_helpers.answers import answers_to
from resnet_helpers.class_tools.findings import FAILED, PASSED, in_file
from resnet_helpers.class_tools.limits import Limits

POOL = answers_to("AveragePool")
HEAD = "import os\n\nimport torch\nfrom einops import reduce\nfrom torch import nn\n\n\n"
[SUM] = [answer.source for answer in POOL.wrong_ones if answer.mistake == "sum"]
RIGHT = POOL.right_ones["Einops"].source

FILES = {
    "right": (HEAD + RIGHT, PASSED),
    "sum": (HEAD + SUM, FAILED),
    "loops": (HEAD + RIGHT + "\n\nwhile True:\n    pass\n", FAILED),
    "ends": (HEAD + RIGHT + "\n\nos._exit(0)\n", FAILED),
    "does not run": (HEAD + RIGHT + "\n\n1 / 0\n", FAILED),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_checked_in_a_process_that_can_be_stopped(name, tmp_path):
    text, state = FILES[name]
    file = tmp_path / "my_resnet.py"
    file.write_text(text, encoding="utf-8")
    [finding] = in_file(file, "somebody", Limits(seconds=120))  # a check may take 30
    assert (finding.exercise, finding.state) == ("AveragePool", state)
    assert bool(finding.mistakes) == (name == "sum")


def test_what_is_no_python_is_left_out(tmp_path):
    file = tmp_path / "my_resnet.py"
    file.write_text("def (", encoding="utf-8")
    assert in_file(file, "somebody", Limits()) == []
