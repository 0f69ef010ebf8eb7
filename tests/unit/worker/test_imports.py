import subprocess
import sys

COORDINATORS_ALONE_NEED = ["sqlalchemy", "warren.ledger", "warren.patterns.playbook"]
SAY = "import sys, worker.__main__; print(*sorted(name for name in sys.argv[1:] if name in sys.modules))"


def test_a_worker_starts_without_what_only_coordinators_need():
    command = [sys.executable, "-c", SAY, "worker.worker", *COORDINATORS_ALONE_NEED]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["worker.worker"]
