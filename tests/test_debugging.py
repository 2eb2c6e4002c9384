"""The hook tools find what is wrong, in any model, and leave no trace of having looked."""

import copy
import math
import re
from collections import OrderedDict, namedtuple

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from resnet_helpers import layers, solutions
from resnet_helpers.debugging import activation_stats, find_first_nan, first_divergence


def seeded(make, *args, **kwargs) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(*args, **kwargs)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def mlp(**changes: nn.Module) -> nn.Sequential:
    """first, act, second, last; entries given replace these or are added at the end."""
    named = OrderedDict(
        first=seeded(nn.Linear, 4, 8), act=nn.ReLU(), second=seeded(nn.Linear, 8, 8)
    )
    return nn.Sequential(named | changes)


class Calls(nn.Module):
    """forward is any function of (self, x); its modules are keywords."""

    def __init__(self, forward, **modules: nn.Module):
        super().__init__()
        self._call = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self._call(self, x)


def n_hooks(model: nn.Module) -> int:
    """All hooks of all kinds, of modules and of parameters."""
    dictionaries = [
        value
        for module in model.modules()
        for name, value in vars(module).items()
        if name.endswith("hooks")
    ]
    parameters = [p._backward_hooks or {} for p in model.parameters()]
    return sum(map(len, [*dictionaries, *parameters]))


def state(model: nn.Module) -> list:
    """Everything a tool could have changed."""
    tensors = [*model.state_dict().values(), *(p.grad for p in model.parameters())]
    return [
        n_hooks(model),
        [module.training for module in model.modules()],
        [t if t is None else t.clone() for t in tensors],
        [id(b) for b in model.buffers()],
        [torch.get_rng_state(), torch.is_grad_enabled()],
    ]


def same(a: list, b: list) -> bool:
    """== for nested lists with tensors in them, in which NaN equals NaN."""
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a.nan_to_num(7), b.nan_to_num(7)) if isinstance(a, Tensor) else a == b


TOOLS = {
    "first_divergence": lambda model, x: first_divergence(model, copy.deepcopy(model), x),
    "find_first_nan": find_first_nan,
    "find_first_nan, backward": lambda model, x: find_first_nan(model, x, backward=True),
    "activation_stats": activation_stats,
}
each_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)

ARCHITECTURES = {
    "mobilenet": (lambda: models.mobilenet_v3_small(num_classes=10), (2, 3, 64, 64)),
    "densenet": (lambda: models.densenet121(num_classes=10), (2, 3, 64, 64)),
    "googlenet": (
        lambda: models.googlenet(num_classes=10, init_weights=False, aux_logits=False),
        (2, 3, 64, 64),
    ),
    "vit": (
        lambda: models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10),
        (2, 3, 32, 32),
    ),
    "transformer block": (lambda: nn.TransformerEncoderLayer(16, 2, 32), (5, 2, 16)),
    "lstm": (lambda: nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 8)), (5, 2, 4)),
}


@pytest.fixture(params=ARCHITECTURES.values(), ids=ARCHITECTURES)
def architecture(request) -> tuple[nn.Module, Tensor]:
    make, shape = request.param
    return seeded(make), noise(*shape)


# --- Leaving no trace -------------------------------------------------------------------------


@each_tool
@pytest.mark.parametrize("training", [True, False])
def test_everything_is_as_before(architecture, tool, training):
    model, x = architecture
    model.train(training)
    (model[1] if isinstance(model, nn.Sequential) else model).register_forward_hook(lambda *_: None)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before, x_before = state(model), x.clone()
    tool(model, x)
    assert same(state(model), before)
    assert torch.equal(x, x_before)


@each_tool
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_everything_is_as_before_after_an_error_in_forward(tool, error):
    def fail(self, x):
        self.norm.eval()
        raise error("on purpose")

    # dropout draws random numbers, batchnorm changes its buffers: both before the error
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(4), Calls(fail, norm=nn.BatchNorm1d(4)))
    before = state(model)
    with pytest.raises((RuntimeError, KeyboardInterrupt)):
        tool(model, noise(3, 4))
    assert same(state(model), before)


