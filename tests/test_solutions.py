"""The reference answers equal PyTorch's and torchvision's own: entries, outputs, gradients."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torchvision import models

from resnet_helpers import solutions
from resnet_helpers.layers import Linear, ReLU, Sequential


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def randomised(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """Give the vectors (batchnorms' weights and statistics, biases) unlike values between 0.5, 1.5.

    Fresh ones would hide which is which.
    """
    for entry in module.state_dict().values():
        if entry.ndim == 1:
            entry.uniform_(0.5, 1.5, generator=generator)
    return module


def shapes(module: nn.Module) -> list[tuple]:
    """The kind (the name's last part) and the shape of each entry of the state dict, in order."""
    return [(k.rpartition(".")[2], tuple(v.shape)) for k, v in module.state_dict().items()]


# --- BatchNorm2d --------------------------------------------------------------------------------


def both_batchnorms(generator, **settings) -> tuple[nn.Module, nn.Module]:
    reference = randomised(nn.BatchNorm2d(3, **settings), generator)
    mine = solutions.BatchNorm2d(3, **settings)
    mine.load_state_dict(reference.state_dict(), strict=True)
    return mine, reference


SETTINGS = [{}, {"momentum": 0.5}, {"eps": 0.1}, {"eps": 1e-3, "momentum": 1.0}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_batchnorm_equals_torchs_over_several_batches(settings, generator):
    mine, reference = both_batchnorms(generator, **settings)
    for size in ((4, 3, 5, 6), (2, 3, 1, 1), (1, 3, 4, 2), (8, 3, 9, 9)):
        x = 3 * torch.randn(size, generator=generator) + 2
        torch.testing.assert_close(mine(x), reference(x))
        for (name, entry), other in zip(
            mine.state_dict().items(), reference.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(entry, other, msg=name)
    assert mine.num_batches_tracked == 4
    before = copy.deepcopy(mine.state_dict())
    torch.testing.assert_close(mine.eval()(x), reference.eval()(x))
    for name, entry in mine.state_dict().items():
        assert torch.equal(entry, before[name]), f"{name} changed in eval mode"


def test_a_new_batchnorm_has_torchs_entries_in_torchs_order():
    mine, reference = solutions.BatchNorm2d(4).state_dict(), nn.BatchNorm2d(4).state_dict()
    assert list(mine) == list(reference)
    for name, entry in mine.items():
        torch.testing.assert_close(entry, reference[name])
    assert dict(solutions.BatchNorm2d(4).named_parameters()).keys() == {"weight", "bias"}


@pytest.mark.parametrize("training", [True, False])
def test_batchnorms_gradients_equal_torchs(training, generator):
    modules = both_batchnorms(generator)
    x = torch.randn(4, 3, 5, 6, dtype=torch.float64, generator=generator)
    factors = torch.randn(4, 3, 5, 6, dtype=torch.float64, generator=generator)
    gradients = []
    for module in modules:
        module.double().train(training)
        given = x.clone().requires_grad_()
        (module(given) * factors).sum().backward()
        gradients.append([given.grad, module.weight.grad, module.bias.grad])
    for mine, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.bfloat16, 0.05)], ids=str
)
def test_batchnorm_keeps_the_dtype(dtype, tolerance, generator):
    mine, reference = (module.to(dtype) for module in both_batchnorms(generator))
    x = torch.randn(4, 3, 5, 6, generator=generator).to(dtype)
    for train in (True, False):
        out = mine.train(train)(x)
        assert out.dtype == dtype
        close = {"rtol": tolerance, "atol": tolerance}
        torch.testing.assert_close(out, reference.train(train)(x), **close)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(mine, name), getattr(reference, name), **close)
    assert mine.num_batches_tracked.dtype == torch.int64


def test_batchnorm_on_the_meta_device():
    with torch.device("meta"):
        module = solutions.BatchNorm2d(3)
        x = torch.empty(2, 3, 4, 5)
    for out in (module(x), module.eval()(x)):
        assert (out.shape, out.device.type) == (x.shape, "meta")


def test_the_running_statistics_carry_no_graph(generator):
    module = solutions.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 6, generator=generator, requires_grad=True)
    for _ in range(2):
        module(x).sum().backward()
    for buffer in module.buffers():
        assert buffer.grad_fn is None
        assert not buffer.requires_grad
    duplicate = copy.deepcopy(module)  # fails where a buffer has a graph
    duplicate(x)
    assert module.num_batches_tracked == 2
    assert duplicate.num_batches_tracked == 3


def test_batchnorm_changes_no_input(generator):
    module = solutions.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 6, generator=generator)
    given = x.clone()
    module(x)
    module.eval()(x)
    assert torch.equal(x, given)


def test_one_value_per_channel_has_no_variance():
    module = solutions.BatchNorm2d(3)
    x = torch.ones(1, 3, 1, 1)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        module(x)
    assert module.num_batches_tracked == 0
    assert module.eval()(x).isfinite().all()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm2d(3)(x)


