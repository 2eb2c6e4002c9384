"""All that is claimed about speed, measured: `make bench` prints one table, and fails nothing.

python benchmarks            everything
python benchmarks tools      the rows of one module
"""

import importlib
import sys

from timing import HEADER

MODULES = ("speed", "tools", "checks", "widgets", "pictures", "setup_cells")


def main(chosen: list[str]) -> None:
    """Print the table, row by row as they come."""
    print(HEADER)
    for name in chosen or MODULES:
        for row in importlib.import_module(name).rows():
            print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
