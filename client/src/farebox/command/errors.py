"""Errors of commands: a message with a hint, and an exit code for scripts."""

import functools
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Literal, ParamSpec

import typer

from farebox.command import output
from farebox.error_codes import ErrorCode
from farebox.errors import (
    Conflict,
    FareboxError,
    Forbidden,
    InvalidArgument,
    InvalidInput,
    JobNotSucceeded,
    Malformed,
    NotFound,
    NotLoggedIn,
    PayloadTooLarge,
    PaymentRefused,
    ResponseLost,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unreachable,
    UnsupportedMediaType,
    WaitTimeout,
)
from farebox.results.jobs import Job

P = ParamSpec("P")

OK, OTHER, USAGE, INTERRUPTED = 0, 1, 2, 130

EXIT_CODES: Mapping[type[FareboxError], int] = {
    NotLoggedIn: 3,
    Unauthenticated: 3,
    PaymentRefused: 4,
    Unreachable: 5,
    Unavailable: 5,
    ResponseLost: 5,
    TooManyRequests: 5,
    WaitTimeout: 5,
    NotFound: 6,
    InvalidArgument: 7,
    Malformed: 7,
    InvalidInput: 7,
    PayloadTooLarge: 7,
    UnsupportedMediaType: 7,
    Forbidden: 8,
    Conflict: 9,
    JobNotSucceeded: 10,
}

MEANINGS: Mapping[int, str] = {
    0: "success",
    1: "any other error",
    2: "invalid command line",
    3: "not logged in, or the login has ended",
    4: "not enough tokens, or the card was declined",
    5: "unreachable, overloaded or too slow; try again",
    6: "not found",
    7: "invalid input",
    8: "not allowed",
    9: "conflict with an existing object or a running job",
    10: "the job failed or was cancelled",
    130: "interrupted with Ctrl-C",
}

