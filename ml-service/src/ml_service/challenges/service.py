"""Service of challenges: draft, change, publish, finalise and delete them."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database, Json
from kit.digests import fingerprint
from kit.errors import InvalidInput
from kit.identity import Caller
from kit.pagination import PageRequest
from ml_service.challenge_errors import ChallengeBusy, ChallengeFrozen, TooManyChallenges
from ml_service.challenge_orm import Challenge
from ml_service.challenges.access import ChallengeOf, see, show, state_of
from ml_service.challenges.repository import ChallengeRepository, SeenChallenge
from ml_service.challenges.rules import ChallengeState
from ml_service.challenges.schemas import ShownChallenge
from ml_service.datasets.repository import DatasetRepository
from ml_service.errors import DatasetNotFound
from ml_service.groups.access import OWNER, STAFF, require_active, require_member
from ml_service.jobs.preparation import prepare_free_job
from ml_service.jobs.rules import JobKind
from ml_service.jobs.service import JobService
from ml_service.learning.challenges.metric_rules import task_of
from ml_service.learning.tables import TableProfile
from ml_service.learning.training.errors import LabelNotClasses, LabelNotNumeric, NeedsDecision, UnknownColumn
from ml_service.learning.training.rules import MOST_COUNTED, check_label, may_be_classes
from ml_service.orm import Dataset, Job
from ml_service.store.quota import StorageQuota

MOST_CHALLENGES = 200
AFTER_PUBLICATION = frozenset({"title", "closes_at"})

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class ChallengeService:
    database: Database
    jobs: JobService
    storage: StorageQuota

    async def create(
        self, session: AsyncSession, caller: Caller, group_id: int, values: Json
    ) -> ShownChallenge:
        """A draft; its dataset is the caller's own. Raises DatasetNotFound, TooManyChallenges."""
        membership = await require_member(session, caller.user_id, group_id, STAFF)
        require_active(membership)
        repository = ChallengeRepository(session)
        if await repository.count(group_id) >= MOST_CHALLENGES:
            raise TooManyChallenges(MOST_CHALLENGES)
        if values.get("source_id") is not None:
            await _require_own_dataset(session, caller, values["source_id"])
        challenge = Challenge(group_id=group_id, created_by=caller.user_id, **values)
        await repository.add(challenge)
        return ShownChallenge(challenge, await repository.now(), {}, None, is_staff=True)

    async def get(self, caller: Caller, challenge_id: int) -> ShownChallenge:
        async with self.database.read() as session:
            return await show(session, await see(session, ChallengeOf(caller.user_id, challenge_id)))

    async def list_page(self, caller: Caller, group_id: int, page: PageRequest) -> Sequence[ShownChallenge]:
        async with self.database.read() as session:
            await require_member(session, caller.user_id, group_id)
            rows = await ChallengeRepository(session).list_page(caller.user_id, group_id, page)
            return [await show(session, row) for row in rows]

    async def change(self, caller: Caller, challenge_id: int, values: Json) -> ShownChallenge:
        """Change a draft; of a published challenge the title, and while it is open its end to a later one."""
        async with self.database.transaction_of(caller.user_id) as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id), STAFF, lock=True)
            if state_of(seen) is ChallengeState.DRAFT:
                await self._change_draft(session, caller, seen, values)
            else:
                await see(session, ChallengeOf(caller.user_id, challenge_id), OWNER)
                _change_published(seen, values)
            await session.flush()
            return await show(session, seen)

    async def delete(self, caller: Caller, challenge_id: int) -> None:
        """Delete a draft. Raises ChallengeFrozen for a published challenge."""
        async with self.database.transaction_of(caller.user_id) as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id), STAFF, lock=True)
            if state_of(seen) is not ChallengeState.DRAFT:
                raise ChallengeFrozen("A published challenge stays; archive its group, or delete that.")
            await _require_no_job(session, challenge_id, JobKind.SPLIT)
            await ChallengeRepository(session).delete(challenge_id)

    async def publish(self, caller: Caller, challenge_id: int) -> Job:
        """Start the job that splits the owner's dataset; the challenge is published at its end."""
        await self.storage.require_room(caller.user_id)
        async with self.database.transaction_of(caller.user_id) as session:
            seen = await see(session, ChallengeOf(caller.user_id, challenge_id), OWNER, lock=True)
            challenge = seen.challenge
            require_active(seen.membership)
            if state_of(seen) is not ChallengeState.DRAFT:
                raise ChallengeFrozen("The challenge is published already.")
            await _require_no_job(session, challenge_id, JobKind.SPLIT)
            if challenge.closes_at <= seen.now:
                raise InvalidInput("The challenge would be closed already; choose a later closes_at.")
            dataset = await _require_own_dataset(session, caller, challenge.source_id or 0)
            _check_source(dataset, challenge)
            job = Job(
                kind=JobKind.SPLIT,
                model_name=f"challenge-{challenge.id}",
                rows=dataset.row_count,
                dataset_id=dataset.id,
                challenge_id=challenge.id,
                spec={"challenge_id": challenge.id},
                fingerprint=fingerprint(challenge.id),
            )
            await self.jobs.add(session, prepare_free_job(caller, job))
            challenge.publish_job_id = job.id
        log.info("publication_started", challenge=challenge_id, job=job.id)
        return job

    async def _change_draft(
        self, session: AsyncSession, caller: Caller, seen: SeenChallenge, values: Json
    ) -> None:
        challenge = seen.challenge
        await _require_no_job(session, challenge.id, JobKind.SPLIT)
        if "source_id" in values:
            await _require_own_dataset(session, caller, values["source_id"])
        opens_at = values.get("opens_at", challenge.opens_at)
        if opens_at >= values.get("closes_at", challenge.closes_at):
            raise InvalidInput("The challenge must close after it opens; change opens_at or closes_at.")
        for name, value in values.items():
            setattr(challenge, name, value)


