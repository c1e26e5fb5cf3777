"""Users, passwords, sessions, API keys and signing keys."""
