"""The gallery of predictions and the viewer of feature maps say what is so, and answer."""

import copy
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from ipywidgets import FileUpload
from PIL import Image
from torch import nn
from torchvision.models import resnet34

from resnet_helpers import layers, solutions
from resnet_helpers.figures import feature_maps
from resnet_helpers.figures.feature_maps import first_layer_filters, recorded_outputs, viewer
from resnet_helpers.figures.predictions import Gallery, compare_predictions, newest_file
from resnet_helpers.figures.style import Photo, Picture
from resnet_helpers.images import IMAGE_FILENAMES, load_images, prepare_images

# Every callback has 0.4 s; the best of three, on a test machine that may be three times slower.


def made(seed: int, make) -> nn.Module:
    """A network with random weights that are the same at every run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def classifier() -> nn.Module:
    """The smallest network that ends as a ResNet does, for ImageNet's 1000 classes."""
    return nn.Sequential(
        layers.Conv2d(3, 8, 7, stride=16),
        layers.ReLU(),
        solutions.AveragePool(),
        layers.Linear(8, 1000),
    )


def small_resnet() -> nn.Module:
    return solutions.ResNet34((1, 1, 1, 1), (8, 8, 16, 16))


@pytest.fixture(scope="module")
def classifiers() -> tuple[nn.Module, nn.Module]:
    mine, reference = made(0, classifier), made(1, classifier)
    reference.weights_name = "made up for a test"
    return mine, reference


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    model = made(0, small_resnet)
    model.weights_name = "made up for a test"
    return model


@pytest.fixture(scope="module")
def gallery(classifiers):
    """One for all: each test chooses the picture it is about, and what others uploaded stays."""
    return Gallery(*classifiers)


@pytest.fixture
def view(resnet):
    return viewer(resnet)


