"""Client of the course API's first dialect, with e-mail accounts."""

import json
from dataclasses import dataclass, field

import httpx

from tests.support.people import Person
from tests.support.tables import line_table


@dataclass(frozen=True)
class TrainingForm:
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
        fields = {"model_type": self.model_type, "feature_cols": columns, "label_col": self.label_col}
        return {**fields, "optional_params": params, **self.more}

    def files(self) -> dict[str, tuple[str, bytes, str]]:
        return {"csv_file": ("table.csv", self.csv, "text/csv")}


async def create(user: Person, form: TrainingForm, headers: dict[str, str] | None = None) -> httpx.Response:
    """`POST /create`, which waits for the training."""
    return await user.post("/create", data=form.form(), files=form.files(), headers=headers)


async def trained_model(user: Person, form: TrainingForm | None = None) -> str:
    """Train a model, and return its name."""
    response = await create(user, form or TrainingForm())
    assert response.status_code == 200, response.text
    return str(response.json()["model_name"])