def _change_published(seen: SeenChallenge, values: Json) -> None:
    challenge = seen.challenge
    if values.keys() - AFTER_PUBLICATION:
        raise ChallengeFrozen("After the publication only the title and closes_at can be changed.")
    if "closes_at" in values:
        if state_of(seen) not in (ChallengeState.UPCOMING, ChallengeState.OPEN):
            raise ChallengeFrozen("The challenge has closed, so its end stays.")
        if values["closes_at"] <= challenge.closes_at:
            raise ChallengeFrozen("After the publication the end can only be moved to a later time.")
        extension = {
            "closed_at": challenge.closes_at.isoformat(),
            "closes_at": values["closes_at"].isoformat(),
            "extended_at": seen.now.isoformat(),
        }
        challenge.extensions = [*challenge.extensions, extension]
        challenge.closes_at = values["closes_at"]
    challenge.title = values.get("title", challenge.title)


async def _require_own_dataset(session: AsyncSession, caller: Caller, dataset_id: int | None) -> Dataset:
    """Raises DatasetNotFound for another user's dataset, also that of another challenge."""
    dataset = None
    if dataset_id is not None:
        dataset = await DatasetRepository(session).find_for_job(caller.user_id, dataset_id)
    if dataset is None or dataset.user_id != caller.user_id:
        raise DatasetNotFound
    return dataset


async def _require_no_job(session: AsyncSession, challenge_id: int, kind: str) -> None:
    if await ChallengeRepository(session).has_live_job(challenge_id, kind):
        raise ChallengeBusy("A job of this challenge runs; wait until it ends, or cancel it.")


def _check_source(dataset: Dataset, challenge: Challenge) -> None:
    """Raise what would make the split or a training on it impossible, as far as the profile shows it."""
    profile = TableProfile.from_json(dataset.profile)
    label = check_label(profile, challenge.label)
    for column in profile.columns.values():
        if column.decision is not None:
            raise NeedsDecision(column.name, column.decision)
    split_column = challenge.split.get("column")
    if split_column is not None and (split_column not in profile.columns or split_column == challenge.label):
        raise UnknownColumn("split", split_column)
    if task_of(challenge.metric) == "regression":
        if label.kind != "number":
            raise LabelNotNumeric(label.name, can_classify=True)
    elif not may_be_classes(label):
        raise LabelNotClasses(label.name, MOST_COUNTED, can_regress=label.kind == "number")
