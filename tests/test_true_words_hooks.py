"""What the checks of lesson 6 say is true of code that resembles a known mistake, and is not it.

Each case is a learner's code, and a piece of what must or must not be said of it.
"""

import functools
import inspect
import linecache
import textwrap

import pytest
import torch
from test_checks import EXERCISES

from resnet_helpers import solutions
from resnet_helpers.answers import answers_to

LESSON = ("NanModule", "hook_check_for_nan_output", "add_hook", "remove_hooks", "first_divergence")
SCOPE = {
    "torch": torch,
    "nn": torch.nn,
    "hook_check_for_nan_output": solutions.hook_check_for_nan_output,
}


def names_after(exercise, code, **names):
    """What there is in a learner's notebook when this code has run."""
    file = f"<{exercise}, {abs(hash(code))}>"
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    scope = {**SCOPE, "handles": {}, "__name__": "__main__", **names}
    exec(compile(code, file, "exec"), scope)
    return scope


def said(exercise, code, **names):
    """All that the checks of the exercise say of the code."""
    scope = names_after(exercise, textwrap.dedent(code), **names)
    failures = EXERCISES[exercise].failures(scope[exercise])
    assert failures, "no check noticed it"
    return "\n".join(str(failure) for failure in failures.values())


def nan_module(body):
    return f"class NanModule(nn.Module):\n    def forward(self, x):\n        {body}\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return x * torch.inf", "infinite elsewhere"),  # no division by 0
        (
            "return torch.where(x == 0, torch.nan, torch.ones_like(x))",
            "NaN only where x is 0",
        ),  # nor by x
        ("return x.clone()", "the numbers of the input"),
        ("x.mul_(torch.nan); return x.clone()", "You change the input itself"),  # without fill_
        ("return torch.nan_like(x)", "torch has nothing called nan_like"),
        ("return torch.full_like(x.shape, torch.nan)", "A value of type torch.Size"),
        ("return x.isnan()", "You return True or False"),
        ("return (x * torch.nan).double()", "the output is torch.float64"),
        ("return (x * torch.nan,)", "a value of type tuple"),
        ("return x[0] * torch.nan", "not in the shape of the input"),
        ("return torch.full(x.shape[:2], torch.nan)", "for one of four it has not"),
        ("b, c, h, w = x.shape; return x * torch.nan", "works where x has four axes"),
    ],
)
def test_a_hint_on_nan_module_states_no_cause_it_cannot_know(body, words):
    assert words in said("NanModule", nan_module(body))


def test_what_is_no_tensor_is_shown_as_it_is():
    message = said("NanModule", nan_module("return 'nan'"))
    assert "Got:       output: 'nan', which is no tensor but a str" in message


def hook(body):
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    return f"def hook_check_for_nan_output(module, inputs, output):\n{lines}\n"


LOOP = """
for t in output if isinstance(output, (tuple, list)) else [output]:
    if isinstance(t, torch.Tensor) and {condition}:
        {action}
"""


def loop(condition, action="raise ValueError(module)"):
    return LOOP.format(condition=condition, action=action)


def acting(action):
    return loop("t.isnan().any()", action)


@pytest.mark.parametrize(
    ("code", "words", "not_said"),
    [
        # prints, but not because of a NaN
        (
            "print('looking at', module)" + loop("(t == torch.nan).any()"),
            "Your hook never raises",
            "You print",
        ),
        (
            "import logging\n" + acting("logging.error(module)"),
            "Your hook never raises",
            "You print",
        ),
        # an attribute that is not there is no message that names the module
        (acting("raise ValueError(module.name)"), "no name and no __name__", "first value"),
        (
            acting("raise ValueError(module.label)"),
            "AttributeError: 'Culprit' object has no attribute 'label'",
            "doesn't say which",
        ),
        # a tensor as a condition, without isnan
        (loop("t != t"), "a truth value for each number", "isnan() gives"),
        # not the first value, the first row
        (loop("t[0].isnan().any()"), "output[0] only", "first value"),
        (
            acting("raise Exception(f'NaN in {module}')"),
            "You raise Exception. Raise a ValueError",
            "which module",
        ),
        (
            acting("raise f'NaN in {module}'"),
            "exceptions must derive from BaseException",
            "You raise TypeError",
        ),
        # another any() that goes along one axis
        (loop("t.isnan().any(dim=-1)"), "goes along one axis only", "Python's own any() goes"),
        # changes what it is given: the next trial must not meet the change
        (
            "if isinstance(output, torch.Tensor) and output.isnan().any():\n"
            "    torch.nan_to_num_(output)\n    raise ValueError(module)",
            "no NaN inside a tuple",
            "every tensor",
        ),
        (
            acting("raise ValueError(f'NaN in {module.layer_name}')"),
            "asks the module for layer_name",
            "never assigned",
        ),
        # loops over what is no tensor, and only over that
        (
            "for t in [output] if isinstance(output, torch.Tensor) else output:\n"
            "    if isinstance(t, torch.Tensor) and t.isnan().any():\n"
            "        raise ValueError(module)",
            "it may be None",
            "whatever it is",
        ),
        # what every learner writes first
        (
            "if output.isnan().any():\n    raise ValueError(f'NaN in {module}')",
            "A tuple has no isnan()",
            "Not everything",
        ),
        (
            "if torch.isnan(output).any():\n    raise ValueError(f'NaN in {module}')",
            "torch.isnan takes a tensor",
            "has no isnan()",
        ),
        (
            "if output.isnan().any():\n    raise ValueError(f'NaN in {module.name}')",
            "no name and no __name__",
            "first value",
        ),
        # raises whatever it gets, None as well
        ("raise ValueError(f'NaN in {module}')", "raises for every tensor", "wrong way round"),
        # returns something of another type than the catalogue's
        (
            acting("raise ValueError(module)") + "return 'fine'",
            "Your hook returns something",
            "returns the output",
        ),
    ],
)
def test_a_hint_on_the_nan_hook_is_true_of_it(code, words, not_said):
    message = said("hook_check_for_nan_output", hook(code))
    assert words in message
    assert not_said not in message


