"""What holds of evaluation whatever the versions: against a plain reading of the schema's pseudocode, and of itself."""

from itertools import permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from tasks.advisories.evaluate import evaluate
from tasks.advisories.model import Advisory, Affected, Event, EventKind, Severity, Verdict

FIXED, INTRODUCED, LAST = EventKind.FIXED, EventKind.INTRODUCED, EventKind.LAST_AFFECTED

# Few numbers, so that equal and neighbouring versions are common; two at least, because "0" alone starts everything.
RELEASES = st.lists(st.integers(0, 3), min_size=2, max_size=3).map(lambda numbers: ".".join(map(str, numbers)))
SUFFIXES = st.sampled_from(["", "", "", ".dev1", "a1", "rc2", ".post1"])
VERSIONS = st.builds(lambda release, suffix: release + suffix, RELEASES, SUFFIXES)
WITH_EPOCH = st.one_of(VERSIONS, VERSIONS.map("1!".__add__))
KINDS = st.sampled_from([INTRODUCED, FIXED, LAST])
EVENTS = st.lists(st.builds(Event, KINDS, WITH_EPOCH), max_size=6).map(lambda found: [Event(INTRODUCED, "0"), *found])
TEXTS = st.text(max_size=20) | VERSIONS | VERSIONS.map(lambda text: text + "-NA") | st.just("0")


def advisory(events: list[Event], versions: tuple[str, ...] = ()) -> Advisory:
    entry = Affected("PyPI", "demo", versions, (tuple(events),))
    return Advisory("TEST-1", "", (), False, "", (entry,), (), Severity.UNKNOWN)


def said(events: list[Event], version: str) -> Verdict:
    return evaluate(advisory(events), "demo", version)


def pseudocode(events: list[Event], version: str) -> bool:
    """IncludedInRanges of the schema, for readable events at different versions."""
    wanted = Version(version)
    starts_everything = [event for event in events if event == Event(INTRODUCED, "0")]
    others = sorted((e for e in events if e not in starts_everything), key=lambda event: Version(event.version))
    vulnerable = bool(starts_everything)
    for event in others:
        at = Version(event.version)
        if event.kind is INTRODUCED and wanted >= at:
            vulnerable = True
        elif (event.kind is FIXED and wanted >= at) or (event.kind is LAST and wanted > at):
            vulnerable = False
    return vulnerable


@settings(deadline=None)
@given(WITH_EPOCH, WITH_EPOCH, WITH_EPOCH)
def test_introduced_and_fixed_are_a_half_open_interval(start: str, end: str, version: str) -> None:
    inside = Version(start) <= Version(version) < Version(end)
    before = Version(version) < Version(end)
    assume(Version(start) < Version(end))
    assert (said([Event(INTRODUCED, start), Event(FIXED, end)], version) is Verdict.AFFECTED) is inside
    assert (said([Event(INTRODUCED, "0"), Event(FIXED, end)], version) is Verdict.AFFECTED) is before


@settings(deadline=None)
@given(EVENTS, WITH_EPOCH)
def test_events_at_different_versions_follow_the_pseudocode(events: list[Event], version: str) -> None:
    assume(len({Version(event.version) for event in events[1:]}) == len(events) - 1)
    assert said(events, version) is (Verdict.AFFECTED if pseudocode(events, version) else Verdict.NOT_AFFECTED)


@settings(deadline=None)
@given(st.lists(st.builds(Event, KINDS, TEXTS), max_size=4), VERSIONS)
def test_the_order_of_events_is_irrelevant(events: list[Event], version: str) -> None:
    assert len({said(list(order), version) for order in permutations(events)}) == 1


@settings(deadline=None)
@given(EVENTS, VERSIONS, st.integers(0, 3))
def test_respelling_a_version_changes_nothing(events: list[Event], version: str, zeros: int) -> None:
    parsed = Version(version)
    release = ".".join(map(str, parsed.release)) + ".0" * zeros
    respelled = f"V{release}{version[len('.'.join(map(str, parsed.release))) :].upper()} "
    assert Version(respelled) == parsed
    assert said(events, respelled) is said(events, version)
    assert evaluate(advisory([], (version,)), "demo", respelled) is Verdict.AFFECTED


ODD = {
    "who knows": VERSIONS,
    "2.1-NA": SUFFIXES.map("2.1".__add__) | SUFFIXES.map("2.1.3".__add__),
}


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.builds(Event, KINDS, VERSIONS), max_size=4),
    st.lists(st.builds(Event, KINDS, st.sampled_from(sorted(ODD))), min_size=1, max_size=3),
    VERSIONS,
    st.data(),
)
def test_what_is_decided_holds_wherever_the_odd_events_lie(
    events: list[Event], odd: list[Event], version: str, data: st.DataObject
) -> None:
    """Put any versions that the odd texts may mean in their places: a decided answer stays."""
    assume(any(event.kind is INTRODUCED for event in (*events, *odd)))
    meant = [Event(event.kind, data.draw(ODD[event.version])) for event in odd]
    verdict = said([*events, *odd], version)
    if verdict is not Verdict.UNDECIDABLE:
        assert said([*events, *meant], version) is verdict


@settings(deadline=None)
@given(EVENTS, VERSIONS, KINDS)
def test_an_odd_event_is_undecidable_only_if_it_can_matter(events: list[Event], version: str, kind: EventKind) -> None:
    """Undecidable means: far above it the answer is one, at the version (where both ends count alike) the other."""
    assume(len({Version(event.version) for event in events[1:]} - {Version(version)}) == len(events) - 1)
    acts_as = INTRODUCED if kind is INTRODUCED else FIXED
    answers = {said([*events, Event(acts_as, place)], version) for place in (version, "9!9")}
    is_open = said([*events, Event(kind, "who knows")], version) is Verdict.UNDECIDABLE
    assert is_open is (len(answers) == 2)


@settings(deadline=None)
@given(st.lists(st.builds(Event, st.sampled_from(EventKind), st.text(max_size=30)), max_size=5), st.text(max_size=30))
def test_no_text_makes_evaluation_raise(events: list[Event], version: str) -> None:
    for listed in ((), (version,), (version + "x",)):
        assert evaluate(advisory(events, listed), "demo", version) in Verdict
    assert evaluate(advisory(events, (version,)), "demo", version) is Verdict.AFFECTED


@settings(deadline=None)
@given(EVENTS, st.lists(TEXTS, max_size=4), TEXTS)
def test_a_withdrawn_record_affects_nothing(events: list[Event], versions: list[str], version: str) -> None:
    entry = Affected("PyPI", "demo", tuple(versions), (tuple(events),))
    gone = Advisory("TEST-1", "", (), True, "", (entry,), (), Severity.UNKNOWN)
    assert evaluate(gone, "demo", version) is Verdict.NOT_AFFECTED
