import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warren.errors import InvalidInput, MessageTooLarge
from warren.messages import codec
from warren.messages.codec import DEFAULT_LIMIT_BYTES, MESSAGES, decode, encode, pointer, shortened
from warren.messages.event import Event
from warren.messages.outcome import Cancelled, ErrorInfo, Expired, Failed, Succeeded
from warren.messages.project import Project
from warren.messages.query import Query
from warren.messages.result import Result, ResultMessage
from warren.messages.task import Task, TaskMessage

PROJECT_ID = "0192f0c4-7d1e-7a33-9b51-3f0f5a9f8c11"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=4)
TOKENS = st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True)
SECONDS = st.floats(0, 253_402_300_799)
OUTCOMES = st.one_of(
    OBJECTS.map(lambda output: Succeeded(output=output)),
    st.builds(ErrorInfo, code=TEXT, message=TEXT, task=TEXT, permanent=st.booleans()).map(lambda e: Failed(error=e)),
    TEXT.map(lambda reason: Cancelled(reason=reason)),
    TEXT.map(lambda reason: Expired(reason=reason)),
)


def refused(body, model=Project, **limits):
    with pytest.raises(InvalidInput) as caught:
        decode(model, body, **limits)
    return caught.value


def complaints(body):
    """What is wrong with a body as each of the messages that it is not."""
    for model in MESSAGES:
        try:
            decode(model, body)
        except InvalidInput as error:
            yield error


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "EOF"),
        (b" ", "EOF"),
        (b"hello", "expected value"),
        (b'{"playbook": "a"', "EOF"),
        (b'{"playbook": "a"} {}', "trailing characters"),
        (b'{"playbook": "a",}', "trailing comma"),
        (b"{'playbook': 'a'}", "key must be a string"),
        (b'{"input": {"n": NaN}}', "NaN is not a JSON number"),
        (b'{"input": {"n": Infinity}}', "Infinity is not a JSON number"),
        (b'{"input": {"n": -Infinity}}', "-Infinity is not a JSON number"),
        (b'{"input": {"n": 01}}', "invalid number"),
        (b'{"input": {"n": 1.}}', "invalid number"),
        (b'{"input": {"n": ' + b"1" * 5_000 + b"}}", "number out of range"),
        (b'{"input": {"t": "\\ud800"}}', "its other half is missing"),
        (b'{"input": {"t": "\\udc00\\ud800"}}', "its other half is missing"),
        (b'{"input": {"t": "\n"}}', "control character"),
        (b"\xef\xbb\xbf{}", "byte order mark, send it without"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 1_000_000, "recursion limit"),
        (b'{"input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "recursion limit"),
    ],
)
def test_what_is_not_json_is_said_to_be_none_and_why(body, words):
    error = refused(body)
    assert (error.code, error.pointer) == ("not_json", "")
    assert error.message.startswith("the body is not JSON: ")
    assert words in error.message


@pytest.mark.parametrize(
    "body", [b"\xff", b'{"playbook": "\xe9"}', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b"\xff\xfe{\x00}\x00"]
)
def test_what_is_not_utf8_is_said_to_be_none_and_where(body):
    error = refused(body)
    assert error.code == "not_utf8"
    first = next(place for place, byte in enumerate(body) if byte >= 128)
    assert error.message == f"the body is not UTF-8: byte {first} cannot be decoded"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_word_in_a_text_is_not_a_number(word):
    assert decode(Project, f'{{"playbook": "a", "input": {{"t": "{word}"}}}}'.encode()).input == {"t": word}


def test_of_a_key_that_is_there_twice_the_last_value_counts():
    project = decode(Project, b'{"playbook": "a", "playbook": "b", "input": {"n": 1, "n": 2}}')
    assert (project.playbook, project.input) == ("b", {"n": 2})


