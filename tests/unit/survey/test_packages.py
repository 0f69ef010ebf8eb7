from hypothesis import given
from hypothesis import strategies as st
from imports import ModuleName
from measure import measure_bytes
from packages import merged, reduce_measurements

CODES = [
    b"",
    b"x = 1\n",
    b"def f(:\n",
    b"\x00",
    b"def f():\n    return a or b\n",
    b"def g():\n" + b"    if a: pass\n" * 12,
    b"class A:\n    def m(self):\n" + b"        if a: pass\n" * 20 + b"# TODO\n",
]


def measurement(number, code):
    file = f"p/m{number}.py"
    made = measure_bytes(CODES[code], file, ModuleName(f"p.m{number}", is_package=False))
    return made.model_copy(update={"milliseconds": float(code)})


@given(st.lists(st.integers(0, len(CODES) - 1), max_size=40), st.integers(0, 40))
def test_reducing_in_parts_gives_the_same_as_reducing_at_once(codes, cut):
    files = [measurement(number, code) for number, code in enumerate(codes)]
    parts = [reduce_measurements("p", files[:cut]).package, reduce_measurements("p", files[cut:]).package]
    assert merged("p", parts) == reduce_measurements("p", files).package


def test_a_package_sums_its_files_and_keeps_the_worst():
    reduced = reduce_measurements("p", [measurement(number, code) for number, code in enumerate(range(len(CODES)))])
    package = reduced.package
    assert (package.files, package.functions, package.classes, package.todos) == (7, 3, 1, 1)
    assert package.complexity == 2 + 13 + 21
    assert package.excess == 3 + 11
    assert [file.file for file in package.hot_files] == ["p/m6.py", "p/m5.py"]
    assert [item.name for item in package.hot_functions] == ["A.m", "g", "f"]
    assert package.longest.name == "A.m"
    assert package.finding_counts == {"binary": 1, "empty": 1, "syntax": 1}
    assert sum(package.sizes.values()) == 3
    assert set(reduced.imports) == {f"p.m{number}" for number in range(7)}


def test_a_package_of_nothing_can_be_reduced():
    assert reduce_measurements("p", []).package == merged("p", [])


def test_many_findings_of_one_kind_leave_room_for_the_others():
    files = [measurement(number, 0) for number in range(200)] + [measurement(200, 2)]
    package = reduce_measurements("p", files).package
    assert package.finding_counts == {"empty": 200, "syntax": 1}
    assert [finding.kind for finding in package.findings].count("syntax") == 1
    assert len(package.model_dump_json()) < 8_000
