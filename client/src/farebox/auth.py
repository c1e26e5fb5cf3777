"""Authentication: the credential of each request, and the renewal of a login."""

import time
from contextlib import AbstractContextManager

from farebox.calls import Call, json_as
from farebox.errors import NotLoggedIn, ResponseLost, Unauthenticated, WaitTimeout, error_from
from farebox.results.accounts import SessionTokens
from farebox.retries import Retries, send_with_retries
from farebox.steps import Send, Sleep, Steps
from farebox.tokens import Tokens, TokenStore

LOCK_PAUSE_SECONDS = 0.05
LOCK_SECONDS = 30.0
# The service accepts a refresh token once more for 10 s, so a lost response is noticed before.
REFRESH_SECONDS = 5.0


class Auth:
    """The client's credential: an API key, or a login with its tokens in a store."""

    def __init__(self, store: TokenStore, retries: Retries, api_key: str | None = None) -> None:
        self._store, self._retries, self._api_key = store, retries, api_key
        self._tokens = store.load() if api_key is None else None

    @property
    def is_logged_in(self) -> bool:
        return self._api_key is not None or self._tokens is not None

    @property
    def uses_api_key(self) -> bool:
        return self._api_key is not None

    @property
    def can_renew(self) -> bool:
        return self._tokens is not None and self._tokens.refresh_token is not None

    def log_in(self, session: SessionTokens) -> None:
        """Store a new login in place of the previous one."""
        self._save(_tokens_of(session))

    def forget(self) -> None:
        """Delete the stored login; the service is not informed."""
        self._save(None)

    def credential(self) -> Steps[str]:
        """The bearer token to send, renewed first when it is about to expire."""
        if self._api_key is not None:
            return self._api_key
        if self._tokens is None:
            raise NotLoggedIn("You are not logged in; log in, or set FAREBOX_API_KEY.")
        if self._tokens.is_stale and self.can_renew:
            return (yield from self.renew(self._tokens.access_token))
        return self._tokens.access_token

    def renew(self, refused: str) -> Steps[str]:
        """A newer access token than the refused one.

        A refresh token works once, and a later use ends the login, unless the response to the first was lost.
        One process or thread renews at a time; the others wait and then use its new tokens.
        """
        with (yield from self._locked()):
            tokens = self._store.load()
            if tokens is None or tokens.refresh_token is None:
                self._tokens = None
                raise NotLoggedIn("You are no longer logged in; log in again.")
            if tokens.access_token == refused:
                tokens = yield from self._refresh(tokens.refresh_token)
                self._store.save(tokens)
        self._tokens = tokens
        return tokens.access_token

    def _refresh(self, refresh_token: str) -> Steps[Tokens]:
        call = Call(
            "POST",
            "/v1/sessions/refresh",
            json_as(SessionTokens),
            json={"refresh_token": refresh_token},
            authorized=False,
            timeout=REFRESH_SECONDS,
        )
        try:
            response = yield from send_with_retries(Send(call, {}), self._retries)
        except ResponseLost:
            response = yield from send_with_retries(Send(call, {}), self._retries)
        if response.is_success:
            return _tokens_of(call.read(response))
        error = error_from(response.status, response.headers, response.body)
        if response.status not in {400, 401, 403, 422}:
            raise error
        self.forget()
        raise Unauthenticated(
            "Your login has ended; log in again.",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        )

    def _locked(self) -> Steps[AbstractContextManager[object]]:
        deadline = time.monotonic() + LOCK_SECONDS
        while (lock := self._store.try_lock()) is None:
            if time.monotonic() > deadline:
                raise WaitTimeout("Another program is still renewing this login; try again.")
            yield Sleep(LOCK_PAUSE_SECONDS)
        return lock

    def _save(self, tokens: Tokens | None) -> None:
        self._tokens = tokens
        self._store.save(tokens)


def _tokens_of(session: SessionTokens) -> Tokens:
    return Tokens(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        expires_at=time.time() + session.expires_in,
    )
