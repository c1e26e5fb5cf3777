"""Stored uploads that are missing or changed: repaired by an equal upload, refused by name otherwise."""

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.integration.ml.service import ADA, Json, Service
from tests.support.tables import csv
from tests.support.tokens import bearer

TABLE = csv("x,y", *(f"{n},{n + 40}" for n in range(200)))
SIZE_OF_ZEROS = 3 * 1024**3


def upload_in(store: Path) -> Path:
    (path,) = (path for path in (store / "uploads").iterdir() if not path.suffix)
    return path


def negate(path: Path) -> None:
    changed = path.read_bytes().replace(b",1", b",-", 100)
    assert len(changed) == path.stat().st_size
    path.write_bytes(changed)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_link(path: Path) -> None:
    moved = path.rename(path.parents[1] / "elsewhere")
    path.symlink_to(moved)


def extend(path: Path) -> None:
    os.truncate(path, SIZE_OF_ZEROS)


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (negate, "upload_changed"),
    (extend, "upload_changed"),
    (replace_by_pipe, "upload_changed"),
    (replace_by_link, "upload_changed"),
    (Path.unlink, "upload_missing"),
]


async def request(
    service: Service, method: str, dataset: Json, path: str = "", **more: object
) -> httpx.Response:
    url = f"/v1/datasets/{dataset['id']}{path}"
    return await service.client.request(method, url, headers=bearer(ADA), **more)  # pyright: ignore[reportArgumentType] - httpx's own arguments


@pytest.mark.parametrize(("damage", "code"), DAMAGES)
async def test_damaged_file_is_refused_by_name_and_repaired_by_an_equal_upload(
    idle: Service, damage: Callable[[Path], object], code: str
) -> None:
    dataset = await idle.upload_bytes(TABLE)
    damage(upload_in(idle.store))
    kinds = {"kinds": {"x": "text"}}
    for answer in (
        await request(idle, "GET", dataset, "/findings?label=y"),
        await request(idle, "PATCH", dataset, json=kinds),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert (await request(idle, "GET", dataset)).status_code == 200
    assert (await request(idle, "GET", dataset, "/preview")).status_code == 200
    assert (await idle.upload_bytes(TABLE))["id"] == dataset["id"]
    assert upload_in(idle.store).read_bytes() == TABLE
    assert (await request(idle, "GET", dataset, "/findings?label=y")).status_code == 200
    assert (await request(idle, "PATCH", dataset, json=kinds)).status_code == 200


@pytest.mark.parametrize("damage", [negate, Path.unlink])
async def test_course_trains_on_the_file_that_was_sent(
    service: Service, damage: Callable[[Path], object]
) -> None:
    async def train_and_predict() -> float:
        created = await service.client.post(
            "/create",
            data={"model_type": "linear", "feature_cols": "x", "label_col": "y"},
            files={"csv_file": ("table.csv", TABLE)},
            headers=bearer(ADA),
        )
        assert created.status_code == 200, created.text
        name = created.json()["model_name"]
        answer = await service.predict(name, features={"x": 1})
        return answer.json()["prediction"]

    assert await train_and_predict() == pytest.approx(41)
    damage(upload_in(service.store))
    assert await train_and_predict() == pytest.approx(41)
