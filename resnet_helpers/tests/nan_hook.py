"""Lesson 6: the check of hook_check_for_nan_output, with its known mistakes."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.outcomes import Described, shown
from resnet_helpers.tests.trials import trials_of

# ---- What is tried --------------------------------------------------------------------------

NAN = torch.tensor([1.0, torch.nan, 3.0])
CLEAN = torch.tensor([1.0, -2.0, 3.0])
FIRST_NAN = torch.tensor([torch.nan, 1.0])
MOSTLY_NAN = torch.tensor([torch.nan, torch.nan, 1.0])
ALL_NAN = torch.full((2,), torch.nan)
LAST_NAN = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, torch.nan]])
INF = torch.tensor([torch.inf, 1.0])
INFS = torch.tensor([torch.inf, -torch.inf])


class Culprit(nn.Module):
    """A module whose output is whatever it was made with; the check looks for its name."""

    def __init__(self, output: Any = None):
        super().__init__()
        self.output = output

    def forward(self, x):
        return self.output


@dataclass(frozen=True)
class Raised(Described):
    """What a call raised on purpose, and whether its message names the Culprit."""

    kind: str
    names_module: bool = False
    message: str = field(default="", compare=False)

    def shown(self, subject: str) -> str:
        if not self.message:
            return self.kind
        return f"{self.kind}: {self.message}" + ("" if self.names_module else " (which module?)")

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        return self.shown(subject), shown(subject, got), ""


def caught(call: Callable, *arguments: Any, notices_prints=False) -> Raised:
    """What the call raises. An error that looks like no deliberate one goes through."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            result = call(*arguments)
    except Exception as error:
        message = " ".join(str(error).split())
        if "Culprit" in message or isinstance(error, (ValueError, AssertionError)):
            return Raised(type(error).__name__, "Culprit" in message, message)
        raise
    if isinstance(result, Exception):
        return Raised(f"nothing raised, but a {type(result).__name__} returned")
    if notices_prints and printed.getvalue():
        return Raised("nothing raised, but something printed")
    return Raised("nothing raised")


def returned(hook, output):
    """What the hook returns for this output."""
    result = hook(Culprit(), (CLEAN,), output)
    if result is None:
        return "nothing"
    return "the output" if result is output else f"something of type {type(result).__name__}"


def raising(tried: str, output: str, inputs="(CLEAN,)", more="") -> tuple[str, str, str]:
    """A trial of what the hook raises for the output of a Culprit."""
    call = f"caught(hook_check_for_nan_output, Culprit(), {inputs}, {output}{more})"
    return tried, call, "raised"


def returning(tried: str, output: str) -> tuple[str, str, str]:
    """A trial of what the hook returns for the output of a Culprit."""
    return tried, f"returned(hook_check_for_nan_output, {output})", "returned by the hook"


HOOK = "hook(module, inputs, output), output"
TRIALS = trials_of(
    "test_nan_hook",
    raising(f"{HOOK} = [1, nan, 3]", "NAN", more=", notices_prints=True"),
    raising(f"{HOOK} = [1, -2, 3]", "CLEAN"),
    raising("output = [nan, nan]", "ALL_NAN"),
    raising("output = [nan, 1]", "FIRST_NAN"),
    raising("output = [nan, nan, 1]", "MOSTLY_NAN"),
    raising("output of shape (2, 3), with a NaN at [1, 2] only", "LAST_NAN"),
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
    returning(f"{HOOK} = [1, -2, 3]", "CLEAN"),
    returning(f"{HOOK} = ([1, -2, 3], [1, -2, 3])", "(CLEAN, CLEAN)"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class NanHookInSteps:
    """hook_check_for_nan_output cut into the steps that can each go wrong."""

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
        for part in self.parts(self.looked_at(inputs, output)):
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
    "Your hook raises on every output. Raise only if output.isnan().any().",
    has_nan=lambda self, tensor: True,
)
mistake(
    "raises where there is no NaN",
    "Your condition is the wrong way round: you raise where there is no NaN.",
    has_nan=lambda self, tensor: not tensor.isnan().any(),
)
mistake(
    "never raises",
    "Your hook never raises. NaN equals nothing, not even itself, so x == nan finds none: if "
    "output.isnan().any(), raise a ValueError.",
    has_nan=lambda self, tensor: False,
)
mistake(
    "printed instead of raised",
    "You print, and the network runs on. Raise instead: raise ValueError(...), with the module "
    "in the message.",
    complain=lambda self, module: print(self.error(module)),
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
    "any forgotten",
    "isnan() gives a truth value for each number, and `if` wants a single one: add .any().",
    has_nan=lambda self, tensor: tensor.isnan(),
)
mistake(
    "infinity counted as NaN",
    "You raise on infinity too (isfinite does). Only NaN is asked for: isnan.",
    has_nan=lambda self, tensor: not tensor.isfinite().all(),
)
mistake(
    "NaN of the sum",
    "You look at the sum (or mean), which is NaN for inf - inf as well. Look at the values: "
    "isnan().any().",
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
    "last of a tuple only",
    "Of a tuple you check the last entry only: look at where your loop raises. Check every entry.",
    parts=lambda self, output: NanHookInSteps.parts(self, output)[-1:],
)
mistake(
    "tuples not handled",
    "A tuple has no isnan(), and some modules return one. If output is a tuple or list, go "
    "through its entries.",
    parts=lambda self, output: (output,),
    is_looked_into=lambda self, part: part is not None,
)
mistake(
    "torch.isnan of a tuple",
    "torch.isnan takes a tensor, and some modules return a tuple. If output is a tuple or "
    "list, go through its entries.",
    parts=lambda self, output: (output,),
    is_looked_into=lambda self, part: part is not None,
    has_nan=lambda self, tensor: torch.isnan(tensor).any(),
)
mistake(
    "tuples ignored",
    "You check the output only if it is a tensor. Go through the entries of a tuple or list.",
    parts=lambda self, output: (output,),
)
mistake(
    "lists ignored",
    "You go through tuples, but not through lists: isinstance(output, (tuple, list)).",
    parts=lambda self, output: output if isinstance(output, tuple) else (output,),
)
mistake(
    "other things than tensors",
    "Not every entry of a tuple is a tensor: None, say, has no isnan(). Check only what "
    "isinstance(entry, torch.Tensor).",
    is_looked_into=lambda self, part: True,
)
mistake(
    "module not named",
    "Your error doesn't say which module it was. Put the module, the hook's first argument, "
    "into the message.",
    error=lambda self, module: ValueError("NaN found"),
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

# ---- The check ------------------------------------------------------------------------------

NAN_HOOK = Exercise(
    name="hook_check_for_nan_output",
    reference=solutions.hook_check_for_nan_output,
    trials=TRIALS,
    names=globals(),
    in_steps=NanHookInSteps,
    finished=lambda steps: steps().hook,
    mistakes=mistake,
)


def test_nan_hook(hook_check_for_nan_output: Callable) -> None:
    """Check that the hook raises a ValueError that names the module, for a NaN and nothing else."""
    NAN_HOOK.check("test_nan_hook", hook_check_for_nan_output)
