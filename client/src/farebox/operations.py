"""Operations: written once, called on either client.

A resource group describes each operation as a `Call` (one request) or as a flow (several). Its class is
generic over the shell: on `Farebox` an operation gives its result, on `AsyncFarebox` an awaitable of it.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from farebox.calls import Call
from farebox.session import Exchange
from farebox.steps import Emits, Steps
from farebox.transports import Awaiting, Blocking

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", Blocking, Awaiting)


class Group(Generic[S]):
    """Operations that belong together."""

    def __init__(self, exchange: Exchange, shell: S) -> None:
        self._exchange, self._shell = exchange, shell

    @property
    def exchange(self) -> Exchange:
        return self._exchange

    @property
    def shell(self) -> S:
        return self._shell


class operation(Generic[P, T]):
    """Makes a method that describes a call or a flow into one that performs it."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T] | Steps[T]]) -> None:
        self.describe = describe
        self.signature = _signature_for_callers(describe)

    @overload
    def __get__(self, group: None, owner: type) -> "operation[P, T]": ...
    @overload
    def __get__(self, group: Group[Blocking], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: Group[Awaiting], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, group: Any, owner: type) -> Any:  # Any: the overloads say which
        if group is None:
            return self

        def perform(*args: P.args, **kwargs: P.kwargs) -> object:
            described = self.describe(group, *args, **kwargs)
            steps = group.exchange.ask(described) if isinstance(described, Call) else described
            return group.shell.run(steps)

        return _dressed(perform, self)


class listing(Generic[P, T]):
    """Makes a method that describes an emitting flow into one that iterates over what it emits."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Emits[T]]) -> None:
        self.describe = describe
        self.signature = _signature_for_callers(describe)

    @overload
    def __get__(self, group: None, owner: type) -> "listing[P, T]": ...
    @overload
    def __get__(self, group: Group[Blocking], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, group: Group[Awaiting], owner: type) -> Callable[P, AsyncIterator[T]]: ...

    def __get__(self, group: Any, owner: type) -> Any:  # Any: the overloads say which
        if group is None:
            return self

        def iterate(*args: P.args, **kwargs: P.kwargs) -> object:
            return group.shell.iterate(self.describe(group, *args, **kwargs))

        return _dressed(iterate, self)


def _dressed(perform: Callable[..., object], method: "operation[..., Any] | listing[..., Any]") -> object:
    """Given the name, the words and the parameters of the method it stands for, so that help() shows them."""
    functools.update_wrapper(perform, method.describe)
    perform.__dict__["__signature__"] = method.signature
    return perform


def _signature_for_callers(describe: Callable[..., object]) -> inspect.Signature:
    signature = inspect.signature(describe)
    _self, *parameters = signature.parameters.values()
    return signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
