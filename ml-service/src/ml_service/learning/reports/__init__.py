"""Reports on trained models: made while they are trained, shown on request."""
