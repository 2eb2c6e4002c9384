"""What a check says when it does not pass: the words, and how they look in a notebook.

What it says of code that cannot be tried at all is in test_stubs_and_errors.py.
"""

import math
import re
import textwrap

import pytest
import torch
from failing import ANSI, MOST_LINES, failure_of, frame_of, pool
from torch import nn

import resnet_helpers.tests as checks
from resnet_helpers.answers.batchnorm2d import InFull, InMethods
from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.tests.failure import PANEL_WIDTH, CheckFailure
from resnet_helpers.tests.outcomes import same
from resnet_helpers.tests.remove_hooks import RemoveHooksInSteps

BATCHNORM = {mistake.name: mistake for mistake in checks.EXERCISES[0].mistakes}


# ---- The words ------------------------------------------------------------------------------


def test_the_message_says_what_was_tried_expected_and_got_and_then_the_mistake():
    class AveragePool(nn.Module):
        def forward(self, x):
            return x.sum((2, 3))

    failure = failure_of(checks.test_averagepool, AveragePool)
    assert isinstance(failure, AssertionError)
    assert str(failure).splitlines() == [
        "test_averagepool failed.",
        "Tried:     x = [[[[1, 2]], [[0, 4]]], [[[3, 8]], [[-2, 6]]]]",
        "Expected:  output = [[1.5, 2], [5.5, 2]]",
        "Got:       output = [[3, 4], [11, 4]]",
        "You sum over height and width. Divide by their size: the mean does not grow with the "
        "picture.",
        "",
        "To see it:",
        "AveragePool()(torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]], "
        "[[[3.0, 8.0]], [[-2.0, 6.0]]]]))",
    ]


def test_an_unknown_mistake_is_shown_on_an_input_to_work_through_by_hand():
    class AveragePool(nn.Module):
        def forward(self, x):
            return x.mean(3).amax(2)

    assert str(failure_of(checks.test_averagepool, AveragePool)).splitlines() == [
        "test_averagepool failed.",
        "Tried:     x = [[[[1], [2]], [[0], [4]]]]",
        "Expected:  output = [[1.5, 2]]",
        "Got:       output = [[2, 4]]",
        "2 of 2 values differ, the first at output[0, 0].",
        "",
        "To see it:",
        "AveragePool()(torch.tensor([[[[1.0], [2.0]], [[0.0], [4.0]]]]))",
    ]


def test_an_unknown_batchnorm_is_told_the_statistics_that_it_used():
    class DividesByTheRange(InMethods):
        def normalised(self, x, mean, var):
            return (x - mean) / (x.amax((0, 2, 3), keepdim=True) - x.amin((0, 2, 3), keepdim=True))

    failure = failure_of(checks.test_batchnorm2d_forward, DividesByTheRange)
    assert failure.hints == []
    assert failure.remark == (
        "Yours is (x - m) / sqrt(v) with m = [3.5, 2], v = [49, 64], channel by channel; "
        "right is m = [3.5, 2], v = [7.25, 10]."
    )


def test_an_unknown_affine_step_is_told_the_weight_and_bias_that_it_used():
    class SubtractsTheBias(InFull):
        def forward(self, x):
            return super().forward(x) - 2 * self.bias.view(1, -1, 1, 1)

    remark = failure_of(checks.test_batchnorm2d_forward, SubtractsTheBias).remark
    assert "Yours is x_hat * w + b with w = [2, -0.5], b = [-0.25, -1.5]" in remark


def test_an_unknown_running_statistic_is_told_the_batch_statistic_that_it_comes_from():
    class OfTheFirstPicture(InMethods):
        def update(self, x):
            super().update(x[:1])

    failure = failure_of(checks.test_batchnorm2d_running_mean, OfTheFirstPicture)
    assert failure.hints == []
    assert failure.remark == (
        "With 0.9 * old + 0.1 * batch, yours means batch = [1.5, 2]; right is [3.5, 2]."
    )


def test_what_is_no_line_in_x_is_told_so():
    class Clamps(InMethods):
        def normalised(self, x, mean, var):
            return super().normalised(x, mean, var).clamp(-1, 1)

    remark = failure_of(checks.test_batchnorm2d_forward, Clamps).remark
    assert remark == "Yours is not (x - m) / sqrt(v) with one pair of numbers for each channel."


