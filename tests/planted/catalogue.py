"""All faults, by kind."""

from tests.planted.answers import ANSWERS
from tests.planted.fault import Fault
from tests.planted.gateway import GATEWAY_FAULTS
from tests.planted.identity import IDENTITY
from tests.planted.inputs import INPUTS
from tests.planted.jobs import JOB_FAULTS
from tests.planted.money import MONEY
from tests.planted.ownership import OWNERSHIP
from tests.planted.storage import STORAGE

CATALOGUE: dict[str, list[Fault]] = {
    "money": MONEY,
    "identity": IDENTITY,
    "ownership": OWNERSHIP,
    "storage": STORAGE,
    "inputs": INPUTS,
    "gateway": GATEWAY_FAULTS,
    "answers": ANSWERS,
    "jobs": JOB_FAULTS,
}
FAULTS = {fault.name: fault for faults in CATALOGUE.values() for fault in faults}
