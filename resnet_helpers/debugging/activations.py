"""activation_stats: how large the output of every module is, and how much of it is zero."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from resnet_helpers.debugging.calls import Call, beside, check_model, run, unchanged
from resnet_helpers.debugging.values import copied, fresh, plain, tensors_in

if TYPE_CHECKING:
    import pandas as pd

    from resnet_helpers.figures.style import Picture


@dataclass(repr=False)
class ActivationStats:
    """What activation_stats measured: print it, or let a notebook show it."""

    table: "pd.DataFrame"  # one row an output, in order of execution

    def __repr__(self) -> str:
        return self.table.to_string(float_format="{:.3g}".format)

    def _repr_html_(self) -> str:
        import pandas as pd

        with pd.option_context("display.max_colwidth", None):  # names are shown whole
            table = self.table.to_html(float_format="{:.3g}".format)
        return f'<div style="max-height: 32em; overflow: auto">{table}</div>'

    def plot(self) -> "Picture":
        """Spread and mean (log axis) above, share of zeros below, along the network."""
        from resnet_helpers.figures.layers import draw_activations

        return draw_activations(self.table)


def activation_stats(model: nn.Module, x: Any) -> ActivationStats:
    """Run model on x and measure every module's output: mean, std, share of zeros, shape.

    A module that only hands on what its last submodule returned gets no row of its own. One that
    returns several tensors gets a row for each.

    Args:
        model: in train or eval mode, as you want it measured.
        x: what it is called with, as one argument; where forward needs several, a tuple of them,
            or a dictionary by their names. A copy of it goes to where the model is.

    Raises:
        ModelFailedError: a RuntimeError: forward failed; the message names the module, the original
            is chained.
        InvalidArgumentError: a ValueError: what was passed is no model, or one that cannot be
            observed: scripted, lazy, or on the meta device.
    """
    import pandas as pd

    check_model(model, x)
    rows: list[tuple] = []

    def leave(call: Call, output: Any) -> None:
        measured = [_stats(t) for t in map(plain, tensors_in(output)) if t.is_floating_point()]
        measured_last = [row[2:] for row in rows[len(rows) - len(measured) :]]
        if not call.is_leaf and repr(measured_last) == repr(measured):
            return  # compared as text, in which NaN equals NaN
        for i, stats in enumerate(measured):
            which = f"[{i}]" if len(measured) > 1 else ""
            rows.append((call.label + which, type(call.module).__name__, *stats))

    put = beside(model, x)
    with unchanged(model), torch.inference_mode(False), torch.no_grad():
        run(model, copied(x, lambda tensor: put(fresh(tensor))), lambda *_: None, leave)
    columns = ["module", "kind", "shape", "mean", "std", "zeros"]
    return ActivationStats(pd.DataFrame(rows, columns=columns))


def _stats(tensor: Tensor) -> tuple[tuple[int, ...], float, float, float]:
    shape = tuple(tensor.shape)
    if not tensor.numel():
        return shape, math.nan, math.nan, math.nan
    wide = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    mean = wide.mean()
    std = (wide - mean).square_().mean().sqrt()  # a tenth of the time that torch.std_mean takes
    # of truth values: of floats it takes five times as long
    zeros = (tensor == 0).count_nonzero().item() / tensor.numel()
    return shape, mean.item(), std.item(), zeros
