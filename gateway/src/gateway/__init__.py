"""API gateway: routes, authentication, rate limits and streaming."""
