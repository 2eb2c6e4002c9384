"""Find the mistake in an answer, for a class or five minutes alone; or reveal the right one.

    from resnet_helpers.practice import practice, reveal

Both know the exercises by the name of the class or function that is to be written.
"""

import contextlib
import difflib
import inspect
import io
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape

import ipywidgets as widgets
from IPython import get_ipython
from IPython.display import display

from resnet_helpers import answers, solutions
from resnet_helpers.answers import Answer
from resnet_helpers.errors import CourseError
from resnet_helpers.my_work.revealed import with_mark
from resnet_helpers.my_work.source import statements
from resnet_helpers.tests import EXERCISES
from resnet_helpers.tests.engine import Exercise, Mistake
from resnet_helpers.tests.failure import CheckFailure
from resnet_helpers.tests.outcomes import same

# ---- Find the mistake -----------------------------------------------------------------------

N_HINTS = 4  # of which one is right
LETTERS = "ABCD"


@dataclass(frozen=True)
class Puzzle:
    """A wrong answer and four hints, of which the one at `right` is true of it."""

    answer: Answer
    hints: tuple[str, ...]
    right: int

    def explanation(self) -> str:
        """What the check says of the answer."""
        exercise = exercise_called(self.answer.exercise)
        for check in exercise.checks:
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exercise.check(check, self.answer.implementation)
            except CheckFailure as failure:
                return str(failure)
        raise AssertionError(f"no check noticed {self.answer.mistake!r}")

    def __str__(self) -> str:
        hints = [f"{letter}  {hint}" for letter, hint in zip(LETTERS, self.hints, strict=True)]
        return "\n".join(["What is wrong here?", "", self.answer.source, *hints])


