"""Uploads: stored once, read strictly, deleted when no longer needed."""

import gzip
import os

import pytest
from tests.integration.ml.service import ADA, BOB, DATA, FILES_OF_A_DATASET, Service, eventually
from tests.support.tokens import bearer

FORM = "multipart/form-data; boundary=b"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\na,b\r\n1,2\r\n--b--\r\n'
WINE = (DATA / "wine.csv").read_bytes()


def parts(name: str, count: int, same: str = "") -> bytes:
    """Parts of a form; their names are `name` with a number, unless they are the same."""
    names = (name if same or name == "file" else f"{name}{number}" for number in range(count))
    head = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n1\r\n'
    return "".join(head.format(each) for each in names).encode()


async def test_file_in_a_form_is_stored_and_described(idle: Service) -> None:
    answer = await idle.client.post(
        "/v1/datasets", files={"file": ("../up/wine.csv", WINE)}, headers=bearer(ADA)
    )
    assert answer.status_code == 201, answer.text
    dataset = answer.json()
    assert answer.headers["location"] == f"/v1/datasets/{dataset['id']}"
    assert dataset["name"] == "wine.csv"
    assert dataset["rows"] == WINE.count(b"\n") - 1
    assert dataset["size_bytes"] == len(WINE)
    alcohol = next(column for column in dataset["columns"] if column["name"] == "alcohol")
    assert (alcohol["kind"], alcohol["missing"], alcohol["whole"]) == ("number", 0, False)


