"""The wire: one pydantic model per message type, their codec and their JSON Schemas."""
