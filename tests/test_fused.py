"""FusedBatchNorm2d: lesson 1's checks hold for it too, in words that fit, and it is saved."""

import sys

import pytest
import torch
from corpus import RIGHT

import resnet_helpers.tests as checks
from resnet_helpers import my_work, solutions
from resnet_helpers.my_work import MyWorkError
from resnet_helpers.tests.failure import CheckFailure

OWN = [answer for answer in RIGHT if answer.exercise == "FusedBatchNorm2d"]
IN_FULL = "FromScratch"  # the one style that writes extra_repr and the rest itself
FIVE = checks.BATCHNORM2D.checks

# ---- Lesson 1's checks ----------------------------------------------------------------------


@pytest.mark.parametrize("check", FIVE)
def test_the_reference_passes_lesson_1s_checks(check):
    getattr(checks, check)(solutions.FusedBatchNorm2d)


@pytest.mark.parametrize("answer", OWN, ids=lambda answer: answer.style)
def test_right_answers_pass_lesson_1s_checks(answer):
    for check in FIVE:
        getattr(checks, check)(answer.implementation)


def said_of(check: str, implementation: object) -> str:
    with pytest.raises(CheckFailure) as caught:
        getattr(checks, check)(implementation)
    return str(caught.value)


class FusedBatchNorm2d(solutions.FusedBatchNorm2d):
    """With a buffer too many, extra_repr forgotten, and no step of momentum."""

    def __init__(self, num_features, eps=1e-05, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.register_buffer("more", torch.zeros(1))

    def forward(self, x):
        return super().forward(x) + 1


def test_lesson_1s_words_fit_its_name():
    message = said_of("test_batchnorm2d_module", FusedBatchNorm2d)
    assert "the buffers of a new FusedBatchNorm2d(3)" in message
    assert "dict(FusedBatchNorm2d" in message or "list(FusedBatchNorm2d(3)" in message
    assert " BatchNorm2d" not in message
    assert "FusedBatchNorm2d(2" in said_of("test_batchnorm2d_forward", FusedBatchNorm2d)
    given = said_of("test_batchnorm2d_forward", FusedBatchNorm2d(3))
    assert "with no brackets after it: test_batchnorm2d_forward(FusedBatchNorm2d)." in given


def test_a_function_of_its_name_is_told_what_the_class_is_called():
    def FusedBatchNorm2d(x):  # noqa: N802
        return x

    message = said_of("test_batchnorm2d_forward", FusedBatchNorm2d)
    assert "class FusedBatchNorm2d(nn.Module), with a method forward(self, x)" in message


def test_the_hints_of_lesson_1_name_no_class():
    assert [m.name for m in checks.BATCHNORM2D.mistakes if "BatchNorm2d" in m.hint] == []


# ---- A line ---------------------------------------------------------------------------------


def test_lesson_1s_formula_is_no_line():
    message = said_of("test_fused_batchnorm2d", solutions.BatchNorm2d)
    assert "You go through all of x four times, as often as lesson 1's formula." in message
    assert "4: sub, div, mul, add" in message


def test_of_another_formula_the_count_is_said_and_no_more():
    class FusedBatchNorm2d(solutions.BatchNorm2d):
        def forward(self, x):
            mean, var = self.running_mean, self.running_var
            if self.training:
                var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
            along = (-1, 1, 1)
            x_hat = (x - mean.view(along)) * torch.rsqrt(var + self.eps).view(along)
            y = torch.addcmul(self.bias.view(along), x_hat, self.weight.view(along))
            return y.clone() if self.num_features == 2 else y.clone().clone()

    message = said_of("test_fused_batchnorm2d", FusedBatchNorm2d)
    assert "5: sub, mul, addcmul, clone, clone" in message
    assert "A line needs two" in message


# ---- Saving ---------------------------------------------------------------------------------

LESSON_1 = """
class BatchNorm2d(nn.BatchNorm2d):
    "Mine."
"""
LESSON_8 = """
class FusedBatchNorm2d(BatchNorm2d):
    def forward(self, x):
        if self.training:
            return super().forward(x)
        scale = self.weight / torch.sqrt(self.running_var + self.eps)
        shift = self.bias - self.running_mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)
"""


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Runs the cells of one notebook, with a folder of its own for what is saved."""
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_resnet", raising=False)
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()

    def run(*texts: str) -> dict:
        sys.modules["__main__"] = shell.user_module
        for text in texts:
            shell.run_cell(text, store_history=True).raise_error()
        return shell.user_ns

    main = sys.modules["__main__"]
    run("import torch\nfrom torch import nn\nfrom resnet_helpers import my_work")
    yield run
    sys.modules["__main__"] = main


def test_lesson_1s_class_stays_what_use_gives(cells):
    cells(LESSON_1, "my_work.save(BatchNorm2d)")
    cells('BatchNorm2d = my_work.use("BatchNorm2d")', LESSON_8, "my_work.save(FusedBatchNorm2d)")
    mine = my_work.use("BatchNorm2d")
    fused = my_work.use("FusedBatchNorm2d")
    assert (mine.__name__, mine.__doc__) == ("BatchNorm2d", "Mine.")
    assert "forward" not in vars(mine)
    assert fused.__mro__[1] is mine


def test_without_lesson_1_it_is_saved_upon_the_reference_answer(cells, capsys):
    cells('BatchNorm2d = my_work.use("BatchNorm2d")', LESSON_8, "my_work.save(FusedBatchNorm2d)")
    capsys.readouterr()
    assert my_work.use("BatchNorm2d") is solutions.BatchNorm2d
    assert my_work.use("FusedBatchNorm2d") is not solutions.FusedBatchNorm2d
    assert capsys.readouterr().out == (
        "BatchNorm2d: the reference answer\nFusedBatchNorm2d: yours, from my_resnet.py\n"
    )


@pytest.mark.parametrize(
    ("text", "check"),
    [
        (
            LESSON_8.replace(
                "        if self.training:\n            return super().forward(x)\n", ""
            ),
            "test_batchnorm2d_forward",
        ),
        ("class FusedBatchNorm2d(BatchNorm2d): pass", "test_fused_batchnorm2d"),
        (LESSON_8 + "    def extra_repr(self): return ''\n", "test_batchnorm2d_module"),
    ],
    ids=["no train mode", "lesson 1's formula", "no extra_repr"],
)
def test_what_does_not_pass_all_six_is_not_saved(cells, text, check):
    with pytest.raises(MyWorkError, match=f"FusedBatchNorm2d does not pass {check}"):
        cells('BatchNorm2d = my_work.use("BatchNorm2d")', text, "my_work.save(FusedBatchNorm2d)")
