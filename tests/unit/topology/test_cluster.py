from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology import Cluster, ClusterFileError, load_cluster, parse_cluster, playbook_files

TEAM = "version: 1\nteams:\n  scouts:\n    skills:\n"


def refusal(text: str) -> ClusterFileError:
    with pytest.raises(ClusterFileError) as caught:
        parse_cluster(text, "cluster.yaml")
    return caught.value


def test_what_the_file_leaves_out_has_defaults():
    cluster = parse_cluster(TEAM + "      measure:\n", "cluster.yaml")
    team = cluster.teams["scouts"]
    assert (cluster.profile, team.leads, team.workers, team.skills["measure"].bundle) == ("classic", 1, 2, "auto")
    assert cluster.limits.message_bytes == 8 * 1024 * 1024


def test_what_the_file_says_is_read(cluster: Cluster):
    measure = cluster.teams["scouts"].skills["measure"]
    report = cluster.teams["press"].skills["write_report"]
    assert (measure.concurrency, measure.max_attempts, measure.base_s, measure.cap_s) == (8, 3, 0.5, 30)
    assert report.command is not None
    assert report.command.argv == ("report", "--format", "html")
    assert report.command.exit_codes.permanent == (2,)
    assert cluster.limits.message_bytes == 1048576


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        (TEAM + "      Measure: {}\n", 5, "teams.scouts.skills.Measure", "'measure' would do"),
        (TEAM + "      a: {concurency: 2}\n", 5, "teams.scouts.skills.a.concurency", "did you mean 'concurrency'?"),
        (TEAM + "      a:\n        bundle: 65\n", 6, "teams.scouts.skills.a.bundle", "from 1 to 64; found 65"),
        (TEAM + "      a:\n        bundle: true\n", 6, "teams.scouts.skills.a.bundle", '"auto" or a whole number'),
        (TEAM + "      a: {}\n      b: {}\n      a: {}\n", 7, "teams.scouts.skills.a", "first in line 5"),
        (TEAM + "      a: {timeout_s: .nan}\n", 5, "teams.scouts.skills.a.timeout_s", "finite"),
        (TEAM + "      a:\n        command:\n          argv: [nap, 5]\n", 7, "command.argv.1", "put it in quotes"),
        (TEAM + "      a: {command: {argv: []}}\n", 5, "command.argv", "must not be empty"),
        (TEAM + "      a: {command: {argv: [jq, '{n: .a}']}}\n", 5, "command.argv.1", "{{ and }} for braces that stay"),
        (TEAM + "      a: {command: {argv: [jq, '{n']}}\n", 5, "command.argv.1", "{{ and }} for braces that stay"),
        (TEAM + "      a: {command: {argv: [jq, '{a!r}']}}\n", 5, "command.argv.1", "only the name of a field"),
        (TEAM + "      a: {command: {argv: ['{tool}', x]}}\n", 5, "command.argv", "no task may choose that"),
        (TEAM + "      a: {command: {}}\n", 5, "command.argv", "is missing"),
        ("version: 1\nteams:\n  director: {}\n", 3, "teams.director", "taken by the director"),
        ("version: 1\nteams:\n  a: {workers: '2'}\n", 3, "teams.a.workers", "whole number; found '2'"),
        ("version: 1\nteams:\n  a: {leads: yes}\n", 3, "teams.a.leads", "whole number; found True"),
        ("version: 1\nteams:\n  a: {modules: survey}\n", 3, "teams.a.modules", "must be a list"),
        ("version: 1\nteams:\n  a: b\n", 3, "teams.a", "must be a mapping"),
        ("version: 1\nteams: [a]\n", 2, "teams", "must be a mapping"),
        ("version: 1\nteams: {}\n", 2, "teams", "must not be empty"),
        ("version: 1\ntems: {}\n", 2, "tems", "did you mean 'teams'?"),
        ("version: 2\nteams: {a: }\n", 1, "version", "must be 1; found 2"),
        ("teams: {a: }\n", 1, "version", "is missing"),
        ("version: 1\nprofile: qourum\nteams: {a: }\n", 2, "profile", "'classic' or 'quorum'; found 'qourum'"),
        ("version: 1\nteams: {a: }\nlimits:\n  windw: 3\n", 4, "limits.windw", "did you mean 'window'?"),
        ("version: 1\nteams: {a: }\nlimits:\n  message_bytes: 8MiB\n", 4, "limits.message_bytes", "found '8MiB'"),
        ("version: 1\nteams: {a: &a {}, b: *a}\n", 2, "", "aliases"),
        ("version: 1\n\tteams: {a: }\n", 2, "", "indent with spaces"),
        ("version: 1\n---\nteams: {a: }\n", 2, "", "expected a single document"),
        ("version: 1\nzzz: 1\n", 2, "zzz", "unknown key; known here: version"),
        ("version: 1\nteams: {a: !!python/object:os.system {}}\n", 2, "teams.a", "tag"),
        ("version: !!python/name:os.system ''\n", 1, "", "constructor"),
        ("version: 2024-13-45\n", 1, "version", "cannot be read"),
        ("version: 1\nteams: {a: [\n", 3, "", "is not YAML"),
        ("version: 1\nteams:\n\ta: {}\n", 3, "", "is not YAML"),
        ("version: 1\n---\nversion: 1\n", 2, "", "is not YAML"),
        ("? [a]\n: b\n", 1, "", "single word"),
        ("- a\n", 1, "", "must be a mapping"),
        ("", 1, "", "is empty"),
        ("version: 1\nteams: \x01\n", None, "", "is not YAML"),
        ("[" * 5_000, None, "", "nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(text: str, line: int | None, key: str, words: str):
    error = refusal(text)
    problem = error.problems[0]
    assert problem.line == line
    assert problem.key.endswith(key)
    assert words in problem.text
    assert str(error).startswith("cluster.yaml:")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    error = refusal("version: 1\nteams:\n  b: {workers: x}\n  a: {leads: 0}\nprofile: none\n")
    assert [problem.line for problem in error.problems] == [3, 4, 5]
    assert len(str(error).splitlines()) == 3


def test_an_error_can_be_printed_whatever_the_file_holds():
    text = str(refusal('version: 1\nteams: {"\\ud800": {}, "\\ud800": {}}\n'))
    assert text.encode()
    assert "\\ud800" in text


def test_words_that_yaml_takes_for_other_things_are_names_as_written():
    assert list(parse_cluster("version: 1\nteams: {no: , 007: , null: }\n", "-").teams) == ["no", "007", "null"]


@given(st.text())
def test_any_text_is_a_cluster_or_a_clear_error(text: str):
    try:
        result = parse_cluster(text, "cluster.yaml")
    except ClusterFileError as error:
        result = error
    assert isinstance(result, Cluster) or result.problems


@given(st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True).filter(lambda word: word != "director"))
def test_every_token_is_a_usable_name(word: str):
    text = f'{{version: 1, teams: {{"{word}": {{skills: {{"{word}": {{}}}}}}}}}}'
    assert list(parse_cluster(text, "-").teams[word].skills) == [word]


