"""Servers for tests: real ones, started on this machine and ended with whoever asked for them."""
