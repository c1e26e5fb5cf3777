"""What can go wrong with a stack; each is told in one line."""


class CannotStart(Exception):
    """The stack is not up, and this sentence says why."""


class NotRunning(Exception):
    """What was asked needs a running stack."""


class DemoFailed(Exception):
    """A step of the demonstration did not work."""
