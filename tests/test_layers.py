"""The given layers do what PyTorch's own do, print as they do, and start out as they do."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def same_weights(mine: nn.Module, reference: nn.Module) -> nn.Module:
    """Give the reference my weights, by name."""
    reference.load_state_dict(mine.state_dict(), strict=True)
    return reference


# --- Sequential ---------------------------------------------------------------------------------


@pytest.fixture
def three():
    return Sequential(Linear(2, 3), ReLU(), Linear(3, 4))


def test_sequential_applies_its_modules_in_order(three, generator):
    x = torch.randn(5, 2, generator=generator)
    assert torch.equal(three(x), three[2](three[1](three[0](x))))
    assert torch.equal(Sequential()(x), x)


def test_sequential_counts_and_iterates_like_a_list(three):
    assert len(three) == 3
    assert list(three) == [three[0], three[1], three[2]]
    assert [three[i] for i in (-1, -2, -3)] == [three[2], three[1], three[0]]
    assert len(Sequential()) == 0


@pytest.mark.parametrize("index", [3, 10, -4])
def test_an_index_out_of_range_is_an_index_error(three, index):
    with pytest.raises(IndexError, match=f"index {index} is out of range for 3 modules"):
        three[index]
    with pytest.raises(IndexError, match=f"index {index} is out of range for 3 modules"):
        three[index] = ReLU()
    assert len(three) == 3


@pytest.mark.parametrize("index", [1, -2])
def test_assigning_to_an_index_keeps_name_and_order(three, index):
    three[index] = nn.Tanh()
    assert [type(module) for module in three] == [Linear, nn.Tanh, Linear]
    assert list(three._modules) == ["0", "1", "2"]


def test_only_a_module_can_be_assigned(three):
    with pytest.raises(TypeError):
        three[0] = "no module"


def test_nested_sequentials_register_all_parameters(three):
    nested = Sequential(three, Sequential(Conv2d(1, 2, 3)))
    assert [name for name, _ in nested.named_parameters()] == [
        *("0.0.weight", "0.0.bias", "0.2.weight", "0.2.bias", "1.0.weight"),
    ]
    assert list(nested.state_dict()) == [name for name, _ in nested.named_parameters()]


def test_sequential_prints_like_torchs():
    mine = Sequential(nn.Linear(2, 3), Sequential(nn.ReLU()))
    assert repr(mine) == repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU())))


def test_train_and_eval_reach_every_module(three):
    assert not any(module.training for module in three.eval())
    assert all(module.training for module in three.train())


# --- Conv2d and Linear --------------------------------------------------------------------------

CONVOLUTIONS = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 7, "stride": 2, "padding": 3},
    {"kernel_size": 1, "stride": 2},
    {"kernel_size": 2, "stride": 3, "padding": 1},
]


@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("size", [(12, 12), (9, 14)], ids=str)
def test_conv2d_equals_torchs(settings, size, generator):
    mine = Conv2d(3, 5, **settings)
    reference = same_weights(mine, nn.Conv2d(3, 5, **settings, bias=False))
    x = torch.randn(2, 3, *size, generator=generator)
    assert torch.equal(mine(x), reference(x))


def test_the_documented_output_size_of_conv2d():
    height, width = 17, 30
    for settings in CONVOLUTIONS:
        conv = Conv2d(1, 1, **settings)
        out = conv(torch.zeros(1, 1, height, width)).shape[2:]
        for size, out_size in ((height, out[0]), (width, out[1])):
            assert out_size == (size + 2 * conv.padding - conv.kernel_size) // conv.stride + 1


def test_conv2d_defaults_to_stride_1_and_no_padding():
    conv = Conv2d(1, 1, 3)
    assert (conv.stride, conv.padding) == (1, 0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)], ids=str)
def test_linear_equals_torchs(bias, shape, generator):
    mine = Linear(3, 4, bias=bias)
    reference = same_weights(mine, nn.Linear(3, 4, bias=bias))
    x = torch.randn(shape, generator=generator)
    assert torch.equal(mine(x), reference(x))


def test_linear_without_bias_has_one_parameter():
    assert [name for name, _ in Linear(3, 4, bias=False).named_parameters()] == ["weight"]
    assert Linear(3, 4, bias=False).bias is None


@pytest.mark.parametrize(
    ("mine", "reference", "fan_in"),
    [
        (lambda: Conv2d(16, 64, 3), lambda: nn.Conv2d(16, 64, 3, bias=False), 16 * 9),
        (lambda: Linear(100, 200), lambda: nn.Linear(100, 200), 100),
        (lambda: Linear(100, 200, bias=False), lambda: nn.Linear(100, 200, bias=False), 100),
    ],
    ids=["Conv2d", "Linear", "Linear without bias"],
)
def test_weights_start_out_exactly_as_torchs(mine, reference, fan_in):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        my_entries = mine().state_dict()
        torch.manual_seed(3)
        entries = reference().state_dict()
    assert list(my_entries) == list(entries)
    for name, entry in my_entries.items():
        assert torch.equal(entry, entries[name])
        bound = 1 / math.sqrt(fan_in)
        assert 0.95 * bound < entry.abs().max() <= bound  # uniform in ±1/sqrt(fan_in)
        assert abs(entry.mean()) < 0.1 * bound


# --- MaxPool2d and ReLU -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 2},
        {"kernel_size": 3},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 1, "padding": 1},
    ],
    ids=str,
)
def test_max_pool2d_equals_torchs(settings, generator):
    x = torch.randn(2, 3, 11, 8, generator=generator)
    assert torch.equal(MaxPool2d(**settings)(x), nn.MaxPool2d(**settings)(x))


def test_max_pool2ds_stride_defaults_to_its_window():
    assert MaxPool2d(3).stride == nn.MaxPool2d(3).stride == 3
    assert MaxPool2d(3, stride=1).stride == 1


def test_max_pool2d_pads_with_less_than_any_number():
    assert torch.equal(
        MaxPool2d(3, 1, 1)(torch.full((1, 1, 2, 2), -5.0)), torch.full((1, 1, 2, 2), -5.0)
    )


def test_relu_is_zero_below_zero_and_changes_no_input():
    x = torch.tensor([-2.0, 0.0, 3.0, math.nan])
    given = x.clone()
    out = ReLU()(x)
    assert out[:3].tolist() == [0.0, 0.0, 3.0]
    assert out[3].isnan()  # a NaN is not hidden
    assert torch.equal(x[:3], given[:3])


# --- All of them --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (Conv2d(3, 64, 7, 2, 3), "Conv2d(3, 64, kernel_size=7, stride=2, padding=3)"),
        (Conv2d(3, 8, 3), "Conv2d(3, 8, kernel_size=3, stride=1, padding=0)"),
        (Linear(2, 3), "Linear(2, 3, bias=True)"),
        (Linear(2, 3, bias=False), "Linear(2, 3, bias=False)"),
        (MaxPool2d(3, 2, 1), "MaxPool2d(kernel_size=3, stride=2, padding=1)"),
        (MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0)"),
        (ReLU(), "ReLU()"),
        (Sequential(), "Sequential()"),
    ],
    ids=str,
)
def test_repr_shows_every_setting(module, text):
    assert repr(module) == text


@pytest.fixture
def small_network():
    return Sequential(Conv2d(1, 2, 3, padding=1), ReLU(), MaxPool2d(2), nn.Flatten(), Linear(8, 3))


def test_a_copy_shares_nothing(small_network, generator):
    duplicate = copy.deepcopy(small_network)
    x = torch.randn(2, 1, 4, 4, generator=generator)
    before = small_network(x)
    assert torch.equal(duplicate(x), before)
    for parameter in duplicate.parameters():
        parameter.data.zero_()
    assert torch.equal(small_network(x), before)


def test_the_state_dict_goes_into_torchs_layers_and_back(small_network, generator):
    reference = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 3),
    )
    x = torch.randn(2, 1, 4, 4, generator=generator)
    assert torch.equal(same_weights(small_network, reference)(x), small_network(x))
    small_network.load_state_dict(reference.state_dict(), strict=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtype_and_device_follow_to(small_network, dtype):
    x = torch.zeros(2, 1, 4, 4, dtype=dtype)
    assert small_network.to(dtype)(x).dtype == dtype
    out = small_network.to("meta")(x.to("meta"))
    assert (out.device.type, out.shape) == ("meta", (2, 3))


def test_gradients_equal_those_of_the_functional_operations(generator):
    conv, linear = Conv2d(1, 2, 3, padding=1), Linear(2, 3)
    x = torch.randn(2, 1, 4, 4, generator=generator)
    linear(MaxPool2d(4)(ReLU()(conv(x))).flatten(1)).sum().backward()
    w, v, b = (
        parameter.detach().clone().requires_grad_()
        for parameter in (conv.weight, linear.weight, linear.bias)
    )
    hidden = F.max_pool2d(F.relu(F.conv2d(x, w, padding=1)), 4).flatten(1)
    F.linear(hidden, v, b).sum().backward()
    assert torch.equal(conv.weight.grad, w.grad)
    assert torch.equal(linear.weight.grad, v.grad)
    assert torch.equal(linear.bias.grad, b.grad)
