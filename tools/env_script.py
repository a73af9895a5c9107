"""The text of `env.sh`: what a shell needs to use the built package. For bash, zsh and sh."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seg_perception.large_images import large_image_environment

PACKAGE = 'seg_perception'
HEAD = '# Made by `make build`, do not edit. Use: source env.sh (bash, zsh) or . ./env.sh (sh)\n'
PREPEND = """\
_seg_perception_prepend() {  # name, value: in front of what the variable holds, once
    eval "_seg_perception_old=\\${$1:-}"
    case ":$_seg_perception_old:" in
        *":$2:"*) ;;
        *) export "$1=$2${_seg_perception_old:+:$_seg_perception_old}" ;;
    esac
}
"""


@dataclass(frozen=True)
class Variables:
    """Environment variables by how they are set."""

    prepended: Mapping[str, str]
    fixed: Mapping[str, str]
    defaults: Mapping[str, str]
    """Set only where the user has not set them."""

    def applied(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment with these variables set."""
        old = {name: environment.get(name, '') for name in self.prepended}
        prepended = {
            name: value + (os.pathsep + old[name] if old[name] else '')
            for name, value in self.prepended.items()
        }
        return {**self.defaults, **environment, **self.fixed, **prepended}


def venv_variables(root: Path, venv: Path, ros: str) -> Variables:
    """Return the variables that make the ROS 2 wheels in `venv` and the built package work."""
    (site_packages,) = venv.glob('lib/python3.*/site-packages')
    built = root / 'install' / PACKAGE
    libraries = [built / 'lib', venv / 'lib', *sorted(site_packages.glob('ros_*.libs'))]
    prefixes = f'{built}:{venv}'
    return Variables(
        prepended={
            'PATH': str(venv / 'bin'),
            'PYTHONPATH': str(built / site_packages.relative_to(venv)),
            'LD_LIBRARY_PATH': ':'.join(map(str, libraries)),
            'AMENT_PREFIX_PATH': prefixes,
            'CMAKE_PREFIX_PATH': prefixes,
        },
        fixed={
            'VIRTUAL_ENV': str(venv),
            'SEG_PERCEPTION_VENV': str(venv),
            'ROS_DISTRO': ros,
            'ROS_VERSION': '2',
            'ROS_PYTHON_VERSION': '3',
            # The paths above are set: without this the wheels start every Python twice to set them.
            '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1',
        },
        defaults={
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            **large_image_environment({'ROS_DISTRO': ros}),
        },
    )


def venv_script(variables: Variables) -> str:
    """Return the script for a machine without a ROS 2 installation."""
    lines = [
        f'_seg_perception_prepend {name} {shlex.quote(value)}'
        for name, value in variables.prepended.items()
    ]
    lines += ['unset -f _seg_perception_prepend', 'unset _seg_perception_old', 'unset PYTHONHOME']
    lines += [f'export {name}={shlex.quote(value)}' for name, value in variables.fixed.items()]
    return HEAD + PREPEND + '\n'.join([*lines, *default_lines(variables.defaults)]) + '\n'


def ros_script(root: Path, ros: str) -> str:
    """Return the script for a machine with ROS 2: its workspace, settings for large images."""
    install = shlex.quote(str(root / 'install'))
    lines = [
        f'if [ ! -e {install}/setup.sh ]; then :  # not built yet',
        f'elif [ -n "${{ZSH_VERSION:-}}" ]; then . {install}/setup.zsh',
        f'elif [ -n "${{BASH_VERSION:-}}" ]; then . {install}/setup.bash',
        f'else COLCON_CURRENT_PREFIX={install} . {install}/setup.sh; fi',
    ]
    lines += default_lines(large_image_environment({'ROS_DISTRO': ros}))
    return HEAD + '\n'.join(lines) + '\n'


def default_lines(defaults: Mapping[str, str]) -> list[str]:
    """Return a line for each variable that leaves a value of the user's in place."""
    return [f'export {name}="${{{name}:-{value}}}"' for name, value in defaults.items()]