def test_a_mistake_that_only_resembles_a_known_one_is_not_called_by_its_name():
    class DividesByOneLess(nn.Module):
        def forward(self, x):  # with two values it is the sum
            return x.sum((2, 3)) / (x.shape[2] * x.shape[3] - 1)

    class SkipsTheFirstBatch(InFull):
        def forward(self, x):  # with one batch, nothing is ever updated
            before = self.running_mean.clone(), self.running_var.clone()
            y = super().forward(x)
            if self.training and self.num_batches_tracked == 1:
                self.running_mean, self.running_var = before
            return y

    assert failure_of(checks.test_averagepool, DividesByOneLess).hints == []
    assert failure_of(checks.test_batchnorm2d_running_mean, SkipsTheFirstBatch).hints == []


def test_gradients_are_asked_for_in_eval_mode_too():
    class NoGradInEvalMode(InFull):
        def forward(self, x):
            with torch.set_grad_enabled(self.training):
                return super().forward(x)

    rows = failure_of(checks.test_batchnorm2d_forward, NoGradInEvalMode).rows
    assert rows["Tried"].startswith("eval mode, backward of")
    assert rows["Got"] == "x.grad: none: the output is cut off from the graph"


def test_the_hook_taken_off_must_be_that_of_add_hook():
    class TakesTheLastOneOff(RemoveHooksInSteps):
        def take_off(self, module):
            del self.handles[module]
            module._forward_hooks.popitem()

    failure = failure_of(checks.test_remove_hooks, TakesTheLastOneOff().remove_hooks)
    assert "forward hooks: 1" in failure.rows["Got"]


@pytest.mark.parametrize(
    ("compute", "sentence"),
    [
        (lambda x: x.mean((2, 3)) + 3, "Yours are the expected values + 3."),
        (lambda x: -x.mean((2, 3)), "Yours are the expected values * -1."),
        (lambda x: x.mean((2, 3)).flip(0), "Yours are the expected values in another order."),
        (lambda x: None, "Your code returned None: is there a `return` at its end?"),
        (lambda x: x.numpy().mean((2, 3)), "Your code returned something of type ndarray, and no"),
        (lambda x: (x.mean((2, 3)),), "Your code returned something of type tuple, and no tensor."),
        (lambda x: x.mean((2, 3)).double(), "The dtype is wrong"),
        (lambda x: x.mean((2, 3)).to("meta"), "The device is wrong"),
        (lambda x: x.mean((2, 3))[None], "The shape is wrong"),
        (lambda x: (x * 0 / 0).mean((2, 3)), "Yours has NaN in it: look for 0/0"),
    ],
)
def test_each_kind_of_difference_has_its_own_sentence(compute, sentence):
    assert sentence in str(failure_of(checks.test_averagepool, pool(compute)))


class Doubles(nn.Module):
    def forward(self, x):
        return 2 * x


def one_of_two(x):
    if x.numel() == 0:
        y = x
    return y


def call_again(x):
    return call_again(x)