def test_print_shows_batchnorms_settings():
    assert repr(solutions.BatchNorm2d(3)) == "BatchNorm2d(3, eps=1e-05, momentum=0.1)"


# --- AveragePool and NamedSequential ------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (3, 8)], ids=str)
def test_average_pool_equals_torchs(size, generator):
    x = torch.randn(2, 5, *size, generator=generator)
    expected = nn.AdaptiveAvgPool2d(1)(x).flatten(1)
    torch.testing.assert_close(solutions.AveragePool()(x), expected)


def test_named_sequential_takes_names_or_numbers():
    named = solutions.NamedSequential(OrderedDict(first=ReLU(), second=Linear(2, 3)))
    assert [name for name, _ in named.named_children()] == ["first", "second"]
    assert named[-1] is named.second
    numbered = solutions.NamedSequential(ReLU(), Linear(2, 3))
    assert [name for name, _ in numbered.named_children()] == ["0", "1"]
    assert len(solutions.NamedSequential()) == 0


# --- ResNet34 -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def resnets():
    """Ours and torchvision's with the same weights, in eval mode, for 1000 classes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = models.resnet34().eval()
        randomised(reference, torch.Generator().manual_seed(0))
        mine = solutions.copy_weights(solutions.ResNet34(), reference).eval()
    return mine, reference


@pytest.fixture(scope="module")
def narrow_resnets():
    """The same network, 8 times as narrow after the stem, in float64: quick and exact."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = models.ResNet(models.resnet.BasicBlock, [3, 4, 6, 3], num_classes=10)
        for i, (layer, stride) in enumerate(zip((3, 4, 6, 3), (1, 2, 2, 2), strict=True)):
            reference.inplanes = 64 if i == 0 else 8 * 2 ** (i - 1)
            narrow = reference._make_layer(models.resnet.BasicBlock, 8 * 2**i, layer, stride)
            setattr(reference, f"layer{i + 1}", narrow)
        reference.fc = nn.Linear(64, 10)
        mine = solutions.ResNet34(out_features_per_group=(8, 16, 32, 64), n_classes=10)
    return solutions.copy_weights(mine, reference).double(), reference.double()


def test_resnet34_has_torchvisions_entries_in_torchvisions_order():
    with torch.device("meta"):
        mine, reference = solutions.ResNet34(), models.resnet34()
    assert shapes(mine) == shapes(reference)
    assert len(shapes(mine)) == 218
    assert [tuple(p.shape) for p in mine.parameters()] == [
        tuple(p.shape) for p in reference.parameters()
    ]


@pytest.mark.parametrize("size", [(224, 224), (64, 64), (97, 130)], ids=str)
def test_resnet34_gives_torchvisions_logits(resnets, size, generator):
    mine, reference = resnets
    x = torch.randn(1, 3, *size, generator=generator)
    with torch.no_grad():
        expected = reference(x)
        got = mine(x)
    assert expected.std() > 0.01  # or equality would say nothing
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_a_training_step_of_resnet34_equals_torchvisions(narrow_resnets, generator):
    mine, reference = narrow_resnets
    x = torch.randn(4, 3, 64, 64, dtype=torch.float64, generator=generator)
    labels = torch.tensor([1, 0, 9, 3])
    for model in narrow_resnets:
        model.train().zero_grad()
        nn.functional.cross_entropy(model(x), labels).backward()
    pairs = zip(mine.parameters(), reference.parameters(), strict=True)
    for my_parameter, parameter in pairs:
        assert parameter.grad.abs().max() > 0
        torch.testing.assert_close(my_parameter.grad, parameter.grad)
    for my_buffer, buffer in zip(mine.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(my_buffer, buffer)


def test_resnet34_takes_one_setting_per_group():
    with pytest.raises(ValueError, match="zip"):
        solutions.ResNet34(n_blocks_per_group=(1, 2), out_features_per_group=(8, 16, 32))


def test_resnet34_takes_lists_and_leaves_them_alone():
    lists = [1, 1], [8, 12], [1, 2]
    network = solutions.ResNet34(*lists, n_classes=5)
    assert lists == ([1, 1], [8, 12], [1, 2])
    assert network.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 5)


def test_named_resnet34_has_torchvisions_names(resnets, generator):
    _, reference = resnets
    named = solutions.named_resnet34()
    assert list(named.state_dict()) == list(reference.state_dict())
    assert shapes(named) == shapes(reference)
    named.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(1, 3, 64, 64, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(named.eval()(x), reference(x), rtol=1e-4, atol=1e-4)
    assert [name for name, _ in named.named_children()] == [
        name for name, _ in reference.named_children()
    ]


# --- copy_weights and predict -------------------------------------------------------------------


def test_copy_weights_copies_every_entry_and_shares_none(generator):
    source = randomised(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), generator)
    target = nn.Sequential(OrderedDict(a=nn.Linear(2, 3), b=nn.BatchNorm1d(3)))
    assert solutions.copy_weights(target, source) is target
    for mine, theirs in zip(
        target.state_dict().values(), source.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)
        assert mine.data_ptr() != theirs.data_ptr()


