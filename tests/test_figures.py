"""The figures: that they say what they show, draw the same twice, and answer to their knobs."""

import html
import io
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_networks import seeded
from torch import nn
from torchvision.models import vgg11

from resnet_helpers import solutions
from resnet_helpers.errors import CourseError, UnfinishedExerciseError
from resnet_helpers.figures import batchnorm, degradation, layers, pooling, speed
from resnet_helpers.figures.architecture import architecture
from resnet_helpers.figures.live import Live
from resnet_helpers.figures.network import read_network
from resnet_helpers.figures.style import MOST_HEIGHT, Picture, new_figure, styled
from resnet_helpers.figures.threads import one_thread
from resnet_helpers.measuring import BETWEEN, Layer, Roof
from resnet_helpers.pretrained import offline_stand_in
from resnet_helpers.solutions import ResNet34

# A callback may take 0.4 s. A test machine may be slower and busy, hence processor time, and more.


@pytest.fixture(scope="module")
def stand_in() -> nn.Module:
    return offline_stand_in()


ERRORS = pd.DataFrame({"relative error": [0.0, 1e-3, 0.1], "tolerance": [1e-4, 1e-4, 0.0]})
ACTIVATIONS = pd.DataFrame({"std": [1.0, 2.0], "mean": [0.5, 0.7], "zeros": [0.0, 0.5]})
LAYERS = [
    Layer("0", "Conv2d", 0.02, 10**9, 10**7),
    Layer("1", "BatchNorm2d", 0.005, 10**7, 10**8),
    Layer("", BETWEEN, 0.0001, 0, 0),
]
PICTURES = {
    "roofline": lambda: speed.roofline(Roof(1e11, 3e10, 1e11), LAYERS),
    "time by kind": lambda: speed.time_by_kind({"before": LAYERS, "after, folded": LAYERS[:1]}),
    "initialisations": batchnorm.initialisations,
    "train_and_eval": batchnorm.train_and_eval,
    "gradients": degradation.gradients,
    "losses": lambda: degradation.draw_losses({"plain": {20: [2.3, 2.2], 56: [2.3, 2.3]}}, 2),
    "losses at the end": lambda: degradation.draw_losses({"plain": {20: [2.3], 56: []}}, 2, True),
    "errors": lambda: layers.draw_errors(ERRORS, 1, "layer1.0.conv1"),
    "activations": lambda: layers.draw_activations(ACTIVATIONS),
}
LIVES = {
    "weight_scale": lambda _: batchnorm.weight_scale(),
    "running_mean": lambda _: batchnorm.running_mean(),
    "class_activation": pooling.class_activation,
}


# --- Pictures ---


@pytest.fixture(scope="module")
def drawn() -> dict[str, Picture]:
    return {name: draw() for name, draw in PICTURES.items()}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_same_twice_and_carries_its_alt_text(name, drawn):
    random_state = torch.get_rng_state()
    once, again = drawn[name], PICTURES[name]()
    assert once.content == again.content
    assert torch.equal(torch.get_rng_state(), random_state)
    bundle, metadata = once._repr_mimebundle_()
    assert len(once.alt) > 60
    assert bundle["text/plain"] == repr(once) == once.alt == metadata["image/png"]["alt"]


def test_a_picture_does_not_depend_on_the_style_the_notebook_has_set(drawn):
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        assert batchnorm.train_and_eval().content == drawn["train_and_eval"].content


@pytest.mark.parametrize("name", [*PICTURES, *LIVES])
def test_no_text_is_cut_off_at_the_edge_of_a_picture(name, drawn, live):
    picture = drawn[name] if name in PICTURES else live[name].picture
    image = Image.open(io.BytesIO(picture.content))
    assert not image.has_transparency_data
    pixels = np.asarray(image.convert("L"))
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge > 250).all() for edge in edges)  # white


def test_no_picture_is_higher_than_a_projected_page_shows(drawn, live):
    for picture in drawn.values():
        assert picture.height <= 100 * MOST_HEIGHT < 500
    for widget in live.values():
        assert widget.picture.height <= 440  # its controls stand above it
        assert widget.twin.height <= 490


