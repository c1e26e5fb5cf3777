"""Errors of the commands."""


class LocalError(Exception):
    """An error that ends the command with its message and exit status 1."""


class CannotStart(LocalError):
    """The stack could not be started."""


class NotRunning(LocalError):
    """The command needs a running stack."""


class PostgresFailed(LocalError):
    """The message is PostgreSQL's own output."""


class DemoFailed(LocalError):
    """A step of the demo failed."""
