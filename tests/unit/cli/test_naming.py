import pytest

from warren.cli.naming import named
from warren.errors import InvalidInput, UnknownProject

IDS = (
    "0190a8e0-0000-7000-8000-000000000001",
    "0190a8e0-0000-7000-8000-000000000002",
    "0190b000-0000-7000-8000-0000000000ff",
)


class Known:
    """A client that knows three projects."""

    async def projects(self, limit):
        return [{"id": each} for each in IDS[:limit]]

    def project(self, text):
        return text


@pytest.mark.parametrize("text", [IDS[2], IDS[2].upper(), "0190b", "0190B000-", f" {IDS[2]}\n"])
async def test_a_project_is_meant_by_its_id_or_by_a_beginning_that_is_its_own(text):
    assert await named(Known(), text) == IDS[2]


async def test_a_beginning_of_several_is_refused_with_all_of_them():
    with pytest.raises(InvalidInput, match=f"2 projects .*{IDS[0]}, {IDS[1]}; write more"):
        await named(Known(), "0190a8e0-")


async def test_a_beginning_of_none_is_unknown():
    with pytest.raises(UnknownProject, match="begins with ffff"):
        await named(Known(), "ffff")


@pytest.mark.parametrize("text", ["019", "survey"])
async def test_what_can_be_no_beginning_is_left_to_the_client(text):
    assert await named(Known(), text) == text
