"""Practice shows wrong answers with one true hint each; reveal puts the right one into a cell."""

import re
from html import escape
from pathlib import Path

import pytest

import resnet_helpers.tests as checks
from resnet_helpers import practice, solutions
from resnet_helpers.errors import CourseError
from resnet_helpers.practice import Practice, answer_up_to, puzzles, reveal

LESSONS = [
    file.read_text(encoding="utf-8") for file in Path(__file__).parents[1].glob("lessons/*.md")
]
EXERCISES = {exercise.name: exercise for exercise in checks.EXERCISES}


def names(values):
    return getattr(values, "name", None)


# ---- Puzzles --------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=names)
def test_every_exercise_can_be_practised(exercise):
    puzzle = next(puzzles(exercise, seed=0))
    [mistake] = [m for m in exercise.mistakes if m.name == puzzle.answer.mistake]
    assert puzzle.hints[puzzle.right] == mistake.hint
    assert len(set(puzzle.hints)) == 4
    assert mistake.hint in puzzle.explanation()


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=names)
def test_a_lesson_offers_it_after_the_exercise(exercise):
    saved = re.compile(rf"^my_work.save\(.*\b{exercise.name}\b", re.M)
    [after] = [text[found.end() :] for text in LESSONS if (found := saved.search(text))]
    assert f'practice("{exercise.name}")' in after


def series(seed, exercise="AveragePool"):
    return [(puzzle.answer.mistake, puzzle.hints) for puzzle in puzzles(EXERCISES[exercise], seed)]


def test_a_series_shows_each_answer_once_in_an_order_that_the_seed_decides():
    once = series(seed=1)
    assert len({mistake for mistake, _ in once}) == len(once) >= 5
    assert once == series(seed=1)
    assert once != series(seed=2)


def test_what_is_shown_to_a_learner_is_code_and_four_hints():
    text = repr(practice.practice("AveragePool"))
    assert "class AveragePool(" in text
    assert [line[:3] for line in text.splitlines()[-4:]] == ["A  ", "B  ", "C  ", "D  "]


def test_an_unknown_exercise_gets_one_sentence():
    with pytest.raises(CourseError, match="no exercise called 'Batchnorm2d'"):
        practice.practice("Batchnorm2d")


# ---- The widget -----------------------------------------------------------------------------


def click(widget, number):
    list(widget.buttons.values())[number].click()


def test_it_counts_the_first_attempt_and_explains_by_the_check():
    widget = practice.practice("AveragePool", seed=3)
    wrong = (widget.puzzle.right + 1) % 4
    click(widget, wrong)
    assert "No:" in widget.verdict.value
    click(widget, widget.puzzle.right)
    assert "test_averagepool failed" in widget.verdict.value
    assert (widget.n_right, widget.n_answered) == (0, 1)
    widget.next.click()
    assert widget.verdict.value == ""
    click(widget, widget.puzzle.right)
    assert (widget.n_right, widget.n_answered) == (1, 2)


def test_one_cannot_go_on_without_an_answer():
    widget = practice.practice("AveragePool")
    assert widget.next.disabled
    click(widget, 0)
    assert not widget.next.disabled


def test_after_the_last_puzzle_it_says_how_many_were_right():
    series_of_two = list(puzzles(EXERCISES["AveragePool"], 0))[:2]
    widget = Practice(iter(series_of_two))
    for _ in series_of_two:
        click(widget, widget.puzzle.right)
        widget.next.click()
    assert widget.puzzle is None
    assert "2 of 2 right" in widget.question.value
    assert all(button.disabled for button in widget.buttons.values())


def test_code_is_text_and_no_html():
    puzzle = next(puzzles(EXERCISES["AveragePool"], 0))
    answer = type(puzzle.answer)("AveragePool", "", "sum", "# <img src=x>", {})
    widget = Practice(iter([type(puzzle)(answer, puzzle.hints, puzzle.right)]))
    assert "&lt;img src=x&gt;" in widget.question.value


# ---- Reveal ---------------------------------------------------------------------------------


class Shell:
    def set_next_input(self, source):
        self.cell = source

    def display(self, shown, raw):
        self.shown = shown


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr(practice, "get_ipython", lambda: shell)
    monkeypatch.setattr(practice, "display", shell.display)
    return shell


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=names)
def test_what_is_revealed_passes_the_checks(exercise, shell):
    reveal(exercise.name)
    cell_names = {**vars(solutions)}
    exec(shell.cell, cell_names)
    for check in exercise.checks:
        exercise.check(check, cell_names[exercise.name])
    assert "SOLUTION" not in shell.cell


def test_an_editor_that_makes_no_cell_shows_the_source_to_be_copied(shell):
    reveal("predict")
    assert shell.shown["text/plain"].endswith(f":\n\n{shell.cell}")
    html = shell.shown["text/html"]
    assert "-&gt; tuple[Float[Tensor, " in html
    assert escape(shell.cell) in html


def test_without_a_notebook_it_is_printed(capsys):
    reveal("AveragePool")
    assert capsys.readouterr().out.endswith(f":\n\n{answer_up_to('AveragePool')}\n")


def test_a_step_is_a_paragraph_and_what_follows_is_a_stub():
    whole, first = answer_up_to("BatchNorm2d"), answer_up_to("BatchNorm2d", 1)
    assert "raise NotImplementedError()" not in whole
    assert "self.num_batches_tracked += 1" in first
    assert "x_hat" not in first
    assert first.count("raise NotImplementedError()") == 2  # forward goes on, extra_repr is to come
    assert answer_up_to("BatchNorm2d", 2).count("raise NotImplementedError()") == 1
    assert answer_up_to("BatchNorm2d", 3) == whole
    for step in (1, 2, 3):
        compile(answer_up_to("BatchNorm2d", step), "cell", "exec")


@pytest.mark.parametrize("step", [0, 4, -1])
def test_a_step_that_is_not_there_gets_one_sentence(step):
    with pytest.raises(CourseError, match="has 3 steps: give one from 1 to 3"):
        reveal("BatchNorm2d", step=step)


@pytest.mark.parametrize("name", ["nn", "BatchNorm", 3, "__name__"])
def test_what_is_no_exercise_gets_one_sentence(name):
    with pytest.raises(CourseError, match="no exercise called"):
        reveal(name)


def test_what_an_answer_uses_and_no_exercise_asks_for_comes_with_it():
    assert answer_up_to("named_resnet34").startswith("class NamedResidualBlock")
    assert answer_up_to("ResNet34").startswith("class ResNet34")  # BlockGroup is an exercise


def test_what_has_no_check_of_its_own_can_be_revealed_too(shell):
    reveal("NamedResidualBlock")
    assert shell.cell.startswith("class NamedResidualBlock")
