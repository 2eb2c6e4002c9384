"""`python -m resnet_helpers.class_tools FOLDER`: a page and a table on what a class got wrong."""

import argparse
import sys
from pathlib import Path

from resnet_helpers.errors import CourseError


def main() -> None:
    """Read the folder, and write class.html and class.csv where the command is given."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_helpers.class_tools",
        description="Writes a page, and a table, on what a class got wrong.",
    )
    parser.add_argument(
        "folder",
        type=Path,
        help="an nbgrader course after grading, or any folder of learners' notebooks, or of their "
        "my_resnet.py files (each in a folder of its own)",
    )
    parser.add_argument("--names", action="store_true", help="say who made which mistake")
    parser.add_argument("--to", type=Path, default=Path("class.html"), help="the page's name")
    arguments = parser.parse_args()

    from resnet_helpers.class_tools.findings import in_folder  # --help needs none of it
    from resnet_helpers.class_tools.report import Report

    try:
        findings, read_from = in_folder(arguments.folder)
    except CourseError as error:
        sys.exit(f"{error}")
    table = Report(findings, read_from, arguments.names).write(arguments.to)
    print(f"Wrote {arguments.to} and {table}.")


if __name__ == "__main__":
    main()
