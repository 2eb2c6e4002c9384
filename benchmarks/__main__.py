"""All that is claimed about speed, measured: `make bench` prints one table, and fails nothing.

python benchmarks            everything
python benchmarks tools      the rows of one module
"""

import importlib
import sys

from timing import HEADER

MODULES = (
    *("speed", "faster", "tools", "growth", "checks", "widgets", "pictures"),
    *("setup_cells", "notebooks"),
)


def main(chosen: list[str]) -> None:
    """Print the table, row by row as they come, and below it what is known of each miss."""
    print(HEADER)
    missed = []
    for name in chosen or MODULES:
        for row in importlib.import_module(name).rows():
            print(row, flush=True)
            missed += [row] * row.missed
    if missed:
        print("\nMissed:")
    for row in missed:
        more = row.note or "no reason is known: is the machine idle? Then profile it"
        print(f"{row.what.strip()}: {more}.")


if __name__ == "__main__":
    main(sys.argv[1:])
