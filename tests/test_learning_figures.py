"""Lesson 7's figures: live experiments that say what they showed, and can be stopped."""

import linecache
import math

import pytest
import torch
from torch import nn

from resnet_helpers import solutions
from resnet_helpers.errors import ModelFailedError, UnfinishedExerciseError
from resnet_helpers.figures import freezing, learning_rates
from resnet_helpers.figures.learning import LiveCurves, show_crops
from resnet_helpers.figures.style import MOST_HEIGHT, PIXELS_PER_INCH
from resnet_helpers.layers import Conv2d, Linear, ReLU, Sequential
from resnet_helpers.training import record_training


def tiny() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        conv, norm = Conv2d(3, 8, 3, stride=2), solutions.BatchNorm2d(8)
        return Sequential(conv, norm, ReLU(), solutions.AveragePool(), Linear(8, 4))


@pytest.fixture
def pictures() -> torch.Tensor:
    """Four pictures of one colour each, and some noise: easily told apart."""
    generator = torch.Generator().manual_seed(0)
    colours = torch.tensor([[2.0, 0, 0], [0, 2, 0], [0, 0, 2], [-2, -2, -2]])[:, :, None, None]
    return colours + 0.3 * torch.randn(4, 3, 40, 40, generator=generator)


def stub(*args):
    raise NotImplementedError()


# --- Learning rates ---------------------------------------------------------------------------


def test_without_batchnorm_nothing_normalises_and_all_else_is_the_same():
    model = solutions.ResNet34((1, 1), (8, 8), (1, 2), 10)
    bare = learning_rates.without_batchnorm(model)
    assert not [module for module in bare.modules() if hasattr(module, "running_mean")]
    assert [module for module in model.modules() if hasattr(module, "running_mean")]
    kept = {name: p for name, p in model.named_parameters() if p.ndim != 1 or "out_layers" in name}
    assert bare.state_dict().keys() == kept.keys()
    assert all(torch.equal(p, kept[name]) for name, p in bare.named_parameters())


def test_each_learning_rate_is_tried_with_and_without(pictures):
    model, before = tiny(), torch.get_rng_state()
    weights = [p.clone() for p in model.parameters()]
    losses = learning_rates.run(model, pictures, solutions.train_step, n_steps=2)
    assert [list(by_rate) for by_rate in losses.values()] == [[*learning_rates.LEARNING_RATES]] * 2
    assert all(map(torch.equal, weights, model.parameters()))
    assert torch.equal(torch.get_rng_state(), before)
    assert losses == learning_rates.run(model, pictures, solutions.train_step, n_steps=2)


def test_a_run_that_explodes_ends_there(pictures):
    steps = []

    def train_step(model, optimizer, images, labels):
        steps.append(1)
        return math.nan

    losses = learning_rates.run(tiny(), pictures, train_step)
    assert len(steps) == 2 * len(learning_rates.LEARNING_RATES)
    assert {loss for by_rate in losses.values() for loss in by_rate.values()} == {math.inf}
    assert "explode" in learning_rates.verdict(losses)
    assert learning_rates.draw_map(losses).content


def test_the_stop_button_keeps_what_there_is(pictures, capsys):
    calls = []

    def train_step(*args):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return 2.0

    losses = learning_rates.run(tiny(), pictures, train_step, n_steps=2)
    assert sum(map(len, losses.values())) == 2
    assert "Stopped after 2 of 14 runs: the map shows those.\n" in capsys.readouterr().out
    assert "stopped before its end" in learning_rates.verdict(losses)


def test_the_verdict_is_read_off_the_losses():
    rates = learning_rates.LEARNING_RATES
    good, bad = dict.fromkeys(rates, 0.5), dict.fromkeys(rates, 2.3)
    exploded = bad | {rates[-1]: math.inf}
    for with_, without, words in (
        (good, exploded, ("at more learning rates", "does not explode with", "explodes without")),
        (bad, good, ("at not more", "does not explode with", "does not explode without")),
        (exploded, bad, ("at not more", "explodes with batchnorm", "does not explode without")),
    ):
        said = learning_rates.verdict({"with batchnorm": with_, "without": without})
        assert all(word in said for word in words), said


# --- Freezing -----------------------------------------------------------------------------------


