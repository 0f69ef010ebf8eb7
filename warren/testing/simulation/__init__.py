"""A deterministic simulation: the whole cluster in one thread, on virtual time, with everything going wrong.

A seed decides what is submitted, what goes wrong and when. The same seed is the same run, step for step, so a run
that breaks a promise can be looked at as often as needed. `make simulate SEEDS=10000` looks for such a seed.
"""
