"""Faults of jobs: run by two replicas, charged although cancelled, too many at once."""

from tests.planted.fault import Fault

JOBS = "ml-service/src/ml_service/jobs"
TESTS = "tests/integration/ml"

JOB_FAULTS = [
    Fault(
        "lease-not-compared",
        f"{JOBS}/lease_repository.py",
        "        chosen = select(Job).where(Job.id == job_id, Job.lease == lease).with_for_update()\n",
        "        chosen = select(Job).where(Job.id == job_id).with_for_update()\n",
        f"{TESTS}/test_queue.py::test_replica_without_the_lease_does_not_get_the_job",
    ),
    Fault(
        "claims-at-once",
        f"{JOBS}/lease_repository.py",
        'text(f"SELECT pg_advisory_xact_lock({CLAIM_LOCK})")',
        'text("SELECT 1")',
        f"{TESTS}/test_queue.py::test_claims_wait_for_each_other",
    ),
    Fault(
        "more-jobs-than-workers",
        f"{JOBS}/lease_repository.py",
        "        has_room = and_(\n            _workers_in_use() < slots,\n            or_(",
        "        has_room = and_(\n            or_(",
        f"{TESTS}/test_queue.py::test_job_on_two_workers_counts_twice",
    ),
    Fault(
        "cancelled-job-charged",
        f"{JOBS}/settlement.py",
        "    if job.model_type != AUTO:\n        return None\n",
        "    if job.model_type != AUTO:\n        return job.tokens_held\n",
        f"{TESTS}/test_crash_recovery.py::test_queued_job_is_cancelled_without_worker",
    ),
    Fault(
        "queue-of-any-length",
        f"{JOBS}/service.py",
        "        if await repository.count_queued(user_id) >= self._max_queued:\n",
        "        if False:\n",
        f"{TESTS}/test_queue.py::test_user_with_a_full_queue_is_refused_and_others_are_not",
    ),
    Fault(
        "dataset-of-a-job-deleted",
        "ml-service/src/ml_service/datasets/service.py",
        "            if location is None or await self._is_in_use(session, dataset_id):\n",
        "            if location is None:\n",
        f"{TESTS}/test_datasets.py::test_dataset_in_training_cannot_be_deleted",
    ),
]
