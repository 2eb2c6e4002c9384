"""my_work: what a learner typed into a notebook is saved, found again, and never lost.

tests/slow/ has the many styles of code, each saved in one process and used in another.
"""

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from resnet_helpers import my_work, solutions
from resnet_helpers.my_work import MyWorkError, disk

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
SCALE = '''
class Scale(nn.Module):
    """Mine."""

    def __init__(self, num_features: int, eps=1e-05):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))

    def forward(self, x: Float[Tensor, "batch channels height width"]):
        mean = einops.reduce(x, "b c h w -> 1 c 1 1", "mean")
        return F.relu(x - mean) * rearrange(self.weight, "c -> 1 c 1 1")
'''
POOL = "class AveragePool(nn.Module):\n    def forward(self, x): return x.mean((2, 3))"
BATCHNORM = 'class BatchNorm2d(nn.BatchNorm2d):\n    "Mine."'
BLOCK = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = BatchNorm2d(4)

    def forward(self, x): return self.bn(x)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_resnet", raising=False)
    return tmp_path


@pytest.fixture
def new_notebook(folder):
    """Makes a fresh IPython, as a function that runs cells in it as a notebook does."""

    def make():
        shell = InteractiveShell()

        def run(*cells: str):
            sys.modules["__main__"] = shell.user_module
            for cell in cells:
                shell.run_cell(textwrap.dedent(cell), store_history=True).raise_error()
            return shell.user_ns

        run(IMPORTS)
        return run

    return make


@pytest.fixture
def notebook(new_notebook):
    return new_notebook()


def saved(folder) -> str:
    return (folder / "my_resnet.py").read_text(encoding="utf-8")


# ---- Saving -------------------------------------------------------------------------------------


def test_a_class_of_a_notebook_is_saved_with_its_imports_and_used_again(notebook, folder, capsys):
    notebook(SCALE, "my_work.save(Scale)")
    assert capsys.readouterr().out == "Saved Scale in my_resnet.py.\n"
    text = saved(folder)
    assert SCALE.strip() in text
    for line in IMPORTS.strip().splitlines()[:5]:
        assert line in text
    assert "from torch import nn" in text
    assert "Conv2d" not in text  # imported in the notebook, but not used by the class
    mine = my_work.use("Scale")
    assert capsys.readouterr().out == "Scale: yours, from my_resnet.py\n"
    assert mine.__doc__ == "Mine."
    assert mine(3)(torch.ones(2, 3, 4, 4)).shape == (2, 3, 4, 4)


