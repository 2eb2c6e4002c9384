"""What lesson 7 trains with: pictures cut into crops, a recorder of training, six broken runs.

The loop itself, its steps and its accuracy are the learner's; how it looks while it runs is in
resnet_helpers.figures.learning.
"""

from resnet_helpers.training.broken_runs import broken_run
from resnet_helpers.training.crops import (
    CROP,
    accuracy_in_train_mode,
    hold_out,
    random_crops,
    small_pictures,
)
from resnet_helpers.training.diagnoses import check_run_diagnoses, check_run_diagnosis
from resnet_helpers.training.recording import Recording, record_training

__all__ = [
    "CROP",
    "Recording",
    "accuracy_in_train_mode",
    "broken_run",
    "check_run_diagnoses",
    "check_run_diagnosis",
    "hold_out",
    "random_crops",
    "record_training",
    "small_pictures",
]
