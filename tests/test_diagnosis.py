"""The rules by which a hint is chosen or withheld: each test fails where its rule is left out.

The exercise is Toy: three sums, each checked by a trial or two, and each with a way to go wrong.
"""

import pytest
import torch
from torch import nn

from resnet_helpers.tests.diagnosis import Case, pairs_worth_trying
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.failure import CheckFailure
from resnet_helpers.tests.trials import Trial, trials_of


class ToyInSteps:
    def one(self, x):
        return x + 1

    def two(self, x):
        return x + 2

    def three(self, x):
        return x + 3

    def toy(self, x, number):
        return getattr(self, number)(x)


class Right(nn.Module):
    """What the check is given: a class, as for most exercises."""

    one, two, three = ToyInSteps.one, ToyInSteps.two, ToyInSteps.three


def exercise(mistakes, trials=None, **settings):
    trials = trials or trials_of(
        "test_toy",
        ("one of 1", "Toy().one(1)"),
        ("one of 5", "Toy().one(5)"),
        ("two of 1", "Toy().two(1)"),
        ("three of 1", "Toy().three(1)"),
    )
    return Exercise(
        name="Toy",
        reference=Right,
        trials=trials,
        names={"torch": torch, **settings.pop("names", {})},
        in_steps=Right,
        mistakes=mistakes,
        **settings,
    )


def toy(**steps):
    """A learner's Toy, which goes wrong in these steps."""
    return type("Toy", (Right,), steps)


def failure(an_exercise, implementation, check="test_toy"):
    with pytest.raises(CheckFailure) as caught:
        an_exercise.check(check, implementation)
    return caught.value


def catalogue(**steps):
    """A mistake for each of these, its name and words being the step's: "no one" for one."""
    mistake = Catalogue()
    for step, value in steps.items():
        mistake(f"no {step}", f"You forget {step}.", **{step: value})
    return mistake


def unchanged(self, x):
    return x


def doubled(self, x):
    return 2 * x


def raises(message):
    def step(self, x):
        raise ValueError(message)

    return step


# ---- Which mistake is named -----------------------------------------------------------------


def test_a_mistake_with_which_all_comes_out_the_same_is_named():
    found = failure(exercise(catalogue(one=unchanged)), toy(one=unchanged))
    assert (found.hints, found.mistakes) == (["You forget one."], ["no one"])


def test_a_mistake_that_explains_the_first_trial_only_is_not():
    found = failure(exercise(catalogue(one=unchanged)), toy(one=lambda self, x: x**2))
    assert found.hints == []  # 1 ** 2 is 1, but 5 ** 2 is not 5


def test_two_mistakes_at_once_are_both_named():
    found = failure(
        exercise(catalogue(one=unchanged, two=unchanged)), toy(one=unchanged, two=unchanged)
    )
    assert found.mistakes == ["no one", "no two"]


def test_first_comes_the_hint_on_what_was_tried():
    mistakes = catalogue(two=unchanged, one=unchanged)
    found = failure(exercise(mistakes), toy(one=unchanged, two=unchanged))
    assert found.rows["Tried"] == "one of 1"
    assert found.mistakes == ["no one", "no two"]


def test_two_mistakes_in_the_same_step_are_no_pair():
    mistake = Catalogue()
    mistake("one doubled", "You double.", one=doubled, two=unchanged)
    mistake("no one", "You forget one.", one=unchanged)
    assert failure(exercise(mistake), toy(one=unchanged, two=unchanged)).mistakes == []


def test_a_mistake_that_spoils_what_the_learner_has_right_is_no_half_of_a_pair():
    mistakes = Catalogue()
    for number in range(20):
        mistakes(f"spoiling {number}", "You double three.", three=doubled)
    mistakes += catalogue(one=unchanged, two=unchanged)
    learners = toy(one=unchanged, two=unchanged)
    found = failure(exercise(mistakes, most_runs=200), learners)  # all pairs would take more
    assert found.mistakes == ["no one", "no two"]


def test_of_mistakes_that_look_alike_only_what_they_share_is_said():
    mistake = Catalogue()
    mistake("one and two", "You forget both.", one=unchanged, two=unchanged)
    found = failure(
        exercise([*catalogue(one=unchanged, two=unchanged), *mistake]),
        toy(one=unchanged, two=unchanged),
    )
    assert found.mistakes == ["one and two"]  # the single explanation comes before the pair


