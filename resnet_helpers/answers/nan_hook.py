"""Answers to hook_check_for_nan_output."""

import torch

from resnet_helpers.answers.edits import Answers

nan_hook = Answers("hook_check_for_nan_output", globals())
right, right_with = nan_hook.right, nan_hook.right_with
wrong, wrong_in_full = nan_hook.wrong, nan_hook.wrong_in_full

# ---- Right ----------------------------------------------------------------------------------


class NanFoundError(ValueError):
    pass


@right
def one_loop(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


@right
def recursion(module, inputs, output):
    if isinstance(output, (list, tuple)):
        for o in output:
            recursion(module, inputs, o)
    elif torch.is_tensor(output) and torch.any(torch.isnan(output)):
        raise ValueError(module)


@right
def inequality(module, inputs, output):
    if isinstance(output, torch.Tensor):
        output = [output]
    for tensor in output or ():
        if isinstance(tensor, torch.Tensor) and (tensor != tensor).sum() > 0:
            raise ValueError(f"{type(module).__name__} returned NaN")


@right
def any_of_several(module, inputs, output):
    tensors = output if type(output) in (tuple, list) else [output]
    if any(t.isnan().any().item() for t in tensors if isinstance(t, torch.Tensor)):
        message = "NaN in the output of " + str(module)
        raise ValueError(message)
    return None


@right
def always_a_tuple(module, inputs, output):
    if not isinstance(output, (tuple, list)):
        output = (output,)
    for tensor in output:
        if not isinstance(tensor, torch.Tensor):
            continue
        if torch.isnan(tensor).any():
            raise ValueError(f"NaN in the output of {module}")


@right
def flag(module, inputs, output):
    has_nan = False
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor):
            has_nan = has_nan or tensor.isnan().any()
    if has_nan:
        raise ValueError(f"NaN in {module}")


@right
def tensors_first(module, inputs, output):
    if isinstance(output, torch.Tensor):
        tensors = [output]
    elif isinstance(output, (tuple, list)):
        tensors = [entry for entry in output if torch.is_tensor(entry)]
    else:
        tensors = []
    for tensor in tensors:
        if tensor.isnan().sum() > 0:
            raise ValueError(f"{module} returned NaN")


@right
def extended(module, inputs, output):
    entries = [output]
    if isinstance(output, (tuple, list)):
        entries.extend(output)
    for entry in entries:
        if isinstance(entry, torch.Tensor) and torch.isnan(entry).sum():
            raise ValueError(f"NaN: {module}")


@right
def function_inside(module, inputs, output):
    def check(tensor):
        if tensor.isnan().any():
            raise ValueError(f"NaN found after {module!r}")

    if isinstance(output, torch.Tensor):
        check(output)
    elif isinstance(output, (tuple, list)):
        for entry in output:
            if isinstance(entry, torch.Tensor):
                check(entry)