REGISTER = "module.register_forward_hook(hook_check_for_nan_output)"


@pytest.mark.parametrize(
    ("body", "words", "not_said"),
    [
        (f"with {REGISTER}:\n    pass", "take it off again", "You put no forward hook"),
        (
            f"if module not in handles:\n    with {REGISTER} as h:\n        handles[module] = h",
            "take it off again",
            "wrong way round",
        ),
        (
            f"handles[module] = {REGISTER}\nhandles[module].remove()",
            "take it off again",
            "You put no forward hook",
        ),
        ("pass", "You put no forward hook", "wrong way round"),
        (
            "handles[module] = module.register_forward_hook",
            "You put no forward hook",
            "wrong way round",
        ),
        (
            f"if module in handles:\n    handles[module] = {REGISTER}",
            "wrong way round",
            "You put no forward hook",
        ),
        (
            "handles[module] = module.register_full_backward_pre_hook(hook_check_for_nan_output)",
            "for the backward pass",
            "You put no forward hook",
        ),
        # a list of handles is no handle, and nothing is known of how many are kept
        # asks handles, but not its keys
        (
            f"if module not in handles.values():\n    handles[module] = {REGISTER}",
            "among the keys of handles",
            "Look first whether it is in handles.",
        ),
        (
            f"if module not in handles:\n    handles.clear()\n    handles[module] = {REGISTER}",
            "only the last is in handles",
            "gets a second one",
        ),
        (
            "handles[module] = module.register_hook(hook_check_for_nan_output)",
            "Modules have no register_hook",
            "is it spelled otherwise",
        ),
        (
            f"handles.setdefault(module, []).append({REGISTER})",
            "gets a second one",
            "only one handle",
        ),
        (
            f"if not module._forward_hooks:\n    handles[module] = {REGISTER}",
            "somebody else's",
            "condition is the wrong way",
        ),
        (
            f"if module not in handles:\n    handles[module] = [{REGISTER}]",
            "is no handle",
            "You don't keep",
        ),
        (
            f"if module not in handles:\n    handles[module] = ({REGISTER}).id",
            "is no handle",
            "You don't keep",
        ),
        (
            f"if id(module) not in handles:\n    handles[id(module)] = {REGISTER}",
            "nothing in handles[module]",
            "two ReLUs",
        ),
    ],
)
def test_a_hint_on_add_hook_is_true_of_it(body, words, not_said):
    code = "def add_hook(module):\n" + textwrap.indent(body, "    ")
    message = said("add_hook", code)
    assert words in message
    assert not_said not in message


ADD = (
    f"def add_hook(module):\n    if module not in handles:\n        handles[module] = {REGISTER}\n"
)