# The services' messages name routes, which are of no use at a terminal.
ROUTE_CLAUSE = re.compile(r"[;,:] [^;]*\b(?:GET|POST|PUT|PATCH|DELETE) /[^;]*$")
TEXT_IN_COLUMN = (
    "Add COLUMN=missing to read such cells as missing, or read the column as text with: "
    "farebox datasets correct DATASET COLUMN=text"
)
HINTS: Mapping[ErrorCode | Literal["not_signed_in", "unreachable"], str] = {
    "not_signed_in": "Log in with: farebox login NAME, or create an account with: farebox signup NAME",
    "unauthenticated": "Log in with: farebox login NAME",
    "refresh_token_invalid": "Log in with: farebox login NAME",
    "refresh_token_reused": "Log in with: farebox login NAME",
    "unreachable": "Check the address with: farebox doctor",
    "not_enough_tokens": "Buy tokens with: farebox buy AMOUNT",
    "group_not_found": "List your groups with: farebox groups list",
    "member_not_found": "List the members with: farebox groups members GROUP",
    "challenge_not_found": "List the challenges with: farebox challenges list GROUP",
    "submission_not_found": "List your submissions with: farebox challenges submissions CHALLENGE",
    "model_not_eligible": "Train one with: farebox challenges train CHALLENGE",
    "spending_limit_reached": "Show who pays with: farebox funds GROUP",
    "join_code_not_found": "List the codes with: farebox groups codes GROUP",
    "roster_changed": "Compare the file again with: farebox groups roster GROUP FILE",
    "dataset_not_found": "List your datasets with: farebox datasets list",
    "token_cap_reached": "Create a key with: farebox keys create NAME --token-cap TOKENS",
    "budget_too_small": "Raise it with: --budget-tokens TOKENS",
    "dataset_quota_reached": "Delete a dataset with: farebox datasets delete DATASET",
    "dataset_in_use": "List your jobs with: farebox jobs list, and cancel one with: farebox jobs cancel JOB",
    "storage_quota_reached": (
        "Delete a dataset with: farebox datasets delete DATASET, or a model with: farebox models delete MODEL"
    ),
    "upload_missing": "Upload it with: farebox datasets add FILE",
    "unknown_column": "List the dataset's columns with: farebox datasets show DATASET",
    "csv_text_in_number_column": TEXT_IN_COLUMN,
    "csv_text_in_date_column": TEXT_IN_COLUMN,
    "csv_text_in_boolean_column": TEXT_IN_COLUMN,
    "needs_decision": (
        "Decide with: farebox datasets correct DATASET COLUMN=missing, or with COLUMN=text or COLUMN=omitted"
    ),
    "left_out_column": "Use it with: farebox datasets correct DATASET COLUMN=text",
    "model_not_found": "List your models with: farebox models list",
    "model_name_taken": "Delete that model with: farebox models delete MODEL",
    "artefact_refused": "Train it with: farebox train FILE --label COLUMN",
    "batch_column_missing": "List the model's features with: farebox models schema MODEL",
    "prediction_timed_out": "Predict a file with: farebox batch MODEL FILE",
    "prediction_too_large": "Predict a file with: farebox batch MODEL FILE",
    "job_not_found": "List your jobs with: farebox jobs list",
    "job_ended": "Show its state with: farebox jobs show JOB",
    "no_result": "Show its state with: farebox jobs show JOB",
    "too_many_jobs_queued": "Cancel a job with: farebox jobs cancel JOB",
    "result_pending": "Follow the job with: farebox jobs follow JOB",
    "too_many_api_keys": "Revoke a key with: farebox keys revoke KEY",
    "api_key_not_found": "List your API keys with: farebox keys list",
    "receipt_not_found": "List your receipts with: farebox ledger",
    "user_not_found": "List the users with: farebox admin users",
    "own_account": "Another administrator can with: farebox admin delete-user USER",
    "last_admin": "Make another user an administrator with: farebox admin set-role USER admin",
    "unknown_model_type": "List the types with: farebox models types",
    "unknown_parameter": "List each type's parameters with: farebox models types",
    "invalid_parameter": "List each type's parameters with: farebox models types",
    "missing_feature": "List the model's features with: farebox models schema MODEL",
    "unknown_feature": "List the model's features with: farebox models schema MODEL; batch ignores others",
    "label_not_classes": "Choose the type with --type, and the task with --task",
    "label_not_numeric": "Choose the type with --type, and the task with --task",
    "class_too_small": "Choose the type with --type, and the task with --task",
    "task_not_offered": "List each type's tasks with: farebox models types",
    "missing_labels": "Leave these rows out with: --drop-missing-labels",
    "missing_split_values": "Name another column with: --split-column",
    "split_not_in_time": "Name another column with: --split-column",
    "too_few_groups": "Name another column with: --split-column",
    "one_class_in_training": "Choose another split with: --split",
}


def handle_errors(perform: Callable[P, None]) -> Callable[P, None]:
    """Decorator: a failing command prints a message, never a traceback, and exits with a code."""

    @functools.wraps(perform)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            perform(*args, **kwargs)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            output.message("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            if "FAREBOX_DEBUG" in os.environ:
                raise
            farebox_error = _as_farebox_error(error)
            show_error(farebox_error, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(exit_code(farebox_error)) from None

    return run


def exit_code(error: FareboxError) -> int:
    """The exit code of the error's class, or of its nearest base class."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), OTHER)


def show_error(error: FareboxError, *, as_json: bool) -> None:
    if not as_json:
        output.message(f"farebox: {with_hint(error)}")
        return
    document = {name: getattr(error, name) for name in ("code", "detail", "status", "request_id")}
    typer.echo(json.dumps({"error": document}), err=True)


def with_hint(error: FareboxError) -> str:
    """The error's detail without routes, and a command to run next."""
    sentence = ROUTE_CLAUSE.sub(".", error.detail)
    hint = next((hint for code, hint in HINTS.items() if code == _cause(error)), None)
    return f"{sentence} {hint}" if hint else sentence


def _cause(error: FareboxError) -> str:
    """The code of the failed job, or else of the error itself."""
    job = error.members.get("job")
    return job.error.code if isinstance(job, Job) and job.error else error.code


def _as_farebox_error(error: Exception) -> FareboxError:
    match error:
        case FareboxError():
            return error
        case OSError():
            return InvalidArgument(f"{error.filename or 'A file'}: {error.strerror or error}.")
        case _:
            return FareboxError(
                f"This is a bug in the command ({type(error).__name__}); FAREBOX_DEBUG=1 shows the traceback."
            )
