"""Team leads: accept assignments and run their plans over workers."""
