"""Models and their types."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import typer

from farebox.command import output
from farebox.command.groups import make_group
from farebox.command.options import Confirmed, Listed, Shared
from farebox.command.prompts import confirm
from farebox.command.spreading import command
from farebox.results.models import Candidate, Model

COLUMNS = {"name": "name", "type": "type", "task": "task", "label": "label", "trained": "created_at"}
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="The name that the list shows.")]


@command
def show_all(listed: Listed) -> None:
    """List your models, newest first."""
    with listed.connect() as client:
        found = islice(client.models.list(), listed.limit)
        empty = "There are no models yet; train one with: farebox train FILE --label COLUMN"
        output.show_rows(found, COLUMNS, as_json=listed.as_json, empty=empty)


@command
def show(model: ModelName, shared: Shared) -> None:
    """Show how good a model is, and what it was made from."""
    with shared.connect() as client:
        found = client.models.get(model)
    if shared.as_json:
        output.show_json(found)
    else:
        show_model(found)


@command
def schema(model: ModelName, shared: Shared) -> None:
    """Show what a model wants to be asked, with an example."""
    with shared.connect() as client:
        found = client.models.schema(model)
    if shared.as_json:
        output.show_json(found)
        return
    rows = ([each.get("name"), each.get("kind"), _values(each)] for each in found.features)
    output.show_table(["feature", "kind", "values"], rows)
    example = found.example["features"]
    pairs = shlex.join(f"{name}={each}" for name, each in example.items() if each is not None)
    output.say(f"Example: farebox predict {found.name} {pairs}")


@command
def delete(model: ModelName, asked: Confirmed) -> None:
    """Delete a model for good."""
    with asked.connect() as client:
        confirm(f"Delete model {model}?", yes=asked.yes)
        client.models.delete(model)
    if asked.as_json:
        output.show_json({"deleted": model})
    else:
        output.say(f"Model {model} is deleted.")


@command
def types(shared: Shared) -> None:
    """List what can be trained, with the parameters of each."""
    with shared.connect() as client:
        found = list(client.model_types.list())
    if shared.as_json:
        output.show_json(found)
        return
    rows = ([each.name, each.title, each.tasks, _parameters(each.parameters)] for each in found)
    output.show_table(["type", "what it is", "tasks", "parameters"], rows)


def show_model(model: Model) -> None:
    output.show_facts(
        {
            "model": model.name,
            "type": model.type,
            "task": model.task,
            "label": model.label,
            "features": model.features,
            "rows": f"{model.recipe.training_rows} to learn from, {model.recipe.test_rows} to measure",
            "trained": model.created_at,
            "verdict": model.verdict,
        }
    )
    figures = ([name, each, model.baseline.get(name)] for name, each in model.metrics.items())
    output.show_table(["metric", "model", "baseline"], figures)
    if model.leaderboard is not None:
        _show_leaderboard(model.leaderboard)
    for warning in model.warnings:
        output.say(warning)


def _show_leaderboard(candidates: Sequence[Candidate]) -> None:
    """Best first; the one that was kept is starred."""
    metric = next((each.metric for each in candidates if each.metric), "score")
    lines = [_line_of(each, metric) for each in candidates]
    output.show_table(list(lines[0]), [list(line.values()) for line in lines])


def _line_of(candidate: Candidate, metric: str) -> dict[str, object]:
    return {
        "": "*" if candidate.chosen else "",
        "type": candidate.type,
        "parameters": _settings(candidate.params),
        metric: candidate.score,
        "spread": candidate.spread,
        "fit s": candidate.fit_seconds,
        "predict s": candidate.predict_seconds,
        "state": candidate.state.replace("_", " "),
    }


def _settings(params: Mapping[str, object]) -> list[str]:
    return [f"{name}={each}" for name, each in params.items()]


def _values(feature: dict[str, Any]) -> str:  # Any: JSON
    if feature.get("categories"):
        return ", ".join(str(each) for each in feature["categories"])
    return f"{feature.get('minimum')} to {feature.get('maximum')}"


def _parameters(schema: dict[str, Any]) -> list[str]:  # Any: JSON Schema
    return [f"{name}={each.get('default')}" for name, each in schema.get("properties", {}).items()]


app = make_group("Trained models.", show_all, show, schema, delete, types)
