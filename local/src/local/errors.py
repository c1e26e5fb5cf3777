"""Failures that end a command with one line."""


class LocalError(Exception):
    """The command line prints the message and ends with status 1."""


class CannotStart(LocalError):
    """The stack could not be started."""


class NotRunning(LocalError):
    """The command needs a running stack."""


class PostgresFailed(LocalError):
    """The message is PostgreSQL's own output."""


class DemoFailed(LocalError):
    """A step of the demo failed."""