def picture_file(size=(40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return buffer.getvalue()


def uploaded(name: str, content: bytes) -> tuple:
    """The `value` of an ipywidgets 8 FileUpload."""
    file = {"name": name, "type": "", "size": len(content), "content": memoryview(content)}
    return ({**file, "last_modified": datetime.now(UTC)},)


def upload(button: FileUpload, name: str, content: bytes) -> None:
    """What the browser sends to this button, in ipywidgets 7 or 8, when a file has been chosen."""
    if button.has_trait("_counter"):  # 7, where Python may not set the value
        files = {"metadata": [{"name": name}], "data": [memoryview(content)]}
        button.set_state({**files, "_counter": button._counter + 1})
    else:
        button.value = uploaded(name, content)


def n_hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def has_white_edges(picture: Picture) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(picture.content)).convert("L"))
    return all((edge > 250).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


# --- Gallery ---


def test_a_network_agrees_with_its_copy_on_every_picture(classifiers):
    copy = solutions.copy_weights(made(2, classifier), classifiers[1])
    gallery = Gallery(copy, classifiers[1])
    assert "see the same in 10 of 10 pictures" in gallery.twin.alt
    assert gallery.picture.alt.startswith("golden_retriever.jpg. Both see: ")


def test_networks_that_differ_are_told_apart(gallery):
    mine, reference = (prediction.best for prediction in gallery.predictions["gibbon.jpg"])
    gallery.controls["picture"].value = "gibbon.jpg"
    names = gallery.names
    assert f"Mine sees: {names[mine]}; the reference: {names[reference]}." in gallery.picture.alt
    assert "in 0 of 10" in gallery.twin.alt


def test_the_probabilities_are_those_of_the_networks(classifiers, gallery):
    (koala,) = load_images(filenames=["koala.jpg"])
    for network, prediction in zip(classifiers, gallery.predictions["koala.jpg"], strict=True):
        with torch.inference_mode():
            expected = network.eval()(prepare_images([koala])).softmax(dim=1)[0]
        torch.testing.assert_close(prediction.probabilities, expected)
        assert prediction.best == expected.argmax()


def test_the_gallery_leaves_no_hook(classifiers, gallery):
    upload(gallery.upload, "mine.png", picture_file())
    assert [n_hooks(network) for network in classifiers] == [0, 0]


def test_the_figures_name_the_weights(gallery):
    for picture in (gallery.picture, gallery.twin):
        assert "Weights of the reference: made up for a test" in picture.alt


def test_choosing_a_picture_changes_what_is_shown_and_choosing_back_restores_it(gallery):
    shown = {}
    for name in ("koala.jpg", "goofy.jpg", "koala.jpg"):
        gallery.controls["picture"].value = name
        assert shown.setdefault(name, gallery.picture.content) == gallery.picture.content
    assert shown["koala.jpg"] != shown["goofy.jpg"]


def test_the_static_twin_stays(gallery):
    before = gallery._repr_mimebundle_()[0]["image/jpeg"]
    for name in ("goofy.jpg", "koala.jpg"):
        gallery.controls["picture"].value = name
        assert gallery._repr_mimebundle_()[0]["image/jpeg"] == before


def test_an_uploaded_picture_is_shown_and_can_be_chosen_again(classifiers):
    gallery = Gallery(*classifiers)
    upload(gallery.upload, "koala.jpg", picture_file())
    assert gallery.controls["picture"].value == "koala.jpg (yours)"
    assert gallery.picture.alt.startswith("koala.jpg (yours). ")
    shown = gallery.picture.content
    gallery.controls["picture"].value = "koala.jpg"
    assert gallery.picture.content != shown
    gallery.controls["picture"].value = "koala.jpg (yours)"
    assert gallery.picture.content == shown
    assert gallery.controls["picture"].options == (*IMAGE_FILENAMES, "koala.jpg (yours)")


def test_a_second_upload_of_the_same_name_replaces_the_first(gallery):
    upload(gallery.upload, "mine.png", picture_file((40, 30)))
    first = gallery.picture.content
    buffer = io.BytesIO()
    load_images(filenames=["koala.jpg"])[0].save(buffer, "PNG")
    upload(gallery.upload, "mine.png", buffer.getvalue())
    assert gallery.picture.content != first
    assert gallery.controls["picture"].options.count("mine.png (yours)") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"no picture", "is not a picture"),
        (picture_file((400, 300))[:500], "is broken"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is in a format that cannot be read here: save it"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
    ],
)
def test_a_bad_upload_gets_one_sentence_and_changes_nothing(gallery, content, reason):
    before = gallery.picture.content
    upload(gallery.upload, "<b>.png", content)
    assert gallery.message.value.startswith(f"&lt;b&gt;.png {reason}")
    assert gallery.message.value.endswith("Choose another picture.")
    assert "tmp" not in gallery.message.value
    assert gallery.picture.content == before
    upload(gallery.upload, "good.png", picture_file())
    assert gallery.message.value == ""


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>.png", "$\\frac$ $x.png", "a\nb.png"]
)
def test_the_name_of_an_uploaded_file_is_text(gallery, name):
    upload(gallery.upload, name, picture_file())
    chosen = gallery.controls["picture"].value
    assert chosen in (f"{name} (yours)", f"{name!a} (yours)")
    assert chosen.isprintable()
    assert gallery.picture.alt.startswith(f"{chosen}. ")
    assert "<img src=x" not in gallery.view.value
    upload(gallery.upload, name, b"no picture")
    assert "<img" not in gallery.message.value


def test_a_large_upload_is_reduced(gallery):
    upload(gallery.upload, "large.png", picture_file((4000, 3000)))
    assert gallery.images["large.png (yours)"].size == (224, 224)


def test_classes_of_the_same_name_are_told_apart(gallery):
    assert gallery.names[134] == "crane (134)"
    assert gallery.names[517] == "crane (517)"
    assert gallery.names[207] == "golden retriever"
    assert len(set(gallery.names)) == 1000


@pytest.mark.parametrize("name", ["your instructor's weights (a $x$ b-12345678.pth)", "$\\frac$"])
def test_the_name_of_weights_is_text(classifiers, name):
    mine, reference = classifiers
    named = copy.copy(reference)
    named.weights_name = name
    gallery = Gallery(mine, named)
    for picture in (gallery.picture, gallery.twin):
        assert f"Weights of the reference: {name}" in picture.alt
    assert f"Weights: {name}." in first_layer_filters(named).alt


def test_uploads_of_ipywidgets_7_are_read_as_those_of_8():
    old = {"a.png": {"metadata": {"name": "a.png"}, "content": b"content"}}
    assert newest_file(old) == newest_file(uploaded("a.png", b"content")) == ("a.png", b"content")


def test_no_text_is_cut_off_at_the_edge(gallery):
    gallery.controls["picture"].value = IMAGE_FILENAMES[0]
    assert has_white_edges(gallery.picture)
    assert has_white_edges(gallery.twin)


