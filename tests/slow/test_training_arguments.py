"""Whatever is given to what lesson 7 uses, its training, its curves and figures: as test_arguments.

Runs that work are a few steps long here.
"""

import math
from collections.abc import Iterator

import pytest
import torch
from anything import anything, scalars, some, texts, things, works_or_says_why
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from resnet_helpers import solutions, training
from resnet_helpers.figures import freezing, learning, learning_rates
from resnet_helpers.figures.style import Picture
from resnet_helpers.layers import Conv2d, Linear, ReLU, Sequential

few = settings(some, max_examples=25)  # where what works takes a tenth of a second


def network(norm: nn.Module, n_out=2, last: nn.Module | None = None) -> nn.Module:
    head = Linear(4, n_out), last or nn.Identity()
    return Sequential(Conv2d(3, 4, 3, stride=4), norm, ReLU(), solutions.AveragePool(), *head)


class Changed(nn.Module):
    """A last layer that gives something else than a network should."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(x)


class Unready(nn.Module):
    """Its __init__ forgets super().__init__()."""

    def __init__(self):
        pass


RIGHT = network(solutions.BatchNorm2d(4))
PICTURES = torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
NETWORKS = [
    RIGHT,
    network(nn.Identity()),
    network(nn.BatchNorm2d(4)),
    network(nn.BatchNorm2d(4, track_running_stats=False)),
    network(nn.BatchNorm2d(5)),
    network(nn.BatchNorm2d(4), n_out=1),
    network(nn.BatchNorm2d(4), last=nn.Flatten(0)),
    network(nn.BatchNorm2d(4)).double(),
    network(nn.BatchNorm2d(4)).to("meta"),
    *(
        network(nn.BatchNorm2d(4), last=Changed(change))
        for change in (lambda x: (x, x), lambda x: None, lambda x: x[0], lambda x: 1 / 0)
    ),
    network(nn.BatchNorm2d(4), last=Changed(lambda x: x.detach())),
    network(nn.BatchNorm2d(4), last=Changed(lambda x: x * math.nan)),
    network(nn.LazyBatchNorm2d()),
    torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(3, 2))),
    nn.Module(),
    nn.ModuleList([nn.Linear(3, 3)]),
    nn.Linear,
    Unready(),
]
TENSORS = [
    PICTURES,
    PICTURES[:1],
    PICTURES[:, :1],
    PICTURES[0],
    PICTURES[:0],
    PICTURES[..., :8],
    PICTURES[..., :0],
    PICTURES.to("meta"),
    PICTURES.double(),
    PICTURES.bfloat16(),
    PICTURES.to(torch.complex64),
    PICTURES.to(torch.uint8),
    PICTURES.clone().requires_grad_(),
    PICTURES * math.nan,
    PICTURES * math.inf,
    torch.tensor(1.0),
    torch.zeros(0),
]
LABELS = [
    torch.tensor([0, 1]),
    torch.tensor([0, 1], dtype=torch.uint8),
    torch.tensor([0, 1], dtype=torch.uint16),
    torch.tensor([0, -1]),
    torch.tensor([0, 2]),
    torch.tensor([0]),
    torch.tensor([[0, 1]]),
    torch.tensor([0, 1], device="meta"),
    torch.tensor([], dtype=torch.long),
    torch.tensor([0.0, 1.0]),
    torch.tensor([math.nan, 1.0]),
    torch.tensor([True, False]),
    torch.tensor(1),
]

networks = st.just(RIGHT) | st.sampled_from(NETWORKS) | anything
pictures = st.just(PICTURES) | st.sampled_from(TENSORS) | anything
labels = st.just(LABELS[0]) | st.sampled_from(LABELS) | anything
counts = st.sampled_from([0, -1, 1, 2, 7, 10**9, 2**70, True, 1.5, "2"]) | scalars
seeds = st.sampled_from([0, 1, -1, 2**63 - 1, 2**63, 2**70]) | things
generators = st.builds(torch.Generator) | anything


# --- Pictures and crops -------------------------------------------------------------------------


@few
@given(counts)
def test_small_pictures(side):
    small = works_or_says_why(training.small_pictures, side)
    assert small is None or small.shape == (10, 3, side, side)


@some
@given(pictures, generators, counts, counts)
def test_random_crops(images, generator, n_crops, side):
    for arguments in ((images, generator), (images, generator, n_crops, side)):
        found = works_or_says_why(training.random_crops, *arguments)
        if found is not None:
            crops, numbers = found
            n, size = arguments[2:] or (32, training.CROP)
            assert crops.shape == (n, images.shape[1], size, size)
            assert all(0 <= number < len(images) for number in numbers)


@some
@given(labels | st.lists(st.integers(0, 3), max_size=9).map(torch.tensor))
def test_hold_out(of_pictures):
    sides = works_or_says_why(training.hold_out, of_pictures)
    if sides is not None:
        learn, test = sides
        assert {*learn, *test} == {*range(len(of_pictures))}
        assert {*of_pictures[learn].tolist()} == {*of_pictures[test].tolist()}


@some
@example(RIGHT, PICTURES, LABELS[0], 1)
@given(networks, pictures, labels, st.none() | counts)
def test_accuracy_in_train_mode(model, images, numbers, batch_size):
    share = works_or_says_why(training.accuracy_in_train_mode, model, images, numbers, batch_size)
    assert share is None or 0 <= share <= 1


# --- Recording, and the broken runs -------------------------------------------------------------


@some
@given(networks)
def test_record_training(model):
    def record():
        with training.record_training(model) as recording:
            return recording

    recording = works_or_says_why(record)
    if recording is not None:
        assert recording.steps == []
        assert recording.table.empty


@some
@given(anything.filter(lambda number: type(number) is not int or not 1 <= number <= 6))
def test_broken_run(number):
    assert works_or_says_why(training.broken_run, number) is None


diagnoses = st.dictionaries(st.integers(0, 8) | things.filter(lambda t: t.__hash__), anything)


@some
@given(anything | (diagnoses | anything).map(lambda found: lambda: found))
def test_check_run_diagnoses(capsys, run_diagnoses):
    works_or_says_why(training.check_run_diagnoses, run_diagnoses)
    printed = capsys.readouterr().out
    assert not printed or printed.startswith("Run 1: ")
    assert all(line.startswith("Run ") for line in printed.splitlines())


# --- Curves and crops ---------------------------------------------------------------------------

losses = st.floats() | st.integers() | anything


@few
@example(5, None, [1.7e308, 1e-320, math.nan, -math.inf], (1e300, -2))
@example(2**2000, learning.LiveCurves(1), [2.0], (0.5, math.nan))
@given(
    counts,
    st.builds(learning.LiveCurves, st.just(3)) | anything,
    st.lists(losses, max_size=5),
    st.tuples(losses, losses),
)
def test_livecurves(n_steps, beside, of_steps, accuracies):
    curves = works_or_says_why(learning.LiveCurves, n_steps)
    works_or_says_why(learning.LiveCurves, 3, beside)
    if curves is not None:
        for loss in of_steps:
            works_or_says_why(curves.add, loss)
        works_or_says_why(curves.add_accuracy, *accuracies)
        assert all(isinstance(loss, float) for loss in curves.losses)
        assert isinstance(curves.plot(), Picture)


names = st.just(["a", "b"]) | st.lists(texts, max_size=3) | anything


@few
@example(PICTURES, LABELS[0], ["$a_b$.jpg", "\udcff.png"], 2)
@example(PICTURES, LABELS[0], ["a" * 500, "\n\n\n"], 10**9)
@given(pictures, labels, names, st.just(12) | counts)
def test_show_crops(crops, numbers, of_pictures, n_shown):
    picture = works_or_says_why(learning.show_crops, crops, numbers, of_pictures, n_shown)
    assert picture is None or picture.alt.endswith(".")


# --- Freezing, and learning rates -----------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _short() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(freezing, "N_STEPS", 2)
        patch.setattr(freezing, "MEASURE_EVERY", 1)
        patch.setattr(learning_rates, "LEARNING_RATES", (0.01, 1.0))
        yield


@few
@example(RIGHT, PICTURES, solutions.freeze, 0)
@given(networks, pictures, st.just(solutions.freeze) | anything, st.just(0) | seeds)
def test_drift(model, images, freeze, seed):
    drifts = works_or_says_why(freezing.drift, model, images, freeze, seed)
    assert drifts is None or freezing.verdict(drifts)


numbers = st.just(0.5) | st.floats(0, 1) | losses
curves_of_drift = st.just({0: 0.5, 30: 0.1}) | st.dictionaries(st.sampled_from([0, 5]), numbers)
drift = st.builds(freezing.Drift, *[curves_of_drift | anything] * 3) | anything
drifts = st.dictionaries(texts, drift, min_size=1, max_size=3) | anything
A_DRIFT = freezing.Drift({0: 0, 30: 1}, {0: 0.9, 30: 0.2}, {0: 0.1, 30: 0.9})
ENDLESS = freezing.Drift({0: 0.0, 30: math.inf}, {0: math.nan, 30: 0.2}, {0: 1e308, 30: -1e308})


@few
@example({"$a_b$": A_DRIFT, "_b": ENDLESS})
@example({"a": A_DRIFT, "b": A_DRIFT, "c": A_DRIFT})
@given(drifts)
def test_draw_drift(of_ways):
    picture = works_or_says_why(freezing.draw_drift, of_ways)
    assert picture is None or isinstance(picture, Picture)


@some
@example({"a": A_DRIFT, "b": ENDLESS})
@given(drifts)
def test_verdict_of_freezing(of_ways):
    said = works_or_says_why(freezing.verdict, of_ways)
    assert said is None or len(said.splitlines()) >= len(of_ways)


train_steps = st.sampled_from([solutions.train_step, lambda *a: "loss", lambda *a: 10**400])


@few
@example(RIGHT, PICTURES, solutions.train_step, 0, 2)
@given(networks, pictures, train_steps | anything, st.just(0) | seeds, st.just(2) | counts)
def test_run_of_learning_rates(model, images, train_step, seed, n_steps):
    if isinstance(n_steps, int) and n_steps > 2:
        n_steps = 1  # the run takes as long as it is told to
    found = works_or_says_why(learning_rates.run, model, images, train_step, seed, n_steps)
    assert found is None or learning_rates.verdict(found)


by_rate = st.dictionaries(st.floats() | things.filter(lambda t: t.__hash__), losses) | anything


@some
@example({"with": {0.1: 0.5, 1.0: math.inf}, "without": {0.1: math.nan, 1.0: 2.3}})
@given(st.dictionaries(texts, by_rate, max_size=3) | anything)
def test_verdict_of_learning_rates(of_runs):
    said = works_or_says_why(learning_rates.verdict, of_runs)
    assert said is None or isinstance(said, str)
