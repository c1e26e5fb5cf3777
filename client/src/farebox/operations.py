"""Operations: written once, called on either client.

A resource describes each operation as a `Call` (one request) or as a flow (several). Its class is generic
over the transport: on `Farebox` an operation returns its result, on `AsyncFarebox` an awaitable of it.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from farebox.calls import Call, Page
from farebox.session import Session
from farebox.steps import Emits, Steps
from farebox.transports import AsyncTransport, SyncTransport

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item", bound=BaseModel)
S = TypeVar("S", SyncTransport, AsyncTransport)


class Resource(Generic[S]):
    """Base class: the operations on one kind of object."""

    def __init__(self, session: Session, transport: S) -> None:
        self._session, self._transport = session, transport

    @property
    def session(self) -> Session:
        return self._session

    @property
    def transport(self) -> S:
        return self._transport


OnSync: TypeAlias = Resource[SyncTransport]
OnAsync: TypeAlias = Resource[AsyncTransport]


class operation(Generic[P, T]):
    """Decorator: calling the method performs the call or the flow that it describes."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T] | Steps[T]]) -> None:
        self.describe = describe
        self.signature = _signature_for_callers(describe)

    @overload
    def __get__(self, resource: None, owner: type) -> "operation[P, T]": ...
    @overload
    def __get__(self, resource: OnSync, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: OnAsync, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, resource: Any, owner: type) -> Any:  # Any: the overloads are precise
        if resource is None:
            return self

        def perform(*args: P.args, **kwargs: P.kwargs) -> object:
            described = self.describe(resource, *args, **kwargs)
            steps = resource.session.request(described) if isinstance(described, Call) else described
            return resource.transport.run(steps)

        return _documented(perform, self)


class listing(Generic[P, Item]):
    """Decorator: calling the method iterates over the list or the flow that it describes."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[Page[Item]] | Emits[Item]]) -> None:
        self.describe = describe
        self.signature = _signature_for_callers(describe)

    @overload
    def __get__(self, resource: None, owner: type) -> "listing[P, Item]": ...
    @overload
    def __get__(self, resource: OnSync, owner: type) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, resource: OnAsync, owner: type) -> Callable[P, AsyncIterator[Item]]: ...

    def __get__(self, resource: Any, owner: type) -> Any:  # Any: the overloads are precise
        if resource is None:
            return self

        def iterate(*args: P.args, **kwargs: P.kwargs) -> object:
            described = self.describe(resource, *args, **kwargs)
            emits = resource.session.paginate(described) if isinstance(described, Call) else described
            return resource.transport.iterate(emits)

        return _documented(iterate, self)


def _documented(perform: Callable[..., object], method: "operation[..., Any] | listing[..., Any]") -> object:
    """Copy name, docstring and parameters of the method, so that help() shows them."""
    functools.update_wrapper(perform, method.describe)
    perform.__dict__["__signature__"] = method.signature
    return perform


def _signature_for_callers(describe: Callable[..., object]) -> inspect.Signature:
    signature = inspect.signature(describe)
    _self, *parameters = signature.parameters.values()
    return signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
