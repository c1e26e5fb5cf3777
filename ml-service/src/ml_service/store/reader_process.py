"""Process of the pool: runs the calls from standard input, one after the other, until that is closed.

It imports nothing but what its calls need: about 75 MB for the inspection of a table.
"""

import os
import pickle
import resource
import sys
from typing import BinaryIO


def limit_memory(most_bytes: int) -> None:
    """Let a file that would take more than this fail, whatever its headers claim, instead of the service."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = most_bytes if most == resource.RLIM_INFINITY else min(most_bytes, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def serve(calls: BinaryIO, outcomes: BinaryIO) -> None:
    """Answer each call by whether it succeeded, and its result or error."""
    sys.path[:] = pickle.load(calls)  # noqa: S301 - from the parent process
    while True:
        try:
            call = pickle.load(calls)  # noqa: S301 - as above
        except EOFError:
            return
        outcomes.write(outcome_of(call))
        outcomes.flush()


def outcome_of(call: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(call)  # noqa: S301 - as above
        return _pickle(True, function(*arguments))
    except BaseException as error:
        try:
            return _pickle(False, error)
        except Exception as unpicklable:
            return _pickle(False, unpicklable)


def _pickle(succeeded: bool, value: object) -> bytes:
    # The value is a pickle within a pickle: one that cannot be loaded leaves the stream intact.
    return pickle.dumps((succeeded, pickle.dumps(value)))


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    # What a call prints goes to the log.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
