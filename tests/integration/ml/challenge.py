"""A group with a challenge, and common requests of its tests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import numpy as np
from tests.integration.ml.events import GROUP, deliver, group, member
from tests.integration.ml.service import ADA, BOB, Json, Service
from tests.support.tokens import bearer

EVE, DAN, STRANGER = 3, 4, 5
FUNDS = 1000
# Sorted by their hidden score in the table below.
MODELS = ("logistic", "knn", "gradient_boosting")


def two_classes(rows: int = 120, seed: int = 0) -> bytes:
    """A table whose label follows from two of its features, with some noise."""
    draw = np.random.default_rng(seed)
    lines = ["x,y,noise,colour,label"]
    for _ in range(rows):
        x, y = draw.uniform(-1, 1), draw.uniform(-1, 1)
        label = "yes" if x + y + draw.normal(0, 0.3) > 0 else "no"
        lines.append(f"{x:.6f},{y:.6f},{draw.random():.6f},{('red', 'blue')[draw.integers(2)]},{label}")
    return ("\n".join(lines) + "\n").encode()


def moment(**distance: float) -> str:
    return (datetime.now(UTC) + timedelta(**distance)).isoformat()


@dataclass
class ClassRoom:
    """A group of Ada, its owner, Dan, an assistant, and the members Bob and Eve."""

    service: Service
    sql: asyncpg.Connection
    ids: list[int] = field(default_factory=list[int])

    async def open(self) -> None:
        members = (
            member(ADA, role="owner", alias="Teacher"),
            member(DAN, role="assistant", alias="Assistant"),
            member(BOB, alias="Falcon", external_id="s-1", member_name="Bob B."),
            member(EVE, alias="Heron", external_id="s-2", member_name="Eve E."),
        )
        assert await deliver(self.service, group(), *members) == 204
        for user in (EVE, DAN, STRANGER):
            self.service.billing.grant(user, 0)
        self.service.billing.fund(GROUP, FUNDS, ADA, BOB, EVE, DAN)

    async def request(
        self, method: str, path: str, user: int = ADA, headers: dict[str, str] | None = None, **body: object
    ) -> httpx.Response:
        arguments = {"json": body} if body else {}
        sent = bearer(user) | (headers or {})
        return await self.service.client.request(method, path, headers=sent, **arguments)  # pyright: ignore[reportArgumentType] - as given

    async def get(self, path: str, user: int = ADA) -> Json:
        answer = await self.request("GET", path, user)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def draft(self, content: bytes | None = None, **members: object) -> Json:
        if "dataset_id" not in members:
            members["dataset_id"] = (await self.service.upload_bytes(content or two_classes()))["id"]
        body: Json = {
            "title": "Two classes",
            "label": "label",
            "split": {"holdout_share": 0.5, "public_share": 0.5},
            "metric": "accuracy",
            "opens_at": moment(hours=-1),
            "closes_at": moment(hours=1),
        }
        answer = await self.request("POST", f"/v1/groups/{GROUP}/challenges", **body | members)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def publish(self, challenge: Json) -> Json:
        """The published challenge."""
        answer = await self.request("POST", f"/v1/challenges/{challenge['id']}/publish")
        assert answer.status_code == 202, answer.text
        job = await self.service.ended(answer.json())
        assert job["state"] == "succeeded", job
        return await self.get(f"/v1/challenges/{challenge['id']}")

    async def published(self, content: bytes | None = None, **members: object) -> Json:
        return await self.publish(await self.draft(content, **members))

    async def train(self, challenge: Json, user: int = BOB, **members: object) -> str:
        """The name of a model that this member has trained."""
        body: Json = {"challenge_id": challenge["id"], "type": "logistic"}
        answer = await self.request("POST", "/v1/models", user, **body | members)
        assert answer.status_code == 202, answer.text
        job = await self.service.ended(answer.json(), user)
        assert job["state"] == "succeeded", job
        return job["model_name"]

    async def submit(self, challenge: Json, model: str, user: int = BOB) -> httpx.Response:
        return await self.request("POST", f"/v1/challenges/{challenge['id']}/submissions", user, model=model)

    async def scored(self, challenge: Json, user: int = BOB, **members: object) -> Json:
        """A submission of a new model once its job has ended."""
        answer = await self.submit(challenge, await self.train(challenge, user, **members), user)
        assert answer.status_code == 202, answer.text
        await self.service.ended({"id": answer.json()["job_id"]}, user)
        return await self.get(f"/v1/submissions/{answer.json()['id']}", user)

    async def close(self, challenge: Json) -> None:
        """Let the challenge have closed a moment ago."""
        await self.sql.execute(
            "UPDATE ml.challenges SET opens_at = least(opens_at, now() - interval '1 day'), closes_at = now()"
            " WHERE id = $1",
            challenge["id"],
        )