@each_tool
def test_an_error_in_forward_names_the_innermost_module(tool):
    def fail(self, x):
        raise IndexError("on purpose")

    model = mlp(tail=nn.Sequential(nn.ReLU(), Calls(fail)))
    with pytest.raises(
        RuntimeError, match=r"failed in `tail.1` \(Calls\) of Sequential: on purpose"
    ) as e:
        tool(model, noise(3, 4))
    assert isinstance(e.value.__cause__, IndexError)
    assert n_hooks(model) == 0


@each_tool
def test_x_is_not_changed_by_a_module_that_works_in_place(tool):
    x = {"pair": (noise(3, 4), [noise(3, 4)])}
    kept = copy.deepcopy(x)
    tool(Calls(lambda self, x: self.first(x["pair"][1][0].relu_()), **vars_of(mlp())), x)
    assert torch.equal(x["pair"][1][0], kept["pair"][1][0])


def vars_of(model: nn.Module) -> dict[str, nn.Module]:
    return dict(model.named_children())


@each_tool
def test_a_buffer_replaced_by_forward_is_put_back(tool):
    def count(self, x):
        self.norm.running_mean = self.norm.running_mean + 1  # a new tensor
        return self.norm(x)

    model = Calls(count, norm=nn.BatchNorm1d(4))
    before = state(model)
    tool(model, noise(3, 4))
    assert same(state(model), before)


@each_tool
def test_lazy_modules_are_refused_and_stay_lazy(tool):
    model = nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(2))
    before = n_hooks(model)  # PyTorch's own
    with pytest.raises(ValueError, match=r"`1.weight` is uninitialized: call the model once"):
        tool(model, noise(3, 4))
    assert n_hooks(model) == before
    assert isinstance(model[1].weight, nn.UninitializedParameter)


@each_tool
def test_runs_under_inference_mode(tool):
    model = mlp()
    with torch.inference_mode():
        tool(model, noise(3, 4))


# --- first_divergence ---------------------------------------------------------------------------


def test_a_copy_does_not_diverge(architecture):
    model, x = architecture
    for training in (True, False):
        found = first_divergence(model.train(training), copy.deepcopy(model), x, tolerance=0)
        assert found.name is None, found
        assert not found.only_in_mine
        assert not found.only_in_reference
        assert len(found.table) > 0


