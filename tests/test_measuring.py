"""measuring: what is counted is exact, what is timed is each layer's own, and nothing remains."""

import subprocess

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers import measuring, solutions
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError
from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.measuring import BETWEEN, clock_of, count, layers_in_turns, layers_of, roof_of

X = torch.zeros(2, 3, 8, 8)
MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "gradients": torch.enable_grad,
}
mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


class Ticking:
    """A clock that shows one second more whenever it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


# ---- Counting ----------------------------------------------------------------------------------


@mode
def test_a_convolution_is_two_operations_a_weight_and_output(mode):
    conv = Conv2d(3, 4, kernel_size=3, padding=1)
    with mode():
        work = count(lambda: conv(X))
    assert [step.name for step in work.steps] == ["convolution"]
    assert work.operations == 2 * conv.weight.numel() * 2 * 8 * 8
    assert work.bytes == 4 * (X.numel() + conv.weight.numel() + 2 * 4 * 8 * 8)


@mode
def test_each_elementwise_step_reads_and_writes(mode):
    with mode():
        work = count(lambda: (X + X) * 2)
    assert [(step.name, step.operations, step.bytes) for step in work.steps] == [
        ("add", X.numel(), 3 * X.nbytes),
        ("mul", X.numel(), 2 * X.nbytes),
    ]


def test_a_fused_step_counts_as_both_its_operations():
    (step,) = count(lambda: torch.addcmul(X, X, X)).steps
    assert (step.operations, step.bytes) == (2 * X.numel(), 4 * X.nbytes)


def test_looking_at_memory_in_another_shape_is_no_work():
    work = count(lambda: X.view(-1).reshape(2, -1).transpose(0, 1)[None].expand(4, -1, -1).detach())
    assert work.steps == []


def test_what_is_small_beside_x_costs_little_and_what_is_broadcast_is_read_once():
    vector = torch.zeros(1, 3, 1, 1)
    assert count(lambda: X * vector).bytes == 2 * X.nbytes + vector.nbytes


@pytest.mark.parametrize(
    ("norm", "times"), [(solutions.BatchNorm2d(3), 8), (solutions.FusedBatchNorm2d(3), 2)]
)
def test_the_textbook_formula_moves_eight_times_its_input_and_the_line_twice(norm, times):
    x = torch.zeros(4, 3, 32, 32)
    norm.eval()
    with torch.no_grad():
        work = count(lambda: norm(x))
    assert work.bytes / x.nbytes == pytest.approx(times, rel=0.01)


def test_a_backward_pass_is_counted():
    x = X.clone().requires_grad_()
    forward = count(lambda: x * x)
    both = count(lambda: (x * x).sum().backward())
    assert both.bytes > 2 * forward.bytes


def test_what_the_job_does_happens():
    done = []
    count(lambda: done.append(F.relu(X - 1).sum().item()))
    assert done == [0]


# ---- Layer by layer ----------------------------------------------------------------------------


def test_each_call_in_the_order_of_their_ends_with_its_own_work():
    model = nn.Sequential(solutions.ResidualBlock(3, 3), ReLU()).eval()
    layers = layers_of(model, X, rounds=1)
    assert [(layer.name, layer.kind) for layer in layers] == [
        ("0.left.0", "Conv2d"),
        ("0.left.1", "BatchNorm2d"),
        ("0.left.2", "ReLU"),
        ("0.left.3", "Conv2d"),
        ("0.left.4", "BatchNorm2d"),
        ("0.left", BETWEEN),
        ("0.right", "Identity"),
        ("0.relu", "ReLU"),
        ("0", BETWEEN),
        ("1", "ReLU"),
        ("", BETWEEN),
    ]
    addition = layers[8]
    assert (addition.operations, addition.bytes) == (X.numel(), 3 * X.nbytes)
    with torch.no_grad():
        whole = count(lambda: model(X))
    assert sum(layer.operations for layer in layers) == whole.operations
    assert sum(layer.bytes for layer in layers) == whole.bytes


def test_a_module_within_one_is_not_counted_in_it():
    """Each takes time, of which none is another's: nested calls of one kind too."""
    model = Sequential(Sequential(Sequential(ReLU())))
    layers = layers_of(model, X)
    assert [layer.name for layer in layers] == ["0.0.0", "0.0", "0", ""]
    assert all(layer.seconds > 0 for layer in layers)