TWO_CHECKS = (
    *trials_of("test_toy", ("one of 1", "Toy().one(1)")),
    *trials_of("test_more", ("one of 5", "Toy().one(5)"), ("two of 1", "Toy().two(1)")),
)


def test_what_explains_all_checks_comes_before_what_explains_this_one():
    mistakes = catalogue(one=unchanged, two=unchanged)
    found = failure(exercise(mistakes, TWO_CHECKS), toy(one=unchanged, two=unchanged))
    assert found.mistakes == ["no one", "no two"]


def test_where_other_checks_fail_for_unknown_reasons_this_check_is_explained_alone():
    trials = (
        *trials_of("test_toy", ("one of 1", "Toy().one(1)"), ("three of 1", "Toy().three(1)")),
        *trials_of("test_more", ("two of 1", "Toy().two(1)")),
    )
    learners = toy(one=unchanged, three=unchanged, two=lambda self, x: -7)
    found = failure(exercise(catalogue(one=unchanged, three=unchanged), trials), learners)
    assert found.mistakes == ["no one", "no three"]


def test_other_checks_decide_between_mistakes_that_this_check_cannot_tell_apart():
    mistakes = catalogue(one=unchanged)
    mistakes("one squared", "You square.", one=lambda self, x: x**2)
    learners = toy(one=lambda self, x: x**2, two=lambda self, x: -7)
    assert failure(exercise(mistakes, TWO_CHECKS), learners).mistakes == ["one squared"]


def test_a_trial_that_meets_a_stub_says_nothing():
    trials = (*TWO_CHECKS, *trials_of("test_rest", ("three of 1", "Toy().three(1)")))

    def stub(self, x):
        raise NotImplementedError

    learners = toy(one=unchanged, two=unchanged, three=stub)
    found = failure(exercise(catalogue(one=unchanged, two=unchanged), trials), learners)
    assert found.mistakes == ["no one", "no two"]


# ---- The first few --------------------------------------------------------------------------


MANY = trials_of("test_toy", *((f"one of {x}", f"Toy().one({x})") for x in range(2, 8)))


def like_unchanged_up_to(last):
    return lambda self, x: x if x <= last else -x


def test_a_mistake_that_explains_the_first_three_that_went_wrong_is_named():
    found = failure(exercise(catalogue(one=unchanged), MANY), toy(one=like_unchanged_up_to(4)))
    assert found.mistakes == ["no one"]


def test_the_first_two_are_too_few():
    found = failure(exercise(catalogue(one=unchanged), MANY), toy(one=like_unchanged_up_to(3)))
    assert found.mistakes == []


def test_it_must_leave_alone_what_the_learner_has_right():
    trials = (*MANY, *trials_of("test_toy", ("two of 1", "Toy().two(1)")))
    mistake = Catalogue()
    mistake("one and two", "You forget both.", one=unchanged, two=unchanged)
    found = failure(exercise(mistake, trials), toy(one=like_unchanged_up_to(4)))
    assert found.mistakes == []


def test_it_must_spoil_the_trial_that_failed():
    trials = (
        *trials_of("test_toy", ("three of 1", "Toy().three(1)")),
        *trials_of("test_more", *((f"one of {x}", f"Toy().one({x})") for x in range(2, 8))),
    )
    learners = toy(one=like_unchanged_up_to(4), three=raises("the learner's own"))
    an_exercise = exercise(catalogue(one=unchanged), trials)
    assert failure(an_exercise, learners).mistakes == []
    assert failure(an_exercise, learners, "test_more").mistakes == ["no one"]


def test_where_this_check_only_raises_the_others_are_looked_at():
    def one(self, x):
        return raises("the learner's own")(self, x) if x == 1 else x

    assert failure(exercise(catalogue(one=unchanged), TWO_CHECKS), toy(one=one)).mistakes == [
        "no one"
    ]


def test_that_a_mistake_raises_where_the_learner_is_right_is_no_evidence_against_it():
    trials = (*MANY, *trials_of("test_toy", ("two of 1", "Toy().two(1)")))
    mistake = Catalogue()
    mistake("no one", "You forget one.", one=unchanged, two=raises("no two"))
    found = failure(exercise(mistake, trials), toy(one=like_unchanged_up_to(4)))
    assert found.mistakes == ["no one"]