def pixels_of(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.content)).convert("L")).astype(int)


def test_the_weights_are_named_right_below_the_title(classifiers, gallery):
    reference = made(1, classifier)
    reference.weights_name = "other ones"
    other = Gallery(classifiers[0], reference)
    gallery.controls["picture"].value = other.controls["picture"].value
    for shown in ("picture", "twin"):
        before, after = (pixels_of(getattr(each, shown)) for each in (gallery, other))
        (rows,) = np.nonzero(abs(before - after).max(axis=1) > 100)
        assert rows.size
        assert rows.max() < 0.15 * len(before)


def test_the_gallery_is_no_higher_than_a_projected_page_shows(gallery, view):
    for widget in (gallery, view):
        for name in ("koala.jpg", "goofy.jpg"):
            widget.controls["picture"].value = name
            assert widget.picture.height <= 440  # its controls stand above it
        assert widget.twin.height <= 490


MODELS = {
    "None": (lambda: None, "model is of type NoneType"),
    "a class": (lambda: solutions.ResNet34, "model is a class, ResNet34: make a model of it first"),
    "a linear layer": (lambda: nn.Linear(3, 3), "Linear fails on a batch of pictures of shape"),
    "grey pictures": (lambda: nn.Conv2d(1, 3, 3), "Conv2d fails on a batch of pictures of shape"),
    "meta": (lambda: classifier().to("meta"), "on the meta device"),
    "lazy": (lambda: nn.Sequential(nn.LazyConv2d(3, 3)), "`0.weight` has no weights yet"),
    "scripted": (lambda: torch.jit.script(nn.Conv2d(3, 3, 3)), "is scripted"),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("name", MODELS)
def test_what_no_figure_can_show_is_refused_in_one_sentence(name, classifiers):
    make, words = MODELS[name]
    for draw in (
        viewer,
        lambda m: Gallery(m, classifiers[1]),
        lambda m: Gallery(classifiers[0], m),
    ):
        with pytest.raises(ValueError, match=re.escape(words)) as raised:
            draw(make())
        (line,) = raised.value._render_traceback_()
        assert "\n" not in line


@pytest.mark.parametrize("name", ["None", "a class", "meta", "lazy", "scripted"])
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_filters_that_are_none_are_refused_in_one_sentence(name):
    make, words = MODELS[name]
    with pytest.raises(ValueError, match=re.escape(words)):
        first_layer_filters(make())


def test_a_gallery_needs_imagenets_classes(classifiers):
    ten = nn.Sequential(*list(made(0, classifier))[:3], layers.Linear(8, 10))
    with pytest.raises(ValueError, match="Sequential has 10 classes"):
        Gallery(ten, classifiers[1])


EVIL = "<img src=x onerror=alert(1)> $\\frac{$"


class Elements(HTMLParser):
    """The names and attributes of all elements in a page."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_names_of_modules_and_weights_are_text_in_every_widget(classifiers):
    model = nn.Sequential(*made(0, small_resnet).children())
    model._modules = {f"{EVIL}{name}": module for name, module in model._modules.items()}
    view = viewer(model, EVIL)
    reference = made(1, classifier)
    reference.weights_name = EVIL
    gallery = Gallery(classifiers[0], reference)
    upload(gallery.upload, f"{EVIL}.png", picture_file())
    assert f"{EVIL}.png (yours)" in gallery.controls["picture"].options
    assert EVIL in view.picture.alt
    assert view.controls["layer"].options[0][1].startswith(EVIL)
    for widget in (view, gallery):
        ((tag, attributes),) = Elements(widget.view.value).found
        assert tag == "img"
        assert attributes["alt"] == widget.picture.alt
        assert "onerror" not in attributes
    upload(gallery.upload, f"{EVIL}.png", b"no picture")
    assert not Elements(gallery.message.value).found


# --- The grid ---


def pictures(n: int) -> dict[str, Image.Image]:
    return dict(zip(IMAGE_FILENAMES[:n], load_images()[:n], strict=True))


def grid_of(n: int, mine=207, reference=207, difference=0.0, weights_name="not named") -> Photo:
    mine = torch.full((n,), 0.5), torch.full((n,), mine)
    reference = torch.full((n,), 0.5 + difference), torch.full((n,), reference)
    return compare_predictions(pictures(n), mine, reference, weights_name)


def test_a_grid_says_what_both_networks_see_and_how_alike():
    alt = grid_of(10, weights_name="made up").alt
    assert alt.startswith("Mine and the reference see the same in 10 of 10 pictures.")
    assert "koala.jpg. Both see: golden retriever." in alt
    assert alt.endswith(
        "The probabilities agree to within 0.0005. Weights of the reference: made up."
    )
    assert "differ by at most 1.0%" in grid_of(10, difference=0.01).alt
    differing = grid_of(2, reference=105).alt
    assert "in 0 of 2 pictures" in differing
    assert "Mine sees: golden retriever; the reference: koala" in differing


@pytest.mark.parametrize("n", [1, 5, 6, 10])
def test_a_grid_fits_a_screen_and_shows_differences(n):
    grid = grid_of(n)
    assert grid.height <= 500
    assert has_white_edges(grid)
    assert has_white_edges(grid_of(n, mine=113, reference=986))  # with long names
    assert grid.content != grid_of(n, reference=105).content


def test_a_grid_takes_what_predict_returns(classifiers, gallery):
    images = load_images()
    predicted = [solutions.predict(network, prepare_images(images)) for network in classifiers]
    grid = compare_predictions(dict(zip(IMAGE_FILENAMES, images, strict=True)), *predicted)
    assert grid.alt == gallery.twin.alt.replace("made up for a test", "not named")


@pytest.mark.parametrize(
    ("n", "mine", "words"),
    [
        (0, (torch.ones(0), torch.ones(0).long()), "room for 10 pictures, not for 0"),
        (3, (torch.ones(2), torch.ones(2).long()), "There are 3 pictures"),
        (3, (torch.ones(3), torch.ones(3)), "Classes are whole numbers from 0 to 999"),
        (3, (torch.ones(3), torch.full((3,), 1000)), "Classes are whole numbers from 0 to 999"),
    ],
)
def test_a_grid_of_what_does_not_fit_together_is_refused(n, mine, words):
    with pytest.raises(ValueError, match=words):
        compare_predictions(pictures(n), mine, (torch.ones(n), torch.ones(n).long()))


def test_a_grid_of_more_than_ten_is_refused():
    images = dict.fromkeys("abcdefghijk", load_images()[0])
    values = torch.ones(11), torch.ones(11).long()
    with pytest.raises(ValueError, match="room for 10 pictures, not for 11"):
        compare_predictions(images, values, values)


# --- Feature maps ---


def test_recorded_outputs_are_what_the_layers_put_out_and_the_hooks_go():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True), nn.Linear(3, 1))
    x = torch.tensor([[1.0, -2.0]])
    with recorded_outputs(model, ["0", "1"]) as outputs:
        assert n_hooks(model) == 2
        model(x)
    assert n_hooks(model) == 0
    torch.testing.assert_close(outputs["0"], model[0](x))  # not what the ReLU made of it in place
    torch.testing.assert_close(outputs["1"], model[0](x).relu())


def test_hooks_go_even_when_the_forward_fails(resnet):
    with pytest.raises(ValueError, match="ResNet34 fails on a batch of pictures of shape"):
        feature_maps.feature_maps(resnet, torch.zeros(1, 4, 224, 224))
    assert n_hooks(resnet) == 0


def test_each_module_is_left_in_the_mode_it_was_in():
    model = small_resnet().train()
    model.in_layers.eval()
    before = {name: module.training for name, module in model.named_modules()}
    entries = {name: entry.clone() for name, entry in model.state_dict().items()}
    feature_maps.feature_maps(model, torch.zeros(1, 3, 224, 224))
    assert before == {name: module.training for name, module in model.named_modules()}
    assert all(torch.equal(entry, entries[name]) for name, entry in model.state_dict().items())


@pytest.mark.parametrize(
    "make", [solutions.ResNet34, solutions.named_resnet34, resnet34], ids=lambda make: make.__name__
)
def test_mine_and_torchvisions_have_the_same_twenty_layers_to_view(make):
    maps = feature_maps.feature_maps(make(), torch.zeros(1, 3, 64, 64))
    shapes = [tuple(feature_map.shape) for feature_map in maps.values()]
    stem = [(64, 32, 32)] * 3 + [(64, 16, 16)]
    blocks = [(64, 16, 16)] * 3 + [(128, 8, 8)] * 4 + [(256, 4, 4)] * 6 + [(512, 2, 2)] * 3
    assert shapes == stem + blocks


def test_the_viewer_says_what_the_channel_does(view, resnet):
    (image,) = load_images(filenames=["koala.jpg"])
    maps = feature_maps.feature_maps(resnet, prepare_images([image]))
    layer = list(maps)[2]
    for name, value in {"picture": "koala.jpg", "layer": layer, "channel": 5}.items():
        view.controls[name].value = value
    active = (maps[layer][5] > 0).float().mean()
    assert (
        f"layer {layer}, channel 5 of 64: not zero at {active:.0%} of its 112" in view.picture.alt
    )
    assert "Weights: made up for a test." in view.picture.alt


def test_every_control_changes_the_picture(view):
    shown = [view.picture.content]
    last_layer = view.controls["layer"].options[-1][1]
    for name, value in [("channel", 7), ("picture", "gibbon.jpg"), ("layer", last_layer)]:
        view.controls[name].value = value
        shown.append(view.picture.content)
    assert len(set(shown)) == len(shown)


def test_the_channels_end_where_the_layers_do(view):
    view.controls["channel"].value = 63
    view.controls["layer"].value = view.controls["layer"].options[-1][1]  # 16 channels
    assert view.controls["channel"].max == 15
    assert "channel 15 of 16" in view.picture.alt


def test_no_text_of_the_viewer_is_cut_off_at_the_edge(view):
    assert has_white_edges(view.picture)


def test_a_compiled_network_is_looked_at_as_it_was_written():
    compiled = torch.compile(made(0, classifier), backend=lambda *_: pytest.fail("it was compiled"))
    assert "channel" in viewer(compiled).picture.alt
    assert "in 10 of 10" in Gallery(compiled, made(0, classifier)).twin.alt


def test_the_viewer_leaves_no_hook(view, resnet):
    view.controls["picture"].value = "koala.jpg"
    assert n_hooks(resnet) == 0


def test_a_network_without_feature_maps_is_refused():
    with pytest.raises(ValueError, match="no layer of Sequential puts out rows and columns"):
        viewer(nn.Sequential(nn.Flatten(), nn.Linear(3 * 224 * 224, 2)))


# --- First-layer filters ---


def test_random_filters_are_called_noise(resnet):
    alt = first_layer_filters(resnet).alt
    assert alt.startswith("Neighbouring weights have nothing in common: noise")
    assert alt.endswith("Weights: made up for a test.")
    assert abs(float(re.search(r"correlation of neighbouring weights (-?[\d.]+\d)", alt)[1])) < 0.05


def test_filters_with_edges_are_called_patterns():
    conv = nn.Conv2d(3, 64, 7)
    with torch.no_grad():
        conv.weight.copy_(torch.linspace(-1, 1, 7).expand(64, 3, 7, 7))
    alt = first_layer_filters(nn.Sequential(conv), "made up").alt
    assert alt.startswith("Neighbouring weights are alike")
    assert alt.endswith("Weights: made up.")


def test_tiles_are_grey_at_zero_and_as_bright_as_the_strongest_weight():
    kernels = torch.zeros(17, 3, 2, 2)
    kernels[0, 0, 0, 1] = 4.0  # red at the top right of the first filter
    kernels[16, :, 1, 0] = -2.0  # black at the bottom left of the first in the second row
    picture = feature_maps.tiles(kernels)
    assert picture.shape == (2 * 3, 16 * 3, 3)
    assert picture[0, 1].tolist() == [1.0, 0.5, 0.5]
    assert picture[4, 0].tolist() == [0.0, 0.0, 0.0]
    assert picture[0, 0].tolist() == [0.5, 0.5, 0.5]
    assert picture[2].eq(1).all()  # the gap


def test_many_filters_are_smaller_and_no_higher_than_a_page_shows():
    for n_filters in (1, 64, 97, 512):
        picture = first_layer_filters(made(0, lambda n=n_filters: nn.Conv2d(3, n, 3)))
        assert picture.height <= 500
        assert has_white_edges(picture)


@pytest.mark.parametrize("model", [nn.Linear(2, 2), nn.Conv2d(1, 8, 3)], ids=["linear", "grey"])
def test_filters_without_colours_are_refused(model):
    with pytest.raises(ValueError, match="does not take 3 channels"):
        first_layer_filters(model)
