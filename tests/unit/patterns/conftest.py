"""A reference interpreter: carries a plan out with machines alone, in whatever order a test delivers outcomes."""

import json
from dataclasses import dataclass, field

import pytest

from warren.errors import InvalidInput, MessageTooLarge
from warren.ids import child_id, key_of, parent_id
from warren.messages.codec import to_json
from warren.messages.outcome import ErrorInfo, Failed, Succeeded
from warren.messages.written import Success, output_of
from warren.patterns.expression import compiled
from warren.patterns.machine import Settled, Step
from warren.patterns.node import Leaf
from warren.patterns.objects import as_object
from warren.patterns.plan import parse_plan

ROOT = "p/0"


def through_json(value):
    return json.loads(json.dumps(value))


@dataclass
class Seat:
    """One node of the plan that has begun."""

    node: object
    scope: dict
    state: object = None
    outcome: object = None


@dataclass
class Interpreter:
    """Runs a plan; `started` has (input) of every leaf by path. With `forgetful`, machines live for one step only."""

    plan: object
    data: dict
    forgetful: bool = False
    seats: dict = field(default_factory=dict)
    started: dict = field(default_factory=dict)
    open: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)
    machines: dict = field(default_factory=dict)
    most_open: int = 0
    outcome: object = None
    limit_bytes: int = 1_000_000

    def begin(self):
        self._begin(ROOT, parse_plan(self.plan) if isinstance(self.plan, dict) else self.plan, {"input": self.data})
        return self

    def deliver(self, *outcomes):
        """Tell of (path, outcome) pairs as one batch, whoever has heard of them before."""
        by_parent = {}
        for path, outcome in outcomes:
            self._conclude(path, outcome)
            by_parent.setdefault(parent_id(path), []).append(Settled(key_of(path), outcome))
        if ROOT in dict(outcomes):
            self.outcome = self.outcome or as_values(dict(outcomes)[ROOT])
            return
        for parent in sorted(by_parent, key=lambda path: -path.count("/")):
            self._advance(parent, by_parent[parent])

    def _begin(self, path, node, scope):
        self.seats[path] = Seat(node, scope)
        try:
            if isinstance(node, Leaf):
                self.started[path] = as_object(compiled(node.input)(scope), "the input")
                self.open.append(path)
                self.most_open = max(self.most_open, len(self.open))
            else:
                self._follow(path, self._machine(path).begin())
        except InvalidInput as error:
            self._end(path, Failed(error=ErrorInfo(code=error.code, message=error.message)))

    def _machine(self, path):
        seat = self.seats[path]
        machine = None if self.forgetful else self.machines.get(path)
        if machine is None:
            machine = self.machines[path] = seat.node.machine(seat.scope, Children(self, path))
        return machine

    def _advance(self, path, settled):
        seat = self.seats.get(path)
        if seat is None or seat.outcome is not None or self._is_stopped(path):
            return
        try:
            step = self._machine(path).advance(through_json(seat.state), settled)
        except InvalidInput as error:
            step = Step(seat.state, cancel_rest=True, outcome=Failed(error=ErrorInfo(code=error.code, message="")))
        self._follow(path, step)

    def _follow(self, path, step):
        seat = self.seats[path]
        assert through_json(step.state) == step.state, "a state must survive JSON"
        seat.state = through_json(step.state)
        if step.outcome is not None:
            seat.outcome = step.outcome
            self.open = [leaf for leaf in self.open if not leaf.startswith(path + "/")]
            self._end(path, step.outcome)
            return
        for key in step.start:
            if seat.outcome is not None or self._is_stopped(path):
                return  # a child that could not begin has ended it
            machine = self._machine(path)
            try:
                child, scope = machine.child(key), machine.scope(key)
            except InvalidInput as error:
                self._end(child_id(path, key), Failed(error=ErrorInfo(code=error.code, message="")))
                continue
            self._begin(child_id(path, key), child, scope)

    def _is_stopped(self, path):
        while "/" in path:
            if (seat := self.seats.get(path)) is not None and seat.outcome is not None:
                return True
            path = parent_id(path)
        return False

    def _conclude(self, path, outcome):
        if path in self.open:
            self.open.remove(path)
            if isinstance(outcome, Success):
                self.outputs[path] = output_of(outcome)

    def _end(self, path, outcome):
        if isinstance(outcome, Success):
            self.outputs[path] = output_of(outcome)
        if path == ROOT:
            self.outcome = self.outcome or as_values(outcome)
            return
        self._advance(parent_id(path), [Settled(key_of(path), outcome)])


@dataclass
class Children:
    interpreter: Interpreter
    path: str

    def of(self, key):
        return self.interpreter.outputs[child_id(self.path, key)]

    @property
    def limit_bytes(self):
        return self.interpreter.limit_bytes

    def all(self, messages=None):
        parent = self.interpreter._machine(self.path)
        mine = [path for path in self.interpreter.outputs if parent_id(path) == self.path]
        size = sum(len(to_json(self.interpreter.outputs[path])) for path in mine)
        if messages is not None and size > messages * self.limit_bytes:
            raise MessageTooLarge(size, messages * self.limit_bytes)
        for path in sorted(mine, key=lambda path: parent.position(key_of(path))):
            yield key_of(path), self.interpreter.outputs[path]

    def texts(self, messages):
        return ((key, to_json(output)) for key, output in self.all(messages))


def as_values(outcome):
    return Succeeded(output=output_of(outcome)) if isinstance(outcome, Success) else outcome


def ok(**output):
    return Succeeded(output=output)


def bad(message="broken", code="handler_error"):
    return Failed(error=ErrorInfo(code=code, message=message))


@pytest.fixture
def begin():
    return lambda plan, limit_bytes=1_000_000, **data: Interpreter(plan, data, limit_bytes=limit_bytes).begin()
