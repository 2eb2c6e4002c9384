"""Whatever is given to them, the functions that a lesson or the README names work or say why not.

The tools of lesson 6 are tried in test_debugging_arguments.py, lesson 7's training and its figures
in test_training_arguments.py, all others here; a test fails where one is tried in none of them.
"""

import ast
import importlib
import inspect
import math
import re
from collections import Counter
from pathlib import Path

import jupytext
import pytest
import torch
from anything import anything, many, paths, pictures, some, texts, things, works_or_says_why
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

import resnet_helpers.tests as checks
from resnet_helpers import measuring, my_work, solutions
from resnet_helpers.errors import CourseError
from resnet_helpers.figures import batchnorm, degradation, pooling
from resnet_helpers.figures.architecture import architecture
from resnet_helpers.figures.feature_maps import first_layer_filters, viewer
from resnet_helpers.figures.predictions import Gallery, compare_predictions
from resnet_helpers.figures.speed import roofline, time_by_kind
from resnet_helpers.images import (
    list_pictures,
    load_classes,
    load_images,
    load_labels,
    prepare_images,
)
from resnet_helpers.practice import practice, reveal
from resnet_helpers.pretrained import load_pretrained_resnet34
from resnet_helpers.race import Race, compiled, has_fast_bfloat16, in_bfloat16
from resnet_helpers.speed import fold
from resnet_helpers.tests.failure import CheckFailure

ROOT = Path(__file__).parent.parent.parent
TEXTS = [*sorted((ROOT / "lessons").glob("*.md")), ROOT / "README.md"]
TRIED_IN = [
    Path(__file__),
    Path(__file__).with_name("test_training_arguments.py"),
    ROOT / "tests" / "test_debugging_arguments.py",
]
# What these hold are exercises, which their checks try, and layers, which are PyTorch's to refuse.
OTHERWISE_TRIED = ("resnet_helpers.solutions", "resnet_helpers.layers")

# --- Is any left out? -------------------------------------------------------------------------


