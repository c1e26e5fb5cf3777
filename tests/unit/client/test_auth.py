"""Authentication: renewal of logins, one at a time, and private token stores."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.unit.client.gateway import IMPATIENT, URL, Caller, Gateway, fresh_tokens, ok, problem

from farebox import Farebox, FileTokenStore, MemoryTokenStore, NotLoggedIn
from farebox.errors import Unauthenticated

WALLET = {"tokens": 15, "held": 0, "available": 15}
RENEWED = {
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "expires_in": 3600,
    "refresh_expires_in": 9000,
}
REFUSED = problem(401, "unauthenticated")


def only_for(token: str) -> object:
    def respond(request: httpx.Request) -> httpx.Response:
        return ok(WALLET) if request.headers["Authorization"] == f"Bearer {token}" else REFUSED

    return respond


def test_request_carries_access_token_of_login(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", only_for("access-1"))

    assert caller.run(lambda client: client.wallet.balance()).tokens == 15


def test_api_key_takes_precedence_over_login(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", only_for("fbx_key"))

    assert caller.run(lambda client: client.wallet.balance(), api_key="fbx_key").tokens == 15


def test_refused_api_key_is_not_renewed(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", REFUSED)

    with pytest.raises(Unauthenticated):
        caller.run(lambda client: client.wallet.balance(), api_key="fbx_key")

    assert len(gateway.requests) == 1


def test_expiring_token_is_renewed_before_use(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))

    caller.run(lambda client: client.wallet.balance(), store=MemoryTokenStore(fresh_tokens(lifetime=5)))

    assert [request.url.path for request in gateway.requests] == ["/v1/sessions/refresh", "/v1/me/wallet"]


def test_refused_token_is_renewed_and_request_repeated(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))
    store = MemoryTokenStore(fresh_tokens())

    assert caller.run(lambda client: client.wallet.balance(), store=store).tokens == 15
    renewed = store.load()
    assert renewed is not None
    assert renewed.refresh_token == "refresh-2"


def test_idempotency_key_survives_token_renewal(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    gateway.on("POST", "/v1/quotes", REFUSED, problem(422, "invalid_input"))

    with pytest.raises(Exception, match="differently"):
        caller.run(lambda client: client.prices.quote("train"))

    assert (
        len({request.headers["Idempotency-Key"] for request in gateway.requests_to("POST", "/v1/quotes")})
        == 1
    )


def test_ended_login_is_deleted_from_store(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", problem(401, "refresh_token_invalid"))
    gateway.on("GET", "/v1/me/wallet", REFUSED)
    store = MemoryTokenStore(fresh_tokens())

    with pytest.raises(Unauthenticated, match="log in again"):
        caller.run(lambda client: client.wallet.balance(), store=store)

    assert store.load() is None


def test_renewal_with_lost_response_is_repeated_once(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", httpx.ReadError("reset"), ok(RENEWED))
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))

    assert caller.run(lambda client: client.wallet.balance()).tokens == 15
    tokens = {request.content for request in gateway.requests_to("POST", "/v1/sessions/refresh")}
    assert len(tokens) == 1


def test_renewal_is_not_repeated_twice(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", httpx.ReadError("reset"))
    gateway.on("GET", "/v1/me/wallet", REFUSED)

    with pytest.raises(Exception, match="connection broke"):
        caller.run(lambda client: client.wallet.balance())

    assert len(gateway.requests_to("POST", "/v1/sessions/refresh")) == 2


def test_tokens_renewed_by_another_process_are_used(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))
    store = MemoryTokenStore(fresh_tokens())

    def save_then_read(client: Farebox) -> object:
        store.save(fresh_tokens(access="access-2"))
        return client.wallet.balance()

    assert caller.run(save_then_read, store=store).tokens == 15
    assert gateway.requests_to("POST", "/v1/sessions/refresh") == []


def test_concurrent_threads_renew_refused_token_once(gateway: Gateway) -> None:
    all_refused = threading.Barrier(8)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer access-2":
            return ok(WALLET)
        all_refused.wait(timeout=10)
        return REFUSED

    gateway.on("GET", "/v1/me/wallet", respond)
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    store = MemoryTokenStore(fresh_tokens())
    transport = httpx.MockTransport(gateway)
    with (
        Farebox(URL, store=store, retries=IMPATIENT, transport=transport) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        wallets = list(threads.map(lambda _: client.wallet.balance(), range(8)))

    assert len(wallets) == 8
    assert len(gateway.requests_to("POST", "/v1/sessions/refresh")) == 1


def test_interrupted_renewal_releases_lock(gateway: Gateway, caller: Caller) -> None:
    class CutOff(BaseException):
        """Represents a cancelled task or Ctrl-C."""

    def cut_off(_request: httpx.Request) -> httpx.Response:
        raise CutOff

    gateway.on("POST", "/v1/sessions/refresh", cut_off)
    store = MemoryTokenStore(fresh_tokens(lifetime=5))
    with pytest.raises(CutOff) as raised:
        caller.run(lambda client: client.wallet.balance(), store=store)

    lock = store.try_lock()
    # The traceback could keep the flow alive, and with it the lock.
    assert raised.tb is not None
    assert lock is not None


def test_no_request_is_sent_without_login(gateway: Gateway, caller: Caller) -> None:
    with pytest.raises(NotLoggedIn, match="log in"):
        caller.run(lambda client: client.wallet.balance(), store=MemoryTokenStore())

    assert gateway.requests == []


def test_login_is_stored(gateway: Gateway, caller: Caller, tmp_path: Path) -> None:
    gateway.on("POST", "/v1/sessions", ok(RENEWED))
    caller.run(
        lambda client: client.log_in("ada@example.org", "a good password"),
        store=FileTokenStore(URL, tmp_path),
    )

    stored = FileTokenStore(URL, tmp_path).load()

    assert stored is not None
    assert stored.access_token == "access-2"


def test_logout_deletes_login_when_service_is_unreachable(
    gateway: Gateway, caller: Caller, tmp_path: Path
) -> None:
    store = FileTokenStore(URL, tmp_path)
    store.save(fresh_tokens())
    gateway.on("DELETE", "/v1/sessions/current", httpx.ConnectError("refused"))

    with pytest.raises(Exception, match="Nothing responds"):
        caller.run(lambda client: client.log_out(), store=store)

    assert store.load() is None


def test_credentials_file_is_readable_by_owner_only(tmp_path: Path) -> None:
    FileTokenStore(URL, tmp_path / "farebox").save(fresh_tokens())

    [stored] = (tmp_path / "farebox").glob("credentials.json")
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o700


def test_each_address_has_its_own_login(tmp_path: Path) -> None:
    here, there = FileTokenStore(URL, tmp_path), FileTokenStore("http://other.test", tmp_path)
    here.save(fresh_tokens(access="mine"))
    there.save(fresh_tokens(access="theirs"))
    here.save(None)

    stored = there.load()

    assert here.load() is None
    assert stored is not None
    assert stored.access_token == "theirs"


def test_lock_is_exclusive_until_released(tmp_path: Path) -> None:
    first, second = FileTokenStore(URL, tmp_path), FileTokenStore(URL, tmp_path)
    lock = first.try_lock()
    assert lock is not None
    with lock:
        assert second.try_lock() is None

    released = second.try_lock()

    assert released is not None
    released.__exit__(None, None, None)


def test_damaged_file_means_not_logged_in(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{half")

    assert FileTokenStore(URL, tmp_path).load() is None
