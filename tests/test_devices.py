"""All that takes a model takes it wherever it is, whatever the default device, and does the same.

`elsewhere.py` stands for a device; on a GPU the same is tried by `test_cuda.py`.
"""

from collections.abc import Iterator

import pytest
import torch
from anywhere import CASES, classifier, is_alike, pictures, spoiled, what_takes_a_model
from elsewhere import DEVICE, Elsewhere, is_away

from resnet_helpers import debugging, solutions
from resnet_helpers.figures import batchnorm, degradation
from resnet_helpers.figures.feature_maps import feature_maps, viewer
from resnet_helpers.figures.pooling import class_activation, votes
from resnet_helpers.figures.predictions import Gallery


def put(thing):
    """Move a model or a tensor to the device that stands for another one."""
    return thing.to(DEVICE)


def stay(thing):
    return thing


@pytest.fixture
def elsewhere() -> Iterator[None]:
    with Elsewhere():
        yield


@pytest.fixture
def meta_by_default() -> Iterator[None]:
    """A default device on which nothing can be computed."""
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


def test_a_model_elsewhere_takes_no_ordinary_tensor(elsewhere):
    model, x = put(classifier()), pictures()
    with pytest.raises(RuntimeError):
        model(x)
    with torch.no_grad():
        result = model(put(x))
    with pytest.raises(TypeError):
        result.numpy()
    assert result.cpu().numpy().shape == (1, 1000)
    assert DEVICE.type not in {"cpu", "meta"}  # none of this machine's


# --- Wherever the model is ----------------------------------------------------------------------


def test_there_is_a_case_for_all_that_takes_a_model():
    assert sorted(what_takes_a_model()) == sorted(CASES), "add it to CASES in anywhere.py"


@pytest.fixture(scope="module")
def on_the_cpu():
    """What the cases give there, each tried when it is first asked for."""
    known = {}

    def result(name):
        if name not in known:
            known[name] = CASES[name](stay)
        return known[name]

    return result


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_same_wherever_the_model_is(name, on_the_cpu, elsewhere):
    assert is_alike(CASES[name](put), on_the_cpu(name))


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_same_whatever_the_default_device(name, on_the_cpu, request):
    expected = on_the_cpu(name)
    request.getfixturevalue("meta_by_default")
    assert torch.zeros(1).is_meta
    assert is_alike(CASES[name](stay), expected)


def test_the_two_networks_of_the_gallery_may_be_in_different_places(elsewhere):
    gallery = Gallery(put(classifier()), classifier())
    assert "see the same in 10 of 10 pictures" in gallery.twin.alt


@pytest.mark.parametrize("put_mine", [stay, put])
@pytest.mark.parametrize("put_reference", [stay, put])
@pytest.mark.parametrize("put_x", [stay, put])
def test_two_networks_are_compared_wherever_they_and_the_pictures_are(
    put_mine, put_reference, put_x, elsewhere
):
    reference, x = put_reference(classifier()), put_x(pictures())
    equal = debugging.first_divergence(put_mine(classifier()), reference, x, backward=True)
    assert equal.name is None
    assert equal.compared_everything
    found = debugging.first_divergence(put_mine(spoiled()), reference, x)
    assert (found.name, found.reference_name) == ("4", "4")
    assert "`weight` differs by up to 1.0e+00" in found.explanation


def test_pictures_are_put_where_the_model_is_and_stay_where_they_are(elsewhere):
    x = pictures()
    assert debugging.find_first_nan(put(classifier()), x, backward=True).name is None
    assert len(debugging.activation_stats(put(classifier()), x).table) == 5
    assert not is_away(x)
    away = put(pictures())
    assert debugging.find_first_nan(classifier(), away).name is None
    assert is_away(away)


def test_an_argument_that_belongs_on_the_cpu_stays_there(elsewhere):
    """As the lengths of packed sequences do; another of the arguments is with the model."""

    class TwoPlaces(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(3))

        def forward(self, x, lengths):
            assert not is_away(lengths)
            return x * self.weight * lengths.tolist()[0]

    x = put(torch.ones(3)), torch.tensor([2, 1])
    assert debugging.activation_stats(put(TwoPlaces()), x).table["mean"].item() == 2


def test_a_control_that_is_moved_runs_the_model_where_it_is(elsewhere):
    view = viewer(put(classifier()))
    view.controls["picture"].value = "koala.jpg"
    assert view.picture.alt.startswith("koala.jpg")
    seen = class_activation(put(classifier()))
    seen.controls["size"].value = 96
    assert "input 96x96" in seen.picture.alt


def test_numbers_come_back_to_the_cpu(elsewhere):
    model, x = put(classifier()), pictures()
    tensors = [*votes(model, x), *feature_maps(model, x).values()]
    assert not any(is_away(tensor) for tensor in tensors)
    assert {tensor.device.type for tensor in tensors} == {"cpu"}


def test_weights_are_copied_from_one_place_to_another(elsewhere):
    for mine, reference in ((put(classifier(1)), classifier()), (classifier(1), put(classifier()))):
        place = mine[0].weight.device
        solutions.copy_weights(mine, reference)
        assert mine[0].weight.device == place
        assert torch.equal(mine[0].weight.cpu(), classifier()[0].weight)


# --- Whatever the default device; test_checks.py has the checks ---------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        batchnorm.initialisations,
        lambda: batchnorm.weight_scale().picture,
        lambda: batchnorm.running_mean().picture,
        batchnorm.train_and_eval,
    ],
    ids=["initialisations", "scale", "mean", "modes"],
)
def test_a_figure_of_classes_does_not_depend_on_the_default_device(draw, request):
    expected = draw().content
    request.getfixturevalue("meta_by_default")
    assert draw().content == expected


def test_the_experiment_does_not_depend_on_the_default_device(request):
    expected = next(degradation.train_together())
    norms = degradation.gradient_norms(20, skip=True)
    request.getfixturevalue("meta_by_default")
    assert next(degradation.train_together()) == expected
    assert degradation.gradient_norms(20, skip=True) == norms


def test_half_precision_is_drawn_too():
    model = classifier().bfloat16()
    assert class_activation(model).picture.alt
    assert viewer(model).picture.alt
