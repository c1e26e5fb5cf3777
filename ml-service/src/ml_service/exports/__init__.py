"""Models to leave with: a bundle that needs nothing of ours."""
