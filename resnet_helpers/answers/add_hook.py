"""Answers to add_hook."""

import torch

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import handles, hook_check_for_nan_output

adding = Answers("add_hook", globals())
right, wrong, wrong_in_full = adding.right, adding.wrong, adding.wrong_in_full

# ---- Right ----------------------------------------------------------------------------------


@right
def plain(module):
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@right
def early_return(module):
    if module in handles:
        return
    handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@right
def get_and_update(module):
    if handles.get(module) is None:
        handle = module.register_forward_hook(hook_check_for_nan_output, always_call=True)
        handles.setdefault(module, handle)
    return handles[module]


@right
def anew(module):
    if module in handles:
        handles[module].remove()
    handles[module] = module.register_forward_hook(lambda *args: hook_check_for_nan_output(*args))


@right
@torch.no_grad()
def decorated(module):
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@right
def new_dictionary(module):
    global handles
    if module not in handles:
        handle = module.register_forward_hook(hook_check_for_nan_output)
        handles = {**handles, module: handle}


@right
def hook_inside(module):
    def hook(module, inputs, output):
        hook_check_for_nan_output(module, inputs, output)

    if module not in handles:
        handles[module] = module.register_forward_hook(hook)


@right
def tried(module):
    try:
        handles[module]
    except KeyError:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


# ---- Wrong ----------------------------------------------------------------------------------

wrong("containers only", plain, {"handles:": "handles and len(list(module.children())) > 0:"})
wrong("leaves only", early_return, {"in handles:": "in handles or list(module.children()):"})
wrong(
    "submodules as well",
    early_return,
    {
        "handles[module] =": "for child in module.children():\n"
        "    add_hook(child)\n"
        "handles[module] ="
    },
)
wrong("registered twice", anew, {"if module in handles:\nhandles[module].remove()\n": ""})
wrong(
    "somebody else's hook taken for yours",
    plain,
    {"module not in handles": "not module._forward_hooks"},
)
wrong(
    "removed at once",
    decorated,
    {
        "handles[module] =": "with",
        "_output)": "_output) as handle:\n    handles[module] = handle",
    },
)
wrong("handles not empty", early_return, {"module in handles": "len(handles)"})
wrong(
    "handle kept elsewhere",
    plain,
    {"module not in": "id(module) not in", "handles[module]": "handles[id(module)]"},
)
wrong(
    "no handle in handles",
    early_return,
    {"handles[module] =": "handles[module] = hook_check_for_nan_output\n_ ="},
)
wrong(
    "handle appended",
    hook_inside,
    {"handles[module] = module": "handles.append(module", "hook(hook)": "hook(hook))"},
)
wrong("hook called with the module", early_return, {"output)": "output(module))"})
wrong("condition the wrong way round", new_dictionary, {"not in": "in"})
wrong(
    "one hook for each class",
    new_dictionary,
    {"if module": "name = module.__class__.__name__\nif name", "module: handle": "name: handle"},
)
wrong(
    "handles kept by str(module)",
    decorated,
    {"module not in": "str(module) not in", "handles[module]": "handles[str(module)]"},
)
wrong(
    "module.name", decorated, {"module not in": "module.name not in", "[module]": "[module.name]"}
)
wrong("handle not kept", plain, {"handles[module] = ": ""})
wrong(
    "not registered",
    early_return,
    {"module.register_forward_hook(hook_check_for_nan_output)": "hook_check_for_nan_output"},
)
wrong(
    "handles replaced",
    new_dictionary,
    {"{**handles, module: handle}": "{module: handle}"},
)
wrong("looked up before it is kept", plain, {"module not in handles": "not handles[module]"})
wrong("pre-hook", early_return, {"forward_hook": "forward_pre_hook"})
wrong("backward hook", new_dictionary, {"register_forward_hook": "register_full_backward_hook"})
wrong("another hook", hook_inside, {"output(module, inputs, output)": "output"})
wrong("hook called instead of passed", decorated, {"output)": "output(module, None, None))"})
wrong("hook called with nothing", plain, {"output)": "output())"})


@wrong_in_full("children only")
def on_children(module):
    for child in module.children():
        if child not in handles:
            handles[child] = child.register_forward_hook(hook_check_for_nan_output)