def test_a_module_that_runs_twice_is_there_twice():
    relu = ReLU()
    assert [layer.name for layer in layers_of(nn.Sequential(relu, relu), X)] == ["0", "0", ""]


def test_models_are_timed_in_turns_and_each_has_its_own_layers(monkeypatch):
    timed = []
    models = {"one": Sequential(ReLU()), "other": ReLU()}
    measure = measuring._seconds_of_calls

    def noted(model, x):
        timed.append(model)
        return measure(model, x)

    monkeypatch.setattr(measuring, "_seconds_of_calls", noted)
    layers = layers_in_turns(models, X, rounds=2)
    assert timed == [*models.values()] * 2
    names = {which: [layer.name for layer in of_one] for which, of_one in layers.items()}
    assert names == {"one": ["0", ""], "other": [""]}
    with pytest.raises(InvalidArgumentError, match="models is a dictionary"):
        layers_in_turns(models["one"], X)


def test_a_model_is_left_as_it_was():
    model = solutions.BatchNorm2d(3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layers_of(model.eval(), X, rounds=1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model._forward_hooks
    assert not model._forward_pre_hooks


def test_a_class_is_no_model():
    with pytest.raises(InvalidArgumentError, match="model is a class"):
        layers_of(ReLU, X)


def test_what_the_model_raises_is_one_sentence_and_a_stub_stays_a_stub():
    with pytest.raises(ModelFailedError, match="cannot be run on x"):
        layers_of(Conv2d(4, 4, 3), X)

    class Stub(nn.Module):
        def forward(self, x):
            raise NotImplementedError()

    with pytest.raises(NotImplementedError):
        layers_of(Stub(), X)


def test_a_model_whose_calls_are_left_to_chance_is_no_layers():
    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu, self.n_runs = nn.ReLU(), 0

        def forward(self, x):
            self.n_runs += 1
            return self.relu(x) if self.n_runs % 2 else x

    with pytest.raises(ModelFailedError, match="does not make the same calls"):
        layers_of(Skips(), X)


def test_the_profiler_says_nothing(capfd):
    layers_of(ReLU(), X, rounds=1)
    assert capfd.readouterr() == ("", "")


# ---- The machine -------------------------------------------------------------------------------


def test_a_clock_waits_for_its_device(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    for device in ("cuda", torch.device("cuda:1"), "mps", "cpu"):
        clock = clock_of(device)
        waited.clear()
        assert clock() <= clock()
        assert waited == [torch.device(device).type] * (2 if device != "cpu" else 0)


def test_the_roof_is_the_work_by_its_time(monkeypatch):
    monkeypatch.setattr(measuring, "clock_of", lambda device: Ticking())
    roof = roof_of("cpu", rounds=1)
    assert roof.operations == 2 * 1024**3
    assert roof.memory == roof.cache == 2 * 2**27


def test_while_the_machine_is_busy_each_core_has_a_program_and_afterwards_none(monkeypatch):
    programs = []

    class Program(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            programs.append(self)

    monkeypatch.setattr(subprocess, "Popen", Program)
    with measuring.busy_machine():
        assert len(programs) >= 1
        assert all(program.poll() is None for program in programs)
    assert all(program.poll() is not None for program in programs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_a_gpu_too():
    model, x = solutions.ResidualBlock(3, 3).eval().cuda(), X.cuda()
    assert [layer.kind for layer in layers_of(model, x)].count("Conv2d") == 2
    roof = roof_of("cuda", rounds=2)
    assert roof.operations > roof.memory > 0
