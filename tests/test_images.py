"""Pictures and labels: good ones are made ready, and every bad one is named."""

import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_helpers import images
from resnet_helpers.images import (
    IMAGE_FILENAMES,
    LabelsError,
    PictureError,
    list_pictures,
    load_classes,
    load_images,
    load_labels,
    prepare_images,
)


@pytest.fixture
def photo() -> Image.Image:
    """64 wide, 48 high, red on the left and blue on the right."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32, 0] = pixels[:, 32:, 2] = 255
    return Image.fromarray(pixels)


def test_the_courses_pictures():
    assert len(IMAGE_FILENAMES) == 10
    pictures = load_images()
    assert [picture.mode for picture in pictures] == ["RGB"] * 10
    assert all(256 <= max(picture.size) <= 512 for picture in pictures)
    batch = prepare_images(pictures)
    assert batch.shape == (10, 3, 224, 224)
    assert batch.dtype == torch.float32


def test_every_course_picture_is_credited():
    credits = (images.DATA / "resnet_inputs" / "CREDITS.md").read_text(encoding="utf-8")
    on_disk = {file.name for file in (images.DATA / "resnet_inputs").glob("*.jpg")}
    assert on_disk == set(IMAGE_FILENAMES)
    assert all(f"`{name}`" in credits for name in IMAGE_FILENAMES)


def test_the_transform_scales_resizes_and_normalises(photo):
    (tensor,) = prepare_images([photo])
    red, blue = tensor[:, 100, 10], tensor[:, 100, 200]
    torch.testing.assert_close(red, torch.tensor([0.515, -0.456, -0.406]) / images_std())
    torch.testing.assert_close(blue, torch.tensor([-0.485, -0.456, 0.594]) / images_std())


def images_std():
    return torch.tensor([0.229, 0.224, 0.225])


def test_a_folder_of_ones_own(photo, tmp_path):
    photo.save(tmp_path / "b.PNG")
    photo.rotate(90, expand=True).save(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    assert [picture.size for picture in load_images(tmp_path)] == [(48, 64), (64, 48)]
    assert len(load_images(str(tmp_path), ["a.jpg"])) == 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA", "I;16"])
def test_other_modes_become_rgb(photo, tmp_path, mode):
    if mode == "I;16":
        saved = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    else:
        saved = photo.convert(mode)
    name = "x.tif" if mode == "CMYK" else "x.png"
    saved.save(tmp_path / name)
    (picture,) = load_images(tmp_path)
    assert picture.mode == "RGB"
    left, right = np.asarray(picture)[10, 5].astype(int), np.asarray(picture)[10, 60].astype(int)
    in_colour = mode in ("P", "CMYK", "RGBA")
    expected = ([255, 0, 0], [0, 0, 255]) if in_colour else ([76] * 3, [29] * 3)
    if mode == "1":
        return  # dithered: black and white points
    assert abs(left - expected[0]).max() <= 2
    assert abs(right - expected[1]).max() <= 2


def test_what_is_transparent_becomes_white(photo, tmp_path):
    photo.putalpha(Image.new("L", photo.size, 0))
    photo.save(tmp_path / "x.png")
    assert np.asarray(load_images(tmp_path)[0]).min() == 255


def test_exif_rotation_is_applied(photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    photo.save(tmp_path / "x.jpg", exif=exif)
    (picture,) = load_images(tmp_path)
    assert picture.size == (48, 64)
    assert np.asarray(picture)[5, 20, 0] > 200  # what was left is now on top


def test_every_bad_picture_is_named_with_its_reason(photo, tmp_path):
    photo.save(tmp_path / "good.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("I am no picture.", encoding="utf-8")
    (tmp_path / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    stream = BytesIO()
    Image.effect_noise((300, 300), 80).save(stream, "JPEG")
    (tmp_path / "truncated.jpg").write_bytes(stream.getvalue()[:5000])
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    Image.new("1", (12_000, 10_000)).save(tmp_path / "huge.png")
    names = ["good.jpg", "missing.jpg", "empty.jpg", "text.jpg", "truncated.jpg", "bomb.png"]
    with pytest.raises(PictureError) as raised:
        load_images(tmp_path, [*names, "huge.png", "phone.HEIC"])
    message = str(raised.value)
    assert message.startswith("7 of 8 pictures in ")
    for complaint in (
        "missing.jpg is not there",
        "empty.jpg is empty (0 bytes)",
        "text.jpg is not a picture that can be read here (JPEG, PNG",
        "truncated.jpg is broken (image file is truncated",
        "bomb.png is too large",
        "huge.png is too large (12000 x 10000 pixels)",
        "phone.HEIC is in a format that cannot be read here: save it as JPEG",
    ):
        assert complaint in message
    assert "good.jpg" not in message


def test_one_bad_picture_is_one_sentence_and_no_stack(tmp_path):
    with pytest.raises(PictureError) as raised:
        load_images(tmp_path, ["cat.jpg"])
    (line,) = raised.value._render_traceback_()
    assert line.startswith("PictureError: 1 of 1 pictures in ")
    assert line.endswith("cat.jpg is not there. Replace it, or leave it out.")


def test_a_folder_that_is_not_there_or_holds_no_picture(tmp_path):
    with pytest.raises(PictureError, match="There is no folder"):
        load_images(tmp_path / "nowhere")
    with pytest.raises(PictureError, match="There is no picture in"):
        load_images(tmp_path)


def test_no_pictures_cannot_be_stacked():
    with pytest.raises(PictureError, match="the list is empty"):
        prepare_images([])


def test_labels():
    labels = load_labels()
    assert len(labels) == 1000
    assert labels[0] == "tench, Tinca tinca"
    assert labels[207] == "golden retriever"
    assert labels[367] == "chimpanzee, chimp, Pan troglodytes"
    assert labels[999].startswith("toilet tissue")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is not there"),
        ("", "is not valid JSON"),
        ('{"0": "tench"}', "has 1 entries"),
        (json.dumps(["tench"] * 1000), "has 1000 entries that are not numbered 0 to 999"),
        (json.dumps({str(i): "x" for i in range(1, 1001)}), "has 1000 entries that are not"),
    ],
)
def test_a_bad_labels_file_is_refused(tmp_path, content, complaint):
    file = tmp_path / "labels.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(LabelsError, match=complaint):
        load_labels(file)


# --- arguments ---


def test_one_name_or_one_file_stands_for_a_list_of_one(photo, tmp_path):
    photo.save(tmp_path / "a.png")
    for arguments in (
        (tmp_path, "a.png"),
        (tmp_path, Path("a.png")),
        (tmp_path / "a.png",),
        (str(tmp_path / "a.png"),),
        (None, tmp_path / "a.png"),
        (tmp_path, (name for name in ["a.png"])),
    ):
        (picture,) = load_images(*arguments)
        assert picture.size == photo.size
    assert torch.equal(prepare_images(photo), prepare_images([photo]))


def test_the_home_folder_may_be_written_as_a_tilde(photo, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows
    photo.save(tmp_path / "a.png")
    assert len(load_images("~")) == len(load_images("~/a.png")) == 1
    assert len(load_images(filenames=["~/a.png"])) == 1
    with pytest.raises(PictureError, match="There is no folder ~nobody-of-that-name"):
        load_images("~nobody-of-that-name")


@pytest.mark.parametrize("folder", [3, ["a.jpg"], b"photos", {}, np.zeros(3)])
def test_a_folder_is_text(folder):
    with pytest.raises(PictureError, match="A folder or the name of a picture is text"):
        load_images(folder)


@pytest.mark.parametrize("find", [load_images, list_pictures])
def test_an_empty_text_is_not_the_current_folder(find):
    with pytest.raises(PictureError, match=r"The folder has no name: '\.' is"):
        find("")


@pytest.mark.parametrize("filenames", [3, [None], [3], [["a.jpg"]]])
def test_a_name_is_text(tmp_path, filenames):
    with pytest.raises(PictureError, match="A folder or the name of a picture is text"):
        load_images(tmp_path, filenames)


@pytest.mark.parametrize("images", ["a.jpg", ["a.jpg"], 3, None, np.zeros((3, 4)), {"a": 1}])
def test_what_is_no_picture_cannot_be_prepared(images):
    with pytest.raises(PictureError, match="Picture 1 to prepare is of type"):
        prepare_images(images)


def test_a_broken_picture_to_prepare_is_counted(photo, tmp_path):
    photo.save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(PictureError, match=r"^Picture 2 to prepare is broken"):
        prepare_images([photo, Image.open(tmp_path / "a.png")])
    with pytest.raises(PictureError, match=r"^Picture 1 to prepare "):
        prepare_images([Image.new("RGB", (0, 0))])


def test_whatever_the_default_device_pictures_are_on_the_cpu(photo):
    with torch.device("meta"):
        assert prepare_images([photo]).device.type == "cpu"


# --- folders ---


def test_what_macos_leaves_and_folders_are_passed_over(photo, tmp_path):
    photo.save(tmp_path / "a.jpg")
    (tmp_path / "._a.jpg").write_bytes(b"\0\5\x16\7")
    (tmp_path / "b.jpg").mkdir()
    assert len(load_images(tmp_path)) == 1
    with pytest.raises(PictureError, match=r"b\.jpg is a folder"):
        load_images(tmp_path, ["b.jpg"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "c.jpg").symlink_to("c.jpg")
    with pytest.raises(PictureError) as raised:
        load_images(tmp_path)
    message = str(raised.value)
    assert "a.jpg is not a regular file; b.jpg is not there; c.jpg cannot be read (" in message


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".jpg", "a\0b.jpg", "a.jpg/b.jpg", "", "new\nline.jpg"]
)
def test_impossible_names_are_named(photo, tmp_path, name):
    photo.save(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match=r"1 of 1 pictures .* cannot be used") as raised:
        load_images(tmp_path, [name])
    assert str(raised.value).isprintable()


def test_phones_formats_are_refused_even_where_pillow_could_open_them(photo, tmp_path):
    try:
        photo.save(tmp_path / "a.jpg", "AVIF")
    except (KeyError, OSError):
        pytest.skip("this Pillow cannot write AVIF")
    with pytest.raises(PictureError, match=r"a\.jpg is in a format that cannot be read here"):
        load_images(tmp_path)


def test_a_program_that_calls_itself_a_picture_is_not_run(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(PictureError, match="is not a picture that can be read here"):
        load_images(tmp_path)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "f4"])
def test_greyscale_of_more_than_8_bits(tmp_path, dtype):
    white = 1 if dtype == "f4" else 65535
    Image.fromarray((np.eye(8) * white).astype(dtype)).save(tmp_path / "a.tif")
    assert np.array_equal(np.asarray(load_images(tmp_path)[0])[..., 0], np.eye(8) * 255)


def test_numbers_whose_white_is_not_known_are_refused(tmp_path):
    Image.fromarray((np.eye(8) * 255).astype("i4")).save(tmp_path / "integers.tif")
    Image.fromarray((np.eye(8) * 255).astype("f4")).save(tmp_path / "floats.tif")
    with pytest.raises(PictureError) as raised:
        load_images(tmp_path)
    assert "floats.tif has numbers outside of 0 to 1" in str(raised.value)
    assert "integers.tif has numbers whose white is not known" in str(raised.value)


# --- progress ---


def test_a_bar_is_shown_for_many_pixels_only(photo, tmp_path, monkeypatch, capsys):
    load_images()
    assert capsys.readouterr().err == ""
    for name in "abc":
        photo.save(tmp_path / f"{name}.png")
    monkeypatch.setattr(images, "MANY_PIXELS", 3 * 64 * 48 + 1)
    load_images(tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(images, "MANY_PIXELS", 3 * 64 * 48)
    load_images(tmp_path)
    assert "Reading 3 pictures" in capsys.readouterr().err


# --- labels ---


@pytest.mark.parametrize("content", ["3", "null", '"tench"', "[" * 100_000, "\ufeff{}", "NaN"])
def test_json_that_holds_no_labels_is_refused(tmp_path, content):
    (tmp_path / "labels.json").write_text(content, encoding="utf-8")
    with pytest.raises(LabelsError, match=r"Take imagenet_labels\.json from the course once more"):
        load_labels(tmp_path / "labels.json")


@pytest.mark.parametrize("label", [3, None, "", " ", ["tench"]])
def test_a_label_that_is_no_name_is_refused(tmp_path, label):
    labels = {str(i): "x" for i in range(1000)} | {"7": label}
    (tmp_path / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    with pytest.raises(LabelsError, match="has no name for class 7"):
        load_labels(tmp_path / "labels.json")


def test_a_class_named_twice_is_refused(tmp_path):
    labels = json.dumps({str(i): "x" for i in range(1000)})
    (tmp_path / "labels.json").write_text(labels.replace("{", '{"7": "y", '), encoding="utf-8")
    with pytest.raises(LabelsError, match="two entries '7'"):
        load_labels(tmp_path / "labels.json")


def test_a_labels_file_that_cannot_be_read(tmp_path):
    with pytest.raises(LabelsError, match="is a folder, or no regular file"):
        load_labels(tmp_path)
    (tmp_path / "labels.json").write_bytes(b"\xff\xfe{\0}\0")
    with pytest.raises(LabelsError, match="it is not UTF-8"):
        load_labels(tmp_path / "labels.json")
    with pytest.raises(LabelsError, match="cannot be read: "):
        load_labels("x" * 300)
    for file in (3, ["labels.json"]):
        with pytest.raises(LabelsError, match="is text"):
            load_labels(file)


# --- Folders of classes -------------------------------------------------------------------------


@pytest.fixture
def classes(photo, tmp_path) -> Path:
    """cats/a.jpg, cats/b.PNG and dogs/a.jpg, and what tools leave beside them."""
    for name in ("dogs/a.jpg", "cats/b.PNG", "cats/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photo.save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    for left in (".ipynb_checkpoints", "__MACOSX"):
        (tmp_path / left).mkdir()
    (tmp_path / ".DS_Store").touch()
    return tmp_path


def test_each_subfolder_is_a_class(classes):
    pictures, labels, names = load_classes(classes)
    assert names == ["cats", "dogs"]
    assert labels.tolist() == [0, 0, 1]
    assert labels.dtype == torch.int64
    assert [picture.size for picture in pictures] == [(64, 48)] * 3
    assert load_classes(str(classes))[1].tolist() == [0, 0, 1]


def test_without_a_folder_each_of_the_courses_pictures_is_a_class():
    pictures, labels, names = load_classes()
    assert len(pictures) == 10
    assert labels.tolist() == list(range(10))
    assert names[:2] == ["golden retriever", "scarlet macaw"]


def test_every_bad_picture_of_every_class_is_named(classes):
    (classes / "cats" / "empty.jpg").touch()
    (classes / "dogs" / "text.png").write_text("I am no picture.", encoding="utf-8")
    with pytest.raises(PictureError) as raised:
        load_classes(classes)
    said = str(raised.value)
    assert said.startswith(f"2 of 5 pictures in {classes} cannot be used: ")
    for complaint in ("empty.jpg is empty (0 bytes)", "text.png is not a picture that"):
        assert complaint in said


def test_a_class_without_a_picture_is_named(classes):
    (classes / "birds").mkdir()
    (classes / "birds" / "films").mkdir()
    with pytest.raises(PictureError, match=r"There is no picture in .*birds: none of its files"):
        load_classes(classes)


def test_a_picture_beside_the_classes_is_named(classes, photo):
    photo.save(classes / "stray.jpg")
    with pytest.raises(PictureError, match=r"^stray\.jpg lies in .* Move it into one of them: cat"):
        load_classes(classes)


@pytest.mark.parametrize(
    ("folder", "complaint"),
    [
        ("", "must hold two classes or more, and holds none. Make a subfolder for each class"),
        ("one", "must hold two classes or more, and holds only one, cats. Make a subfolder"),
        ("nowhere", "nowhere is not there: check the path."),
        ("a.jpg", "is a file, no folder: check the path."),
        ("a\0b", "is not there: check the path."),
        ("x" * 300, "cannot be read|is not there"),
    ],
)
def test_what_is_no_folder_of_classes_gets_one_sentence(folder, complaint, photo, tmp_path):
    if folder == "one":
        (tmp_path / "one" / "cats").mkdir(parents=True)
    elif folder == "a.jpg":
        photo.save(tmp_path / folder)
    with pytest.raises(PictureError, match=complaint) as raised:
        load_classes(tmp_path / folder)
    said = str(raised.value)
    assert said.isprintable()


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("nope", "The folder of classes nope is not there: check the path."),
        ("a.jpg", "The folder of classes a.jpg is a file, no folder: check the path."),
        ("", "The folder has no name: '.' is the current one."),
    ],
)
def test_a_wrong_folder_of_classes_is_named_once(folder, sentence, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo.save("a.jpg")
    with pytest.raises(PictureError) as raised:
        load_classes(folder)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("folder", [3, ["cats", "dogs"], b"cats"])
def test_a_folder_of_classes_is_text(folder):
    with pytest.raises(PictureError, match="A folder or the name of a picture is text"):
        load_classes(folder)


def test_whatever_the_default_device_labels_are_on_the_cpu(classes):
    with torch.device("meta"):
        for folder in (None, classes):
            assert load_classes(folder)[1].device.type == "cpu"
