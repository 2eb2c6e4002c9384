"""Lesson 6: the check of hook_check_for_nan_output, with its known mistakes."""

import dis
import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.outcomes import Described, shown
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

NAN = torch.tensor([1.0, torch.nan, 3.0])
CLEAN = torch.tensor([1.0, -2.0, 3.0])
FIRST_NAN = torch.tensor([torch.nan, 1.0])
MOSTLY_NAN = torch.tensor([torch.nan, torch.nan, 1.0])
ALL_NAN = torch.full((2,), torch.nan)
FIRST_ROW_NAN = torch.tensor([[1.0, 2.0, torch.nan], [4.0, 5.0, 6.0]])
LAST_NAN = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, torch.nan]])
INF = torch.tensor([torch.inf, 1.0])
INFS = torch.tensor([torch.inf, -torch.inf])


class Culprit(nn.Module):
    """A module whose output is whatever it was made with; the check looks for its name."""

    def __init__(self, output: Any = None, child: nn.Module | None = None):
        super().__init__()
        self.output = output
        self.child = child

    def forward(self, x):
        return self.output


@dataclass(frozen=True)
class Raised(Described):
    """What a call raised on purpose, and whether its message names the Culprit."""

    kind: str  # of the error, or why there is none
    names_module: bool = False
    text: str = field(default="", compare=False)

    @classmethod
    def of(cls, error: Exception) -> "Raised":
        message = " ".join(str(error).split())
        kind = "ValueError" if isinstance(error, ValueError) else type(error).__name__
        named = "Culprit" in message
        which = "" if named else " (which module?)"
        return cls(kind, named, f"{type(error).__name__}: {message}{which}")

    def shown(self, subject: str) -> str:
        return self.text or self.kind

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        remark = ""
        if isinstance(got, Raised) and got.text and self.text and got.kind != self.kind:
            remark = f"You raise {got.kind}. Raise a ValueError, as is asked for."
        return self.shown(subject), shown(subject, got), remark


def caught(call: Callable, *arguments: Any) -> Raised:
    """What the call raises. What nobody raised on purpose goes through."""
    try:
        result = call(*arguments)
    except NotImplementedError:  # a stub
        raise
    except Exception as error:
        if not on_purpose(error):
            raise
        return Raised.of(error)
    if isinstance(result, Exception):
        return Raised(f"nothing raised, but a {type(result).__name__} returned")
    return Raised("nothing raised")


