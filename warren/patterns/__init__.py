"""Plans: trees of patterns over calls to skills, each node a pydantic model and a pure state machine."""
