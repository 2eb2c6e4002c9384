"""All of the package that takes a model, tried on one that may be anywhere.

`test_devices.py` puts it on a device that every machine has (`elsewhere.py`), `test_cuda.py` on a
GPU. A case is called with what puts a model, or a tensor, there; what it returns must be the same
as on the CPU, and be on the CPU.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import Tensor, nn

import resnet_helpers
from resnet_helpers import debugging, layers, solutions, training
from resnet_helpers.broken import broken_resnet34
from resnet_helpers.figures import (
    feature_maps,
    freezing,
    learning,
    learning_rates,
    network,
    pooling,
    predictions,
)
from resnet_helpers.figures.architecture import architecture
from resnet_helpers.figures.looking import look
from resnet_helpers.images import IMAGE_FILENAMES, load_images, prepare_images
from resnet_helpers.param_count import entries_of, print_param_count
from resnet_helpers.speed import fold

Put = Callable[[Any], Any]


def seeded(make: Callable[[], Any], seed: int = 0) -> Any:
    """What `make` makes, the same on every device and at every run."""
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


def classifier(seed: int = 0, n_classes: int = 1000) -> nn.Module:
    """Ends as a ResNet does, for ImageNet's 1000 classes or others."""

    def make() -> nn.Module:
        conv, norm = layers.Conv2d(3, 8, 7, stride=16), solutions.BatchNorm2d(8)
        head = solutions.AveragePool(), layers.Linear(8, n_classes)
        return nn.Sequential(conv, norm, layers.ReLU(), *head).eval()

    return seeded(make, seed)


def resnet() -> nn.Module:
    """A small one; its blocks are the course's."""
    return seeded(lambda: solutions.ResNet34((1, 1), (8, 16), (1, 2), 10)).eval()


def pictures(n: int = 1, side: int = 64) -> Tensor:
    return seeded(lambda: torch.randn(n, 3, side, side))


def poisoned() -> nn.Module:
    """A network whose batchnorm divides by zero, in one channel."""
    model = classifier()
    model[1].eps = 0.0
    model[1].running_var[2] = 0.0
    return model


def rootless() -> nn.Module:
    """A network whose forward is clean, and whose backward divides by zero."""
    return nn.Sequential(*classifier(), Root()).eval()


class Root(nn.Module):
    """The square root of 0 is 0, and its slope there is infinite."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - x).sqrt()


def bad_module(model: nn.Module, x: Tensor) -> tuple:
    """What was found, without the line: the stand-in for a device looks like one of the user's."""
    found = debugging.find_first_nan(model, x, backward=True)
    return found.name, found.explanation.splitlines()[0]


def spoiled() -> nn.Module:
    """A network with another weight in its last layer."""
    model = classifier()
    with torch.no_grad():
        model[4].weight[3] += 1
    return model


def frozen() -> nn.Module:
    """A network one of whose weights takes no gradient."""
    model = classifier()
    model[0].weight.requires_grad_(False)
    return model


