"""A course client: the first dialect, with e-mail accounts."""

import json
from dataclasses import dataclass, field

import httpx

from tests.support.people import Person
from tests.support.tables import line_table


@dataclass(frozen=True)
class Order:
    """The form of `POST /create`."""

    model_type: str = "linear"
    feature_cols: list[str] | str = field(default_factory=lambda: ["x", "noise"])
    label_col: str = "y"
    csv: bytes = field(default_factory=line_table)
    params: dict[str, object] | str = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)

    def form(self) -> dict[str, str]:
        columns = self.feature_cols if isinstance(self.feature_cols, str) else json.dumps(self.feature_cols)
        params = self.params if isinstance(self.params, str) else json.dumps(self.params)
        named = {"model_type": self.model_type, "feature_cols": columns, "label_col": self.label_col}
        return {**named, "optional_params": params, **self.more}

    def files(self) -> dict[str, tuple[str, bytes, str]]:
        return {"csv_file": ("table.csv", self.csv, "text/csv")}


async def create(user: Person, order: Order, headers: dict[str, str] | None = None) -> httpx.Response:
    """`POST /create`, which waits for the training."""
    return await user.post("/create", data=order.form(), files=order.files(), headers=headers)


async def trained_model(user: Person, order: Order | None = None) -> str:
    """The name of a model that this user has trained."""
    answer = await create(user, order or Order())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model_name"])