def exercise_called(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        CourseError: there is none.
    """
    by_name = {exercise.name: exercise for exercise in EXERCISES}
    if not isinstance(name, str) or name not in by_name:
        close = difflib.get_close_matches(str(name), by_name, n=1, cutoff=0.5)
        meant = f" Did you mean {close[0]}?" if close else f" There are: {', '.join(by_name)}."
        raise CourseError(f"There is no exercise called {' '.join(str(name).split())!r}.{meant}")
    return by_name[name]


def refuted_by(exercise: Exercise, answer: Answer) -> Iterator[Mistake]:
    """The mistakes that the answer certainly does not make.

    With such a mistake a trial comes out wrong that comes out right with the answer.
    """
    expected = exercise.outcomes(exercise.reference)
    theirs = exercise.outcomes(answer.implementation, learners=True)
    quick = [trial for trial in exercise.trials if not trial.slow]
    right = [trial for trial in quick if same(theirs[trial], expected[trial])]
    for mistake in exercise.mistakes:
        if mistake.runnable:
            made = exercise.outcomes_with(mistake)
            if any(not same(made[trial], expected[trial]) for trial in right):
                yield mistake


def puzzles(exercise: Exercise, seed: int) -> Iterator[Puzzle]:
    """All wrong answers to an exercise, in an order that the seed decides, none of them twice."""
    chance = random.Random(seed)
    hints = {mistake.name: mistake.hint for mistake in exercise.mistakes}
    wrong = list(answers.answers_to(exercise.name).wrong_ones)
    chance.shuffle(wrong)
    for answer in wrong:
        right = hints[answer.mistake]
        others = sorted({mistake.hint for mistake in refuted_by(exercise, answer)} - {right})
        if len(others) >= N_HINTS - 1:
            shown = [right, *chance.sample(others, N_HINTS - 1)]
            chance.shuffle(shown)
            yield Puzzle(answer, tuple(shown), shown.index(right))


class Practice:
    """A series of puzzles with a button for each hint; it counts, and the check explains.

    The hints stand beside the code where there is room, so that a projector shows both. Where
    widgets cannot run, the same output shows the first puzzle as text.

    Attributes:
        puzzle: the one that is shown now, None after the last.
        n_right, n_answered: so many were answered rightly, and in all, at the first attempt.
        buttons, hints: one for each hint, by its letter; `next` goes on.
        widget: everything.
    """

    def __init__(self, series: Iterator[Puzzle]):
        self.series = series
        self.n_right = self.n_answered = 0
        self.question, self.verdict = widgets.HTML(), widgets.HTML()
        narrow = widgets.Layout(width="60px", flex="0 0 auto")
        self.buttons = {
            letter: widgets.Button(description=letter, layout=narrow) for letter in LETTERS
        }
        self.hints = {letter: widgets.HTML(layout=widgets.Layout(flex="1")) for letter in LETTERS}
        self.next = widgets.Button(description="Next", layout=widgets.Layout(width="90px"))
        for number, button in enumerate(self.buttons.values()):
            button.on_click(partial(self._choose, number))
        self.next.on_click(self._go_on)
        choices = [widgets.HBox([self.buttons[letter], self.hints[letter]]) for letter in LETTERS]
        beside = widgets.Layout(flex="1 1 320px")
        self.widget = widgets.HBox(
            [self.question, widgets.VBox([*choices, self.next, self.verdict], layout=beside)],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        self._go_on()
        self.first = self.puzzle

    def _go_on(self, _button: object = None) -> None:
        """Show the next puzzle."""
        self.puzzle = next(self.series, None)
        self.verdict.value = ""
        self.next.disabled = True
        for button in self.buttons.values():
            button.disabled = self.puzzle is None
            button.button_style = ""
        if self.puzzle is None:
            score = f"{self.n_right} of {self.n_answered} right"
            self.question.value = (
                f"<p>You have seen all wrong answers to this exercise: {score}.</p>"
            )
        else:
            self.question.value = (
                f"<b>What is wrong here?</b>{preformatted(self.puzzle.answer.source)}"
            )
        hints = self.puzzle.hints if self.puzzle else [""] * N_HINTS
        for widget, hint in zip(self.hints.values(), hints, strict=True):
            widget.value = f'<div style="line-height: 1.4">{escape(hint)}</div>'

    def _choose(self, number: int, button: widgets.Button) -> None:
        """Say whether this hint is the right one, and what the check says."""
        is_right = number == self.puzzle.right
        if self.next.disabled:  # only the first attempt counts
            self.n_answered += 1
            self.n_right += is_right
        button.button_style = "success" if is_right else "danger"
        self.next.disabled = False
        score = f"{self.n_right} of {self.n_answered} right so far."
        if is_right:
            text = preformatted(self.puzzle.explanation())
            self.verdict.value = f"<b>Yes.</b> The check says:{text}{score}"
        else:
            self.verdict.value = (
                '<div style="line-height: 1.4"><b>No:</b> with that mistake something would come '
                f"out wrong that comes out right here. Look again. {score}</div>"
            )

    def __repr__(self) -> str:
        return str(self.first) if self.first else "There is nothing to practise with."

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}


def preformatted(text: str) -> str:
    """HTML that shows the text as it is, but breaks lines that are too long, between words."""
    style = "line-height: 1.3; word-break: normal; overflow-wrap: anywhere"
    return f'<pre style="{style}">{escape(text)}</pre>'


def practice(exercise: str, seed: int = 0) -> Practice:
    """Find the mistake: wrong answers to an exercise, each with four hints, one of them right.

    Args:
        exercise: the name of the class or function, such as "ResidualBlock".
        seed: another one gives another order; the same one gives a whole class the same series.

    Raises:
        CourseError: there is no exercise of that name, or the seed is none.
    """
    if not isinstance(seed, int):
        raise CourseError("A seed is a whole number.")
    return Practice(puzzles(exercise_called(exercise), seed))


# ---- Reveal ---------------------------------------------------------------------------------

SOLUTION = re.compile(
    r"^ *### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION\n?", re.DOTALL | re.MULTILINE
)
STUB = "raise NotImplementedError()\n"


def reveal(name: str, step: int | None = None) -> None:
    """Put the course's answer to an exercise into the next cell, ready to run.

    The source is there to be copied as well, for editors that make no new cell.

    Args:
        name: the class or function, such as "BatchNorm2d".
        step: how many paragraphs of the answer to show; what follows stays a stub. None: all.

    Raises:
        CourseError: there is no exercise of that name, or no such step.
    """
    source = answer_up_to(name, step)
    where = f"The course's {name} is in the next cell. If there is none, copy it from here"
    text = f"{where}:\n\n{source}"
    shell = get_ipython()
    if shell is None:
        print(text)
        return
    shell.set_next_input(source)  # as %load does
    code = f'<pre style="user-select: all">{escape(source)}</pre>'  # a click selects all of it
    html = f"<details><summary>{where}.</summary>{code}</details>"
    display({"text/plain": text, "text/html": html}, raw=True)


def answer_up_to(name: str, step: int | None = None) -> str:
    """The source of the course's answer, without its markers; after `step` paragraphs a stub.

    All of it is marked: what a learner finishes is the learner's own, and this is not.
    """
    source = "\n\n".join(map(inspect.getsource, answer_in_pieces(str(name))))
    n_steps = sum(len(paragraphs(body)) for body in SOLUTION.findall(source))
    if step is not None and not (isinstance(step, int) and 1 <= step <= n_steps):
        raise CourseError(
            f"The answer to {name} has {n_steps} steps: give one from 1 to {n_steps}."
        )
    left = n_steps if step is None else step

    def shown(match: re.Match) -> str:
        nonlocal left
        steps = paragraphs(match[1])
        kept, left = steps[:left], max(0, left - len(steps))
        indent = re.match(" *", steps[0])[0]
        rest = [] if len(kept) == len(steps) else [indent + STUB]
        return "\n".join([*kept, *rest])

    text = SOLUTION.sub(shown, source).rstrip()
    return with_mark(text) if step in (None, n_steps) else text


def answer_in_pieces(name: str) -> list[object]:
    """The class or function of this name, after those it uses that no exercise asks for."""
    here = solutions.__name__
    pieces = {n: p for n, p in vars(solutions).items() if getattr(p, "__module__", "") == here}
    if name not in pieces:
        exercise_called(name)  # says which there are
    [statement] = statements(inspect.getsource(pieces[name]))
    asked_for = {exercise.name for exercise in EXERCISES}
    helpers = [n for n in statement.reads if n in pieces and n not in asked_for]
    return [piece for helper in helpers for piece in answer_in_pieces(helper)] + [pieces[name]]


def paragraphs(body: str) -> list[str]:
    """The steps of an answer: what blank lines separate."""
    return [part.strip("\n") + "\n" for part in re.split(r"\n\s*\n", body) if part.strip()]