@pytest.mark.parametrize(
    ("body", "words", "not_said"),
    [
        ("module._forward_hooks.clear()", "other people's as well", "The hook is still there"),
        (
            "module._forward_hooks = type(module._forward_hooks)()",
            "other people's as well",
            "The hook is still there",
        ),
        (
            "for key in list(module._forward_hooks):\n"
            "    del module._forward_hooks[key]\n"
            "handles.pop(module, None)",
            "other people's as well",
            "You clear",
        ),
        ("handles.get(module).remove()", "None has no remove()", "You look up"),
        ("handles[module].remove", "stays on it", "only if"),
        ("handles.pop(module, None).remove()", "None has no remove()", "You look up"),
        (
            "if module in handles:\n    handles.pop(module).unregister()",
            "RemovableHandle has no unregister",
            "is it spelled otherwise",
        ),
        ("handles.remove(module)", "dict has no remove", "is it spelled otherwise"),
        (
            "if module in handles:\n    handles[module].remove()\n    handles[module] = None",
            "You put None in the place of the handle",
            "ask first",
        ),
        (
            "for m in handles:\n    if m is module:\n        handles.pop(m).remove()",
            "while you loop over it",
            "follow the input",
        ),
        (
            "if module in handles:\n    handles[module].remove()\nhandles = {}",
            "If you mean the notebook's handles",
            "follow the input",
        ),
        (
            "if module in handles:\n    handles[module].remove()",
            "says that the module still has one",
            "add_hook believes",
        ),
    ],
)
def test_a_hint_on_remove_hooks_is_true_of_it(body, words, not_said):
    code = ADD + "def remove_hooks(module):\n" + textwrap.indent(body, "    ")
    message = said("remove_hooks", code)
    assert words in message
    assert not_said not in message


DIVERGENCE = inspect.cleandoc(
    """
    def first_divergence(mine, reference, x, tolerance=1e-4):
        def outputs_of(model):
            names = {module: name for name, module in model.named_modules()}
            outputs = []

            def note(module, inputs, output):
                outputs.append((names[module], output.flatten().clone()))

            leaves = [m for m in names if not list(m.children()) and not isinstance(m, nn.Identity)]
            handles = [m.register_forward_hook(note) for m in leaves]
            try:
                model(x)
            finally:
                for handle in handles:
                    handle.remove()
            return outputs

        for (my_name, a), (name, b) in zip(outputs_of(mine), outputs_of(reference)):
            if len(a) != len(b) or not torch.all((a - b).abs() <= tolerance):
                return my_name, name
        return None
    """
)
CONDITION = "len(a) != len(b) or not torch.all((a - b).abs() <= tolerance)"


def condition(text):
    return {CONDITION: f"len(a) != len(b) or {text}"}


@pytest.mark.parametrize(
    ("edits", "words", "not_said"),
    [
        # nothing is compared, for want of hooks
        (
            {"not list(m.children())": "not m.children()"},
            "No hook of yours",
            "You report no difference",
        ),
        (
            {"not list(m.children())": "not m.modules()"},
            "No hook of yours",
            "You report no difference",
        ),
        (
            {"not list(m.children())": "list(m.children())"},
            "modules that have children",
            "No hook of yours",
        ),
        ({"return my_name, name": "my_name, name"}, "You report no difference", "No hook of yours"),
        # inputs, by a pre-hook
        (
            {
                "note(module, inputs, output)": "note(module, inputs)",
                "output.flatten()": "inputs[0].flatten()",
                "forward_hook": "forward_pre_hook",
            },
            "You compare the modules' inputs",
            "You return the last pair",
        ),
        # prints, but not the names
        (
            {"return my_name, name": "print(a, b)"},
            "You report no difference",
            "You print the names",
        ),
        (
            {"return my_name, name": "print(my_name, name); break"},
            "You print the names",
            "You report no difference",
        ),
        # fixed tolerances of any size are no exact comparison
        (condition("(a - b).abs().max() > 1e-6"), "a fixed number", "smallest difference"),
        (
            condition("not torch.allclose(a, b, rtol=0, atol=1e-5)"),
            "a fixed number",
            "smallest difference",
        ),
        (condition("(a - b).abs().max() > 0.01"), "With tolerance=100", "smallest difference"),
        (condition("(a - b).abs().max() > 10 * tolerance"), "returned: None", "mean of"),
        (condition("((a - b) ** 2).max() > tolerance"), "You square the differences", "the mean"),
        (condition("(a != b).any()"), "the smallest difference", "a fixed number"),
        # a relative measure without a division
        (
            condition("not torch.allclose(a, b, rtol=tolerance, atol=0)"),
            "where the values are larger",
            "You divide",
        ),
        (
            condition("not torch.isclose(a, b, atol=tolerance).all()"),
            "more than the tolerance, the more",
            "torch.allclose also",
        ),
        (
            condition("not ((a - b).abs() < tolerance).all()"),
            "exactly the tolerance",
            "a fixed number",
        ),
        (
            condition("(a - b).mean().abs() > tolerance"),
            "mean of the differences",
            "outputs' means",
        ),
        (
            condition("((a - b).abs() > tolerance).all()"),
            "only if all of its values differ",
            "You take the smallest",
        ),
        # clears, but not by clear()
        (
            {
                "handle.remove()": "handle.remove()\nfor m in leaves:\n"
                "    m._forward_hooks = type(m._forward_hooks)()"
            },
            "other people's hooks off",
            "You clear",
        ),
        # compares the first pair only, without a `return None` in a loop
        (
            {"outputs_of(reference))": "outputs_of(reference)[:1])"},
            "the first pair only",
            "your `return",
        ),
        (
            {"names[module], output": "module.name, output"},
            "no name and no __name__",
            "follow the input",
        ),
    ],
)
def test_a_hint_on_first_divergence_is_true_of_it(edits, words, not_said):
    code = DIVERGENCE
    for old, new in edits.items():
        assert old in code
        line = next(line for line in code.splitlines() if old in line)
        indent = line[: len(line) - len(line.lstrip())]
        code = code.replace(old, new.replace("\n", f"\n{indent}"))
    message = said("first_divergence", code)
    assert words in message
    assert not_said not in message


