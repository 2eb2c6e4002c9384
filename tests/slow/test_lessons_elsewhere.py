"""Lessons that choose a device, run on the one that stands for a GPU."""

import pytest
from anywhere import lessons_with_a_device, run_lesson
from elsewhere import DEVICE, Elsewhere, is_away


@pytest.mark.parametrize("lesson", lessons_with_a_device(), ids=lambda lesson: lesson.stem)
def test_a_lesson_runs_where_its_device_is(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    with Elsewhere():
        variables = run_lesson(lesson, f"torch.device({str(DEVICE)!r})")
    assert is_away(variables["batch"])


def test_there_are_such_lessons():
    assert {"05_copying_weights", "06_hooks"} <= {f.stem for f in lessons_with_a_device()}
