"""Warren as a contender: its cluster file, its no-op skill, its client."""
