"""Demo: register, train, predict and read the ledger, over HTTP through the gateway."""

import json
import secrets
import shutil
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from local import stack
from local.errors import DemoFailed
from local.home import Home
from local.settings import PROJECT, LocalSettings

TABLE = PROJECT / "data" / "penguins.csv"
LABEL = "species"
FEATURES = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]
PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": 46.1,
    "bill_depth_mm": 13.2,
    "flipper_length_mm": 211.0,
    "body_mass_g": 4500.0,
    "sex": "female",
}
LOGIN = {"email": "pat@example.org", "pwd": secrets.token_urlsafe(12)}
TIMEOUT_SECONDS = 600
SHOWN_METRICS = ("accuracy", "balanced_accuracy", "log_loss")

Json = dict[str, Any]  # Any: the values of a JSON object


def run_demo(settings: LocalSettings, console: Console) -> None:
    """Start a separate stack, run the demo, and remove the stack."""
    folder = Path(tempfile.mkdtemp(prefix="farebox-demo-"))
    own = settings.model_copy(update={"farebox_home": folder / "home"})
    try:
        with console.status("Starting"):
            demo_stack = stack.up(own, partial(console.print, style="dim"), prefer_defaults=False)
        address = demo_stack.ports.url("gateway")
        console.print(f"[green]1[/] Farebox is running: {address}")
        with httpx.Client(base_url=address, timeout=TIMEOUT_SECONDS, trust_env=False) as gateway:
            _run_steps(gateway, console)
    finally:
        with console.status("Stopping"):
            stack.down(Home.at(own.farebox_home))
            shutil.rmtree(folder)
    console.print("The stack is stopped and removed. To start a permanent one, run: make up")


def _run_steps(gateway: httpx.Client, console: Console) -> None:
    _call(gateway, "POST", "/user/create", json=LOGIN)
    token = _call(gateway, "POST", "/user/login", json=LOGIN)["access_token"]
    gateway.headers["Authorization"] = f"Bearer {token}"
    tokens = _call(gateway, "GET", "/user/tokens")["tokens"]
    console.print(f"[green]2[/] {LOGIN['email']} registered and logged in; balance: {tokens} tokens")

    with console.status("Training"):
        trained = _train(gateway)
    console.print(f"[green]3[/] Trained a random forest for {LABEL} on {TABLE.name} ({_tokens(trained)})")
    _show_metrics(_call(gateway, "GET", f"/v1/models/{trained['model_name']}"), console)

    address = f"/predict/{trained['model_name']}"
    predicted = _call(gateway, "POST", address, json={"features": PENGUIN})
    console.print(
        f"[green]4[/] Prediction for a penguin from Biscoe with a {PENGUIN['bill_length_mm']} mm bill: "
        f"[bold]{predicted['prediction']}[/] ({_tokens(predicted)})"
    )
    _show_ledger(_call(gateway, "GET", "/v1/me/ledger")["items"], console)


def _train(gateway: httpx.Client) -> Json:
    form = {"model_type": "random_forest", "feature_cols": json.dumps(FEATURES), "label_col": LABEL}
    with TABLE.open("rb") as file:
        return _call(
            gateway, "POST", "/create", data=form, files={"csv_file": (TABLE.name, file, "text/csv")}
        )


def _tokens(body: Json) -> str:
    count = body["tokens_deducted"]
    return f"{count} token{'' if count == 1 else 's'}"


def _show_metrics(model: Json, console: Console) -> None:
    table = Table("Metric", "Model", "Baseline", box=None, padding=(0, 3))
    for name in SHOWN_METRICS:
        table.add_row(name, f"{model['metrics'][name]:.3f}", f"{model['baseline'][name]:.3f}")
    console.print(table)


def _show_ledger(items: list[Json], console: Console) -> None:
    console.print("[green]5[/] The ledger of this wallet:")
    table = Table("Time (UTC)", "Type", "Tokens", "Balance", "Resource", box=None, padding=(0, 2))
    for item in reversed(items):
        kind = item["action"] or item["kind"].replace("_", " ")
        time = f"{datetime.fromisoformat(item['created_at']):%H:%M:%S}"
        table.add_row(time, kind, f"{item['amount']:+}", str(item["balance"]), item["resource"] or "")
    console.print(table)


def _call(gateway: httpx.Client, method: str, path: str, **request: Any) -> Json:  # Any: httpx's arguments
    try:
        response = gateway.request(method, path, **request)
    except httpx.TransportError as error:
        raise DemoFailed(f"{method} {path} failed: {error}.") from None
    if response.is_error:
        raise DemoFailed(f"{method} {path} responded {response.status_code}: {response.text[:500]}")
    return response.json()
