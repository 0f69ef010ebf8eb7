import os
from pathlib import Path

import pytest
from complexity import BUCKETS
from finding import MEANING
from hypothesis import example, given
from hypothesis import strategies as st
from imports import ModuleName, module_name
from measure import KEPT_IMPORTS, measure_bytes, measure_file
from source import SIZE_LIMIT

MODULE = ModuleName("pkg.mod", is_package=False)


def measured(content, module=MODULE):
    return measure_bytes(content if isinstance(content, bytes) else content.encode(), "pkg/mod.py", module)


def kinds(measurement):
    return [finding.kind for finding in measurement.findings]


@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbfx = 1")
@example(b"# coding: rot13\nx")
@example(b"# coding: undefined\nx")
@example(b"# coding: idna\n\xff..\n")
@example(b"# coding: utf-7\n+2AA-\n")
@example(b"# coding: utf-16\nx = 1\n")
@example(b"(" * 300)
@example(b"-" * 400 + b"1")
@example(b"x = " + b"9" * 5000)
@example(b"x = '\\d'\n")
@example(b"\x0c\r\r\n\x1a")
def test_measuring_any_bytes_gives_a_measurement(content):
    measurement = measured(content)
    assert measurement.bytes == len(content)
    assert all(finding.kind in MEANING for finding in measurement.findings)
    measurement.model_dump_json()


SOURCE = st.lists(
    st.sampled_from(
        [
            "if x:",
            "def f():",
            "class A:",
            "    pass",
            "  x = '''",
            "'''",
            "# TODO",
            "import a",
            "from . import b",
            "",
            "x\\",
        ]
    ),
    max_size=12,
).map("\n".join)


@given(SOURCE)
def test_whatever_parses_or_not_the_counts_agree_with_each_other(text):
    measurement = measured(text)
    assert 0 <= measurement.code_lines <= measurement.lines
    assert measurement.todos <= measurement.lines
    assert sum(measurement.histogram) == measurement.functions <= measurement.complexity
    assert measurement.excess <= measurement.complexity


def test_the_fixture_tree_has_the_known_measures(tree):
    cart = measure_file(tree, "shop/cart.py")
    assert (cart.module, cart.lines, cart.code_lines, cart.classes, cart.functions) == ("shop.cart", 16, 9, 1, 1)
    assert (cart.todos, cart.complexity, cart.excess) == (1, 5, 0)
    assert [(item.name, item.line, item.lines, item.complexity) for item in cart.hardest] == [("Cart.total", 12, 5, 5)]
    assert cart.longest == cart.hardest[0]
    assert cart.imports == ["__future__.annotations", "json", "shop.prices.price_of", "shop.stock"]
    hard = measure_file(tree, "tools/report.py")
    assert (hard.complexity, hard.excess, hard.histogram[BUCKETS.index(15)]) == (15, 5, 1)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("broken.py", "syntax"),
        ("not_utf8.py", "encoding"),
        ("binary.py", "binary"),
        ("shop/__init__.py", "empty"),
        ("link.py", "symlink"),
        ("shop", "not_a_file"),
        ("gone.py", "unreadable"),
        ("../outside.py", "outside"),
        ("/etc/passwd", "outside"),
        ("nul\0.py", "unreadable"),
        ("surrogate\udcff.py", "unreadable"),
        ("x" * 5000, "unreadable"),
    ],
)
def test_what_stands_in_the_way_is_a_finding(tree, file, kind):
    assert kinds(measure_file(tree, file)) == [kind]


def test_a_pipe_is_a_finding_and_is_not_waited_for(tree):
    os.mkfifo(tree / "pipe.py")
    assert kinds(measure_file(tree, "pipe.py")) == ["not_a_file"]