@right_with(NanFoundError)
def error_of_its_own(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise NanFoundError(f"NaN in the output of {module}")


@right
def prints_as_well(module, inputs, output):
    print(type(module).__name__, type(output))
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    tensors = [out for out in outputs if isinstance(out, torch.Tensor)]
    with torch.no_grad():
        for number, tensor in enumerate(tensors):
            if tensor.isnan().any():
                print("NaN!")
                raise ValueError(f"NaN in output {number} of {module}") from None


# ---- Wrong ----------------------------------------------------------------------------------

wrong("returns something", any_of_several, {"return None": "return True"})
wrong("returns the output", any_of_several, {"return None": "return output"})
wrong("raises on every output", one_loop, {" and tensor.isnan().any()": ""})
wrong("raises where there is no NaN", always_a_tuple, {"torch.isnan": "not torch.isnan"})
wrong("never raises", inequality, {"tensor != tensor": "tensor == torch.nan"})
wrong(
    "printed instead of raised",
    always_a_tuple,
    {'raise ValueError(f"NaN in the output of {module}")': 'print("NaN in", module)'},
)
wrong("returned instead of raised", one_loop, {"raise ValueError": "return ValueError"})
wrong("all instead of any", recursion, {"torch.any": "torch.all"})
wrong("first value only", one_loop, {"tensor.isnan().any()": "tensor.view(-1)[0].isnan()"})
wrong("first picture only", one_loop, {"tensor.isnan()": "tensor[0].isnan()"})
wrong("Python's any", one_loop, {"tensor.isnan().any()": "any(torch.isnan(tensor))"})
wrong("any forgotten", function_inside, {".any()": ""})
wrong(
    "infinity counted as NaN",
    always_a_tuple,
    {"torch.isnan(tensor).any()": "not torch.isfinite(tensor).all()"},
)
wrong("NaN of the sum", any_of_several, {"t.isnan().any()": "t.mean().isnan()"})
wrong(
    "inputs checked",
    one_loop,
    {"output if isinstance(output, (tuple, list)) else [output]": "inputs"},
)
wrong("inputs checked as well", any_of_several, {"in tensors if": "in [*inputs, *tensors] if"})
wrong("first of a tuple only", always_a_tuple, {"in output:": "in output[:1]:"})
wrong(
    "stops at other things",
    always_a_tuple,
    {
        "if not isinstance(tensor, torch.Tensor):\ncontinue": "if not torch.is_tensor(tensor):\n"
        "    break"
    },
)
wrong("float32 only", one_loop, {"torch.Tensor": "torch.FloatTensor"})
wrong(
    "numpy",
    one_loop,
    {"tensor.isnan().any()": "torch.from_numpy(tensor.numpy()).isnan().any()"},
)
wrong(
    "output changed",
    tensors_first,
    {"raise ": "tensor.detach().nan_to_num_()\nraise "},
)
wrong(
    "containers left out",
    one_loop,
    {"for tensor": "if list(module.children()):\n    return\nfor tensor"},
)
wrong("last of a tuple only", flag, {"has_nan or ": ""})
wrong(
    "tuples ignored",
    extended,
    {"if isinstance(output, (tuple, list)):\nentries.extend(output)\n": ""},
)
wrong("lists ignored", always_a_tuple, {"(tuple, list)": "tuple"})
wrong("other things than tensors", one_loop, {"isinstance(tensor, torch.Tensor) and ": ""})
wrong(
    "every output looped over",
    one_loop,
    {"output if isinstance(output, (tuple, list)) else [output]": "output"},
)
wrong(
    "module not named",
    any_of_several,
    {'"NaN in the output of " + str(module)': '"there is a NaN in the output"'},
)
wrong("module.name", one_loop, {"{module}": "{module.name}"})
wrong("module.__name__", tensors_first, {"{module}": "{module.__name__}"})
wrong(
    "torch.isnan of other things",
    always_a_tuple,
    {"if not isinstance(tensor, torch.Tensor):\ncontinue\n": ""},
)
wrong("RuntimeError", tensors_first, {"ValueError": "RuntimeError"})
wrong(
    "assert",
    flag,
    {'if has_nan:\nraise ValueError(f"NaN in {module}")': 'assert not has_nan, f"NaN in {module}"'},
)
wrong(
    "assert without a message",
    flag,
    {'if has_nan:\nraise ValueError(f"NaN in {module}")': "assert not has_nan"},
)


@wrong_in_full("tuples not handled")
def any_of_a_tensor(module, inputs, output):
    if output is not None and output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")


@wrong_in_full("torch.isnan of a tuple")
def torch_isnan(module, inputs, output):
    if output is None:
        return
    if torch.isnan(output).any():
        raise ValueError(f"NaN in the output of {module}")


@wrong_in_full("nothing but tensors")
def one_line(module, inputs, output):
    if output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")


@wrong_in_full("torch.isnan of anything")
def one_line_of_torch(module, inputs, output):
    if torch.isnan(output).any():
        raise ValueError(f"NaN in the output of {module}")
