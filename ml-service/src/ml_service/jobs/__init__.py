"""Jobs: work that takes longer than a request, from the order of a caller to its settlement."""
