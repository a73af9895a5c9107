"""The quality of service that cameras are subscribed with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from seg_perception.ros import qos

RELIABLE = QoSProfile(depth=5)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.mark.parametrize(
    ('offers', 'words'),
    [
        ([], 'best effort, volatile'),
        ([RELIABLE], 'reliable, volatile'),
        ([BEST_EFFORT], 'best effort, volatile'),
        ([LATCHED], 'reliable, transient local'),
        ([RELIABLE, BEST_EFFORT], 'best effort, volatile'),
        ([LATCHED, RELIABLE], 'reliable, volatile'),
    ],
)
def test_it_is_the_best_that_all_publishers_offer(offers: list[QoSProfile], words: str) -> None:
    publishers = [SimpleNamespace(qos_profile=offer) for offer in offers]
    profile = qos.for_publishers(publishers)
    assert qos.describe(profile) == words
    assert (profile.depth, profile.history) == (5, HistoryPolicy.KEEP_LAST)


def test_what_a_user_chose_goes_first_and_changes_no_default() -> None:
    chosen = {'reliability': 'reliable', 'depth': 7, 'durability': 'TRANSIENT_LOCAL'}
    profile = qos.override(qos.CAMERA, chosen)
    assert qos.describe(profile) == 'reliable, transient local'
    assert profile.depth == 7
    assert qos.describe(qos.CAMERA) == 'best effort, volatile'


@pytest.mark.parametrize(
    ('overrides', 'sentence'),
    [
        ({'reliability': 'often'}, 'expected reliability to be one of .*reliable.*, got .often.'),
        ({'speed': 'high'}, 'expected one of history, reliability, durability, depth, got speed'),
    ],
)
def test_what_no_policy_is_is_refused(overrides: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        qos.override(qos.CAMERA, overrides)
