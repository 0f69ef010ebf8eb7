"""The broker's adapter for RabbitMQ, and a private node for machines that have none running."""
