"""Accounts: the data of one user, its export and its deletion."""
