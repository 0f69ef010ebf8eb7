import pytest

from warren.client.user import connected_user


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("amqp://shop:secret@localhost/", "shop"),
        ("amqps://shop%40eu:secret@localhost/warren?cafile=ca.pem", "shop@eu"),
        ("amqp://localhost/", None),
        ("amqps://shop@localhost/?auth=EXTERNAL", None),
        ("amqps://shop@localhost/?auth=external&cafile=ca.pem", None),
        ("amqp://[broken", None),
    ],
)
def test_who_connects_is_known_where_the_url_decides_it(url, user):
    assert connected_user(url) == user
