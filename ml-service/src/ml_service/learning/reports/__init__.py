"""Reports on models, computed in training and rendered on request."""
