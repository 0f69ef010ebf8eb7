"""The durable record of projects, assignments and tasks, and of every event about them."""
