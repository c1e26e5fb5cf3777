"""Challenges: drafts, their publication, their dataset, and who may do what."""

import pytest
from tests.integration.ml.challenge import DAN, EVE, STRANGER, ClassRoom, moment, two_classes
from tests.integration.ml.events import GROUP, deliver, event, group, member
from tests.integration.ml.service import ADA, BOB, Json


async def test_draft_is_created_and_changed(quiet: ClassRoom) -> None:
    draft = await quiet.draft()
    assert (draft["state"], draft["group_id"], draft["context"]) == (
        "draft",
        GROUP,
        f"challenge:{draft['id']}",
    )
    changed = await quiet.request("PATCH", f"/v1/challenges/{draft['id']}", metric="roc_auc", slots_per_day=2)
    assert (changed.status_code, changed.json()["metric"], changed.json()["slots_per_day"]) == (
        *(200, "roc_auc"),
        2,
    )


async def test_repeated_creation_gets_the_first_answer(quiet: ClassRoom) -> None:
    body: Json = {
        "title": "A",
        "label": "label",
        "split": {"column": "part"},
        "metric": "accuracy",
        "opens_at": moment(),
        "closes_at": moment(days=1),
    }
    path, key = f"/v1/groups/{GROUP}/challenges", {"Idempotency-Key": "one"}
    first = await quiet.request("POST", path, headers=key, **body)
    again = await quiet.request("POST", path, headers=key, **body)
    assert (first.status_code, again.json(), again.headers["idempotency-replayed"]) == (
        *(201, first.json()),
        "true",
    )
    assert len((await quiet.get(path))["items"]) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"opens_at": "2026-03-01T12:00:00"}, "time_without_offset"),
        ({"opens_at": "2026-03-02T12:00:00Z", "closes_at": "2026-03-01T12:00:00Z"}, "invalid_input"),
        ({"split": {}}, "invalid_input"),
        ({"split": {"column": "x", "holdout_share": 0.5, "public_share": 0.5}}, "invalid_input"),
        ({"split": {"holdout_share": 0.5}}, "invalid_input"),
        ({"metric": "speed"}, "invalid_input"),
        ({"slots_per_day": 0}, "invalid_input"),
    ],
)
async def test_impossible_draft_is_refused(quiet: ClassRoom, change: Json, code: str) -> None:
    body: Json = {
        "title": "A",
        "label": "label",
        "split": {"column": "part"},
        "metric": "accuracy",
        "opens_at": moment(),
        "closes_at": moment(days=1),
    }
    answer = await quiet.request("POST", f"/v1/groups/{GROUP}/challenges", **body | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_published_challenge_shows_its_parts_and_a_commitment(room: ClassRoom) -> None:
    challenge = await room.published()
    assert (challenge["state"], challenge["revision"]) == ("open", 1)
    assert sum(challenge["rows"].values()) == 120
    assert all(20 <= rows <= 70 for rows in challenge["rows"].values())
    assert (len(challenge["commitment"]), challenge["salt"], challenge["digests"]) == (64, None, None)
    assert len(room.service.stored("sealed")) == 2
    job = await room.service.job(challenge["publish_job_id"])
    assert (job["kind"], job["tokens_held"], job["tokens_charged"], job["receipt_id"]) == (
        "split",
        0,
        0,
        None,
    )


async def test_members_read_the_dataset_and_nobody_changes_it(room: ClassRoom) -> None:
    challenge = await room.published()
    path = f"/v1/datasets/{challenge['dataset_id']}"
    for user in (ADA, DAN, BOB, EVE):
        shown = await room.get(path, user)
        assert shown["rows"] == challenge["rows"]["train"]
        assert len((await room.get(f"{path}/preview", user))["rows"]) == 20
        await room.get(f"{path}/findings?label=label", user)
        correction = await room.request("PATCH", path, user, kinds={"x": "text"})
        dry = await room.request("PATCH", f"{path}?dry_run=true", user, kinds={"x": "text"})
        deletion = await room.request("DELETE", path, user)
        assert [answer.status_code for answer in (correction, dry, deletion)] == [404, 404, 404]
        listed = (await room.get("/v1/datasets", user))["items"]
        assert challenge["dataset_id"] not in [dataset["id"] for dataset in listed]
    assert (await room.request("GET", path, STRANGER)).status_code == 404


async def test_dataset_is_not_readable_before_the_challenge_opens(room: ClassRoom) -> None:
    challenge = await room.published(opens_at=moment(minutes=30))
    assert challenge["state"] == "upcoming"
    path = f"/v1/datasets/{challenge['dataset_id']}"
    assert (await room.request("GET", path, BOB)).status_code == 404
    assert (await room.request("GET", path, DAN)).status_code == 200
    training = await room.request("POST", "/v1/models", BOB, challenge_id=challenge["id"], type="logistic")
    assert (training.status_code, training.json()["code"]) == (404, "challenge_not_found")


async def test_removed_member_sees_nothing(room: ClassRoom) -> None:
    challenge = await room.published()
    await deliver(room.service, member(BOB, state="removed"))
    for path in (f"/v1/challenges/{challenge['id']}", f"/v1/datasets/{challenge['dataset_id']}"):
        assert (await room.request("GET", path, BOB)).status_code == 404


async def test_roles_decide_who_drafts_and_publishes(quiet: ClassRoom) -> None:
    draft = await quiet.draft()
    path = f"/v1/challenges/{draft['id']}"
    for user, statuses in ((DAN, [200, 403]), (BOB, [404, 404]), (STRANGER, [404, 404])):
        change = await quiet.request("PATCH", path, user, title="B")
        publication = await quiet.request("POST", f"{path}/publish", user)
        assert [change.status_code, publication.status_code] == statuses
    listed = [(await quiet.get(f"/v1/groups/{GROUP}/challenges", user))["items"] for user in (ADA, DAN, BOB)]
    assert [len(items) for items in listed] == [1, 1, 0]
    body = {"title": "B", "label": "l", "split": {"column": "p"}, "metric": "r2"}
    times = {"opens_at": moment(), "closes_at": moment(days=1)}
    for user, status in ((DAN, 201), (BOB, 403), (STRANGER, 404)):
        answer = await quiet.request("POST", f"/v1/groups/{GROUP}/challenges", user, **body, **times)
        assert answer.status_code == status


async def test_dataset_of_another_user_cannot_be_the_source(quiet: ClassRoom) -> None:
    foreign = await quiet.service.upload_bytes(two_classes(), BOB)
    draft = await quiet.draft()
    answer = await quiet.request("PATCH", f"/v1/challenges/{draft['id']}", dataset_id=foreign["id"])
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")


async def test_draft_is_published_once(quiet: ClassRoom) -> None:
    draft = await quiet.draft()
    path = f"/v1/challenges/{draft['id']}"
    assert (await quiet.request("POST", f"{path}/publish")).status_code == 202
    for method, target, body in (
        ("POST", f"{path}/publish", {}),
        ("PATCH", path, {"metric": "f1_macro"}),
        ("DELETE", path, {}),
    ):
        answer = await quiet.request(method, target, **body)
        assert (answer.status_code, answer.json()["code"]) == (409, "challenge_busy")


async def test_published_challenge_is_frozen_but_for_title_and_a_later_end(room: ClassRoom) -> None:
    challenge = await room.published()
    path = f"/v1/challenges/{challenge['id']}"
    for body in ({"metric": "roc_auc"}, {"slots_per_day": 9}, {"closes_at": moment(minutes=1)}):
        answer = await room.request("PATCH", path, **body)
        assert (answer.status_code, answer.json()["code"]) == (409, "challenge_frozen")
    later = moment(hours=2)
    extended = (await room.request("PATCH", path, closes_at=later, title="Longer")).json()
    assert (extended["title"], len(extended["extensions"])) == ("Longer", 1)
    assert extended["extensions"][0]["closed_at"] == challenge["closes_at"]
    assert (await room.request("PATCH", path, DAN, title="Mine")).status_code == 403
    assert (await room.request("DELETE", path)).json()["code"] == "challenge_frozen"
    await room.close(challenge)
    answer = await room.request("PATCH", path, closes_at=moment(hours=3))
    assert (answer.status_code, answer.json()["code"]) == (409, "challenge_frozen")


async def test_split_by_a_column(room: ClassRoom) -> None:
    lines = two_classes(60).decode().splitlines()
    parts = ["part", *(["train"] * 30 + ["Public "] * 15 + ["private"] * 15)]
    content = "\n".join(f"{line},{part}" for line, part in zip(lines, parts, strict=True)) + "\n"
    challenge = await room.published(content.encode(), split={"column": "part"})
    assert challenge["rows"] == {"train": 30, "public": 15, "private": 15}
    columns = (await room.get(f"/v1/datasets/{challenge['dataset_id']}", BOB))["columns"]
    assert [column["name"] for column in columns] == ["x", "y", "noise", "colour", "label"]


def split_table(labels: str, features: int, parts: str = "train public private") -> bytes:
    """60 rows, 20 in each part, with labels and features in turn."""
    names, words = parts.split(), labels.split()
    rows = [f"{row % features},{words[row % len(words)]},{names[row // 20]}" for row in range(60)]
    return ("\n".join(["a,label,part", *rows]) + "\n").encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (split_table("yes no", 60, "training public private"), "split_values_unknown"),
        (split_table("yes no", 9), "equal_rows_apart"),
        (
            split_table("yes no", 60).replace(b"55,no", b"55,rare").replace(b"57,no", b"57,rare"),
            "class_only_hidden",
        ),
        (split_table("yes no", 4, "train train train"), "parts_too_small"),
        (split_table("yes no", 60).replace(b",no,public", b",yes,public"), "metric_undefined"),
    ],
)
async def test_impossible_split_fails_without_a_publication(
    room: ClassRoom, content: bytes, code: str
) -> None:
    draft = await room.draft(content, split={"column": "part"}, metric="roc_auc")
    answer = await room.request("POST", f"/v1/challenges/{draft['id']}/publish")
    job = await room.service.ended(answer.json())
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    challenge = await room.get(f"/v1/challenges/{draft['id']}")
    assert (challenge["state"], challenge["commitment"]) == ("draft", None)