@pytest.mark.parametrize("number", ["12345678901234567890123", "-0.0", "1e-400", "1.7976931348623157e308", "0.1"])
def test_numbers_are_what_json_says_they_are(number):
    body = f'{{"playbook": "a", "input": {{"n": {number}}}}}'.encode()
    assert decode(Project, body).input == {"n": json.loads(number)}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({}, ""),
        ([], ""),
        (None, ""),
        ({"playbook": 1}, "/playbook"),
        ({"playbook": "a", "priority": "4"}, "/priority"),
        ({"playbook": "a", "priority": True}, "/priority"),
        ({"playbook": "a", "labels": {"a/b~c": 1}}, "/labels/a~1b~0c"),
        ({"playbook": "a", "unknown": 1}, "/unknown"),
        ({"playbook": "a", "input": None}, "/input"),
        ({"playbook": "a\n"}, "/playbook"),
        ({"playbook": "a", "reply_to": "reply.a\n"}, "/reply_to"),
    ],
)
def test_json_that_is_no_project_is_refused_with_the_place(said, place):
    error = refused(json.dumps(said).encode())
    assert (error.code, error.pointer) == ("message_invalid", place)
    assert error.message.startswith(f"not a valid warren.project.v1: {place or 'the whole'}: ")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"playbook": "a", "inputs": {}}, "/inputs: is not known here; did you mean input? There are id, playbook"),
        ({"playbook": "a", "zzz": {}}, "/zzz: is not known here; there are id, playbook"),
        ({"playbook": "A b"}, "/playbook: must be made of a-z, 0-9, _ and -, at most 40 characters"),
        ({"playbook": "a", "reply_to": "queue"}, "/reply_to: must be reply. and a name made of"),
        ({"playbook": "a", "priority": 10}, "/priority: must be less than or equal to 9"),
        ({"playbook": "a", "input": 1}, "/input: must be an object"),
        ({"playbook": "a", "deadline": "2030-01-31T12:00:00"}, "/deadline: needs a time zone"),
        ({}, "the whole: give either a playbook's name or a plan"),
    ],
)
def test_reasons_are_words_that_tell_a_sender_what_to_do(said, words):
    assert words in refused(json.dumps(said).encode()).message


def test_a_place_that_the_reason_names_is_not_named_twice():
    assert str(refused(b'{"playbook": "A"}')).count("/playbook") == 1


def test_the_place_is_also_given_inside_of_lists():
    tasks = [{"id": "a", "input": {}}, {"id": "b", "input": 7}]
    body = {"team": "t", "skill": "s", "owner": "o", "priority": 4, "tasks": tasks}
    assert refused(json.dumps(body).encode(), TaskMessage).pointer == "/tasks/1/input"


def test_five_reasons_are_told_and_the_others_counted():
    error = refused(json.dumps({"playbook": "a", **{f"x{number}": 1 for number in range(9)}}).encode())
    assert error.pointer == "/x0"
    assert error.message.count("is not known here") == 5
    assert error.message.endswith("and 4 more")


def test_a_stranger_is_not_told_his_own_megabytes():
    error = refused(json.dumps({"playbook": "a", "x" * 3_000_000: 1}).encode())
    assert len(error.message) < 1_000
    assert error.pointer.startswith("/xxx")
    assert len(error.pointer) <= codec.MAX_POINTER_CHARS


def test_a_body_over_the_limit_is_refused_before_it_is_read():
    error = refused(b"\xff" * 1_025, limit_bytes=1_024)
    assert isinstance(error, MessageTooLarge)
    assert error.code == "message_too_large"
    assert "1,025 bytes" in error.message
    assert "1,024" in error.message
    assert "limits.message_bytes" in error.message


def test_a_body_of_eight_mebibytes_is_taken_and_one_byte_more_is_not():
    head, tail = b'{"playbook":"a","input":{"t":"', b'"}}'
    filling = b"x" * (DEFAULT_LIMIT_BYTES - len(head) - len(tail))
    project = decode(Project, head + filling + tail)
    assert encode(Project(playbook="a", input=project.input), DEFAULT_LIMIT_BYTES + 100)
    assert refused(head + filling + b"x" + tail).code == "message_too_large"


def test_what_would_be_too_large_is_not_written():
    with pytest.raises(MessageTooLarge):
        encode(Project(playbook="a", input={"t": "x" * 2_000}), 1_024)


