"""Hook tools that say where a network goes wrong: first divergence, first NaN, activations.

Each runs a model as it is, in the mode it is in, and leaves no trace: no hook remains; training
flags, buffers, gradients and random state are as before, whatever is raised. What they
look at is calls: a module called twice counts twice, and a leaf is a call in which no other module
is called.
"""

from resnet_helpers.debugging.activations import ActivationStats, activation_stats
from resnet_helpers.debugging.causes import settings_of
from resnet_helpers.debugging.divergence import Divergence, first_divergence
from resnet_helpers.debugging.nan import FirstNan, find_first_nan

__all__ = [
    "ActivationStats",
    "Divergence",
    "FirstNan",
    "activation_stats",
    "find_first_nan",
    "first_divergence",
    "settings_of",
]
