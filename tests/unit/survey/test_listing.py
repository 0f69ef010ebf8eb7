import os
import sysconfig
from pathlib import Path

import pytest
from listing import PACKAGES_LIMIT, PART_FILES, list_tree


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")


def test_files_are_grouped_by_folder_and_everything_is_in_order(tree):
    listing = list_tree(str(tree))
    assert listing.root == str(tree)
    assert [package.name for package in listing.packages] == [".", "shop", "tools"]
    assert listing.packages[1].files == ["shop/__init__.py", "shop/cart.py", "shop/prices.py", "shop/stock.py"]
    assert listing.files == sum(len(package.files) for package in listing.packages) == 10


def test_other_peoples_code_and_hidden_folders_are_left_out(tmp_path):
    make(
        tmp_path,
        "a.py",
        "b.txt",
        ".git/c.py",
        "lib/site-packages/d.py",
        "__pycache__/e.py",
        "env/f.py",
        "env/pyvenv.cfg",
    )
    assert [package.files for package in list_tree(str(tmp_path)).packages] == [["a.py"]]


def test_linked_folders_are_not_entered(tmp_path):
    make(tmp_path, "a/a.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert list_tree(str(tmp_path)).files == 1


def test_a_name_that_is_not_utf8_is_a_finding(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.py")).write_text("x = 1")
    listing = list_tree(str(tmp_path))
    assert (listing.files, [finding.kind for finding in listing.findings]) == (0, ["name"])
    assert listing.findings[0].file == "bad\\xff.py"
    listing.model_dump_json()


def test_without_a_path_it_is_the_standard_library():
    listing = list_tree(None)
    assert listing.root == str(Path(sysconfig.get_path("stdlib")).resolve())
    assert listing.files > 500
    assert not any("site-packages" in package.name for package in listing.packages)


def test_a_folder_that_is_not_there_is_refused_with_its_name(tmp_path):
    with pytest.raises(NotADirectoryError, match="gone"):
        list_tree(str(tmp_path / "gone"))


def test_an_empty_folder_has_no_packages(tmp_path):
    assert list_tree(str(tmp_path)).packages == []


def test_a_large_package_is_listed_in_parts(tmp_path):
    make(tmp_path, *(f"big/m{number:04}.py" for number in range(2 * PART_FILES + 1)))
    parts = list_tree(str(tmp_path)).packages
    assert [(part.name, len(part.files)) for part in parts] == [("big", PART_FILES), ("big", PART_FILES), ("big", 1)]


def test_too_many_packages_are_folded_into_their_parents(tmp_path):
    make(tmp_path, *(f"a/p{number // 20}/q{number}/m.py" for number in range(PACKAGES_LIMIT + 20)))
    listing = list_tree(str(tmp_path))
    assert [package.name for package in listing.packages][:2] == ["a/p0", "a/p1"]
    assert len(listing.packages) == (PACKAGES_LIMIT + 20) // 20
    assert listing.files == PACKAGES_LIMIT + 20