def test_a_file_behind_a_linked_folder_outside_of_the_tree_is_not_read(tree, tmp_path):
    (tmp_path / "secret.py").write_text("x = 1")
    (tree / "away").symlink_to(tmp_path)
    assert kinds(measure_file(tree, "away/secret.py")) == ["outside"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_finding(tree):
    (tree / "broken.py").chmod(0)
    assert kinds(measure_file(tree, "broken.py")) == ["unreadable"]


def test_a_huge_file_is_a_finding_and_one_at_the_limit_is_measured(tree):
    (tree / "huge.py").write_bytes(b"#" * (SIZE_LIMIT + 1))
    (tree / "large.py").write_bytes(b"#" * SIZE_LIMIT)
    assert kinds(measure_file(tree, "huge.py")) == ["too_large"]
    assert kinds(measure_file(tree, "large.py")) == []


def test_code_nested_too_deeply_is_a_finding():
    assert kinds(measured("x = " + "(" * 250 + ")" * 250))[0] in {"syntax", "too_nested"}
    assert kinds(measured("x = " + "-" * 100_000 + "1"))[0] in {"syntax", "too_nested"}


def test_the_declared_encoding_is_honoured(tree):
    latin = measure_file(tree, "latin.py")
    assert (latin.findings, latin.lines, latin.todos) == ([], 2, 1)


def test_a_file_that_does_not_parse_still_has_lines():
    measurement = measured("def f(:\n\n# TODO more\n")
    assert (measurement.lines, measurement.code_lines, measurement.todos) == (3, 1, 1)
    assert measurement.findings[0].line == 1


def test_lines_end_as_they_do_in_python():
    assert measured(b"a = 1\r\nb = 2\rc = 3\n").lines == 3
    assert measured("a = '\\x0c'\n\x0c\nb = 1").lines == 3


def test_words_in_long_strings_are_code_and_no_todo():
    measurement = measured('x = """\n# TODO no\n\nplain\n"""\n')
    assert (measurement.lines, measurement.code_lines, measurement.todos) == (5, 4, 0)


@pytest.mark.parametrize(
    ("code", "module", "expected"),
    [
        ("import a.b, c", MODULE, ["a.b", "c"]),
        ("from a import b, c", MODULE, ["a.b", "a.c"]),
        ("from a import *", MODULE, ["a"]),
        ("from . import x", MODULE, ["pkg.x"]),
        ("from .y import x", MODULE, ["pkg.y.x"]),
        ("from . import x", ModuleName("pkg", is_package=True), ["pkg.x"]),
        ("from .. import x", ModuleName("a.b.c", is_package=False), ["a.x"]),
        ("from ..... import x", MODULE, ["x"]),
        ("from . import *", ModuleName("top", is_package=False), []),
        ("def f():\n    import a", MODULE, []),
        ("class A:\n    import a", MODULE, ["a"]),
        ("try:\n    import a\nexcept ImportError:\n    import b", MODULE, ["a", "b"]),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", MODULE, ["b"]),
        ("if typing.TYPE_CHECKING:\n    import a", MODULE, []),
        ('if __name__ == "__main__":\n    import a', MODULE, []),
        ("match x:\n    case 1:\n        import a", MODULE, ["a"]),
    ],
)
def test_imports_at_import_time_are_resolved(code, module, expected):
    assert measured(code, module).imports == expected


def test_more_imports_than_fit_are_cut_and_the_cut_is_a_finding():
    measurement = measured("\n".join(f"import m{number}" for number in range(KEPT_IMPORTS + 1)))
    assert len(measurement.imports) == KEPT_IMPORTS
    assert kinds(measurement) == ["imports_cut"]


def test_modules_are_named_from_the_outermost_package(tree):
    assert module_name(tree, "shop/cart.py").dotted == "shop.cart"
    assert module_name(tree / "shop", "cart.py").dotted == "shop.cart"
    assert module_name(tree, "shop/__init__.py") == ModuleName("shop", is_package=True)
    assert module_name(tree, "tools/report.py").dotted == "tools.report"
    assert module_name(tree, "src/thing/x.py").dotted == "thing.x"


def test_a_measurement_stays_small_whatever_the_file():
    name = "f" * 60_000
    code = "\n".join(f"def {name}{number}(): pass" for number in range(20))
    assert len(measured(code).model_dump_json()) < 4096


def test_measuring_leaves_the_warnings_of_the_process_alone():
    import warnings

    before = list(warnings.filters)
    assert measured("x = '\\d'\nassert (1, 2)\n").findings == []
    assert warnings.filters == before


def test_the_standard_library_of_this_machine_can_be_measured():
    folder = Path(os.__file__).parent
    files = sorted(file.name for file in folder.glob("[a-h]*.py"))
    measurements = [measure_file(folder, file) for file in files]
    assert sum(item.functions for item in measurements) > 500
    assert [item.file for item in measurements if item.findings] == []
