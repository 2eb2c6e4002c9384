"""find_first_nan tells what arises from what is handed on, harm from a mask, and names the line."""

import linecache
import math

import numpy as np
import pytest
import torch
from small_networks import Fn, X, mlp
from torch import Tensor, nn

from resnet_helpers.debugging import find_first_nan


def log_of(x: Tensor) -> Tensor:
    return x.log()


MASK = Fn(lambda self, x: x.masked_fill(x < 0, -math.inf))
SOFTMAX = nn.Softmax(1)
BUFFER_MASK = Fn(lambda self, x: (x + self.mask).softmax(1))
BUFFER_MASK.register_buffer("mask", torch.full((4, 4), -math.inf).triu(1)[1:])
NANS = {
    "a mask does no harm": ((MASK, SOFTMAX), None),
    "nor does one in a buffer": ((BUFFER_MASK,), None),
    "nor one that torch.where makes": (
        (Fn(lambda self, x: torch.where(x > 0, x, -math.inf)), SOFTMAX),
        None,
    ),
    "nor one of torch.tensor": (
        (Fn(lambda self, x: x.masked_fill(x < 0, torch.tensor(-math.inf))), SOFTMAX),
        None,
    ),
    "nor the logarithm of 0 in a softmax": (
        (Fn(lambda self, x: x.relu().add(1e-30).mul(1e-30).log()), SOFTMAX),
        None,
    ),
    "a NaN after the mask": ((MASK, SOFTMAX, Fn(lambda self, x: (x - 1).sqrt())), "2"),
    "a row that is masked whole": ((Fn(lambda self, x: x.abs().neg()), MASK, SOFTMAX), "2"),
    "an infinity that becomes a NaN": (
        (nn.ReLU(), Fn(lambda self, x: x.log()), nn.Identity(), Fn(lambda self, x: x * 0)),
        "1",
    ),
    "an overflow after a mask": (
        (MASK, SOFTMAX, Fn(lambda self, x: x * 1e38 * 10), Fn(lambda self, x: x - x)),
        "2",
    ),
    "a NaN beside an older infinity": (
        (
            Fn(lambda self, x: (x, (x * 0).log())),
            Fn(lambda self, both: (both[0].sqrt(), both[1])),
            Fn(lambda self, both: torch.cat(both)),
        ),
        "1",
    ),
    "memory that was bad and is filled again": (
        (
            Fn(lambda self, x: x.clone().mul_(math.inf).zero_().add_(x)),
            Fn(lambda self, x: x.clone().log_()),
        ),
        "1",
    ),
    "a NaN that torch.where takes out": (
        (Fn(lambda self, x: torch.where(x > 0, x.sqrt(), 0.0)),),
        None,
    ),
    "a NaN that argmax hides": (
        (Fn(lambda self, x: x.log()), Fn(lambda self, x: x.argmax(1))),
        "0",
    ),
    "a NaN that NumPy makes": (
        (nn.ReLU(), Fn(lambda self, x: torch.from_numpy(np.sqrt(-1 - x.numpy()))), nn.ReLU()),
        "1",
    ),
    "a NaN in a view": ((Fn(lambda self, x: x[:, 1:].T.log()), nn.ReLU()), "0"),
    "in place": ((Fn(lambda self, x: x.clone().log_()), nn.ReLU(inplace=True)), "0"),
    "in a part, in place": ((Fn(lambda self, x: x[0].log_() is None or x), nn.ReLU()), "0"),
    "memory that nobody has filled": (
        (Fn(lambda self, x: torch.empty(1000).fill_(0).new_empty(50, 4).copy_(x[:1])),),
        None,
    ),
    "sparse": ((Fn(lambda self, x: x.to_sparse()), Fn(lambda self, x: x.to_dense().log())), "1"),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("modules", "name"), NANS.values(), ids=NANS)
def test_the_culprit_is_the_module_in_which_a_bad_value_arises(modules, name):
    found = find_first_nan(nn.Sequential(*modules), X)
    assert found.name == name, found


def test_the_line_is_named_where_the_operation_is_your_own():
    found = find_first_nan(nn.Sequential(mlp(), Fn(lambda self, x: x.log())), X)
    assert found.file == __file__
    assert "x.log()" in found.source
    assert found.explanation.endswith(f"Line {found.line} of {__name__}.py: {found.source}")


def test_the_line_of_a_function_that_forward_calls_and_of_pytorchs_functions():
    assert find_first_nan(Fn(lambda self, x: log_of(x)), X).source == "return x.log()"
    found = find_first_nan(Fn(lambda self, x: nn.functional.normalize(x * 0, eps=0)), X)
    assert "nn.functional.normalize" in found.source


def test_there_is_no_line_where_the_operation_is_pytorchs():
    model = mlp()
    model[2].weight.data[0, 0] = math.nan
    found = find_first_nan(model, X)
    assert (found.name, found.file, found.line, found.source) == ("2", None, None, None)


def test_the_line_of_a_cell():
    code = "class Cell(nn.Module):\n    def forward(self, x):\n        return x.log()\n"
    linecache.cache["<cell>"] = (len(code), None, code.splitlines(True), "<cell>")
    scope = {"nn": nn}
    exec(compile(code, "<cell>", "exec"), scope)
    found = find_first_nan(scope["Cell"](), X)
    assert (found.file, found.line, found.source) == ("<cell>", 3, "return x.log()")
    assert found.explanation.endswith("Line 3 of the cell: return x.log()")


def test_an_error_after_an_infinity_is_told_too():
    def refuse(self, x):
        raise ValueError("not finite")

    found = find_first_nan(nn.Sequential(nn.ReLU(), Fn(lambda self, x: x.log()), Fn(refuse)), X)
    assert found.name == "1"
    assert found.explanation.endswith("forward failed in `2` (Fn) of Sequential: not finite")
