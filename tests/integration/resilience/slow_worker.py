"""A worker on a machine ten times slower: `python -m slow_worker --team crew`."""

import os
import sys

from warren.runtime.process import main
from worker.__main__ import worker
from worker.settings import WorkerSettings

if __name__ == "__main__":
    os.environ["CREW_SLOWER"] = "10"
    sys.exit(main("worker", WorkerSettings, worker))
