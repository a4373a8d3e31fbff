"""Runs a stage as a command line: a line at once, its result as the last one, one sentence for an error."""

import atexit
import gc
import io
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import wraps
from pathlib import Path
from typing import Annotated

import typer

from dnaf.core import commands, environment
from dnaf.core.errors import DnafError, one_line
from dnaf.core.progress import note

# Arguments that several stages have; each asks params.yaml only if it is not given, as DVC gives them all.
Dataset = Annotated[
    str | None, typer.Argument(help="A key of `datasets` in params.yaml; by default its `dataset`")
]
Protocol = Annotated[
    str | None,
    typer.Argument(help="cfld, gfla, …, see docs/protocols.md; by default params.yaml's `protocol`"),
]

Command = Callable[..., str | None]

# diffusers takes both where they are, for text encoders and one spacing of timesteps: a third of the time
# that imports take. `generate` and `applications` keep SciPy, as a base's scheduler may ask for that spacing.
UNUSED_BY_DIFFUSION = ("transformers", "scipy")
# torch takes these to compile for GPUs and to divide a model among them, which no stage does.
UNUSED_BY_INFERENCE = ("triton", "torch.distributed.fsdp", "torch.distributed.tensor")


def spare(*packages: str) -> None:
    """Has packages look as if they were not installed, to others that take them where they are."""
    for package in packages:
        sys.modules[package] = None  # type: ignore[assignment]


def run(*functions: Command) -> None:
    """Runs a function with its Typer annotations as the command line; several are sub-commands.

    What it returns is its result in a line or more: what was made, and where it is. Only the first of several
    processes says it.
    """
    ended: list[object] = []
    # The first that is registered is called last, after all that libraries do at the end. A tool that was
    # there before, such as coverage, would not be called at all: then Python ends in its own way.
    if atexit._ncallbacks() == 0:
        atexit.register(_leave, ended)
    ended.append(exit_code(*functions))
    sys.exit(ended[0])  # type: ignore[arg-type]


def _leave(ended: list[object]) -> None:
    """Ends this process as it is: to take a million objects apart first costs a second or two of CPU."""
    match ended:
        case [int() | None as code]:  # else an exception is on its way
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code or 0)


def exit_code(*functions: Command) -> object:
    """Runs like `run`, and leaves the end of the process to the caller.

    Returns:
        what `sys.exit` takes.
    """
    # Imports make a million objects that stay; Python would search all of them for garbage eight times.
    gc.set_threshold(50_000, 100, 100)
    environment.let_threads_sleep()
    app, name = to_app(*functions), _name(functions[0])
    package = "pretraining" if functions[0].__globals__["__package__"] == "pretraining" else "stages"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no arrow
    by_name = sys.argv[0].startswith("dnaf ")  # see dnaf/cli.py
    code: object = 0
    try:
        environment.require_numbers()
        app(prog_name=None if by_name else commands.module(package, name))
    except SystemExit as end:
        code = end.code
    except DnafError as error:
        note(f"error: {error}")
        code = 2
    except OSError as error:
        if not _is_of_the_output(error):
            raise
        code = _say_lost(error)
    except RuntimeError as error:
        reason = _why_others_are_lost(error)
        if reason is None:
            raise
        note(
            f"error: another process of this run has ended, or cannot be reached ({reason}). What it said "
            "last tells why; start all again: they go on where they were."
        )
        code = 2
    if (lost := _lost_output()) is not None:
        code = _say_lost(lost)
    return code


def _why_others_are_lost(error: RuntimeError) -> str | None:
    """What PyTorch says where a process that shares the work is gone; None of any other error.

    Gloo, which connects CPUs, has no type of error of its own.
    """
    if environment.number("WORLD_SIZE", 1) == 1:
        return None
    if "gloo/transport" not in str(error) and not type(error).__name__.startswith("Dist"):
        return None
    return one_line(error).rpartition("] ")[2].partition(". ")[0]


def _say_lost(error: OSError) -> int:
    note(
        f"error: standard output: could not be written ({error.strerror}); the work itself is done. Send it "
        "to a file on a disk with free space."
    )
    return 2


def _lost_output() -> OSError | None:
    """Why what was printed does not reach anybody: a full disk. What is left of it is given up.

    Otherwise Python would try again at its end, and fail with another exit code after the work is done.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`: its reader has seen enough
        _give_up_output()
    except OSError as error:
        _give_up_output()
        return error
    return None


def _is_of_the_output(error: OSError) -> bool:
    """Whether it is standard output that cannot be written, and not some file: a new line is tried."""
    if error.filename is not None:
        return False
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError:
        _give_up_output()
        return True
    return False


def _give_up_output() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def writing(*outputs: Path) -> AbstractContextManager[None]:
    """A stage's work on what it writes: no other process may write there meanwhile; see `locks.sole_writer`.

    Of several processes the first one has the lock for all.
    """
    from dnaf.core import locks

    return locks.sole_writer(*outputs) if is_first_process() else nullcontext()


def to_app(*functions: Command) -> typer.Typer:
    """The command line of a stage; its help is the docstring of the module."""
    text = functions[0].__globals__["__doc__"]
    app = typer.Typer(help=text, add_completion=False, pretty_exceptions_enable=False)
    for function in functions:
        app.command(help=text if len(functions) == 1 else None)(_announced(function))
    return app


def _announced(function: Command) -> Callable[..., None]:
    """The function, which says what it is about before it imports what takes seconds, and then its result."""
    sentence = function.__globals__["__doc__"].partition("\n")[0].rstrip(".")

    @wraps(function)
    def announced(*args: object, **options: object) -> None:
        if is_first_process():
            note(f"{_name(function)}: {sentence} …")
        result = function(*args, **options)
        if result and is_first_process():
            print(result)

    return announced


def _name(function: Command) -> str:
    return Path(function.__globals__["__file__"]).stem


def is_first_process() -> bool:
    """Of those that share a stage's work; where there is only one, that one."""
    return environment.number("RANK", 0) == 0  # set by `accelerate launch`