def test_copy_weights_refuses_models_that_do_not_fit():
    with pytest.raises(AssertionError, match="2 entries in mine, 1 in the pretrained one"):
        solutions.copy_weights(nn.Linear(2, 3), nn.Linear(2, 3, bias=False))
    with pytest.raises(RuntimeError, match="size mismatch"):
        solutions.copy_weights(nn.Linear(2, 3), nn.Linear(3, 3))


def test_predict_gives_the_largest_probability_and_its_class():
    logits = torch.tensor([[0.0, 2.0, 1.0], [5.0, 5.5, -1.0]])
    model = nn.Sequential(nn.Dropout(0.9), nn.Flatten())
    probabilities, classes = solutions.predict(model.train(), logits.view(2, 3, 1, 1))
    assert classes.tolist() == [1, 1]
    torch.testing.assert_close(probabilities, logits.softmax(1)[:, 1])
    assert not probabilities.requires_grad
    assert not model.training


def test_predict_keeps_no_graph_and_no_statistics(generator):
    model = Sequential(solutions.BatchNorm2d(3), solutions.AveragePool())
    before = copy.deepcopy(model.state_dict())
    probabilities, classes = solutions.predict(model, torch.randn(2, 3, 4, 4, generator=generator))
    assert probabilities.shape == classes.shape == (2,)
    assert probabilities.is_inference()
    for name, entry in model.state_dict().items():
        assert torch.equal(entry, before[name]), name


# --- Hooks --------------------------------------------------------------------------------------


@pytest.fixture
def network():
    """Three layers, the middle one of which returns NaN; no hook of ours stays behind."""
    network = Sequential(Linear(2, 3), solutions.NanModule(), Linear(3, 1))
    yield network
    network.apply(solutions.remove_hooks)


def n_hooks(network: nn.Module) -> list[int]:
    return [len(module._forward_hooks) for module in network.modules()]


def test_nan_module_returns_only_nan_of_the_same_shape_and_dtype():
    x = torch.ones(2, 3, dtype=torch.float64)
    out = solutions.NanModule()(x)
    assert out.isnan().all()
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    assert torch.equal(x, torch.ones(2, 3, dtype=torch.float64))


NAN, ONE = torch.tensor([1.0, torch.nan]), torch.ones(2)


@pytest.mark.parametrize(
    "output", [NAN, (NAN,), (ONE, NAN), [ONE, None, NAN], (ONE, "text", NAN.double())], ids=str
)
def test_the_hook_raises_and_names_the_module_on_nan(output):
    with pytest.raises(ValueError, match=r"NaN in the output of Linear\(2, 3, bias=True\)"):
        solutions.hook_check_for_nan_output(Linear(2, 3), (), output)


@pytest.mark.parametrize(
    "output",
    [ONE, (ONE, ONE), [ONE], None, "text", (), torch.tensor([torch.inf]), torch.tensor([1, 2])],
    ids=str,
)
def test_the_hook_lets_anything_else_pass_unchanged(output):
    assert solutions.hook_check_for_nan_output(Linear(2, 3), (), output) is None


def test_a_hooked_network_names_the_culprit(network):
    network(torch.ones(1, 2))  # without hooks nobody notices
    network.apply(solutions.add_hook)
    with pytest.raises(ValueError, match=r"NaN in the output of NanModule\(\)"):
        network(torch.ones(1, 2))


def test_adding_twice_is_adding_once(network):
    for _ in range(2):
        network.apply(solutions.add_hook)
    assert n_hooks(network) == [1, 1, 1, 1]
    network.apply(solutions.remove_hooks)
    assert n_hooks(network) == [0, 0, 0, 0]


def test_removing_leaves_no_hook_and_no_handle(network):
    network.apply(solutions.add_hook)
    network.apply(solutions.remove_hooks)
    assert n_hooks(network) == [0, 0, 0, 0]
    assert not any(module in solutions.handles for module in network.modules())
    assert network(torch.ones(1, 2)).isnan().all()
    network.apply(solutions.remove_hooks)  # nothing to remove, and no error


def test_other_hooks_stay(network):
    calls = []
    network[0].register_forward_hook(lambda *_: calls.append("mine"))
    network[0].register_forward_pre_hook(lambda *_: calls.append("before"))
    network.apply(solutions.add_hook)
    network.apply(solutions.remove_hooks)
    network(torch.ones(1, 2))
    assert calls == ["before", "mine"]


def test_hooks_can_be_added_again_after_removing(network):
    for _ in range(2):
        network.apply(solutions.add_hook)
        with pytest.raises(ValueError, match="NanModule"):
            network(torch.ones(1, 2))
        network.apply(solutions.remove_hooks)


def test_hooks_change_no_output():
    network = Sequential(Linear(2, 3), ReLU())
    x = torch.ones(1, 2)
    before = network(x)
    network.apply(solutions.add_hook)
    assert torch.equal(network(x), before)
    network.apply(solutions.remove_hooks)
