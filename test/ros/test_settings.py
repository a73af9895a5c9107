"""The settings' table and the file with their defaults."""

from __future__ import annotations

import dataclasses
import re
from array import array
from typing import get_type_hints

import pytest

from seg_perception.resources import config_file
from seg_perception.ros import settings
from seg_perception.ros.parameters import ParameterError
from seg_perception.ros.settings import DEFAULTS_FILE, RULES, Settings, read_defaults


def comments_by_key() -> dict[str, str]:
    """Return the comment above each key of the shipped file, as one line."""
    comments, lines = {}, []
    for line in config_file(DEFAULTS_FILE).read_text().splitlines():
        if match := re.match(r' +# (.*)', line):
            lines.append(match[1])
        elif match := re.match(r' +(\w+): .', line):
            comments[match[1]] = ' '.join(lines)
            lines = []
    return comments


def test_the_table_is_the_fields_of_the_settings() -> None:
    kinds = {name: rule.kind for name, rule in RULES.items()}
    hints = get_type_hints(Settings, vars(settings) | {'Geometry': str})
    assert list(kinds) == [field.name for field in dataclasses.fields(Settings)]
    assert kinds == {**hints, 'geometry': str}


def test_every_default_is_in_the_file_and_explained_as_in_the_table() -> None:
    expected = {
        name: f'{rule.description} {rule.expected[0].upper()}{rule.expected[1:]}. {rule.when}'
        for name, rule in RULES.items()
    }
    assert comments_by_key() == expected
    assert list(read_defaults()) == list(RULES)


@pytest.mark.parametrize(
    ('name', 'value', 'kept'),
    [
        ('max_age', 0, 0.0),
        ('max_age', 3600.0, 3600.0),
        ('jpeg_quality', 1, 1),
        ('transport', 'compressed', 'compressed'),
        ('output_size', '640x360', '640x360'),
        ('region', array('q', [0, 8, 64, 32]), [0, 8, 64, 32]),
        ('cameras', ('front', 'left_1'), ['front', 'left_1']),
        ('cameras', [''], ['']),
        ('cpu_affinity', '0-3,6', '0-3,6'),
        ('cpu_affinity', '', ''),
        ('autostart', False, False),
    ],
)
def test_good_values(name: str, value: object, kept: object) -> None:
    result = RULES[name].check(value)
    assert (result, type(result)) == (kept, type(kept))


@pytest.mark.parametrize(
    ('name', 'value', 'sentence'),
    [
        ('max_age', -0.1, 'must be a number from 0 to 3600, got -0.1 (float)'),
        ('max_age', float('inf'), 'must be a number from 0 to 3600, got inf (float)'),
        ('max_age', True, 'must be a number from 0 to 3600, got True (bool)'),
        ('threads', 1.0, 'must be a whole number from 0 to 256, got 1.0 (float)'),
        ('transport', 'theora', "must be one of auto, raw, compressed, got 'theora' (str)"),
        ('output_size', '0x10', 'must be one of camera, network, or <width>x<height> in pixels'),
        ('region', [0, 0, 64], 'must be 4 whole numbers from 0 to 8192, got [0, 0, 64] (list)'),
        ('region', [0, 0, 64, -1], 'must be 4 whole numbers from 0 to 8192'),
        ('region', [0.0] * 4, 'must be 4 whole numbers from 0 to 8192'),
        ('cameras', ['a/b'], 'must be names of letters, digits and `_`'),
        ('cameras', 'front', 'must be names of letters, digits and `_`'),
        ('cpu_affinity', '0;1', 'must be a list of CPUs such as 0-3,6'),
        ('model', None, 'must be a text, got None (NoneType)'),
        ('autostart', 1, 'must be true or false, got 1 (int)'),
    ],
)
def test_bad_values(name: str, value: object, sentence: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(f'parameter {name} {sentence}')):
        RULES[name].check(value)


def test_sizes_and_regions_as_a_view_takes_them() -> None:
    chosen = Settings(**read_defaults())  # type: ignore[arg-type]
    assert (chosen.output, chosen.region_of_interest) == ('camera', None)
    chosen = dataclasses.replace(chosen, output_size='640x360', region=[0, 8, 64, 32])
    assert (chosen.output, chosen.region_of_interest) == ((640, 360), (0, 8, 64, 32))
