"""The engine: an inbound batch, the ledger and the patterns make ledger writes and outgoing messages."""