def test_the_file_runs_by_itself(notebook, folder):
    notebook(SCALE, "my_work.save(Scale)")
    done = subprocess.run([sys.executable, folder / "my_resnet.py"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_saving_again_replaces_that_class_and_keeps_the_rest(notebook, folder):
    notebook(SCALE, POOL, "my_work.save(Scale, AveragePool)")
    path = folder / "my_resnet.py"
    path.write_text(
        saved(folder).replace('"""Mine."""', '"""Edited."""') + "\n# a note\n", encoding="utf-8"
    )
    notebook(POOL.replace("(2, 3)", "(-2, -1)"), "my_work.save(AveragePool)")
    text = saved(folder)
    assert '"""Edited."""' in text
    assert "# a note" in text
    assert text.count("class AveragePool") == 1
    assert "(-2, -1)" in text


def test_saving_what_is_there_leaves_the_file_alone(notebook, folder):
    notebook(POOL, "my_work.save(AveragePool)")
    os.utime(folder / "my_resnet.py", (1, 1))
    notebook("my_work.save(AveragePool)", "AveragePool = my_work.use('AveragePool')")
    notebook("my_work.save(AveragePool)")
    assert (folder / "my_resnet.py").stat().st_mtime == 1


def test_a_redefined_class_is_saved_as_it_is_now(notebook, folder):
    notebook(SCALE, SCALE.replace("Mine.", "Second."), "my_work.save(Scale)")
    assert "Second." in saved(folder)
    assert "Mine." not in saved(folder)


def test_a_helper_that_changed_is_saved_as_it_is_now(notebook, folder):
    notebook(
        "def helper(x):\n    return 2 * x",
        "def f(x):\n    return helper(x)",
        "my_work.save(f)",
        "def helper(x):\n    return 3 * x",
        "my_work.save(f)",
    )
    assert my_work.use("f")(1) == 3
    assert saved(folder).count("def helper") == 1


def test_a_name_that_nobody_uses_any_more_may_change_its_meaning(notebook, folder):
    notebook(
        "from einops import reduce",
        "def f(x):\n    return reduce(x, 'b c -> b', 'mean')",
        "my_work.save(f)",
        "from functools import reduce",
        "def f(x):\n    return reduce(max, x)",
        "my_work.save(f)",
    )
    assert my_work.use("f")([1, 3, 2]) == 3
    assert "einops" not in saved(folder)


def test_a_learners_own_piece_takes_the_references_place(notebook, folder):
    notebook("BatchNorm2d = my_work.use('BatchNorm2d')", BLOCK, "my_work.save(Block)")
    assert "from resnet_helpers.solutions import BatchNorm2d" in saved(folder)
    notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    assert "resnet_helpers.solutions" not in saved(folder)
    assert my_work.use("Block")().bn.__doc__ == "Mine."


def test_a_piece_that_is_saved_later_comes_before_those_that_need_it_at_once(notebook, folder):
    notebook(
        "BatchNorm2d, AveragePool = my_work.use('BatchNorm2d', 'AveragePool')",
        "# derived\nclass Pool(AveragePool):\n    norm = BatchNorm2d(3)",
        "def double(norm: BatchNorm2d) -> BatchNorm2d:\n    return norm",
        "my_work.save(Pool, double)",
        BATCHNORM,
        "def mean(x):\n    return x.mean((2, 3))",
        "class AveragePool(nn.Module):\n    def forward(self, x): return mean(x)",
        "my_work.save(AveragePool, BatchNorm2d)",
    )
    pool = my_work.use("Pool")
    assert pool()(torch.ones(1, 2, 3, 3)).shape == (1, 2)
    assert pool.norm.__doc__ == "Mine."


def test_a_newer_piece_of_another_notebook_is_kept(new_notebook, folder):
    first, second = new_notebook(), new_notebook()
    first(BATCHNORM, "my_work.save(BatchNorm2d)")
    second("BatchNorm2d = my_work.use('BatchNorm2d')", BLOCK)
    first(BATCHNORM.replace("Mine", "Newer"), "my_work.save(BatchNorm2d)")
    second("my_work.save(Block)")
    assert my_work.use("Block")().bn.__doc__ == "Newer."


def test_another_name_for_a_class_is_saved_with_it(notebook, folder, capsys):
    notebook(POOL.replace("AveragePool", "MyPool"), "AveragePool = MyPool")
    notebook("my_work.save(AveragePool)")
    assert "Saved MyPool and AveragePool in" in capsys.readouterr().out
    assert my_work.use("AveragePool") is my_work.use("MyPool")


def test_the_reference_answers_can_be_saved_as_in_a_lesson_that_is_run_as_it_is(folder, capsys):
    my_work.save(*(getattr(solutions, name) for name in ("AveragePool", "add_hook")))
    add_hook, pool = my_work.use("add_hook", "AveragePool")
    assert (add_hook.__module__, pool.__module__) == ("my_resnet", "my_resnet")


def test_saving_leaves_no_trace_in_this_process(notebook, folder, capsys):
    before = set(sys.modules) | {"my_resnet"}
    notebook(POOL, "class f(AveragePool): seed = torch.rand(1).shape")
    random = torch.get_rng_state()
    notebook("my_work.save(f)")
    assert torch.equal(torch.get_rng_state(), random)
    assert "my_resnet" not in sys.modules
    assert {name for name in set(sys.modules) - before if "my_resnet" in name} == set()
    assert [path.name for path in folder.iterdir()] == ["my_resnet.py"]


# ---- What is refused ----------------------------------------------------------------------------

F = "def f(x):\n    return {}"
REFUSED = {
    "a name that is nowhere": ([F.format("nowhere(x)")], "f uses nowhere, which is not defined"),
    "a network": (
        ["net = nn.Linear(2, 2)", F.format("net(x)")],
        "net would have another value in a new notebook",
    ),
    "a long computation": (
        ["def train(): return nn.ReLU()", "net = train()", F.format("net(x)")],
        "f uses net, which was computed in this notebook",
    ),
    "a file": (
        ["text = open(my_work.__file__)", F.format("text.read()")],
        "f uses text, which was computed in this notebook",
    ),
    "a table that was filled later": (
        ["TABLE = {}", "TABLE['relu'] = F.relu", F.format("TABLE['relu'](x)")],
        "TABLE would have another value in a new notebook",
    ),
    "a stub": (
        ["def diagnoses():\n    raise NotImplementedError()\nf = diagnoses"],
        "diagnoses still",
    ),
    "no class": (
        ["f = 3"],
        "An object of type int has no source that could be saved",
    ),
    "an object": (["f = nn.ReLU()"], r"Pass the class, .*my_work.save\(ReLU\)"),
    "a name in quotes": (["f = 'BatchNorm2d'"], r"without quotes: my_work.save\(BatchNorm2d\)"),
    "PyTorch's": (["f = nn.ReLU"], "f is not yours but part of torch,"),
    "Python's": (["f = print"], "f is not yours but part of Python,"),
    "the given layers": (["f = Conv2d"], "Conv2d is not yours but part of resnet_helpers,"),
    "a method from outside": (
        ["class f(nn.Module): pass", "f.forward = lambda self, x: x"],
        "f.forward is not what the text of its cell makes it",
    ),
    "a method changed from outside": (
        [POOL, "def forward(self, x): return 0", "AveragePool.forward = forward\nf = AveragePool"],
        "AveragePool.forward is not what",
    ),
    "a method changed from outside, in a text that sets such methods itself": (
        [
            "class f:\n    def forward(self): return 1\n    def other(self, x): x.forward = 2",
            "def forward(self): return 3",
            "f.forward = forward",
        ],
        "f.forward is not what",
    ),
    "an attribute of a function": ([F.format("f._n * x"), "f._n = 3"], "f._n is not what"),
    "decorated from outside": (
        [F.format("x"), "g = torch.no_grad()(f)", "f = g"],
        "f is not what|f.* has no source",
    ),
    "a decorator that changed since": (
        [
            "def deco(g):\n    return lambda x: g(x) + 1",
            "@deco\ndef f(x):\n    return x",
            "def deco(g):\n    return lambda x: g(x) + 2",
        ],
        "f is not what the text of its cell makes it",
    ),
    "a base that changed since": (
        ["class A:\n    n = 1", "class f(A): pass", "class A:\n    n = 2"],
        "is not what the text of its cell makes it",
    ),
    "derived from its former self": (
        [POOL, "class AveragePool(AveragePool): pass\nf = AveragePool"],
        "AveragePool is made from a former AveragePool",
    ),
    "wrapped over itself": (
        [F.format("x"), "f = torch.no_grad()(f)"],
        "f is made from a former f|f.* is not what",
    ),
    "made with exec": (["exec('def f(x): return x')"], "f has no source that could be saved"),
    "a registration in a statement of its own": (
        [
            "from functools import singledispatch",
            "@singledispatch\ndef f(x):\n    return 1",
            "@f.register\ndef _(x: int):\n    return 2",
        ],
        "f.* is not what the text of its cell makes it",
    ),
}


@pytest.mark.parametrize(("cells", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_saved_is_said_and_nothing_is_written(notebook, folder, cells, message):
    with pytest.raises(MyWorkError, match=message) as caught:
        notebook(*cells, "my_work.save(f)")
    assert not (folder / "my_resnet.py").exists()
    assert "\n" not in str(caught.value)


def test_nothing_to_save(notebook):
    with pytest.raises(MyWorkError, match="Pass what is to be saved"):
        notebook("my_work.save()")


def test_a_module_that_only_this_notebook_finds(notebook, folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "my_tools_elsewhere.py").write_text("def half(x): return x / 2", encoding="utf-8")
    notebook(f"import sys; sys.path.append({str(elsewhere)!r})")
    try:
        notebook("from my_tools_elsewhere import half", "def f(x):\n    return half(x)")
        with pytest.raises(MyWorkError, match="half is imported from my_tools_elsewhere, which a"):
            notebook("my_work.save(f)")
    finally:
        sys.path.remove(str(elsewhere))


def test_two_imports_of_one_name_are_not_mixed_up(notebook, folder):
    notebook(
        "from einops import reduce",
        "def f(x):\n    return reduce(x, 'b c -> b', 'mean')",
        "my_work.save(f)",
        "from functools import reduce",
        "def g(x):\n    return reduce(max, x)",
    )
    before = saved(folder)
    with pytest.raises(MyWorkError, match=r"f in my_resnet\.py uses another reduce than this"):
        notebook("my_work.save(g)")
    assert saved(folder) == before


def test_a_helper_that_another_piece_uses_is_not_changed_under_it(notebook, folder):
    notebook(
        "def helper():\n    return 1",
        "def f():\n    return helper()",
        "def g():\n    return helper()",
        "my_work.save(f, g)",
        "def helper():\n    return 2",
    )
    with pytest.raises(MyWorkError, match=r"g in my_resnet.py uses another helper.*save\(f, g\)"):
        notebook("my_work.save(f)")
    assert my_work.use("f")() == my_work.use("g")() == 1
    notebook("my_work.save(f, g)")
    assert my_work.use("f")() == my_work.use("g")() == 2


# ---- Checks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "check"),
    [
        ("class AveragePool(nn.Module):\n    def forward(self, x): return x", "test_averagepool"),
        (
            "class AveragePool(nn.Module):\n    def forward(self, x): raise NotImplementedError()",
            "test_averagepool",
        ),
        (BATCHNORM + "\n    def extra_repr(self): return ''", "test_batchnorm2d_module"),
        ("class NamedResidualBlock(nn.Identity): pass", "test_residual_block"),
    ],
)
def test_what_does_not_pass_its_check_is_not_saved(notebook, folder, capsys, cell, check):
    name = cell.split("class ")[1].split("(")[0]
    with pytest.raises(MyWorkError) as caught:
        notebook(cell, f"my_work.save({name})")
    assert str(caught.value) == (
        f"{name} does not pass {check}, so it was not saved: run tests.{check}({name}), which says "
        "why."
    )
    assert not (folder / "my_resnet.py").exists()
    assert "passed" not in capsys.readouterr().out


def test_a_wrong_piece_is_not_saved_along_with_a_right_one(notebook, folder):
    notebook(POOL.replace("2, 3", "1, 2"), "def f(x):\n    return AveragePool()(x)")
    with pytest.raises(MyWorkError, match="AveragePool does not pass test_averagepool"):
        notebook("my_work.save(f)")


def test_a_piece_that_is_right_here_and_wrong_with_what_the_file_has(notebook, folder):
    wrong = "class AveragePool(nn.Module):\n    def forward(self, x): return x"
    (folder / "my_resnet.py").write_text(f"from torch import nn\n{wrong}\n", encoding="utf-8")
    notebook(
        "from resnet_helpers.solutions import AveragePool as Pool, NanModule as Nan",
        "from resnet_helpers.solutions import AveragePool",
        "class NanModule(nn.Module):\n    def forward(self, x):\n"
        "        AveragePool()(torch.ones(1, 1, 2, 2)).view(1, 1)\n"
        "        return torch.full_like(x, torch.nan)",
    )
    before = saved(folder)
    with pytest.raises(MyWorkError, match="NanModule passes test_nan_module here, but not with"):
        notebook("my_work.save(NanModule)")
    assert saved(folder) == before


def test_a_piece_that_would_spoil_another_one(notebook, folder):
    notebook(
        POOL + "\n    half = 2",
        "class NanModule(nn.Module):\n    def forward(self, x):\n"
        "        return torch.full_like(x, torch.nan * AveragePool.half)",
        "my_work.save(NanModule)",
    )
    with pytest.raises(MyWorkError, match=r"your NanModule in my_resnet\.py, which uses"):
        notebook(POOL, "my_work.save(AveragePool)")
    assert "half = 2" in saved(folder)


# ---- The file -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hand_written",
    [
        b"",
        b"import torch.nn as nn\nimport torch",
        b"from torch import nn; import torch; x = 1",
        b"\xef\xbb\xbfimport torch\r\n\r\nclass A:\r\n    '''one\r\ntwo'''\r\n",
        "# coding: latin-1\nname = 'ü'\n".encode("latin-1"),
        "text = 'a\u2028b\x0cc\x85'\n\x0c\ndef a(): return text\n".encode(),
        b"import math\nclass AveragePool:\n    pass\nclass Other(AveragePool): n = 1\n# the end",
        b"if True:\n    class AveragePool: pass\n",
        b"print('hello')\nfrom resnet_helpers.solutions import AveragePool, BatchNorm2d\n",
        b"from __future__ import annotations\nclass A:\n    def f(self) -> Unknown: ...\n",
    ],
)
def test_a_file_written_by_hand_is_added_to(notebook, folder, hand_written, capsys):
    path = folder / "my_resnet.py"
    path.write_bytes(hand_written)
    notebook(POOL, "my_work.save(AveragePool)")
    assert capsys.readouterr().out == "Saved AveragePool in my_resnet.py.\n"
    assert my_work.use("AveragePool").__module__ == "my_resnet"
    after = path.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf") == hand_written.startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in after) == (b"\r\n" in hand_written)
    for kept in (b"coding: latin-1", b"math", b"class A:", b"# the end", b"BatchNorm2d", b"hello"):
        assert (kept in after) == (kept in hand_written)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"import torch\nclass A(:\n", r"my_resnet.py is not valid Python \(line 2: "),
        (b"x = 1\n\nclass A(B): pass\n", r"does not run \(line 3: NameError: name 'B' is not"),
        (b"import sys\nsys.exit()\n", r"does not run \(line 2: SystemExit"),
        (b"x = '\xff'\n", "is not in UTF-8"),
        ("x = 'ü'".encode("utf-16"), "is not in UTF-8"),
        (b"x = 1\0", "is not valid Python"),
        (
            b"from resnet_helpers import my_work\ndef f(): pass\nmy_work.save(f)\n",
            "itself calls my_work",
        ),
        (b"# coding: ascii\n", "names ascii as its encoding, which has no 'ü'"),
    ],
)
def test_a_broken_file_is_not_overwritten(notebook, folder, broken, message):
    path = folder / "my_resnet.py"
    path.write_bytes(broken)
    with pytest.raises(MyWorkError, match=message) as caught:
        notebook(POOL + "  # ü", "my_work.save(AveragePool)")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == broken