def test_statistics_drift_unless_the_whole_is_frozen(pictures):
    model = tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        crops = freezing.random_crops(pictures, generator)
        solutions.train_step(model, optimizer, *crops)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    drifts = freezing.drift(model, pictures, solutions.freeze)
    by_grad, by_freeze = drifts.values()
    assert by_grad.statistics[0] == 0
    assert by_grad.statistics[30] > 0.1
    assert set(by_freeze.statistics.values()) == {0.0}
    assert len(set(by_freeze.knows.values())) == 1
    assert by_freeze.knows[0] == by_grad.knows[0] > 0.9
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert "freeze: the running statistics stayed" in freezing.verdict(drifts)


def test_a_freeze_that_forgets_the_batchnorms_is_seen_to(pictures):
    drifts = freezing.drift(tiny(), pictures, lambda model: model.requires_grad_(False))
    assert "freeze: the running statistics moved" in freezing.verdict(drifts)


@pytest.mark.parametrize(
    ("knew", "knows", "said"),
    [
        (0.9, 0.4, "the network forgot its pictures"),
        (0.9, 0.88, "the network did not forget its pictures"),
        (0.08, 0.08, "the network knew too little of its pictures to forget them"),
        (0.4, 0.1, "the network knew too little of its pictures to forget them"),
    ],
)
def test_only_what_was_known_can_be_forgotten(knew, knows, said):
    still = {0: 0.0, 30: 0.0}
    found = freezing.Drift(statistics=still, knows={0: knew, 30: knows}, learns=still)
    assert freezing.verdict({"freeze": found}).endswith(said)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("freeze", lambda pictures: freezing.drift(tiny(), pictures, stub)),
        ("train_step", lambda pictures: learning_rates.run(tiny(), pictures, stub)),
    ],
)
def test_a_stub_gets_one_sentence(name, call, pictures):
    with pytest.raises(UnfinishedExerciseError, match=f"Finish the exercise {name} first"):
        call(pictures)


# --- The pictures ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn() -> dict:
    curves, model = LiveCurves(4), tiny()
    with record_training(model) as recording:
        curves.beside = LiveCurves(4)
        for loss in (2.0, 1.0):
            curves.add(loss)
            batch = torch.randn(4, 3, 9, 9), torch.arange(4)
            solutions.train_step(model, torch.optim.SGD(model.parameters(), lr=0.1), *batch)
    found = freezing.Drift({0: 0, 30: 1}, {0: 0.9, 30: 0.2}, {0: 0.1, 30: 0.9})
    losses = {"with batchnorm": {0.1: 0.5}, "without": {0.1: math.inf}}
    return {
        "curves": curves.plot(),
        "recording": recording.plot(),
        "gradients": recording.plot_gradients(),
        "drift": freezing.draw_drift({"one way": found, "another": found}),
        "map": learning_rates.draw_map(losses),
        "crops": show_crops(torch.randn(20, 3, 8, 8), torch.arange(20) % 2, ["a_b.jpg", "c"]),
    }


@pytest.mark.parametrize("name", ["curves", "recording", "gradients", "drift", "map", "crops"])
def test_a_picture_fits_on_a_projector_and_has_its_alt_text(name, drawn):
    picture = drawn[name]
    assert picture.height <= MOST_HEIGHT * PIXELS_PER_INCH
    assert len(picture.alt) > 20


def test_crops_are_named_as_their_labels_say(drawn):
    assert drawn["crops"].alt == f"12 crops, labelled {', '.join(['a b', 'c'] * 6)}."


def test_an_error_in_a_learners_function_is_said_with_its_line(pictures):
    cell = "def freeze(model):\n    model.blocks[0].eval()\n"
    file = "<a cell>"
    linecache.cache[file] = len(cell), None, cell.splitlines(keepends=True), file
    names = {"__name__": "__main__"}
    exec(compile(cell, file, "exec"), names)
    with pytest.raises(ModelFailedError) as raised:
        freezing.drift(tiny(), pictures, names["freeze"])
    assert str(raised.value).startswith("Your freeze raised an error: AttributeError: ")
    assert str(raised.value).endswith("at line 2 of freeze's cell: model.blocks[0].eval()")