def middle_leaf(model: nn.Module, x: Tensor) -> str:
    """The name of a module with weights, halfway through."""
    modules = dict(model.named_modules())
    called = dict.fromkeys(activation_stats(model, x).table["module"])  # without second calls
    with_weights = [
        name
        for name in called
        if name in modules and any(True for _ in modules[name].parameters(recurse=False))
    ]
    return with_weights[len(with_weights) // 2] if with_weights else "1"


def test_the_module_with_another_weight_is_named(architecture):
    model, x = architecture
    model.eval()
    name = middle_leaf(model, x)
    other = copy.deepcopy(model)
    parameter, weight = next(other.get_submodule(name).named_parameters(recurse=False))
    weight.data.view(-1)[0] += 1
    found = first_divergence(other, model, x)
    assert found.name == found.reference_name == name
    assert f"Cause: `{parameter}` differs by up to 1.0e+00." in found.explanation


def test_explains_a_setting():
    mine, reference = (nn.Sequential(nn.Conv2d(3, 3, 3, stride=s)) for s in (2, (1, 1)))
    mine.load_state_dict(reference.state_dict())
    assert first_divergence(mine, reference, noise(2, 3, 9, 9)).explanation == (
        "First divergence: `0` (Conv2d) in yours, `0` (Conv2d) in the reference.\n"
        "The output has shape (2, 3, 4, 4) in yours, (2, 3, 7, 7) in the reference.\n"
        "Cause: stride is 2 in yours, 1 in the reference."
    )


def test_a_weight_of_another_shape_in_the_same_place_is_paired():
    found = first_divergence(
        mlp(second=nn.Linear(8, 9), tail=nn.Linear(9, 8)), mlp(tail=nn.Linear(8, 8)), noise(3, 4)
    )
    assert found.name == found.reference_name == "second"
    assert "Cause: out_features is 9 in yours, 8 in the reference" in found.explanation
    assert not found.only_in_mine


def test_explains_another_forward():
    class ReLU(nn.ReLU):
        def forward(self, x):
            return x.abs()

    found = first_divergence(mlp(act=ReLU()), mlp(), noise(3, 4))
    assert found.name == "act"
    assert found.explanation.endswith(
        "Input, weights and settings agree: forward itself computes something else. Read it "
        "(inspect.getsource shows it), and try it on other inputs."
    )


def test_explains_what_happens_between_modules():
    parts = vars_of(mlp())
    mine = Calls(lambda self, x: self.second(self.first(x)), **parts)
    reference = Calls(lambda self, x: self.second(self.first(x).relu()), **parts)
    found = first_divergence(mine, reference, noise(3, 4))
    assert found.name == "second"
    assert found.explanation.endswith(
        "What goes into it differs already: look at what happens after `first` (Linear)."
    )
    scaled = Calls(lambda self, x: self.second(self.first(2 * x)), **parts)
    assert first_divergence(scaled, mine, noise(3, 4)).explanation.endswith("after the input.")


def test_explains_different_modes():
    mine = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))
    explanation = first_divergence(mine, copy.deepcopy(mine).eval(), noise(2, 3, 9, 9)).explanation
    assert "`1` (BatchNorm2d) in yours" in explanation
    assert "Cause: they are in different modes." in explanation
    assert (
        "3 of 3 pairs are in different modes, from `0` (Conv2d) on: train in yours" in explanation
    )


def test_a_momentum_shows_in_the_buffers_in_train_mode_and_is_mentioned_in_eval_mode():
    mine, reference = nn.BatchNorm2d(3, momentum=0.5), nn.BatchNorm2d(3)
    found = first_divergence(mine, reference, noise(2, 3, 9, 9))
    assert found.explanation.splitlines()[1].startswith("The running_mean differs by up to")
    assert found.explanation.endswith("Cause: momentum is 0.5 in yours, 0.1 in the reference.")
    found = first_divergence(mine.eval(), reference.eval(), noise(2, 3, 9, 9))
    assert found.name is None
    assert found.explanation.endswith(
        "Still, a setting of `the model itself` (BatchNorm2d) differs: "
        "momentum is 0.5 in yours, 0.1 in the reference."
    )


def test_modules_without_a_partner_are_reported_and_the_rest_is_paired():
    mine = mlp(tail=nn.Linear(8, 2))
    reference = mlp(norm=nn.LayerNorm(8), tail=mine.tail)
    found = first_divergence(mine, reference, noise(3, 4))
    assert found.only_in_mine == []
    assert found.only_in_reference == ["`norm` (LayerNorm)"]
    assert found.name == "tail"
    assert list(found.table["yours"]) == ["first", "act", "second", "tail", "the model itself"]
    assert found.explanation.endswith(
        "Only in the reference: `norm` (LayerNorm). It has no partner in yours."
    )


def test_of_many_without_a_partner_three_are_named():
    found = first_divergence(nn.Sequential(*[nn.ReLU() for _ in range(9)]), nn.ReLU(), noise(3))
    assert found.explanation == (
        "What was compared agrees within the tolerance of 1.0e-04, but that is not everything; "
        "pairs compared: 1.\n"
        "Only in yours: `0` (ReLU), `1` (ReLU), `2` (ReLU) and 6 more. "
        "They have no partner in the reference."
    )


