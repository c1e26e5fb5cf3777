"""Every command ends in a sentence and an exit code, never in a traceback."""

import os
from collections.abc import Callable

import typer

from farebox.command import errors as exits
from farebox.command import output
from farebox.command.options import Shared
from farebox.errors import FareboxError, UnusableInput


def with_sentences(shared: Shared, perform: Callable[[], None]) -> None:
    """Whatever goes wrong is told in a sentence, and by the exit code."""
    try:
        perform()
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        output.say("Interrupted.")
        raise typer.Exit(exits.INTERRUPTED) from None
    except Exception as error:
        if "FAREBOX_DEBUG" in os.environ:
            raise
        told = _as_told(error)
        output.tell_error(told, as_json=shared.as_json)
        raise typer.Exit(exits.exit_code(told)) from None


def _as_told(error: Exception) -> FareboxError:
    match error:
        case FareboxError():
            return error
        case OSError():
            return UnusableInput(f"{error.filename or 'A file'}: {error.strerror or error}.")
        case _:
            return FareboxError(
                f"This is a bug of the command ({type(error).__name__}); FAREBOX_DEBUG=1 shows where."
            )