@given(st.binary(max_size=200))
@example(b'{"playbook":"a","input":{"x":NaN')
@example(b"NaN\xff")
def test_whatever_the_bytes_are_it_is_a_message_or_a_reason(body):
    for error in complaints(body):
        assert error.code in {"not_json", "not_utf8", "message_invalid"}
        assert error.message


@given(JSON)
def test_whatever_the_json_is_it_is_a_message_or_a_place_in_it(value):
    for error in complaints(json.dumps(value).encode()):
        assert error.code == "message_invalid"
        assert error.pointer == "" or error.pointer.startswith("/")


@given(
    st.builds(
        Project,
        playbook=TOKENS,
        input=OBJECTS,
        priority=st.integers(0, 9),
        timeout_s=st.none() | st.floats(1e-6, 1e9),
        reply_to=st.none() | TOKENS.map("reply.{}".format),
        labels=st.dictionaries(TEXT, TEXT, max_size=3),
        deadline=st.none(),
    )
)
def test_a_project_arrives_as_it_was_sent(project):
    assert decode(Project, encode(project)) == project


@given(
    TOKENS,
    st.lists(st.builds(Task, id=st.just("p/0/1"), input=OBJECTS, attempt=st.integers(1, 9)), min_size=1, max_size=3),
)
def test_tasks_arrive_as_they_were_sent(token, tasks):
    message = TaskMessage(team=token, skill=token, owner="p/0", priority=4, tasks=tasks)
    assert decode(TaskMessage, encode(message)) == message


@given(
    st.lists(
        st.builds(
            Result,
            id=st.just("p/0/1"),
            owner=st.just("p/0"),
            attempt=st.integers(1, 9),
            outcome=OUTCOMES,
            started_s=SECONDS,
            ended_s=SECONDS,
            agent=TEXT,
            tried=st.none(),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_results_arrive_as_they_were_sent(results):
    message = ResultMessage(results=results)
    assert decode(ResultMessage, encode(message)) == message


@given(OBJECTS)
def test_json_text_of_ours_is_read_as_it_was_written(value):
    assert codec.from_json(codec.to_json(value)) == value


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_a_cloud_event_without_a_required_attribute_is_refused(missing):
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "t"}
    del event[missing]
    assert refused(json.dumps(event).encode(), Event).pointer == f"/{missing}"


@given(st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True), TEXT | st.booleans() | st.integers(-(2**31), 2**31 - 1))
def test_a_cloud_event_keeps_its_extensions(name, value):
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "t"}
    if name in Event.model_fields:
        return
    kept = json.loads(encode(decode(Event, json.dumps({**event, name: value}).encode())))
    assert kept[name] == value


@pytest.mark.parametrize("name", ["traceParent", "trace-parent", "trace_parent", "é", "", "a" * 41, "a b"])
def test_a_cloud_event_with_an_extension_of_an_illegal_name_is_refused(name):
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "t", name: "x"}
    assert "lower-case letters and digits" in refused(json.dumps(event).encode(), Event).message


@pytest.mark.parametrize(
    ("location", "text"),
    [((), ""), (("a", 0, "b"), "/a/0/b"), (("a/b", "~"), "/a~1b/~0"), (("",), "/"), (("~1",), "/~01")],
)
def test_a_pointer_is_written_as_rfc_6901_says(location, text):
    assert pointer(location) == text


@given(st.text(), st.integers(3, 50))
def test_a_shortened_text_has_beginning_and_end(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else (text.startswith(short[0]) and text.endswith(short[-1]))


def test_a_query_needs_no_more_than_its_noun():
    assert decode(Query, b'{"noun":"projects"}').limit == 20


@pytest.mark.parametrize("field", ["started_s", "ended_s"])
@pytest.mark.parametrize("moment", [-1.0, 253_402_300_800.0, 1e300])
def test_a_result_from_no_time_of_the_calendar_is_refused(field, moment):
    """It could not be told as a date, and how long its task took would be no number to reckon with."""
    about = {"id": "P/0", "owner": "P", "attempt": 1, "outcome": {"status": "cancelled"}}
    result = {**about, "started_s": 1.0, "ended_s": 2.0, field: moment}
    error = refused(json.dumps({"results": [result]}).encode(), ResultMessage)
    assert error.pointer == f"/results/0/{field}"
