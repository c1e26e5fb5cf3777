"""Commands that take their options as dataclasses."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from farebox.command.options import Shared
from farebox.command.sentences import with_sentences


def command(perform: Callable[..., None]) -> Callable[..., None]:
    """Make of this function what Typer takes: a dataclass parameter becomes one option for each field."""
    signature = inspect.signature(perform)
    hints = get_type_hints(perform, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)}
    own = [_own(each, hints) for name, each in signature.parameters.items() if name not in groups]
    spread = [parameter for group in groups.values() for parameter in _options_of(group)]

    @functools.wraps(perform)
    def run(**given: object) -> None:
        gathered = {name: _gather(group, given) for name, group in groups.items()}
        shared = next((each for each in gathered.values() if isinstance(each, Shared)), Shared())
        with_sentences(shared, lambda: perform(**given, **gathered))

    parameters = [*own, *spread]
    run.__dict__["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _own(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> inspect.Parameter:  # Any: type hints
    return parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)


def _options_of(group: Any) -> list[inspect.Parameter]:  # Any: a dataclass
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default_of(field),
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(group)
    ]


def _default_of(field: "dataclasses.Field[Any]") -> object:  # Any: the field's type plays no part
    if field.default is not dataclasses.MISSING:
        return field.default
    return inspect.Parameter.empty


def _gather(group: Any, given: dict[str, object]) -> object:  # Any: a dataclass
    return group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