def test_nothing_in_common_but_the_result():
    found = first_divergence(nn.Sequential(nn.ReLU()), nn.Sequential(nn.Tanh()), noise(3))
    assert found.name == found.reference_name == ""
    assert len(found.table) == 1
    assert found.only_in_mine == ["`0` (ReLU)"]
    assert found.only_in_reference == ["`0` (Tanh)"]


def test_a_difference_after_the_last_module():
    mine = Calls(lambda self, x: 2 * self.second(self.first(x)), **vars_of(mlp()))
    reference = Calls(lambda self, x: self.second(self.first(x)), **vars_of(mlp()))
    found = first_divergence(mine, reference, noise(3, 4))
    assert found.name == ""
    assert found.explanation.endswith(
        "All pairs before agree: look at what forward does after `second` (Linear)."
    )


def test_a_branch_computed_earlier_is_paired():
    parts = {"left": nn.Conv2d(3, 5, 3, padding=1), "right": nn.Conv2d(3, 5, 1)}
    mine = Calls(lambda self, x: self.right(x) + self.left(x), **parts)
    reference = Calls(lambda self, x: self.left(x) + self.right(x), **parts)
    found = first_divergence(mine, reference, noise(2, 3, 9, 9))
    assert found.name is None
    for column in ("yours", "reference"):
        assert list(found.table[column]) == ["right", "left", "the model itself"]


def test_a_missing_block_leaves_the_others_paired():
    def model(n):
        return nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(n)))

    mine = model(3)
    reference = nn.Sequential(*mine, *model(1))
    found = first_divergence(mine, reference, noise(2, 4))
    assert found.only_in_reference == ["`3.0` (Linear)", "`3.1` (ReLU)"]
    assert found.table["relative error"].tolist()[:-1] == [0] * 6


def test_a_relu_missing_in_every_block_leaves_the_rest_paired():
    def model(n_middle: int):
        def block():
            before, after = ([nn.Linear(4, 4), nn.BatchNorm1d(4)] for _ in range(2))
            middle = [nn.ReLU() for _ in range(n_middle)]
            return nn.Sequential(*before, *middle, *after, nn.ReLU())

        return nn.Sequential(*(block() for _ in range(8)))

    found = first_divergence(model(0), model(1), noise(6, 4))
    assert not found.only_in_mine
    assert found.only_in_reference == [f"`{i}.2` (ReLU)" for i in range(8)]


def test_our_layers_are_paired_with_pytorchs():
    mine = layers.Sequential(layers.Conv2d(3, 3, 3), solutions.BatchNorm2d(3), layers.ReLU())
    mine = layers.Sequential(mine, layers.MaxPool2d(2), solutions.AveragePool())
    reference = nn.Sequential(nn.Conv2d(3, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(True))
    reference = nn.Sequential(reference, nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1))
    solutions.copy_weights(mine, reference)
    found = first_divergence(mine, reference, noise(2, 3, 9, 9))
    assert found.name is None
    assert len(found.table) == 5 + 1
    assert not found.only_in_mine


def test_a_module_that_works_in_place_does_not_spoil_the_record():
    mine = mlp(act=nn.ReLU(inplace=True))
    found = first_divergence(mine, mlp(), noise(3, 4), tolerance=0)
    assert found.name is None


def test_a_module_called_twice_counts_twice():
    def model(factor):
        def forward(self, x):
            return self.act(factor * self.second(self.act(self.first(x))))

        return Calls(forward, **vars_of(mlp()))

    found = first_divergence(model(2), model(1), noise(3, 4))
    assert list(found.table["yours"])[:4] == ["first", "act", "second", "act #2"]
    assert found.first == 3
    assert found.explanation.startswith("First divergence: `act #2` (ReLU) in yours")


def test_a_module_never_called_is_no_difference():
    mine, reference = mlp(), mlp()
    mine.unused = nn.Linear(1, 1)
    mine.forward = nn.Sequential(mine.first, mine.act, mine.second).forward
    assert first_divergence(mine, reference, noise(3, 4)).name is None


