"""`help()` is the reference: it shows what each operation does and takes, the same on both clients."""

import inspect
from collections.abc import Iterator

import pytest

from farebox import AsyncFarebox, Farebox, MemoryTokenStore
from farebox.operations import Group, listing, operation


def operations(client: type) -> Iterator[tuple[str, str]]:
    """Each operation by the name of its group, which is empty for the client's own."""
    made = client(store=MemoryTokenStore())
    groups = {name: each for name, each in vars(made).items() if isinstance(each, Group)}
    for name, group in {"": made, **groups}.items():
        for each in dir(type(group)):
            if isinstance(getattr(type(group), each), operation | listing):
                yield name, each


EVERY = list(operations(Farebox))


def test_both_clients_offer_the_same() -> None:
    assert list(operations(AsyncFarebox)) == EVERY
    assert len(EVERY) > 40


@pytest.mark.parametrize(("group", "name"), EVERY, ids=".".join)
def test_an_operation_says_what_it_does_and_takes(group: str, name: str) -> None:
    client = Farebox(store=MemoryTokenStore())
    method = getattr(getattr(client, group) if group else client, name)

    assert inspect.getdoc(method)
    assert method.__name__ == name
    assert "self" not in inspect.signature(method).parameters
    client.close()
