"""Reports on trained models, computed in training and rendered on request."""
