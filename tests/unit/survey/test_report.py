import re
import stat
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.figures import above_limit, bucket_names, count, duration, percent, short
from report.markdown import markdown_page
from report.markup import joined, tag
from report.page import html_page
from report.treemap import Box, squarified
from report.visible import code_span, visible
from report.writer import write_reports

HOSTILE = [
    "<script>alert(1)</script>.py",
    '"><img src=x onerror=alert(1)>.py',
    "'onmouseover='alert(1).py",
    "&lt;b&gt;.py",
    "</style><h1>.py",
    "]]><!--.py",
    "`|[x](javascript:alert(1))`.py",
    "new\nline.py",
    "right\u202eto\u2066left.py",
    "\x1b[31mred.py",
]


ELEMENTS = frozenset(
    "html head meta title style body header main footer section h1 h2 h3 p ul ol li dl dt dd div span b i code small "  # noqa: SIM905
    "svg desc g rect circle line path text table caption thead tbody tr th td details summary".split()
)


class Tags(HTMLParser):
    """Collects the elements and attributes of a page, and checks that they are closed in order."""

    VOID = frozenset({"meta", "br", "col", "rect", "circle", "line", "path"})

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes, self.text = [], set(), {}, []

    def handle_starttag(self, name, attributes):
        self.seen.add(name)
        for key, value in attributes:
            self.attributes.setdefault(key, set()).add(value)
        if name != "meta":
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        self.open.pop()

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text.append(data)


def parsed(page):
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


@pytest.fixture
def hostile_survey(tmp_path, survey_of):
    """A tree whose folders, files, functions and errors are all as unpleasant as can be."""
    root = tmp_path / "<b>root&"
    body = "if x:\n pass\n" * 12
    for number, name in enumerate(HOSTILE):
        folder = root / name.replace("/", "\u2215").removesuffix(".py")
        folder.mkdir(parents=True)
        file = folder / name.replace("/", "\u2215")
        file.write_text("def f(x):\n" + "".join(f" {line}\n" for line in body.splitlines()))
        (folder / f"broken{number}.py").write_text("x = <script>\n")
        (folder / f"a{number}<i>.py").write_text(f"import b{number}\n")
    for name in ("one", "two"):
        other = {"one": "two", "two": "one"}[name]
        (root / f"{name}.py").write_text(f"import {other}\n")
    return survey_of(root)


def test_the_page_has_only_elements_of_ours_whatever_the_names(hostile_survey):
    tags = parsed(html_page(hostile_survey))
    assert tags.seen <= ELEMENTS
    assert not [key for key in tags.attributes if key.startswith("on") or key in {"src", "href"}]


def test_hostile_names_are_shown_escaped_and_never_raw(hostile_survey):
    page = html_page(hostile_survey)
    for raw in ("<script", "<img", "</style><h1>", "<b>root", "\u202e", "\u2066", "\x1b", "new\nline"):
        assert raw not in page
    text = "".join(parsed(page).text)
    for name in (
        "<script>alert(1)<\u2215script>.py",
        "&lt;b&gt;.py",
        "new\\u000aline.py",
        "right\\u202eto\\u2066left.py",
    ):
        assert name in text


def test_hostile_names_are_code_in_the_markdown(hostile_survey):
    text = markdown_page(hostile_survey)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "<" not in outside
    assert "[x](" not in outside
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066]", text)


def test_the_page_asks_for_nothing_from_anywhere(tree, survey_of):
    page = html_page(survey_of(tree))
    assert any(value.startswith("default-src 'none';") for value in parsed(page).attributes["content"])
    assert not re.search(r"https?://|@import|url\(|<script|<link|<iframe", page)


def test_every_chart_is_well_formed_and_says_what_it_shows(tree, survey_of):
    charts = re.findall(r"<svg.*?</svg>", html_page(survey_of(tree)), flags=re.DOTALL)
    named = [chart for chart in charts if 'role="img"' in chart]
    assert len(named) == 6  # three charts, each for wide and for narrow screens
    for chart in map(ET.fromstring, named):
        assert chart.get("aria-label")
        assert chart.find("title").text
        assert chart.find("desc").text
        sizes = [float(shape.get(side)) for shape in chart.iter("rect") for side in ("width", "height")]
        assert all(size >= 0 for size in sizes)


def test_page_and_markdown_tell_the_same_facts(tree, survey_of):
    survey = survey_of(tree)
    page, text = "".join(parsed(html_page(survey)).text), markdown_page(survey)
    for fact in ("Cart.total", "tools/report.py", "not_utf8.py", "shop.cart", "McCabe", "Python cannot parse the file"):
        assert fact in page
        assert fact in text


def test_an_empty_tree_still_makes_a_report(tmp_path, survey_of):
    survey = survey_of(tmp_path)
    parsed(html_page(survey))
    assert "Every file could be read and parsed." in markdown_page(survey)


def test_reports_are_replaced_whole_and_leave_nothing_else_behind(tree, survey_of, tmp_path):
    folder = tmp_path / "new" / "reports"
    first = write_reports(survey_of(tree), folder)
    second = write_reports(survey_of(tree), folder)
    assert first == second
    assert sorted(path.name for path in folder.iterdir()) == ["survey.html", "survey.md"]
    assert stat.S_IMODE((folder / "survey.html").stat().st_mode) == 0o644


@given(st.text())
def test_any_text_comes_back_from_the_page_as_it_is_shown(text):
    tags = Tags()
    tags.feed(tag("p", text, title=text))
    tags.close()
    assert "".join(tags.text) == visible(text)
    assert tags.attributes["title"] == {visible(text)}
    assert tags.seen == {"p"}


def test_only_what_a_tag_made_is_taken_as_it_is():
    inner = tag("b", "<")
    assert joined(inner, "<", 1, None, 0.5) == "<b>&lt;</b>&lt;10.5"


@given(st.text(min_size=1))
def test_a_code_span_holds_any_text(text):
    span = code_span(text)
    fence = re.match("`+", span).group()
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)]
    assert "\n" not in span


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=60), st.integers(50, 1200), st.integers(50, 1200))
def test_a_treemap_fills_its_box_in_proportion(sizes, width, height):
    sizes = sorted(sizes, reverse=True)
    boxes = squarified(sizes, Box(0, 0, width, height))
    areas = [box.width * box.height for box in boxes]
    assert sum(areas) == pytest.approx(width * height, rel=1e-6)
    assert areas == [pytest.approx(width * height * size / sum(sizes), rel=1e-4, abs=1e-3) for size in sizes]
    assert all(box.x >= -1e-6 and box.x + box.width <= width + 1e-3 for box in boxes)
    assert all(box.y >= -1e-6 and box.y + box.height <= height + 1e-3 for box in boxes)


def test_figures_read_as_people_write_them():
    assert [short(number) for number in (0, 812, 1_000, 9_460, 412_345, 1_200_000)] == [
        "0", "812", "1k", "9.5k", "412k", "1.2M",
    ]  # fmt: skip
    assert [count(1, "class", "classes"), count(1790, "file")] == ["1 class", "1,790 files"]
    assert [duration(seconds) for seconds in (0.0031, 4.21, 200)] == ["3 ms", "4.2 s", "3 min 20 s"]
    assert [percent(1, 0), percent(1, 62), percent(1, 2)] == ["0 %", "1.6 %", "50 %"]
    assert bucket_names()[4:7] == ["5", "6-10", "11-15"]
    assert bucket_names()[-1] == "over 50"
    assert above_limit([1, 1, 1, 1, 1, 1, 2, 3, 0, 0, 4]) == 9
