"""The two clients: `Farebox` blocks, `AsyncFarebox` awaits. They offer the same operations."""

from types import TracebackType
from typing import Self

import httpx

from farebox import environment
from farebox.auth import Login
from farebox.calls import Call, keyed, nothing, one
from farebox.operations import Group, S, operation
from farebox.resources.account import Me
from farebox.resources.admin import Admin
from farebox.resources.api_keys import ApiKeys
from farebox.resources.datasets import Datasets
from farebox.resources.jobs import Jobs
from farebox.resources.model_types import ModelTypes
from farebox.resources.models import Models
from farebox.resources.predictions import PredictionOperations
from farebox.resources.prices import Prices
from farebox.resources.wallet import WalletOperations
from farebox.results.accounts import User
from farebox.results.health import Health
from farebox.results.sessions import Session
from farebox.retries import Retries
from farebox.session import Exchange
from farebox.steps import Steps
from farebox.tokens import FileTokenStore, TokenStore
from farebox.transports import Awaiting, Blocking


class Client(Group[S]):
    """What both clients offer."""

    def __init__(self, exchange: Exchange, shell: S) -> None:
        super().__init__(exchange, shell)
        self.me = Me(exchange, shell)
        self.api_keys = ApiKeys(exchange, shell)
        self.wallet = WalletOperations(exchange, shell)
        self.prices = Prices(exchange, shell)
        self.datasets = Datasets(exchange, shell)
        self.model_types = ModelTypes(exchange, shell)
        self.models = Models(exchange, shell)
        self.predictions = PredictionOperations(exchange, shell)
        self.jobs = Jobs(exchange, shell)
        self.admin = Admin(exchange, shell)

    @property
    def is_signed_in(self) -> bool:
        """True when there is a login or an API key to send; the service may still refuse it."""
        return self.exchange.login.is_signed_in

    @property
    def uses_api_key(self) -> bool:
        """True when requests carry an API key rather than a login."""
        return self.exchange.login.uses_api_key

    @operation
    def health(self) -> Call[Health]:
        """Whether the gateway is there and ready; raises Unreachable or Unavailable when it is not."""
        return Call("GET", "/readyz", Health.of, authorized=False)

    @operation
    def sign_up(self, name: str, password: str) -> Steps[User]:
        """Make an account and log in to it."""
        account = {"name": name, "password": password}
        call = Call("POST", "/v1/users", one(User), json=account, headers=keyed(), authorized=False)
        user = yield from self.exchange.ask(call)
        yield from _log_in(self.exchange, name, password)
        return user

    @operation
    def log_in(self, name: str, password: str) -> Steps[None]:
        """Log in; the login is kept in the token store and renews itself."""
        return _log_in(self.exchange, name, password)

    @operation
    def log_out(self) -> Steps[None]:
        """End the login at the service, and forget it here whatever the service says."""
        try:
            yield from self.exchange.ask(Call("DELETE", "/v1/sessions/current", nothing))
        finally:
            self.exchange.login.end()


def _log_in(exchange: Exchange, name: str, password: str) -> Steps[None]:
    account = {"name": name, "password": password}
    session = yield from exchange.ask(
        Call("POST", "/v1/sessions", one(Session), json=account, authorized=False)
    )
    exchange.login.begin(session)


class Farebox(Client[Blocking]):
    """A Farebox gateway, called blocking.

    The address is `url`, FAREBOX_URL, API_BASE_URL or this machine's port 8000. Requests carry `api_key`,
    FAREBOX_API_KEY, or the login that `log_in` kept in the user's config folder; hand in a `store` to keep it
    elsewhere. Close it when done, or use it in a `with` block.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        store: TokenStore | None = None,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = environment.base_url(url)
        self._http = httpx.Client(base_url=self.url, transport=transport)
        super().__init__(_exchange(self.url, api_key, store, retries), Blocking(self._http))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncFarebox(Client[Awaiting]):
    """A Farebox gateway, called from asynchronous code; what `Farebox` says holds here too."""

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        store: TokenStore | None = None,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = environment.base_url(url)
        self._http = httpx.AsyncClient(base_url=self.url, transport=transport)
        super().__init__(_exchange(self.url, api_key, store, retries), Awaiting(self._http))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _exchange(url: str, api_key: str | None, store: TokenStore | None, retries: Retries | None) -> Exchange:
    patience = retries or Retries()
    # Whoever hands in a store acts for the person whose tokens are in it, not for the environment's key.
    key = environment.api_key(api_key) if store is None else api_key
    return Exchange(Login(store or FileTokenStore(url), patience, key), patience)
