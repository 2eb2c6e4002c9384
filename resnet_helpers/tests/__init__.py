"""The checks of the exercises: `import resnet_helpers.tests as tests`, then `tests.test_…(Yours)`.

A check that passes prints one line; one that fails names the mistake, if the catalogue knows it.
`python -m resnet_helpers.tests` lists the catalogue.
"""

from resnet_helpers.tests.accuracy import ACCURACY, test_accuracy
from resnet_helpers.tests.add_hook import ADD_HOOK, test_add_hook
from resnet_helpers.tests.averagepool import AVERAGEPOOL, test_averagepool
from resnet_helpers.tests.batchnorm2d import (
    BATCHNORM2D,
    test_batchnorm2d_forward,
    test_batchnorm2d_module,
    test_batchnorm2d_running_mean,
    test_batchnorm2d_running_stats_detached,
    test_batchnorm2d_running_var,
)
from resnet_helpers.tests.block_group import BLOCK_GROUP, test_block_group
from resnet_helpers.tests.copy_weights import COPY_WEIGHTS, test_copy_weights
from resnet_helpers.tests.first_divergence import FIRST_DIVERGENCE, test_first_divergence
from resnet_helpers.tests.fold_batchnorm import FOLD_BATCHNORM, test_fold_batchnorm
from resnet_helpers.tests.freeze import FREEZE, test_freeze
from resnet_helpers.tests.fused_batchnorm2d import FUSED_BATCHNORM2D, test_fused_batchnorm2d
from resnet_helpers.tests.named_resnet34 import NAMED_RESNET34, test_named_resnet34
from resnet_helpers.tests.nan_hook import NAN_HOOK, test_nan_hook
from resnet_helpers.tests.nan_module import NAN_MODULE, test_nan_module
from resnet_helpers.tests.predict import PREDICT, test_predict
from resnet_helpers.tests.ratio import RATIO, test_ratio
from resnet_helpers.tests.recalibrate import RECALIBRATE, test_recalibrate
from resnet_helpers.tests.remove_hooks import REMOVE_HOOKS, test_remove_hooks
from resnet_helpers.tests.residual_block import RESIDUAL_BLOCK, test_residual_block
from resnet_helpers.tests.resnet34 import RESNET34, test_resnet34
from resnet_helpers.tests.sequential import SEQUENTIAL, test_sequential
from resnet_helpers.tests.train_step import TRAIN_STEP, test_train_step

EXERCISES = (
    BATCHNORM2D,
    SEQUENTIAL,
    AVERAGEPOOL,
    RESIDUAL_BLOCK,
    BLOCK_GROUP,
    RESNET34,
    COPY_WEIGHTS,
    PREDICT,
    NAMED_RESNET34,
    NAN_MODULE,
    NAN_HOOK,
    ADD_HOOK,
    REMOVE_HOOKS,
    FIRST_DIVERGENCE,
    TRAIN_STEP,
    ACCURACY,
    RECALIBRATE,
    FREEZE,
    RATIO,
    FUSED_BATCHNORM2D,
    FOLD_BATCHNORM,
)

__all__ = [
    "EXERCISES",
    "test_accuracy",
    "test_add_hook",
    "test_averagepool",
    "test_batchnorm2d_forward",
    "test_batchnorm2d_module",
    "test_batchnorm2d_running_mean",
    "test_batchnorm2d_running_stats_detached",
    "test_batchnorm2d_running_var",
    "test_block_group",
    "test_copy_weights",
    "test_first_divergence",
    "test_fold_batchnorm",
    "test_freeze",
    "test_fused_batchnorm2d",
    "test_named_resnet34",
    "test_nan_hook",
    "test_nan_module",
    "test_predict",
    "test_ratio",
    "test_recalibrate",
    "test_remove_hooks",
    "test_residual_block",
    "test_resnet34",
    "test_sequential",
    "test_train_step",
]

for _name in __all__[1:]:
    globals()[_name].__test__ = False  # or pytest takes them for tests of its own
