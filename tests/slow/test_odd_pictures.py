"""Every odd picture shows as it is or is refused in one sentence, in a folder or uploaded."""

import os
import warnings
from collections import Counter
from io import BytesIO

import numpy as np
import odd_pictures
import pytest

from resnet_helpers.images import PictureError, load_images, prepare_images, read_rgb

CASES = list(odd_pictures.cases())


def test_there_are_at_least_300_and_none_twice():
    assert len({case.name for case in CASES}) == len(CASES) >= 300
    kinds = Counter(
        "damaged"
        if case.shows is odd_pictures.ANYTHING
        else "refused"
        if case.shows is None
        else "right"
        for case in CASES
    )
    assert min(kinds.values()) >= 60, kinds


@pytest.fixture
def no_ghostscript(tmp_path, monkeypatch):
    """A Ghostscript that leaves a trace where it is started."""
    gs = tmp_path / "bin" / "gs"
    gs.parent.mkdir()
    gs.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n", encoding="utf-8")
    gs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gs.parent}{os.pathsep}{os.environ['PATH']}")
    yield
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("case", CASES, ids=[ascii(case.name) for case in CASES])
def test_a_picture_shows_as_it_is_or_is_refused_in_one_sentence(tmp_path, case, no_ghostscript):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / case.name).write_bytes(case.content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image, message = outcome(folder, case.name)
    if message is not None:
        assert case.shows is None or case.shows is odd_pictures.ANYTHING, message
        assert_one_sentence(message, case)
        return
    assert case.shows is not None, "it should have been refused"
    assert image.mode == "RGB"
    assert prepare_images([image]).isfinite().all()
    if case.shows is not odd_pictures.ANYTHING:
        difference = np.asarray(image).astype(int) - case.shows
        assert abs(difference).max() <= case.tolerance
    assert np.array_equal(read_rgb(BytesIO(case.content)), image)  # as the gallery does


def outcome(folder, name) -> tuple:
    """The picture or the message, and None for the other."""
    try:
        return load_images(folder, [name])[0], None
    except PictureError as error:
        return None, str(error)


def assert_one_sentence(message: str, case: odd_pictures.Case) -> None:
    """One line that names the file; the gallery gives the same reason."""
    assert message.isprintable()
    assert message.endswith("Replace it, or leave it out.")
    with pytest.raises(PictureError) as raised:
        read_rgb(BytesIO(case.content))
    assert str(raised.value) in message
