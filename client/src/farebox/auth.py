"""Which credential a request carries, and how a login renews itself."""

import time
from contextlib import AbstractContextManager

from farebox.calls import Answer, Call, one
from farebox.errors import NotSignedIn, Unauthenticated, WaitedTooLong
from farebox.problems import error_of
from farebox.results.sessions import Session
from farebox.retries import Retries, send_patiently
from farebox.steps import Pause, Send, Steps
from farebox.tokens import Tokens, TokenStore

LOCK_PAUSE_SECONDS = 0.05
LOCK_SECONDS = 30.0


class Login:
    """An API key, or a login's tokens out of a store."""

    def __init__(self, store: TokenStore, retries: Retries, api_key: str | None = None) -> None:
        self._store, self._retries, self._api_key = store, retries, api_key
        self._tokens = store.load() if api_key is None else None

    @property
    def is_signed_in(self) -> bool:
        return self._api_key is not None or self._tokens is not None

    @property
    def uses_api_key(self) -> bool:
        return self._api_key is not None

    def begin(self, session: Session) -> None:
        """Keep a fresh login, in place of the one before."""
        self._keep(_tokens_of(session))

    def end(self) -> None:
        """Forget the login here; telling the service is another thing."""
        self._keep(None)

    def credential(self) -> Steps[str]:
        """What to send as the bearer, renewed first when it is about to expire."""
        if self._api_key is not None:
            return self._api_key
        if self._tokens is None:
            raise NotSignedIn("You are not signed in; log in first, or set FAREBOX_API_KEY.")
        if self._tokens.is_stale and self._tokens.refresh_token is not None:
            return (yield from self.renew(self._tokens.access_token))
        return self._tokens.access_token

    def can_renew(self) -> bool:
        return self._tokens is not None and self._tokens.refresh_token is not None

    def renew(self, refused: str) -> Steps[str]:
        """A newer access token than the refused one.

        A refresh token works once, and using it twice ends the login. So one process or thread renews at a
        time, and whoever waited takes what the other was given.
        """
        with (yield from self._locked()):
            tokens = self._store.load()
            if tokens is None or tokens.refresh_token is None:
                self._tokens = None
                raise NotSignedIn("You are no longer signed in; log in again.")
            if tokens.access_token == refused:
                tokens = yield from self._refresh(tokens.refresh_token)
                self._store.save(tokens)
        self._tokens = tokens
        return tokens.access_token

    def _refresh(self, refresh_token: str) -> Steps[Tokens]:
        call = Call(
            "POST",
            "/v1/sessions/refresh",
            one(Session),
            json={"refresh_token": refresh_token},
            authorized=False,
        )
        answer = yield from send_patiently(Send(call, {}), self._retries)
        if answer.status in {400, 401, 403, 422}:
            self._keep(None)
            raise _expired(answer)
        if not answer.is_success:
            raise error_of(answer)
        return _tokens_of(call.read(answer))

    def _locked(self) -> Steps[AbstractContextManager[object]]:
        deadline = time.monotonic() + LOCK_SECONDS
        while (lock := self._store.try_lock()) is None:
            if time.monotonic() > deadline:
                raise WaitedTooLong("Another program has been renewing this login for too long; try again.")
            yield Pause(LOCK_PAUSE_SECONDS)
        return lock

    def _keep(self, tokens: Tokens | None) -> None:
        self._tokens = tokens
        self._store.save(tokens)


def _tokens_of(session: Session) -> Tokens:
    return Tokens(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        expires_at=time.time() + session.expires_in,
    )


def _expired(answer: Answer) -> Unauthenticated:
    told = error_of(answer)
    return Unauthenticated(
        "Your login has ended; log in again.",
        status=answer.status,
        code=told.code,
        request_id=told.request_id,
    )
