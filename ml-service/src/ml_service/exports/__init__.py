"""Exports of models as bundles that run without Farebox."""
