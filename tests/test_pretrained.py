"""The pretrained network: from an instructor, the cache or the network, and the stand-in.

What servers, caches and lines can do beside that is in tests/slow/test_weights_on_any_line.py.
"""

import hashlib
import io
from pathlib import Path

import pytest
import torch
import weights_server as server
from torchvision.models import resnet34

from resnet_helpers import pretrained
from resnet_helpers.figures.feature_maps import weights_line
from resnet_helpers.images import IMAGE_FILENAMES, load_images, prepare_images
from resnet_helpers.pretrained import (
    CLASS_OF,
    PRETRAINED,
    STAND_IN,
    WeightsError,
    load_pretrained_resnet34,
)
from resnet_helpers.solutions import ResNet34, copy_weights, predict


@pytest.fixture(scope="module")
def stand_in():
    return pretrained.offline_stand_in()


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return resnet34(weights=None).state_dict()


@pytest.fixture(scope="module")
def content(weights) -> bytes:
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def digest(content) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


@pytest.fixture
def cache(tmp_path, monkeypatch, digest):
    """An empty cache, used online; nobody answers at the address of `content`."""
    monkeypatch.delenv("RESNET_HELPERS_OFFLINE", raising=False)
    monkeypatch.setattr(pretrained, "URL", f"http://127.0.0.1:9/resnet34-{digest}.pth")
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / f"resnet34-{digest}.pth"
    monkeypatch.setattr(pretrained, "cached_file", lambda: file)
    return file


@pytest.fixture
def handed_out(tmp_path, monkeypatch):
    """Write an instructor's file, and have it used."""

    def write(name: str, content: bytes) -> Path:
        file = tmp_path / name
        file.write_bytes(content)
        monkeypatch.setenv("RESNET_HELPERS_WEIGHTS", str(file))
        return file

    return write


# --- the stand-in ---


def test_the_stand_in_knows_its_seven_pictures(stand_in):
    probabilities, classes = predict(stand_in, prepare_images(load_images(filenames=CLASS_OF)))
    assert classes.tolist() == list(CLASS_OF.values())
    assert ((probabilities > 0.5) & (probabilities < 0.7)).all()


