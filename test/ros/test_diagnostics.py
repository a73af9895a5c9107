from __future__ import annotations

import os
from dataclasses import replace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from seg_perception.inference.base import Status
from seg_perception.large_images import large_image_environment
from seg_perception.ros.diagnostics import Health, judge, to_status
from seg_perception.ros.frame_counts import Drop, Latency, Totals

ACTIVE = Health(
    now=10.0, state='active', topic='/image', input_age=0.1, watchdog=2.0, last_error='what'
)


PROFILE = '='.join(
    next(iter(large_image_environment({'ROS_DISTRO': os.environ['ROS_DISTRO']}).items()))
)


def totals(frames_in: int, frames_out: int, **drops: int) -> Totals:
    return Totals(frames_in, frames_out, {drop: drops.get(drop.value, 0) for drop in Drop})


@pytest.mark.parametrize(
    ('health', 'level', 'message'),
    [
        (ACTIVE, DiagnosticStatus.OK, 'active'),
        (
            replace(ACTIVE, runtime=Status('cpu', passed_over={'gpu': 'there is none'})),
            DiagnosticStatus.OK,
            'active',
        ),
        (
            replace(ACTIVE, runtime=Status('cpu', fault='gpu is not used: it labels otherwise')),
            DiagnosticStatus.WARN,
            'gpu is not used: it labels otherwise',
        ),
        (Health(now=10.0, state='unconfigured'), DiagnosticStatus.OK, 'unconfigured'),
        (replace(ACTIVE, failure='it broke'), DiagnosticStatus.ERROR, 'it broke'),
        (
            replace(ACTIVE, input_age=2.5, why_silent=lambda: 'publishers: 0'),
            DiagnosticStatus.ERROR,
            'no image on /image for 2.5 s: publishers: 0',
        ),
        (
            replace(ACTIVE, work_age=2.5),
            DiagnosticStatus.ERROR,
            (
                'the frame at work has taken 2.5 s so far: the network hangs or is too slow here; '
                'restart the node or choose a smaller model'
            ),
        ),
        (
            replace(ACTIVE, input_age=2.5, work_age=2.5, watchdog=0.0),
            DiagnosticStatus.OK,
            'active',
        ),
        (
            replace(ACTIVE, asked_in_vain='no road', totals=totals(9, 5, bad=1)),
            DiagnosticStatus.ERROR,
            'no road',
        ),
        # What the policy drops is no fault.
        (replace(ACTIVE, totals=totals(9, 5, busy=4)), DiagnosticStatus.OK, 'active'),
        (
            replace(ACTIVE, totals=totals(9, 5, stale=3, bad=1)),
            DiagnosticStatus.WARN,
            'frames dropped: 3 stale, 1 bad; last: what',
        ),
        (replace(ACTIVE, frames_lost=99, lost_share=0.05), DiagnosticStatus.OK, 'active'),
        (
            replace(
                ACTIVE,
                lost_share=0.07,
                totals=totals(9, 5, bad=1),
                runtime=Status('cpu', fault='gpu is not used'),
            ),
            DiagnosticStatus.WARN,
            (
                'frames dropped: 0 stale, 1 bad; last: what; about 7% of the images on /image are '
                f'lost on their way: start the camera driver with {PROFILE} in its environment '
                '(docs/transport.md); gpu is not used'
            ),
        ),
    ],
)
def test_levels(health: Health, level: bytes, message: str) -> None:
    assert judge(health, before=replace(ACTIVE, now=9.0)) == (level, message)


def test_old_drops_are_no_warning() -> None:
    health = replace(ACTIVE, totals=totals(9, 5, stale=3, bad=1))
    assert judge(health, before=health) == (DiagnosticStatus.OK, 'active')


def test_counts_that_start_anew_are_not_negative() -> None:
    before = replace(ACTIVE, now=9.0, totals=totals(90, 50, busy=30, stale=6, bad=4))
    assert judge(ACTIVE, before) == (DiagnosticStatus.OK, 'active')
    health = replace(ACTIVE, totals=totals(20, 15, busy=4, bad=1))
    message = 'frames dropped: 0 stale, 1 bad; last: what'
    assert judge(health, before) == (DiagnosticStatus.WARN, message)
    values = {entry.key: entry.value for entry in to_status('node', health, before).values}
    assert (values['rate_in_hz'], values['rate_out_hz']) == ('20.0', '15.0')


def test_values() -> None:
    before = replace(ACTIVE, now=8.0, totals=totals(10, 8))
    health = replace(
        ACTIVE,
        model='net',
        backend='cpu',
        runtime=Status(
            'cpu',
            preparing='gpu',
            doing='building',
            share=0.43,
            passed_over={'one': 'it is missing', 'two': 'it failed'},
        ),
        totals=totals(40, 28, busy=9, stale=2, bad=1),
        latency=Latency(p50=12.34, p99=56.78),
        frames_lost=7,
        lost_share=0.0123,
    )
    status = to_status('node: segmentation', health, before)
    assert (status.name, status.hardware_id) == ('node: segmentation', '/image')
    assert {entry.key: entry.value for entry in status.values} == {
        'state': 'active',
        'model': 'net',
        'backend': 'cpu',
        'runtime': 'serving: cpu; building gpu 43 %',
        'runtime_agreement': '',
        'passed_over': 'one: it is missing; two: it failed',
        'topic': '/image',
        'rate_in_hz': '15.0',
        'rate_out_hz': '10.0',
        'latency_p50_ms': '12.3',
        'latency_p99_ms': '56.8',
        'frames_in': '40',
        'frames_out': '28',
        'dropped_busy': '9',
        'dropped_stale': '2',
        'dropped_bad': '1',
        'frames_lost': '7',
        'lost_share': '0.0123',
        'input_age_s': '0.10',
        'unusable': '',
        'last_error': 'what',
    }


def test_the_agreement_of_a_checked_runtime_is_told() -> None:
    health = replace(ACTIVE, runtime=Status('gpu', agreement=0.99987))
    values = {entry.key: entry.value for entry in to_status('node', health, ACTIVE).values}
    assert (values['runtime'], values['runtime_agreement']) == ('serving: gpu', '0.9999')
