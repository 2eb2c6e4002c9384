"""Every answer by which the checks are proven, all exercises together."""

from resnet_helpers import answers

ALL = [answers.answers_to(exercise) for exercise in answers.exercises()]
RIGHT = [answer for answers_to_one in ALL for answer in answers_to_one.right_ones.values()]
WRONG = [answer for answers_to_one in ALL for answer in answers_to_one.wrong_ones]
