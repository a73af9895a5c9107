from __future__ import annotations

import pytest

from seg_perception.benchmark.live import Load
from seg_perception.benchmark.transport import Outcome, environments, transport_report

MALLOC = {'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'}


@pytest.mark.parametrize(
    ('distro', 'profile'),
    [('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE'), ('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE')],
)
def test_the_settings_differ_in_what_they_are_about(
    monkeypatch: pytest.MonkeyPatch, distro: str, profile: str
) -> None:
    monkeypatch.setenv('ROS_DISTRO', distro)
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'UDPv4')
    settings = environments()
    plain = settings.pop('defaults')
    assert not {profile, 'FASTDDS_BUILTIN_TRANSPORTS', *MALLOC} & plain.keys()
    assert plain['ROS_DOMAIN_ID']
    added = {name: environment.keys() - plain.keys() for name, environment in settings.items()}
    assert added == {
        'FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA': {'FASTDDS_BUILTIN_TRANSPORTS'},
        'profile': {profile},
        'profile and malloc': {profile, *MALLOC},
    }


def test_the_report_tells_what_arrived() -> None:
    machine = {'cpu': 'a CPU', 'cores': 2, 'memory_gib': 4, 'gpu': 'none', 'load_average': [0.1]}
    outcomes = {'best effort': Outcome(120, 0, None), 'reliable': Outcome(121, 121, 9.87)}
    report = transport_report({'defaults': outcomes}, Load(), 4.0, machine, 'benchmark transport')
    row = report.text().splitlines()[-1]
    assert row.split() == ['defaults', '0', 'of', '120', '–', '121', 'of', '121', '9.9']