def test_two_that_explain_equally_many_are_no_explanation():
    mistakes = catalogue(one=unchanged)
    mistakes("one copied", "You copy.", one=lambda self, x: x if x < 7 else 0)
    found = failure(exercise(mistakes, MANY), toy(one=like_unchanged_up_to(4)))
    assert found.mistakes == []


def test_where_one_of_both_raises_nothing_follows():
    trials = (*trials_of("test_toy", ("two of 1", "Toy().two(1)")), *MANY)

    def fails(self, x):
        raise ValueError("the learner's own")

    found = failure(
        exercise(catalogue(one=unchanged, two=fails), trials), toy(two=fails, one=doubled)
    )
    assert "no one" not in found.mistakes


# ---- Errors ---------------------------------------------------------------------------------


def test_errors_of_one_kind_with_other_messages_are_not_the_same_mistake():
    trials = trials_of("test_toy", ("one of 1", "Toy().one(1)"))
    an_exercise = exercise(catalogue(one=raises("shape a")), trials)
    assert failure(an_exercise, toy(one=raises("shape a"))).mistakes == ["no one"]
    assert failure(an_exercise, toy(one=raises("shape b"))).mistakes == []


def test_no_pair_is_looked_for_where_nobody_else_raises_such_an_error():
    def fails(self, x):
        raise KeyError("the learner's own")

    an_exercise = exercise(catalogue(one=raises("shape a"), two=unchanged, three=unchanged))
    cases = (
        ({"one": fails, "two": unchanged}, False),
        ({"one": raises("shape b"), "two": unchanged}, True),
        ({"one": raises("shape b")}, False),  # where all raise, the message counts
        ({"one": raises("shape a"), "two": unchanged}, True),
    )
    for steps, has_pairs in cases:
        learners = an_exercise.outcomes(toy(**steps), learners=True)
        expected = an_exercise.outcomes(an_exercise.reference)
        case = Case(an_exercise, an_exercise.trials[0], learners, expected)
        assert bool(pairs_worth_trying(case, case.trials)) == has_pairs


def test_with_other_evidence_the_message_does_not_matter():
    mistakes = catalogue(one=raises("shape a"), two=unchanged)
    found = failure(exercise(mistakes), toy(one=raises("shape b"), two=unchanged))
    assert found.mistakes == ["no one", "no two"]


# ---- What is held against the learner's code ------------------------------------------------


def test_a_hint_that_says_more_than_the_outcomes_is_given_only_where_it_is_seen():
    mistake = Catalogue()
    mistake("no one", "Your one is called unchanged.", one=unchanged, only_if="looks(Toy)")
    names = {"looks": lambda cls: cls.one.__name__ == "unchanged"}
    assert failure(exercise(mistake, names=names), toy(one=unchanged)).mistakes == ["no one"]
    assert failure(exercise(mistake, names=names), toy(one=lambda self, x: x)).mistakes == []


def test_what_is_seen_does_not_depend_on_the_trials_own_look():
    mistake = Catalogue()
    mistake("no one", "You forget one.", one=unchanged, only_if="True")
    trials = (Trial("test_toy", "one of 1", "Toy()", look="Toy().one(1)"),)
    assert failure(exercise(mistake, trials), toy(one=unchanged)).mistakes == ["no one"]


def test_a_look_that_raises_has_seen_nothing():
    mistake = Catalogue()
    mistake("no one", "You forget one.", one=unchanged, only_if="1 / 0")
    assert failure(exercise(mistake), toy(one=unchanged)).mistakes == []


def test_a_mistake_against_which_there_is_evidence_is_not_named():
    evidence = Trial("test_toy", "the number of calls", "calls(Toy)")
    names = {"calls": lambda cls: getattr(cls, "calls", 1)}
    an_exercise = exercise(catalogue(one=unchanged), evidence=evidence, names=names)
    assert failure(an_exercise, toy(one=unchanged)).mistakes == ["no one"]
    assert failure(an_exercise, toy(one=unchanged, calls=2)).mistakes == []
    both = toy(one=unchanged, three=lambda self, x: -7, calls=2)
    assert (
        failure(
            exercise(catalogue(one=unchanged), MANY, evidence=evidence, names=names), both
        ).mistakes
        == []
    )


