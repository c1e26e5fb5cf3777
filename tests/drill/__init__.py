"""Drill: break a whole stack on purpose while people work on it, then check that nothing was lost.

`network`, `disk` and `programs` are parts that can fail; `stack` puts two replicas of each service on them.
`faults` are the ways to break it, `workload` is what people do meanwhile, `verification` compares what they
were answered with what is stored, and `run` does one round after the other. `attacks` are floods by one user,
and `bystanders` what others notice of them.
"""
