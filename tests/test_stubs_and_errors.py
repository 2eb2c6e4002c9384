"""What a check says of code that cannot be tried: stubs, errors, wrong arguments; and of prints."""

import pytest
import torch
from failing import ANSI, MOST_LINES, failure_of, pool
from torch import nn

import resnet_helpers.tests as checks
from resnet_helpers import solutions
from resnet_helpers.answers.batchnorm2d import InFull
from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.tests.failure import StubNotFilled

BATCHNORM = {mistake.name: mistake for mistake in checks.EXERCISES[0].mistakes}


# ---- Stubs, errors, wrong arguments ---------------------------------------------------------


class Stub(InFull):
    def forward(self, x):
        raise NotImplementedError()


def test_a_stub_is_called_a_stub():
    with pytest.raises(StubNotFilled) as caught:
        checks.test_batchnorm2d_forward(Stub)
    assert str(caught.value) == (
        "Stub.forward still raises NotImplementedError: put your code in the place of that line, "
        "run its cell, and then this one again."
    )


def test_a_stub_is_not_in_the_way_of_a_check_that_does_without_it(capsys):
    checks.test_batchnorm2d_module(Stub)
    assert "passed" in capsys.readouterr().out


def test_a_mistake_is_named_although_another_method_is_still_a_stub():
    class BatchNorm2d(InFull):
        def forward(self, x):
            mean, var = self.running_mean, self.running_var
            if self.training:
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
            shape = (1, -1, 1, 1)
            x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
            return x * self.weight.view(shape) + self.bias.view(shape)

        def extra_repr(self):
            raise NotImplementedError()

    assert BATCHNORM["unbiased variance when normalising"].hint in (
        failure_of(checks.test_batchnorm2d_forward, BatchNorm2d).hints
    )


def test_a_stub_for_a_function_is_called_a_stub():
    def predict(model, images):
        raise NotImplementedError()

    with pytest.raises(StubNotFilled, match=r"^predict still raises NotImplementedError"):
        checks.test_predict(predict)


def test_an_error_in_the_learners_code_shows_the_learners_line():
    class BatchNorm2d(InFull):
        def forward(self, x):
            scale = self.weight / self.runing_var
            return x * scale

    failure = failure_of(checks.test_batchnorm2d_forward, BatchNorm2d)
    assert (
        failure.rows["Got"] == "AttributeError: 'BatchNorm2d' object has no attribute 'runing_var'"
    )
    assert failure.rows["Your line"] == (
        "scale = self.weight / self.runing_var  (in BatchNorm2d.forward)"
    )


def test_an_error_inside_a_library_shows_the_learners_line_that_led_there():
    import einops

    def pooled(x):
        return einops.reduce(x, "b c h -> b c", "mean")

    rows = failure_of(checks.test_averagepool, pool(pooled)).rows
    assert rows["Got"].startswith("EinopsError")
    assert rows["Your line"].startswith('return einops.reduce(x, "b c h -> b c", "mean")')


def forward_without_x(self):
    return self.x.mean((2, 3))


forward_without_x.__qualname__ = "A.forward"


@pytest.mark.parametrize(
    ("implementation", "hint"),
    [
        (
            type("AveragePool", (nn.Module,), {}),
            "Your class has no method called forward: check its name and indentation.",
        ),
        (
            type("AveragePool", (nn.Module,), {"__init__": lambda self, size: None}),
            "Your __init__ demands size, which AveragePool does not always get: leave out what the "
            "exercise does not have, and give the rest a default.",
        ),
        (
            type("AveragePool", (), {"forward": lambda self, x: x.mean((2, 3))}),
            "Derive your AveragePool from nn.Module: class AveragePool(nn.Module).",
        ),
        (
            solutions.AveragePool(),
            "Pass the class itself, with no brackets after it: test_averagepool(AveragePool).",
        ),
        (
            None,
            "Pass the class itself, with no brackets after it: test_averagepool(AveragePool).",
        ),
        (
            type("A", (nn.Module,), {"__init__": lambda self: setattr(self, "pool", nn.ReLU())}),
            "Call super().__init__() in the first line of your __init__, and assign to no name of "
            "nn.Module's own, such as _modules.",
        ),
        (
            type(
                "A",
                (nn.Module,),
                {"__init__": lambda self: setattr(self, "n", 3), "forward": lambda self, x: x},
            ),
            "Call super().__init__() in the first line of your __init__, and assign to no name of "
            "nn.Module's own, such as _modules.",
        ),
        (
            lambda x: x.mean((2, 3)),
            "You wrote a function. AveragePool is to be a class derived from nn.Module: "
            "class AveragePool(nn.Module), with a method forward(self, x).",
        ),
        (
            type("A", (nn.Module,), {"forward": forward_without_x}),
            "Your forward takes no input: its first line is def forward(self, x).",
        ),
    ],
)
def test_what_cannot_be_checked_is_explained(implementation, hint):
    assert failure_of(checks.test_averagepool, implementation).hints == [hint]


def without_self_in_forward():
    class AveragePool(nn.Module):
        def forward(x):  # noqa: N805
            return x.mean((2, 3))

    return checks.test_averagepool, AveragePool


def without_self_in_init():
    class ResidualBlock(nn.Module):
        def __init__(in_feats, out_feats, first_stride=1):  # noqa: N805
            super().__init__()
            in_feats.conv = Conv2d(in_feats, out_feats, 3, first_stride)

    return checks.test_residual_block, ResidualBlock