def on_purpose(error: Exception) -> bool:
    """Whether a `raise` or an `assert` outside PyTorch raised it: no operation that went wrong."""
    step = error.__traceback__
    while step.tb_next:
        step = step.tb_next
    code = step.tb_frame.f_code
    raises = code.co_code[step.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    no_exception = "exceptions must derive from" in str(error)  # raise "some text"
    return raises and not no_exception and not code.co_filename.startswith(PYTORCH)


PYTORCH = str(Path(torch.__file__).parent)


def output_after(hook: Callable, output: Tensor) -> Tensor:
    """The output when the hook has seen it."""
    caught(hook, Culprit(), (CLEAN.clone(),), output)
    return output.detach()


def prints(hook: Callable, output: Any) -> bool:
    """Whether the hook prints something for this output."""
    with redirect_stdout(io.StringIO()) as printed:
        hook(Culprit(), (CLEAN.clone(),), output.clone())
    return bool(printed.getvalue())


@dataclass(frozen=True)
class Returned(Described):
    """What the hook returned: nothing, its output, or something else, of whatever type."""

    what: str
    type_name: str = field(default="", compare=False)

    def shown(self, subject: str) -> str:
        return f"{subject}: {self.what}" + (f", a {self.type_name}" if self.type_name else "")

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        return self.shown(subject), shown(subject, got), ""


def returned(hook, output):
    """What the hook returns for this output."""
    result = hook(Culprit(), (CLEAN.clone(),), output)
    if result is None:
        return Returned("nothing")
    if result is output:
        return Returned("the output")
    return Returned("something else", type(result).__name__)


def copied(tensors: str) -> str:
    """The text with a copy of each tensor in the place of its name: a hook may change it."""
    return re.sub(r"\b[A-Z_]{2,}\b", r"\g<0>.clone()", tensors)


def raising(tried: str, output: str, inputs="(CLEAN,)") -> Trial:
    """A trial of what the hook raises for the output of a Culprit."""
    output, inputs = copied(output), copied(inputs)
    return Trial(
        "test_nan_hook",
        tried,
        f"hook_check_for_nan_output(torch.nn.Identity(), {inputs}, {output})",
        "raised",
        look=f"caught(hook_check_for_nan_output, Culprit(), {inputs}, {output})",
    )


def returning(tried: str, output: str) -> Trial:
    """A trial of what the hook returns for the output of a Culprit."""
    return Trial(
        "test_nan_hook",
        tried,
        f"hook_check_for_nan_output(torch.nn.Identity(), (CLEAN,), {copied(output)})",
        "returned by the hook",
        look=f"returned(hook_check_for_nan_output, {copied(output)})",
    )


HOOK = "hook(module, inputs, output), output"
TRIALS = (
    raising(f"{HOOK} = [1, nan, 3]", "NAN"),
    raising(f"{HOOK} = [1, -2, 3]", "CLEAN"),
    raising("output = [nan, nan]", "ALL_NAN"),
    raising("output = [nan, 1]", "FIRST_NAN"),
    raising("output = [nan, nan, 1]", "MOSTLY_NAN"),
    raising("output of shape (2, 3), with a NaN at [1, 2] only", "LAST_NAN"),
    raising("output of shape (2, 3), with a NaN at [0, 2] only", "FIRST_ROW_NAN"),
    raising("output = [inf, 1]", "INF"),
    raising("output = [inf, -inf]", "INFS"),
    raising("input = [1, nan, 3], output = [1, -2, 3]", "CLEAN", inputs="(NAN,)"),
    raising("output = ([1, -2, 3], [1, nan, 3])", "(CLEAN, NAN)"),
    raising("output = ([1, nan, 3], [1, -2, 3])", "(NAN, CLEAN)"),
    raising("output = [[1, -2, 3], [1, nan, 3]], a list of two tensors", "[CLEAN, NAN]"),
    raising("output = ([1, -2, 3], [1, -2, 3])", "(CLEAN, CLEAN)"),
    raising("output = (None, [1, nan, 3])", "(None, NAN)"),
    raising("output = (None, [1, -2, 3])", "(None, CLEAN)"),
    raising("output = None", "None"),
    raising("output = [1, nan, 3] in float64", "NAN.double()"),
    raising("output = [1, nan, 3] with requires_grad", "NAN.requires_grad_()"),
    Trial(
        "test_nan_hook",
        "the output of a module that has children, [1, nan, 3]",
        "module = torch.nn.Sequential(torch.nn.Identity())\n"
        "hook_check_for_nan_output(module, (CLEAN.clone(),), NAN.clone())",
        "raised",
        look="caught(hook_check_for_nan_output, Culprit(child=nn.Identity()), (CLEAN.clone(),), "
        "NAN.clone())",
    ),
    Trial(
        "test_nan_hook",
        f"{HOOK} = [1, nan, 3]",
        "output_after(hook_check_for_nan_output, NAN.clone())",
        "output afterwards",
    ),
    returning(f"{HOOK} = [1, -2, 3]", "CLEAN"),
    returning(f"{HOOK} = ([1, -2, 3], [1, -2, 3])", "(CLEAN, CLEAN)"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class NanHookInSteps:
    """hook_check_for_nan_output cut into the steps that can each go wrong."""

    def is_checked(self, module):
        return True

    def looked_at(self, inputs, output):
        return output

    def parts(self, output):
        return output if isinstance(output, (tuple, list)) else (output,)

    def is_looked_into(self, part):
        return isinstance(part, Tensor)

    def has_nan(self, tensor):
        return tensor.isnan().any()

    def error(self, module):
        return ValueError(f"NaN in the output of {module}")

    def complain(self, module):
        raise self.error(module)

    def result(self, output):
        return None

    def hook(self, module, inputs, output):
        looked_at = self.looked_at(inputs, output) if self.is_checked(module) else None
        for part in self.parts(looked_at):
            if self.is_looked_into(part) and self.has_nan(part):
                self.complain(module)
        return self.result(output)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "returns something",
    "Your hook returns something, and that replaces the module's output. Return nothing.",
    result=lambda self, output: False,
)
mistake(
    "returns the output",
    "Your hook returns the output. Return nothing: whatever a hook returns takes the place of "
    "the module's output.",
    result=lambda self, output: output,
)
mistake(
    "raises on every output",
    "Your hook raises for every tensor, with a NaN in it or without. Raise only if "
    "output.isnan().any().",
    has_nan=lambda self, tensor: True,
)
mistake(
    "raises where there is no NaN",
    "Your condition is the wrong way round: you raise where there is no NaN.",
    has_nan=lambda self, tensor: not tensor.isnan().any(),
)
mistake(
    "printed instead of raised",
    "You print, and the network runs on. Raise instead: raise ValueError(...), with the module "
    "in the message.",
    complain=lambda self, module: print(self.error(module)),
    only_if="prints(hook_check_for_nan_output, NAN) > prints(hook_check_for_nan_output, CLEAN)",
)
mistake(
    "never raises",
    "Your hook never raises: if output.isnan().any(), raise a ValueError. A comparison with == "
    "would find no NaN, which equals nothing, not even itself.",
    has_nan=lambda self, tensor: False,
)


@mistake(
    "returned instead of raised",
    "You return the ValueError, which makes it the module's output. Raise it.",
)
class _:
    def hook(self, module, inputs, output):
        try:
            NanHookInSteps.hook(self, module, inputs, output)
        except ValueError as error:
            return error


mistake(
    "all instead of any",
    "You raise only if all values are NaN. One is enough: isnan().any().",
    has_nan=lambda self, tensor: tensor.isnan().all(),
)
mistake(
    "first value only",
    "You look at the first value only. Look at all of them: isnan().any().",
    has_nan=lambda self, tensor: tensor.flatten()[0].isnan(),
)
mistake(
    "first picture only",
    "You look at output[0] only, the first of the batch. Look at all values: isnan().any().",
    has_nan=lambda self, tensor: tensor[0].isnan().any(),
)
mistake(
    "any forgotten",
    "Your condition has a truth value for each number, and `if` wants a single one: add .any(), "
    "as in output.isnan().any().",
    has_nan=lambda self, tensor: tensor.isnan(),
)
mistake(
    "Python's any",
    "Your any goes along one axis only, as Python's own any(...) does, and any(dim=...). Ask for "
    "all of them together: output.isnan().any().",
    has_nan=lambda self, tensor: any(tensor.isnan()),
)
mistake(
    "infinity counted as NaN",
    "You raise on infinity too, as isfinite would. Only NaN is asked for: isnan.",
    has_nan=lambda self, tensor: not tensor.isfinite().all(),
)
mistake(
    "NaN of the sum",
    "You raise for [inf, -inf], which holds no NaN, but whose sum and mean are NaN. Look at the "
    "values: isnan().any().",
    has_nan=lambda self, tensor: tensor.sum().isnan(),
)
mistake(
    "inputs checked",
    "You check the inputs, the hook's second argument. Check the output, the third.",
    looked_at=lambda self, inputs, output: inputs,
)
mistake(
    "inputs checked as well",
    "You check the inputs too, and so blame a module for a NaN that came from another. Check "
    "the output only.",
    looked_at=lambda self, inputs, output: (*inputs, *self.parts(output)),
)
mistake(
    "first of a tuple only",
    "Of a tuple you check the first entry only. Check every entry.",
    parts=lambda self, output: NanHookInSteps.parts(self, output)[:1],
)
mistake(
    "stops at other things",
    "You find no NaN behind an entry that is no tensor, as behind None. Pass over such an entry, "
    "and go on to the next one: continue, not return or break.",
    parts=lambda self, output: list(
        takewhile(lambda part: isinstance(part, Tensor), NanHookInSteps.parts(self, output))
    ),
)
mistake(
    "float32 only",
    "A NaN in a float64 tensor passes unnoticed (a torch.FloatTensor is float32). Check tensors "
    "of every dtype: isinstance(entry, torch.Tensor).",
    is_looked_into=lambda self, part: isinstance(part, Tensor) and part.dtype == torch.float32,
)
mistake(
    "numpy",
    "numpy() takes no tensor that requires grad, as most outputs do while a network learns. Stay "
    "in PyTorch: output.isnan().any().",
    has_nan=lambda self, tensor: torch.from_numpy(tensor.numpy()).isnan().any(),
)
mistake(
    "output changed",
    "You change the output, which others may still look at. Only look whether there is a NaN in "
    "it, and raise.",
    has_nan=lambda self, tensor: (tensor.isnan().any(), tensor.detach().nan_to_num_())[0],
)
mistake(
    "containers left out",
    "You leave out modules that have children, but a NaN may also arise in what they do "
    "themselves. Check the output of every module.",
    is_checked=lambda self, module: not list(module.children()),
)
mistake(
    "last of a tuple only",
    "Of a tuple only the last entry counts for you. Raise if there is a NaN in any of them.",
    parts=lambda self, output: NanHookInSteps.parts(self, output)[-1:],
)

HAS_NO_ISNAN = (
    "A tuple has no isnan(), and some modules return one. If output is a tuple or list, go "
    "through its entries, and check those that are tensors."
)
TAKES_TENSORS = (
    "torch.isnan takes a tensor, and some modules return a tuple. If output is a tuple or "
    "list, go through its entries, and check those that are tensors."
)


def torch_isnan(self, tensor):
    """Whether there is a NaN, as the function finds it and not the method."""
    return torch.isnan(tensor).any()


mistake(
    "nothing but tensors",
    HAS_NO_ISNAN,
    parts=lambda self, output: (output,),
    is_looked_into=lambda self, part: True,
)
mistake(
    "tuples not handled",
    HAS_NO_ISNAN,
    parts=lambda self, output: (output,),
    is_looked_into=lambda self, part: part is not None,
)
mistake(
    "torch.isnan of anything",
    TAKES_TENSORS,
    parts=lambda self, output: (output,),
    is_looked_into=lambda self, part: True,
    has_nan=torch_isnan,
)
mistake(
    "torch.isnan of a tuple",
    TAKES_TENSORS,
    parts=lambda self, output: (output,),
    is_looked_into=lambda self, part: part is not None,
    has_nan=torch_isnan,
)
mistake(
    "tuples ignored",
    "You find no NaN inside a tuple or list. Go through its entries, and check those that are "
    "tensors.",
    parts=lambda self, output: (output,),
)
mistake(
    "lists ignored",
    "You go through tuples, but not through lists: isinstance(output, (tuple, list)).",
    parts=lambda self, output: output if isinstance(output, tuple) else (output,),
)
mistake(
    "every output looped over",
    "You loop over an output that cannot be looped over: it may be None, say. Loop over it only if "
    "it is a tuple or list.",
    parts=lambda self, output: output,
)
mistake(
    "other things than tensors",
    "Not everything a module returns is a tensor: None, say, has no isnan(). Check only what "
    "isinstance(entry, torch.Tensor).",
    is_looked_into=lambda self, part: True,
)
mistake(
    "torch.isnan of other things",
    "Not everything a module returns is a tensor, and torch.isnan takes nothing else. Check only "
    "what isinstance(entry, torch.Tensor).",
    is_looked_into=lambda self, part: True,
    has_nan=torch_isnan,
)
mistake(
    "module not named",
    "Your error doesn't say which module it was. Put the module, the hook's first argument, "
    "into the message.",
    error=lambda self, module: ValueError("NaN found"),
)

NAMELESS = (
    "A module doesn't know what it is called in the model: it has no name and no __name__. Put "
    "the module itself into the message, as in f'NaN in {module}'."
)

mistake(
    "module.name",
    NAMELESS,
    error=lambda self, module: ValueError(f"NaN in the output of {module.name}"),
)
mistake(
    "module.__name__",
    NAMELESS,
    error=lambda self, module: ValueError(f"NaN in the output of {module.__name__}"),
)
mistake(
    "RuntimeError",
    "You raise a RuntimeError. Raise a ValueError, as the docstring says.",
    error=lambda self, module: RuntimeError(f"NaN in the output of {module}"),
)
mistake(
    "assert",
    "assert raises an AssertionError. Raise a ValueError with your message.",
    error=lambda self, module: AssertionError(f"NaN in the output of {module}"),
)
mistake(
    "assert without a message",
    "assert raises an AssertionError, which here doesn't say which module it was. Raise a "
    "ValueError with the module, the hook's first argument, in its message.",
    error=lambda self, module: AssertionError(),
)


def what_a_module_lacks(hook: Callable) -> str:
    """What to say of a hook that asks a module for something that no module has."""
    try:
        hook(Culprit(), (CLEAN.clone(),), NAN.clone())
    except AttributeError as error:
        if isinstance(error.obj, Culprit):
            return (
                f"Your hook asks the module for {error.name}, which modules don't have. Put the "
                "module itself into the message, as in f'NaN in {module}'."
            )
    return ""


# ---- The check ------------------------------------------------------------------------------

NAN_HOOK = Exercise(
    name="hook_check_for_nan_output",
    reference=solutions.hook_check_for_nan_output,
    trials=TRIALS,
    names=globals(),
    in_steps=NanHookInSteps,
    finished=lambda steps: steps().hook,
    mistakes=mistake,
    closer_look=Trial(
        "test_nan_hook", "what modules lack", "what_a_module_lacks(hook_check_for_nan_output)"
    ),
)


def test_nan_hook(hook_check_for_nan_output: Callable) -> None:
    """Check that the hook raises a ValueError that names the module, for a NaN and nothing else."""
    NAN_HOOK.check("test_nan_hook", hook_check_for_nan_output)
