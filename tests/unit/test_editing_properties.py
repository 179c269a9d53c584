"""What holds of every edit, whatever it says and whatever became of its proposal meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely
from hypothesis import given
from hypothesis import strategies as st

from sync_service.sync.editing import GEOMETRY, Edit, EditOp, EditStatus, geometry_text, merge_edit
from sync_service.sync.values import Hand, Placement, Value
from tests.builders import make_feature

if TYPE_CHECKING:
    from sync_service.sync.state import Feature

PLACES = [shapely.to_wkb(shapely.Point(49 + n / 10, 53)) for n in range(3)]
GUID = make_feature().guid
texts = st.sampled_from([None, "one", "two", "three"])
placements = st.sampled_from([p.value for p in Placement if p is not Placement.PLACED])


@st.composite
def features(draw: st.DrawFn) -> Feature:
    geometry = draw(st.none() | st.sampled_from(PLACES))
    placement = "placed" if geometry is not None else draw(placements)
    values: dict[str, Value] = {
        "address": draw(texts),
        "horizon": draw(st.none() | st.integers(2026, 2028)),
        "cadastral_number": draw(texts),
        "district": draw(texts),
        "placement": placement,
    }
    return make_feature(geometry, draw(st.sampled_from(Hand)), **values)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    values: dict[str, Value] = {}
    for name in draw(st.sets(st.sampled_from(["address", "cadastral_number", "place_check"]))):
        values[name] = draw(texts)
    if draw(st.booleans()):
        values["horizon"] = draw(st.none() | st.integers(2026, 2028))
    kind = draw(st.sampled_from(["fields", "move", "word", "unplace"]))
    geometry = draw(st.sampled_from(PLACES)) if kind == "move" else None
    if kind == "word":
        values["placement"] = draw(placements)
    return Edit(EditOp.UNPLACE if kind == "unplace" else EditOp.UPDATE, GUID, values, geometry)


def value(feature: Feature, name: str) -> Value:
    return geometry_text(feature.geometry) if name == GEOMETRY else feature.properties.get(name)


@given(features(), features() | st.none(), edits())
def test_a_clash_never_changes_the_clashing_field(current: Feature, base: Feature | None, said: Edit) -> None:
    done = merge_edit(current, base, said)
    for name, sides in done.clashes.items():
        assert value(done.feature, name) == value(current, name) == sides.theirs
        assert sides.mine != sides.theirs
    assert (done.status is EditStatus.CLASH) == bool(done.clashes)


@given(features(), features() | st.none(), edits())
def test_every_word_of_an_edit_stands_or_clashes_or_was_none(
    current: Feature, base: Feature | None, said: Edit
) -> None:
    done = merge_edit(current, base, said)
    for name, wanted in said.set.items():
        was = () if base is None else (value(base, name),)
        assert name in done.clashes or value(done.feature, name) == wanted or wanted in was
    if said.geometry is not None:
        stays = base is not None and base.geometry == said.geometry
        assert (
            GEOMETRY in done.clashes or done.feature.geometry == said.geometry or stays or "placement" in done.clashes
        )


@given(features(), features() | st.none(), edits())
def test_nothing_else_is_touched(current: Feature, base: Feature | None, said: Edit) -> None:
    done = merge_edit(current, base, said)
    spoken = {*said.set, *({"placement", "place_reason"} if said.geometry or said.op is EditOp.UNPLACE else ())}
    spoken |= {"place_reason"} if "placement" in said.set else set()
    for name, stood in current.properties.items():
        assert name in spoken or done.feature.properties[name] == stood


@given(features(), features() | st.none(), edits())
def test_the_same_edit_again_changes_nothing(current: Feature, base: Feature | None, said: Edit) -> None:
    once = merge_edit(current, base, said)
    again = merge_edit(once.feature, base, said)
    assert again.feature == once.feature
    assert again.status in (EditStatus.UNCHANGED, EditStatus.CLASH)
    assert set(again.clashes) <= set(once.clashes)


@given(features(), edits())
def test_what_the_proposal_says_already_is_no_edit(current: Feature, said: Edit) -> None:
    after = merge_edit(current, current, said).feature
    for base in (None, current, after):
        assert merge_edit(after, base, said).status is EditStatus.UNCHANGED


@given(features(), edits())
def test_an_edit_of_what_is_there_never_clashes(current: Feature, said: Edit) -> None:
    done = merge_edit(current, current, said)
    assert done.status in (EditStatus.APPLIED, EditStatus.UNCHANGED)
    assert (done.feature != current) == (done.status is EditStatus.APPLIED)


@given(features(), st.permutations(["address", "cadastral_number", "horizon", GEOMETRY]), st.data())
def test_edits_of_different_fields_meet_in_any_order(base: Feature, order: list[str], data: st.DataObject) -> None:
    made = {
        "address": Edit(EditOp.UPDATE, GUID, {"address": data.draw(texts)}),
        "cadastral_number": Edit(EditOp.UPDATE, GUID, {"cadastral_number": data.draw(texts)}),
        "horizon": Edit(EditOp.UPDATE, GUID, {"horizon": data.draw(st.integers(2026, 2028))}),
        GEOMETRY: Edit(EditOp.UPDATE, GUID, {}, data.draw(st.sampled_from(PLACES))),
    }

    def work(names: list[str]) -> Feature:
        feature = base
        for name in names:
            done = merge_edit(feature, base, made[name])
            assert done.status in (EditStatus.APPLIED, EditStatus.MERGED, EditStatus.UNCHANGED)
            feature = done.feature
        return feature

    assert work(order) == work(sorted(order))


@given(features(), features(), edits())
def test_without_a_base_nothing_different_is_taken(current: Feature, other: Feature, said: Edit) -> None:
    assert merge_edit(current, None, said).feature == current
    assert merge_edit(current, other, said, overwrite=True).status is not EditStatus.CLASH


@given(st.lists(st.sampled_from(["one", "two", "three"]), min_size=2, max_size=6))
def test_a_chain_of_edits_each_from_the_last_never_clashes(words: list[str]) -> None:
    feature = make_feature(address="zero")
    for said in words:
        done = merge_edit(feature, feature, Edit(EditOp.UPDATE, GUID, {"address": said}))
        assert not done.clashes
        feature = replace(done.feature, version=feature.version + 1)
    assert feature.properties["address"] == words[-1]
