"""my_work: what a learner typed into a notebook is saved, found again, and never lost."""

import subprocess
import sys
import textwrap

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from resnet_helpers import my_work, solutions
from resnet_helpers.my_work import MyWorkError

BATCHNORM = '''
class BatchNorm2d(nn.Module):
    """Mine."""

    def __init__(self, num_features: int, eps=1e-05):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))

    def forward(self, x: Float[Tensor, "batch channels height width"]):
        mean = einops.reduce(x, "b c h w -> 1 c 1 1", "mean")
        return F.relu(x - mean) * rearrange(self.weight, "c -> 1 c 1 1")
'''
IMPORTS = """
import einops
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from resnet_helpers import my_work
from resnet_helpers.layers import Conv2d
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    return tmp_path


@pytest.fixture
def notebook(folder):
    """Runs cells as a notebook does, in a fresh IPython."""
    shell = InteractiveShell()

    def run(*cells: str):
        for cell in cells:
            shell.run_cell(textwrap.dedent(cell), store_history=True).raise_error()
        return shell.user_ns

    run(IMPORTS)
    return run


def saved(folder) -> str:
    return (folder / "my_resnet.py").read_text()


def test_a_class_of_a_notebook_is_saved_with_its_imports_and_used_again(notebook, folder, capsys):
    notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    assert capsys.readouterr().out == "Saved BatchNorm2d in my_resnet.py.\n"
    text = saved(folder)
    assert BATCHNORM.strip() in text
    for line in IMPORTS.strip().splitlines()[:5]:
        assert line in text
    assert "from torch import nn" in text
    assert "Conv2d" not in text  # imported in the notebook, but not used by the class
    mine = my_work.use("BatchNorm2d")
    assert capsys.readouterr().out == "BatchNorm2d: yours, from my_resnet.py\n"
    assert mine.__doc__ == "Mine."
    assert mine(3)(torch.ones(2, 3, 4, 4)).shape == (2, 3, 4, 4)


def test_the_file_runs_by_itself(notebook, folder):
    notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    done = subprocess.run([sys.executable, folder / "my_resnet.py"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_where_nothing_is_saved_the_reference_is_used_and_named(folder, capsys):
    assert my_work.use("AveragePool") is solutions.AveragePool
    assert capsys.readouterr().out == "AveragePool: the reference answer\n"


def test_several_names_give_a_tuple_of_own_and_reference(notebook, capsys):
    notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    mine, reference = my_work.use("BatchNorm2d", "AveragePool")
    assert mine.__doc__ == "Mine."
    assert reference is solutions.AveragePool
    assert capsys.readouterr().out.endswith(
        "BatchNorm2d: yours, from my_resnet.py\nAveragePool: the reference answer\n"
    )


def test_saving_again_replaces_that_class_and_keeps_the_rest(notebook, folder):
    pool = "class AveragePool(nn.Module):\n    def forward(self, x): return x.mean((2, 3))"
    notebook(BATCHNORM, pool, "my_work.save(BatchNorm2d, AveragePool)")
    path = folder / "my_resnet.py"
    path.write_text(saved(folder).replace('"""Mine."""', '"""Edited."""') + "\n# a note\n")
    notebook(pool.replace("(2, 3)", "(-2, -1)"), "my_work.save(AveragePool)")
    text = saved(folder)
    assert '"""Edited."""' in text
    assert "# a note" in text
    assert text.count("class AveragePool") == 1
    assert "(-2, -1)" in text
    before = text
    notebook("my_work.save(AveragePool)")
    assert saved(folder) == before


def test_a_redefined_class_is_saved_as_it_is_now(notebook, folder):
    notebook(BATCHNORM, BATCHNORM.replace("Mine.", "Second."), "my_work.save(BatchNorm2d)")
    assert "Second." in saved(folder)
    assert "Mine." not in saved(folder)


def test_helpers_of_the_notebook_go_along(notebook, folder):
    notebook(
        "def per_channel(v):\n    return v.view(1, -1, 1, 1)",
        "class Base(nn.Module):\n    def forward(self, x): return per_channel(x)",
        "class Scale(Base):\n    def twice(self, x): return self(2 * x)",
        "my_work.save(Scale)",
    )
    module, trouble = my_work._load()
    assert trouble == ""
    assert module.Scale().twice(torch.ones(3)).shape == (1, 3, 1, 1)


def test_two_functions_that_use_each_other(notebook, folder):
    notebook(
        "def even(n):\n    return n == 0 or odd(n - 1)",
        "def odd(n):\n    return n != 0 and even(n - 1)",
        "my_work.save(even)",
    )
    assert my_work._load()[0].even(4) is True


def test_a_learners_own_piece_takes_the_references_place(notebook, folder):
    notebook(
        "BatchNorm2d = my_work.use('BatchNorm2d')",
        "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.bn = BatchNorm2d(4)\n\n    def forward(self, x): return self.bn(x)",
        "my_work.save(Block)",
    )
    assert "from resnet_helpers.solutions import BatchNorm2d" in saved(folder)
    notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    assert "resnet_helpers.solutions" not in saved(folder)
    assert my_work._load()[0].Block().bn.__doc__ == "Mine."


def test_an_annotation_may_name_a_piece_that_is_saved_later(notebook, folder):
    notebook(
        "BatchNorm2d = my_work.use('BatchNorm2d')",
        "def double(norm: BatchNorm2d) -> BatchNorm2d:\n    return norm",
        "my_work.save(double)",
        BATCHNORM,
        "my_work.save(BatchNorm2d)",
    )
    assert saved(folder).index("def double") < saved(folder).index("class BatchNorm2d")
    assert my_work._load()[1] == ""


def test_a_function(notebook, folder):
    notebook(
        "def predict(model, images):\n    return model(images).max(1)", "my_work.save(predict)"
    )
    assert my_work.use("predict").__module__ == "my_resnet"


def test_a_broken_file_is_not_overwritten_and_not_used(notebook, folder, capsys):
    path = folder / "my_resnet.py"
    path.write_text("import torch\nclass AveragePool(:\n")
    with pytest.raises(MyWorkError, match=r"my_resnet.py is not valid Python \(line 2"):
        notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    assert saved(folder) == "import torch\nclass AveragePool(:\n"
    assert my_work.use("AveragePool") is solutions.AveragePool
    out = capsys.readouterr().out
    assert "my_resnet.py does not run (line 2: SyntaxError" in out
    assert "the reference answers are used" in out


def test_a_file_that_raises_names_its_line(folder, capsys):
    (folder / "my_resnet.py").write_text("x = 1\n\nclass A(nn.Module): pass\n")
    my_work.use("AveragePool")
    assert "(line 3: NameError: name 'nn' is not defined)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["WIDTH = 3", "def f(x):\n    return WIDTH * x"], "uses WIDTH, which is neither imported"),
        (["def f(x):\n    return nowhere(x)"], "uses nowhere, which is not defined"),
        (["def g(x):\n    return x", "h = g", "def f(x):\n    return h(x)"], "is g under another"),
        (["f = 3"], "has no source"),
        (["class f(nn.Module):\n    pass"], "has no source"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_written(notebook, folder, cells, message):
    with pytest.raises(MyWorkError, match=message):
        notebook(*cells, "my_work.save(f)")
    assert not (folder / "my_resnet.py").exists()


def test_two_imports_of_one_name_are_not_mixed_up(notebook, folder):
    notebook(
        "from einops import reduce",
        "def f(x):\n    return reduce(x, 'b c -> b', 'mean')",
        "my_work.save(f)",
        "from functools import reduce",
        "def g(x):\n    return reduce(max, x)",
    )
    before = saved(folder)
    with pytest.raises(MyWorkError, match="use another name for one of the two"):
        notebook("my_work.save(g)")
    assert saved(folder) == before


@pytest.mark.parametrize(
    ("name", "meant"), [("BatchNorm", "did you mean BatchNorm2d"), ("xyz", "check the spelling")]
)
def test_a_name_of_no_exercise_is_refused(folder, name, meant):
    with pytest.raises(MyWorkError, match=f"No exercise is called {name}, .*{meant}"):
        my_work.use(name)
