"""The reference by `help()`: name, docstring and parameters of each operation, equal on both clients."""

import inspect
from collections.abc import Iterator

import pytest

from farebox import AsyncFarebox, Farebox, MemoryTokenStore
from farebox.operations import Resource, listing, operation


def operations(client: type) -> Iterator[tuple[str, str]]:
    """Each operation with its resource's name, which is empty for the client itself."""
    created = client(store=MemoryTokenStore())
    resources = {name: value for name, value in vars(created).items() if isinstance(value, Resource)}
    for name, resource in {"": created, **resources}.items():
        for operation_name in dir(type(resource)):
            if isinstance(getattr(type(resource), operation_name), operation | listing):
                yield name, operation_name


EVERY = list(operations(Farebox))


def test_both_clients_have_same_operations() -> None:
    assert list(operations(AsyncFarebox)) == EVERY
    assert len(EVERY) > 40


@pytest.mark.parametrize(("resource", "name"), EVERY, ids=".".join)
def test_operation_has_docstring_name_and_parameters(resource: str, name: str) -> None:
    client = Farebox(store=MemoryTokenStore())
    method = getattr(getattr(client, resource) if resource else client, name)

    assert inspect.getdoc(method)
    assert method.__name__ == name
    assert "self" not in inspect.signature(method).parameters
    client.close()
