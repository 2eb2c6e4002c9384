"""On a GPU: everything that takes a model, every check, and the lessons that use one.

    python -m pytest tests/test_cuda.py

needs a GPU, the package's own dependencies and pytest; elsewhere all of it is skipped. What is
tried here on a real device is tried by `test_devices.py` on one that stands for it.
"""

import copy
from itertools import product

import pytest
import torch
from anywhere import (
    CASES,
    classifier,
    is_alike,
    lessons_with_a_device,
    pictures,
    resnet,
    run_lesson,
    seeded,
    spoiled,
)
from corpus import WRONG

import resnet_helpers.tests as checks
from resnet_helpers import debugging, solutions
from resnet_helpers.broken import broken_resnet34
from resnet_helpers.figures.feature_maps import first_layer_filters, viewer
from resnet_helpers.figures.pooling import class_activation
from resnet_helpers.figures.predictions import Gallery
from resnet_helpers.images import load_images, prepare_images
from resnet_helpers.param_count import print_param_count
from resnet_helpers.pretrained import load_pretrained_resnet34
from resnet_helpers.tests.failure import CheckFailure

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def put(thing):
    return thing.to("cuda")


def stay(thing):
    return thing


@pytest.fixture
def cuda_by_default():
    torch.set_default_device("cuda")
    yield
    torch.set_default_device(None)


@pytest.fixture(autouse=True)
def full_float32():
    """As the lessons' set-up cells choose it; a tool that needs it must not rely on that."""
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = True


# --- Figures and tools --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_same_on_the_gpu(name):
    assert is_alike(CASES[name](put), CASES[name](stay))


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_same_where_the_gpu_is_the_default_device(name, request):
    expected = CASES[name](stay)
    request.getfixturevalue("cuda_by_default")
    assert torch.zeros(1).is_cuda
    assert is_alike(CASES[name](stay), expected)
    assert is_alike(CASES[name](put), expected)


@pytest.mark.parametrize("places", list(product([stay, put], repeat=3)))
def test_two_networks_are_compared_wherever_they_and_the_pictures_are(places):
    put_mine, put_reference, put_x = places
    reference, x = put_reference(resnet()), put_x(pictures())
    equal = debugging.first_divergence(put_mine(resnet()), reference, x, backward=True)
    assert equal.name is None, equal.explanation
    assert equal.compared_everything
    found = debugging.first_divergence(put_mine(spoiled()), put_reference(classifier()), x)
    assert (found.name, found.reference_name) == ("4", "4")


def test_two_networks_in_different_places_are_shown_and_counted():
    assert "see the same in 10 of 10" in Gallery(put(classifier()), classifier()).twin.alt
    rows = print_param_count(put(resnet()), resnet(), display_df=False)
    assert len(rows) == len(resnet().state_dict())


def test_random_numbers_of_the_gpu_are_those_that_would_have_come():
    model = put(torch.nn.Sequential(classifier(), torch.nn.Dropout()).train())
    before = torch.cuda.get_rng_state()
    debugging.activation_stats(model, pictures())
    debugging.find_first_nan(model, pictures(), backward=True)
    found = debugging.first_divergence(model, copy.deepcopy(model), pictures(2))
    assert found.name is None, found.explanation
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize("allowed", [True, False])
def test_networks_are_compared_without_tf32_and_the_switch_is_left_as_it_was(allowed):
    torch.backends.cudnn.allow_tf32 = allowed
    mine, x = put(seeded(solutions.ResNet34).eval()), pictures(2, 224)
    named = put(seeded(solutions.named_resnet34).eval())
    named.load_state_dict(dict(zip(named.state_dict(), mine.state_dict().values(), strict=True)))
    found = debugging.first_divergence(mine, named, x, backward=True)
    assert found.name is None, found.explanation
    assert torch.backends.cudnn.allow_tf32 is allowed


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_drawn_and_searched_too(dtype):
    model, x = put(resnet().to(dtype)), put(pictures().to(dtype))
    assert viewer(model).picture.alt
    assert first_layer_filters(model).alt
    assert class_activation(put(classifier().to(dtype))).picture.alt
    assert debugging.activation_stats(model, x).plot().alt
    assert debugging.find_first_nan(model, x).name is None
    assert debugging.first_divergence(model, copy.deepcopy(model), x, backward=True).name is None


# --- Weights ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stand_in():
    return load_pretrained_resnet34()


def test_pretrained_weights_go_to_the_gpu_and_see_the_same(stand_in):
    batch = prepare_images(load_images())
    expected, classes = solutions.predict(stand_in, batch)
    reference = put(copy.deepcopy(stand_in))
    assert reference.weights_name == stand_in.weights_name
    mine = solutions.copy_weights(put(solutions.ResNet34()), reference)
    for model in (reference, mine):
        seen = solutions.predict(model, put(batch))
        assert {tensor.device.type for tensor in seen} == {"cuda"}
        assert seen[1].tolist() == classes.tolist()
        torch.testing.assert_close(seen[0].cpu(), expected, atol=5e-4, rtol=0)


@pytest.mark.parametrize(("place", "other"), [(stay, put), (put, stay), (put, put)])
def test_weights_are_copied_from_one_place_to_another(place, other):
    mine, reference = place(classifier(1)), other(classifier())
    solutions.copy_weights(mine, reference)
    assert mine[0].weight.device == place(torch.zeros(1)).device
    assert torch.equal(mine[0].weight.cpu(), classifier()[0].weight)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_broken_networks_are_broken_in_the_same_place(number, stand_in):
    x, reference = prepare_images(load_images()[:2]), put(copy.deepcopy(stand_in))
    on_cpu = solutions.first_divergence(broken_resnet34(number, stand_in), stand_in, x)
    there = broken_resnet34(number, reference)
    assert next(there.parameters()).is_cuda
    assert solutions.first_divergence(there, reference, put(x)) == on_cpu
    found = debugging.first_divergence(there, reference, x)
    assert (found.name, found.reference_name) == on_cpu
    assert (debugging.find_first_nan(there, x).name is None) == (number != 5)


# --- Checks -------------------------------------------------------------------------------------


def panels(exercise, answer) -> list[str]:
    """What each of the exercise's checks says of an answer."""
    said = []
    for check in exercise.checks:
        try:
            getattr(checks, check)(answer)
            said.append("")
        except CheckFailure as failure:
            said.append("\n".join(failure._render_traceback_()))
    return said


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=lambda exercise: exercise.name)
def test_checks_say_the_same_where_the_gpu_is_the_default_device(exercise, request):
    wrong = next(answer.implementation for answer in WRONG if answer.exercise == exercise.name)
    expected = panels(exercise, wrong)
    assert any(expected)
    request.getfixturevalue("cuda_by_default")
    assert not any(panels(exercise, exercise.reference))
    assert panels(exercise, wrong) == expected
    assert torch.zeros(1).is_cuda


# --- Lessons ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", lessons_with_a_device(), ids=lambda lesson: lesson.stem)
def test_a_lesson_runs_on_the_gpu(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    variables = run_lesson(lesson)
    assert variables["device"].type == "cuda"
