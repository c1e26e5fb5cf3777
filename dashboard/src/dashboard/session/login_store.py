"""Logins of this process. All tabs of a browser share one login, because a refresh token works once."""

import functools
import secrets
import threading
import time

from cachetools import LRUCache, TTLCache

from farebox import MemoryTokenStore, Tokens

MAX_ENTRIES = 20_000
TICKET_SECONDS = 60
# The current token and the one before: a browser's cookie is at most one renewal behind. An older one may be
# stolen; auth-service must see it and end the session.
KEPT_TOKENS = 2


class Login(MemoryTokenStore):
    """The tokens of one login; `token_in_cookie` is the browser's latest refresh token."""

    def __init__(self, store: "LoginStore", tokens: Tokens | None = None) -> None:
        super().__init__(tokens)
        self._store = store
        self.token_in_cookie = self.refresh_token
        self.indexed_tokens: list[str] = []

    def save(self, tokens: Tokens | None) -> None:
        super().save(tokens)
        self._store.update(self)

    @property
    def refresh_token(self) -> str | None:
        tokens = self.load()
        return tokens.refresh_token if tokens else None


class LoginStore:
    """Logins by their two latest refresh tokens, and the tickets to exchange for a cookie."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logins: LRUCache[str, Login] = LRUCache(MAX_ENTRIES)
        self._tickets: TTLCache[str, Login] = TTLCache(MAX_ENTRIES, TICKET_SECONDS, time.monotonic)

    def create(self) -> Login:
        return Login(self)

    def find(self, refresh_token: str | None) -> Login | None:
        with self._lock:
            return self._logins.get(refresh_token or "")

    def resume(self, refresh_token: str) -> Login:
        """The login with this token, the latest or the one before; else a login to refresh at once."""
        with self._lock:
            login = self._logins.get(refresh_token)
            if login is None:
                login = Login(self, Tokens(access_token="", refresh_token=refresh_token, expires_at=0))
                self._index(refresh_token, login)
            return login

    def update(self, login: Login) -> None:
        """Index the login by its newest token; remove a login that has ended."""
        with self._lock:
            if login.refresh_token is not None:
                self._index(login.refresh_token, login)
                return
            for token in login.indexed_tokens:
                self._logins.pop(token, None)
            login.indexed_tokens.clear()

    def issue_ticket(self, login: Login) -> str:
        """A one-time substitute for the refresh token, which no script may see."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets[ticket] = login
        return ticket

    def redeem_ticket(self, ticket: str) -> Login | None:
        """The login of this ticket, which works once and for TICKET_SECONDS."""
        with self._lock:
            return self._tickets.pop(ticket, None)

    def _index(self, refresh_token: str, login: Login) -> None:
        self._logins[refresh_token] = login
        login.indexed_tokens.append(refresh_token)
        if len(login.indexed_tokens) > KEPT_TOKENS:
            self._logins.pop(login.indexed_tokens.pop(0), None)


@functools.cache
def login_store() -> LoginStore:
    """The store of this process, shared by Streamlit's script and its server."""
    return LoginStore()
