"""How Warren talks to a broker: one port, and two adapters (memory, RabbitMQ) that pass the same suite."""