def named_in(file: Path) -> set[str]:
    """The functions and classes of the package that this text's code imports or calls."""
    code = "\n".join(
        cell.source for cell in jupytext.read(file).cells if cell.cell_type == "code"
    ) or "\n".join(re.findall(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL))
    tree = ast.parse(code)
    full: dict[str, str] = {}  # by the name that the text uses
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("resnet_helpers"):
            full |= {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            full |= {alias.asname or alias.name: alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = full.get(node.value.id, "")
            full[f"{node.value.id}.{node.attr}"] = f"{module}.{node.attr}"
    return {name for name in full.values() if name.startswith("resnet_helpers.")}


def is_function(name: str) -> bool:
    """Can it be called with arguments, and is it none of those that are tried otherwise?"""
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError):  # a module, or what a learner's object has
        return False
    if not (inspect.isfunction(found) or inspect.isclass(found)) or module in OTHERWISE_TRIED:
        return False
    return bool(inspect.signature(found).parameters)


def tried_with_anything() -> set[str]:
    """The names of the functions that have a test with arguments which hypothesis makes."""
    tests = [node for file in TRIED_IN for node in ast.parse(file.read_text(encoding="utf-8")).body]
    return {
        test.name.removeprefix("test_")
        for test in tests
        if isinstance(test, ast.FunctionDef)
        and any("given(" in ast.unparse(decorator) for decorator in test.decorator_list)
    }


PUBLIC = sorted({name for file in TEXTS for name in named_in(file) if is_function(name)})
HOW_MANY = Counter(name.rpartition(".")[2] for name in PUBLIC)  # are called the same


def test_the_functions_that_lessons_name_are_found():
    assert {"resnet_helpers.images.load_images", "resnet_helpers.practice.reveal"} <= set(PUBLIC)
    assert {"resnet_helpers.debugging.find_first_nan", "resnet_helpers.my_work.use"} <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_is_tried_with_anything(name):
    module, _, function = name.rpartition(".")
    if module == "resnet_helpers.tests":
        assert function in checks.__all__  # test_a_check tries all of these
    elif HOW_MANY[function] == 1:
        assert function.lower() in tried_with_anything()
    else:
        assert f"{function.lower()}_of_{module.rpartition('.')[2]}" in tried_with_anything()


# --- Pictures and labels ----------------------------------------------------------------------


@many
@example("", "")
@given(things | paths, things | paths | st.lists(things | paths, max_size=3))
def test_load_images(folder, filenames):
    for arguments in ((folder,), (folder, filenames), (None, filenames)):
        images = works_or_says_why(load_images, *arguments)
        assert images is None or all(image.mode == "RGB" for image in images)


@many
@given(things | paths)
def test_list_pictures(folder):
    names = works_or_says_why(list_pictures, folder)
    assert names is None or all(isinstance(name, str) for name in names)


@many
@example("")
@given(things | paths | st.sampled_from([Path(__file__).parent, Path(__file__), "/proc"]))
def test_load_classes(folder):
    found = works_or_says_why(load_classes, folder)
    if found is not None:
        images, labels, names = found
        assert len(images) == len(labels)
        assert {*labels.tolist()} == {*range(len(names))}


@many
@given(things | st.lists(pictures | things, max_size=4) | pictures)
def test_prepare_images(images):
    batch = works_or_says_why(prepare_images, images)
    if batch is not None:
        assert batch.shape[1:] == (3, 224, 224)
        assert batch.isfinite().all()


@many
@given(things | paths)
def test_load_labels(file):
    labels = works_or_says_why(load_labels, file)
    assert labels is None or len(labels) == 1000


@settings(some, max_examples=5)
@given(things, things)
def test_load_pretrained_resnet34(stall_seconds, stall_bytes):
    # offline, as all tests are, nothing is downloaded; tests/slow/test_weights_on_any_line.py does
    assert works_or_says_why(load_pretrained_resnet34, stall_seconds, stall_bytes).weights_name


# --- Checks, the learner's file, practice -------------------------------------------------------


@pytest.mark.parametrize("check", [name for name in checks.__all__ if name.startswith("test_")])
@settings(some, max_examples=20)
@given(anything)
def test_a_check(check, answer):
    with pytest.raises((CheckFailure, CourseError)) as raised:
        getattr(checks, check)(answer)
    assert str(raised.value)


@some
@given(st.lists(anything, max_size=3))
def test_save(tmp_path_factory, pieces):
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_HELPERS_WORK", str(folder))
        works_or_says_why(my_work.save, *pieces)
    assert not list(folder.iterdir())


@some
@given(st.lists(anything | st.sampled_from(["AveragePool", "nn", "x y"]), max_size=3))
def test_use(tmp_path_factory, names):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_HELPERS_WORK", str(tmp_path_factory.mktemp("work")))
        found = works_or_says_why(my_work.use, *names)
    if names == ["AveragePool"]:
        assert found is solutions.AveragePool


@some
@example("AveragePool", 3)
@given(anything | st.sampled_from(["AveragePool", "BlockGroup"]), anything)
def test_practice(exercise, seed):
    shown = works_or_says_why(practice, exercise, seed)
    assert shown is None or "What is wrong here?" in repr(shown)


@some
@example("BatchNorm2d", 1)
@given(anything | st.sampled_from(["AveragePool", "BlockGroup"]), anything | st.integers(0, 3))
def test_reveal(capsys, name, step):
    works_or_says_why(reveal, name, step)
    printed = capsys.readouterr().out
    assert not printed or name in printed


# --- Figures ------------------------------------------------------------------------------------


@some
@given(anything)
def test_initialisations(make_norm):
    assert works_or_says_why(batchnorm.initialisations, make_norm) is None


@some
@given(anything)
def test_weight_scale(make_norm):
    assert works_or_says_why(batchnorm.weight_scale, make_norm) is None


@some
@given(anything)
def test_running_mean(make_norm):
    assert works_or_says_why(batchnorm.running_mean, make_norm) is None


@some
@given(anything)
def test_train_and_eval(make_norm):
    assert works_or_says_why(batchnorm.train_and_eval, make_norm) is None


@some
@given(anything, anything)
def test_class_activation(model, filename):
    assert works_or_says_why(pooling.class_activation, model, filename) is None


@some
@given(anything, st.integers(-2, 1) | anything.filter(lambda n: not isinstance(n, int)))
def test_run_of_degradation(seed, n_steps):
    losses = works_or_says_why(degradation.run, seed, n_steps)
    assert losses is None or degradation.verdict(losses)


@some
@example({"plain": {20: [1.0] * 20, 56: [2.0] * 20}})
@given(anything)
def test_verdict_of_degradation(losses):
    said = works_or_says_why(degradation.verdict, losses)
    assert said is None or isinstance(said, str)


@some
@example("paper")
@given(anything)
def test_architecture(model):
    drawing = works_or_says_why(architecture, model)
    assert drawing is None or repr(drawing)


@some
@given(anything, anything)
def test_viewer(model, weights_name):
    shown = works_or_says_why(viewer, model, weights_name)
    assert shown is None or str(weights_name) in repr(shown)


@some
@example(nn.Conv2d(3, 4, 3), "<b>")
@given(anything, anything)
def test_first_layer_filters(model, weights_name):
    picture = works_or_says_why(first_layer_filters, model, weights_name)
    assert picture is None or str(weights_name) in repr(picture)


@some
@given(anything, anything)
def test_gallery(mine, reference):
    assert works_or_says_why(Gallery, mine, reference) is None


pairs = anything | st.just((torch.tensor([0.5]), torch.tensor([1]))) | st.tuples(things, things)


@some
@example({"a": Image.new("RGB", (3, 3))}, *[(torch.tensor([0.5]), torch.tensor([1]))] * 2, "none")
@given(anything | st.dictionaries(texts, pictures, max_size=2), pairs, pairs, anything)
def test_compare_predictions(images, mine, reference, weights_name):
    picture = works_or_says_why(compare_predictions, images, mine, reference, weights_name)
    assert picture is None or repr(picture)


# --- Lesson 8's -------------------------------------------------------------------------------

devices = anything | st.sampled_from(["cpu", "cuda:77", "meta", torch.device("cpu"), 3])
measured = st.sampled_from([measuring.Layer("0", "ReLU", 1.0, 1, 1), measuring.Roof(1.0, 1.0, 1.0)])
uncallable = anything.filter(lambda thing: not callable(thing))


@some
@given(devices)
def test_clock_of(device):
    clock = works_or_says_why(measuring.clock_of, device)
    assert clock is None or clock() > 0


@some
@given(uncallable)
def test_count(job):
    works_or_says_why(measuring.count, job)


@some
@given(anything, st.just(torch.ones(1, 3)) | anything, st.sampled_from([0, -1, 1.5, None, 1, 2]))
def test_layers_of(model, x, rounds):
    works_or_says_why(measuring.layers_of, model, x, rounds)


models = anything | st.sampled_from([nn.Module(), nn.ModuleList(), nn.LazyLinear(2)])
models |= st.sampled_from(
    [
        torch.jit.trace(nn.Sequential(nn.ReLU()), torch.ones(1)),
        nn.Sequential(torch.jit.script(nn.ReLU())),
        solutions.BlockGroup(1, 3, 3, 1),
    ]
)
few_rounds = st.sampled_from([0, -1, 1.5, None, 1, 2])


@some
@example({"a": nn.Linear(3, 3), "b": nn.Sequential(nn.ReLU())}, torch.ones(1, 3), 1)
@given(
    st.dictionaries(texts | st.integers(), models, max_size=2) | models,
    st.just(torch.ones(1, 3)) | st.just(torch.ones(1, 3, device="meta")) | anything,
    few_rounds,
)
def test_layers_in_turns(networks, x, rounds):
    layers = works_or_says_why(measuring.layers_in_turns, networks, x, rounds)
    assert layers is None or layers.keys() == networks.keys()


@settings(some, max_examples=20)
@given(uncallable, st.sampled_from([0, -1, 1.5, None, True]))
def test_roof_of(device, rounds):
    works_or_says_why(measuring.roof_of, device, rounds)


@some
@given(anything, anything, anything, st.sampled_from([0, 1.5, None, 3]))
def test_race(reference, x, ratio, rounds):
    works_or_says_why(Race, reference, x, ratio, rounds)


ratios = st.sampled_from([lambda *_: 1.0, lambda *_: "fast", lambda: 1.0])
racers = st.just(nn.Linear(3, 3).eval()) | st.just(nn.Linear(3, 4).eval()) | anything


@some
@given(ratios, texts, racers, st.none() | racers)
def test_a_row_of_a_race(ratio, treatment, yours, theirs):
    race = Race(nn.Linear(3, 3).eval(), torch.ones(1, 3), ratio)
    assert works_or_says_why(race.add, treatment, yours, theirs) in (None, race)
    assert repr(race)


@settings(some, max_examples=20)
@given(anything, uncallable)
def test_compiled(network, x):
    works_or_says_why(compiled, network, x)


@some
@given(anything)
def test_in_bfloat16(network):
    works_or_says_why(in_bfloat16, network)


@settings(some, max_examples=20)
@given(devices)
def test_has_fast_bfloat16(device):
    works_or_says_why(has_fast_bfloat16, device)


@some
@given(measured | anything, st.lists(measured, max_size=2) | anything)
def test_roofline(roof, layers):
    works_or_says_why(roofline, roof, layers)


@some
@given(st.dictionaries(texts, st.lists(measured, max_size=2), max_size=2) | anything)
def test_time_by_kind(networks):
    works_or_says_why(time_by_kind, networks)


@some
@given(anything, st.just(torch.ones(1, 3)) | anything)
def test_fold(model, x):
    works_or_says_why(fold, model, x)


# --- An instructor's --------------------------------------------------------------------------

no_assignments = st.sampled_from(["nobody", "", "*", "**", "..", "a/b", "/etc", "a+b", "\0"])
WRONG = {  # one argument that cannot be used beside others that can
    "seconds": st.sampled_from([0, -1, math.nan, math.inf, True, 10**400, None, "5"]),
    "memory": st.sampled_from([0, -1, math.nan, math.inf, True, None, "", "2 GBs", "-1GB", b"2"]),
    "scheduler": st.sampled_from(["", "no address", "tcp://", "a://b:1", 8786, b"tcp://b:1"]),
    "database": st.sampled_from(["", "grades.db", "a://b", "sqlite:////no/such/a.db", 5, b"b"]),
    "assignment": anything | no_assignments,
    "course": things | paths,
}


@many
@given(st.data())
def test_grade_all(tmp_path_factory, data):
    pytest.importorskip("nbgrader")
    from resnet_helpers.class_tools import grade_all, grading

    folder = tmp_path_factory.mktemp("course")
    (folder / "submitted" / "ada" / "02_pooling").mkdir(parents=True)
    arguments = {"course": folder, "assignment": "02_pooling"}
    wrong = data.draw(st.lists(st.sampled_from(sorted(WRONG)), min_size=1, max_size=2))
    arguments |= {name: data.draw(WRONG[name]) for name in wrong}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "LocalCluster", None)  # it would be started for nothing
        with pytest.raises(CourseError) as raised:
            grade_all(**arguments)
    assert len(str(raised.value).splitlines()) == 1
    assert sorted(folder.iterdir()) == [folder / "submitted"]