@pytest.mark.parametrize(
    ("compute", "sentence"),
    [
        (lambda x: [64] + (1, 2), "A list can only be added to a list, and this is a value of"),
        (lambda x: (1, 2).append(3), "A tuple cannot be changed: make a new list of its entries"),
        (lambda x: x + None, "One side of + is None here: a bias that a layer does not have, say"),
        (lambda x: x + ReLU(), "+ stands between a value of type Tensor and one of type ReLU"),
        (lambda x, nothing=None: nothing(x), "What stands before the brackets is None"),
        (
            lambda x, layers=(): layers(x),
            "You call a tuple like a function: loop over what it holds",
        ),
        (lambda x: x.shape[0](x), "You call a value of type int like a function"),
        (lambda x: list(3), "A value of type int stands where several are wanted"),
        (lambda x: x.mean[2], "Square brackets stand behind a value of type builtin"),
        (lambda x: None.shape, "What stands before .shape is None: a bias that a layer does not"),
        (
            lambda x: torch.zeros(4, 4, 1, 1).copy_(torch.zeros(4, 4, 1, 1) * torch.ones(4)),
            "A result of shape [4, 4, 1, 4] does not fit into a tensor of shape [4, 4, 1, 1].",
        ),
        (lambda x: x.maen((2, 3)), "This Tensor has nothing called maen: is it spelled otherwise"),
        (lambda x: height, "Nothing is called height here: is it an attribute (self.height)"),
        (one_of_two, "makes y a variable of its own, without a value on this line"),
        (call_again, "Your code calls itself over and over"),
        (lambda x: Conv2d(3, 5), "Conv2d(…) also needs 'kernel_size'."),
        (lambda x: Conv2d(3, 5, 3, dilation=2), "No argument called dilation is taken there"),
        (lambda x: Conv2d(3, 5, 3, in_channels=3), "You give Conv2d its in_channels twice"),
        (lambda x: ReLU(x), "If one is a tensor, the module is still to be made: ReLU()(x)."),
        (lambda x: Doubles()(), "You call a module without its input."),
        (lambda x: Doubles()(x, x), "You call a module with more than its input."),
        (lambda x: x if x > 0 else -x, "You use a tensor of several values as a condition"),
        (lambda x: [1][1], "An index is past the end of the list"),
        (lambda x: [a for a, b in [(1, 2, 3)]], "There are too many values on the right"),
        (lambda x: list(zip([1], [1, 2], strict=True)), "What you zip is not all of one length."),
        (lambda x: x + torch.ones(7), "Two tensors of shapes that do not fit meet there"),
        (lambda x: Conv2d(7, 5, 1)(x), "A convolution made for 7 channels gets"),
        (lambda x: x @ torch.ones(9, 9), "gets another number of features than it is made for"),
        (lambda x: Sequential(3), "You pass a value of type int where a module is wanted."),
        (lambda x: Sequential(x), "You pass a tensor where a module is wanted."),
        (lambda x: Sequential(lambda y: y), "A lambda is a function, and a module is wanted"),
        (lambda x: Sequential(ReLU() for _ in "ab"), "You pass a generator where single modules"),
        (lambda x: Sequential(map(ReLU, "ab")), "You pass a map where single modules are wanted"),
    ],
)
def test_an_error_whose_cause_is_common_has_a_sentence_of_its_own(compute, sentence):
    assert sentence in failure_of(checks.test_averagepool, pool(compute)).remark


def test_a_failed_assertion_is_not_called_somebodys():
    def asserts(x):
        assert x.ndim == 2

    remark = failure_of(checks.test_averagepool, pool(asserts)).remark
    assert remark == "The assertion does not hold for what was tried, and that has to work."


def test_a_module_is_not_replaced_by_a_function():
    class AveragePool(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = nn.Identity()
            self.pool = lambda x: x.mean((2, 3))

    remark = failure_of(checks.test_averagepool, AveragePool).remark
    assert remark == "self.pool holds a module, so only a module, or None, can take its place."


def test_an_init_that_returns_something_is_named():
    class AveragePool(nn.Module):
        def __init__(self):
            super().__init__()
            return self

    remark = failure_of(checks.test_averagepool, AveragePool).remark
    assert remark.startswith("An __init__ of yours returns something.")


# ---- A closer look at the axes --------------------------------------------------------------


def refuse_one_value(module, x):
    if module.training and x.numel() == module.num_features:
        raise ValueError("one value per channel")


class OverAxes(InFull):
    """Mean and variance over axes of choice, made to broadcast in a way of choice."""

    of_mean = (0, 2, 3)
    of_var = (0, 2, 3)
    per_channel = staticmethod(lambda vector: vector.view(1, -1, 1, 1))

    def forward(self, x):
        refuse_one_value(self, x)
        if self.training:
            mean, var = x.mean(self.of_mean), x.var(self.of_var, unbiased=False)
            self.running_mean = self.running_mean.lerp(mean.detach(), self.momentum)
            unbiased = x.detach().var(self.of_var)
            self.running_var = self.running_var.lerp(unbiased, self.momentum)
            self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        vectors = (mean, var, self.weight, self.bias)
        mean, var, weight, bias = map(self.per_channel, vectors)
        return (x - mean) / torch.sqrt(var + self.eps) * weight + bias


AVERAGE = "Average over batch, height and width, so that each channel has its own."
OF_X = "for x of shape (2, 3, 4, 5), which"


@pytest.mark.parametrize(
    "per_channel",
    [OverAxes.per_channel, lambda v: v[None, :, None, None], lambda v: v],
    ids=["view", "None", "as it is"],
)
@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ((2, 3), f"shape (2, 3) {OF_X} keeps the batch."),
        (1, f"shape (2, 4, 5) {OF_X} keeps the batch, height, width and loses the channels."),
        ((0, 1, 2), f"shape (5,) {OF_X} keeps the width and loses the channels."),
        ((1, 2, 3), f"shape (2,) {OF_X} keeps the batch and loses the channels."),
        ((0, 2), f"shape (3, 5) {OF_X} keeps the width."),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("which", "subject"),
    [
        (["of_mean"], "mean has"),
        (["of_var"], "variance has"),
        (["of_mean", "of_var"], "mean and variance have"),
    ],
    ids=str,
)
def test_statistics_of_a_wrong_shape_are_named(per_channel, axes, words, which, subject):
    settings = {"per_channel": staticmethod(per_channel)} | dict.fromkeys(which, axes)
    BatchNorm2d = type("BatchNorm2d", (OverAxes,), settings)  # noqa: N806
    hints = failure_of(checks.test_batchnorm2d_forward, BatchNorm2d).hints
    assert hints == [f"Your {subject} {words} {AVERAGE}"]


