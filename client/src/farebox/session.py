"""Session: a request from credential to result, and paginated lists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

from farebox.auth import Auth
from farebox.calls import Call, Page, Response
from farebox.errors import error_from
from farebox.retries import Retries, send_with_retries
from farebox.steps import Emit, Emits, Send, Steps

T = TypeVar("T")
Item = TypeVar("Item", bound=BaseModel)
UNAUTHENTICATED = 401
PAGE_SIZE = 200


class Session:
    """Sends calls under one account's credential, paid by a group if one is named."""

    def __init__(self, auth: Auth, retries: Retries, group: int | None = None) -> None:
        self.auth, self._retries = auth, retries
        self._payer = {} if group is None else {"Farebox-Group": str(group)}

    def request(self, call: Call[T]) -> Steps[T]:
        """The result of a call; raises the error of a non-2xx response."""
        response = yield from self._send(call, stream=False)
        return call.read(response)

    def open_stream(self, call: Call[T]) -> Steps[None]:
        """Open the response as a stream of text; `next_text` reads it."""
        yield from self._send(call, stream=True)

    def paginate(self, first: Call[Page[Item]]) -> Emits[Item]:
        """Emit each item of a list; a page is requested when the previous one is used up."""
        token: str | None = None
        while True:
            params = {**first.params, "page_size": PAGE_SIZE, "page_token": token}
            page = yield from self.request(replace(first, params=params))
            for item in page.items:
                yield Emit(item)
            token = page.next_page_token
            if token is None:
                return

    def _send(self, call: Call[T], *, stream: bool) -> Steps[Response]:
        if call.authorized:
            response = yield from self._send_authorized(call, stream=stream)
        else:
            response = yield from self._send_with({}, call, stream=stream)
        if not response.is_success:
            raise error_from(response.status, response.headers, response.body)
        return response

    def _send_authorized(self, call: Call[T], *, stream: bool) -> Steps[Response]:
        credential = yield from self.auth.credential()
        response = yield from self._send_as(credential, call, stream=stream)
        if response.status != UNAUTHENTICATED or not self.auth.can_renew:
            return response
        # Refused before any work was done, so the request can be repeated with a new token.
        credential = yield from self.auth.renew(credential)
        return (yield from self._send_as(credential, call, stream=stream))

    def _send_as(self, credential: str, call: Call[T], *, stream: bool) -> Steps[Response]:
        return self._send_with({"Authorization": f"Bearer {credential}", **self._payer}, call, stream=stream)

    def _send_with(self, headers: Mapping[str, str], call: Call[T], *, stream: bool) -> Steps[Response]:
        return send_with_retries(Send(call, headers, stream), self._retries)
