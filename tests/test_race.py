"""The race: rows as the learner's ratio measures them, and treatments that a machine may lack."""

import logging

import pytest
import torch
from torch import nn

from resnet_helpers import race, solutions
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError
from resnet_helpers.race import Race, compiled, has_fast_bfloat16, in_bfloat16

X = torch.linspace(-1, 1, 8).view(2, 4)


class Scale(nn.Module):
    def __init__(self, factor: float):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        assert not torch.is_grad_enabled()
        return self.factor * x


def reference() -> nn.Module:
    return Scale(1.0).eval()


def two_to_one(job, baseline, rounds, clock):
    job(), baseline(), clock()
    return 2.0


# ---- The table ---------------------------------------------------------------------------------


def test_a_row_for_each_treatment():
    table = Race(reference(), X, two_to_one, rounds=5)
    table.add("as it is", Scale(1.0).eval())
    shown = repr(table.add("larger", Scale(1.25).eval(), Scale(1.5).eval())).splitlines()
    assert " ".join(shown[0].split()) == (
        "yours torchvision's, so treated largest difference of your logits"
    )
    assert shown[1].split() == ["as", "it", "is", "2.00", "0"]
    assert shown[2].split() == ["larger", "2.00", "2.00", "0.25"]
    assert len(shown) == 4
    assert "2 pictures, device cpu" in shown[3]
    assert "5 rounds" in shown[3]


def test_a_treatment_that_is_added_again_replaces_its_row():
    table = Race(reference(), X, two_to_one)
    table.add("same", Scale(1.5).eval())
    table.add("same", Scale(1.0).eval())
    assert [row.difference for row in table.rows.values()] == [0]


def test_the_ratio_is_the_learners_and_its_jobs_are_the_networks():
    called = []

    def ratio(job, baseline, rounds, clock):
        called.append((job().tolist(), baseline().tolist(), rounds))
        return 1.0

    Race(reference(), X, ratio, rounds=7).add("twice", Scale(2.0).eval(), Scale(3.0).eval())
    x = X.tolist()
    assert called == [((2 * X).tolist(), x, 7), ((3 * X).tolist(), x, 7)]


def test_the_courses_ratio_measures():
    table = Race(reference(), X, solutions.ratio, rounds=3).add("same", Scale(1.0).eval())
    assert table.rows["same"].yours > 0


def test_networks_in_train_mode_are_refused():
    with pytest.raises(InvalidArgumentError, match="The reference is in train mode"):
        Race(Scale(1.0), X, two_to_one)
    table = Race(reference(), X, two_to_one)
    with pytest.raises(InvalidArgumentError, match="Your network is in train mode"):
        table.add("mine", Scale(1.0))
    with pytest.raises(InvalidArgumentError, match="torchvision's network is in train mode"):
        table.add("theirs", Scale(1.0).eval(), Scale(1.0))
    assert table.rows == {}


# ---- Treatments --------------------------------------------------------------------------------


def test_without_a_compiler_a_line_says_so(monkeypatch, capsys):
    def fail(network):
        raise RuntimeError("no compiler\nand much more")

    monkeypatch.setattr(torch, "compile", fail)
    assert compiled(reference(), X) is None
    assert capsys.readouterr().out == (
        "torch.compile does not work on this machine: RuntimeError: no compiler\n"
    )
    assert logging.root.manager.disable == 0


def test_a_compiler_that_fails_at_the_first_call(monkeypatch, capsys):
    def compile_later(network):
        def fail(x):
            raise OSError

        return fail

    monkeypatch.setattr(torch, "compile", compile_later)
    assert compiled(reference(), X) is None
    assert capsys.readouterr().out.endswith("this machine: OSError\n")


def test_a_network_that_does_not_run_is_not_the_compilers_fault():
    with pytest.raises(ModelFailedError, match="cannot be run on x"):
        compiled(nn.Linear(3, 3), X)


def test_what_is_compiled_has_been_called_once(monkeypatch):
    seen = []
    monkeypatch.setattr(torch, "compile", lambda network: lambda x: seen.append(x))
    assert compiled(reference(), X) is not None
    assert seen == [X]


def test_in_bfloat16_the_logits_are_float32_and_coarse():
    torch.manual_seed(0)
    network = nn.Linear(4, 3).eval()
    with torch.no_grad():
        expected, got = network(X), in_bfloat16(network)(X)
    assert got.dtype == torch.float32
    assert not torch.equal(got, expected)
    torch.testing.assert_close(got, expected, atol=0.02, rtol=0.02)


@pytest.mark.parametrize(("seconds", "fast"), [([2, 1], True), ([1, 1], False), ([1, 9], False)])
def test_bfloat16_is_fast_where_it_was_seen_to_be(seconds, fast, monkeypatch):
    taken = iter(seconds)
    monkeypatch.setattr(race, "least_seconds", lambda *_, **__: next(taken))
    assert has_fast_bfloat16("cpu") is fast


def test_where_bfloat16_is_not_implemented_it_is_not_fast(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("not implemented")

    monkeypatch.setattr(race, "least_seconds", fail)
    assert not has_fast_bfloat16("cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_a_gpu_too():
    model = nn.Conv2d(3, 4, 3).eval().cuda()
    x = torch.randn(2, 3, 8, 8, device="cuda")
    table = Race(model, x, rounds=3).add("bfloat16", in_bfloat16(model), model)
    assert table.rows["bfloat16"].difference < 0.1
    assert isinstance(has_fast_bfloat16("cuda"), bool)
