"""Make the environment the package is built and run in, and build it: called by the Makefile.

Where a ROS 2 environment is sourced, it is used as it is. Elsewhere `.venv` gets ROS 2 from pinned
wheels. Either way colcon builds the package into `install/`, and `env.sh` brings all of it into a
shell. What is done stays done: a later call does nothing until a file it depends on has changed.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.env_script import Variables, ros_script, venv_script, venv_variables
from tools.progress import CommandError, run

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
VENV_PYTHON = VENV / 'bin' / 'python3'
# Not the Python of `.venv`, which may well be the one that runs this.
BASE_PYTHON = Path(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info))
THIS_PYTHON = f'{sys.base_prefix} {sys.version}'
VENV_STATE = VENV / 'state.json'
BUILD_STATE = ROOT / 'build' / 'state.json'
LOG = ROOT / 'log' / 'set_up.log'

RUNTIME_MODULES = ('numpy', 'cv2', 'onnxruntime', 'yaml', 'tqdm', 'PIL')
TEST_MODULES = ('pytest', 'pytest_timeout', 'onnx', 'ruff', 'mypy')


class SetUpError(Exception):
    """The environment cannot be made; the message says what is missing and how to mend it."""


def main() -> int:
    """Install what was asked for, write `env.sh` and, if asked, build. Return an exit status."""
    parser = argparse.ArgumentParser(description='Set up and build the package.')
    parser.add_argument('goal', choices=('install', 'build'))
    parser.add_argument(
        '--extra', nargs='*', default=[], choices=('test', 'train', 'tensorrt-check')
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either ends the command that runs
    try:
        with one_at_a_time():
            if ros_is_sourced():
                check_modules(RUNTIME_MODULES + (TEST_MODULES if arguments.extra else ()))
                ros, variables = sourced_environment(), None
                write_if_new(ROOT / 'env.sh', ros_script(ROOT, ros['ros']))
            else:
                check_machine()
                ros = install(('runtime', *arguments.extra))
                variables = venv_variables(ROOT, VENV, ros['ros'])
                write_if_new(ROOT / 'env.sh', venv_script(variables))
            if arguments.goal == 'build':
                build(ros, variables)
    except (SetUpError, CommandError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second `make` in this folder wait for the first."""
    with (ROOT / '.setup.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('waiting for another make in this folder', flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ros_is_sourced() -> bool:
    """Tell whether this shell has a ROS 2 environment other than the one of our own `env.sh`."""
    sourced = os.environ.get('ROS_DISTRO') or os.environ.get('AMENT_PREFIX_PATH')
    return bool(sourced) and 'SEG_PERCEPTION_VENV' not in os.environ


def check_modules(names: Iterable[str]) -> None:
    """Raise SetUpError when the sourced ROS 2 environment lacks a Python module."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise SetUpError(
            f'{sys.executable} of the sourced ROS 2 environment lacks {", ".join(missing)}. '
            'Mend: rosdep install --from-paths . --ignore-src, or pip with requirements/*.txt'
        )


def sourced_environment() -> dict[str, str]:
    """Return what the sourced ROS 2 environment is made of, without this very build."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return {
        'folder': str(ROOT),
        'python': THIS_PYTHON,
        'ros': os.environ.get('ROS_DISTRO', ''),
        'prefixes': os.pathsep.join(p for p in prefixes if not Path(p).is_relative_to(ROOT)),
    }


def check_machine() -> None:
    """Raise SetUpError where ROS 2 from wheels cannot work."""
    machine = f'{platform.system()} {platform.machine()}'
    if machine != 'Linux x86_64':
        raise SetUpError(
            f'ROS 2 wheels exist for Linux x86_64 only, this is {machine}. '
            'Mend: install ROS 2 and source its setup.bash, then run make again'
        )
    missing = [tool for tool in ('cmake', 'gcc', 'g++', 'make') if shutil.which(tool) is None]
    if missing:
        raise SetUpError(f'{", ".join(missing)} not found. Mend: apt install cmake g++ make')


def install(groups: Iterable[str]) -> dict[str, str]:
    """Bring `.venv` up to date with the requirement files of ROS 2 and of the groups.

    It is made anew when it is not whole, or not of the Python or the ROS 2 that the user names by
    the variables PYTHON and ROS_WHEELS. Not whole is what has no state file: pip was interrupted.

    :returns: what `.venv` is made of.
    """
    state = read_state(VENV_STATE)
    base = state.get('base', {})
    wheels = os.environ.get('ROS_WHEELS') or base.get('ros') or 'jazzy'
    python_fits = base.get('python') == THIS_PYTHON or not os.environ.get('PYTHON')
    in_place = base.get('folder') == str(ROOT) and VENV_PYTHON.exists()
    if not (in_place and python_fits and base.get('ros') == wheels):
        state, base = {}, {'folder': str(ROOT), 'python': THIS_PYTHON, 'ros': wheels}
        create_venv(wheels)
    files = [ROOT / 'requirements' / f'{name}.txt' for name in (f'ros-{wheels}', *groups)]
    wanted = {file.name: digest([file]) for file in files}
    done = state.get('files', {})
    if all(done.get(name) == value for name, value in wanted.items()):
        return base
    new = [file for file in files if done.get(file.name) != wanted[file.name]]
    VENV_STATE.unlink(missing_ok=True)
    pip = [str(VENV_PYTHON), '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check']
    # All files at once, so that pip sees every pin; it skips what is there.
    pins = [argument for file in files for argument in ('-r', str(file))]
    run([*pip, *pins], f'installing {", ".join(f.stem for f in new)} into .venv', log=LOG, cwd=ROOT)
    mend_cmake_paths()
    write_state(VENV_STATE, {'base': base, 'files': {**done, **wanted}})
    return base


