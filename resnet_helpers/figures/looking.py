"""How a figure meets a model: is it one, where is it, and what does it make of a picture.

A model may be on any device and in any mode; it is left as it was found.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resnet_helpers.debugging.calls import check_is_module, eval_mode, uncompiled
from resnet_helpers.errors import CourseError, InvalidArgumentError, one_line


@contextmanager
def on_cpu() -> Iterator[None]:
    """In the block, or the function this decorates, new tensors are on the CPU.

    For figures that make their own, whatever device the notebook has made the default.
    """
    with torch.device("cpu"):
        yield


def check_model(model: Any) -> None:
    """Refuse, in one sentence, what is no model that has its weights.

    Raises:
        InvalidArgumentError: it is a class, or no nn.Module at all, or one whose __init__ left
            out super().__init__(), or scripted, or some of its weights are still to be made
            (torch's Lazy modules).
    """
    check_is_module(model)
    if isinstance(model, torch.jit.ScriptModule):
        raise InvalidArgumentError(
            "The model is scripted, and its parts cannot be seen: pass the one it was made from."
        )
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        if is_lazy(tensor):
            raise InvalidArgumentError(
                f"`{name}` has no weights yet: call the model once on some pictures first."
            )


def look(model: nn.Module, x: Float[Tensor, "batch rgb height width"]) -> Any:
    """What the model makes of these pictures, in eval mode and wherever the model is.

    Raises:
        InvalidArgumentError: it is no model, or on the meta device, or its forward raises on them.
    """
    check_model(model)
    weights = chain(model.parameters(), model.buffers())
    weight = next((tensor for tensor in weights if tensor.is_floating_point()), None)
    if weight is not None:
        if weight.is_meta:
            raise InvalidArgumentError(
                "The model is on the meta device, which knows shapes and no values: make it on a "
                "real device, and give it its weights."
            )
        x = x.to(weight.device, weight.dtype)
    try:
        with eval_mode(model), uncompiled():
            return model(x)
    except CourseError:
        raise
    except Exception as error:
        raise InvalidArgumentError(
            f"{type(model).__name__} fails on a batch of pictures of shape {tuple(x.shape)}: "
            f"{one_line(error)} (Call it on one yourself to see where.)"
        ) from error
