"""The hook tools on networks and inputs that are not the course's: they hold, and say what is so.

The sixty networks with planted faults are in tests/slow.
"""

import contextlib
import copy
import math
import random
import re
import types
import warnings
from collections import UserDict
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from small_networks import LINEAR, Fn, X, mlp, noise, seeded, spoiled
from torch import Tensor, nn
from torch.nn.utils import prune

from resnet_helpers.broken import broken_resnet34
from resnet_helpers.debugging import activation_stats, find_first_nan, first_divergence
from resnet_helpers.errors import CourseError
from resnet_helpers.param_count import print_param_count

TOOLS = {
    "first_divergence": lambda model, x: first_divergence(model, mlp(), x),
    "as the reference": lambda model, x: first_divergence(mlp(), model, x),
    "backward": lambda model, x: first_divergence(model, mlp(), x, backward=True),
    "find_first_nan": find_first_nan,
    "activation_stats": activation_stats,
}
each_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)


# --- What no tool can run gets one sentence -----------------------------------------------------


def scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(mlp())


NO_MODELS = {
    "a class": lambda: nn.Linear,
    "None": lambda: None,
    "a function": lambda: len,
    "a list": lambda: [mlp()],
    "a state dict": lambda: mlp().state_dict(),
    "scripted": scripted,
    "lazy": lambda: nn.Sequential(nn.LazyLinear(3)),
    "meta": lambda: mlp().to("meta"),
}


@each_tool
@pytest.mark.parametrize("make", NO_MODELS.values(), ids=NO_MODELS)
def test_what_is_no_model_gets_one_sentence(tool, make):
    with pytest.raises(ValueError, match=r"\.$") as caught:
        tool(make(), X)
    assert isinstance(caught.value, CourseError)  # in a notebook: that sentence and no stack
    assert "\n" not in str(caught.value)


NO_INPUTS = {
    "None": None,
    "a string": "abc",
    "another shape": noise(3, 5),
    "integers": torch.ones(3, 4, dtype=torch.long),
    "on the meta device": torch.empty(3, 4, device="meta"),
    "a generator": (row for row in X),
    "a module": nn.ReLU(),
    "too many": (X, X),
}


@each_tool
@pytest.mark.parametrize("x", NO_INPUTS.values(), ids=NO_INPUTS)
def test_an_input_that_does_not_fit_gets_one_error_that_names_the_place(tool, x):
    with pytest.raises((ValueError, RuntimeError)) as caught:
        tool(mlp(), x)
    assert isinstance(caught.value, CourseError)
    assert re.search(r"^x |forward failed in `0` \(Linear\) of Sequential: ", str(caught.value))


@each_tool
def test_the_message_of_an_error_is_kept_short(tool):
    def fail(self, x):
        raise ValueError("word" * 10**5)

    with pytest.raises(RuntimeError, match="forward failed in") as caught:
        tool(Fn(fail), X)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("tolerance", [-1.0, math.nan])
def test_a_tolerance_that_is_none(tolerance):
    with pytest.raises(ValueError, match="a number from 0 on"):
        first_divergence(mlp(), mlp(), X, tolerance)


# --- Models that are wrapped, or made otherwise ---------------------------------------------------


def compiled_in_place(model: nn.Module) -> nn.Module:
    model.compile()
    return model


def with_a_compiled_layer(model: nn.Module) -> nn.Module:
    model[2] = torch.compile(model[2])
    return model


