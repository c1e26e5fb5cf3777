"""Tokens: the port to billing-service, and charges of requests."""