def test_a_long_name_makes_the_title_longer_and_not_wider():
    figure, _ = styled(new_figure)(
        f"Your network leaves the reference at {'block.' * 30}", note="x" * 300
    )
    image = Image.open(io.BytesIO(Picture(figure, "").content)).convert("L")
    assert (np.asarray(image)[:, [0, -1]] > 250).all()


@pytest.mark.parametrize("name", ["$", "a $x$ b", r"$\frac{$", "\\$", "<b>&amp;", "狗 🐕", "%s {}"])
def test_a_name_in_a_title_or_note_is_text(name, recwarn):
    figure, _ = styled(new_figure)(name, note=name)
    styled(Picture)(figure, name)
    assert figure.get_suptitle() == name == figure.texts[-1].get_text()
    assert not figure._suptitle.get_parse_math()
    assert not figure.texts[-1].get_parse_math()
    assert not recwarn.list


# --- Widgets ---


@pytest.fixture(scope="module")
def live(stand_in) -> dict[str, Live]:
    return {name: make(stand_in) for name, make in LIVES.items()}


@pytest.mark.parametrize("name", LIVES)
def test_moving_any_control_changes_the_picture_and_its_alt_text(name, live):
    widget = live[name]
    for control in widget.controls.values():
        before, first_value = widget.picture, control.value
        values = [value for _, value in control._options_full]
        other_value = next(value for value in values if value != first_value)
        control.value = other_value
        assert widget.picture.content != before.content
        assert widget.picture.alt != before.alt
        assert widget.picture.base64() in widget.view.value
        control.value = first_value
        assert widget.picture.content == before.content


@pytest.mark.parametrize("name", LIVES)
def test_the_images_alt_text_is_in_the_page(name, live):
    assert f'alt="{html.escape(live[name].picture.alt)}"' in live[name].view.value


@pytest.mark.parametrize("name", LIVES)
def test_the_static_twin_is_in_the_same_output_and_stays_what_it_was(name, live):
    widget = live[name]
    shown, _ = widget._repr_mimebundle_()
    control = next(iter(widget.controls.values()))
    control.value = control._options_full[-1][1]
    bundle, metadata = widget._repr_mimebundle_()
    assert bundle == shown
    assert bundle[widget.twin.mime] == widget.twin.base64()
    assert metadata[widget.twin.mime]["alt"] == bundle["text/plain"] == widget.twin.alt
    assert "application/vnd.jupyter.widget-view+json" in bundle


# --- What the figures claim ---


def test_one_thread_gives_the_threads_back_even_after_an_error():
    @one_thread()
    def fail():
        raise ZeroDivisionError(torch.get_num_threads())

    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError, match="1"):
        fail()
    assert torch.get_num_threads() == before


def test_without_batchnorm_only_hes_scale_keeps_the_activations_and_with_it_all_do():
    def std_of_last(scale, norm):
        return batchnorm.layer_outputs(scale, norm)[-1].std().item()

    scales = batchnorm.INITIALISATIONS.values()
    survivors = [scale for scale in scales if 0.1 < std_of_last(scale, None) < 10]
    assert survivors == [batchnorm.INITIALISATIONS["He"]]
    for scale in scales:
        assert std_of_last(scale, nn.BatchNorm2d) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("std", [0.3, 0.05])
def test_a_hill_too_tall_for_the_picture_keeps_its_shape(std):
    values = std * torch.randn(10_000, generator=torch.Generator().manual_seed(0))
    _, axes = new_figure("hills")
    batchnorm._draw_histograms(axes[0, 0], [values], "red")
    (hill,) = axes[0, 0].collections
    heights = 1 - hill.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(batchnorm.TALLEST)
    assert (heights == heights.max()).sum() <= 2  # a peak, no plateau


