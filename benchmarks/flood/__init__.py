"""Very many projects at once: what they do to the director's memory, and whether all of them end."""
