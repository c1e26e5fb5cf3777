"""The client's operations, by kind of object."""
