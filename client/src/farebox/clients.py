"""The two clients: `Farebox` blocks, `AsyncFarebox` awaits. They offer the same operations."""

import os
from types import TracebackType
from typing import Self, TypedDict, Unpack
from urllib.parse import urlsplit

import httpx

from farebox.auth import Auth
from farebox.calls import Call, idempotency_header, json_as, no_content
from farebox.errors import InvalidArgument
from farebox.operations import Resource, S, operation
from farebox.resources.account import ApiKeys, Me
from farebox.resources.admin import Admin
from farebox.resources.budgets import Budgets
from farebox.resources.challenges import Challenges
from farebox.resources.datasets import Datasets
from farebox.resources.groups import Groups
from farebox.resources.jobs import Jobs
from farebox.resources.models import Models, ModelTypes
from farebox.resources.predictions import PredictionOperations
from farebox.resources.wallet import Prices, WalletOperations
from farebox.results.accounts import SessionTokens, User
from farebox.results.health import Health
from farebox.retries import Retries
from farebox.session import Session
from farebox.steps import Steps
from farebox.tokens import FileTokenStore, TokenStore
from farebox.transports import AsyncTransport, SyncTransport

DEFAULT_URL = "http://127.0.0.1:8000"


class ClientOptions(TypedDict, total=False):
    """Options of both clients."""

    api_key: str | None
    """The credential, by default FAREBOX_API_KEY, else the stored login."""
    group: int | None
    """The id of the group that pays for all work, by default your default payer."""
    store: TokenStore | None
    """The store of the login, by default a file in the user's config folder."""
    retries: Retries | None
    """How often and how long failed requests are repeated."""


class Client(Resource[S]):
    """The operations of both clients."""

    def __init__(self, session: Session, transport: S) -> None:
        super().__init__(session, transport)
        self.me = Me(session, transport)
        self.api_keys = ApiKeys(session, transport)
        self.groups = Groups(session, transport)
        self.budgets = Budgets(session, transport)
        self.challenges = Challenges(session, transport)
        self.wallet = WalletOperations(session, transport)
        self.prices = Prices(session, transport)
        self.datasets = Datasets(session, transport)
        self.model_types = ModelTypes(session, transport)
        self.models = Models(session, transport)
        self.predictions = PredictionOperations(session, transport)
        self.jobs = Jobs(session, transport)
        self.admin = Admin(session, transport)

    @property
    def is_logged_in(self) -> bool:
        """True when the client has a login or an API key; the service may still refuse it."""
        return self.session.auth.is_logged_in

    @property
    def uses_api_key(self) -> bool:
        """True when requests carry an API key rather than a login."""
        return self.session.auth.uses_api_key

    @operation
    def health(self) -> Call[Health]:
        """The gateway's readiness; raises Unreachable or Unavailable when it is not ready."""
        return Call("GET", "/readyz", Health.of, authorized=False)

    @operation
    def sign_up(self, name: str, password: str) -> Steps[User]:
        """Create an account and log in to it."""
        account = {"name": name, "password": password}
        headers = idempotency_header()
        call = Call("POST", "/v1/users", json_as(User), json=account, headers=headers, authorized=False)
        user = yield from self.session.request(call)
        yield from _log_in(self.session, name, password)
        return user

    @operation
    def log_in(self, name: str, password: str) -> Steps[None]:
        """Log in. The tokens are stored, and renewed when they expire."""
        return _log_in(self.session, name, password)

    @operation
    def log_out(self) -> Steps[None]:
        """End the login at the service, and delete the stored tokens even when that fails."""
        try:
            yield from self.session.request(Call("DELETE", "/v1/sessions/current", no_content))
        finally:
            self.session.auth.forget()


def _log_in(session: Session, name: str, password: str) -> Steps[None]:
    account = {"name": name, "password": password}
    call = Call("POST", "/v1/sessions", json_as(SessionTokens), json=account, authorized=False)
    session.auth.log_in((yield from session.request(call)))


class Farebox(Client[SyncTransport]):
    """A blocking client of a Farebox gateway.

    The address is `url`, FAREBOX_URL, API_BASE_URL or port 8000 of this machine. The credential is an API
    key, or the login that `log_in` stored. Close the client after use, or use it in a `with` block.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self.url = base_url(url)
        self._http = httpx.Client(base_url=self.url, transport=transport)
        super().__init__(_session(self.url, options), SyncTransport(self._http))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncFarebox(Client[AsyncTransport]):
    """An asynchronous client of a Farebox gateway, with the parameters of `Farebox`."""

    def __init__(
        self,
        url: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self.url = base_url(url)
        self._http = httpx.AsyncClient(base_url=self.url, transport=transport)
        super().__init__(_session(self.url, options), AsyncTransport(self._http))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def base_url(url: str | None = None) -> str:
    """The gateway's address: `url`, FAREBOX_URL, API_BASE_URL, or port 8000 of this machine."""
    address = url or os.environ.get("FAREBOX_URL") or os.environ.get("API_BASE_URL") or DEFAULT_URL
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument("The address must start with http:// or https:// and name a host.")
    return address.rstrip("/")


def _session(url: str, options: ClientOptions) -> Session:
    policy, store, api_key = options.get("retries") or Retries(), options.get("store"), options.get("api_key")
    if store is None:
        # A given store decides the account, so FAREBOX_API_KEY applies only without one.
        api_key = api_key or os.environ.get("FAREBOX_API_KEY") or None
    return Session(Auth(store or FileTokenStore(url), policy, api_key), policy, options.get("group"))
