"""Logins renew themselves, once at a time, and are kept where only their owner can read them."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.unit.client.gateway import IMPATIENT, URL, Caller, Gateway, fresh_tokens, ok, problem

from farebox import Farebox, FileTokenStore, MemoryTokenStore, NotSignedIn
from farebox.errors import Unauthenticated

WALLET = {"tokens": 15, "held": 0, "available": 15}
RENEWED = {
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "expires_in": 3600,
    "refresh_expires_in": 9000,
}
DEAD = problem(401, "unauthenticated")


def only_for(token: str) -> object:
    def answer(request: httpx.Request) -> httpx.Response:
        return ok(WALLET) if request.headers["Authorization"] == f"Bearer {token}" else DEAD

    return answer


def test_a_request_carries_the_logins_access_token(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", only_for("access-1"))

    assert caller.run(lambda client: client.wallet.balance()).tokens == 15


def test_an_api_key_goes_before_a_login(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", only_for("fbx_key"))

    assert caller.run(lambda client: client.wallet.balance(), api_key="fbx_key").tokens == 15


def test_an_api_key_that_is_refused_is_not_renewed(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", DEAD)

    with pytest.raises(Unauthenticated):
        caller.run(lambda client: client.wallet.balance(), api_key="fbx_key")

    assert len(gateway.requests) == 1


def test_a_token_about_to_expire_is_renewed_before_it_is_used(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))

    caller.run(lambda client: client.wallet.balance(), store=MemoryTokenStore(fresh_tokens(lifetime=5)))

    assert [each.url.path for each in gateway.requests] == ["/v1/sessions/refresh", "/v1/me/wallet"]


def test_a_refused_token_is_renewed_and_the_request_sent_again(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))
    store = MemoryTokenStore(fresh_tokens())

    assert caller.run(lambda client: client.wallet.balance(), store=store).tokens == 15
    renewed = store.load()
    assert renewed is not None
    assert renewed.refresh_token == "refresh-2"


def test_a_charged_request_keeps_its_key_across_the_renewal(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    gateway.on("POST", "/v1/quotes", DEAD, problem(422, "invalid_input"))

    with pytest.raises(Exception, match="differently"):
        caller.run(lambda client: client.prices.quote("train"))

    assert len({each.headers["Idempotency-Key"] for each in gateway.asked("POST", "/v1/quotes")}) == 1


def test_a_login_that_has_ended_is_forgotten(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", problem(401, "refresh_token_invalid"))
    gateway.on("GET", "/v1/me/wallet", DEAD)
    store = MemoryTokenStore(fresh_tokens())

    with pytest.raises(Unauthenticated, match="log in again"):
        caller.run(lambda client: client.wallet.balance(), store=store)

    assert store.load() is None


def test_a_renewal_whose_answer_is_lost_is_not_sent_twice(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions/refresh", httpx.ReadError("reset"))
    gateway.on("GET", "/v1/me/wallet", DEAD)

    with pytest.raises(Exception, match="connection broke"):
        caller.run(lambda client: client.wallet.balance())

    assert len(gateway.asked("POST", "/v1/sessions/refresh")) == 1


def test_what_another_program_renewed_is_taken_over(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", only_for("access-2"))
    store = MemoryTokenStore(fresh_tokens())

    def act(client: Farebox) -> object:
        store.save(fresh_tokens(access="access-2"))
        return client.wallet.balance()

    assert caller.run(act, store=store).tokens == 15
    assert gateway.asked("POST", "/v1/sessions/refresh") == []


def test_threads_that_find_the_token_refused_renew_it_once(gateway: Gateway) -> None:
    all_refused = threading.Barrier(8)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer access-2":
            return ok(WALLET)
        all_refused.wait(timeout=10)
        return DEAD

    gateway.on("GET", "/v1/me/wallet", answer)
    gateway.on("POST", "/v1/sessions/refresh", ok(RENEWED))
    store = MemoryTokenStore(fresh_tokens())
    transport = httpx.MockTransport(gateway)
    with (
        Farebox(URL, store=store, retries=IMPATIENT, transport=transport) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        wallets = list(threads.map(lambda _: client.wallet.balance(), range(8)))

    assert len(wallets) == 8
    assert len(gateway.asked("POST", "/v1/sessions/refresh")) == 1


def test_a_renewal_that_is_cut_off_leaves_the_next_one_free(gateway: Gateway, caller: Caller) -> None:
    class CutOff(BaseException):
        """As a cancelled task is, or a program at Ctrl-C."""

    def cut_off(_request: httpx.Request) -> httpx.Response:
        raise CutOff

    gateway.on("POST", "/v1/sessions/refresh", cut_off)
    store = MemoryTokenStore(fresh_tokens(lifetime=5))
    with pytest.raises(CutOff) as raised:
        caller.run(lambda client: client.wallet.balance(), store=store)

    lock = store.try_lock()
    # Its traceback is what could keep the flow, and with it the lock, alive.
    assert raised.tb is not None
    assert lock is not None


def test_without_a_login_nothing_is_sent(gateway: Gateway, caller: Caller) -> None:
    with pytest.raises(NotSignedIn, match="log in"):
        caller.run(lambda client: client.wallet.balance(), store=MemoryTokenStore())

    assert gateway.requests == []


def test_logging_in_is_remembered(gateway: Gateway, caller: Caller, tmp_path: Path) -> None:
    gateway.on("POST", "/v1/sessions", ok(RENEWED))
    caller.run(
        lambda client: client.log_in("ada@example.org", "a good password"),
        store=FileTokenStore(URL, tmp_path),
    )

    kept = FileTokenStore(URL, tmp_path).load()

    assert kept is not None
    assert kept.access_token == "access-2"


def test_logging_out_forgets_even_when_the_service_is_away(
    gateway: Gateway, caller: Caller, tmp_path: Path
) -> None:
    store = FileTokenStore(URL, tmp_path)
    store.save(fresh_tokens())
    gateway.on("DELETE", "/v1/sessions/current", httpx.ConnectError("refused"))

    with pytest.raises(Exception, match="Nothing answers"):
        caller.run(lambda client: client.log_out(), store=store)

    assert store.load() is None


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    FileTokenStore(URL, tmp_path / "farebox").save(fresh_tokens())

    [kept] = (tmp_path / "farebox").glob("credentials.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_each_address_has_a_login_of_its_own(tmp_path: Path) -> None:
    here, there = FileTokenStore(URL, tmp_path), FileTokenStore("http://other.test", tmp_path)
    here.save(fresh_tokens(access="mine"))
    there.save(fresh_tokens(access="theirs"))
    here.save(None)

    kept = there.load()

    assert here.load() is None
    assert kept is not None
    assert kept.access_token == "theirs"


def test_one_holds_the_lock_until_done(tmp_path: Path) -> None:
    first, second = FileTokenStore(URL, tmp_path), FileTokenStore(URL, tmp_path)
    held = first.try_lock()
    assert held is not None
    with held:
        assert second.try_lock() is None

    freed = second.try_lock()

    assert freed is not None
    freed.__exit__(None, None, None)


def test_a_damaged_file_means_not_signed_in(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{half")

    assert FileTokenStore(URL, tmp_path).load() is None