def test_a_save_may_mend_a_broken_file(notebook, folder):
    (folder / "my_resnet.py").write_text("class AveragePool(Missing): pass\n", encoding="utf-8")
    notebook(POOL, "my_work.save(AveragePool)")
    assert my_work.use("AveragePool").__module__ == "my_resnet"


def test_mode_and_link_of_the_file_are_kept(notebook, folder):
    real = folder / "elsewhere.py"
    real.write_text("", encoding="utf-8")
    real.chmod(0o600)
    (folder / "my_resnet.py").symlink_to(real)
    (folder / "my_resnet.tmp").write_text("mine", encoding="utf-8")
    notebook(POOL, "my_work.save(AveragePool)")
    assert (folder / "my_resnet.py").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert "AveragePool" in real.read_text(encoding="utf-8")
    assert (folder / "my_resnet.tmp").read_text(encoding="utf-8") == "mine"


def test_a_full_disk(notebook, folder, monkeypatch):
    def no_space(self, data):
        raise OSError(28, "No space left on device")

    notebook(POOL, "my_work.save(AveragePool)")
    before = saved(folder)
    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(MyWorkError, match=r"cannot be written \(No space left on device\), so"):
        notebook(POOL.replace("2, 3", "-2, -1"), "my_work.save(AveragePool)")
    assert saved(folder) == before
    assert len(list(folder.iterdir())) == 1


