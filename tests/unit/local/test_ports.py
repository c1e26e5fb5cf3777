"""Ports are probed on real sockets, of this machine only."""

import socket
from collections.abc import Iterator

import pytest

from local.failures import CannotStart
from local.ports import ADDRESS, DEFAULTS, choose_ports, free_port, is_free
from local.settings import LocalSettings

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port


def settings(**named: object) -> LocalSettings:
    return LocalSettings.model_validate(named)


def test_a_listener_takes_its_port(taken: int) -> None:
    assert not is_free(taken)


def test_a_named_port_is_used(taken: int) -> None:
    free = free_port([taken])
    assert choose_ports(settings(ml_port=free)).ml == free


def test_a_named_port_that_is_taken_is_refused_by_its_settings_name(taken: int) -> None:
    with pytest.raises(CannotStart, match=f"BILLING_PORT {taken} is taken"):
        choose_ports(settings(billing_port=taken))


def test_the_same_port_cannot_be_named_twice(taken: int) -> None:
    free = free_port([taken])
    with pytest.raises(CannotStart, match=f"AUTH_PORT {free} is taken"):
        choose_ports(settings(gateway_port=free, auth_port=free))


def test_a_default_that_is_taken_gives_way(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "gateway", taken)
    chosen = choose_ports(settings()).gateway
    assert chosen != taken
    assert is_free(chosen)


def test_a_default_that_somebody_named_gives_way(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port([taken])
    monkeypatch.setitem(DEFAULTS, "gateway", free)
    chosen = choose_ports(settings(scheduler_port=free))
    assert chosen.scheduler == free
    assert chosen.gateway != free


def test_defaults_can_be_left_to_others() -> None:
    chosen = choose_ports(settings(), prefer_defaults=False)
    assert not {getattr(chosen, name) for name in DEFAULTS} & set(DEFAULTS.values())