def test_outputs_may_be_tuples_dictionaries_and_dataclasses():
    def model(shift):
        def split(self, x):
            return {"a": x, "b": (x, [x + shift])}

        return nn.Sequential(nn.Linear(4, 4), Calls(split))

    mine, reference = seeded(model, 1), seeded(model, 0)
    found = first_divergence(mine, reference, noise(3, 4))
    assert found.name == "1"
    assert found.table["shape"].iloc[-2] == "(3, 4), (3, 4), (3, 4)"
    Point = namedtuple("Point", "x y")
    both = Calls(lambda self, p: Point(self.first(p.x), p.y), first=nn.Linear(4, 4))
    assert first_divergence(both, both, Point(noise(3, 4), noise(3, 4))).name is None


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-8), (torch.float32, 1e-4), (torch.float16, 2e-2), (torch.bfloat16, 0.1)],
)
def test_dtypes(dtype, tolerance):
    mine, reference = mlp().to(dtype), mlp().to(dtype)
    x = noise(3, 4).to(dtype)
    assert first_divergence(mine, reference, x).tolerance == tolerance
    mine.second.weight.data *= 1 + 3 * tolerance
    assert first_divergence(mine, reference, x).name == "second"
    mine.second.weight.data /= 1 + 3 * tolerance
    mine.second.weight.data *= 1 + tolerance / 3
    assert first_divergence(mine, reference, x).name is None


def test_the_same_nan_in_both_is_no_difference_and_one_in_mine_is():
    mine, reference = mlp(), mlp()
    mine.second.bias.data[3] = math.nan
    found = first_divergence(mine, reference, noise(3, 4))
    assert found.name == "second"
    assert found.table["relative error"].iloc[-1] == math.inf
    reference.second.bias.data[3] = math.nan
    assert first_divergence(mine, reference, noise(3, 4)).name is None


def test_complex_and_integer_outputs():
    spectrum = Calls(lambda self, x: (torch.fft.fft(x), x.argmax(1)))
    assert first_divergence(spectrum, spectrum, noise(3, 4)).name is None
    conjugate = Calls(lambda self, x: (torch.fft.fft(x).conj(), x.argmax(1)))
    assert first_divergence(conjugate, spectrum, noise(3, 4)).name == ""


def test_tolerance_zero_finds_where_rounding_begins():
    mine, reference = solutions.ResNet34().eval(), models.resnet34().eval()
    solutions.copy_weights(mine, reference)
    x = noise(1, 3, 64, 64)
    assert first_divergence(mine, reference, x).name is None
    found = first_divergence(mine, reference, x, tolerance=0)
    assert "so small an error is rounding" in found.explanation


def test_the_error_grows_in_table_and_plot():
    mine, reference = mlp(tail=nn.Linear(8, 8)), mlp(tail=nn.Linear(8, 8))
    mine.tail.load_state_dict(reference.tail.state_dict())
    mine.second.bias.data += 1
    found = first_divergence(mine, reference, noise(3, 4))
    assert (found.table["relative error"] > 0).tolist() == [False, False, True, True, True]
    assert found.first == 2
    picture = found.plot()
    assert picture.alt.startswith("Your network leaves the reference at second.")
    assert picture.content != first_divergence(mine, mine, noise(3, 4)).plot().content
    assert "<table" in found._repr_html_()
    assert "second" in repr(found)


# --- find_first_nan -----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_finds_the_module_with_a_bad_weight(architecture, bad):
    model, x = architecture
    model.eval()
    assert find_first_nan(model, x).name is None
    name = middle_leaf(model, x)
    parameter, weight = next(model.get_submodule(name).named_parameters(recurse=False))
    weight.data[:] = bad
    found = find_first_nan(model, x)
    assert found.name == name
    assert f"Its `{parameter}` holds {'NaN' if bad != bad else 'infinity'}." in found.explanation


