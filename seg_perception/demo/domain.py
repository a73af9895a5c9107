"""A ROS domain for oneself."""

from __future__ import annotations

import os
import socket

DOMAINS = 100
"""Domains 1 to 100 have usable ports on every system; 0 is the one that people are in."""


def free_domain() -> int:
    """Return a ROS domain in which nobody on this machine seems to be.

    :raises OSError: when all are in use.
    """
    for offset in range(DOMAINS):
        domain = 1 + (os.getpid() + offset) % DOMAINS
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', discovery_port(domain)))
            except OSError:
                continue
            return domain
    raise OSError(f'all ROS domains from 1 to {DOMAINS} are in use on this machine')


def discovery_port(domain: int) -> int:
    """Return the UDP port at which a domain's first participant listens (RTPS, section 9.6.1)."""
    return 7410 + 250 * domain
