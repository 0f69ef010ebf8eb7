"""What keeps a plan's tasks from being opened again: known before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from warren.coordination.frame import Frame
from warren.errors import InvalidInput
from warren.ids import child_id
from warren.ledger.lost import outcomes
from warren.ledger.transaction import NodeState, Transaction
from warren.messages.outcome import Failed
from warren.patterns.machine import Settled


def obstacles(
    transaction: Transaction, frame: Frame, heard: Mapping[str, Collection[str]], opened: Collection[str]
) -> dict[str, InvalidInput]:
    """Why some children cannot be opened again, by the path below which that is so.

    `heard` are the keys of the children by node, `opened` all that would be open again with them.
    """
    found: dict[str, InvalidInput] = {}
    for path, node in transaction.node_states(sorted(heard)).items():
        found |= _of_node(transaction, frame, node, sorted(heard[path]), opened)
    return found


def _of_node(
    transaction: Transaction, frame: Frame, node: NodeState, keys: list[str], opened: Collection[str]
) -> dict[str, InvalidInput]:
    found: dict[str, InvalidInput] = {}
    path, machine, state = node.path, frame.machine(node.path), node.state
    for key in keys:
        try:
            state = machine.reopen(state, [key])
        except InvalidInput as error:
            found[child_id(path, key)] = error
    others = {child_id(path, key): key for key in machine.waiting(state)}
    ended = outcomes(transaction, sorted(others.keys() - set(opened)))
    step = machine.advance(state, [Settled(others[child], outcome) for child, outcome in ended.items()])
    if isinstance(step.outcome, Failed):
        found[path] = InvalidInput("others_failed", step.outcome.error.message)
    return found
