"""Tokens, which billing-service moves and we only ask for."""
