"""Running a model under observation: every call of every module is seen, and no trace remains.

The tools beside this module say what to look at; hooks, modes, buffers and random state are here.
"""

import copy
import inspect
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resnet_helpers.debugging.values import Leaves, equal, tensors_in
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError, says_what_failed


@dataclass(eq=False)
class Call:
    """One call of a module, and what a tool keeps of it."""

    name: str
    module: nn.Module
    number: int  # 2 for the second call of the same module
    parent: "Call | None"  # the call during which it happened
    is_leaf: bool = True
    inputs: Leaves = field(default_factory=dict)
    outputs: Leaves = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    random_state: Tensor | None = None  # before it, if it has drawn random numbers

    @property
    def label(self) -> str:
        """For a table: layer1.0.relu, and layer1.0.relu #2 for the second call."""
        again = f" #{self.number}" if self.number > 1 else ""
        return (self.name or "the model itself") + again

    def __str__(self) -> str:
        return f"`{self.label}` ({type(self.module).__name__})"


Observer = Callable[[Call, Any], None]


# --- Hooks ------------------------------------------------------------------------------------


@contextmanager
def hooked(
    modules: Iterable[nn.Module], after: Callable, before: Callable | None = None
) -> Iterator[None]:
    """In the block, hooks see each call of each module; at its end they are gone.

    Args:
        modules: whose calls are seen.
        after: called as after(module, args, kwargs, output), when forward is done.
        before: called as before(module, args, kwargs), if given, when it begins.
    """
    handles = []
    try:
        for module in modules:
            if before:
                handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.register_forward_hook(after, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


@contextmanager
def others_hooks_guarded(modules: dict[nn.Module, str], raised: list[str]) -> Iterator[None]:
    """In the block other people's hooks run as ever, but one that raises is passed over.

    They cannot be left out: pruning and weight normalisation work by hooks. One that a learner
    has put there to stop at a NaN must not stop the search for it.

    Args:
        modules: the modules that may have hooks, and their names.
        raised: a sentence is added for each module one of whose hooks raises.
    """

    def guarded(hook: Callable, module: nn.Module) -> Callable:
        def call(*args: Any) -> Any:
            try:
                return hook(*args)
            except Exception as error:
                owner = Call(modules[module], module, number=1, parent=None)
                what = type(error).__name__
                sentence = f"A hook on {owner} raised {what} and was passed over."
                if sentence not in raised:
                    raised.append(sentence)

        return call

    before = []
    try:
        for module in modules:
            for hooks in (getattr(module, kind) for kind in HOOKS):
                before.append((hooks, dict(hooks)))
                hooks.update({key: guarded(hook, module) for key, hook in hooks.items()})
        yield
    finally:
        for hooks, originals in before:  # one that has removed itself stays removed
            hooks.update({key: hook for key, hook in originals.items() if key in hooks})


# --- Running ----------------------------------------------------------------------------------


def run(
    model: nn.Module, x: Any, enter: Observer, leave: Observer, raised: list[str] | None = None
) -> Any:
    """Return what model gives for x; `enter` sees each call with its input, `leave` its output.

    Args:
        model: as `check_model` wants it.
        x: its one argument; or all of them, in a tuple or a dictionary.
        enter: called as enter(call, (args, kwargs)).
        leave: called as leave(call, output).
        raised: gets a sentence for each of other people's hooks that raises.

    Raises:
        ModelFailedError: forward raised something; names the innermost module, chains the original.
    """
    names = _names(model)
    n_calls: Counter[nn.Module] = Counter()
    running: list[Call] = []

    def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
        parent = running[-1] if running else None
        if parent:
            parent.is_leaf = False
        n_calls[module] += 1
        running.append(Call(names[module], module, n_calls[module], parent))
        enter(running[-1], (args, kwargs))

    def after(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        while (call := running.pop()).module is not module:
            pass  # a call whose exception the model has caught never got here
        leave(call, output)

    with ExitStack() as stack:
        stack.enter_context(others_hooks_guarded(names, [] if raised is None else raised))
        stack.enter_context(hooked(names, after, before))
        stack.enter_context(uncompiled())
        stack.enter_context(_on_one_device(names))
        args, kwargs = _arguments(model, x)
        try:
            return model(*args, **kwargs)
        except Exception as error:
            where = f"{running[-1]} of {type(model).__name__}" if running else type(model).__name__
            raise ModelFailedError(f"forward failed in {where}: {_message(error)}") from error


def check_is_module(model: Any, name: str = "model") -> None:
    """Refuse what is no model, in one sentence.

    Raises:
        InvalidArgumentError: it is a class, or something else, or its __init__ left out
            super().__init__().
    """
    if isinstance(model, type):
        raise InvalidArgumentError(
            f"{name} is a class, {model.__name__}: make a model of it first, {model.__name__}(…)."
        )
    if not isinstance(model, nn.Module):
        raise InvalidArgumentError(
            f"{name} is of type {type(model).__name__}: it has to be a model, an nn.Module."
        )
    if not hasattr(model, "_modules"):
        raise InvalidArgumentError(
            f"{type(model).__name__} is not set up: call super().__init__() first in its __init__."
        )


def check_model(model: Any, x: Any, name: str = "model") -> None:
    """Refuse what no tool can run, each in one sentence.

    Raises:
        InvalidArgumentError: it is no module, or one that is not set up, or it is scripted, lazy or
            on the meta device; or x is on the meta device.
    """
    check_is_module(model, name)
    if not can_have_hooks(model):
        raise InvalidArgumentError(
            f"{name} is scripted: it runs outside Python, where nothing can be observed. Pass the "
            "model from which it was made."
        )
    for entry, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):  # the first call would make it, and so change the model for good
            raise InvalidArgumentError(
                f"`{entry}` is uninitialized: call the model once on some data first."
            )
        if tensor.is_meta:
            raise InvalidArgumentError(
                f"`{entry}` of {name} is on the meta device, which knows shapes and no values: "
                "make the model on a real device, and give it its weights."
            )
    if any(tensor.is_meta for tensor in tensors_in(x)):
        raise InvalidArgumentError("x is on the meta device, which knows shapes and no values.")


def copy_of(model: nn.Module) -> nn.Module:
    """A deep copy.

    Raises:
        ModelFailedError: the model cannot be copied.
    """
    with says_what_failed("The model cannot be copied"):
        return copy.deepcopy(model)


def is_compiled_wrapper(module: nn.Module) -> bool:
    """Is it what torch.compile(model) returns? That only hands on to the model inside."""
    return type(module).__name__ == "OptimizedModule"


def _names(model: nn.Module) -> dict[nn.Module, str]:
    """The modules that can have hooks, with the names that they have without torch.compile."""
    names, inside = {}, ()
    for name, module in model.named_modules():
        if name.startswith(inside) or is_compiled_wrapper(module):
            continue
        if isinstance(module, torch.jit.ScriptModule):
            inside = (*inside, f"{name}.")
        if can_have_hooks(module):
            names[module] = ".".join(part for part in name.split(".") if part != "_orig_mod")
    return names


def can_have_hooks(module: nn.Module) -> bool:
    """All but what is scripted; what is traced has them, the modules in it have not."""
    scripted = isinstance(module, torch.jit.ScriptModule)
    return not scripted or isinstance(module, torch.jit.TopLevelTracedModule)


def scripted_in(model: nn.Module) -> list[str]:
    """The names of the modules that cannot have hooks: what happens in them is not seen."""
    return [name for name, module in model.named_modules() if not can_have_hooks(module)]


def _arguments(model: nn.Module, x: Any) -> tuple[tuple, dict]:
    """Give forward x as its one argument; or, taken apart, as all of them.

    A tuple is taken apart where forward needs several arguments, a dictionary where it takes
    several and the keys are all names of such.
    """
    while is_compiled_wrapper(model) or isinstance(model, nn.DataParallel):
        model = model._orig_mod if is_compiled_wrapper(model) else model.module
    parameters = inspect.signature(model.forward).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needed = [p for p in named if p.default is p.empty]
    if type(x) is tuple and 1 < len(needed) <= len(x):
        return x, {}
    if isinstance(x, dict) and len(named) > 1 and x.keys() <= {p.name for p in named}:
        return (), x
    return (x,), {}


def beside(model: nn.Module, x: Any) -> Callable[[Tensor], Tensor]:
    """What puts a tensor of x where the model is.

    As it is found, if the model is in several places, or part of x is with it: some arguments, such
    as the lengths of packed sequences, belong on the CPU.
    """
    places = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    if len(places) != 1 or places & {tensor.device for tensor in tensors_in(x)}:
        return lambda tensor: tensor
    (place,) = places
    return lambda tensor: tensor.to(place)


def uncompiled() -> Any:
    """A context in which what torch.compile has made runs as it was written."""
    if "torch._dynamo" not in sys.modules:  # nothing has been compiled; importing it takes seconds
        return ExitStack()
    return torch.compiler.set_stance("force_eager")


@contextmanager
def full_float32() -> Iterator[None]:
    """In the block a GPU computes with all of float32's 24 bits, as a CPU does.

    By default its convolutions use TF32, whose 11 leave errors as large as many a mistake.
    Source: docs.pytorch.org/docs/stable/notes/cuda.html, on TensorFloat-32.
    """
    owners = torch.backends.cudnn, torch.backends.cuda.matmul
    try:
        before = [owner.allow_tf32 for owner in owners]
    except RuntimeError:  # somebody has chosen, by this switch's newer names
        yield
        return
    try:
        for owner in owners:
            owner.allow_tf32 = False
        yield
    finally:
        for owner, allowed in zip(owners, before, strict=True):
            owner.allow_tf32 = allowed


@contextmanager
def _on_one_device(modules: Iterable[nn.Module]) -> Iterator[None]:
    """In the block, DataParallel uses its first device only: its replicas have no names."""
    parallel = [module for module in modules if isinstance(module, nn.DataParallel)]
    devices = [module.device_ids for module in parallel]
    try:
        for module in parallel:
            module.device_ids = module.device_ids[:1]
        yield
    finally:
        for module, ids in zip(parallel, devices, strict=True):
            module.device_ids = ids


def _message(error: Exception) -> str:
    """What the error says, in at most 500 characters; its type if it says nothing."""
    try:
        text = str(error).strip()
    except Exception:
        text = ""
    text = text or type(error).__name__
    return text if len(text) <= 500 else f"{text[:499]}…"


# --- Leaving no trace ---------------------------------------------------------------------------


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards each module is in train or eval mode, as it was before."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put the model into eval mode in the block; then each of its modules is as it was before."""
    with modes_kept(model):
        model.eval()
        yield


@contextmanager
def tensors_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards buffers and gradients are the same tensors, or None, with the same values."""
    registers = [
        (module._buffers, dict(module._buffers))
        for module in model.modules()
        if not isinstance(module, torch.jit.ScriptModule)
    ]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    tensors = [*model.buffers(), *(grad for _, grad in gradients if grad is not None)]
    values = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        for buffers, before in registers:  # forward may have put a new tensor in its place
            buffers.clear()
            buffers.update(before)
        for parameter, grad in gradients:
            parameter.grad = grad
        for tensor, value in zip(tensors, values, strict=True):
            if not equal(tensor.detach(), value):
                tensor.detach().copy_(value)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Afterwards torch, Python and NumPy draw the random numbers that they would have drawn."""
    python, numpy = random.getstate(), sys.modules.get("numpy")
    numpys = numpy.random.get_state() if numpy else None
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=gpus):
        try:
            yield
        finally:
            random.setstate(python)
            if numpy:
                numpy.random.set_state(numpys)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards modes, buffers, gradients and random state are as they were before."""
    with random_state_kept(), modes_kept(model), tensors_kept(model):
        yield
