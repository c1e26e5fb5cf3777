"""The logins that this process acts for. All tabs of a browser share one, as its refresh token works once."""

import functools
import secrets
import threading
import time
from collections import OrderedDict

from farebox import MemoryTokenStore, Tokens

MOST = 20_000
TICKET_SECONDS = 60


class HeldLogin(MemoryTokenStore):
    """The tokens of one login; `in_cookie` is the refresh token that the browser was last given."""

    def __init__(self, held: "HeldLogins", tokens: Tokens | None = None) -> None:
        super().__init__(tokens)
        self._held = held
        self.in_cookie = self.refresh_token

    def save(self, tokens: Tokens | None) -> None:
        super().save(tokens)
        self._held.note(self, self.refresh_token)

    @property
    def refresh_token(self) -> str | None:
        tokens = self.load()
        return tokens.refresh_token if tokens else None


class HeldLogins:
    """Logins by every refresh token that they have had, and tickets to fetch a cookie with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logins: OrderedDict[str, HeldLogin] = OrderedDict()
        self._tickets: OrderedDict[str, tuple[float, HeldLogin]] = OrderedDict()

    def begin(self) -> HeldLogin:
        return HeldLogin(self)

    def find(self, refresh_token: str | None) -> HeldLogin | None:
        with self._lock:
            return self._logins.get(refresh_token or "")

    def resume(self, refresh_token: str) -> HeldLogin:
        """The login that this token is or was of; a token never seen here makes one that renews at once."""
        with self._lock:
            login = self._logins.get(refresh_token)
            if login is None:
                login = HeldLogin(self, Tokens(access_token="", refresh_token=refresh_token, expires_at=0))
            self._keep(refresh_token, login)
            return login

    def note(self, login: HeldLogin, refresh_token: str | None) -> None:
        """Find the login by its newest token too; one that has ended is forgotten."""
        with self._lock:
            if refresh_token is not None:
                self._keep(refresh_token, login)
                return
            for token in [token for token, each in self._logins.items() if each is login]:
                del self._logins[token]

    def issue_ticket(self, login: HeldLogin) -> str:
        """What the page's script is shown in place of the token, which no script may see."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets[ticket] = (time.monotonic() + TICKET_SECONDS, login)
            if len(self._tickets) > MOST:
                self._tickets.popitem(last=False)
        return ticket

    def take_ticket(self, ticket: str) -> HeldLogin | None:
        """The login that a ticket was issued for; it works once, and not for long."""
        with self._lock:
            deadline, login = self._tickets.pop(ticket, (0.0, None))
        return login if deadline > time.monotonic() else None

    def _keep(self, refresh_token: str, login: HeldLogin) -> None:
        self._logins[refresh_token] = login
        self._logins.move_to_end(refresh_token)
        if len(self._logins) > MOST:
            self._logins.popitem(last=False)


@functools.cache
def held_logins() -> HeldLogins:
    """Those of this process: Streamlit's script and its server share nothing else."""
    return HeldLogins()
