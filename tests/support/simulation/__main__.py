"""Replay seeds of the simulation: python -m tests.support.simulation SEED..."""

import sys

from tests.support.simulation.charges import simulate

for seed in map(int, sys.argv[1:]):
    broken, world = simulate(seed)
    print(world.show(), f"seed {seed}:", *(broken or ["nothing is broken"]), sep="\n")  # noqa: T201
