"""What lesson 7 trains with: crops, the recorder of training, and the six broken runs."""

import copy
import io
import math
from contextlib import suppress

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as hooks_of_modules
from torch.optim import optimizer as hooks_of_optimizers

from resnet_helpers import solutions, training
from resnet_helpers.figures.learning import LiveCurves
from resnet_helpers.layers import Conv2d, Linear, ReLU, Sequential
from resnet_helpers.training import broken_runs, record_training
from resnet_helpers.training.crops import accuracy_in_train_mode, hold_out, random_crops
from resnet_helpers.training.recording import LayerStats


def small_network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        conv, norm = Conv2d(3, 4, 3, padding=1), solutions.BatchNorm2d(4)
        return Sequential(conv, norm, ReLU(), solutions.AveragePool(), Linear(4, 2))


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 3, 8, 8, generator=generator), torch.tensor([0, 1] * 3)


def sgd(model: nn.Module, lr=0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def train(model: nn.Module, batch: tuple, n_steps=3, optimizer=None) -> list[float]:
    optimizer = optimizer or sgd(model)
    return [solutions.train_step(model, optimizer, *batch) for _ in range(n_steps)]


# --- Recording disturbs nothing -----------------------------------------------------------------


def global_hooks() -> list[int]:
    registers = (
        hooks_of_modules._global_forward_hooks,
        hooks_of_optimizers._global_optimizer_pre_hooks,
        hooks_of_optimizers._global_optimizer_post_hooks,
    )
    return [len(register) for register in registers]


def test_a_recorded_run_is_the_same_as_one_that_is_not(batch):
    alone, watched = small_network(), small_network()
    random_state = torch.get_rng_state()
    losses = train(alone, batch)
    with record_training(watched):
        assert train(watched, batch) == losses
    assert all(map(torch.equal, alone.state_dict().values(), watched.state_dict().values()))
    assert torch.equal(torch.get_rng_state(), random_state)


def test_no_hook_remains_whatever_is_raised(batch):
    model, before = small_network(), global_hooks()
    with pytest.raises(ZeroDivisionError), record_training(model):
        1 / 0  # noqa: B018
    with suppress(KeyboardInterrupt), record_training(model) as recording:
        train(model, batch, n_steps=2)
        raise KeyboardInterrupt
    assert global_hooks() == before
    assert len(recording.steps) == 2
    train(model, batch)
    assert len(recording.steps) == 2


def test_copies_and_files_made_while_recording_hold_no_hooks(batch):
    model = small_network()
    with record_training(model) as recording:
        train(model, batch, n_steps=1)
        twin = copy.deepcopy(model)
        torch.save(model, io.BytesIO())
        train(twin, batch)
    assert not any(module._forward_hooks for module in (*model.modules(), *twin.modules()))
    assert len(recording.steps) == 1


def test_another_models_training_is_not_recorded(batch):
    model, other = small_network(), small_network()
    with record_training(model) as recording:
        train(other, batch)
    assert recording.steps == []
    assert "Nothing has been recorded" in recording.plot().alt


def test_what_is_no_model_is_refused():
    for wrong in (nn.Linear, "model", nn.LazyLinear(2)):
        with pytest.raises(ValueError, match=r"class|model|uninitialized"), record_training(wrong):
            pass


# --- What is recorded is true -------------------------------------------------------------------


def test_the_statistics_are_those_of_outputs_gradients_and_updates(batch):
    model, twin = small_network(), small_network()
    with record_training(model) as recording:
        train(model, batch, n_steps=1, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    (step,) = recording.steps

    twin.train()
    conv, norm, relu, pool, last = twin
    of_conv = conv(batch[0])
    F.cross_entropy(last(pool(relu(norm(of_conv)))), batch[1]).backward()
    gradient = conv.weight.grad.norm().item()
    assert step["0"].mean == pytest.approx(of_conv.mean().item(), abs=1e-6)
    assert step["0"].std == pytest.approx(of_conv.std(correction=0).item(), rel=1e-5)
    assert step["0"].gradient == pytest.approx(gradient, rel=1e-4)
    update = 0.1 * gradient / conv.weight.norm().item()
    assert step["0"].update == pytest.approx(update, rel=1e-4)
    both = math.hypot(last.weight.grad.norm(), last.bias.grad.norm())
    assert step["4"].gradient == pytest.approx(both, rel=1e-4)
    assert math.isnan(step["2"].gradient)
    assert list(recording.kinds.values()) == [type(module).__name__ for module in model]


def test_a_channel_is_dead_that_is_0_in_the_whole_batch(batch):
    model = small_network()
    with torch.no_grad():
        model[1].bias[:3] = torch.tensor([-1e4, -1e4, 1.0])
    with record_training(model) as recording:
        train(model, batch, n_steps=1, optimizer=sgd(model, lr=1e-6))
    assert recording.steps[0]["2"].dead == 0.5
    assert recording.steps[0]["1"].dead == 0


def test_measuring_an_accuracy_in_between_does_not_count(batch):
    model, twin = small_network(), small_network()
    optimizer = sgd(model)
    with record_training(twin) as expected:
        train(twin, batch)
    with record_training(model) as recording:
        for _ in range(3):
            train(model, batch, n_steps=1, optimizer=optimizer)
            solutions.accuracy(model, 100 * batch[0], batch[1])
            accuracy_in_train_mode(model, 100 * batch[0], batch[1])
    assert repr(recording.steps) == repr(expected.steps)


def test_a_loop_in_eval_mode_is_recorded_too(batch):
    model = small_network().eval()
    optimizer = sgd(model)
    with record_training(model) as recording:
        F.cross_entropy(model(batch[0]), batch[1]).backward()
        optimizer.step()
    assert recording.steps[0]["0"].gradient > 0


def test_gradients_are_those_that_the_optimizer_meets(batch):
    model = small_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with record_training(model) as recording:
        for _ in range(3):  # never zeroed
            F.cross_entropy(model.eval()(batch[0]), batch[1]).backward()
            optimizer.step()
    first, _, third = (step["0"].gradient for step in recording.steps)
    assert third == pytest.approx(3 * first, rel=1e-3)


def test_a_layer_without_a_gradient_is_told_from_a_frozen_one(batch):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.cut, self.frozen, self.last = Linear(4, 4), Linear(4, 4), Linear(4, 2)
            self.frozen.requires_grad_(False)

        def forward(self, x):
            return self.last(self.frozen(self.cut(x).detach()))

    model = Model()
    with record_training(model) as recording:
        train(model, (torch.randn(6, 4), batch[1]))
    assert recording.trained() == ["cut", "last"]
    assert recording.without_gradient() == ["cut"]
    assert "1 of 2 layers never got a gradient" in recording.plot().alt
    assert "Never any in cut." in recording.plot_gradients().alt
    assert recording.steps[-1]["cut"].update == 0


def test_a_nan_is_recorded_and_drawn(batch):
    model = small_network()
    with record_training(model) as recording:
        train(model, (batch[0] * math.nan, batch[1]))
    assert recording.without_gradient() == []
    assert recording.plot().content
    assert recording.plot_gradients().content


@pytest.mark.parametrize("layer", [nn.Embedding(5, 3, sparse=True), nn.GRU(3, 3), nn.Identity()])
def test_any_layer_will_do(layer):
    x = torch.tensor([[1, 2]]) if isinstance(layer, nn.Embedding) else torch.randn(1, 2, 3)
    head = nn.Linear(3, 2)
    model = nn.ModuleDict({"layer": layer, "head": head})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with record_training(model) as recording:
        output = layer(x)
        head(output[0] if isinstance(output, tuple) else output).sum().backward()
        optimizer.step()
    assert recording.steps[0]["layer"].std > 0


def test_the_table_has_a_row_for_each_step_and_layer(batch):
    model = small_network()
    with record_training(model) as recording:
        train(model, batch)
    table = recording.table
    assert len(table) == 3 * 5
    assert list(table.columns) == ["step", "layer", "kind", *LayerStats._fields]
    assert repr(recording) == "a recording of 3 steps of 5 layers"


# --- Crops --------------------------------------------------------------------------------------


def test_a_crop_is_a_piece_of_the_picture_that_its_label_names():
    pictures = torch.arange(4 * 3 * 10 * 12).view(4, 3, 10, 12)
    crops, labels = random_crops(pictures, torch.Generator().manual_seed(0), n_crops=50, side=8)
    assert crops.shape == (50, 3, 8, 8)
    assert set(labels.tolist()) == {0, 1, 2, 3}
    for crop, label in zip(crops, labels, strict=True):
        windows = pictures[label].unfold(1, 8, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4)
        assert (windows.flatten(0, 1) == crop).flatten(1).all(dim=1).any()


def test_the_same_seed_gives_the_same_crops_and_leaves_the_random_state():
    pictures, before = torch.rand(2, 3, 40, 40), torch.get_rng_state()
    once, again = (random_crops(pictures, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(once[0], again[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_accuracy_in_train_mode_uses_the_batchs_statistics_and_changes_nothing(batch):
    model = small_network().eval()
    model[1].running_mean += 100  # useless
    before = copy.deepcopy(model.state_dict())
    in_train = accuracy_in_train_mode(model, *batch)
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert not any(module.training for module in model.modules())
    with torch.no_grad():
        right = (copy.deepcopy(model).train()(batch[0]).argmax(dim=1) == batch[1]).float().mean()
    assert in_train == right.item()


def test_one_at_a_time_a_picture_is_normalised_by_itself(batch):
    model = small_network()
    norm = nn.BatchNorm2d(3, affine=False)
    alone = torch.cat([norm(image) for image in batch[0].split(1)])
    expected = accuracy_in_train_mode(nn.Sequential(norm, model.eval()), *batch, batch_size=1)
    assert expected == pytest.approx(
        accuracy_in_train_mode(model, alone, batch[1], batch_size=1), abs=1e-6
    )


def test_of_each_class_a_fifth_is_held_out_and_a_single_picture_is_on_both_sides():
    learn, test = hold_out(torch.tensor([0] * 10 + [1] + [2] * 3))
    assert test == [8, 9, 10, 13]
    assert learn == [*range(8), 10, 11, 12]


# --- The broken runs: each has its mistake, and shows it ----------------------------------------


@pytest.fixture(scope="module")
def runs() -> dict[int, broken_runs.Run]:
    """All of them, and the healthy one, a few steps long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broken_runs, "N_STEPS", 6)
        patch.setattr(broken_runs, "N_FRESH", 10)
        patch.setattr(broken_runs, "MEASURE_EVERY", 3)
        broken_runs.healthy_run.cache_clear()
        runs = {number: training.broken_run(number) for number in broken_runs.NUMBERS}
        runs[0] = broken_runs.healthy_run()
        yield runs
        broken_runs.healthy_run.cache_clear()


def test_a_run_keeps_all_that_can_be_looked_at(runs):
    for number, run in runs.items():
        assert len(run.curves.losses) == len(run.recording.steps) == 6
        assert run.curves.in_eval.keys() == run.curves.in_train.keys() == {3, 6}
        assert run.images.shape == (32, 3, 32, 32)
        assert "def train(model, optimizer, batches, fresh, log):" in run.source
        assert "#" not in run.source
        assert repr(run) == f"run {number}: curves of 6 of 6 steps"
        assert run.healthy is runs[0]
        if number:
            assert run.curves.beside is runs[0].curves


def test_all_begin_alike_so_that_what_parts_them_is_the_mistake(runs):
    alike = {
        number
        for number, run in runs.items()
        if run.curves.losses[0] == pytest.approx(runs[0].curves.losses[0], abs=1e-3)
    }
    assert alike == {0, 1, 4, 5, 6}  # not 2, which has other labels, and 3, in another mode


def test_run_1_adds_up_its_gradients(runs):
    totals = {
        number: math.hypot(*(p.grad.norm().item() for p in runs[number].model.parameters()))
        for number in (0, 1)
    }
    assert totals[1] > 2 * totals[0]


def test_run_2_has_the_labels_of_the_batch_before():
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.rand(1), torch.randint(10, (4,), generator=generator)) for _ in range(4)]
    changed = list(broken_runs._change_labels(iter(batches)))
    for (images, labels), (of_these, _), (_, of_those) in zip(
        changed, batches[1:], batches, strict=False
    ):
        assert images is of_these
        assert labels is of_those


def test_run_3_has_never_been_in_train_mode(runs):
    assert not runs[3].model.training
    assert runs[3].model.in_layers[1].num_batches_tracked == 0
    assert runs[0].model.in_layers[1].num_batches_tracked == 6


def test_run_4_makes_steps_as_large_as_its_weights(runs):
    assert runs[4].optimizer.param_groups[0]["lr"] == 3
    assert runs[4].recording.steps[1]["residual_layers.2.blocks.0.left.4"].update > 1
    assert runs[0].recording.steps[1]["residual_layers.2.blocks.0.right.0"].update < 0.1


def test_run_5_gives_no_gradient_to_its_right_branches(runs):
    without = runs[5].recording.without_gradient()
    assert without == [
        f"residual_layers.{group}.blocks.0.right.{i}" for group in range(3) for i in range(2)
    ]
    for number in (0, 1, 2, 3, 4, 6):
        assert runs[number].recording.without_gradient() == []


def test_run_6_learns_as_the_healthy_one_and_has_other_running_statistics(runs):
    assert runs[6].curves.losses == pytest.approx(runs[0].curves.losses, rel=1e-3)
    assert runs[6].curves.in_train == pytest.approx(runs[0].curves.in_train, abs=0.11)
    slow, healthy = (runs[number].model.in_layers[1].running_mean for number in (6, 0))
    assert slow.norm() < healthy.norm() / 10


def test_a_run_is_the_same_twice_and_leaves_the_random_state_alone(runs, monkeypatch):
    monkeypatch.setattr(broken_runs, "N_STEPS", 3)
    monkeypatch.setattr(broken_runs, "N_FRESH", 10)
    before = torch.get_rng_state()
    assert training.broken_run(4).curves.losses == runs[4].curves.losses[:3]
    assert torch.equal(torch.get_rng_state(), before)


def test_whatever_the_default_device_a_run_is_on_the_cpu(runs, monkeypatch):
    monkeypatch.setattr(broken_runs, "N_STEPS", 2)
    monkeypatch.setattr(broken_runs, "N_FRESH", 10)
    with torch.device("meta"):
        run = training.broken_run(2)
    assert run.curves.losses == runs[2].curves.losses[:2]
    assert run.images.device.type == "cpu"


@pytest.mark.parametrize("number", [0, 7, "1", True, None])
def test_there_are_six(number):
    with pytest.raises(ValueError, match=r"no broken run .*: take one of \[1, 2, 3, 4, 5, 6\]"):
        training.broken_run(number)


# --- Curves that can be stopped -----------------------------------------------------------------


def test_the_stop_button_ends_the_block_in_a_sentence(capsys):
    with LiveCurves(10) as curves:
        for loss in (2.0, 1.0):
            curves.add(loss)
        raise KeyboardInterrupt
    said = "Stopped after 2 of 10 steps: the network is trained so far.\n"
    assert capsys.readouterr().out.endswith(said)
    assert curves.losses == [2.0, 1.0]


def test_any_other_error_comes_through():
    with pytest.raises(NotImplementedError), LiveCurves(10):
        raise NotImplementedError


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, "ten", None])
def test_a_number_of_steps_that_is_none_gets_a_sentence(n_steps):
    with pytest.raises(ValueError, match="n_steps is a whole number, from 1 to"):
        LiveCurves(n_steps)


@pytest.mark.parametrize("losses", [[], [2.3], [2.3, math.nan, math.inf], [0.0, 1e30, 1e-9]])
def test_curves_of_any_losses_are_drawn(losses):
    curves = LiveCurves(5)
    for loss in losses:
        curves.add(loss)
    curves.add_accuracy(in_eval=0.25, in_train=0.5)
    assert "Accuracy 0.25 in eval mode, 0.50 in train mode." in curves.plot().alt
