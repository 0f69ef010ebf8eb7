"""What a client is about to send, made of what a program gave it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from warren.errors import InvalidInput
from warren.messages.codec import explained, pointer
from warren.messages.message import Message
from warren.messages.unsayable import first_unsayable, is_sayable

M = TypeVar("M", bound=Message)


def request(model: type[M], **fields: object) -> M:
    """The message of these fields. Raises InvalidInput with a pointer to what cannot be sent.

    >>> request(Query, noun="projects", limit=20).limit
    20
    """
    kind = model.__name__.lower()
    given = {name: value for name, value in fields.items() if value is not None}
    if not is_sayable(given) and (found := first_unsayable(given)) is not None:
        where = pointer(found.place)
        raise InvalidInput("message_invalid", f"not a valid {kind}: {where}: {found.reason}", pointer=where)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise explained(error, b"", kind, model.model_fields) from None
