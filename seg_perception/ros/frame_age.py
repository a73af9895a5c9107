"""How old a frame is, and what to do about one that is too old."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from rclpy.clock import Clock

_HUGE_S = 60.0


class StaleFrameError(ValueError):
    """A frame's stamp is too far from the node's clock."""


def seconds(stamp: Time) -> float:
    """Return a stamp as seconds."""
    sec, nanosec = float(stamp.sec), float(stamp.nanosec)
    return sec + nanosec * 1e-9


def age_of(stamp: Time, clock: Clock) -> float:
    """Return the seconds from the stamp to now; negative for a stamp in the future."""
    age_ns: int = clock.now().nanoseconds - stamp.sec * 10**9 - stamp.nanosec
    return age_ns * 1e-9


def check_age(stamp: Time, clock: Clock, max_age: float) -> None:
    """Check that a stamp is at most `max_age` s from now, in the past or the future; 0: any is.

    :raises StaleFrameError: when it is further; the message says what to do.
    """
    age = age_of(stamp, clock)
    if not max_age or abs(age) <= max_age:
        return
    if stamp.sec == 0 and stamp.nanosec == 0:
        raise StaleFrameError(
            'its stamp is 0: let the camera driver fill header.stamp, or set max_age to 0'
        )
    if abs(age) > _HUGE_S:
        side = 'behind' if age > 0 else 'ahead of'
        raise StaleFrameError(
            f'its stamp is {abs(age):.0f} s {side} the clock of this node: one of them runs on '
            'simulated or recorded time; set use_sim_time to what the camera uses, '
            'or max_age to 0'
        )
    if age < 0:
        raise StaleFrameError(
            f'its stamp is {-age:.3f} s in the future, max_age is {max_age:g} s: '
            'synchronise the clocks of the machines'
        )
    raise StaleFrameError(
        f'it is {age:.3f} s old, max_age is {max_age:g} s: the camera, the way or the network is '
        'too slow; speed it up or raise max_age'
    )
