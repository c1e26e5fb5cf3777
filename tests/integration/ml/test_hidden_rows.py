"""Hidden rows stay hidden: a canary in each of their cells appears nowhere but in sealed files."""

import logging

import pytest
from tests.integration.ml.challenge import DAN, EVE, STRANGER, ClassRoom
from tests.integration.ml.service import ADA, BOB, Json

PARTS = ("train",) * 40 + ("public",) * 20 + ("private",) * 20
# Numbers and texts of hidden cells: each is unmistakable.
NUMBER, TEXT = "987654", "canary"
MEMBERS = (BOB, EVE, DAN, ADA, STRANGER)


def table_with_canaries() -> bytes:
    """Hidden rows have numbers, texts and dates that occur in no other row."""
    lines = ["x,y,colour,seen,label,part"]
    for row, part in enumerate(PARTS):
        label = ("yes", "no")[row % 2]
        if part == "train":
            lines.append(
                f"{row},{row % 7},{('red', 'blue')[row % 3 > 0]},2025-01-{row % 28 + 1:02},{label},{part}"
            )
        else:
            lines.append(
                f"{NUMBER}.{row},{NUMBER}{row},{TEXT}-{row},1987-06-{row % 28 + 1:02},{label},{part}"
            )
    return ("\n".join(lines) + "\n").encode()


def has_canary(text: str) -> bool:
    return any(canary in text for canary in (NUMBER, TEXT, "1987-06"))


async def all_answers(room: ClassRoom, challenge: Json, submission: Json) -> dict[str, str]:
    """The answers of all routes that read, for all kinds of callers."""
    model, dataset = submission["model"], challenge["dataset_id"]
    paths = [
        f"/v1/challenges/{challenge['id']}",
        f"/v1/challenges/{challenge['id']}/leaderboard",
        f"/v1/challenges/{challenge['id']}/leaderboard?by=efficiency",
        f"/v1/challenges/{challenge['id']}/submissions",
        f"/v1/challenges/{challenge['id']}/results",
        f"/v1/submissions/{submission['id']}",
        f"/v1/datasets/{dataset}",
        f"/v1/datasets/{dataset}/preview",
        f"/v1/datasets/{dataset}/findings?label=label",
        f"/v1/datasets/{dataset}/findings?label=x",
        f"/v1/models/{model}",
        f"/v1/models/{model}/schema",
        f"/v1/models/{model}/report?format=json",
        f"/v1/models/{model}/report?format=html",
        f"/v1/jobs/{submission['job_id']}",
        f"/v1/jobs/{submission['job_id']}/events",
        f"/v1/jobs/{submission['job_id']}/result",
        f"/v1/jobs/{challenge['publish_job_id']}",
        f"/v1/jobs/{challenge['publish_job_id']}/events",
        *("/v1/jobs", "/v1/models", "/v1/me/export"),
        f"/v1/groups/{challenge['group_id']}/challenges",
    ]
    answers: dict[str, str] = {}
    for path in paths:
        for user in MEMBERS:
            answers[f"{user} {path}"] = (await room.request("GET", path, user)).text
    return answers


async def test_canaries_of_hidden_cells_appear_nowhere(
    room: ClassRoom, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    content = table_with_canaries()
    assert has_canary(content.decode())
    challenge = await room.published(content, split={"column": "part"})
    own = challenge["source_id"]
    submission = await room.scored(challenge)
    answers = await all_answers(room, challenge, submission)
    await room.close(challenge)
    await room.request("POST", f"/v1/challenges/{challenge['id']}/finalise")
    answers |= {
        f"final {path}": text for path, text in (await all_answers(room, challenge, submission)).items()
    }
    shown = {path: text for path, text in answers.items() if has_canary(text)}
    # The owner's own upload is theirs to read, in their export as its name alone.
    assert list(shown) == []
    assert has_canary((await room.request("GET", f"/v1/datasets/{own}/preview")).text) is False
    assert has_canary((await room.request("GET", f"/v1/datasets/{own}")).text)
    assert not has_canary(caplog.text)
    out, err = capfd.readouterr()
    assert not has_canary(out)
    assert not has_canary(err)


async def test_canaries_are_in_no_table_and_no_file_outside_sealed(room: ClassRoom) -> None:
    challenge = await room.published(table_with_canaries(), split={"column": "part"})
    await room.scored(challenge)
    source = await room.sql.fetchrow("SELECT id, location FROM ml.datasets WHERE user_id = $1", ADA)
    tables = await room.sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'ml'")
    for table in (row["tablename"] for row in tables):
        only = f" WHERE id <> {source['id']}" if table == "datasets" else ""
        rows = await room.sql.fetch(f"SELECT t::text AS row FROM ml.{table} t{only}")  # noqa: S608 - our own text
        assert not any(has_canary(row["row"]) for row in rows), table
    allowed = source["location"].removeprefix("uploads/")
    found = [
        path.relative_to(room.service.store).as_posix()
        for path in room.service.store.rglob("*")
        if path.is_file() and has_canary(path.read_bytes().decode("latin-1"))
    ]
    outside = [key for key in found if not key.startswith(("sealed/", f"uploads/{allowed}"))]
    assert outside == []
    assert any(key.startswith("sealed/") for key in found)


async def test_no_route_leads_to_a_sealed_file(room: ClassRoom) -> None:
    """Only tasks of ours open them: nothing that a caller sends names a location."""
    challenge = await room.published(table_with_canaries(), split={"column": "part"})
    (name, _) = sorted(room.service.stored("sealed"))
    for path in (f"/v1/datasets/{name}", f"/v1/datasets/..%2Fsealed%2F{name}", f"/v1/models/sealed%2F{name}"):
        answer = await room.request("GET", path, BOB)
        assert answer.status_code in (404, 422)
        assert not has_canary(answer.text)
    hidden = await room.sql.fetch("SELECT part FROM ml.challenge_parts WHERE location LIKE 'sealed/%'")
    assert sorted(row["part"] for row in hidden) == ["private", "public"]
    copies = await room.sql.fetchval("SELECT count(*) FROM ml.datasets WHERE location LIKE 'sealed/%'")
    assert copies == 0
    assert challenge["rows"] == {"train": 40, "public": 20, "private": 20}


async def test_failing_split_and_scoring_name_no_cell(
    room: ClassRoom, capfd: pytest.CaptureFixture[str]
) -> None:
    draft = await room.draft(
        table_with_canaries().replace(b",private", b",canary-x"), split={"column": "part"}
    )
    job = await room.service.ended(
        (await room.request("POST", f"/v1/challenges/{draft['id']}/publish")).json()
    )
    assert (job["state"], job["error"]["code"]) == ("failed", "split_values_unknown")
    challenge = await room.published(table_with_canaries(), split={"column": "part"})
    model = await room.train(challenge)
    for file in (room.service.store / "sealed").iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    accepted = (await room.submit(challenge, model)).json()
    failed = await room.service.ended({"id": accepted["job_id"]}, BOB)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "hidden_rows_refused")
    out, err = capfd.readouterr()
    for text in (out, err, str(job), str(failed)):
        assert not has_canary(text)
