"""Every figure takes a model wherever it is, whatever the default device, and draws the same.

Where there is no GPU, `elsewhere.py` stands for one.
"""

from collections.abc import Callable, Iterator

import pytest
import torch
from elsewhere import DEVICE, Elsewhere, is_away, move
from pandas.testing import assert_frame_equal
from torch import nn

from resnet_helpers import layers, solutions
from resnet_helpers.broken import broken_resnet34
from resnet_helpers.figures import batchnorm, degradation
from resnet_helpers.figures.architecture import architecture
from resnet_helpers.figures.feature_maps import feature_maps, first_layer_filters, viewer
from resnet_helpers.figures.learning import show_crops
from resnet_helpers.figures.pooling import class_activation, votes
from resnet_helpers.figures.predictions import Gallery, compare_predictions
from resnet_helpers.images import IMAGE_FILENAMES, load_images, prepare_images
from resnet_helpers.training import (
    accuracy_in_train_mode,
    random_crops,
    record_training,
    small_pictures,
)

Put = Callable[[nn.Module], nn.Module]


def small_classifier(seed: int) -> nn.Module:
    """Ends as a ResNet does, for ImageNet's 1000 classes."""
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        conv, norm = layers.Conv2d(3, 8, 7, stride=16), solutions.BatchNorm2d(8)
        head = solutions.AveragePool(), layers.Linear(8, 1000)
        return nn.Sequential(conv, norm, layers.ReLU(), *head).eval()


@pytest.fixture(
    params=[
        "elsewhere",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
        ),
    ]
)
def put(request) -> Iterator[Put]:
    """What moves a model to a device that is not the CPU."""
    if request.param == "cuda":
        yield lambda model: model.cuda()
        return
    with Elsewhere():
        yield move


@pytest.fixture
def meta_by_default() -> Iterator[None]:
    """A default device on which no figure can be drawn."""
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


def test_a_model_elsewhere_takes_no_ordinary_tensor(put):
    model = put(small_classifier(0))
    x = torch.randn(1, 3, 64, 64)
    with pytest.raises(RuntimeError):
        model(x)
    moved = x.to(next(model.parameters()).device)
    with torch.no_grad():
        result = model(moved)
    with pytest.raises(TypeError):
        result.numpy()
    assert result.cpu().numpy().shape == (1, 1000)


