"""Groups and their members, as auth-service reports them."""
