"""A broker in this process's memory that behaves like RabbitMQ: for one-process clusters, tests and simulations.

What it leaves out: permissions, `x-expires`, `x-delayed-retry-*`, consumer time-outs, AMQP transactions, direct
reply-to, and that a broker can lose what was not yet confirmed.
"""

from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer
from warren.broker.memory.subscription import MemorySubscription

__all__ = ["MemoryBroker", "MemoryServer", "MemorySubscription"]