def test_a_healthy_model():
    assert repr(find_first_nan(mlp(), noise(3, 4))) == "No NaN and no infinity in forward."
    assert repr(find_first_nan(mlp(), noise(3, 4), backward=True)) == (
        "No NaN and no infinity in forward or backward."
    )


def test_of_nested_modules_the_innermost_is_named():
    log = Calls(lambda self, x: x.log())
    model = mlp(tail=nn.Sequential(nn.Sequential(nn.Linear(8, 8), log), nn.ReLU()))
    found = find_first_nan(model, noise(3, 4))
    assert found.name == "tail.0.1"
    assert found.explanation.startswith("The first NaN arises in the output of `tail.0.1` (Calls).")


def test_a_module_whose_own_code_is_to_blame():
    own = Calls(lambda self, x: self.second((self.first(x) * 0).log() * 0), **vars_of(mlp()))
    found = find_first_nan(nn.Sequential(own), noise(3, 4))
    assert found.name == "0"
    assert "The modules it calls are innocent: look at the rest of its forward." in (
        found.explanation
    )


def test_nan_in_the_input_is_nobodys_fault_but_infinity_may_become_nan():
    found = find_first_nan(mlp(), noise(3, 4) * math.nan, backward=True)
    assert found.name is None
    assert found.explanation == "No module makes one: x itself holds NaN."
    assert find_first_nan(mlp(), noise(3, 4) * math.inf).name == "first"


def test_the_second_call_of_a_module_is_told_apart():
    def twice(self, x):
        return self.act(self.act(x) - 1e9)

    model = Calls(twice, act=Calls(lambda self, x: x.sqrt()))
    found = find_first_nan(model, noise(3, 4).abs())
    assert "`act #2`" in found.explanation


def test_nan_made_in_place_and_in_a_dictionary():
    def spoil(self, x):
        x[0, 0] = math.nan
        return {"x": x, "n": torch.arange(3)}

    assert find_first_nan(mlp(spoil=Calls(spoil)), noise(3, 4)).name == "spoil"


def test_an_error_after_the_nan_does_not_hide_it():
    def refuse(self, x):
        raise ValueError("NaN!")

    found = find_first_nan(nn.Sequential(solutions.NanModule(), Calls(refuse)), noise(3, 4))
    assert found.name == "0"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_nan_in_other_dtypes(dtype):
    model = mlp(tail=Calls(lambda self, x: x * 1e30 * 1e30)).to(dtype)
    expected = "tail" if dtype != torch.float64 else None
    assert find_first_nan(model, noise(3, 4).to(dtype), backward=True).name == expected


def test_half_precision_whose_sum_overflows_is_finite():
    assert find_first_nan(nn.Identity(), torch.full((100,), 6e4, dtype=torch.float16)).name is None


def test_backward_names_the_module_and_the_step():
    root = Calls(lambda self, x: (x * 0).sqrt())  # its derivative at 0 is infinite
    found = find_first_nan(mlp(root=root, tail=nn.Linear(8, 2)), noise(3, 4), backward=True)
    assert found.name == "root"
    assert re.match(
        r"The first infinity arises in backward, in \w+ of `root` \(Calls\).\nLine \d+ of "
        r"test_debugging.py: root = Calls",
        found.explanation,
    )
    assert found.source.startswith("root = Calls")


def test_backward_of_nested_modules_with_in_place_steps():
    power = Calls(lambda self, x: (x * 0).pow(0.5))
    inner = nn.Sequential(nn.Linear(8, 8), nn.Hardtanh(inplace=True), power)
    model = nn.Sequential(mlp(), nn.ReLU(inplace=True), inner, nn.Linear(8, 2))
    assert find_first_nan(model, noise(3, 4), backward=True).name == "2.2"


