"""`python -m resnet_helpers.tests`: the catalogue of known mistakes, as the checks use it."""

import signal
import textwrap

from resnet_helpers.tests import EXERCISES


def main() -> None:
    """Print every exercise with its checks, and every mistake with its hint."""
    for exercise in EXERCISES:
        print(f"{exercise.name} ({', '.join(exercise.checks)})")
        for mistake in exercise.mistakes:
            print(f"  {mistake.name}")
            print(textwrap.indent(textwrap.fill(mistake.hint, 92), " " * 6))
        print()
    for exercise in EXERCISES:
        print(f"{len(exercise.mistakes):4} mistakes in {exercise.name}")
    total = sum(len(exercise.mistakes) for exercise in EXERCISES)
    print(f"{total:4} in {len(EXERCISES)} exercises")


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):  # not on Windows
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a traceback
    main()
