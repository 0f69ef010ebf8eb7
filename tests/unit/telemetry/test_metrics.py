import pytest

from warren.telemetry import contract
from warren.telemetry.instrument import Instrument, Shape
from warren.telemetry.metrics import Metrics
from warren.telemetry.prometheus import exposition, prometheus_name, series

WAIT = Instrument("warren.wait", Shape.HISTOGRAM, "s", "how long", ("queue",), (0.1, 1.0))
DONE = Instrument("warren.done", Shape.COUNTER, "{task}", "how many", ("team", "outcome"))
FULL = Instrument("warren.full", Shape.GAUGE, "{message}", "how full")


def page(metrics):
    return exposition(metrics.read())


def test_counters_add_up_by_their_labels():
    metrics = Metrics()
    metrics.add(DONE, "scouts", "succeeded")
    metrics.add(DONE, "scouts", "succeeded", amount=2)
    metrics.add(DONE, "scouts", "failed")
    assert page(metrics) == (
        "# HELP warren_done_total how many\n"
        "# TYPE warren_done_total counter\n"
        'warren_done_total{team="scouts",outcome="failed"} 1\n'
        'warren_done_total{team="scouts",outcome="succeeded"} 3\n'
    )


def test_a_value_on_a_bound_belongs_below_it_and_buckets_are_cumulative():
    metrics = Metrics()
    for value in (0.05, 0.1, 0.5, 7.0):
        metrics.observe(WAIT, value, "q")
    assert page(metrics) == (
        "# HELP warren_wait_seconds how long\n"
        "# TYPE warren_wait_seconds histogram\n"
        'warren_wait_seconds_bucket{queue="q",le="0.1"} 2\n'
        'warren_wait_seconds_bucket{queue="q",le="1"} 3\n'
        'warren_wait_seconds_bucket{queue="q",le="+Inf"} 4\n'
        'warren_wait_seconds_sum{queue="q"} 7.65\n'
        'warren_wait_seconds_count{queue="q"} 4\n'
    )


def test_what_is_watched_is_looked_up_when_somebody_reads():
    metrics, depth = Metrics(), [3]
    metrics.watch(FULL, lambda: depth[0])
    assert "warren_full 3\n" in page(metrics)
    depth[0] = 4
    assert "warren_full 4\n" in page(metrics)


def test_a_label_cannot_break_out_of_its_line():
    metrics = Metrics()
    metrics.add(DONE, 'a"b\\c\nd', "succeeded")
    assert 'team="a\\"b\\\\c\\nd"' in page(metrics)


def test_a_reading_does_not_change_any_more():
    metrics = Metrics()
    metrics.observe(WAIT, 0.5, "q")
    [reading] = metrics.read()
    metrics.observe(WAIT, 0.5, "q")
    assert reading.bins["q",].count == 1


@pytest.mark.parametrize("instrument", contract.METRICS, ids=lambda one: one.name)
def test_every_metric_of_the_contract_has_a_place_in_it(instrument):
    assert instrument.name.startswith("warren.")
    assert (instrument.shape is Shape.HISTOGRAM) == bool(instrument.bounds)
    assert list(instrument.bounds) == sorted(set(instrument.bounds))
    assert instrument.about


def test_no_two_metrics_share_a_series():
    names = [name for instrument in contract.METRICS for name in series(instrument)]
    assert len(names) == len(set(names))


def test_names_in_prometheus_carry_their_unit():
    assert prometheus_name(contract.ATTEMPT_DURATION) == "warren_attempt_duration_seconds"
    assert prometheus_name(contract.RETRIES) == "warren_retries_total"
    assert prometheus_name(contract.DEAD_LETTERS) == "warren_dead_letters"


def test_no_span_has_an_id_in_its_name():
    for shape in contract.SPANS:
        words = {word.strip("{}") for word in shape.name.split() if word.startswith("{")}
        assert words <= {"playbook", "team", "skill", "queue", "pattern"}


def test_no_label_of_a_metric_is_an_id():
    labels = {label for instrument in contract.METRICS for label in instrument.labels}
    assert labels <= {
        "warren.playbook",
        "warren.team",
        "warren.skill",
        "warren.outcome",
        "warren.queue",
        "error.type",
    }
