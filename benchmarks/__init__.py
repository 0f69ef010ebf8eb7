"""Measures Warren beside the raw client and its peers; start it with `python -m benchmarks`."""
