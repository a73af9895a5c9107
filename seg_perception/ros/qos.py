"""Quality of service of every topic of the node, and why it is what it is."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rclpy.topic_endpoint_info import TopicEndpointInfo

# The newest frame is the only one worth having, and the mailbox keeps just that one and counts the
# others. Five, so that what comes while this process is held up for a moment gets there and is not
# overwritten in silence. Best effort and volatile match every publisher, whatever it offers.
CAMERA = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=5,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)

# REP-2003: results are offered reliably, which serves reliable and best-effort consumers alike.
# A result is sent by a thread of the middleware: three, so that none is overwritten before that. A
# consumer that lags chooses by its own depth how many it has to catch up with.
RESULT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=3,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)

# What is said once, and told to whoever subscribes later.
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# What diagnostic aggregators expect.
DIAGNOSTICS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)

_POLICIES = {
    'history': HistoryPolicy,
    'reliability': ReliabilityPolicy,
    'durability': DurabilityPolicy,
    'depth': None,
}


def for_publishers(publishers: Iterable[TopicEndpointInfo]) -> QoSProfile:
    """Return the profile to subscribe with: the best that all publishers offer.

    Reliable, as images that a transport with small buffers loses are sent again then; transient
    local, as an image that is published once is received later then.
    """
    offers = [publisher.qos_profile for publisher in publishers]
    profile = copy(CAMERA)
    if offers and all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers):
        profile.reliability = ReliabilityPolicy.RELIABLE
    if offers and all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers):
        profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile


def override(profile: QoSProfile, overrides: Mapping[str, Any]) -> QoSProfile:
    """Return a profile with the policies that a user chose, by name: `qos_overrides` of ROS.

    rclpy applies them once for each topic; this node subscribes anew where publishers change.

    :raises ValueError: when there is no such policy or value.
    """
    profile = copy(profile)
    for policy, value in overrides.items():
        if policy not in _POLICIES:
            raise ValueError(f'qos_overrides: expected one of {", ".join(_POLICIES)}, got {policy}')
        kinds = _POLICIES[policy]
        if kinds is None:
            profile.depth = int(value)
            continue
        names = [kind.name.lower() for kind in kinds]
        if str(value).lower() not in names:
            raise ValueError(
                f'qos_overrides: expected {policy} to be one of {", ".join(names)}, got {value!r}'
            )
        setattr(profile, policy, kinds[str(value).upper()])
    return profile


def describe(profile: QoSProfile) -> str:
    """Return reliability and durability in words."""
    words = (profile.reliability.name, profile.durability.name)
    return ', '.join(word.lower().replace('_', ' ') for word in words)
