from rich.console import Console
from rich.live import Live

from warren.cli.printing import print_whole, screen
from warren.cli.project_tree import MOST_CHILDREN, as_line, draw
from warren.messages.outcome import ErrorInfo
from warren.messages.reply import Branch, Status

ID = "0190a8e0-0000-7000-8000-000000000001"


def status(*branches, **facts):
    told = {"status": "open", "playbook": "survey", **facts}
    return Status(project=ID, accepted_s=100.0, tree=list(branches), **told)


def branch(path, kind="task", state="open", **facts):
    return Branch(id=f"{ID}{path}", kind=kind, status=state, **facts)


def text(shown):
    console = Console(width=120, file=open("/dev/null", "w"), record=True)  # noqa: PTH123, SIM115
    with console.file:
        console.print(draw(shown, 160.0))
        return console.export_text()


def test_the_tree_shows_each_part_below_its_parent():
    shown = text(
        status(
            branch("", "project", total=10, done=4),
            branch("/0", "sequence", total=2, done=1),
            branch("/0/0", "assignment", name="scouts", total=10, done=4, failed=1),
        )
    ).splitlines()
    assert shown[0].startswith(f"survey {ID} open  1 min 00 s  4/10")
    assert "sequence" in shown[1]
    assert "scouts" in shown[2]
    assert "4/10 1 failed" in shown[2]
    assert shown[2].index("assignment") > shown[1].index("sequence")


def test_what_succeeded_is_one_line():
    shown = text(status(branch("/0", "map", "succeeded", total=2, done=2), branch("/0/1", "task", "succeeded")))
    assert len(shown.splitlines()) == 2


def test_a_parent_shows_only_so_many_children():
    children = [branch(f"/0/{number}") for number in range(MOST_CHILDREN + 5)]
    shown = text(status(branch("/0", "map"), *children)).splitlines()
    assert len(shown) == 2 + MOST_CHILDREN + 1
    assert shown[-1].endswith("…")


def test_an_error_is_shown_at_the_top():
    error = ErrorInfo(
        code="handler_error", message="it broke", type="ValueError", skill="greet", attempts=3, task=f"{ID}/0"
    )
    shown = text(status(status="failed", ended_s=101.0, error=error)).splitlines()
    assert shown[1] == f"greet failed after 3 attempts: ValueError: it broke (handler_error), task {ID}/0"


def test_a_long_reason_is_whole_where_there_is_no_terminal_and_folded_where_there_is(capsys):
    reason = " ".join(f"word{number}" for number in range(200))
    failed = status(status="failed", ended_s=101.0, error=ErrorInfo(code="x", message=reason))
    print_whole(draw(failed, 160.0))
    assert reason in capsys.readouterr().out
    assert "word199" in text(failed)


def test_a_line_for_a_log_counts_the_tasks():
    assert (
        as_line(status(branch("", "project", total=1000, done=4, failed=1))) == "open: 4 of 1,000 tasks done, 1 failed"
    )
    assert as_line(status()) == "open"


def test_what_follows_a_project_on_a_narrow_terminal_cuts_no_id(monkeypatch):
    monkeypatch.setenv("COLUMNS", "34")
    out = screen()
    with out.capture() as drawn, Live(console=out, refresh_per_second=0.1) as live:
        live.update(draw(status(), 160.0), refresh=True)
    assert ID in drawn.get().replace("\n", "").replace(" ", "")