def test_a_mean_that_is_0_but_for_rounding_is_not_drawn_as_a_sick_layer():
    def drawn(*means):
        table = pd.DataFrame({"std": [1.0, 2.0], "mean": means, "zeros": [0.0, 0.5]})
        return layers.draw_activations(table).content

    assert drawn(0.5, 1e-9) == drawn(0.5, 0.0)
    assert drawn(0.5, 1e-9) != drawn(0.5, -1.0)


def test_the_courses_own_batchnorm_gives_the_same_figures_data_as_pytorchs():
    for momentum in batchnorm.MOMENTA:
        mine = batchnorm.running_means(solutions.BatchNorm2d, momentum, 8)
        pytorchs = batchnorm.running_means(nn.BatchNorm2d, momentum, 8)
        torch.testing.assert_close(torch.tensor(mine), torch.tensor(pytorchs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("figure", [batchnorm.running_mean, batchnorm.train_and_eval])
def test_a_figure_of_a_stub_asks_for_the_exercise_in_one_line(figure):
    class BatchNorm2d(nn.BatchNorm2d):
        def forward(self, x):
            raise NotImplementedError()

    with pytest.raises(UnfinishedExerciseError) as raised:
        figure(BatchNorm2d)
    (line,) = raised.value._render_traceback_()
    assert line.startswith("UnfinishedExerciseError: Finish the exercise BatchNorm2d first")


@pytest.mark.parametrize("batch_size", [2, 32])
def test_companions_matter_in_train_mode_only(batch_size):
    train, evaluation = batchnorm.outputs_with_companions(nn.BatchNorm2d, batch_size)
    assert max(train) - min(train) > 0.5
    assert max(evaluation) - min(evaluation) < 1e-6


def test_the_mean_of_the_votes_and_the_bias_are_the_logits_at_any_size(stand_in):
    mine = solutions.copy_weights(ResNet34(), stand_in).eval()
    image = pooling.load_images()[0]
    for model in (stand_in, mine):
        for size in (96, 160):
            x = pooling.resized_input(image, size)
            maps, logits = pooling.votes(model, x)
            assert maps.shape == (1000, size // 32, size // 32)
            torch.testing.assert_close(logits, model(x)[0])
            torch.testing.assert_close(maps.mean(dim=(1, 2)) + model_bias(model), logits)


def model_bias(model: nn.Module) -> torch.Tensor:
    return list(model.parameters())[-1]


def test_votes_refuses_a_network_without_average_pool():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 9)
    )
    with pytest.raises(ValueError, match="average-pooled"):
        pooling.votes(model, torch.randn(1, 3, 8, 8))


class TwoOutputs(nn.Module):
    def forward(self, x):
        return x, x


class Stub(nn.Module):
    def forward(self, x):
        raise NotImplementedError()


def not_a_number() -> nn.Module:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 9)
    )
    nn.init.constant_(model[3].bias, torch.nan)
    return model


NO_CLASSIFIERS = {
    "None": (lambda: None, "model is of type NoneType"),
    "a class": (lambda: ResNet34, "model is a class, ResNet34: make a model of it first"),
    "a ReLU": (nn.ReLU, "logits of ReLU are not a linear layer"),
    "a linear layer": (lambda: nn.Linear(3, 3), "Linear fails on a batch of pictures of shape"),
    "nothing": (nn.Sequential, "not a linear layer"),
    "two outputs": (TwoOutputs, "logits of TwoOutputs are not a linear layer"),
    "a stub": (Stub, "Stub fails on a batch of pictures"),
    "grey pictures": (lambda: nn.Conv2d(1, 3, 3), "Conv2d fails on a batch of pictures"),
    "VGG": (lambda: vgg11(weights=None), "logits of VGG are not a linear layer"),
    "NaN": (not_a_number, "hold NaN or infinity: debugging.find_first_nan"),
    "ten classes": (lambda: ResNet34((1,), (8,), (1,), n_classes=10), "has 10 classes"),
    "meta": (lambda: ResNet34((1,), (8,), (1,)).to("meta"), "on the meta device"),
    "lazy": (lambda: nn.Sequential(nn.LazyConv2d(3, 3)), "`0.weight` has no weights yet"),
}


