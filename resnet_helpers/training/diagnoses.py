"""What a learner may say of lesson 7's six broken runs: which words are right, and a hint else.

Reading on gives the answers away.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from resnet_helpers.arguments import said
from resnet_helpers.statements import Claim, clauses, diagnoses_of
from resnet_helpers.training.broken_runs import NUMBERS, check_number


def check_run_diagnosis(number: int, mistake: str) -> None:
    """Print whether a diagnosis is right, or else in a sentence or two how to look further.

    Words that are not recognised may be right all the same: no list knows all of them.

    Args:
        number: which of the broken runs, from 1 to 6.
        mistake: what is wrong with it, in a few words.

    Raises:
        InvalidArgumentError: a ValueError: there is no run of that number.
    """
    check_number(number)
    case = _CASES[number]
    words = str(mistake)
    for pattern, usual in _OTHER_WRITINGS.items():
        words = re.sub(pattern, usual, words, flags=re.IGNORECASE)
    if _names_several(number, words):
        answer = f"these words may name several mistakes: name one. {case.what_to_look_at}"
    elif case.claim.is_made_in(words):
        answer = f"right! {case.answer}"
    else:
        answer = f"these words are not recognised. {case.what_to_look_at}"
    print(f"Run {number}: {answer}")


def check_run_diagnoses(run_diagnoses: Callable[[], dict[int, str]]) -> None:
    """Print a line for each of the six runs: whether its diagnosis is right, or a hint.

    Args:
        run_diagnoses: takes nothing, and returns {number: mistake} for those that are found.

    Raises:
        StubNotFilled: `run_diagnoses` is still a stub.
        CourseError: it returns something else.
    """
    found = diagnoses_of(run_diagnoses, "run_diagnoses", '{1: "the mistake in a few words", 2: …}')
    for number in NUMBERS:
        match found.get(number):
            case None:
                print(f"Run {number}: no diagnosis yet.")
            case str(mistake):
                check_run_diagnosis(number, mistake)
            case _:
                print(f"Run {number}: give one string, the mistake in a few words.")
    for number in found.keys() - set(NUMBERS):
        print(f"Run {said(number)}: there is none. They are numbered from 1 to {NUMBERS[-1]}.")


@dataclass(frozen=True)
class _Case:
    """What a learner may say of a run, and how to help.

    `cause` is the part of the claim that no other run shows as well: whoever says it besides the
    claim of another run is guessing.
    """

    claim: Claim
    answer: str
    what_to_look_at: str
    cause: Claim | None = None  # all of the claim


def _names_several(number: int, words: str) -> bool:
    """Whether the words name the causes of several runs, or speak of most of them."""
    parts = [clause for part in _OR.split(words) for clause, _ in clauses(part)]
    named = set()
    for run, case in _CASES.items():
        claims = [case.cause or case.claim] + [case.claim] * (run == number)
        if any(claim.is_made_in(part) for claim in claims for part in parts):
            named.add(run)
    spoken_of = [topic for topic in _TOPICS if re.search(topic, words, re.IGNORECASE)]
    return len(named) > 1 or len(spoken_of) > len(_TOPICS) / 2


# What statements.py would take for the end of a clause, or for a negation.
_OTHER_WRITINGS = {
    r"\(\)": "",  # of a call
    r"\bto none\b": "to zero",
    r"\boff[- ]by\b": "shifted by",
    r"\bcut off\b": "cut",
    r"\bnot (zero[ _-]?grad\w*),? but\b": r"\1 is called, but",
    r"\b(zero[ _-]?grad\w*) (is|are) (right|ok|okay|fine|correct)\b": r"\1 is called",
}
_TOPICS = (  # what each run's mistake is about
    r"zero[ _-]?grad|accumulat",
    "label",
    r"\beval",
    r"learning[ _-]?rate|\blr\b",
    "detach|skip|short-?cut",
    "momentum",
)
_OR = re.compile(r"\bor\b|[/&+|\n]")
_RESET = r"(zeroed|cleared|reset|emptied|erased|set to (0|zero|none))"
_LABELS = r"((label|target|ground truth)\w*|\by\b)"
_APART = (
    r"(wrong|incorrect|shift|out of (step|sync|order|phase)|previous|preceding|earlier|last batch"
    r"|next batch|mix|shuffl|mismatch|misalign|random|\blag|\bold\b|another|\bother"
    r"|different|permut|scrambl|swap|delay|\blate|stale|one batch)"
)
_BEFORE = r"(behind|before)\b(?!.*(grad|step|backward|forward|loss|model|net))"
_RATE_ITSELF = r"(learning[ _-]?rate|\blr\b|\bstep ?sizes?)"
_RATE = rf"({_RATE_ITSELF}|\bsteps?|\bupdates?)"
_LARGE = r"(high|larg|big|huge|enormous|great|\b3(\.0*)?\b|kill)"
_SMALL = r"(low|small|tiny|little|less)"
_SKIP = (
    r"(skip|short-?cut|\bright\b|identity|residual|\bconnection|bypass|around|downsampl|projection"
    r"|\b1 ?x ?1\b)"
)
_CUT = r"(detach|cut|block(s|ed)\b|stop|no_grad|interrupt)"
_RUNNING = r"(running|stat(istic)?s\b|moving (average|mean))"
_OLD = r"(lag|behind|slow|late|hardly|barely|scarcely|stale|outdated|initial|old\b)"
_STAYS = (
    r"\b(left|leaves?|leaving|stay|stays|stayed|remain\w*|stuck|always|still|on|off|keeps?|kept"
    r"|trains|trained|training|learns|loop|steps?|whole)\b"
)
_TRAIN_ONCE = (
    r"\btrain\b.*\b(only|once|just|outside)\b"
    r"|\b(only|once|just)\b.*\b(call\w*|set) (model\.)?train\b"
)
_BATCHNORM = r"\b(batch[ -]?norm\w*|bn)"
_MOMENTUM = Claim(
    affirms=rf"momentum.*\b({_SMALL}|0?\.001|1e-0?3)|{_SMALL}\w* (\w+ )?momentum"
    rf"|{_BATCHNORM}('s)? momentum|momentum (of|in) (\w+ )?{_BATCHNORM}",
    denies=r"momentum.*\b(larg|high|big|0?\.1\b)|(larg|high|big)\w* (\w+ )?momentum"
    r"|(sgd|optimi[sz]er)\S* momentum",
)

_CASES = {
    1: _Case(
        Claim(
            affirms=r"accumulat|\b(add|pil|build|sum)\w* (up|over|together)"
            r"|grad\w*.*\b(kept|remain|stay|left over|carried|summed|added)|sum of all grad",
            denies=rf"zero[ _-]?grad|zeroing"
            r"|(zero|clear|reset)\w* (out )?(the |all |their )?(old )?(\w*\.)?grad"
            rf"|grad\w*.*\b{_RESET}",
        ),
        answer="The gradients are never zeroed, so every step follows the sum of all so far.",
        what_to_look_at="Compare the gradient norms of the first steps with those of "
        "run.healthy: what makes them grow? Then read the loop line by line: is a line missing "
        "that your train_step has?",
    ),
    2: _Case(
        Claim(
            affirms=rf"{_LABELS}.*{_APART}|{_APART}.*{_LABELS}|{_LABELS}.*{_BEFORE}|mislabel",
            denies=rf"{_LABELS}.*\b(match|fit|correspond|belong|agree|aligned|in (step|sync|order)"
            rf"|not (the )?(right|correct))(?!.*{_APART})"
            rf"|\b(match|fit|correspond|belong|aligned)\w*.*{_LABELS}"
            rf"|\b(right|correct)\w* {_LABELS}",
        ),
        answer="Each batch comes with the labels of another batch, the one before it.",
        what_to_look_at="Nothing explodes or dies here, so the network could learn: what is there "
        "to be learned? Look at a batch as the loop got it, with show_crops(run.images, "
        "run.labels, IMAGE_FILENAMES).",
    ),
    3: _Case(
        Claim(
            affirms=rf"^(?!.*{_RUNNING}.*\b{_OLD})(.*\b(in|into|to) (\w+ )?eval"
            rf"|.*\beval.*{_STAYS}|.*{_STAYS}.*\beval)"
            r"|\.eval\b.*share_right|share_right.*\.?eval\b|training *=+ *false"
            r"|us\w+ (the |its )?running|num_batches_tracked.*\b(0|zero)\b|" + _TRAIN_ONCE,
            denies=rf"^(?!.*({_TRAIN_ONCE}))(.*\btrain(ing)?[ _-]mode|.*\.train\b"
            r"|.*\b(call\w*|followed by) (\w+ )?train\b)|running.*\bupdat"
            r"|batch('s)?( own)? (stat|mean|var)"
            r"|\b(put|set|switch|turn|restor|chang)\w* (?!.*eval).*\bmode\b"
            r"|mode .*\b(restored|reset|put back|switched)|\bback (to|in|into) train|switched back"
            r"|\beval\b.*\b(undone|reverted|reversed|taken back)|num_batches_tracked.*\b(grow|count"
            r"|increas|chang|mov)|\beval( mode)? only\b|\beval\b.*\b(for|while|during|in) measur",
        ),
        cause=Claim(
            affirms=rf"^(?!.*{_RUNNING})(.*\beval.*{_STAYS}|.*{_STAYS}.*\beval)|" + _TRAIN_ONCE,
            denies=r"\btrain(ing)?[ _-]mode|\.train\b|\beval\b.*\b(undone|reverted|reversed)",
        ),
        answer="From the first step on the network is in eval mode: share_right puts it there, and "
        "nothing puts it back. Its batchnorms never see the batch's own statistics.",
        what_to_look_at="Compare the spread of the outputs with that of a healthy run: what do the "
        "batchnorms not do here? Look at running_mean and num_batches_tracked of one of them in "
        "run.model: how many batches has it seen?",
    ),
    4: _Case(
        Claim(
            affirms=rf"{_RATE}.*{_LARGE}|{_LARGE}\w* (an? )?{_RATE}",
            denies=rf"{_RATE}.*\b{_SMALL}|{_SMALL}\w* {_RATE}",
        ),
        cause=Claim(
            affirms=rf"{_RATE_ITSELF}.*{_LARGE}|{_LARGE}\w* (an? )?{_RATE_ITSELF}",
            denies=rf"{_RATE_ITSELF}.*\b{_SMALL}|{_SMALL}\w* {_RATE_ITSELF}",
        ),
        answer="The learning rate, 3, is too high: the first steps are as large as the weights "
        "themselves, and most channels of the last block are dead from then on.",
        what_to_look_at="Look at the share of dead channels, and at the update in relation to the "
        "weights in the first steps: what decides how large it is? What else belongs to the run "
        "than its loop? print(run.optimizer).",
    ),
    5: _Case(
        Claim(
            affirms=rf"\bdetach|{_SKIP}.*\b{_CUT}|\b{_CUT}\w*.*{_SKIP}|grad\w*.*\bonly\b.*\bleft"
            r"|\bonly (the )?left (branch|path|side|layer|conv)",
            denies=rf"^(?!.*\b({_CUT}|freez|frozen|vanish|explod|disappear))(.*\bgrad.*{_SKIP}"
            rf"|.*{_SKIP}.*\b(grad|learn|train|updat|backprop|backward)"
            rf"|.*\b(learn|train|updat|backprop)\w*.*{_SKIP})",
        ),
        answer="The skip connections are detached: each block adds what comes over them, but no "
        "gradient goes back that way.",
        what_to_look_at="run.recording.plot_gradients() lists the layers that never get a "
        "gradient: what do they have in common? Then read the forward of the module that they "
        "belong to, inspect.getsource(type(module).forward).",
    ),
    6: _Case(
        Claim(
            affirms=rf"{_MOMENTUM.affirms}|{_RUNNING}.*\b{_OLD}|\b{_OLD}\w* .*{_RUNNING}"
            rf"|{_RUNNING}.*\b(stay|remain|stuck)\w* .*\b(0|1|zero|one)\b",
            denies=rf"{_MOMENTUM.denies}|{_RUNNING}.*\b(caught|catch|keep|kept|up to date|follow"
            rf"|converge|adapt|updat\w* (fast|quick|enough|often)|(fast|quick)\w* enough)",
        ),
        cause=_MOMENTUM,
        answer="The batchnorms' momentum is 0.001, so that after 80 steps their running statistics "
        "are still close to the 0s and 1s that they started with.",
        what_to_look_at="It learns, but in one mode only: what does a batchnorm use in the other, "
        "and how fast does that follow? Print one of the batchnorms of run.model.",
    ),
}
