"""Tables that users uploaded."""