def test_a_closer_look_is_for_what_no_mistake_explains():
    look = Trial("test_toy", "the name", "found(Toy)")
    too_large = Catalogue()
    too_large("large", "It is large.", runnable=False)
    for found, hints, names in (
        ("Words.", ["Words."], []),
        ("", [], []),
        (too_large[0], ["It is large."], ["large"]),
    ):
        an_exercise = exercise(
            [*catalogue(one=unchanged), *too_large],
            names={"found": lambda cls, found=found: found},
            closer_look=look,
        )
        failed = failure(an_exercise, toy(three=unchanged))
        assert (failed.hints, failed.mistakes) == (hints, names)
        assert failure(an_exercise, toy(one=unchanged)).mistakes == ["no one"]


def test_a_closer_look_is_for_its_own_check():
    look = Trial("test_other", "the name", "'Words.'")
    assert failure(exercise(Catalogue(), closer_look=look), toy(one=unchanged)).hints == []


# ---- The budget -----------------------------------------------------------------------------


def test_the_search_ends_after_so_many_trials_whatever_was_looked_for_before():
    few = exercise(catalogue(three=unchanged, two=unchanged, one=unchanged), most_runs=5)
    enough = exercise(few.mistakes, most_runs=60)
    assert failure(enough, toy(one=unchanged)).mistakes == ["no one"]
    assert failure(few, toy(one=unchanged)).mistakes == []
    assert failure(few, toy(one=unchanged)).mistakes == []  # although the outcomes are known now


# ---- Earlier pieces -------------------------------------------------------------------------

LEARNERS_MODULE = """
class Piece:
    def add(self, x):
        return x + {number}

class Toy(Right):
    def one(self, x):
        return Piece().add(x)
"""


class Piece:
    def add(self, x):
        return x + 1


def written(source, **names):
    names = {"Right": Right, "__name__": "__main__", **names}
    exec(source, names)
    return names


def test_an_earlier_piece_with_the_courses_in_its_place_all_is_right_is_blamed():
    names = written(LEARNERS_MODULE.format(number=0))
    an_exercise = exercise(catalogue(one=unchanged), pieces={"Piece": Piece})
    found = failure(an_exercise, names["Toy"])
    assert found.blamed == "Piece"
    assert found.mistakes == []
    assert found.hints == [
        "Your Piece is at fault: with the course's the same Toy is right. Run its checks again."
    ]
    assert names["Piece"]().add(1) == 1  # the learner's is back


def test_it_is_not_blamed_if_something_else_is_wrong_too():
    source = LEARNERS_MODULE.format(number=0) + "    def two(self, x):\n        return x\n"
    an_exercise = exercise(catalogue(one=unchanged, two=unchanged), pieces={"Piece": Piece})
    found = failure(an_exercise, written(source)["Toy"])
    assert (found.blamed, found.mistakes) == ("", ["no one", "no two"])


def test_a_right_piece_is_not_blamed():
    source = LEARNERS_MODULE.format(number=1) + "    def two(self, x):\n        return x\n"
    found = failure(
        exercise(catalogue(two=unchanged), pieces={"Piece": Piece}), written(source)["Toy"]
    )
    assert (found.blamed, found.mistakes) == ("", ["no two"])


def test_a_piece_of_a_piece_is_found_in_the_names_that_it_uses():
    inner = written(
        "class Inner:\n    def add(self, x):\n        return x\n\n"
        "class Piece:\n    def add(self, x):\n        return Inner().add(x)\n"
    )
    outer = written(
        "class Toy(Right):\n    def one(self, x):\n        return Piece().add(x)\n",
        Piece=inner["Piece"],
    )
    an_exercise = exercise(Catalogue(), pieces={"Inner": Piece, "Piece": Piece})
    assert failure(an_exercise, outer["Toy"]).blamed == "Inner"


def test_the_courses_own_piece_is_never_blamed():
    source = "class Toy(Right):\n    def one(self, x):\n        return Piece().add(x) - 1\n"
    found = failure(
        exercise(Catalogue(), pieces={"Piece": Piece}), written(source, Piece=Piece)["Toy"]
    )
    assert found.blamed == ""
