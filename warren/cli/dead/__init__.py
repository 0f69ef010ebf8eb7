"""`warren dead`: what was given up."""