FIGURES = {
    "Gallery": lambda mine, reference: Gallery(mine, reference).picture,
    "Gallery's twin": lambda mine, reference: Gallery(mine, reference).twin,
    "class_activation": lambda mine, _: class_activation(mine).picture,
    "viewer": lambda mine, _: viewer(mine).picture,
    "filters": lambda mine, _: first_layer_filters(mine),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_a_model_is_the_same_wherever_that_is(name, put):
    draw = FIGURES[name]
    expected = draw(small_classifier(0), small_classifier(1))
    drawn = draw(put(small_classifier(0)), put(small_classifier(1)))
    assert drawn.alt == expected.alt
    assert abs(len(drawn.content) - len(expected.content)) < 0.01 * len(expected.content)


def test_the_two_networks_of_the_gallery_may_be_in_different_places(put):
    gallery = Gallery(put(small_classifier(0)), small_classifier(0))
    assert "see the same in 10 of 10 pictures" in gallery.twin.alt


def test_a_control_that_is_moved_runs_the_model_where_it_is(put):
    view = viewer(put(small_classifier(0)))
    view.controls["picture"].value = "koala.jpg"
    assert view.picture.alt.startswith("koala.jpg")
    seen = class_activation(put(small_classifier(0)))
    seen.controls["size"].value = 96
    assert "input 96x96" in seen.picture.alt


def test_numbers_come_back_to_the_cpu(put):
    model = put(small_classifier(0))
    x = torch.randn(1, 3, 224, 224)
    tensors = [*votes(model, x), *feature_maps(model, x).values()]
    assert not any(is_away(tensor) for tensor in tensors)
    assert {tensor.device.type for tensor in tensors} == {"cpu"}


def test_predictions_may_be_anywhere(put):
    images = load_images()
    model = put(small_classifier(0))
    batch = prepare_images(images).to(next(model.parameters()).device)
    predicted = solutions.predict(model, batch)
    grid = compare_predictions(
        dict(zip(IMAGE_FILENAMES, images, strict=True)), predicted, predicted
    )
    assert "see the same in 10 of 10 pictures" in grid.alt


def test_a_network_is_drawn_wherever_it_is(put):
    assert architecture(put(solutions.ResNet34())).svg == architecture(solutions.ResNet34()).svg


def test_training_is_recorded_and_measured_where_the_model_is(put):
    def trained(put: Put):
        model = put(small_classifier(0))
        pictures = small_pictures().to(next(model.parameters()).device)
        crops, labels = random_crops(pictures, torch.Generator("cpu").manual_seed(0), 16)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with record_training(model) as recording:
            loss = solutions.train_step(model, optimizer, crops, labels)
        shown = show_crops(crops, labels, IMAGE_FILENAMES)
        return loss, accuracy_in_train_mode(model, crops, labels), recording.table, shown.alt

    loss, accuracy, table, alt = trained(put)
    expected_loss, expected_accuracy, expected_table, expected_alt = trained(lambda model: model)
    assert loss == pytest.approx(expected_loss, rel=1e-3)
    assert accuracy == pytest.approx(expected_accuracy, abs=0.1)
    assert_frame_equal(table, expected_table, rtol=0.01, atol=1e-5)
    assert alt == expected_alt


@pytest.mark.parametrize("number", [1, 4])
def test_a_broken_network_is_where_its_weights_are_from_and_the_same_everywhere(number, put):
    expected = broken_resnet34(number, solutions.ResNet34()).state_dict()
    there = put(solutions.ResNet34())
    broken = broken_resnet34(number, there)
    device = next(there.parameters()).device
    assert {tensor.device for tensor in broken.state_dict().values()} == {device}
    if number == 1:  # its random weights do not depend on the device
        name = "residual_layers.2.blocks.3.left.3.weight"
        assert torch.equal(broken.state_dict()[name].cpu(), expected[name])


@pytest.mark.parametrize(
    "draw",
    [
        batchnorm.initialisations,
        lambda: batchnorm.weight_scale().picture,
        lambda: batchnorm.running_mean().picture,
        batchnorm.train_and_eval,
        lambda: class_activation(small_classifier(0)).picture,
        lambda: viewer(small_classifier(0)).picture,
        lambda: first_layer_filters(small_classifier(0)),
        lambda: Gallery(small_classifier(0), small_classifier(1)).twin,
    ],
    ids=["initialisations", "scale", "mean", "modes", "votes", "viewer", "filters", "gallery"],
)
def test_a_figure_does_not_depend_on_the_default_device(draw, request):
    expected = draw().content
    request.getfixturevalue("meta_by_default")
    assert torch.zeros(1).is_meta
    assert draw().content == expected


def test_the_experiment_does_not_depend_on_the_default_device(request):
    expected = next(degradation.train_together())
    norms = degradation.gradient_norms(20, skip=True)
    request.getfixturevalue("meta_by_default")
    assert next(degradation.train_together()) == expected
    assert degradation.gradient_norms(20, skip=True) == norms


def test_a_broken_network_does_not_depend_on_the_default_device(request):
    weights_from = solutions.ResNet34()
    expected = broken_resnet34(1, weights_from).state_dict()
    request.getfixturevalue("meta_by_default")
    broken = broken_resnet34(1, weights_from).state_dict()
    assert all(torch.equal(broken[name], expected[name]) for name in expected)


def test_half_precision_is_drawn_too():
    model = small_classifier(0).bfloat16()
    assert class_activation(model).picture.alt
    assert viewer(model).picture.alt


def test_the_device_of_these_tests_is_none_of_this_machine():
    assert DEVICE.type not in {"cpu", "meta"}
