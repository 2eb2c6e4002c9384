"""The file my_resnet.py: where it is, read and written whole or not at all, and run."""

import hashlib
import importlib.abc
import importlib.util
import io
import linecache
import os
import shutil
import sys
import tempfile
import tokenize
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from resnet_helpers.errors import CourseError

FILENAME = "my_resnet.py"
MODULE = "my_resnet"
VARIABLE = "RESNET_HELPERS_WORK"
NEW_FILE = '"""My ResNet: written by my_work.save, read by my_work.use, and mine to edit."""\n'
LONGEST_WAIT = 120  # seconds, for other notebooks to finish saving


class MyWorkError(CourseError):
    """A piece cannot be saved or used; what was saved before is as it was."""


class DoesNotRunError(Exception):
    """The text of my_resnet.py raises an error, or is no Python at all."""

    def __init__(self, error: BaseException, filename: str):
        line, message = _line_in(filename, error), str(error)
        if isinstance(error, SyntaxError):
            line, message = error.lineno, error.msg
        where = f"line {line}: " if line else ""
        self.line = line or 0
        super().__init__(f"{FILENAME} does not run ({where}{type(error).__name__}: {message})")


def _line_in(filename: str, error: BaseException) -> int:
    """The line of the file in which the error arose; 0 if it is none of the file's."""
    step, line = error.__traceback__, 0
    while step:
        if step.tb_frame.f_code.co_filename == filename:
            line = step.tb_lineno
        step = step.tb_next
    return line


def file() -> Path:
    """Where the pieces are kept: beside the notebook, or in the folder RESNET_HELPERS_WORK.

    Raises:
        MyWorkError: that folder does not exist.
    """
    name = os.environ.get(VARIABLE)
    folder = Path(os.path.expanduser(name or "."))
    if name and not folder.is_dir():
        raise MyWorkError(
            f"{VARIABLE} names the folder {name}, which does not exist, so there is no {FILENAME} "
            "to read or write: make the folder, or set the variable to another."
        )
    return folder / FILENAME


@dataclass(frozen=True)
class Contents:
    """The file's text, with the encoding and line ends in which it was found."""

    text: str
    encoding: str = "utf-8"
    line_end: str = "\n"


def read() -> Contents | None:
    """What is in the file; None where there is none.

    Raises:
        MyWorkError: it cannot be read.
    """
    try:
        data = file().read_bytes()
        # As Python does. From 3.14 on it stops at a null byte, which is in UTF-8 all the same.
        readable = io.BytesIO(data.replace(b"\0", b" "))
        encoding, _ = tokenize.detect_encoding(readable.readline)
        text = data.decode(encoding)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MyWorkError(f"{file()} cannot be read ({error.strerror}).") from None
    except (SyntaxError, UnicodeError):
        raise MyWorkError(
            f"{file()} is not in UTF-8 (nor in an encoding that its first line names): open it in "
            "an editor and save it as UTF-8, or move it away."
        ) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return Contents(lines, encoding, "\r\n" if "\r\n" in text else "\n")


def write(contents: Contents) -> None:
    """Replace the file, in one step: whoever reads it meanwhile sees the old or the new.

    Raises:
        MyWorkError: it cannot be written; it is as it was.
    """
    target = file().resolve()  # what a link points to is replaced, not the link
    beside = target.with_name(f".{FILENAME}.{os.getpid()}.new")
    try:
        text = contents.text.replace("\n", contents.line_end)
        beside.write_bytes(text.encode(contents.encoding))
        if target.exists():
            with suppress(OSError):  # a drive that keeps no permissions
                shutil.copymode(target, beside)
        os.replace(beside, target)
    except UnicodeEncodeError as error:
        raise MyWorkError(
            f"{FILENAME} names {contents.encoding} as its encoding, which has no "
            f"{error.object[error.start]!r}: save it as UTF-8 in an editor, without that line."
        ) from None
    except OSError as error:
        raise MyWorkError(_unwritable(error)) from None
    finally:
        beside.unlink(missing_ok=True)


def _unwritable(error: OSError) -> str:
    return f"{file()} cannot be written ({error.strerror}), so nothing was saved: it is as it was."


@contextmanager
def locked() -> Iterator[None]:
    """Alone with the file: who else on this machine wants to save waits until we are done.

    Raises:
        MyWorkError: another one takes too long.
    """
    # Not beside the file: that may be on a drive which knows no locks, as Colab's is.
    digest = hashlib.sha256(os.fsencode(file().resolve())).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else ""
    lock = FileLock(Path(tempfile.gettempdir(), f"{FILENAME}-{user}-{digest}.lock"), LONGEST_WAIT)
    try:
        lock.acquire()
    except Timeout:
        raise MyWorkError(
            f"Another notebook has been saving for {LONGEST_WAIT} seconds, so nothing was saved: "
            "interrupt it, or restart its kernel, and run this cell again."
        ) from None
    except OSError as error:
        raise MyWorkError(_unwritable(error)) from None
    try:
        yield
    finally:
        lock.release()


# ---- Running the text -------------------------------------------------------------------------

_being_run: list[types.ModuleType] = []


def run(text: str, filename: str) -> types.ModuleType:
    """A new module my_resnet in which the text has run; sys.modules has it from then on.

    Raises:
        DoesNotRunError: the text raises an error; sys.modules is as it was.
    """
    module = types.ModuleType(MODULE)
    module.__file__ = filename
    before = sys.modules.get(MODULE)
    sys.modules[MODULE] = module  # where dataclasses and pickle look for a class's module
    _being_run.append(module)
    try:
        exec(compile(text, filename, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        _put_back(before)
        raise DoesNotRunError(error, filename) from None
    except BaseException:  # interrupted
        _put_back(before)
        raise
    finally:
        _being_run.pop()
    return module


def forbid_in_file() -> None:
    """Raise a MyWorkError if it is the file itself that asks."""
    if _being_run:
        raise MyWorkError(
            f"{FILENAME} itself calls my_work, each time that it is read: take that line out."
        )


@contextmanager
def tried_out(text: str) -> Iterator[types.ModuleType]:
    """The module that the text would give, while the block runs; nothing of it stays.

    Raises:
        DoesNotRunError: as in run().
    """
    filename = f"<{FILENAME} tried out>"
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    before = sys.modules.get(MODULE)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            torch.random.fork_rng(devices=[]),
        ):
            warnings.simplefilter("ignore")
            yield run(text, filename)
    finally:
        _put_back(before)
        del linecache.cache[filename]


def _put_back(module: types.ModuleType | None) -> None:
    if module is None:
        sys.modules.pop(MODULE, None)
    else:
        sys.modules[MODULE] = module


class Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes `import my_resnet` read this file: for pickle, and for IPython's autoreload."""

    def find_spec(self, name, path=None, target=None):
        if name == MODULE and file().exists():
            return importlib.util.spec_from_loader(MODULE, self, origin=str(file()))
        return None

    def exec_module(self, module):
        filename = module.__file__ = str(file().resolve())
        linecache.checkcache(filename)
        exec(compile(read().text, filename, "exec", dont_inherit=True), module.__dict__)


sys.meta_path.insert(0, Importer())
