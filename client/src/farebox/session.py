"""One request, from credential to result."""

from typing import TypeVar

from farebox.auth import Login
from farebox.calls import Answer, Call
from farebox.problems import error_of
from farebox.retries import Retries, send_patiently
from farebox.steps import Send, Steps

T = TypeVar("T")
UNAUTHENTICATED = 401


class Exchange:
    """Asks as whoever is signed in."""

    def __init__(self, login: Login, retries: Retries) -> None:
        self.login, self._retries = login, retries

    def ask(self, call: Call[T]) -> Steps[T]:
        """The result of a call; raises the error that its answer stands for."""
        answer = yield from self._answer(call, stream=False)
        return call.read(answer)

    def open(self, call: Call[T]) -> Steps[None]:
        """Open the call's answer as a stream of lines."""
        yield from self._answer(call, stream=True)

    def _answer(self, call: Call[T], *, stream: bool) -> Steps[Answer]:
        if call.authorized:
            answer = yield from self._answer_as_caller(call, stream=stream)
        else:
            answer = yield from send_patiently(Send(call, {}, stream), self._retries)
        if not answer.is_success:
            raise error_of(answer)
        return answer

    def _answer_as_caller(self, call: Call[T], *, stream: bool) -> Steps[Answer]:
        credential = yield from self.login.credential()
        answer = yield from send_patiently(Send(call, _bearer(credential), stream), self._retries)
        if answer.status != UNAUTHENTICATED or not self.login.can_renew():
            return answer
        # Refused before any work was done, so the same request can go out under a newer token.
        credential = yield from self.login.renew(credential)
        return (yield from send_patiently(Send(call, _bearer(credential), stream), self._retries))


def _bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}
