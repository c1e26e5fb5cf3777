"""`farebox models`: list, show and delete models, and list their types."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, Limit, ListByDefault, ModelName, Url, Yes
from farebox.command.prompts import confirm
from farebox.results.models import Candidate, Model

COLUMNS = {"name": "name", "type": "type", "task": "task", "label": "label", "created": "created_at"}

app = typer.Typer(help="Trained models.", cls=ListByDefault)


@app.command("list")
@handle_errors
def list_models(limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List your models, newest first."""
    with Farebox(url) as client:
        models = islice(client.models.list(), limit)
        empty = "There are no models yet; train one with: farebox train FILE --label COLUMN"
        output.show_rows(models, COLUMNS, as_json=as_json, empty=empty)


@app.command()
@handle_errors
def show(model: ModelName, as_json: AsJson = False, url: Url = None) -> None:
    """Show a model's metrics and its training data."""
    with Farebox(url) as client:
        trained = client.models.get(model)
    if as_json:
        output.show_json(trained)
    else:
        show_model(trained)


@app.command()
@handle_errors
def schema(model: ModelName, as_json: AsJson = False, url: Url = None) -> None:
    """Show a model's input columns, with an example."""
    with Farebox(url) as client:
        model_schema = client.models.schema(model)
    if as_json:
        output.show_json(model_schema)
        return
    rows = ([feature.get("name"), feature.get("kind"), _values(feature)] for feature in model_schema.features)
    output.show_table(["feature", "kind", "values"], rows)
    example = model_schema.example["features"]
    pairs = shlex.join(f"{name}={value}" for name, value in example.items() if value is not None)
    output.message(f"Example: farebox predict {model_schema.name} {pairs}")


@app.command()
@handle_errors
def delete(model: ModelName, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a model; this cannot be undone."""
    with Farebox(url) as client:
        confirm(f"Delete model {model}?", yes=yes)
        client.models.delete(model)
    output.show_outcome({"deleted": model}, f"Model {model} is deleted.", as_json=as_json)


@app.command()
@handle_errors
def types(as_json: AsJson = False, url: Url = None) -> None:
    """List the model types with their parameters."""
    with Farebox(url) as client:
        model_types = list(client.model_types.list())
    if as_json:
        output.show_json(model_types)
        return
    rows = (
        [model_type.name, model_type.title, model_type.tasks, _parameters(model_type.parameters)]
        for model_type in model_types
    )
    output.show_table(["type", "title", "tasks", "parameters"], rows)


def show_model(model: Model) -> None:
    output.show_facts(
        {
            "model": model.name,
            "type": model.type,
            "task": model.task,
            "label": model.label,
            "features": model.features,
            "rows": f"{model.recipe.training_rows:,} training, {model.recipe.test_rows:,} test",
            "created": model.created_at,
            "verdict": model.verdict,
        }
    )
    metrics = ([name, value, model.baseline.get(name)] for name, value in model.metrics.items())
    output.show_table(["metric", "model", "baseline"], metrics)
    if model.leaderboard is not None:
        _show_leaderboard(model.leaderboard)
    for warning in model.warnings:
        output.message(warning)
    if model.task_note is not None:
        output.message(model.task_note.replace("set the task to ", "train with --task "))


def _show_leaderboard(candidates: Sequence[Candidate]) -> None:
    """The chosen candidate is first and starred, the others follow by score."""
    metric = next((candidate.metric for candidate in candidates if candidate.metric), "score")
    lines = [_leaderboard_line(candidate, metric) for candidate in candidates]
    output.show_table(list(lines[0]), [list(line.values()) for line in lines])


def _leaderboard_line(candidate: Candidate, metric: str) -> dict[str, object]:
    return {
        "": "*" if candidate.chosen else "",
        "type": candidate.type,
        "parameters": [f"{name}={value}" for name, value in candidate.params.items()] or "defaults",
        metric: candidate.score,
        "std error": candidate.standard_error,
        "fit s": candidate.fit_seconds,
        "predict s": candidate.predict_seconds,
        "state": candidate.state.replace("_", " "),
    }


def _values(feature: Mapping[str, Any]) -> str:  # Any: JSON
    if feature.get("categories"):
        return ", ".join(str(category) for category in feature["categories"])
    return f"{feature.get('minimum')} to {feature.get('maximum')}"


def _parameters(schema: Mapping[str, Any]) -> list[str]:  # Any: JSON Schema
    return [f"{name}={parameter.get('default')}" for name, parameter in schema.get("properties", {}).items()]
