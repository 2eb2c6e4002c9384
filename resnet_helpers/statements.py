"""What a few words of a learner's say of a network, and what they deny: enough to know a diagnosis.

A statement is cut into clauses, each of which affirms what it speaks of, or denies it: an even
number of negative words affirms ("relu is not missing"), an odd one denies ("there is no relu").
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from resnet_helpers.errors import CourseError, one_line


def _any_of(words: str) -> re.Pattern:
    """A pattern of whole words, written with a space between two, and _ for a space within one."""
    return re.compile(rf"\b(?:{'|'.join(words.split())})\b".replace("_", " "))


# Where one clause ends and the next begins: at punctuation, at these words, and before those.
_PUNCTUATION = re.compile(r"[,;:!?()]|\.(?=\s|$)")
_BETWEEN = _any_of("and but because since so then that which it they")
_BEFORE = _any_of(
    "instead_of rather_than without where when while whereas although though despite even"
)
_NEGATIVE = _any_of(
    r"not no never none nothing nobody neither without instead_of rather_than should ought "
    r"needs? needed miss(?:es|ing)? lack\w* forg[eo]t\w* omit\w* skips skipped drops dropped "
    r"absent gone left_out remov\w+ delet\w+ replaced disabled off bypass\w* ignor\w+ fail\w* "
    r"prevent\w* avoid\w* protect\w* (?:is|are)_(?:right|ok|okay|fine|correct)"
)
_OF_THE_REFERENCE = re.compile(
    r"(?<!\bas )(?<!\bthan )(?<!\bthose )\bin (?:the )?(?:reference|original|torchvision)"
)
_COMPARISON = _any_of(r"differ\w* other unlike from")
_NOTHING_WRONG = re.compile(
    r"\b(?:not|no|never|nothing)\b(?: \w+){0,2} (?:wrong|problem|bug|fault|mistake|issue)s?\b"
)
_OTHER_WRITINGS = {
    r"[’`´]": "'",
    r"n't\b": " not",
    r"\b(is|are|was|were|do|does|did|has|have|had|can|should|could|would)nt\b": r"\1 not",
    r"\bcannot\b": "can not",
    r"\bun(copied|loaded|set|used|applied)\b": r"not \1",
    r"\((\w+)(?:, *\1)?\)": r" \1",  # (relu), (2, 2)
    r"\bbetween (.+?) and\b": r"between \1 or",
    r"\bmean and\b": "mean or",
    r"\s+": " ",
}


def clauses(statement: str) -> Iterator[tuple[str, bool]]:
    """The clauses of a statement, each with whether it affirms what it speaks of.

    What is said to be so in the reference is denied of the broken network.
    """
    text = statement.lower()
    for pattern, usual in _OTHER_WRITINGS.items():
        text = re.sub(pattern, usual, text)
    text = _BEFORE.sub(r",\g<0>", text)
    text = _BETWEEN.sub(",", text)
    for clause in filter(str.strip, _PUNCTUATION.split(text)):
        negatives = len(_NEGATIVE.findall(clause))
        if not negatives and not _COMPARISON.search(clause):
            negatives = len(_OF_THE_REFERENCE.findall(clause))
        yield clause.strip(), negatives % 2 == 0


@dataclass(frozen=True)
class Claim:
    """What somebody has to say to be right: a pattern of what to affirm, and of what to deny."""

    affirms: str
    denies: str

    def is_made_in(self, statement: str) -> bool:
        """Whether the statement makes the claim, and nowhere its opposite."""
        right = False
        for clause, affirmed in clauses(statement):
            says, opposite = (
                (self.affirms, self.denies) if affirmed else (self.denies, self.affirms)
            )
            if re.search(opposite, clause) or _NOTHING_WRONG.search(clause):
                return False
            right = right or bool(re.search(says, clause))
        return right


def diagnoses_of(function: Callable[[], dict], name: str, example: str) -> dict:
    """What a learner's function says of each broken thing, by its number.

    Args:
        function: the learner's, without arguments.
        name: what it is called; its check is called check_ and that.
        example: a dictionary as it should return.

    Raises:
        StubNotFilled: it is still a stub.
        CourseError: it is no function, raises, or returns something else.
    """
    from resnet_helpers.tests.failure import StubNotFilled

    if not callable(function):
        raise CourseError(
            f"Pass the function itself, with no brackets: check_{name}({name}). This is of type "
            f"{type(function).__name__}."
        )
    try:
        found = function()
    except NotImplementedError:
        raise StubNotFilled(f"check_{name}", name) from None
    except Exception as error:
        raise CourseError(
            f"{name}() raised {one_line(error)}. It takes nothing and returns a dictionary: "
            f"{example}."
        ) from error
    if not isinstance(found, dict):
        raise CourseError(
            f"{name}() returned something of type {type(found).__name__}. Return a dictionary: "
            f"{example}."
        )
    return found