def recorded(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    with feature_maps.recorded_outputs(model, ["0", "2"]) as outputs, torch.no_grad():
        model(x)
    return {name: output.cpu() for name, output in outputs.items()}


def divergence(mine: nn.Module, reference: nn.Module, x: Tensor, **options: Any) -> tuple:
    """What was found, without digits of rounding errors."""
    found = debugging.first_divergence(mine, reference, x, **options)
    assert found.plot().alt
    return found.name, found.first, found.not_compared, list(found.table["shape"])


def stats(model: nn.Module, x: Tensor) -> list:
    measured = debugging.activation_stats(model, x)
    assert measured.plot().alt
    numbers = [Tensor(measured.table[column]) for column in ("mean", "std", "zeros")]
    return [list(measured.table["module"]), *numbers]


def predicted(put: Put) -> str:
    """The grid of pictures and what a network sees in them, as lesson 5 draws it."""
    images = load_images()
    found = solutions.predict(put(classifier()), put(prepare_images(images)))
    named = dict(zip(IMAGE_FILENAMES, images, strict=True))
    return predictions.compare_predictions(named, found, found).alt


def broken(put: Put) -> dict[str, Tensor]:
    """The first broken network; its random weights do not depend on the device."""
    there = put(seeded(solutions.ResNet34))
    model = broken_resnet34(1, there)
    assert {t.device for t in model.parameters()} == {t.device for t in there.parameters()}
    return {name: tensor.cpu() for name, tensor in model.state_dict().items()}


def counted(put: Put) -> str:
    return print_param_count(put(classifier()), put(classifier()), display_df=False).to_csv()


def crops(put: Put) -> tuple[Tensor, Tensor]:
    return training.random_crops(put(pictures(10)), torch.Generator("cpu").manual_seed(0))


def trained(put: Put) -> tuple:
    """What a recorded step of training leaves behind."""
    model, batch = put(resnet()), crops(put)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with training.record_training(model) as recording:
        loss = solutions.train_step(model, optimizer, *batch)
    table = recording.table
    assert recording.plot().alt
    assert learning.show_crops(*batch, IMAGE_FILENAMES, n_shown=6).alt
    numbers = table.drop(columns=["layer", "kind"]).fillna(-1).to_numpy(dtype="float32")
    return list(table["layer"]), torch.tensor([loss], device="cpu"), torch.from_numpy(numbers)


def at_learning_rates(put: Put) -> dict[str, Tensor]:
    losses = learning_rates.run(put(resnet()), put(pictures(10)), solutions.train_step, n_steps=1)
    return {kind: torch.tensor([*rates.values()], device="cpu") for kind, rates in losses.items()}


def without_batchnorm(put: Put) -> list[str]:
    return list(learning_rates.without_batchnorm(put(resnet())).state_dict())


def weights_as_he(put: Put) -> list[tuple]:
    """Which of them there are; they are drawn where the model is."""
    return [tuple(p.shape) for p in learning_rates.start_as_he(put(resnet())).parameters()]


def folded(put: Put) -> Tensor:
    """What a network computes without its batchnorm."""
    with torch.no_grad():
        return fold(put(classifier()), put(pictures()))(put(pictures())).cpu()


# By the names that they have in the package.
CASES: dict[str, Callable[[Put], Any]] = {
    "broken.broken_resnet34": broken,
    "debugging.activation_stats": lambda put: stats(put(classifier()), put(pictures())),
    "debugging.find_first_nan": lambda put: [
        bad_module(put(model), put(pictures())) for model in (classifier(), poisoned(), rootless())
    ],
    "debugging.first_divergence": lambda put: [
        divergence(put(mine), put(classifier()), put(pictures()), backward=True)
        for mine in (classifier(), spoiled(), frozen())
    ],
    "debugging.settings_of": lambda put: debugging.settings_of(put(classifier())[1]),
    "figures.architecture.architecture": lambda put: architecture(put(resnet())).svg,
    "figures.feature_maps.feature_maps": lambda put: feature_maps.feature_maps(
        put(resnet()), pictures()
    ),
    "figures.feature_maps.first_layer_filters": lambda put: feature_maps.first_layer_filters(
        put(classifier())
    ),
    "figures.feature_maps.recorded_outputs": lambda put: recorded(
        put(classifier()), put(pictures())
    ),
    "figures.feature_maps.viewable_layers": lambda put: feature_maps.viewable_layers(put(resnet())),
    "figures.feature_maps.viewer": lambda put: feature_maps.viewer(put(resnet())),
    "figures.feature_maps.weights_line": lambda put: feature_maps.weights_line(put(resnet()), None),
    "figures.freezing.drift": lambda put: freezing.verdict(
        freezing.drift(put(classifier(n_classes=10)), put(pictures(10)), solutions.freeze)
    ),
    "figures.learning_rates.run": at_learning_rates,
    "figures.learning_rates.start_as_he": weights_as_he,
    "figures.learning_rates.without_batchnorm": without_batchnorm,
    "figures.looking.look": lambda put: look(put(classifier()), pictures()).detach().cpu(),
    "figures.network.read_network": lambda put: network.read_network(put(resnet())),
    "figures.pooling.class_activation": lambda put: pooling.class_activation(put(classifier())),
    "figures.pooling.classify": lambda put: pooling.classify(put(classifier()), pictures()),
    "figures.pooling.last_steps": lambda put: pooling.last_steps(put(classifier()), pictures())[:2],
    "figures.pooling.votes": lambda put: pooling.votes(put(classifier()), pictures()),
    "figures.predictions.Gallery": lambda put: predictions.Gallery(
        put(classifier()), put(classifier(1))
    ),
    "figures.predictions.compare_predictions": predicted,
    "figures.predictions.predict": lambda put: vars(
        predictions.predict(put(classifier()), pictures())
    ),
    "param_count.entries_of": lambda put: entries_of(put(classifier())),
    "param_count.print_param_count": counted,
    "speed.fold": folded,
    "training.accuracy_in_train_mode": lambda put: training.accuracy_in_train_mode(
        put(resnet()), *crops(put), batch_size=8
    ),
    "training.record_training": trained,
}

# Of these what a lesson calls; of all other modules every function that takes a model.
PUBLIC = {"debugging": debugging.__all__, "training": training.__all__}
# What times or compiles, for which a stand-in proves nothing: test_measuring.py has it on a GPU.
PUBLIC |= {"measuring": [], "race": []}
# Where tensors are the caller's affair, or on the CPU as a check's always are.
NOT_TRIED = ("answers", "class_tools", "layers", "my_work", "practice", "pretrained", "solutions")
NOT_TRIED += ("tests",)


def what_takes_a_model() -> Iterator[str]:
    """The names of the package's public functions and classes with a parameter that is a model."""
    for info in pkgutil.iter_modules(resnet_helpers.__path__):
        if info.name in NOT_TRIED:
            continue
        parts = [info.name]
        if info.ispkg and info.name not in PUBLIC:
            folder = importlib.import_module(f"resnet_helpers.{info.name}").__path__
            parts = [f"{info.name}.{part.name}" for part in pkgutil.iter_modules(folder)]
        for part in parts:
            module = importlib.import_module(f"resnet_helpers.{part}")
            for name, thing in vars(module).items():
                is_own = getattr(thing, "__module__", "").startswith(module.__name__)
                if is_own and name in PUBLIC.get(part, [name]) and takes_a_model(name, thing):
                    yield f"{part}.{name}"


def takes_a_model(name: str, thing: Any) -> bool:
    """Whether one of its parameters is an nn.Module, or predictions that one has made."""
    is_error = isinstance(thing, type) and issubclass(thing, BaseException)
    if name.startswith("_") or not callable(thing) or is_error:
        return False
    annotations = (str(p.annotation) for p in inspect.signature(thing).parameters.values())
    return any(
        re.search(r"\bModule\b|Float\[Tensor, 'pictures'\]", text) and "type[" not in text
        for text in annotations
    )


def is_alike(a: Any, b: Any) -> bool:
    """The same but for rounding; a picture by its words, and about as long."""
    if hasattr(a, "picture"):  # that of a Live; its twin is in the notebook
        return is_alike(a.picture, b.picture) and is_alike(a.twin, b.twin)
    if hasattr(a, "content"):
        return a.alt == b.alt and abs(len(a.content) - len(b.content)) < 0.01 * len(a.content)
    if isinstance(a, Tensor):
        assert a.device.type == b.device.type == "cpu"
        return torch.allclose(a, b, rtol=1e-3, atol=1e-4)
    if isinstance(a, dict):
        return list(a) == list(b) and all(is_alike(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(is_alike, a, b))
    return a == b


# --- Lessons --------------------------------------------------------------------------------------

LESSONS = Path(__file__).parents[1] / "lessons"
CELL = re.compile(r"^```python(.*?)\n(.*?)^```$", re.DOTALL | re.MULTILINE)  # its tags, its code
DEVICE = re.compile(r"^device = torch\.device\(\n.*?^\)$", re.DOTALL | re.MULTILINE)


def lessons_with_a_device() -> list[Path]:
    """Those whose set-up cell chooses where the networks run."""
    return [
        lesson
        for lesson in sorted(LESSONS.glob("*.md"))
        if DEVICE.search(lesson.read_text(encoding="utf-8"))
    ]


def run_lesson(lesson: Path, device: str = "") -> dict[str, Any]:
    """Run a lesson's cells with the course's answers, training for two steps only; its variables.

    Args:
        lesson: the file; its cells are run as they are, without a notebook.
        device: Python code for another device than the lesson chooses.
    """
    text = lesson.read_text(encoding="utf-8")
    if device:
        text = DEVICE.sub(f"device = {device}", text)
    shell = InteractiveShell()
    for tags, code in CELL.findall(text):
        if '"long"' in tags:
            code = re.sub(r"\bn_steps=\d+", "n_steps=2", code)
        shell.run_cell(code, store_history=True).raise_error()
    return shell.user_ns