@pytest.mark.parametrize("name", NO_CLASSIFIERS)
def test_a_model_without_votes_is_refused_in_one_sentence(name):
    make, words = NO_CLASSIFIERS[name]
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        pooling.class_activation(make())
    (line,) = raised.value._render_traceback_()
    assert "\n" not in line


def test_a_picture_that_the_course_has_not_is_refused_with_those_it_has(stand_in):
    with pytest.raises(
        ValueError, match=r"no picture 'cat\.jpg': take one of golden_retriever\.jpg"
    ):
        pooling.class_activation(stand_in, "cat.jpg")


def test_votes_leaves_the_model_in_its_mode_and_without_hooks(stand_in):
    model = solutions.copy_weights(ResNet34(), stand_in).train()
    model.in_layers.eval()
    before = [module.training for module in model.modules()]
    pooling.votes(model, torch.randn(1, 3, 64, 64))
    assert before == [module.training for module in model.modules()]
    assert not any(module._forward_hooks for module in model.modules())


def test_the_stand_in_is_named_in_the_picture(live):
    assert "offline stand-in" in live["class_activation"].twin.alt


# --- The degradation experiment ---


def test_a_training_step_is_the_same_twice_and_leaves_the_random_state_alone():
    random_state = torch.get_rng_state()
    once, again = (next(degradation.train_together(seed=3)) for _ in range(2))
    assert once == again
    assert once != next(degradation.train_together(seed=4))
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize("depth", [20, 56])
def test_plain_and_residual_networks_have_the_papers_depth(depth):
    for skip in (False, True):
        layers = degradation.small_network(depth, skip, seed=0).modules()
        layers = [m for m in layers if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        assert len(layers) + 1 == depth  # and the linear one


def test_a_depth_that_three_groups_cannot_have_is_refused():
    with pytest.raises(ValueError, match="depth must be 6 n"):
        degradation.small_network(19, skip=True, seed=0)


def test_without_skips_nothing_goes_around_a_block():
    x = torch.randn(2, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    for skip, expected in [(False, torch.zeros_like(x)), (True, x.relu())]:
        block = degradation.Block(8, 8, stride=1, skip=skip)
        nn.init.zeros_(block.left[-1].weight)
        torch.testing.assert_close(block(x), expected)


def test_residual_blocks_start_as_their_right_branch():
    network = degradation.small_network(20, skip=True, seed=0)
    blocks = [module for module in network.modules() if isinstance(module, degradation.Block)]
    assert len(blocks) == 9
    assert all(block.left[-1].weight.eq(0).all() for block in blocks)


@pytest.mark.parametrize(
    ("deep_plain", "deep_residual", "expected"),
    [(2.3, 1.0, ["worse", "did not"]), (1.6, 1.5, ["did not", "worse"])],
)
def test_the_verdict_is_read_off_the_losses(deep_plain, deep_residual, expected):
    losses = {
        "plain": {20: [1.6] * 200, 56: [deep_plain] * 200},
        "residual": {20: [1.0] * 200, 56: [deep_residual] * 200},
    }
    assert "after" not in degradation.verdict(losses)
    for line, word in zip(degradation.verdict(losses).splitlines(), expected, strict=True):
        assert word in line


def test_gradients_grow_backwards_through_the_deep_plain_network_only():
    ratio = {}
    for kind, skip in [("plain", False), ("residual", True)]:
        norms = degradation.gradient_norms(56, skip)
        ratio[kind] = sum(norms[:5]) / sum(norms[-5:])
    assert ratio["plain"] > 10 * ratio["residual"]


def test_the_verdict_on_a_run_that_was_stopped_says_when_and_is_none_before_the_20th_step():
    def verdict(n_steps: int) -> str:
        by_depth = {20: [1.0] * (n_steps + 1), 56: [2.0] * n_steps}  # stopped within a step
        return degradation.verdict({"plain": by_depth})

    assert verdict(20) == "plain: 56 layers trained worse than 20 layers (after 20 steps)"
    assert verdict(19) == "plain: 19 steps are too few to tell, 20 the least"
    none = degradation.verdict(degradation.no_losses())
    assert none.splitlines() == [f"{k}: 0 steps are too few to tell, 20 the least" for k in KINDS]


KINDS = ["plain", "residual"]


@pytest.fixture
def shallow(monkeypatch) -> None:
    """One layer in place of 20 and of 56: four networks that differ, and are quickly trained."""

    def make(depth: int, skip: bool, seed: int) -> nn.Module:
        layers = nn.AdaptiveAvgPool2d(1), nn.Flatten(), seeded(nn.Linear, 3, 10, seed=depth + skip)
        return nn.Sequential(*layers)

    monkeypatch.setattr(degradation, "small_network", make)


@pytest.fixture
def shown(monkeypatch) -> list:
    """What a notebook would show in the one place of a run, first to last."""
    shown = []

    class Handle:
        update = shown.append

    def display(thing, display_id):
        assert display_id is True
        shown.append(thing)
        return Handle

    monkeypatch.setattr("IPython.display.display", display)
    return shown


INTERRUPTED = {  # the function in which it happens, at which of its calls, and after how many steps
    "before it starts": ("load_images", 1, 0),
    "while it makes the networks": ("small_network", 3, 0),
    "in the first step": ("random_crops", 1, 0),
    "in the third step": ("random_crops", 3, 2),
    "in the middle of a step": ("F.cross_entropy", 4 * 2 + 3, 2),
    "in the first drawing": ("draw_losses", 1, 0),
    "in a drawing": ("draw_losses", 2, 10),
    "in the last drawing": ("draw_losses", 3, 12),
}


@pytest.mark.parametrize("when", INTERRUPTED)
def test_an_interrupted_run_ends_in_a_sentence_and_gives_what_it_has(
    when, shown, shallow, monkeypatch, capsys
):
    name, at, n_steps = INTERRUPTED[when]
    interrupt(monkeypatch, name, at)
    losses = degradation.run(n_steps=12)
    sentence = f"Stopped after {n_steps} of 12 steps: the losses so far are kept.\n"
    assert capsys.readouterr().out == sentence
    lengths = {len(values) for by_depth in losses.values() for values in by_depth.values()}
    assert lengths <= {n_steps, n_steps + 1}
    assert degradation.verdict(losses)
    if shown:
        assert "ImageNet error" in shown[-1].alt


def interrupt(monkeypatch, name: str, *at: int) -> None:
    """Press the stop button in these calls of one of degradation's functions."""
    *owner, attribute = name.split(".")
    owner = getattr(degradation, owner[0]) if owner else degradation
    original, calls = getattr(owner, attribute), []

    def pressed(*args, **kwargs):
        calls.append(name)
        if len(calls) in at:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, attribute, pressed)


def test_who_presses_stop_twice_loses_nothing(shown, shallow, monkeypatch, capsys):
    interrupt(monkeypatch, "draw_losses", 2, 3)
    losses = degradation.run(n_steps=12)
    assert len(losses["plain"][20]) == 10
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, "ten", None])
def test_a_number_of_steps_that_is_none_gets_a_sentence(n_steps):
    with pytest.raises(CourseError, match="n_steps is a whole number, 1 or more"):
        degradation.run(n_steps=n_steps)


