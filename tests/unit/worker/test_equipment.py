"""What a worker serves, from the cluster file and its modules, and what it says when that cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warren.errors import InvalidInput
from warren.skills.skill import Mode
from worker.__main__ import worker
from worker.equipment import stations
from worker.settings import WorkerSettings
from worker.station import station

HEAD = "from warren import skill\n"
MEASURE = '@skill("measure", team="scouts")\ndef measure(path: str) -> dict: return {}\n'
SHARED = '@skill("shared")\nasync def shared() -> dict: return {}\n'
TEAMS = """
version: 1
teams:
  scouts:
    modules: [{modules}]
    skills:
      measure: {{concurrency: 3, max_attempts: 7, timeout_s: 9}}
      lines: {{command: {{argv: [wc, -l, "{{path}}"], output: text}}}}
  analysts:
    skills: {{shared: {{}}}}
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WARREN_")]:
        monkeypatch.delenv(name)

    def settings(modules="", **given):
        (tmp_path / "cluster.yaml").write_text(TEAMS.format(modules=modules))
        return WorkerSettings(**given)

    return settings


def served(settings):
    """The stations, by name, that the command line would give."""
    from topology.cluster import load_cluster

    return {station.skill.name: station for station in stations(settings, load_cluster(settings.cluster))}


def test_a_team_gets_its_functions_and_commands_with_the_files_settings(settings, write):
    found = served(settings(write("eq_plain", HEAD + MEASURE + SHARED), team="scouts"))

    assert set(found) == {"measure", "lines"}
    assert (found["measure"].concurrency, found["measure"].policy.max_attempts) == (3, 7)
    assert (found["measure"].timeout_s, found["measure"].queue) == (9, "warren.work.scouts.measure")
    assert found["lines"].skill.mode is Mode.LOOP


def test_the_flag_wins_over_the_file(settings, write):
    found = served(settings(write("eq_flag", HEAD + MEASURE), team="scouts", concurrency=1, only="measure"))

    assert {name: station.concurrency for name, station in found.items()} == {"measure": 1}


@pytest.mark.parametrize(
    ("text", "flags", "words"),
    [
        (MEASURE, {"team": "scuots"}, "no team 'scuots'; its teams are scouts, analysts"),
        (SHARED, {"team": "scouts"}, "skills that no module of it defines: measure"),
        (MEASURE, {"team": "analysts", "skills": "eq_bad"}, r"there is nothing to serve.*measure \(scouts\)"),
        (MEASURE, {"team": "scouts", "only": "mesure"}, "did you mean 'measure'"),
        (MEASURE, {"team": "scouts", "skills": "eq_bda"}, "there is no module 'eq_bda'"),
        (MEASURE.replace('"measure"', '"new"'), {"team": "scouts"}, "skill 'new' .*is not listed in the cluster file"),
        (MEASURE + MEASURE.replace('"measure"', '"lines"').replace("def m", "def l"), {"team": "scouts"}, "keep one"),
        (MEASURE, {"team": "scouts", "cluster": Path("missing.yaml")}, "missing.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_starts(settings, write, text, flags, words):
    wanted = settings(write("eq_bad", HEAD + text), **flags)

    with pytest.raises(InvalidInput, match=words):
        worker(wanted)


def test_a_wrong_command_line_ends_with_exit_code_2_and_words(tmp_path):
    (tmp_path / "cluster.yaml").write_text(TEAMS.format(modules=""))
    command = [sys.executable, "-m", "worker", "--team", "nobody"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}

    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "no team 'nobody'" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("mode", "concurrency"), [(Mode.LOOP, 8), (Mode.THREAD, 6), (Mode.PROCESS, 2)])
def test_how_much_runs_at_once_depends_on_where_it_runs(mode, concurrency):
    import dataclasses

    from warren import skill
    from warren.skills.skill import skill_of

    @skill("x")
    def plain() -> dict:
        return {}

    made = dataclasses.replace(skill_of(plain), mode=mode)

    assert station("t", made, cores=2).concurrency == concurrency
