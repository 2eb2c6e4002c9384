"""Lessons that choose a device, run on the one that stands for a GPU."""

import pytest
import torch
from anywhere import lessons_with_a_device, run_lesson
from elsewhere import DEVICE, Elsewhere, is_away

# A lesson that measures needs a device with a clock; test_cuda.py runs it on one.
LESSONS = [f for f in lessons_with_a_device() if "clock_of(" not in f.read_text(encoding="utf-8")]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_lesson_runs_where_its_device_is(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_HELPERS_WORK", str(tmp_path))
    with Elsewhere():
        variables = run_lesson(lesson, f"torch.device({str(DEVICE)!r})")
    tensors = [value for value in variables.values() if isinstance(value, torch.Tensor)]
    assert any(is_away(tensor) for tensor in tensors)


def test_there_are_such_lessons():
    assert {"05_copying_weights", "06_hooks"} <= {f.stem for f in lessons_with_a_device()}
