"""Whatever is passed to the tools of lesson 6: a right result, or one sentence."""

import copy
import math
from collections.abc import Callable

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from resnet_helpers.broken import broken_resnet34, check_diagnoses, check_diagnosis
from resnet_helpers.debugging import activation_stats, find_first_nan, first_divergence
from resnet_helpers.errors import CourseError
from resnet_helpers.param_count import print_param_count

some = settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # capsys
)


def layer(kind: int) -> nn.Module:
    makers = (nn.ReLU, nn.Identity, nn.Tanh, lambda: nn.Linear(4, 4), lambda: nn.LayerNorm(4))
    makers += (lambda: nn.BatchNorm1d(4), lambda: nn.Dropout(0.5), lambda: nn.Linear(4, 5))
    return makers[kind]()


def network(kinds: list) -> nn.Module:
    """Nested lists of numbers as nested Sequentials of layers."""
    parts = [network(k) if isinstance(k, list) else layer(k) for k in kinds]
    return nn.Sequential(*parts)


kinds = st.lists(st.recursive(st.integers(0, 7), lambda k: st.lists(k, max_size=3), max_leaves=4))
shapes = st.lists(st.integers(0, 4), max_size=3)
values = st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e38])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
junk = st.recursive(scalars, lambda j: st.lists(j) | st.dictionaries(st.text(), j), max_leaves=5)


@st.composite
def tensors(draw) -> torch.Tensor:
    dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.long]))
    shape = draw(st.just([3, 4]) | shapes)
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    if tensor.numel():
        tensor.view(-1)[0] = draw(values)
    return (
        tensor.nan_to_num(0, 0, 0).clamp(-9, 9).to(dtype)
        if dtype == torch.long
        else tensor.to(dtype)
    )


xs = tensors() | st.lists(tensors(), max_size=2) | junk
models = kinds.map(network) | junk


def outcome(call: Callable[[], object]) -> object:
    """What it returns; None if it gives one sentence instead."""
    try:
        return call()
    except CourseError as raised:
        error = raised
    assert 0 < len(str(error)) < 1000
    return None


@some
@given(models, models, xs, st.none() | st.floats(), st.booleans())
def test_first_divergence(mine, reference, x, tolerance, backward):
    found = outcome(lambda: first_divergence(mine, reference, x, tolerance, backward))
    if found is not None:
        all_is_well = found.name is None and found.compared_everything
        assert (found.first is None) == (found.name is None)
        assert ("No divergence" in found.explanation) == all_is_well
        assert repr(found)
        assert found._repr_html_()


@some
@given(kinds.map(network), tensors(), st.booleans(), st.booleans())
def test_a_copy_never_diverges(model, x, training, backward):
    model.train(training)
    found = outcome(lambda: first_divergence(model, copy.deepcopy(model), x, backward=backward))
    assert found is None or (found.name is None and found.compared_everything), found


@some
@given(models, xs, st.booleans())
def test_find_first_nan(model, x, backward):
    found = outcome(lambda: find_first_nan(model, x, backward))
    if found is not None:
        assert found.explanation
        assert found.name is None or model.get_submodule(found.name) is not None


@some
@given(models, xs)
def test_activation_stats(model, x):
    stats = outcome(lambda: activation_stats(model, x))
    if stats is not None:
        assert repr(stats)
        assert stats._repr_html_()


@some
@given(st.lists(models, max_size=3), st.booleans(), st.booleans())
def test_print_param_count(capsys, given_models, display_df, use_state_dict):
    arguments = {"display_df": display_df, "use_state_dict": use_state_dict}
    outcome(lambda: print_param_count(*given_models, **arguments))
    printed = capsys.readouterr().out
    assert bool(printed) == all(isinstance(model, nn.Module) for model in given_models)


@some
@given(junk, models)
def test_broken_resnet34(number, weights_from):
    # none of these is the number of a broken network and a ResNet34
    assert outcome(lambda: broken_resnet34(number, weights_from)) is None


@some
@given(st.integers(1, 5) | junk, junk, junk)
def test_check_diagnosis(capsys, number, module, mistake):
    outcome(lambda: check_diagnosis(number, module, mistake))
    printed = capsys.readouterr().out
    assert not printed or printed.startswith("Network ")


@some
@given(junk)
def test_check_diagnoses(capsys, found):
    outcome(lambda: check_diagnoses(lambda: found))
    printed = capsys.readouterr().out
    assert bool(printed) == isinstance(found, dict)
