"""`python -m warren.cli` is `warren`."""

import sys

from warren.cli import main

sys.exit(main())