@pytest.mark.parametrize(
    ("case", "hint"),
    [
        (
            without_self_in_forward,
            "Your forward has no self: begin it with def forward(self, x).",
        ),
        (
            without_self_in_init,
            "Your __init__ has no self: begin it with def __init__(self, in_feats, out_feats, "
            "first_stride=1).",
        ),
    ],
)
def test_a_missing_self_is_named(case, hint):
    assert failure_of(*case()).hints == [hint]


@pytest.mark.parametrize(
    ("layer", "remark"),
    [
        (
            lambda: Sequential([ReLU(), ReLU()]),
            "You pass a list where single modules are wanted: put a star before it, as in "
            "Sequential(*blocks).",
        ),
        (
            lambda: Sequential(ReLU),
            "You pass the class ReLU itself. Make a module of it with brackets: ReLU().",
        ),
        (
            lambda: Sequential(torch.relu_),
            "relu_ is a function, and a module is wanted: ReLU(), say, which does what F.relu "
            "does.",
        ),
    ],
)
def test_what_is_no_module_is_named(layer, remark):
    class ResidualBlock(nn.Module):
        def __init__(self, in_feats, out_feats, first_stride=1):
            super().__init__()
            self.layer = layer()

    assert failure_of(checks.test_residual_block, ResidualBlock).remark == remark


def test_a_number_for_a_name_is_named():
    class NamedSequential(Sequential):
        def __init__(self, *modules):
            super().__init__()
            for index, module in enumerate(modules):
                self.add_module(index, module)

    [hint] = failure_of(checks.test_sequential, NamedSequential).hints
    assert hint == "Names of modules are strings: turn the number into one with str()."


def test_a_missing_star_is_named():
    class NamedSequential(Sequential):
        def __init__(self, modules):
            super().__init__()

    [hint] = failure_of(checks.test_sequential, NamedSequential).hints
    assert hint.startswith("Your __init__ takes a fixed number of arguments.")


def test_error_messages_show_no_names_of_ours():
    class NamedSequential(Sequential):
        def __init__(self, *modules):
            super().__init__()
            for name, module in modules[0].items():
                self.add_module(name, module)

    rows = failure_of(checks.test_sequential, NamedSequential).rows
    assert rows["Tried"] == "NamedSequential(a, b, c): its children"
    assert rows["Got"] == "AttributeError: 'a' object has no attribute 'items'"


def test_a_result_in_the_place_of_a_function_is_explained():
    [hint] = failure_of(checks.test_predict, torch.tensor(1.0)).hints
    assert hint == "Pass the function itself, with no brackets after it: test_predict(predict)."


def test_a_crash_is_not_blamed_on_a_mistake_that_crashes_in_another_way():
    class AveragePool(nn.Module):
        def forward(self, x):
            if x.shape[-1] != 7:
                raise RuntimeError("some other error than that of a window of 7 by 7")
            return x.mean((2, 3))

    assert failure_of(checks.test_averagepool, AveragePool).hints == []


# ---- What the learner's code prints ---------------------------------------------------------


class Prints(nn.Module):
    """An AveragePool that sums, and prints so many lines at every call."""

    lines = 1

    def forward(self, x):
        for line in range(self.lines):
            print(f"line {line}: {tuple(x.shape)}")
        return x.sum((2, 3))


def test_what_is_printed_shows_once_and_only_that_of_the_failing_trial(capfd):
    assert failure_of(checks.test_averagepool, Prints).rows["Printed"] == "line 0: (2, 2, 1, 2)"
    assert capfd.readouterr() == ("", "")


def test_a_right_answer_that_prints_passes_with_the_one_line(capfd):
    class AveragePool(Prints):
        def forward(self, x):
            return super().forward(x) / (x.shape[2] * x.shape[3])

    checks.test_averagepool(AveragePool)
    assert capfd.readouterr() == ("All tests in `test_averagepool` passed!\n", "")


def test_long_prints_are_cut_and_keep_their_lines():
    failure = failure_of(checks.test_averagepool, type("Long", (Prints,), {"lines": 50}))
    first, second, cut, last = failure.rows["Printed"].splitlines()
    assert (first[:7], second[:7], last[:7]) == ("line 0:", "line 1:", "line 49")
    assert cut == "… (47 lines left out)"
    lines = [ANSI.sub("", line) for line in failure._render_traceback_()]
    assert "│ Printed   line 0: (2, 2, 1, 2)" in lines
    assert "│           … (47 lines left out)" in lines
    assert len(lines) <= MOST_LINES


def test_a_panel_that_would_be_too_high_shows_the_last_of_the_printed_lines():
    class MyBlock(solutions.ResidualBlock):
        def forward(self, x):
            print("one\ntwo\nthree\nfour")
            raise ValueError("a long story " * 100, "told in a line that is long as well", self, x)

    panel = failure_of(checks.test_residual_block, MyBlock)._render_traceback_()
    panel = panel[: panel.index("")]  # the lines to try stand below
    assert len(panel) == MOST_LINES
    lines = [ANSI.sub("", line) for line in panel]
    assert "│ Printed    two" in lines
    assert "│            four" in lines


def test_four_printed_lines_are_all_shown():
    failure = failure_of(checks.test_averagepool, type("Four", (Prints,), {"lines": 4}))
    assert [line[:6] for line in failure.rows["Printed"].splitlines()] == [
        f"line {line}" for line in range(4)
    ]