def create_venv(wheels: str) -> None:
    """Make an empty `.venv` of the Python this runs in, in the place of an older one."""
    known = sorted(p.stem[len('ros-') :] for p in (ROOT / 'requirements').glob('ros-*.txt'))
    if wheels not in known:
        raise SetUpError(f'ROS_WHEELS is one of {", ".join(known)}, got {wheels!r}')
    if not (3, 10) <= sys.version_info < (3, 14):
        raise SetUpError(
            f'Python 3.10 to 3.13 is needed, {sys.executable} is {platform.python_version()}. '
            'Mend: name one, e.g. make PYTHON=python3.12'
        )
    if importlib.util.find_spec('ensurepip') is None:
        raise SetUpError(
            f'{BASE_PYTHON} cannot make virtual environments. '
            'Mend: apt install python3-venv, or name another Python: make PYTHON=…'
        )
    if VENV.exists():
        shutil.rmtree(VENV)
    label = f'creating .venv with Python {platform.python_version()}'
    run([BASE_PYTHON, '-m', 'venv', VENV], label, log=LOG, cwd=ROOT)


def mend_cmake_paths() -> None:
    """Put this Python's header folders where the wheels' CMake files name their builder's."""
    query = (
        'import json, numpy, sys, sysconfig; '
        'print(json.dumps([sysconfig.get_path("include"), numpy.get_include(), sys.version_info]))'
    )
    answer = subprocess.run([VENV_PYTHON, '-c', query], capture_output=True, text=True, check=True)
    include, numpy_include, version = json.loads(answer.stdout)
    builder = f'/opt/python/cp{version[0]}{version[1]}-cp{version[0]}{version[1]}'
    python = f'python{version[0]}.{version[1]}'
    for file in (VENV / 'share').glob('*/cmake/*.cmake'):
        text = file.read_text()
        mended = text.replace(
            f'{builder}/lib/{python}/site-packages/numpy/_core/include', numpy_include
        ).replace(f'{builder}/include/{python}', include)
        if mended != text:
            file.write_text(mended)


def build(environment: Mapping[str, str], variables: Variables | None) -> None:
    """Run colcon unless the last build was of the same sources in the same environment.

    :param environment: what decides whether an older build is of use.
    :param variables: what `.venv` needs; None where a ROS 2 environment is sourced.
    """
    state = {'environment': dict(environment), 'sources': sources_digest()}
    before = read_state(BUILD_STATE)
    if before == state and (ROOT / 'install' / 'local_setup.sh').exists():
        return
    BUILD_STATE.unlink(missing_ok=True)
    if before.get('environment') != environment:
        for folder in ('build', 'install'):
            shutil.rmtree(ROOT / folder, ignore_errors=True)
    command = ['colcon', '--log-base', 'log', 'build', '--paths', '.', '--symlink-install']
    command += ['--event-handlers', 'console_direct+', '--cmake-args', '-DCMAKE_BUILD_TYPE=Release']
    shell = dict(os.environ)
    if variables:
        command += [f'-DPython3_EXECUTABLE={VENV_PYTHON}']
        shell = variables.applied(shell)
    run(command, 'building the package with colcon', log=LOG, cwd=ROOT, environment=shell)
    write_state(BUILD_STATE, state)


def sources_digest() -> str:
    """Digest all that a build depends on.

    Python, configuration and launch files are installed as links: of them only the names count.
    """
    read = [ROOT / 'CMakeLists.txt', ROOT / 'package.xml', *sorted((ROOT / 'msg').iterdir())]
    read += sorted((ROOT / 'tools').glob('*.in'))
    linked = [
        path.relative_to(ROOT)
        for folder in ('seg_perception', 'config', 'launch')
        for path in (ROOT / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    ]
    return digest(read, extra='\n'.join(sorted(map(str, linked))))


def digest(files: Iterable[Path], extra: str = '') -> str:
    """Return the SHA-256 of the files' names and contents and of an extra text."""
    value = hashlib.sha256(extra.encode())
    for file in files:
        value.update(file.name.encode() + b'\0' + file.read_bytes() + b'\0')
    return value.hexdigest()


def read_state(file: Path) -> dict[str, dict[str, str]]:
    """Return what `write_state` wrote, or nothing where it is missing or damaged."""
    try:
        state = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(file: Path, state: Mapping[str, object]) -> None:
    """Write the state in one step, so that it is never read half."""
    write_if_new(file, json.dumps(state, indent=2))


def write_if_new(file: Path, text: str) -> None:
    """Write the text in one step, and only when it differs from what is there."""
    if file.exists() and file.read_text() == text:
        return
    half = file.with_name(file.name + '.new')
    half.write_text(text)
    half.replace(file)


if __name__ == '__main__':
    sys.exit(main())
