"""What Markov and Shapley learn from paths: small cases by hand, published ones, and definitions in fractions."""

import csv
import os
import random
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.dbt import learning
from tests.kit.dbt import OF_CREDIT

MODELS = OF_CREDIT

ours = learning.channel_weights()
_CASES = Path(os.environ.get("ROMI_CASES") or Path(__file__).parents[3] / "shared" / "cases")
_EEGHOR, _SNOWPLOW = _CASES / "eeghor_mta_unit", _CASES / "snowplow_fractribution"

paths_of_five = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcde"), min_size=1, max_size=6).map(tuple), st.integers(0, 9), st.integers(0, 9)
    ).filter(lambda path: path[1] + path[2]),
    min_size=1,
    max_size=12,
)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_removal_effects_of_a_chain_that_fits_on_a_napkin():
    # start -> a always; from a: half to b, half to null; b converts. Without either nothing converts.
    assert ours.removal_effects(learning.steps([(("a", "b"), 1, 0), (("a",), 0, 1)])) == {"a": 1, "b": 1}
    # Two doors: half of what converts comes through each.
    halves = learning.steps([(("a",), 1, 1), (("b",), 1, 1)])
    assert ours.removal_effects(halves) == {"a": Fraction(1, 2), "b": Fraction(1, 2)}


def test_repeats_are_kept_as_steps_of_the_chain():
    # a goes on to a in one of three steps, and otherwise converts or not by halves; whoever converts passed a.
    paths = [(("a", "a"), 1, 0), (("a",), 0, 1), (("b",), 0, 2)]
    assert ours.transitions(learning.steps(paths))["a", "a"] == 1
    assert ours.removal_effects(learning.steps(paths)) == {"a": 1, "b": 0}


def test_shapley_values_of_two_channels_that_fit_on_a_napkin():
    # v(a) = 1/4, v(b) = 1/2, v(ab) = (1 + 1 + 2) / (4 + 2 + 2) = 1/2.
    paths = [(("a",), 1, 3), (("b", "b"), 1, 1), (("b", "a"), 2, 0)]
    assert ours.shapley_values(paths) == {"a": (Fraction(1, 8), False), "b": (Fraction(3, 8), False)}


def test_a_negative_shapley_value_counts_as_nothing():
    # v(a) = 1 and v(ab) = 1/10: b's value is -9/20, a's 11/20.
    values = ours.shapley_values([(("a",), 1, 0), (("b",), 0, 9)])
    assert values["b"] == (0, False)
    assert float(values["a"][0]) == pytest.approx(0.55)


def test_where_nothing_converts_there_is_no_share():
    paths = [(("a", "b"), 0, 3)]
    learned = list(ours.learn(learning.steps(paths), paths))
    assert learned == [(name, channel, 0.0, None, 0, False) for name in ("markov", "shapley") for channel in "ab"]


@given(paths_of_five)
@hypothesis_settings(max_examples=60, deadline=None)
def test_learned_weights_are_the_definition_in_fractions(paths):
    assert ours.removal_effects(learning.steps(paths)) == learning.removal_effects(paths)
    expected, found = learning.shapley_values(paths), ours.shapley_values(paths)
    assert found.keys() == expected.keys()
    assert all(abs(found[channel][0] - value) < 1e-12 for channel, value in expected.items())
    for name, channel, weight, share, weight_e12, _ in ours.learn(learning.steps(paths), paths):
        values = learning.removal_effects(paths) if name == "markov" else expected
        total = sum(values.values())
        assert abs(weight - values[channel]) < 1e-9
        assert (share is None) == (total == 0)
        assert abs(weight_e12 - (values[channel] / total * 10**12 if total else 0)) < 10


@given(paths_of_five, st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=60, deadline=None)
def test_neither_order_nor_names_of_the_input_change_a_bit(paths, shuffle):
    expected = {row[:2]: row[2:] for row in ours.learn(learning.steps(paths), paths)}
    # Each path in as many rows as it was taken.
    taken = [(path, 1, 0) for path, count, _ in paths for _ in range(count)]
    taken += [(path, 0, 1) for path, _, count in paths for _ in range(count)]
    shuffle.shuffle(taken)
    assert {row[:2]: row[2:] for row in ours.learn(learning.steps(taken), taken)} == expected
    names = dict(zip("abcde", shuffle.sample("vwxyz", 5), strict=True))
    renamed = [(tuple(names[channel] for channel in path), *counts) for path, *counts in paths]
    assert {row[:2]: row[2:] for row in ours.learn(learning.steps(renamed), renamed)} == {
        (name, names[channel]): row for (name, channel), row in expected.items()
    }


def many_channels(count, paths=400):
    chance = random.Random(count)
    names = [f"c{number:02}" for number in range(count)]
    return [
        (tuple(chance.choices(names, range(count, 0, -1), k=chance.randint(1, 6))), chance.randint(0, 3), 1)
        for _ in range(paths)
    ]


