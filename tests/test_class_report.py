"""What a class got wrong, read from notebooks: who passed, which mistakes, nothing as markup."""

import contextlib
import html
import io

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from resnet_helpers import tests as checks
from resnet_helpers.answers import answers_to
from resnet_helpers.class_tools import findings
from resnet_helpers.class_tools.report import UNNAMED, Report
from resnet_helpers.errors import CourseError
from resnet_helpers.practice import exercise_called

NORM, POOL = "BatchNorm2d", "AveragePool"
UNBIASED = "unbiased variance when normalising"


def right(exercise: str):
    return next(iter(answers_to(exercise).right_ones.values())).implementation


def wrong(exercise: str, mistake: str):
    return next(a for a in answers_to(exercise).wrong_ones if a.mistake == mistake).implementation


def words(exercise: str, mistake: str) -> str:
    return next(m.hint for m in exercise_called(exercise).mistakes if m.name == mistake)


def check_cell(exercise: str, piece) -> nbformat.NotebookNode:
    """A check cell as a learner's notebook has it after it has run."""
    names = exercise_called(exercise).checks
    cell = new_code_cell("\n".join(f"tests.{name}({exercise})" for name in names))
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            for name in names:
                getattr(checks, name)(piece)
    except Exception as error:
        render = getattr(error, "_render_traceback_", lambda: [repr(error)])
        shown = {"ename": type(error).__name__, "evalue": str(error), "traceback": render()}
        cell.outputs = [nbformat.v4.new_output("error", **shown)]
    cell.outputs.insert(0, nbformat.v4.new_output("stream", text=printed.getvalue()))
    return cell


def strange(self, x):
    return x.sum((2, 3)) * 1.23456 + 7


def stub(self, x):
    raise NotImplementedError()


def pool_with(forward):
    from torch import nn

    return type(POOL, (nn.Module,), {"forward": forward})


def work_of_a_class() -> dict[str, list[nbformat.NotebookNode]]:
    """The cells of each learner's notebook."""
    return {
        "ada": [check_cell(NORM, right(NORM)), check_cell(POOL, right(POOL))],
        "ben": [check_cell(NORM, wrong(NORM, UNBIASED)), check_cell(POOL, wrong(POOL, "sum"))],
        "<script>alert(1)</script>": [check_cell(POOL, wrong(POOL, "sum"))],
        "cy": [check_cell(POOL, pool_with(strange))],
        "dee": [check_cell(POOL, pool_with(stub)), new_code_cell("%matplotlib inline")],
        "eve": [new_code_cell("tests.test_averagepool(AveragePool)")],
        "fay": [check_cell(POOL, wrong(POOL, "sum")), check_cell(POOL, right(POOL))],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for number, (name, cells) in enumerate(work_of_a_class().items()):
        place = folder / name.replace("/", "∕")
        place.mkdir()
        nbformat.write(new_notebook(cells=cells), place / f"lesson {number}.ipynb")
    (folder / "photo.ipynb").write_text("no notebook", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return findings.in_folder(folder)[0]


def of(found, learner: str, exercise: str) -> findings.Finding:
    [finding] = [f for f in found if (f.learner, f.exercise) == (learner, exercise)]
    return finding


def test_what_passed_has_passed(found):
    assert of(found, "ada", NORM).state == of(found, "ada", POOL).state == findings.PASSED


def test_a_mistake_goes_by_the_catalogues_words(found):
    finding = of(found, "ben", NORM)
    assert (finding.state, finding.mistakes) == (findings.FAILED, (words(NORM, UNBIASED),))


def test_a_failure_that_no_known_mistake_explains_is_counted_as_such(found):
    finding = of(found, "cy", POOL)
    assert (finding.state, finding.mistakes) == (findings.FAILED, ())
    assert "test_averagepool failed" in finding.unnamed


def test_a_stub_is_not_written_and_a_cell_that_was_not_run_is_not_run(found):
    assert of(found, "dee", POOL).state == findings.UNWRITTEN
    assert of(found, "eve", POOL).state == findings.NOT_RUN


def test_of_several_cells_for_one_exercise_the_best_counts(found):
    assert of(found, "fay", POOL).state == findings.PASSED


@pytest.mark.parametrize("exercise", [NORM, POOL])
def test_every_mistake_that_a_panel_names_is_found_in_it(exercise):
    """Also where the panel's wrapping breaks its words; one hint may be part of another."""
    from resnet_helpers.tests.failure import CheckFailure

    check = exercise_called(exercise).checks[0]
    for mistake in exercise_called(exercise).mistakes:
        failure = CheckFailure(check, {"Tried": "x"}, [mistake.hint])
        for text in (str(failure), "\n".join(failure._render_traceback_())):
            assert findings.mistakes_in(check, text) == (mistake.hint,)


def test_the_table_counts_learners(found):
    table = Report(found, "a test").table().set_index(["exercise", "mistake"])
    assert list(table.columns) == ["learners", "passed", "count"]
    assert tuple(table.loc[(POOL, words(POOL, "sum"))]) == (7, 2, 2)
    assert table.loc[(POOL, UNNAMED), "count"] == 1
    assert table.loc[(NORM, words(NORM, UNBIASED)), "count"] == 1


def test_the_page_names_nobody_unless_asked(found, tmp_path):
    for names in (False, True):
        table = Report(found, "a test", names).write(tmp_path / "class.html")
        texts = [
            (tmp_path / "class.html").read_text(encoding="utf-8"),
            table.read_text(encoding="utf-8"),
        ]
        assert ["ben" in text for text in texts] == [names, names]


def test_the_page_shows_words_as_words(folder, found, tmp_path):
    page = Report(found, "<i>a folder</i>", names=True).page()
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert html.escape(words(POOL, "sum")) in page


def test_the_plot_says_in_words_what_it_shows(found):
    assert (
        f"{POOL}: 2 passed, 2 failed, mistake named, 1 failed" in Report(found, "a test").plot().alt
    )


def test_a_folder_of_something_else_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CourseError, match="neither nbgrader's folder"):
        findings.in_folder(tmp_path)
    with pytest.raises(CourseError, match="is no folder"):
        findings.in_folder(tmp_path / "nowhere")


def test_a_course_in_which_nothing_is_graded_is_not_taken_for_learners_work(tmp_path):
    for name in ("source", "release"):
        (tmp_path / name / "01_batchnorm").mkdir(parents=True)
        nbformat.write(new_notebook(), tmp_path / name / "01_batchnorm" / "01_batchnorm.ipynb")
    with pytest.raises(CourseError, match="nothing has been graded yet"):
        findings.in_folder(tmp_path)