def test_of_a_wrong_measure_that_misses_nan_both_are_said():
    code = DIVERGENCE.replace(
        CONDITION, "len(a) != len(b) or (a.mean() - b.mean()).abs() > tolerance"
    )
    message = said("first_divergence", code)
    assert "You compare means" in message
    assert "A NaN passes unnoticed" in message


def test_without_a_hook_nothing_is_said_of_hooks_in_a_loop():
    code = """
    def first_divergence(mine, reference, x, tolerance=1e-4):
        a, b = mine(x).flatten(), reference(x).flatten()
        if a.numel() != b.numel() or not ((a - b).abs() <= tolerance).all():
            return list(dict(mine.named_modules()))[-1], list(dict(reference.named_modules()))[-1]
    """
    message = said("first_divergence", code)
    assert "what the models return in the end" in message
    assert "All your hooks note" not in message


def test_a_function_with_other_arguments_is_told_which():
    code = "def hook_check_for_nan_output(module, output):\n    pass\n"
    assert (
        "Your hook_check_for_nan_output takes (module, output), and it is called with "
        "(module, inputs, output)"
    ) in said("hook_check_for_nan_output", code)


def test_what_the_edits_are_made_of_is_right():
    scope = names_after("first_divergence", DIVERGENCE)
    assert EXERCISES["first_divergence"].failures(scope["first_divergence"]) == {}


# ---- An earlier piece is at fault -----------------------------------------------------------

HOOK_FOR_TENSORS = hook("if output.isnan().any():\n    print('NaN in', module)")
FORGETFUL_ADD = ADD.replace("handles[module] = ", "")
REMOVE = (
    "def remove_hooks(module):\n    if module in handles:\n        handles.pop(module).remove()\n"
)


def test_a_hook_that_does_not_raise_is_blamed_and_not_add_hook():
    assert "Your hook_check_for_nan_output is at fault" in said("add_hook", HOOK_FOR_TENSORS + ADD)


def test_a_wrong_add_hook_is_blamed_and_not_remove_hooks():
    assert "Your add_hook is at fault" in said("remove_hooks", FORGETFUL_ADD + REMOVE)


def test_a_right_add_hook_is_not_blamed():
    message = said("remove_hooks", ADD + REMOVE.replace(".remove()", ""))
    assert "at fault" not in message


# ---- Something to try -----------------------------------------------------------------------


def shown_by(lines, implementation, scope):
    """What a learner sees who runs these lines in a notebook: a value or an error."""
    names = {**scope, implementation.__name__: implementation, "torch": torch}
    *statements, last = lines.splitlines()
    try:
        exec("\n".join(statements), names)
        return repr(eval(last, names))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


ALL_WRONG = {
    f"{exercise}, {answer.mistake}": answer
    for exercise in LESSON
    for answer in answers_to(exercise).wrong_ones
}


@functools.cache
def failures_with(title):
    answer = ALL_WRONG[title]
    return list(EXERCISES[answer.exercise].failures(answer.implementation).values())


@pytest.mark.parametrize("title", ALL_WRONG)
def test_the_lines_to_paste_show_a_difference(title):
    answer = ALL_WRONG[title]
    exercise = EXERCISES[answer.exercise]
    beside = getattr(answer.implementation, "__globals__", {})
    scope = {name: beside[name] for name in ("handles", "add_hook") if name in beside}
    right = {**scope, "handles": solutions.handles, "add_hook": solutions.add_hook}
    for failure in failures_with(title):
        if failure.try_it:
            shown = shown_by(failure.try_it, answer.implementation, scope)
            assert "NameError" not in shown
            assert shown != shown_by(failure.try_it, exercise.reference, right)
    for names in (beside, right):  # what was put there is not for the next test
        names.get("handles", {}).clear()


@pytest.mark.parametrize("exercise", LESSON)
def test_most_failures_have_lines_to_paste(exercise):
    titles = [title for title, answer in ALL_WRONG.items() if answer.exercise == exercise]
    failures = [failure for title in titles for failure in failures_with(title)]
    assert sum(bool(failure.try_it) for failure in failures) > 0.8 * len(failures)
