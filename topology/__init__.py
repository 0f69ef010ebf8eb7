"""What exists in the broker, as pure values: exchanges, queues, bindings and the cluster file they come from."""