def test_the_papers_numbers_do_not_stand_beside_the_curves_before_the_end(shown, shallow):
    degradation.run(n_steps=degradation.REDRAW_EVERY + 1)
    *before, end = shown
    assert len(before) == 2
    for progress in before:
        assert "28.54" not in progress.picture.alt
        assert "shown here at the end" in progress.picture.alt
    assert "plain 27.94 and 28.54 %" in end.alt


def test_a_run_shows_its_progress_in_one_place_and_leaves_the_picture(shown, shallow):
    losses = degradation.run(n_steps=degradation.REDRAW_EVERY)
    start, end, picture = shown
    assert [start.step, end.step] == [0, degradation.REDRAW_EVERY]
    assert f'<progress value="{end.step}" max="{end.n_steps}"' in end._repr_html_()
    assert start.picture.content != end.picture.content != picture.content
    assert isinstance(picture, Picture)
    for by_depth in losses.values():
        for depth, values in by_depth.items():
            assert f"{depth} layers {degradation.final_loss(values):.2f}" in picture.alt


# --- The architecture ---


def test_the_papers_network_has_no_marks_and_neither_has_a_right_one():
    right = architecture(ResNet34())
    assert 'stroke-dasharray="9 4"' not in architecture().svg + right.svg
    assert "21,797,672 parameters" in architecture().svg
    assert "those of the paper" in right.alt