def test_one_mean_for_everything_is_named_though_the_variance_is_right():
    class BatchNorm2d(OverAxes):
        of_mean = ()
        per_channel = staticmethod(lambda vector: vector.view(-1, 1, 1))

    hints = failure_of(checks.test_batchnorm2d_forward, BatchNorm2d).hints
    assert hints == [f"Your mean has shape () {OF_X} loses the channels. {AVERAGE}"]


def test_right_axes_are_not_blamed():
    class Clamps(OverAxes):
        def forward(self, x):
            return super().forward(x).clamp(-1, 1)

    assert failure_of(checks.test_batchnorm2d_forward, Clamps).hints == []


# ---- Two mistakes at once -------------------------------------------------------------------


class Configurable(InFull):
    """A BatchNorm2d in which several things can be wrong at once; as it stands, it is right."""

    unbiased = False
    biased_running_var = False
    keep = None  # the share of the old running value, if not 1 - momentum
    counts = True
    tracks_in_eval = False
    in_root = True
    affine = staticmethod(lambda x_hat, weight, bias: x_hat * weight + bias)

    def forward(self, x):
        refuse_one_value(self, x)
        dims, shape = (0, 2, 3), (1, -1, 1, 1)
        if self.training or self.tracks_in_eval:
            keep = 1 - self.momentum if self.keep is None else self.keep
            var = x.detach().var(dims, unbiased=not self.biased_running_var)
            self.running_mean = keep * self.running_mean + (1 - keep) * x.detach().mean(dims)
            self.running_var = keep * self.running_var + (1 - keep) * var
        if self.training:
            self.num_batches_tracked += int(self.counts)
            mean, var = x.mean(dims), x.var(dims, unbiased=self.unbiased)
        else:
            mean, var = self.running_mean, self.running_var
        if self.in_root:
            std = torch.sqrt(var + self.eps).view(shape)
        else:
            std = torch.sqrt(var).view(shape) + self.eps
        x_hat = (x - mean.view(shape)) / std
        return self.affine(x_hat, self.weight.view(shape), self.bias.view(shape))


PAIRS = {
    ("unbiased variance when normalising", "biased variance in running_var"): {
        "unbiased": True,
        "biased_running_var": True,
    },
    ("unbiased variance when normalising", "momentum hard-coded"): {"unbiased": True, "keep": 0.9},
    ("biased variance in running_var", "momentum hard-coded"): {
        "biased_running_var": True,
        "keep": 0.9,
    },
    ("unbiased variance when normalising", "eps outside the root"): {
        "unbiased": True,
        "in_root": False,
    },
    ("biased variance in running_var", "eps outside the root"): {
        "biased_running_var": True,
        "in_root": False,
    },
    ("unbiased variance when normalising", "num_batches_tracked never incremented"): {
        "unbiased": True,
        "counts": False,
    },
    ("unbiased variance when normalising", "statistics updated in eval mode"): {
        "unbiased": True,
        "tracks_in_eval": True,
    },
    ("biased variance in running_var", "statistics updated in eval mode"): {
        "biased_running_var": True,
        "tracks_in_eval": True,
    },
    ("momentum hard-coded", "num_batches_tracked never incremented"): {
        "keep": 0.9,
        "counts": False,
    },
    ("unbiased variance when normalising", "affine forgotten"): {
        "unbiased": True,
        "affine": lambda self, x_hat, weight, bias: x_hat,
    },
    ("biased variance in running_var", "weight and bias swapped"): {
        "biased_running_var": True,
        "affine": lambda self, x_hat, weight, bias: x_hat * bias + weight,
    },
    ("eps outside the root", "bias before weight"): {
        "in_root": False,
        "affine": lambda self, x_hat, weight, bias: (x_hat + bias) * weight,
    },
}


