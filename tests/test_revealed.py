"""What was revealed and then saved is the reference answer, and `use` calls it so.

Whatever a learner has a hand in is the learner's: a stub filled in, an answer rewritten or typed.
"""

import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

import resnet_helpers.tests as checks
from resnet_helpers import my_work, practice
from resnet_helpers.my_work.revealed import MARK, is_revealed
from resnet_helpers.my_work.source import statements
from resnet_helpers.practice import answer_up_to, reveal

IMPORTS = """
from collections import OrderedDict
from collections.abc import Sequence
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from resnet_helpers import my_work
from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential
"""
STUB = "        raise NotImplementedError()"
REVEALED = "the reference answer, as it was revealed and saved in my_resnet.py"
YOURS = "yours, from my_resnet.py"


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A notebook with the course's names, into whose next cell an answer is revealed."""
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_resnet", raising=False)
    shell = InteractiveShell()
    monkeypatch.setattr(practice, "get_ipython", lambda: shell)
    monkeypatch.setitem(sys.modules, "__main__", shell.user_module)
    shell.run_cell(IMPORTS, store_history=True).raise_error()
    return shell


@pytest.fixture
def said(shell, capsys):
    """A function that runs a cell, saves what it defines, and returns what `use` says of it."""

    def said(name: str, cell: str) -> str:
        shell.run_cell(cell, store_history=True).raise_error()
        shell.run_cell(f"my_work.save({name})", store_history=True).raise_error()
        capsys.readouterr()
        my_work.use(name)
        return capsys.readouterr().out.removeprefix(f"{name}: ").rstrip()

    return said


@pytest.mark.parametrize("name", ["AveragePool", "NamedSequential", "predict"])
def test_what_was_revealed_and_saved_is_called_so(name, shell, said):
    reveal(name)
    assert said(name, shell.rl_next_input) == REVEALED


@pytest.mark.parametrize("name", [exercise.name for exercise in checks.EXERCISES])
def test_every_answer_is_known_when_it_is_revealed(name):
    for statement in statements(answer_up_to(name)):
        [called] = statement.names
        assert is_revealed(called, statement.source)
        assert not is_revealed(called, statement.source.replace(MARK, ""))


REWRITTEN = {
    "AveragePool": ("dim=(2, 3)", "dim=(-2, -1)"),
    "BatchNorm2d": (", momentum={self.momentum}", ", {self.momentum}"),
    "predict": ("probabilities", "p"),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_who_rewrites_it_is_called_its_writer(name, said):
    cell = answer_up_to(name)
    assert said(name, cell) == REVEALED
    assert said(name, cell.replace(*REWRITTEN[name])) == YOURS
    assert said(name, cell) == REVEALED


@pytest.mark.parametrize(
    "reworded",
    [
        lambda cell: cell.replace("if self.training:\n", "if (self.training):  # mine\n\n"),
        lambda cell: cell.replace('"""Normalise', '"""I normalise'),
        lambda cell: f"import math\n\n\n# mine\n{cell}\n\nx = 1",
        lambda cell: "%%time\n" + cell,
    ],
    ids=["comment", "docstring", "around", "magic"],
)
def test_other_wording_is_no_rewriting(reworded, said):
    cell = answer_up_to("BatchNorm2d")
    assert reworded(cell) != cell
    assert said("BatchNorm2d", reworded(cell)) == REVEALED


FINISHED = [
    "        return str((self.num_features, self.eps, self.momentum))",
    '        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"',  # as ours
]


@pytest.mark.parametrize("last", FINISHED, ids=["other words", "the same words"])
def test_an_answer_finished_by_a_learner_is_the_learners(last, said):
    begun = answer_up_to("BatchNorm2d", 2)
    assert begun.count(STUB) == 1
    assert said("BatchNorm2d", begun.replace(STUB, last)) == YOURS


def test_an_answer_typed_word_for_word_is_the_learners(said):
    typed = answer_up_to("AveragePool").replace(f"    {MARK}\n", "")
    assert MARK not in typed
    assert said("AveragePool", typed) == YOURS


def test_all_steps_are_the_whole_answer():
    assert MARK in answer_up_to("BatchNorm2d", 3)
    assert MARK not in answer_up_to("BatchNorm2d", 2)


def test_the_mark_on_a_piece_of_ones_own_says_nothing(said):
    assert said("double", f"def double(x):\n    {MARK}\n    return 2 * x") == YOURS