def test_a_folder_in_the_files_place(notebook, folder, capsys):
    (folder / "my_resnet.py").mkdir()
    with pytest.raises(MyWorkError, match=r"my_resnet\.py cannot be read"):
        notebook(POOL, "my_work.save(AveragePool)")
    assert my_work.use("AveragePool") is solutions.AveragePool
    assert "and not yours, because" in capsys.readouterr().out


def test_a_folder_that_does_not_exist(notebook, folder, monkeypatch, capsys):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(folder / "missing"))
    with pytest.raises(MyWorkError, match=r"RESNET_HELPERS_WORK names .*missing, which"):
        notebook(POOL, "my_work.save(AveragePool)")
    assert my_work.use("AveragePool") is solutions.AveragePool
    assert "because RESNET_HELPERS_WORK names the folder" in capsys.readouterr().out


def test_a_home_folder_is_understood(notebook, folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("RESNET_HELPERS_WORK", "~")
    notebook(POOL, "my_work.save(AveragePool)")
    assert "AveragePool" in saved(folder)


def test_an_interrupted_save_leaves_the_file_and_the_module_as_they_were(notebook, folder):
    notebook(POOL, "my_work.save(AveragePool)", "AveragePool = my_work.use('AveragePool')")
    before, module = saved(folder), sys.modules["my_resnet"]
    with pytest.raises(KeyboardInterrupt):
        notebook(
            "def interrupt(cls):\n    if cls.__module__ == 'my_resnet': raise KeyboardInterrupt\n"
            "    return cls",
            "@interrupt\nclass f: pass",
            "my_work.save(f)",
        )
    assert saved(folder) == before
    assert sys.modules["my_resnet"] is module
    notebook(POOL.replace("2, 3", "-2, -1"), "my_work.save(AveragePool)")


# ---- Using ------------------------------------------------------------------------------------


def test_where_nothing_is_saved_the_reference_is_used_and_named(folder, capsys):
    assert my_work.use("AveragePool") is solutions.AveragePool
    assert capsys.readouterr().out == "AveragePool: the reference answer\n"


def test_several_names_give_a_tuple_of_own_and_reference(notebook, capsys):
    notebook(BATCHNORM, "my_work.save(BatchNorm2d)")
    capsys.readouterr()
    mine, reference = my_work.use("BatchNorm2d", "AveragePool")
    assert mine.__doc__ == "Mine."
    assert reference is solutions.AveragePool
    assert capsys.readouterr().out == (
        "BatchNorm2d: yours, from my_resnet.py\nAveragePool: the reference answer\n"
    )


def test_a_reference_that_the_file_only_imports_is_called_so(notebook, folder, capsys):
    notebook("BatchNorm2d = my_work.use('BatchNorm2d')", BLOCK, "my_work.save(Block)")
    with (folder / "my_resnet.py").open("a", encoding="utf-8") as file:
        file.write("BatchNorm2d = BatchNorm2d\n")
    capsys.readouterr()
    assert my_work.use("BatchNorm2d") is solutions.BatchNorm2d
    assert capsys.readouterr().out == "BatchNorm2d: the reference answer\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import torch\nclass AveragePool(:\n", "(line 2: SyntaxError: "),
        ("x = 1\n\nclass AveragePool(nn.Module): pass\n", "(line 3: NameError: name 'nn' is not"),
        ("class AveragePool: pass\nimport sys; sys.exit('no')\n", "(line 2: SystemExit: no)"),
        (
            "from resnet_helpers import my_work\nAveragePool = my_work.use('AveragePool')\n",
            "(line 2: MyWorkError: my_resnet.py itself calls my_work",
        ),
    ],
)
def test_use_says_where_the_reference_stands_for_a_piece_that_cannot_be_read(
    folder, capsys, text, why
):
    (folder / "my_resnet.py").write_text(text, encoding="utf-8")
    my_work.use("AveragePool", "BatchNorm2d")
    pool, norm = capsys.readouterr().out.splitlines()
    assert pool.startswith(
        f"AveragePool: the reference answer, and not yours, because my_resnet.py does not run {why}"
    )
    assert norm == "BatchNorm2d: the reference answer"