@given(st.from_regex(r"[^a-z0-9_\"\\\\-]|[a-z0-9_-]{41,60}", fullmatch=True).filter(str.isprintable))
def test_nothing_else_is_a_usable_name(word: str):
    error = refusal(f'{{version: 1, teams: {{a: {{skills: {{"{word}": {{}}}}}}}}}}')
    assert "not a usable name" in error.problems[0].text


def test_a_missing_file_is_told_with_its_name(tmp_path: Path):
    with pytest.raises(ClusterFileError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_cluster(tmp_path / "nowhere.yaml")


def test_a_folder_is_no_cluster_file(tmp_path: Path):
    with pytest.raises(ClusterFileError, match="Is a directory"):
        load_cluster(tmp_path)


def test_other_encodings_are_refused_with_the_line(tmp_path: Path):
    file = tmp_path / "cluster.yaml"
    file.write_bytes("version: 1\n# Späher\n".encode("latin-1"))
    with pytest.raises(ClusterFileError, match=r"cluster\.yaml:2: is not UTF-8"):
        load_cluster(file)


def test_a_huge_file_is_refused_unread(tmp_path: Path):
    file = tmp_path / "cluster.yaml"
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ClusterFileError, match="larger than"):
        load_cluster(file)


def test_playbooks_are_found_beside_the_cluster_file_each_once(tmp_path: Path):
    (tmp_path / "books").mkdir()
    for name in ("b.yaml", "a.yaml"):
        (tmp_path / "books" / name).touch()
    absolute = tmp_path / "books" / "b.yaml"
    cluster = parse_cluster(f"{{version: 1, teams: {{a: }}, playbooks: ['books/*.yaml', '{absolute}']}}", "-")
    found = playbook_files(cluster, tmp_path / "cluster.yaml")
    assert found == (tmp_path / "books" / "a.yaml", absolute)


def test_a_playbook_that_is_not_there_is_an_error(tmp_path: Path):
    cluster = parse_cluster("{version: 1, teams: {a: }, playbooks: [surve.yaml]}", "-")
    with pytest.raises(ClusterFileError, match=r"playbooks: no file matches 'surve\.yaml'"):
        playbook_files(cluster, tmp_path / "cluster.yaml")
