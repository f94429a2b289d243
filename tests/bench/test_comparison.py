"""The heart of the measurements: a peer that counts less, or elsewhere, is found out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import job
from bench.comparison import Disagreement, Tallies, check, differences, joined
from bench.reference import Reference, references
from bench.run import settings_of
from bench.workload import SERVICES, Workload, dense, sparse
from bench.written import quix_row, streams_row
from kept import counters as c
from kept.catalogue import read_catalogue
from kept.events import Event, encode
from kept.intake import Rules, rules_by_service

HOUR = 3600
Row = tuple[job.Place, dict[int, int]]
_decode = msgspec.json.Decoder(job.Event).decode


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rules]:
    settings = settings_of("127.0.0.1:9", tmp_path_factory.mktemp("bench"))
    return rules_by_service(read_catalogue([Path(settings.catalogue)]))


def counted_by_the_job(events: list[Event]) -> Iterator[Row]:
    """What a peer in Python counts, event by event."""
    register: dict[str, job.Case] = {}
    for event in events:
        decoded = _decode(encode(event))
        applied = job.apply(register.get(decoded.subject), decoded)
        if applied is not None:
            register[decoded.subject], entries = applied
            labels = register[decoded.subject][2]
            for place, changes in job.changes(decoded.data.service, labels, entries).items():
                for counter, amount in changes:
                    yield job.place_of(place), {counter: amount}


def reference(workload: Workload, rules: dict[str, Rules]) -> Reference:
    return references(workload.stream(), [workload.events], rules)[workload.events]


@pytest.mark.parametrize("workload", [dense(12_000), sparse(6_000)], ids=["dense", "sparse"])
def test_the_job_counts_what_kept_counts_in_every_bucket_that_kept_still_has(
    workload: Workload, rules: dict[str, Rules]
) -> None:
    expected = reference(workload, rules)
    counted = joined(counted_by_the_job(list(workload.stream())), expected.watermark)

    assert check("Kept and the job", expected.tallies, counted) > 20_000
    assert {place[3] for place in counted} == {0, 1, 2}  # 5 minutes, hours and days: joined as Kept joins them


def test_references_of_several_sizes_are_those_of_each_size_by_itself(rules: dict[str, Rules]) -> None:
    both = references(dense(3000).stream(), {1000, 3000}, rules)
    assert both[3000] == reference(dense(3000), rules)
    assert both[1000].events == 1000
    first = list(dense(3000).stream())[:1000]
    check("", both[1000].tallies, joined(counted_by_the_job(first), both[1000].watermark))


def test_a_contender_that_counts_a_duplicate_is_found_out(rules: dict[str, Rules]) -> None:
    events = list(dense(3000).stream())
    expected = reference(dense(3000), rules)
    again = next(event for index, event in enumerate(events) if index > 1000)
    twice = [*events, msgspec.structs.replace(again, id="another", subject="another")]
    with pytest.raises(Disagreement, match="core and peer disagree"):
        check("core and peer", expected.tallies, joined(counted_by_the_job(twice), expected.watermark))


def test_an_amount_in_the_bucket_beside_is_a_disagreement_that_names_both() -> None:
    place: job.Place = ("parking-permits", "", "", 0, 10 * HOUR)
    beside: job.Place = ("parking-permits", "", "", 0, 10 * HOUR + 300)
    left, right = {place: {c.OPENED: 3}}, {beside: {c.OPENED: 3}}
    with pytest.raises(Disagreement, match=r"bare and Kept disagree \(2 counters\):\n.*36000 counter 1: 3 and 0\n"):
        check("bare and Kept", left, right)
    assert check("", left, dict(left)) == 1


def test_two_contenders_that_counted_nothing_do_not_agree() -> None:
    with pytest.raises(Disagreement, match="neither counted anything"):
        check("bare and Kept", {}, {})


def test_every_counter_is_compared_and_partitions_are_summed() -> None:
    place: job.Place = ("parking-permits", "", "", 0, 10 * HOUR)
    rows: list[Row] = [(place, {c.OPENED: 2, c.BACKLOG_ENTERED: 5}), (place, {c.OPENED: 1, c.KEPT: 0})]
    assert joined(rows, 0) == {place: {c.OPENED: 3, c.BACKLOG_ENTERED: 5}}


places = st.tuples(
    st.sampled_from([service.id for service in SERVICES]),
    st.sampled_from(["", "area"]),
    st.sampled_from(["", "District 01"]),
    st.integers(0, 1),
    st.integers(0, 200).map(lambda step: step * 4 * HOUR),
)


@given(st.dictionaries(places, st.dictionaries(st.sampled_from([c.OPENED, c.LATE]), st.integers(1, 9))), st.data())
def test_a_tally_changed_by_one_anywhere_is_the_only_difference(tallies: Tallies, data: st.DataObject) -> None:
    filled = {place: tally for place, tally in tallies.items() if tally}
    assert differences(filled, {place: dict(tally) for place, tally in filled.items()}) == []
    if filled:
        place = data.draw(st.sampled_from(sorted(filled)))
        counter = data.draw(st.sampled_from(sorted(filled[place])))
        changed = {**filled, place: {**filled[place], counter: filled[place][counter] + 1}}
        (found,) = differences(filled, changed)
        assert f"counter {counter}:" in found


def test_the_bytes_of_kafka_streams_are_read() -> None:
    value = b"".join((counter << 48 | amount).to_bytes(8, "big") for counter, amount in [(1, 7), (20, 5_000_000_000)])
    assert streams_row(b"parking-permits|area|District 01|1|7200", value) == (
        ("parking-permits", "area", "District 01", 1, 7200),
        {1: 7, 20: 5_000_000_000},
    )
    assert streams_row(b"PA-00000001", value) is None
    taken_back = ((45 << 48) | (2**48 - 3)).to_bytes(8, "big")
    assert streams_row(b"parking-permits|||0|300", taken_back) == (("parking-permits", "", "", 0, 300), {45: -3})


def test_the_records_of_quix_streams_are_read() -> None:
    assert quix_row(b'"p"|"t|parking-permits|||0|300"', b'{"1":7}') == (("parking-permits", "", "", 0, 300), {1: 7})
    assert quix_row(b'"p"|"c|PA-00000001"', b"[1,2]") is None