def spoils(name, check):
    """Whether the mistake of that name alone spoils that check."""
    made = checks.BATCHNORM2D.outcomes_with(BATCHNORM[name])
    expected = checks.BATCHNORM2D.outcomes(nn.BatchNorm2d)
    trials = [trial for trial in checks.BATCHNORM2D.trials if trial.check == check]
    return not all(same(made[trial], expected[trial]) for trial in trials)


@pytest.mark.parametrize("names", PAIRS, ids=" + ".join)
def test_two_mistakes_at_once_are_both_named(names):
    BatchNorm2d = type("BatchNorm2d", (Configurable,), PAIRS[names])  # noqa: N806
    failures = []
    for check in (checks.test_batchnorm2d_forward, checks.test_batchnorm2d_running_var):
        try:
            check(BatchNorm2d)
        except CheckFailure as failure:
            failures.append(failure)
    assert failures
    for failure in failures:
        in_order = sorted(names, key=lambda name, of=failure.check: not spoils(name, of))
        assert failure.hints == [BATCHNORM[name].hint for name in in_order]
        assert len(frame_of(failure)) <= MOST_LINES


def test_two_settings_that_extra_repr_leaves_out_are_both_named():
    class BatchNorm2d(Configurable):
        def extra_repr(self):
            return f"{self.num_features}"

    assert failure_of(checks.test_batchnorm2d_module, BatchNorm2d).hints == [
        "Your extra_repr leaves out eps.",
        "Your extra_repr leaves out momentum.",
    ]


def test_none_of_these_is_wrong_by_itself(capsys):
    checks.test_batchnorm2d_forward(Configurable)
    checks.test_batchnorm2d_running_var(Configurable)


# ---- How it looks ---------------------------------------------------------------------------


def test_the_panel_is_as_wide_as_it_should_be():
    failure = failure_of(checks.test_averagepool, pool(lambda x: x.sum((2, 3))))
    lines = frame_of(failure)
    assert max(map(len, lines)) == len(lines[0]) == len(lines[-1]) == PANEL_WIDTH
    assert lines[0].startswith("╭─ test_averagepool failed ─")
    assert [line[:13] for line in lines[1:4]] == ["│ Tried     x", "│ Expected  o", "│ Got       o"]
    assert lines[5].startswith("│ You sum over height and width.")


def test_the_panel_has_no_colour_of_its_own():
    panel = failure_of(checks.test_averagepool, pool(lambda x: x.sum()))._render_traceback_()
    assert {code for line in panel for code in ANSI.findall(line)} == {"\x1b[1m", "\x1b[0m"}


def test_long_texts_are_cut_and_the_hint_is_not():
    def endless(x):
        raise ValueError("a long story " * 100)

    panel = frame_of(failure_of(checks.test_averagepool, pool(endless)))
    assert len(panel) <= MOST_LINES
    assert "Your code raised an error" in panel[-2]


def test_text_with_square_brackets_is_shown_as_it_is():
    def raises(x):
        raise ValueError("[bold]x[0] is [/bold] :smile:")

    panel = failure_of(checks.test_averagepool, pool(raises))._render_traceback_()
    assert any("ValueError: [bold]x[0] is [/bold] :smile:" in ANSI.sub("", line) for line in panel)


def test_a_plain_terminal_shows_the_same_words_without_codes():
    failure = failure_of(checks.test_averagepool, pool(lambda x: x.sum()))
    assert not ANSI.search(str(failure))
    panel = " ".join(ANSI.sub("", line).strip("│╭╰─ ") for line in failure._render_traceback_())
    for words in (*failure.rows.values(), *failure.hints):
        assert words in str(failure)
        assert words in " ".join(panel.split())


CELLS = {
    "imports": """
        import resnet_helpers.tests as tests
        from torch import nn
        """,
    "mistake": """
        class AveragePool(nn.Module):
            def forward(self, x):
                return x.sum((2, 3))

        tests.test_averagepool(AveragePool)
        """,
    "crash": """
        class AveragePool(nn.Module):
            def forward(self, x):
                y = x.flatten(2)
                return y.men(2)  # the typing error

        tests.test_averagepool(AveragePool)
        """,
    "stub": """
        class AveragePool(nn.Module):
            def forward(self, x):
                raise NotImplementedError()

        tests.test_averagepool(AveragePool)
        """,
    "right": """
        class AveragePool(nn.Module):
            def forward(self, x):
                return x.mean((2, 3))

        tests.test_averagepool(AveragePool)
        """,
    "a call of a stub": """
        class AveragePool(nn.Module):
            def forward(self, x):
                raise NotImplementedError()

        nn.Sequential(AveragePool())(0)
        """,
    "a call of a stub's __init__": """
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                raise NotImplementedError()

        Block()
        """,
    "what a stub was to make": "result = AveragePool()(0)\nother = 1",
    "a name that it would have made": "print(result)",
    "a name made of that": "third = other + 1",
    "a name of no cell's": "print(nothing)",
    "another's NotImplementedError": "nn.Module()(1)",
    "one with a reason": 'raise NotImplementedError("tomorrow")',
}


