"""The web pages of Farebox. They reach the services only through the client library."""
