"""Answers to remove_hooks."""

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import add_hook, handles  # noqa: F401 (the check calls add_hook)

removing = Answers("remove_hooks", globals())
right, wrong, wrong_in_full = removing.right, removing.wrong, removing.wrong_in_full

# ---- Right ----------------------------------------------------------------------------------


@right
def plain(module):
    if module in handles:
        handles.pop(module).remove()


@right
def popped_or_none(module):
    handle = handles.pop(module, None)
    if handle is not None:
        handle.remove()


@right
def deleted(module):
    if module not in handles:
        return
    handles[module].remove()
    del handles[module]


@right
def walrus(module):
    if handle := handles.get(module):
        handle.remove()
        handles.pop(module)


@right
def tried(module):
    try:
        with handles[module]:  # a handle removes its hook at the end of the block
            pass
    except KeyError:
        return
    handles.pop(module)


# ---- Wrong ----------------------------------------------------------------------------------

wrong("never removed", walrus, {"handle.remove()\nhandles.pop(module)": "handle.remove"})
wrong("handle dropped, hook left", plain, {".remove()": ""})
wrong("handle left in the dictionary", deleted, {".remove()\ndel handles[module]": ".remove()"})
wrong(
    "private dictionary cleared",
    deleted,
    {"handles[module].remove()": "module._forward_hooks.clear()"},
)
wrong(
    "all private dictionaries cleared",
    walrus,
    {
        "handle.remove()": "module._backward_hooks.clear()\n"
        "module._forward_hooks.clear()\n"
        "module._forward_pre_hooks.clear()"
    },
)
wrong(
    "private dictionary cleared, handle left",
    plain,
    {"if module in handles:\nhandles.pop(module).remove()": "module._forward_hooks.clear()"},
)
wrong(
    "all private dictionaries cleared, handle left",
    plain,
    {
        "if module in handles:\nhandles.pop(module).remove()": "module._backward_hooks.clear()\n"
        "module._forward_hooks.clear()\n"
        "module._forward_pre_hooks.clear()"
    },
)
wrong("None asked to remove", popped_or_none, {"if handle is not None:\nhandle": "handle"})
wrong(
    "None asked to remove, handle left",
    walrus,
    {"if handle := handles.get(module):\nhandle": "handles.get(module)", "handles.pop(module)": ""},
)
wrong("None kept for the handle", deleted, {"del handles[module]": "handles[module] = None"})
wrong("last hook removed", plain, {"handles.pop(module)": "handles.popitem()[1]"})
wrong("fails without a hook", popped_or_none, {", None": ""})
wrong("removal condition the wrong way round", plain, {"module in": "module not in"})
wrong("containers' left", deleted, {"in handles:": "in handles or list(module.children()):"})


@wrong_in_full("all hooks removed")
def all_of_them(module):
    for handle in handles.values():
        handle.remove()
    handles.clear()


@wrong_in_full("all hooks removed, handles left")
def all_but_the_handles(module):
    for handle in handles.values():
        handle.remove()


@wrong_in_full("hook of the same class")
def of_the_class(module):
    for known in list(handles):
        if type(known) is type(module):
            handles.pop(known).remove()
            break


@wrong_in_full("submodules' as well")
def with_submodules(module):
    for submodule in module.modules():
        if submodule in handles:
            handles.pop(submodule).remove()


@wrong_in_full("children's only")
def of_children(module):
    for child in module.children():
        if child in handles:
            handles.pop(child).remove()
