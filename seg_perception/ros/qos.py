"""Quality of service of every topic of the node, and why it is what it is."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

# The newest frame is the only one worth having: a queue would add age, a retransmission too.
# Best effort also matches every publisher, whatever reliability it offers. Where images get lost
# (large ones over a transport with small buffers), `qos_overrides.<topic>.subscription.reliability`
# turns it to reliable.
CAMERA = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)

# REP-2003: results are offered reliably, which serves reliable and best-effort consumers alike.
# Depth 1, because a consumer that lags shall get the newest mask and not a backlog.
RESULT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)

# What diagnostic aggregators expect.
DIAGNOSTICS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)
