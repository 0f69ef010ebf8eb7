"""The survey is an example as users would write it: a folder on the path, no package."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "survey"

if str(FOLDER) not in sys.path:
    sys.path.insert(0, str(FOLDER))

CODE = {
    "shop/__init__.py": "",
    "shop/cart.py": '''"""A cart."""
from __future__ import annotations
import json
from shop import stock
from .prices import price_of


class Cart:
    """Docstring
    over two lines."""

    def total(self, items):  # TODO: taxes
        # a comment of its own
        if not items:
            return 0
        return sum(price_of(item) for item in items if item and item.count > 0)
''',
    "shop/stock.py": "from . import prices\n\n\ndef left(item):\n    import shop.cart\n    return shop.cart and item\n",
    "shop/prices.py": "from shop.cart import Cart\n\ndef price_of(item):\n    return 1 if item else 0\n",
    "tools/report.py": "import shop.cart\nimport os.path\n"
    + "\n".join(
        ["def hard(x):", *(f"    if x == {number}: return {number}" for number in range(14)), "    return x", ""]
    ),
    "broken.py": "def f(:\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'  # FIXME\n",
    "not_utf8.py": b"name = '\xe9'\n",
    "binary.py": b"\x7fELF\x00\x00",
}


@pytest.fixture
def tree(tmp_path):
    """A small tree with a known cycle, known complexities, and one file for most kinds of findings."""
    root = tmp_path / "tree"
    for name, content in CODE.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (root / "link.py").symlink_to(root / "shop" / "cart.py")
    return root


@pytest.fixture
def survey_of():
    """Survey a tree by plain function calls, without a cluster."""

    def survey(root):
        from cycles import find_cycles
        from hotspots import HotSpots, hottest_files, hottest_functions
        from listing import list_tree
        from measure import measure_file
        from packages import reduce_measurements
        from survey import assembled

        listing = list_tree(str(root))
        reduced = [
            reduce_measurements(part.name, [measure_file(Path(part.root), file) for file in part.files])
            for part in listing.packages
        ]
        packages = [part.package for part in reduced]
        hot_spots = HotSpots(
            files=hottest_files(file for package in packages for file in package.hot_files),
            functions=hottest_functions(item for package in packages for item in package.hot_functions),
        )
        return assembled(
            root=listing.root,
            started=datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC),
            finished=datetime(2026, 11, 20, 8, 0, 9, tzinfo=UTC),
            unlisted=listing.findings,
            parts=packages,
            hot_spots=hot_spots,
            cycles=find_cycles(part.imports for part in reduced),
        )

    return survey
