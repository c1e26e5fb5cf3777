"""How often each kind of request may come: the classes, their default figures, and how they are set."""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal


class LimitClass(StrEnum):
    LOGIN = "login"
    SIGN_UP = "sign_up"
    PASSWORD = "password"  # noqa: S105 - the name of a class of requests
    REFRESH = "refresh"
    API_KEY = "api_key"
    PURCHASE = "purchase"
    UPLOAD = "upload"
    TRAIN = "train"
    PREDICT = "predict"
    GENERAL = "general"
    PAGE = "page"


@dataclass(frozen=True)
class Policy:
    """A bucket of `quota` requests that refills evenly within `window` seconds."""

    name: str
    quota: int
    window: float

    @cached_property
    def interval(self) -> float:
        return self.window / self.quota

    @cached_property
    def header(self) -> bytes:
        return f'"{self.name}";q={self.quota};w={math.ceil(self.window)}'.encode()


Policies = dict[LimitClass, Policy]

# Requests and seconds. Callers are counted by user, strangers by address.
DEFAULTS: dict[LimitClass, tuple[int, int]] = {
    LimitClass.LOGIN: (10, 60),
    LimitClass.SIGN_UP: (20, 60),
    LimitClass.PASSWORD: (10, 60),
    LimitClass.REFRESH: (60, 60),
    LimitClass.API_KEY: (60, 60),
    LimitClass.PURCHASE: (30, 60),
    LimitClass.UPLOAD: (60, 60),
    LimitClass.TRAIN: (60, 60),
    LimitClass.PREDICT: (200, 2),
    LimitClass.GENERAL: (300, 10),
    LimitClass.PAGE: (300, 10),
}


def read_policies(text: str) -> Policies:
    """`off`, `default`, or changes to the default such as `login=30/60,predict=off`; raises ValueError."""
    if text == "off":
        return {}
    policies = {each: Policy(each, *figures) for each, figures in DEFAULTS.items()}
    for change in [] if text == "default" else text.split(","):
        name, _, figures = change.strip().partition("=")
        if name not in list(LimitClass):
            raise ValueError(f"knows no class of that name; there are {', '.join(LimitClass)}")
        policies.pop(LimitClass(name), None)
        if figures != "off":
            policies[LimitClass(name)] = Policy(name, *_read_figures(figures))
    return policies


def _read_figures(text: str) -> tuple[int, int]:
    quota, _, window = text.partition("/")
    if not (quota.isdecimal() and window.isdecimal() and int(quota) and int(window)):
        raise ValueError("takes off, default, or class=requests/seconds separated by commas")
    return int(quota), int(window)


def describe(policies: Policies) -> dict[str, dict[Literal["requests", "seconds"], float]]:
    """The table as clients see it at GET /v1/limits."""
    return {each.name: {"requests": each.quota, "seconds": each.window} for each in policies.values()}
