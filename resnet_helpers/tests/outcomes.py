"""What comes out of a trial, when two outcomes are the same, and the words for how they differ."""

import math
import re
import reprlib
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.tests.failure import learners_line

FLOAT_TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
MOST_NUMBERS_SHOWN = 8
MOST_NUMBERS_COMPARED = 10_000_000
MOST_LINES_PRINTED = 4
RETURNED_NONE = "Your code returned None: is there a `return` at its end?"
LONGEST_MESSAGE = 2000  # of an error: characters beyond are cut off


class Described:
    """An outcome that shows itself, and says how another one differs from it."""

    def shown(self, subject: str) -> str:
        raise NotImplementedError

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        raise NotImplementedError


@dataclass(frozen=True)
class Crash:
    """The outcome of a trial that raised: what, and in which function and line of the learner's."""

    kind: str
    message: str = field(compare=False)
    function: str = field(compare=False)
    line: str = field(compare=False)

    @classmethod
    def of(cls, error: BaseException) -> "Crash":
        message = " ".join(text_of(error)[:LONGEST_MESSAGE].split())
        return cls(type(error).__name__, message, *learners_line(error))


BRIEFLY = reprlib.Repr()
BRIEFLY.maxlevel = 20
for kind in ("list", "tuple", "dict", "set", "string", "other"):
    setattr(BRIEFLY, f"max{kind}", LONGEST_MESSAGE)


