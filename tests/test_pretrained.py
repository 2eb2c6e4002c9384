"""The pretrained network: the real path, with a stand-in for the network, and the stand-in."""

import hashlib
import urllib.error

import pytest
import torch
from torchvision.models import resnet34

from resnet_helpers import pretrained
from resnet_helpers.images import IMAGE_FILENAMES, load_images, prepare_images
from resnet_helpers.pretrained import CLASS_OF, STAND_IN, WeightsError, load_pretrained_resnet34
from resnet_helpers.solutions import ResNet34, copy_weights, predict


@pytest.fixture(scope="module")
def stand_in():
    return pretrained.offline_stand_in()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torchvision's, used online."""
    monkeypatch.delenv("RESNET_HELPERS_OFFLINE", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path


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


def test_offline_it_says_what_it_is(monkeypatch, capsys):
    monkeypatch.setenv("RESNET_HELPERS_OFFLINE", "1")
    model = load_pretrained_resnet34()
    assert model.weights_name == STAND_IN
    assert not model.training
    assert STAND_IN in capsys.readouterr().out


@pytest.mark.parametrize(
    "error", [urllib.error.URLError("no route"), TimeoutError("timed out"), ConnectionResetError()]
)
def test_without_a_network_the_stand_in_is_used_and_named(hub, monkeypatch, capsys, error):
    def no_network(*args, **kwargs):
        raise error

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    assert load_pretrained_resnet34().weights_name == STAND_IN
    out = capsys.readouterr().out
    assert "could not be downloaded" in out
    assert STAND_IN in out


def test_a_damaged_download_is_said(hub, monkeypatch):
    def damaged(*args, **kwargs):
        raise RuntimeError('invalid hash value (expected "b627a593", got "00")')

    monkeypatch.setattr(torch.hub, "download_url_to_file", damaged)
    with pytest.raises(WeightsError, match="arrived damaged"):
        load_pretrained_resnet34()


def test_a_half_downloaded_file_is_named(hub):
    file = hub / "checkpoints" / "resnet34-b627a593.pth"
    file.write_bytes(b"half")
    with pytest.raises(WeightsError) as raised:
        load_pretrained_resnet34()
    assert f"Delete {file} and run this again." in str(raised.value)
    assert file.exists()


def test_downloaded_weights_are_loaded(hub, monkeypatch, capsys):
    weights = resnet34(weights=None).state_dict()

    def download(url, destination, hash_prefix, progress):
        assert (hash_prefix, progress) == ("b627a593", True)
        torch.save(weights, destination)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    model = load_pretrained_resnet34()
    assert model.weights_name == "torchvision IMAGENET1K_V1"
    assert not model.training
    assert torch.equal(model.conv1.weight, weights["conv1.weight"])
    assert "stand-in" not in capsys.readouterr().out


def test_a_file_is_judged_by_the_hash_in_its_name(tmp_path):
    file = tmp_path / f"x-{hashlib.sha256(b'whole').hexdigest()[:8]}.pth"
    file.write_bytes(b"whole")
    pretrained.check_cached_file(file)
    file.write_bytes(b"whol")
    with pytest.raises(WeightsError, match="is damaged"):
        pretrained.check_cached_file(file)