async def test_label_that_the_metric_cannot_score_is_refused(quiet: ClassRoom) -> None:
    draft = await quiet.draft(metric="r2")
    answer = await quiet.request("POST", f"/v1/challenges/{draft['id']}/publish")
    assert (answer.status_code, answer.json()["code"]) == (422, "label_not_numeric")


async def test_training_is_paid_in_the_group_with_its_context(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    shown = await room.get(f"/v1/models/{model}", BOB)
    assert (shown["challenge_id"], shown["label"], shown["task"]) == (
        challenge["id"],
        "label",
        "classification",
    )
    assert room.service.billing.spent_in(challenge["context"], BOB) == 1
    assert room.service.billing.balance(BOB) == 100
    by_dataset = await room.train(
        challenge, challenge_id=None, dataset_id=challenge["dataset_id"], label="label"
    )
    assert (await room.get(f"/v1/models/{by_dataset}", BOB))["challenge_id"] == challenge["id"]
    assert room.service.billing.spent_in(challenge["context"], BOB) == 2


async def test_training_on_a_challenge_refuses_another_payer(room: ClassRoom) -> None:
    challenge = await room.published()
    room.service.billing.fund(13, 10, BOB)
    answer = await room.request(
        *("POST", "/v1/models", BOB, {"Farebox-Group": "13"}), challenge_id=challenge["id"], type="logistic"
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_deletion_of_the_group_takes_challenges_and_files(room: ClassRoom) -> None:
    challenge = await room.published()
    await room.sql.execute("UPDATE ml.challenges SET source_id = NULL")
    assert await deliver(room.service, event("group_deleted", group_id=GROUP)) == 204
    assert (await room.request("GET", f"/v1/challenges/{challenge['id']}")).status_code == 404
    assert (await room.request("GET", f"/v1/datasets/{challenge['dataset_id']}", BOB)).status_code == 404
    assert await room.sql.fetchval("SELECT count(*) FROM ml.challenge_parts") == 0


async def test_archived_group_publishes_nothing(quiet: ClassRoom) -> None:
    draft = await quiet.draft()
    await deliver(quiet.service, group(state="archived"))
    answer = await quiet.request("POST", f"/v1/challenges/{draft['id']}/publish")
    assert (answer.status_code, answer.json()["code"]) == (409, "group_archived")
