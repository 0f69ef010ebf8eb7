"""Spans, propagation, metrics and logs."""
