"""Faults of the store: files that are lost, incomplete, changed, too many or somebody else's."""

from tests.planted.fault import Fault

STORE = "ml-service/src/ml_service/store"
LEARNING = "ml-service/src/ml_service/learning"
SWEEPING = "ml-service/src/ml_service/accounts"
UNIT, INTEGRATION = "tests/unit/ml", "tests/integration/ml"

STORAGE = [
    Fault(
        "slot-given-to-a-cancelled-call",
        "ml-service/src/ml_service/store/fair_slots.py",
        "            if not turn.cancelled():\n                self._free",
        "            if True:\n                self._free",
        "tests/unit/ml/store/test_fair_slots.py::test_calls_that_are_cancelled_at_once_leave_their_slot",
    ),
    Fault(
        "upload-not-flushed",
        f"{STORE}/local_files.py",
        "    file.flush()\n    os.fsync(file.fileno())\n\n\n",
        "    file.flush()\n\n\n",
        f"{UNIT}/store/test_store.py::test_finished_upload_is_on_the_disk",
    ),
    Fault(
        "folder-of-artefacts-not-flushed",
        f"{STORE}/files.py",
        "        os.rename(source, target)\n        local_files.flush_folder(target)\n",
        "        os.rename(source, target)\n",
        f"{UNIT}/store/test_store.py::test_name_of_a_published_artefact_is_on_the_disk",
    ),
    Fault(
        "model-not-flushed",
        f"{LEARNING}/training/saving.py",
        "        file.flush()\n        os.fsync(file.fileno())\n",
        "        file.flush()\n",
        f"{UNIT}/learning/training/test_saving.py::test_finished_files_and_their_folder_are_on_the_disk",
    ),
    Fault(
        "digest-of-a-model-unchecked",
        f"{LEARNING}/predictors/artefacts.py",
        "    if digest.hex() != expected:\n",
        "    if False:\n",
        f"{UNIT}/learning/predictors/test_artefacts.py::test_changed_file_is_refused",
    ),
    Fault(
        "digest-of-an-upload-unchecked",
        f"{LEARNING}/tables/stored_files.py",
        "            if sha256 is not None and hash_open_file(file, size) != sha256:\n",
        "            if False:\n",
        f"{UNIT}/learning/training/test_training.py::test_table_with_another_digest_is_not_trained_on",
    ),
    Fault(
        "file-visible-before-it-is-complete",
        f"{STORE}/files.py",
        """\
            path = Path(self._path(new_key))
            try:
                yield path
                os.replace(path, self._path(key))
            finally:
                path.unlink(missing_ok=True)
            return
""",
        """\
            yield Path(self._path(key))
            return
""",
        f"{UNIT}/store/test_store.py::test_interrupted_replacement_leaves_the_stored_file",
    ),
    Fault(
        "half-a-file-left",
        f"{STORE}/files.py",
        "            with contextlib.suppress(OSError):\n                self.delete(key)\n"
        "            raise\n",
        "            raise\n",
        f"{UNIT}/store/test_local_files.py::test_file_is_deleted_when_its_disk_is_full",
    ),
    Fault(
        "size-unchecked",
        f"{STORE}/local_files.py",
        "    if not stat.S_ISREG(status.st_mode) or (size is not None and status.st_size != size):\n",
        "    if not stat.S_ISREG(status.st_mode):\n",
        f"{UNIT}/store/test_local_files.py::test_other_thing_in_place_of_a_file_is_refused_at_once",
    ),
    Fault(
        "link-followed",
        f"{STORE}/local_files.py",
        "SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC\n",
        "SAFELY = os.O_NONBLOCK | os.O_CLOEXEC\n",
        f"{UNIT}/store/test_local_files.py::test_other_thing_in_place_of_a_file_is_refused_at_once",
    ),
    Fault(
        "link-followed-by-a-worker",
        f"{LEARNING}/tables/stored_files.py",
        "FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC\n",
        "FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC\n",
        f"{UNIT}/learning/tables/test_hostile_files.py::test_pipe_or_link_is_refused_at_once",
    ),
    Fault(
        "store-of-others-swept",
        f"{SWEEPING}/sweeper.py",
        "        await self._ownership.verify()\n",
        "",
        f"{INTEGRATION}/test_store_ownership.py::test_sweeper_stops_when_the_store_is_exchanged",
    ),
    Fault(
        "new-file-swept",
        f"{SWEEPING}/rules.py",
        " and job_of(key) not in live_jobs and changed < oldest\n",
        " and job_of(key) not in live_jobs\n",
        f"{INTEGRATION}/test_store_ownership.py::test_artefact_without_a_model_is_swept_once_it_is_old",
    ),
    Fault(
        "whole-store-swept",
        f"{SWEEPING}/rules.py",
        "    return orphans > MOST_ORPHANS and orphans > most_share * stored\n",
        "    return False\n",
        f"{INTEGRATION}/test_store_ownership.py::test_sweep_of_most_files_is_refused",
    ),
    Fault(
        "quota-unchecked",
        f"{STORE}/quota.py",
        "        if stored + more_bytes > self._limits.stored_bytes:\n",
        "        if False:\n",
        f"{INTEGRATION}/test_storage_limits.py::TestQuota::test_models_and_results_count",
    ),
    Fault(
        "models-free-of-the-quota",
        f"{STORE}/repository.py",
        "            models.where(Model.user_id == user_id),\n",
        "",
        f"{INTEGRATION}/test_storage_limits.py::TestQuota::test_models_and_results_count",
    ),
]