def traced_inside(model: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model[2] = torch.jit.trace(model[2], noise(3, 8))
    return model


def pruned(model: nn.Module) -> nn.Module:
    prune.identity(model[2], "weight")
    return model


def parametrised(model: nn.Module) -> nn.Module:
    return nn.Sequential(*model[:2], torch.nn.utils.parametrizations.weight_norm(model[2]))


WRAPPED = {
    "torch.compile": (torch.compile, "2"),
    "compile()": (compiled_in_place, "2"),
    "a compiled layer": (with_a_compiled_layer, "2"),
    "DataParallel": (nn.DataParallel, "module.2"),
    "half": (lambda model: model.half(), "2"),
    "bfloat16": (lambda model: model.bfloat16(), "2"),
    "double": (lambda model: model.double(), "2"),
    "traced inside": (traced_inside, "2"),
    "pruned": (pruned, "2"),
    "weight norm": (parametrised, "2.parametrizations.weight.0"),
    "frozen": (lambda model: model.requires_grad_(False), "2"),
    "fx": (torch.fx.symbolic_trace, "2"),
}


@pytest.mark.parametrize(("wrap", "name"), WRAPPED.values(), ids=WRAPPED)
def test_a_planted_fault_is_found_in_wrapped_models(wrap, name):
    mine, reference = wrap(spoiled()), wrap(mlp())
    dtype = next(reference.parameters()).dtype
    found = first_divergence(mine, reference, X.to(dtype))
    assert found.name == name
    assert "weight" in found.explanation.splitlines()[2]
    assert find_first_nan(mine, X.to(dtype)).name is None
    assert len(activation_stats(mine, X.to(dtype)).table) >= 3


def test_a_scripted_layer_is_said_to_be_unseen():
    mine, reference = mlp(), mlp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine[2] = torch.jit.script(mine[2])
    found = first_divergence(mine, reference, X)
    assert found.name is None
    assert not found.compared_everything
    assert "`2`, which is scripted" in found.not_compared
    assert "No divergence" not in found.explanation


def quantised() -> nn.Module:
    """Statically: its layers hand on 8-bit integers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.ao import quantization as q

        torch.backends.quantized.engine = "qnnpack"
        model = nn.Sequential(q.QuantStub(), *mlp(), q.DeQuantStub()).eval()
        model.qconfig = q.get_default_qconfig("qnnpack")
        model = q.prepare(model)
        model(X)
        return q.convert(model)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(
    not hasattr(torch.ao, "quantization")
    or "qnnpack" not in torch.backends.quantized.supported_engines,
    reason="this PyTorch has no quantised layers",
)
def test_a_quantised_model():
    model = quantised()
    found = first_divergence(model, copy.deepcopy(model), X)
    assert found.name is None
    assert len(found.table) == 5 + 1
    assert first_divergence(model, mlp().eval(), X).name is None  # within an 8-bit step or two
    found = first_divergence(model, spoiled().eval(), X)
    assert found.name == "3"
    assert "`weight` differs by up to 1.0" in found.explanation
    assert find_first_nan(model, X).name is None
    assert len(activation_stats(model, X).table) == 5


# --- Other people's hooks -------------------------------------------------------------------------


@each_tool
@pytest.mark.parametrize(
    "register",
    ["register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"],
)
def test_a_hook_that_raises_is_passed_over_and_stays(tool, register):
    def refuse(*_):
        raise ValueError("NaN!")

    model = mlp()
    getattr(model[1], register)(refuse)
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    before = [dict(getattr(model[1], kind)) for kind in kinds]
    found = tool(model, X)
    assert [dict(getattr(model[1], kind)) for kind in kinds] == before
    if register == "register_forward_hook" and hasattr(found, "explanation"):
        assert "A hook on `1` (ReLU) raised ValueError and was passed over." in found.explanation


def test_a_hook_that_changes_the_output_still_does():
    mine = mlp()
    mine[1].register_forward_hook(lambda module, args, output: output + 1)
    assert first_divergence(mine, mlp(), X).name == "1"


def test_a_nan_is_found_behind_a_hook_that_stops_at_it():
    def stop(module, args, output):
        if output.isnan().any():
            raise ValueError("NaN!")

    model = nn.Sequential(mlp(), Fn(lambda self, x: x.log()), nn.ReLU())
    for module in model.modules():
        module.register_forward_hook(stop)
    assert find_first_nan(model, X).name == "1"


def test_a_hook_that_takes_itself_off_stays_off():
    model = mlp()
    handle = model[1].register_forward_hook(lambda *_: handle.remove())
    first_divergence(model, mlp(), X)
    assert not model[1]._forward_hooks


# --- Outputs: no false word -----------------------------------------------------------------------


@dataclass
class Result:
    """As a model of transformers returns it."""

    logits: Tensor
    loss: Tensor | None = None


class Holder:
    """As torchvision's ImageList holds a batch."""

    def __init__(self, tensors):
        self.tensors = tensors


OUTPUTS = {
    "None": (lambda x: None, lambda x: x, False),
    "fewer": (lambda x: (x,), lambda x: (x, x), False),
    "more": (lambda x: [x, x], lambda x: [x], False),
    "a missing key": (lambda x: {"a": x}, lambda x: {"a": x, "b": x}, False),
    "another order of keys": (lambda x: {"a": x, "b": -x}, lambda x: {"b": -x, "a": x}, True),
    "exchanged values": (lambda x: {"a": x, "b": -x}, lambda x: {"a": -x, "b": x}, False),
    "a tuple for a dictionary": (lambda x: (x, -x), lambda x: {"a": x, "b": -x}, True),
    "dataclasses": (lambda x: Result(x), lambda x: Result(x + 1), False),
    "a field that only one has": (lambda x: Result(x), lambda x: Result(x, x.sum()), False),
    "None beside it": (lambda x: (x, None), lambda x: (x,), True),
    "objects": (lambda x: Holder(x), lambda x: Holder(-x), False),
    "mappings": (lambda x: UserDict(a=x), lambda x: UserDict(a=-x), False),
    "numbers": (lambda x: (x, 1.0), lambda x: (x, 2.0), False),
    "a number for a tensor": (lambda x: x.sum().item(), lambda x: x.sum(), True),
    "strings": (lambda x: (x, "a"), lambda x: (x, "b"), False),
    "a tensor for a string": (lambda x: (x, "a"), lambda x: (x, x), False),
    "sparse": (lambda x: x.to_sparse(), lambda x: (2 * x).to_sparse(), False),
    "sparse and dense": (lambda x: x.to_sparse(), lambda x: x, True),
    "complex": (lambda x: x + 1j, lambda x: x - 1j, False),
    "booleans": (lambda x: x > 0, lambda x: x > 0.5, False),
    "another shape": (lambda x: x.T, lambda x: x, False),
    "nested lists": (lambda x: [[x], {"a": (x,)}], lambda x: [[x], {"a": (-x,)}], False),
    "empty": (lambda x: x[:0], lambda x: x[:0], True),
    "nothing": (lambda x: None, lambda x: None, True),
}


@pytest.mark.parametrize(("mine", "reference", "agree"), OUTPUTS.values(), ids=OUTPUTS)
def test_results_of_all_kinds_are_compared(mine, reference, agree):
    found = first_divergence(Fn(lambda self, x: mine(x)), Fn(lambda self, x: reference(x)), X)
    assert (found.name is None) == agree, found
    assert found.compared_everything or not agree
    assert ("No divergence" in found.explanation) == agree


def test_what_only_one_of_two_modules_puts_out_is_not_compared():
    def model(part):
        return nn.Sequential(Fn(part), Fn(lambda self, x: x[0]))

    found = first_divergence(model(lambda self, x: (x,)), model(lambda self, x: (x, x)), X)
    assert found.name is None
    assert not found.compared_everything
    assert found.not_compared == ["of `0` (Fn), output[1] only in the reference"]
    assert "No divergence" not in found.explanation
    assert "Not compared: of `0` (Fn), output[1]" in found.explanation


def test_what_is_neither_tensor_nor_number_is_not_compared():
    found = first_divergence(
        Fn(lambda self, x: (x, np.ones(3))), Fn(lambda self, x: (x, np.zeros(3))), X
    )
    assert not found.compared_everything


def test_buffers_of_other_names_are_not_compared():
    class Norm(nn.BatchNorm1d):
        def forward(self, x):
            self.extra = self.extra + 1
            return super().forward(x)

    mine, reference = Norm(4), nn.BatchNorm1d(4)
    mine.register_buffer("extra", torch.zeros(1))
    found = first_divergence(mine, reference, X)
    assert found.not_compared == [
        "of `the model itself` (Norm), the buffers `extra`, which only one of the two has"
    ]


# --- Inputs of modules ----------------------------------------------------------------------------


ATTENTION = seeded(nn.MultiheadAttention, 4, 2)
SCALE = Fn(lambda self, pair: pair[0] * pair[1])
INPUTS = {
    "a module with children": (
        Fn(lambda self, x: self.c(2 * x, x, x)[0], c=ATTENTION),
        Fn(lambda self, x: self.c(x, x, x)[0], c=ATTENTION),
        "What goes into it differs already",
    ),
    "a keyword": (
        Fn(lambda self, x: self.c(input=2 * x), c=LINEAR),
        Fn(lambda self, x: self.c(x), c=LINEAR),
        "What goes into it differs already",
    ),
    "forward called directly": (
        Fn(lambda self, x: self.c.forward(2 * x), c=LINEAR),
        Fn(lambda self, x: self.c.forward(x), c=LINEAR),
        "forward itself computes something else",
    ),
    "forward called directly, other weights": (
        Fn(lambda self, x: self.c.forward(x), c=seeded(nn.Linear, 4, 4, seed=1)),
        Fn(lambda self, x: self.c.forward(x), c=LINEAR),
        "Cause: `c.weight` differs by up to",
    ),
    "forward called directly, another setting": (
        Fn(lambda self, x: self.c.forward(x), c=nn.LayerNorm(4, eps=0.5)),
        Fn(lambda self, x: self.c.forward(x), c=nn.LayerNorm(4)),
        "Cause: c.eps is 0.5 in yours, 1e-05 in the reference",
    ),
    "a number beside the tensor": (
        Fn(lambda self, x: self.c((x, 2.0)), c=SCALE),
        Fn(lambda self, x: self.c((x, 3.0)), c=SCALE),
        "the other arguments are [2.0] in yours, [3.0] in the reference",
    ),
    "a tensor more": (
        Fn(lambda self, x: self.c((x, x)), c=SCALE),
        Fn(lambda self, x: self.c((x, 1.0)), c=SCALE),
        "The number of tensors that go into it differs already, 2 in yours, 1 in the reference",
    ),
}


@pytest.mark.parametrize(("mine", "reference", "words"), INPUTS.values(), ids=INPUTS)
def test_what_goes_into_a_module_is_seen(mine, reference, words):
    found = first_divergence(mine, reference, X)
    assert found.name is not None
    assert words in found.explanation


def test_a_tensor_that_is_a_plain_attribute_is_seen():
    def model(scale):
        part = Fn(lambda self, x: x * self.scale)
        part.scale = torch.tensor(scale)
        return nn.Sequential(nn.ReLU(), part)

    assert "Cause: `scale` differs by" in first_divergence(model(2.0), model(3.0), X).explanation


def test_a_parameter_of_the_module_around_is_seen():
    class Around(nn.Module):
        def __init__(self, value: float):
            super().__init__()
            self.token = nn.Parameter(torch.tensor(value))
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(x + self.token)

    found = first_divergence(Around(1.0), Around(2.0), X)
    assert "`token` differs by up to 1.0e+00 in `the model itself` (Around)" in found.explanation


def test_another_activation_is_named_where_the_difference_shows():
    mine, reference = mlp(), mlp()
    mine[1] = nn.Tanh()
    found = first_divergence(mine, reference, X)
    assert found.name == "2"
    assert "There: `1` (Tanh) only in yours; `1` (ReLU) only in the reference." in (
        found.explanation
    )


def test_random_numbers_are_no_fault_of_forward():
    mine = nn.Sequential(nn.Dropout(0.1), nn.Linear(4, 4), nn.Dropout(0.5))
    reference = nn.Sequential(mine[1], mine[2])
    assert first_divergence(mine, copy.deepcopy(mine), X).name is None
    found = first_divergence(
        mine[1:], nn.Sequential(Fn(lambda s, x: x + torch.rand(1) * 0), *reference), X
    )
    assert "It draws random numbers, others than in the reference" in found.explanation


def test_python_and_numpy_draw_the_same_numbers_in_both_models_and_afterwards():
    draws = Fn(lambda self, x: x * random.random() * np.random.rand())
    states = random.getstate(), np.random.get_state()[1].tolist()
    assert first_divergence(draws, draws, X).name is None
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


def test_rounding_that_a_module_only_magnifies_is_told_apart():
    def model(noise: float):
        return nn.Sequential(Fn(lambda self, x: x + noise), Fn(lambda self, x: (x - 1) * 1e6))

    x = torch.ones(3)
    found = first_divergence(model(1e-6), model(0.0), x)
    assert found.name == "1"
    assert "it only makes more of the rounding in what goes in" in found.explanation


# --- Tolerances -----------------------------------------------------------------------------------


class Mixed(nn.Module):
    """A float32 layer, a bfloat16 one, a float32 one."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8).bfloat16(), nn.Linear(8, 8)

    def forward(self, x):
        return self.c(self.b(self.a(x).bfloat16()).float())


@pytest.mark.parametrize("name", ["a", "c"])
def test_one_bfloat16_layer_leaves_the_others_strict(name):
    mine, reference = seeded(Mixed), seeded(Mixed)
    mine.get_submodule(name).weight.data *= 1.01
    found = first_divergence(mine, reference, X)
    assert found.name == name
    assert found.tolerance == 1e-4


def test_what_a_bfloat16_layer_rounds_off_is_no_fault_of_those_after_it():
    mine, reference = seeded(Mixed), seeded(Mixed)
    mine.b.weight.data *= 1.01
    found = first_divergence(mine, reference, X)
    assert found.name is None
    assert found.table["tolerance"].tolist() == [1e-4, 1e-1, 1e-1, 1e-1]


def test_autocast():
    class Autocast(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            with torch.autocast("cpu", torch.bfloat16):
                return self.model(x)

    assert first_divergence(Autocast(mlp()), Autocast(mlp()), X).name is None
    assert first_divergence(Autocast(spoiled()), Autocast(mlp()), X).name == "model.2"


# --- x --------------------------------------------------------------------------------------------


ARGUMENTS = {
    "a tuple for two arguments": (lambda self, a, b: self.c(a + b), (X, X)),
    "a dictionary for two arguments": (lambda self, a, b: self.c(a + b), {"a": X, "b": X}),
    "a tuple for one": (lambda self, a: self.c(a[0] + a[1]), (X, X)),
    "a dictionary for one of two": (lambda self, a, b=0: self.c(a + b), {"a": X}),
    "a dictionary for one": (lambda self, a: self.c(a["a"]), {"a": X}),
    "a dataclass": (lambda self, a: self.c(a.logits.relu_()), Result(X)),
    "an object": (lambda self, a: self.c(a.tensors.relu_()), Holder(X)),
    "a mapping": (lambda self, a: self.c(a["a"].relu_()), UserDict(a=X)),
    "a list": (lambda self, a: self.c(a[0].relu_()), [X, X]),
}


@each_tool
@pytest.mark.parametrize(("forward", "x"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_inputs_of_all_kinds_are_taken_and_left_as_they_are(tool, forward, x):
    before = X.clone()
    model = Fn(None, c=LINEAR)
    model.forward = types.MethodType(forward, model)
    if tool in list(TOOLS.values())[:3]:
        found = first_divergence(model, copy.deepcopy(model), x, backward=True)
        assert found.name is None
    else:
        tool(model, x)
    assert torch.equal(X, before)


TREES = {
    "packed sequences": (
        lambda: nn.LSTM(4, 4),
        lambda: nn.utils.rnn.pack_sequence([noise(3, 4), noise(2, 4)]),
    ),
    "nested tensors": (
        lambda: Fn(lambda self, x: torch.nested.nested_tensor([x[0], x[1, :2]])),
        lambda: X,
    ),
    "8-bit floats": (lambda: Fn(lambda self, x: x.to(torch.float8_e4m3fn)), lambda: X),
    "a module's exception that the model catches": (lambda: Caught(), lambda: X),
}


class Caught(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = seeded(nn.Linear, 4, 4)

    def forward(self, x):
        with contextlib.suppress(RuntimeError):
            self.c(x[:, :3])
        return self.c(x)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_transformer_with_a_padding_mask_and_with_a_causal_one():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    mine = seeded(nn.TransformerEncoder, layer, 2).eval()
    reference = copy.deepcopy(mine)
    mine.layers[1].norm1.eps = 0.1
    padding = torch.arange(5) > torch.tensor([[2], [4]])
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    for masks in ({"src_key_padding_mask": padding}, {"mask": causal}):
        x = {"src": noise(2, 5, 8)} | masks
        assert first_divergence(mine, reference, x).name == "layers.1.norm1"
        assert find_first_nan(mine, x).name is None


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize(("make", "x"), TREES.values(), ids=TREES)
def test_rare_tensors_and_calls(make, x):
    model = seeded(make)
    found = first_divergence(model, copy.deepcopy(model), x())
    assert found.name is None
    assert found.compared_everything
    assert find_first_nan(model, x()).name is None
    assert len(activation_stats(model, x()).table) > 0


# --- No trace -------------------------------------------------------------------------------------


@each_tool
def test_a_buffer_that_was_none_is_none_again_and_a_new_one_is_gone(tool):
    def fill(self, x):
        self.mask = torch.ones(4)
        self.register_buffer("new", torch.ones(4), persistent=False)
        return self.c(x)

    model = Fn(fill, c=seeded(nn.Linear, 4, 8))
    model.register_buffer("mask", None)
    tool(model, X)
    assert model._buffers == {"mask": None}


@each_tool
@pytest.mark.parametrize("has_gradients", [True, False])
def test_gradients_are_as_before_where_forward_itself_goes_backward(tool, has_gradients):
    def adversarial(self, x):
        with torch.enable_grad():
            self.c(x).sum().backward()
        return self.c(x)

    model = Fn(adversarial, c=seeded(nn.Linear, 4, 8))
    if has_gradients:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    tool(model, X)
    for parameter in model.parameters():
        if has_gradients:
            assert torch.equal(parameter.grad, torch.ones_like(parameter))
        else:
            assert parameter.grad is None


# --- Names are text -------------------------------------------------------------------------------

EVIL = "<img src=x onerror=alert(1)>"
Evil = type(EVIL, (nn.Linear,), {})


def evil_model() -> nn.Module:
    return nn.ModuleDict({EVIL: Evil(4, 8), "<bos>": nn.ReLU(), "$\\frac$": nn.Linear(8, 8)})


def run_in_order(model: nn.ModuleDict) -> nn.Module:
    model.forward = types.MethodType(lambda self, x: nn.Sequential(*self.values())(x), model)
    return model


def test_names_are_text_in_tables_and_plots():
    mine, reference = run_in_order(evil_model()), run_in_order(evil_model())
    found = first_divergence(mine, reference, X)
    assert EVIL in found.explanation
    assert found.plot().alt
    stats = activation_stats(mine, X)
    for html in (found._repr_html_(), stats._repr_html_()):
        assert "<img" not in html
        assert "<bos>" not in html
        assert "&lt;bos&gt;" in html
    mine.load_state_dict(reference.state_dict())
    mine["$\\frac$"].weight.data += 1
    assert "$\\frac$" in first_divergence(mine, reference, X).plot().alt
    assert stats.plot().alt


def test_names_are_text_in_the_table_of_parameters(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append(bundle))
    print_param_count(evil_model(), Evil(4, 8))
    html = shown[0]["text/html"]
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert "$\\frac$.weight" in html


def test_long_names_are_shown_whole():
    def model():
        inner = mlp()
        for depth in range(12):
            inner = nn.ModuleDict({f"a_long_name_{depth}": inner})
            key = f"a_long_name_{depth}"
            inner.forward = types.MethodType(lambda self, x, key=key: self[key](x), inner)
        return inner

    mine, reference = model(), model()
    next(mine.parameters()).data += 1
    found = first_divergence(mine, reference, X)
    assert len(found.name) > 100
    assert found.name in found._repr_html_()
    assert found.name in activation_stats(mine, X)._repr_html_()
    assert found.plot().alt


# --- What is no model, elsewhere ------------------------------------------------------------------


@pytest.mark.parametrize("make", [*NO_MODELS.values()][:5], ids=[*NO_MODELS][:5])
def test_print_param_count_refuses_what_is_no_model(make):
    with pytest.raises(ValueError, match="argument 2 is ") as caught:
        print_param_count(mlp(), make())
    assert isinstance(caught.value, CourseError)


@pytest.mark.parametrize("number", [0, 9, "1", None, [1], 1.5])
def test_there_is_no_such_broken_network(number):
    with pytest.raises(ValueError, match="there is no broken network") as caught:
        broken_resnet34(number, mlp())
    assert isinstance(caught.value, CourseError)


@pytest.mark.parametrize(
    "weights_from", [None, nn.Linear, mlp()], ids=["None", "a class", "an mlp"]
)
def test_a_broken_network_needs_the_weights_of_a_resnet34(weights_from):
    with pytest.raises(ValueError, match="weights_from") as caught:
        broken_resnet34(1, weights_from)
    assert isinstance(caught.value, CourseError)