def test_torchvisions_resnet34_is_drawn_the_same_though_its_names_differ(stand_in):
    assert "those of the paper" in architecture(stand_in).alt


def test_a_wrong_stride_is_marked_and_named():
    drawing = architecture(ResNet34(first_strides_per_group=(1, 2, 1, 2)))
    assert "residual_layers.2.blocks.0.left.0: stride 1, paper 2" in drawing.alt
    assert "residual_layers.2.blocks.0.right.0: stride 1, paper 2" in drawing.svg
    assert 'stroke-dasharray="9 4"' in drawing.svg
    assert "512 × 14 × 14" in drawing.svg  # where the sizes go wrong in its wake


def test_a_hovered_box_tells_name_shape_and_parameters():
    titles = [title.text for title in svg_elements(architecture(ResNet34()), "title")]
    assert "in_layers.0\noutput 64 × 112 × 112\n9,408 parameters" in titles
    assert "out_layers.1\noutput 1000\n513,000 parameters" in titles


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"n_blocks_per_group": (3, 4, 5, 3)}, "group 3: 5 blocks, paper 6"),
        ({"n_classes": 10}, "out_layers.1: channels 512 → 10, paper 512 → 1000"),
        ({"out_features_per_group": (64, 128, 256, 500)}, "channels 256 → 500, paper 256 → 512"),
    ],
)
def test_other_differences_from_the_paper_are_named(wrong, expected):
    assert expected in architecture(ResNet34(**wrong)).alt


def test_a_forgotten_right_branch_and_batchnorm_are_named():
    model = ResNet34()
    model.residual_layers[1].blocks[0].right = nn.Identity()
    assert "nothing on the right, paper 1×1 convolution" in architecture(model).alt


def test_a_bias_too_many_or_missing_is_marked():
    model = ResNet34()
    model.residual_layers[0].blocks[1].left[3] = nn.Conv2d(64, 64, 3, padding=1)
    model.out_layers[1] = nn.Linear(512, 1000, bias=False)
    alt = architecture(model).alt
    assert "residual_layers.0.blocks.1.left.3: bias, paper none" in alt
    assert "out_layers.1: no bias, paper has one" in alt


def test_what_is_no_module_is_not_claimed_to_be_there():
    model = ResNet34()
    model.in_layers[2] = nn.Identity()
    model.in_layers[3] = nn.Identity()
    model.out_layers[0] = nn.Flatten()
    drawing = architecture(model)
    assert "paddings of your modules are those of the paper" in drawing.alt
    assert "Not found as modules: the first ReLU, the max pool, the average pool." in drawing.alt
    assert drawing.svg.count("not found as a module:\nyour forward") == 3
    texts = [text.text for text in svg_elements(drawing, "text")]
    assert "MaxPool: not found as a module" in texts
    assert not any(text.startswith(("MaxPool 3×3", "AveragePool,")) for text in texts)
    assert "AveragePool" not in texts
    assert 'stroke-dasharray="9 4"' not in drawing.svg  # which is for what is wrong


@pytest.mark.parametrize(("missing", "found"), [("left.2", [False, True]), ("relu", [True, False])])
def test_each_relu_of_a_block_is_looked_for_by_itself(missing, found):
    model = ResNet34()
    for group in model.residual_layers:
        for block in group.blocks:
            block.set_submodule(missing, nn.Identity())
    network = read_network(model)
    first, second = network.groups[1][0].relus
    assert [first.found, second.found] == found
    assert network.not_found == ["ReLUs of the blocks"]
    assert "ReLU: no module" in architecture(model).svg