@pytest.fixture(scope="module")
def outputs():
    """What each of the cells shows in a real notebook, as text without codes."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(code)) for code in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    texts = {}
    for name, cell in zip(CELLS, notebook.cells, strict=True):
        lines = [line for out in cell.outputs for line in out.get("traceback", [out.get("text")])]
        texts[name] = ANSI.sub("", "\n".join(lines))
    return texts


def test_a_notebook_shows_the_panel_and_no_stack(outputs):
    assert outputs["mistake"].startswith("╭─ test_averagepool failed ─")
    assert re.search("\n╰─+\n", outputs["mistake"])
    assert "You sum over height and width" in outputs["mistake"]
    assert "Traceback" not in outputs["mistake"]
    assert "engine.py" not in outputs["mistake"]


def test_a_notebook_shows_the_learners_line_of_a_class_typed_into_a_cell(outputs):
    assert (
        "Your line  return y.men(2)  # the typing error  (in AveragePool.forward)"
        in (outputs["crash"])
    )
    assert "return self." not in outputs["crash"]


def test_a_notebook_shows_that_a_stub_is_a_stub(outputs):
    assert outputs["stub"].startswith("╭─ test_averagepool: not written yet ─")
    assert "AveragePool.forward still raises NotImplementedError" in outputs["stub"]


def test_a_notebook_shows_in_one_sentence_that_a_cell_has_called_a_stub(outputs):
    words = "still raises NotImplementedError: put your code in the place of that line, run its"
    cell = " cell, and then this one again."
    name = "UnfinishedExerciseError"
    shown = outputs["a call of a stub"]
    assert shown == f"{name}: AveragePool.forward {words}{cell}"
    assert outputs["a call of a stub's __init__"] == f"{name}: Block.__init__ {words}{cell}"


def test_a_notebook_says_of_a_name_that_a_stub_has_kept_from_being_made(outputs):
    words = "is made in a cell that stopped, as AveragePool.forward still raised"
    made = {"a name that it would have made": "result", "a name made of that": "other"}
    for cell, name in made.items():
        assert outputs[cell].startswith(f"UnfinishedExerciseError: {name} {words}")
    assert "NameError: name 'nothing' is not defined" in outputs["a name of no cell's"]


def test_a_notebook_shows_other_errors_that_something_is_not_implemented_as_ever(outputs):
    assert "forward" in outputs["another's NotImplementedError"]
    assert "NotImplementedError: tomorrow" in outputs["one with a reason"]
    for name in ("another's NotImplementedError", "one with a reason"):
        assert "put your code" not in outputs[name]
        assert "Traceback" in outputs[name]


def test_a_notebook_shows_one_line_for_a_right_answer(outputs):
    assert outputs["right"] == "All tests in `test_averagepool` passed!\n"


def test_pytest_shows_the_same_words_and_none_of_the_engines_frames(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent("""
        import resnet_helpers.tests as checks
        from torch import nn

        class AveragePool(nn.Module):
            def forward(self, x):
                return x.sum((2, 3))

        def test_mine():
            checks.test_averagepool(AveragePool)
        """),
        encoding="utf-8",
    )
    # without a plugin that collects all of PyTorch's garbage five times
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "test_mine.py"])
    shown = capsys.readouterr().out
    assert "E       Got:       output = [[3, 4], [11, 4]]" in shown
    assert "E       You sum over height and width." in shown
    assert "engine.py" not in shown


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0.1, 0.1 + 1e-9, True),  # in the last digits machines differ
        (1e-5, 1e-6, False),  # as eps
        (0.0, 1e-9, True),
        (math.nan, math.nan, True),
        (math.inf, math.inf, True),
        (1.0, 1, False),
        ((0.5, 1), (0.5 + 1e-9, 1), True),
    ],
)
def test_floats_are_the_same_up_to_rounding(a, b, expected):
    assert same(a, b) is expected