def test_thirty_channels_are_solved_exactly():
    paths = many_channels(30)
    found = ours.removal_effects(learning.steps(paths))
    assert len(found) == 30
    whole = learning.conversion_probability(paths)
    for channel in ("c00", "c29"):
        assert found[channel] == (whole - learning.conversion_probability(paths, channel)) / whole


def test_beyond_sixteen_channels_the_least_frequent_are_one_player():
    assert not any(is_pooled for _, is_pooled in ours.shapley_values(many_channels(16)).values())
    paths = many_channels(20)
    on_paths = Counter()
    for path, conversions, nulls in paths:
        for channel in set(path):
            on_paths[channel] += conversions + nulls
    pool = {channel for _, channel in sorted((-on_paths[channel], channel) for channel in on_paths)[15:]}
    found = ours.shapley_values(paths)
    assert {channel for channel, (_, is_pooled) in found.items() if is_pooled} == pool
    assert len(pool) == 5
    merged = [(tuple("pool" if channel in pool else channel for channel in path), *counts) for path, *counts in paths]
    of_merged = {channel: value for channel, (value, _) in ours.shapley_values(merged).items()}
    of_merged |= dict.fromkeys(pool, of_merged["pool"] / 5)
    del of_merged["pool"]
    assert {channel: value for channel, (value, _) in found.items()} == of_merged


@pytest.mark.skipif(not _EEGHOR.is_dir(), reason="the case is not at hand")
def test_eeghor_transitions():
    """The same chain, as probabilities.

    Its Shapley rows are another model, so they are not compared: there v(S) is the number of conversions of a coalition
    and each path's conversions go to its channels evenly by set; ours is the rate at which paths within S convert.
    """
    paths = [
        (tuple(row["path"].split(" > ")), int(row["total_conversions"]), int(row["total_null"]))
        for row in rows(_EEGHOR / "paths.csv")
        if row["case"] == "markov_small"
    ]
    counts = ours.transitions(learning.steps(paths))
    leaving = Counter()
    for (one, _), count in counts.items():
        leaving[one] += count
    states = {"start": None, "conv": True, "null": False}
    expected = [row for row in rows(_EEGHOR / "expected.csv") if row["case"] == "markov_small"]
    assert expected
    for row in expected:
        one, other = (states.get(state, state) for state in row["params"].split("->"))
        assert counts[one, other] / leaving[one] == pytest.approx(float(row["value"]), abs=1e-11)
    # By hand: P(conv) = 2/3 x 3/4 + 1/3 x 1/2 = 2/3, of which 1/2 goes through b and 1/6 through c.
    assert ours.removal_effects(learning.steps(paths)) == {"a": 1, "b": Fraction(3, 4), "c": Fraction(1, 4)}


@pytest.mark.skipif(not _SNOWPLOW.is_dir(), reason="the case is not at hand")
def test_snowplow_fractribution(dbt, region):
    """Google's fractribution as Snowplow publishes it; its name "shapley" is our counterfactual.

    The same definition, but: one learning period for all, where ours are 90 days that end with a month, so the case is
    moved back by a day, out of August; a path that no position is worth anything to goes to its last touch there and is
    split evenly here (no converting path of the case is one); whole cents here, and GA4's names of channels.
    """
    day = timedelta(days=1)

    def moved(text):
        return datetime.fromisoformat(text) - day

    events = [
        region.event(
            moved(row["touch_ts"]),
            user=row["user_id"],
            campaign=() if row["channel"] == "Direct" else (row["source"], row["medium"], row["campaign"]),
        )
        for row in rows(_SNOWPLOW / "touchpoints.csv")
    ]
    events += [
        region.order(
            moved(row["converted_ts"]), row["conversion_id"], round(float(row["revenue"]) * 100), user=row["user_id"]
        )
        for row in rows(_SNOWPLOW / "conversions.csv")
    ]
    region.insert("events", events)
    dbt.build(region, "2022-06-01", "2022-07-31")
    found = {
        channel.replace("Organic Video", "Video").replace(" ", "_"): measures
        for channel, *measures in region.query("""
            select channel, sum(conversions), sum(revenue) from finance.romi_daily
            where attribution_model = 'counterfactual' group by channel""")
    }
    expected = {row["channel"]: row for row in rows(_SNOWPLOW / "expected.csv") if row["model"] == "shapley"}
    assert {channel for channel, row in expected.items() if float(row["conversions"])} == found.keys()
    for channel, (conversions, revenue) in found.items():
        assert float(conversions) == pytest.approx(float(expected[channel]["conversions"]), abs=1e-6)
        assert float(revenue) == pytest.approx(float(expected[channel]["revenue"]), abs=0.01)