async def test_file_as_the_body_is_the_same_dataset(idle: Service) -> None:
    first = await idle.upload_bytes(WINE)
    answer = await idle.client.post(
        "/v1/datasets", content=WINE, headers=bearer(ADA) | {"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.json()["id"]) == (200, first["id"])
    assert len(idle.stored("uploads")) == FILES_OF_A_DATASET


async def test_gzipped_file_is_read(idle: Service) -> None:
    assert (await idle.upload_bytes(gzip.compress(WINE)))["rows"] == WINE.count(b"\n") - 1


async def test_same_file_of_two_users_is_two_datasets(idle: Service) -> None:
    assert (await idle.upload_bytes(WINE, ADA))["id"] != (await idle.upload_bytes(WINE, BOB))["id"]


async def test_preview_shows_the_first_rows(idle: Service) -> None:
    dataset = await idle.upload()
    answer = await idle.client.get(f"/v1/datasets/{dataset['id']}/preview", headers=bearer(ADA))
    preview = answer.json()
    assert preview["columns"][:3] == ["species", "island", "bill_length_mm"]
    assert preview["rows"][0][:3] == ["Adelie", "Torgersen", 39.1]
    assert len(preview["rows"]) == 20


async def test_list_is_newest_first_and_paged(idle: Service) -> None:
    uploaded = [(await idle.upload(name))["id"] for name in ("wine.csv", "penguins.csv", "cars.csv")]
    first = (await idle.client.get("/v1/datasets?page_size=2", headers=bearer(ADA))).json()
    token = first["next_page_token"]
    rest = (await idle.client.get(f"/v1/datasets?page_token={token}", headers=bearer(ADA))).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == uploaded[::-1]
    assert rest["next_page_token"] is None


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/preview"), ("DELETE", "")])
async def test_dataset_of_another_user_is_not_found(idle: Service, method: str, path: str) -> None:
    dataset = await idle.upload()
    answer = await idle.client.request(method, f"/v1/datasets/{dataset['id']}{path}", headers=bearer(BOB))
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")


async def test_deletion_removes_row_and_file(idle: Service) -> None:
    dataset = await idle.upload()
    url = f"/v1/datasets/{dataset['id']}"
    assert (await idle.client.delete(url, headers=bearer(ADA))).status_code == 204
    assert (await idle.client.get(url, headers=bearer(ADA))).status_code == 404
    assert idle.stored("uploads") == set()


async def test_dataset_in_training_cannot_be_deleted(idle: Service) -> None:
    job = await idle.start()
    answer = await idle.client.delete(f"/v1/datasets/{job['dataset_id']}", headers=bearer(ADA))
    assert (answer.status_code, answer.json()["code"]) == (409, "dataset_in_use")


async def test_refused_file_is_not_stored(idle: Service) -> None:
    answer = await idle.client.post(
        "/v1/datasets", files={"file": ("bad.csv", b"a,b\n1,2\n3\n")}, headers=bearer(ADA)
    )
    assert answer.status_code == 422
    assert "ine 3" in answer.json()["detail"]
    assert idle.stored("uploads") == set()


async def test_retry_receives_the_first_answer(idle: Service) -> None:
    headers = bearer(ADA) | {"Idempotency-Key": "upload-1", "Content-Type": "text/csv"}
    first = await idle.client.post("/v1/datasets", content=WINE, headers=headers)
    again = await idle.client.post("/v1/datasets", content=WINE, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_key_reused_with_another_file_is_refused(idle: Service) -> None:
    headers = bearer(ADA) | {"Idempotency-Key": "upload-1", "Content-Type": "text/csv"}
    await idle.client.post("/v1/datasets", content=WINE, headers=headers)
    other = await idle.client.post("/v1/datasets", content=b"a,b\n1,2\n", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("headers", "content", "status", "code"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415, "not_a_table"),
        ({"Content-Type": "multipart/form-data"}, b"x", 400, "form_malformed"),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"nonsense", 400, "form_malformed"),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\na,b\r\n1',
            400,
            "upload_interrupted",
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--b--\r\n',
            422,
            "file_missing",
        ),
        ({"Content-Type": "text/csv"}, b"", 422, "csv_empty"),
        ({"Content-Type": FORM}, parts("x", 100_000) + FILE, 400, "form_malformed"),
        ({"Content-Type": FORM}, parts("file", 2), 400, "form_malformed"),
        ({"Content-Type": FORM}, parts("x", 2, "same") + FILE, 400, "form_malformed"),
        ({"Content-Type": FORM}, parts("x" * 5000, 1) + FILE, 400, "form_malformed"),
    ],
)
async def test_body_without_a_file_is_refused(
    idle: Service, headers: dict[str, str], content: bytes, status: int, code: str
) -> None:
    answer = await idle.client.post("/v1/datasets", content=content, headers=bearer(ADA) | headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert idle.stored("uploads") == set()


async def test_orphaned_upload_is_swept(idle: Service) -> None:
    await idle.upload()
    kept = idle.stored("uploads")
    orphan = idle.store / "uploads" / "orphan"
    orphan.write_bytes(b"left by a dead process")
    os.utime(orphan, (0, 0))

    async def is_gone() -> bool:
        return not orphan.exists()

    await eventually(is_gone)
    assert idle.stored("uploads") == kept


async def test_long_and_broken_file_names_are_shortened(idle: Service) -> None:
    name = "a\u202eb\x07" + "c" * 1000 + ".csv"
    answer = await idle.client.post("/v1/datasets", files={"file": (name, WINE)}, headers=bearer(ADA))
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["name"]) <= 200
    assert answer.json()["name"].isprintable()


async def test_correction_needs_the_scopes_train_and_read(idle: Service) -> None:
    dataset = await idle.upload()

    async def correct(*scopes: str) -> int:
        key = {"id": 1, "scopes": scopes, "cap": None}
        url, kinds = f"/v1/datasets/{dataset['id']}", {"kinds": {"year": "text"}}
        return (await idle.client.patch(url, json=kinds, headers=bearer(ADA, api_key=key))).status_code

    assert [await correct("train"), await correct("read"), await correct("train", "read")] == [403, 403, 200]


async def test_list_shows_the_number_of_columns_only(idle: Service) -> None:
    dataset = await idle.upload()
    (listed,) = (await idle.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"]
    assert listed["column_count"] == len(dataset["columns"]) == dataset["column_count"]
    assert "columns" not in listed


@pytest.mark.parametrize("dataset_id", ["1.0", "%2B1", "%201", "01", "1e0", "-1", "0", "9" * 30])
async def test_id_is_a_decimal_number(idle: Service, dataset_id: str) -> None:
    await idle.upload()
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/preview")):
        url, body = f"/v1/datasets/{dataset_id}{path}", {"kinds": {"x": "text"}}
        answer = await idle.client.request(method, url, json=body, headers=bearer(ADA))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