def text_of(value: Any) -> str:
    """str(value), or its type where that raises: a learner's class may define it.

    What is nested deeply is cut off there: Python takes minutes for a hundred thousand levels.
    """
    try:
        if isinstance(value, BaseException) and type(value).__str__ is BaseException.__str__:
            value = value.args[0] if len(value.args) == 1 else value
        return BRIEFLY.repr(value) if type(value) in (list, tuple, dict, set) else str(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever it is, it ends no check
        return f"(a {type(value).__name__} that cannot be shown)"


def is_stub(outcome: Any) -> bool:
    """Whether an exercise's own `raise NotImplementedError()` was reached."""
    if not isinstance(outcome, Crash):
        return False
    return outcome.kind == "NotImplementedError" and bool(outcome.function) and not outcome.message


def same(a: Any, b: Any) -> bool:
    """Whether two outcomes are equal, floats up to rounding, which differs by machine."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if unusual(a) or unusual(b):
            return a is b
        if any(getattr(a, what) != getattr(b, what) for what in REMARKS_ON_TENSORS):
            return False
        # `equal` first, which most often is all it takes: `allclose` takes ten times as long
        return torch.equal(a, b) or torch.allclose(a, b, equal_nan=True, **FLOAT_TOLERANCE)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):  # a setting, such as eps, must be the same; a result rounds
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-7) or (math.isnan(a) and math.isnan(b))
    return a == b


def can_be_compared(outcome: Any) -> bool:
    """Whether `same` tells it from others of its kind by what it holds, and raises nothing."""
    if isinstance(outcome, Tensor):
        small = unusual(outcome) == "" and outcome.numel() <= MOST_NUMBERS_COMPARED
        return small and not outcome.is_meta
    if isinstance(outcome, dict):
        outcome = list(outcome.values())
    try:
        if isinstance(outcome, (list, tuple)):
            return all(map(can_be_compared, outcome))
    except RecursionError:
        return False
    return outcome is None or isinstance(outcome, (Described, Crash, bool, int, float, str))


def unusual(tensor: Tensor) -> str:
    """What sort of tensor it is if not like others, whose values can be compared; "" if it is."""
    if type(tensor) not in (Tensor, nn.Parameter):
        return f"a tensor of class {type(tensor).__name__}"
    if tensor.is_nested:
        return "a nested tensor"
    if tensor.layout != torch.strided:
        return "a sparse tensor"
    return "a quantised tensor" if tensor.is_quantized else ""


def difference(subject: str, expected: Any, got: Any) -> tuple[str, str, str]:
    """How to show what was expected and what came out, and a sentence on how they differ."""
    if isinstance(expected, Described) and isinstance(got, type(expected)):
        return expected.difference(subject, got)
    if isinstance(expected, dict) and isinstance(got, dict):
        return entry_difference(subject, expected, got)
    if isinstance(expected, Tensor) and isinstance(got, Tensor):
        return tensor_difference(subject, expected, got)
    return shown(subject, expected), shown(subject, got), remark_on_kind(expected, got)


def remark_on_kind(expected: Any, got: Any) -> str:
    """What to say of an outcome that is not even of the kind that was expected."""
    if isinstance(got, Crash):
        return remark_on_crash(got)
    if got is None:
        return RETURNED_NONE
    if isinstance(got, str):  # our own words, as for a gradient that is not there
        return ""
    if type(got) is not type(expected) and isinstance(expected, (Tensor, Described)):
        return f"Your code returned something of type {type(got).__name__}, and no tensor."
    return ""


def remark_on_crash(crash: Crash) -> str:
    """What to say of an error, as far as its own words show where it comes from."""
    if remark := certain_remark(crash):
        return remark
    if crash.line:
        likely = remark_from(REMARKS_ON_LINES, crash)
        return likely or "Your code raised an error: follow the input above to that line."
    if is_of_a_call(crash):
        return "The call does not fit your signature: keep the exercise's arguments."
    return "The error arose outside your lines, from what they returned or left undone."


def is_of_a_call(outcome: Any) -> bool:
    """Whether a call of the check's own raised, as it does not fit the learner's signature."""
    return (
        isinstance(outcome, Crash)
        and not outcome.line
        and outcome.kind == "TypeError"
        and bool(re.search(r"\(\) (takes|missing|got) ", outcome.message))
    )


def certain_remark(crash: Crash) -> str:
    """What to say of an error whose own words show the mistake, wherever it arose; "" of others."""
    return remark_from(REMARKS_ON_CRASHES, crash)


def remark_from(table: dict[str, str], crash: Crash) -> str:
    """What the table says of the error, if anything."""
    for pattern, remark in table.items():
        if match := re.search(pattern, f"{crash.kind}: {crash.message}"):
            return remark.format(*match.groups())
    return ""


# A pattern of "Kind: message" -> what to say, with the groups of the match.
REMARKS_ON_CRASHES = {
    r'Module \[Module(List|Dict)\] is missing the required "forward"': (
        "A Module{} only holds modules: loop over it, or use Sequential(*stages)."
    ),
    r'is missing the required "forward"': (
        "Your class has no method called forward: check its name and indentation."
    ),
    r"before Module.__init__\(\) call|no attribute '_(\w*hooks?|modules|parameters|buffers)'": (
        "Call super().__init__() in the first line of your __init__, and assign to no name of "
        "nn.Module's own, such as _modules."
    ),
    r"forward\(\) takes 1 positional argument but 2": (
        "Your forward takes no input: its first line is def forward(self, x)."
    ),
    r"__init__\(\) should return None": (
        "An __init__ of yours returns something. It only sets attributes: leave `return` out."
    ),
    r"<genexpr> is not a Module subclass": (
        "You pass a generator where single modules are wanted: put a star before it, as in "
        "Sequential(*blocks)."
    ),
    r"^TypeError: (list|tuple|generator|map|zip) is not a Module subclass": (
        "You pass a {} where single modules are wanted: put a star before it, as in "
        "Sequential(*blocks)."
    ),
    r"^TypeError: (int|float|bool|str|dict|set) is not a Module subclass": (
        "You pass a value of type {} where a module is wanted."
    ),
    r"Tensor is not a Module subclass": "You pass a tensor where a module is wanted.",
    r"([A-Z]\w*) is not a Module subclass": (
        "You pass the class {0} itself. Make a module of it with brackets: {0}()."
    ),
    r"<lambda> is not a Module subclass": (
        "A lambda is a function, and a module is wanted: ReLU(), say, which does what F.relu does."
    ),
    r"(\w+) is not a Module subclass": (
        "{} is a function, and a module is wanted: ReLU(), say, which does what F.relu does."
    ),
    r"as child module '(\w+)'": (
        "self.{} holds a module, so only a module, or None, can take its place."
    ),
    r"module name should be a string": (
        "Names of modules are strings: turn the number into one with str()."
    ),
    r"dictionary changed size during iteration": (
        "You add to a dictionary, or take from it, while you loop over it. Loop over a copy: "
        "for key in list(dictionary)."
    ),
    r"cannot access local variable '(\w+)'": (
        "Your function assigns to {0} somewhere, which makes {0} a variable of its own, without a "
        "value on this line. If you mean the notebook's {0}: global {0}."
    ),
    r"element 0 of tensors does not require grad": (
        "Your output is cut off from the graph: look for no_grad, detach, .data or torch.tensor "
        "in your code."
    ),
    r"^IndexError: Dimension out of range .*but got (-?\d+)": (
        "That tensor has no axis {}: they count from 0. A mean or sum over one axis takes it away, "
        "and those behind it move up: take both at once, or the last first."
    ),
    r"modified by an inplace operation": (
        "You change in place (with +=, inplace=True or a method ending in _) a tensor that "
        "backward still needs: make a new one."
    ),
    r"grad can be (?:implicitly )?created only for scalar outputs": (
        "backward() starts from one number, and this tensor holds several: take its mean() first."
    ),
    r"^AttributeError: module '([\w.]+)' has no attribute '(\w+)'": (
        "{} has nothing called {}: look up what it is called."
    ),
    r"argument 'input' .*must be Tensor, not ([\w.]+)": (
        "A value of type {} stands where a tensor is wanted."
    ),
}
REMARKS_ON_LINES = {  # where the learner's line is known, and shown above the remark
    r"^RecursionError": (
        "Your code calls itself over and over: does a class make itself in __init__, or does "
        "forward call self(x)?"
    ),
    r"^AssertionError": "The assertion does not hold for what was tried, and that has to work.",
    r"^NameError: name '(\w+)' is not defined": (
        "Nothing is called {0} here: is it an attribute (self.{0}), spelled otherwise, or not "
        "imported?"
    ),
    r"^UnboundLocalError: \D*'(\w+)'": (
        "{} has no value yet when this line runs: is it assigned further down, or only inside an "
        "`if` or a loop?"
    ),
    r"'NoneType' object has no attribute '(\w+)'": (
        "What stands before .{} is None: a bias that a layer does not have, say, or what a "
        "function without `return` gives."
    ),
    r"'tuple' object (?:has no attribute '(?:append|insert|extend|pop|remove)'|does not support)": (
        "A tuple cannot be changed: make a new list of its entries, as in [first, *others]."
    ),
    r"^AttributeError: '(\w+)' object has no attribute '(\w+)'": (
        "This {} has nothing called {}: is it spelled otherwise, or never assigned?"
    ),
    r"^TypeError: can only concatenate (list|tuple) \(not \"(\w+)\"\)": (
        "A {0} can only be added to a {0}, and this is a value of type {1}. A star takes the "
        "entries out of either: [first, *others]."
    ),
    r"unsupported operand type\(s\) for (.+?): .*'NoneType'": (
        "One side of {} is None here: a bias that a layer does not have, say, or what a function "
        "without `return` gives."
    ),
    r"unsupported operand type\(s\) for (.+?): '(\w+)' and '(\w+)'": (
        "{} stands between a value of type {} and one of type {}: one of them is not what you "
        "take it for."
    ),
    r"'NoneType' object is not callable": (
        "What stands before the brackets is None: ask whether it `is not None` before you call it."
    ),
    r"'(list|tuple|dict)' object is not callable": (
        "You call a {} like a function: loop over what it holds, or make a Sequential of it."
    ),
    r"'(\w+)' object is not callable": (
        "You call a value of type {} like a function: look at what stands before the brackets."
    ),
    r"'(\w+)' object is not iterable": (
        "A value of type {} stands where several are wanted, as after `in`, in zip or after a star."
    ),
    r"'(\w+)' object is not subscriptable": (
        "Square brackets stand behind a value of type {}, which has no entries."
    ),
    r"(\w+)\.__init__\(\) missing \d+ required positional arguments?: (.+)": (
        "{}(…) also needs {}."
    ),
    r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'": (
        "No argument called {1} is taken there: look at the signature of what is called."
    ),
    r"(\w+)\.__init__\(\) got multiple values for argument '(\w+)'": (
        "You give {} its {} twice, by position and by name."
    ),
    r"(\w+)\.__init__\(\) takes .*positional arguments? but \d+": (
        "More arguments are given there than taken. If one is a tensor, the module is still to be "
        "made: {0}()(x)."
    ),
    r"forward\(\) missing \d+ required positional argument": "You call a module without its input.",
    r"forward\(\) takes .*positional arguments but \d+": (
        "You call a module with more than its input."
    ),
    r"[Bb]ool(?:ean)? value of Tensor with more than one value": (
        "You use a tensor of several values as a condition: compare its shape, or one number, or "
        "use any() or all()."
    ),
    r"^IndexError: (list|tuple) .*index out of range": (
        "An index is past the end of the {}: it is shorter than you take it for."
    ),
    r"^ValueError: (too many|not enough) values to unpack": (
        "There are {} values on the right for the names on the left."
    ),
    r"^ValueError: zip\(\) argument": "What you zip is not all of one length.",
    r"leaf Variable that requires grad": (
        "You change in place (with += or a method ending in _) a parameter or the input, while "
        "gradients are recorded: make a new tensor."
    ),
    r"output with shape (\[.*\]) doesn't match the broadcast shape (\[.*\])": (
        "A result of shape {1} does not fit into a tensor of shape {0}. Broadcasting lines axes up "
        "from the right: is a vector to be reshaped first, to (-1, 1, 1, 1) for the first of four "
        "axes?"
    ),
    r"size of tensor a \(\d+\) must match the size of tensor b": (
        "Two tensors of shapes that do not fit meet there: print both shapes just before."
    ),
    r"expected 4D input \(got (\d)D input\)": (
        "A batchnorm wants four axes: batch, channels, height and width. Here it gets {}."
    ),
    r"to have (\d+) channels, but got (\d+) channels": (
        "A convolution made for {} channels gets {}."
    ),
    r"mat1 and mat2": (
        "A Linear layer, or a matrix product, gets another number of features than it is made "
        "for: print the shape just before."
    ),
    r"invalid combination of arguments - got \(NoneType": (
        "None stands where a tensor is wanted: does something lack its `return`?"
    ),
}


def tensor_difference(subject: str, expected: Tensor, got: Tensor) -> tuple[str, str, str]:
    """Where two tensors part: in shape, dtype, device or, if in none of those, the first value."""
    if kind := unusual(got):
        return shown(subject, expected), kind, "Return an ordinary tensor."
    for what, remark in REMARKS_ON_TENSORS.items():
        wanted, had = getattr(expected, what), getattr(got, what)
        if wanted != had:
            if what == "shape":
                wanted, had = tuple(wanted), tuple(had)
            return f"{subject} of {what} {wanted}", f"{subject} of {what} {had}", remark
    return value_difference(subject, expected, got)


REMARKS_ON_TENSORS = {
    "shape": "The shape is wrong: look at which axes your code keeps, drops, adds or swaps.",
    "dtype": "The dtype is wrong: results and new tensors keep the dtype of the input.",
    "device": "The device is wrong: results and new tensors stay on the device of the input.",
}


def entry_difference(subject: str, expected: dict, got: dict) -> tuple[str, str, str]:
    """The entries in which two dictionaries differ, or the order of both."""
    names = [name for name in {**expected, **got} if not same(expected.get(name), got.get(name))]
    if not names:
        return f"{subject}: {list(expected)}", f"{subject}: {list(got)}", "The order differs."

    def entries(of: dict) -> str:
        return short(", ".join(f"{name}: {of.get(name, 'none')}" for name in names), 250)

    remark = f"The other {subject} are right." if len(names) < len(expected) else ""
    return f"{subject}: {entries(expected)}", f"{subject}: {entries(got)}", remark


def value_difference(subject: str, expected: Tensor, got: Tensor) -> tuple[str, str, str]:
    """The first value in which two tensors of one shape differ, and what all of them share."""
    differs = ~torch.isclose(got, expected, equal_nan=True, **FLOAT_TOLERANCE)
    position = tuple(differs.nonzero()[0].tolist())
    place = f"{subject}{list(position) if position else ''}"
    count = f"{differs.sum()} of {differs.numel()} values differ, the first at {place}. "
    remark = count if differs.numel() > 1 else ""
    if got.isnan().any() and not expected.isnan().any():
        remark += "Yours has NaN in it: look for 0/0, or a root of something negative."
    else:
        remark += pattern(expected.double(), got.double())
    if differs.numel() <= MOST_NUMBERS_SHOWN:
        return shown(subject, expected), shown(subject, got), remark.strip()
    return f"{place} = {expected[position]:.5g}", f"{place} = {got[position]:.5g}", remark.strip()


def pattern(expected: Tensor, got: Tensor) -> str:
    """What the values of `got` have in common, in a sentence, if it is something simple."""
    changes = {"+": got - expected, "*": got / expected}
    for sign, values in changes.items():
        if is_constant(values) and got.any():
            return f"Yours are the expected values {sign} {values.flatten()[0]:.5g}."
    if same(got.flatten().sort().values, expected.flatten().sort().values):
        return "Yours are the expected values in another order."
    if expected.ndim == 4:
        for sign, values in changes.items():
            if all(is_constant(channel) for channel in values.unbind(1)):
                each = numbers([channel[0, 0, 0].item() for channel in values.unbind(1)])
                return f"Channel by channel, yours are the expected values {sign} {each}."
    wrong = (~torch.isclose(got, expected, **FLOAT_TOLERANCE)).nonzero()
    for axis, size in enumerate(expected.shape):
        if expected.numel() > MOST_NUMBERS_SHOWN and len(wrong[:, axis].unique()) == 1 < size:
            return f"All of them have index {wrong[0, axis]} on axis {axis}."
    return ""


def is_constant(values: Tensor) -> bool:
    """Whether these are several values, finite and equal up to rounding."""
    first = values.flatten()[:1]
    return (
        values.numel() > 1
        and bool(values.isfinite().all())
        and same(values, first.expand(values.numel()).view_as(values))
    )


def shown(subject: str, value: Any) -> str:
    """An outcome in a few words."""
    if isinstance(value, Tensor):
        if value.numel() <= MOST_NUMBERS_SHOWN:
            return f"{subject} = {numbers(value.tolist())}"
        return f"{subject} of shape {tuple(value.shape)}"
    if isinstance(value, Described):
        return value.shown(subject)
    if isinstance(value, Crash):
        return short(f"{value.kind}: {value.message}", 220)
    if isinstance(value, dict):
        value = ", ".join(f"{name}: {entry}" for name, entry in value.items())
    return short(" ".join(f"{subject}: {text_of(value)[:LONGEST_MESSAGE]}".split()), 250)


def numbers(values: Any) -> str:
    """Nested lists of numbers, five digits each."""
    if isinstance(values, list):
        return "[" + ", ".join(numbers(value) for value in values) + "]"
    if not isinstance(values, float):
        return str(values)
    return "0" if abs(values) < 1e-7 else f"{values:.5g}"


def few_lines(text: str) -> str:
    """The first lines of `text` and the last, each of them cut to fit one line of a panel."""
    lines = [short(line, 70) for line in text.splitlines()]
    left_out = len(lines) - MOST_LINES_PRINTED + 1
    if left_out > 1:
        lines[MOST_LINES_PRINTED - 2 : -1] = [f"… ({left_out} lines left out)"]
    return "\n".join(lines)


def short(text: str, length: int) -> str:
    """`text`, cut off with an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"
