"""Simulation of the charge protocol: real services on simulated processes, network, stores and time."""
