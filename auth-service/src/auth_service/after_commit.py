"""What a request still does once its transaction is committed and before its answer leaves."""

from collections.abc import Awaitable, Callable

import structlog

log = structlog.stdlib.get_logger()


class AfterCommit:
    def __init__(self) -> None:
        self._actions: list[Callable[[], Awaitable[None]]] = []

    def add(self, action: Callable[[], Awaitable[None]]) -> None:
        self._actions.append(action)

    async def run(self) -> None:
        for action in self._actions:
            try:
                await action()
            except Exception as error:
                # The request has had its effect already; whatever fails here must not deny that.
                log.warning("after_commit_failed", error=type(error).__name__)