def test_a_right_one_and_torchvisions_have_all_parts_as_modules(stand_in):
    for model in (ResNet34(), stand_in):
        network = read_network(model)
        assert network.not_found == []
    assert network.groups[1][0].relus[0].name == "layer2.0.relu"
    assert (network.relu.name, network.pool.name) == ("relu", "maxpool")
    assert network.average.name == "avgpool"


def test_a_max_pool_of_the_wrong_size_is_marked():
    model = ResNet34()
    model.in_layers[3] = nn.MaxPool2d(2)
    assert "in_layers.3: kernel 2, paper 3, padding 0, paper 1" in architecture(model).alt


@pytest.mark.parametrize("n_blocks", [(3, 4, 6, 3), (1, 1, 1, 1)])
def test_each_block_has_its_own_relus(n_blocks):
    network = read_network(ResNet34(n_blocks_per_group=n_blocks))
    for g, group in enumerate(network.groups):
        for b, block in enumerate(group):
            place = f"residual_layers.{g}.blocks.{b}"
            assert [relu.name for relu in block.relus] == [f"{place}.left.2", f"{place}.relu"]


def test_a_model_that_is_no_resnet_is_refused_in_a_sentence():
    with pytest.raises(CourseError, match="a ResNet has a first convolution"):
        architecture(nn.Linear(2, 2))


def test_groups_in_a_plain_list_get_a_sentence_and_no_stack():
    model = ResNet34()
    groups = model.residual_layers
    del model.residual_layers
    model.residual_layers = list(groups)
    with pytest.raises(CourseError, match="No blocks found") as raised:
        architecture(model)
    (line,) = raised.value._render_traceback_()
    assert "are your groups in a plain list?" in line


def svg_elements(drawing, name: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(drawing.svg).findall(f".//{{http://www.w3.org/2000/svg}}{name}")


def test_the_drawing_is_the_same_twice_and_has_its_alt_text_in_every_form():
    drawing = architecture(ResNet34())
    assert drawing.svg == architecture(ResNet34()).svg
    assert repr(drawing) == drawing.alt
    assert html.escape(drawing.alt) in drawing._repr_html_()
    (description,) = svg_elements(drawing, "desc")
    assert drawing.alt == description.text
    assert "4 BlockGroups of 3, 4, 6, 3 blocks" in drawing.alt


# --- Where the time goes ---


def test_a_roofline_names_each_kind_and_leaves_out_what_does_no_work():
    alt = speed.roofline(Roof(1e11, 3e10, 1e11), LAYERS).alt
    assert "At best 100 billion operations a second, memory 30 GB a second, caches 100." in alt
    assert "Conv2d 1e+02 and 50; BatchNorm2d 0.1 and 2." in alt
    assert BETWEEN not in alt


def test_no_point_of_a_roofline_is_above_the_roof():
    alt = speed.roofline(Roof(1e9, 1e9, 5e8), LAYERS).alt
    assert "At best 50 billion operations a second, memory 1 GB a second, caches 20." in alt
    alt = speed.roofline(Roof(1e11, 3e10, 1e10), LAYERS).alt
    assert "At best 100 billion operations a second, memory 30 GB a second, caches 30." in alt


def test_every_kind_has_points_however_many_there_are():
    layers = [Layer(str(n), f"Kind{n}", 0.1, 10, 10) for n in range(20)]
    alt = speed.roofline(Roof(1e9, 1e9, 1e9), layers).alt
    assert all(f"Kind{n} " in alt for n in range(20))


def test_bars_are_sums_and_what_is_small_is_together():
    alt = speed.time_by_kind({"before": LAYERS, "after": LAYERS[:1] * 2}).alt
    assert "before, 25 ms: Conv2d 20.0, BatchNorm2d 5.0, all else 0.1" in alt
    assert "after, 40 ms: Conv2d 40.0, BatchNorm2d 0.0, all else 0.0" in alt
