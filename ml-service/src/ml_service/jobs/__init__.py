"""Jobs: work that takes longer than a request, from the request to the settlement."""