def test_backward_of_a_modules_own_code_between_the_modules_it_calls():
    def between(self, x):
        h = self.first(x) * 0
        h = torch.where(h > 0, h.sqrt(), torch.zeros_like(h))  # 0 * infinity in backward: NaN
        return self.second(self.act(h))

    model = nn.Sequential(nn.Linear(4, 4), Calls(between, **vars_of(mlp())))
    found = find_first_nan(model, noise(3, 4), backward=True)
    assert found.name == "1"
    assert re.match(r"The first NaN arises in backward, in \w+ of `1` ", found.explanation)
    assert found.source.startswith("h = torch.where(h > 0, h.sqrt()")


def test_backward_to_an_input_only():
    root, x = Calls(lambda self, x: x.sqrt()), torch.zeros(3, requires_grad=True)
    assert find_first_nan(root, x, backward=True).name == ""
    assert x.grad is None


def test_backward_without_anything_to_differentiate():
    with pytest.raises(ValueError, match="takes a gradient"):
        find_first_nan(nn.ReLU(), noise(3), backward=True)
    model = Calls(lambda self, x: self.first(x).argmax(1), **vars_of(mlp()))
    with pytest.raises(ValueError, match="takes a gradient"):
        find_first_nan(model, noise(3, 4), backward=True)


def test_backward_that_fails():
    def overwrite(self, x):
        return x.sigmoid().add_(1)  # sigmoid's backward needs what is overwritten here

    with pytest.raises(RuntimeError, match=r"backward failed in `tail` \(Calls\): "):
        find_first_nan(mlp(tail=Calls(overwrite)), noise(3, 4), backward=True)


# --- activation_stats -----------------------------------------------------------------------------


def test_the_stats_are_those_of_the_outputs():
    model, x = mlp(), noise(3, 4)
    table = activation_stats(model, x).table
    h = model.act(model.first(x))
    assert list(table.columns) == ["module", "kind", "shape", "mean", "std", "zeros"]
    assert list(table["module"]) == ["first", "act", "second"]  # the whole gives what second gave
    assert list(table["kind"]) == ["Linear", "ReLU", "Linear"]
    row = table.iloc[1]
    assert row["shape"] == (3, 8)
    assert row["mean"] == pytest.approx(h.mean().item())
    assert row["std"] == pytest.approx(h.std(correction=0).item())
    assert row["zeros"] == pytest.approx((h == 0).double().mean().item())


def test_a_module_that_does_something_after_its_last_submodule_has_a_row():
    model = Calls(lambda self, x: self.second(self.first(x)).relu(), **vars_of(mlp()))
    table = activation_stats(nn.Sequential(OrderedDict(block=model)), noise(3, 4)).table
    assert list(table["module"]) == ["block.first", "block.second", "block"]
    assert table["zeros"].iloc[-1] > 0


def test_each_tensor_and_each_call_has_a_row():
    model = Calls(lambda self, x: self.lstm(self.lstm(x)[0]), lstm=nn.LSTM(4, 4))
    table = activation_stats(model, noise(5, 2, 4)).table
    outputs = [f"lstm{call}[{i}]" for call in ("", " #2") for i in range(3)]
    assert list(table["module"]) == outputs
    assert table["shape"].iloc[0] == (5, 2, 4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_stats_of_other_dtypes(dtype):
    table = activation_stats(mlp().to(dtype), noise(3, 4).to(dtype)).table
    expected = activation_stats(mlp(), noise(3, 4)).table
    assert table["std"].to_numpy() == pytest.approx(expected["std"].to_numpy(), rel=0.02)


def test_stats_of_what_has_none():
    empty = Calls(lambda self, x: (x[:0], x.argmax(), x * math.nan))
    table = activation_stats(empty, noise(3, 4)).table
    assert list(table["shape"]) == [(0, 4), (3, 4)]
    assert table["mean"].isna().all()


def test_the_activations_are_drawn_and_described():
    stats = activation_stats(mlp(), noise(3, 4))
    picture = stats.plot()
    assert f"Standard deviations of {len(stats.table)} outputs" in picture.alt
    assert picture.content != activation_stats(mlp(), 100 * noise(3, 4)).plot().content
    assert "<table" in stats._repr_html_()
    assert "second" in repr(stats)
