"""The scripts behind the Makefile: what they print, and what env.sh does to a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.env_script import Variables, venv_script
from tools.environment import BASE_PYTHON
from tools.progress import CommandError, run

VARIABLES = Variables(
    prepended={'PATH': '/built/bin', 'UNSET_BEFORE': '/one:/two', 'SET_BEFORE': '/new'},
    fixed={'FIXED': "it's fixed"},
    defaults={'CHOSEN': 'default', 'NOT_CHOSEN': 'default'},
)
BEFORE = {'PATH': '/usr/bin:/bin', 'SET_BEFORE': '/old', 'FIXED': 'other', 'CHOSEN': 'by the user'}


@pytest.mark.parametrize('shell', ['sh', 'bash', 'zsh'])
@pytest.mark.parametrize('times', [1, 2])
def test_env_script_sets_the_variables(shell: str, times: int, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f'{shell} is not installed')
    script = tmp_path / 'env.sh'
    script.write_text(venv_script(VARIABLES))
    answer = subprocess.run(
        [shell, '-c', 'set -eu; ' + f'. {script}; ' * times + 'env'],
        env=BEFORE,
        capture_output=True,
        text=True,
        check=True,
    )
    after = dict(line.split('=', 1) for line in answer.stdout.splitlines())
    wanted = {
        'PATH': '/built/bin:/usr/bin:/bin',
        'UNSET_BEFORE': '/one:/two',
        'SET_BEFORE': '/new:/old',
        'FIXED': "it's fixed",
        'CHOSEN': 'by the user',
        'NOT_CHOSEN': 'default',
    }
    assert {name: after[name] for name in wanted} == wanted
    assert VARIABLES.applied(BEFORE) == wanted


def test_a_command_is_one_line_on_the_screen_and_all_of_it_in_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / 'log' / 'all.log'
    run([sys.executable, '-c', 'print("much\\n" * 99)'], 'working', log=log, cwd=tmp_path)
    assert re.fullmatch(r'working …\nworking: done in \d+ s\n', capfd.readouterr().out)
    assert log.read_text().splitlines().count('much') == 99


def test_a_failing_command_shows_the_end_of_its_output(tmp_path: Path) -> None:
    script = 'import sys; print("first\\n" * 99); sys.exit("the reason")'
    with pytest.raises(CommandError, match=r'working failed after \d+ s:\n(first\n)+\nthe reason'):
        run([sys.executable, '-c', script], 'working', log=tmp_path / 'log', cwd=tmp_path)


def test_a_missing_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match='working: no-such-program not found'):
        run(['no-such-program'], 'working', log=tmp_path / 'log', cwd=tmp_path)


def test_the_base_python_is_not_that_of_a_virtual_environment() -> None:
    script = 'import sys; print(sys.prefix == sys.base_prefix, *sys.version_info[:3])'
    answer = subprocess.run([BASE_PYTHON, '-c', script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ['True', *map(str, sys.version_info[:3])]
