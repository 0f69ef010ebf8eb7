import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from warren.cli.running import Running, broker_of, data_folder, find_running, owned, publish
from warren.errors import BrokerUnavailable, InvalidInput


def running(pid=None):
    return Running(
        pid=pid or os.getpid(), amqp_url="amqp://me:secret@h/", ledger_url="sqlite:///l", cluster=Path("cluster.yaml")
    )


def test_a_running_cluster_is_found_by_its_folder(tmp_path):
    with owned(tmp_path):
        publish(tmp_path, running())
        assert find_running(tmp_path) == running()
        assert broker_of(None, tmp_path) == "amqp://me:secret@h/"


def test_it_is_for_its_owner_s_eyes_only(tmp_path):
    publish(tmp_path, running())
    assert stat.S_IMODE((tmp_path / "cluster.json").stat().st_mode) == 0o600


def test_a_cluster_is_also_found_from_a_folder_below(tmp_path, monkeypatch):
    (tmp_path / ".warren").mkdir()
    (tmp_path / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "src" / "deep")
    assert data_folder(None) == tmp_path / ".warren"


def test_what_a_dead_cluster_left_behind_is_not_a_cluster(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    publish(tmp_path, running(dead.pid))
    assert find_running(tmp_path) is None
    with pytest.raises(BrokerUnavailable, match="`warren up`"):
        broker_of(None, tmp_path)


def test_a_process_that_merely_has_the_number_of_the_one_that_was_killed_is_not_a_cluster(tmp_path):
    publish(tmp_path, running(os.getpid()))
    assert find_running(tmp_path) is None


def test_a_broker_that_is_named_comes_first(tmp_path):
    publish(tmp_path, running())
    assert broker_of("amqp://other/", tmp_path) == "amqp://other/"


def test_garbage_in_the_folder_is_not_a_cluster(tmp_path):
    (tmp_path / "cluster.json").write_text("{")
    assert find_running(tmp_path) is None


def test_a_folder_has_one_cluster_and_the_second_hears_whose_it_is(tmp_path):
    with owned(tmp_path):
        publish(tmp_path, running())
        with pytest.raises(InvalidInput, match=rf"already up .*process {os.getpid()}"), owned(tmp_path):
            pass
        assert (tmp_path / "cluster.json").exists()
    assert not (tmp_path / "cluster.json").exists()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="cannot be used"), owned(tmp_path / "file" / "below"):
        pass
