"""Projects that have grown too large are found, by all that is below them."""

from warren.ledger.event import Planned, Started
from warren.ledger.growth import overgrown


async def test_a_project_is_as_large_as_all_that_is_below_it(ledger, append, accepted, assigned, task):
    await append(
        accepted("P"),
        Started("P", 11.0),
        assigned("P/0/0", team="scouts"),
        Planned("P/0/0", 12.0, [task(f"P/0/0/0/{key}", owner="P/0/0") for key in range(4)], []),
        accepted("P2"),
        Started("P2", 11.0),
        Planned("P2", 12.0, [task("P2/0", owner="P2")], []),
    )
    assert await ledger.read(lambda transaction: overgrown(transaction, 4)) == {"P": 5}
    assert await ledger.read(lambda transaction: overgrown(transaction, 0)) == {"P": 5, "P2": 1}
    assert await ledger.read(lambda transaction: overgrown(transaction, 5)) == {}