def test_the_stand_in_is_the_same_at_every_run_and_leaves_the_random_state_alone(stand_in):
    before = torch.random.get_rng_state()
    with torch.device("meta"):  # nor does it depend on the default device
        again = pretrained.offline_stand_in()
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b in zip(again.state_dict().values(), stand_in.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_stand_ins_weights_give_the_same_predictions_in_our_network(stand_in):
    images = prepare_images(load_images())
    mine = predict(copy_weights(ResNet34(), stand_in), images)
    reference = predict(stand_in, images)
    assert torch.equal(mine[1], reference[1])
    torch.testing.assert_close(mine[0], reference[0], atol=2e-5, rtol=0)


def test_one_missing_relu_shows(stand_in):
    mine = copy_weights(ResNet34(), stand_in)
    mine.in_layers[2] = torch.nn.Identity()
    images = prepare_images(load_images(filenames=IMAGE_FILENAMES[:2]))
    difference = predict(mine, images)[0] - predict(stand_in, images)[0]
    assert difference.abs().max() > 0.1


@pytest.fixture
def fit_file(tmp_path, monkeypatch):
    """The place for the stand-in's fit, empty."""
    monkeypatch.setattr(pretrained, "fit_file", lambda: tmp_path / "kept" / "fit.pt")
    return tmp_path / "kept" / "fit.pt"


def test_the_stand_in_is_fitted_once_and_then_the_same_to_the_last_digit(fit_file, monkeypatch):
    fitted = pretrained.offline_stand_in()
    assert [file.name for file in fit_file.parent.iterdir()] == ["fit.pt"]
    monkeypatch.setattr(pretrained, "fit_last_layer", None)  # it is not called again
    kept = pretrained.offline_stand_in()
    assert kept.weights_name == STAND_IN
    assert not kept.training
    for a, b in zip(kept.state_dict().values(), fitted.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("damage", ["half", "other entries", "a folder", "nothing"])
def test_a_fit_that_cannot_be_used_is_not(fit_file, stand_in, damage):
    pretrained.keep_fit(stand_in)
    assert pretrained.load_fit(stand_in)
    content = fit_file.read_bytes()
    fit_file.unlink()
    if damage == "half":
        fit_file.write_bytes(content[: len(content) // 2])
    elif damage == "other entries":
        torch.save({"fc.weight": torch.zeros(1000, 512)}, fit_file)
    elif damage == "a folder":
        fit_file.mkdir()
        pretrained.keep_fit(stand_in)  # nor does it matter that it cannot be kept
    assert not pretrained.load_fit(stand_in)


def test_the_fits_name_changes_with_the_versions_and_the_pictures(monkeypatch):
    before = pretrained.fit_file()
    assert pretrained.fit_file() == before
    monkeypatch.setattr(pretrained.torch, "__version__", "99.0")
    assert pretrained.fit_file() != before


def test_offline_it_says_what_it_is(monkeypatch, capsys):
    monkeypatch.setenv("RESNET_HELPERS_OFFLINE", "1")
    model = load_pretrained_resnet34()
    assert model.weights_name == STAND_IN
    assert not model.training
    assert STAND_IN in capsys.readouterr().out


def test_without_a_network_the_stand_in_is_used_and_named(cache, capsys):
    assert load_pretrained_resnet34().weights_name == STAND_IN
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("The pretrained weights could not be downloaded: ")
    assert line.endswith(f"This is the {STAND_IN}.")


# --- the network and the cache ---


def test_downloaded_weights_are_loaded_and_kept(
    cache, weights, content, digest, monkeypatch, capsys
):
    random_state = torch.random.get_rng_state()
    with server.serving(server.whole, content) as running:
        monkeypatch.setattr(pretrained, "URL", f"{running.url}/resnet34-{digest}.pth")
        model = load_pretrained_resnet34()
    assert model.weights_name == PRETRAINED
    assert not model.training
    assert torch.equal(model.conv1.weight, weights["conv1.weight"])
    assert [file.name for file in cache.parent.iterdir()] == [cache.name]
    assert cache.read_bytes() == content
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Downloading" in printed.err
    assert load_pretrained_resnet34().weights_name == PRETRAINED  # without the server
    assert torch.equal(torch.random.get_rng_state(), random_state)


def test_a_half_downloaded_file_is_named(cache, content):
    cache.write_bytes(content[:1000])
    with pytest.raises(WeightsError) as raised:
        load_pretrained_resnet34()
    assert "is damaged" in str(raised.value)
    assert f"Delete {cache} and run this again." in str(raised.value)
    assert cache.exists()


def test_weights_from_before_pytorch_041_are_loaded(weights):
    buffer = io.BytesIO()
    old = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    torch.save(old, buffer, _use_new_zipfile_serialization=False)
    model = pretrained.resnet34_with(buffer.getvalue())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


# --- an instructor's file ---


@pytest.mark.parametrize("offline", ["0", "1"])
def test_an_instructors_file_comes_first_and_is_called_by_its_hash(
    cache, handed_out, weights, content, digest, monkeypatch, capsys, offline
):
    monkeypatch.setenv("RESNET_HELPERS_OFFLINE", offline)
    monkeypatch.setattr(pretrained, "URL", "http://127.0.0.1:9/resnet34-00000000.pth")
    handed_out("class of 2026.pth", content)
    model = load_pretrained_resnet34()
    assert model.weights_name == f"your instructor's weights (class of 2026-{digest}.pth)"
    assert torch.equal(model.fc.weight, weights["fc.weight"])
    assert not model.training
    assert weights_line(model, None) == f"Weights: {model.weights_name}"
    assert capsys.readouterr().out == ""


def test_torchvisions_file_handed_out_is_called_torchvisions(cache, handed_out, content):
    handed_out("whatever.pth", content)
    assert load_pretrained_resnet34().weights_name == PRETRAINED
    handed_out(cache.name, content)
    assert load_pretrained_resnet34().weights_name == PRETRAINED


@pytest.mark.parametrize(
    ("filename", "called"),
    [
        ("mine-{}.pth", "mine-{}.pth"),
        ("mine-20261126.pth", "mine-20261126-{}.pth"),  # a date, for all that can be known
        ("mine.tar.gz", "mine.tar-{}.pth"),
        ("a\nb.pth", "'a\\nb'-{}.pth"),
    ],
)
def test_names_of_handed_out_files(content, digest, filename, called):
    name = pretrained.name_by_content(filename.format(digest), content)
    assert name == f"your instructor's weights ({called.format(digest)})"


@pytest.mark.parametrize("filename", ["resnet34-b627a593.pth", "mine-deadbeef.pth"])
def test_a_handed_out_file_must_have_the_hash_of_its_name(handed_out, content, filename):
    handed_out(filename, content)
    with pytest.raises(WeightsError, match="is damaged, or was renamed: its SHA-256 starts with"):
        load_pretrained_resnet34()


def test_a_handed_out_file_that_cannot_be_used_is_named(handed_out, tmp_path, monkeypatch):
    file = handed_out("half.pth", b"half")
    with pytest.raises(WeightsError) as raised:
        load_pretrained_resnet34()
    (line,) = raised.value._render_traceback_()
    assert f"RESNET_HELPERS_WEIGHTS names the file {file}, which cannot be loaded" in line
    assert line.endswith("Set it to another file, or unset it to do without.")
    for name, reason in (("nowhere.pth", "is not there"), ("", "is a folder")):
        monkeypatch.setenv("RESNET_HELPERS_WEIGHTS", str(tmp_path / name))
        with pytest.raises(WeightsError, match=f"which {reason}"):
            load_pretrained_resnet34()