def test_pieces_share_what_they_keep_also_when_they_are_taken_one_by_one(notebook, folder):
    notebook(
        "def hook_check_for_nan_output(module, inputs, output):\n"
        "    outputs = output if isinstance(output, (tuple, list)) else (output,)\n"
        "    for tensor in outputs:\n"
        "        if isinstance(tensor, Tensor) and tensor.isnan().any():\n"
        "            raise ValueError(f'NaN in the output of {module}')",
        "handles = {}",
        "def add_hook(module):\n    if module not in handles:\n"
        "        handles[module] = module.register_forward_hook(hook_check_for_nan_output)",
        "my_work.save(add_hook)",
        "model = nn.ReLU()\nadd_hook(model)",
        "def remove_hooks(module):\n"
        "    if module in handles:\n        handles.pop(module).remove()",
        "my_work.save(remove_hooks)",
    )
    add_hook = my_work.use("add_hook")
    model = torch.nn.ReLU()
    add_hook(model)
    assert list(my_work.use("handles")) == [model]
    my_work.use("remove_hooks")(model)
    assert len(my_work.use("handles")) == len(model._forward_hooks) == 0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BatchNorm", "did you mean BatchNorm2d"),
        ("xyz", "check the spelling"),
        ("nn", "check the spelling"),
    ],
)
def test_a_name_of_no_exercise_is_refused(folder, name, meant):
    with pytest.raises(MyWorkError, match=f"No exercise is called {name}, .*{meant}"):
        my_work.use(name)


@pytest.mark.parametrize("names", [(), (solutions.AveragePool,), (["AveragePool"],)])
def test_what_is_no_name_is_refused(folder, names):
    with pytest.raises(MyWorkError, match=r'in quotes: my_work.use\("BatchNorm2d"'):
        my_work.use(*names)


def test_what_was_used_can_be_pickled_imported_and_reloaded(notebook, folder):
    notebook(POOL, "my_work.save(AveragePool)")
    mine = my_work.use("AveragePool")
    assert isinstance(pickle.loads(pickle.dumps(mine())), mine)
    del sys.modules["my_resnet"]
    import importlib

    import my_resnet

    assert importlib.reload(my_resnet).AveragePool.__module__ == "my_resnet"


def test_the_file_is_beside_the_notebook_unless_the_variable_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("RESNET_HELPERS_WORK", raising=False)
    monkeypatch.chdir(tmp_path)
    assert disk.file().resolve() == (tmp_path / "my_resnet.py").resolve()
