"""Choice of ports, probed on real sockets of this machine."""

import socket
from collections.abc import Iterator

import pytest

from local.errors import CannotStart
from local.ports import ADDRESS, DEFAULTS, choose_ports, free_port, is_free
from local.settings import LocalSettings

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port


def settings(**configured: object) -> LocalSettings:
    return LocalSettings.model_validate(configured)


def test_port_with_a_listener_is_not_free(used_port: int) -> None:
    assert not is_free(used_port)


def test_configured_port_is_used(used_port: int) -> None:
    free = free_port([used_port])
    assert choose_ports(settings(ml_port=free)).ml == free


def test_configured_port_in_use_is_refused_with_its_setting(used_port: int) -> None:
    with pytest.raises(CannotStart, match=f"BILLING_PORT {used_port} is in use"):
        choose_ports(settings(billing_port=used_port))


def test_port_configured_twice_is_refused(used_port: int) -> None:
    free = free_port([used_port])
    with pytest.raises(CannotStart, match=f"AUTH_PORT {free} is in use"):
        choose_ports(settings(gateway_port=free, auth_port=free))


def test_default_port_in_use_is_replaced(used_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "gateway", used_port)
    chosen = choose_ports(settings()).gateway
    assert chosen != used_port
    assert is_free(chosen)


def test_default_port_configured_for_another_service_is_replaced(
    used_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = free_port([used_port])
    monkeypatch.setitem(DEFAULTS, "gateway", free)
    chosen = choose_ports(settings(scheduler_port=free))
    assert chosen.scheduler == free
    assert chosen.gateway != free


def test_default_ports_can_be_avoided() -> None:
    chosen = choose_ports(settings(), prefer_defaults=False)
    assert not {getattr(chosen, name) for name in DEFAULTS} & set(DEFAULTS.values())
