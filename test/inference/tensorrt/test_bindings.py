"""Our use of TensorRT's and CUDA's Python API, held to the real bindings of many versions.

The bindings are compiled classes that need no GPU. TensorRT's libraries, which they load, are
stood in for by empty functions of the same names: nothing of them is called.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from seg_perception.inference import tensorrt
from test.inference.tensorrt.api_use import uses_of

ROOT = Path(__file__).parents[3]
SOURCES = sorted(Path(tensorrt.__file__).parent.glob('*.py'))
CLASSES = {
    'builder': 'Builder',
    'complaint': 'ParserError',
    'config': 'IBuilderConfig',
    'context': 'IExecutionContext',
    'engine': 'ICudaEngine',
    'layer': 'ILayer',
    'network': 'INetworkDefinition',
    'parser': 'OnnxParser',
    'profile': 'IOptimizationProfile',
    'runtime': 'Runtime',
    'timings': 'ITimingCache',
}
STUBS = (
    'createInferBuilder_INTERNAL',
    'createInferRefitter_INTERNAL',
    'createInferRuntime_INTERNAL',
    'createNvOnnxParserRefitter_INTERNAL',
    'createNvOnnxParser_INTERNAL',
    'getBuilderPluginRegistry',
    'getNvOnnxParserVersion',
    'getPluginRegistry',
    'initLibNvInferPlugins',
    # Of the parsers that went with 8.
    '_ZN11nvuffparser15createUffParserEv',
    '_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi',
    '_ZN14nvcaffeparser117createCaffeParserEv',
    '_ZN14nvcaffeparser123shutdownProtobufLibraryEv',
)
LIBRARIES = ('nvinfer', 'nvinfer_plugin', 'nvonnxparser', 'nvparsers')

# Reached only where `flavour.is_rtx`, or where there is an IProgressMonitor.
RTX_ONLY = [
    'ComputeCapability.__members__.items',
    'IBuilderConfig.num_compute_capabilities',
    'IBuilderConfig.set_compute_capability',
]
BEFORE_10 = sorted([*RTX_ONLY, 'IBuilderConfig.progress_monitor'])
BOTH, EXPLICIT, STRONG = (
    ['EXPLICIT_BATCH', 'STRONGLY_TYPED'],
    ['EXPLICIT_BATCH'],
    ['STRONGLY_TYPED'],
)
TOLD = [[0.0, 'outer'], [0.5, 'outer'], [1.0, 'outer']]

VERSIONS = {
    'tensorrt-bindings==8.6.1': (BEFORE_10, EXPLICIT, ['FP16', 'INT8'], None),
    'tensorrt-cu12-bindings==10.0.1': (RTX_ONLY, BOTH, [], TOLD),
    'tensorrt-cu12-bindings==10.3.0': (RTX_ONLY, BOTH, [], TOLD),
    'tensorrt-cu12-bindings==10.13.3.9': (RTX_ONLY, BOTH, [], TOLD),
    'tensorrt-cu12-bindings==10.16.1.11': (RTX_ONLY, BOTH, [], TOLD),
    'tensorrt-cu13-bindings==11.0.0.114': (RTX_ONLY, STRONG, [], TOLD),
    'tensorrt-cu13-bindings==11.4.0.106': (RTX_ONLY, STRONG, [], TOLD),
}
CUDA_VERSIONS = ('cuda-python==11.8.3', 'cuda-bindings==12.9.4', 'cuda-bindings==13.0.3')


def unpacked(requirement: str, config: pytest.Config) -> Path:
    """Return a folder with a package from the registry, kept for later runs; skip without."""
    cache = config.cache
    assert cache is not None
    python = 'cp{}{}'.format(*sys.version_info)
    folder = Path(cache.mkdir('bindings')) / python / requirement
    if not folder.is_dir():
        draft = folder.with_name(f'{folder.name}.part')
        shutil.rmtree(draft, ignore_errors=True)
        command = [sys.executable, '-m', 'pip', 'download', '--no-input', '--no-deps']
        command += ['--only-binary', ':all:', '--dest', str(draft / 'wheel'), requirement]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if answer.returncode:
            reason = answer.stderr.strip().splitlines()[-1]
            pytest.skip(f'{requirement} cannot be had for this Python: {reason}')
        for wheel in (draft / 'wheel').iterdir():
            zipfile.ZipFile(wheel).extractall(draft)
        draft.rename(folder)
    return folder


@pytest.fixture(scope='session')
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a folder of empty libraries for each major version."""
    if shutil.which('gcc') is None:
        pytest.skip('gcc is not installed')
    folder = tmp_path_factory.mktemp('stubs')
    source = folder / 'stub.c'
    source.write_text(''.join(f'void *{name}(void) {{ return 0; }}\n' for name in STUBS))
    for major in ('8', '10', '11'):
        (folder / major).mkdir()
        for library in LIBRARIES:
            file = folder / major / f'lib{library}.so.{major}'
            subprocess.run(
                ['gcc', '-shared', '-fPIC', f'-Wl,-soname,{file.name}', '-o', file, source],
                check=True,
            )
    return folder


def probe(module: str, uses: Any, **variables: str) -> Any:
    answer = subprocess.run(
        [sys.executable, '-m', 'test.inference.tensorrt.bindings_probe', module],
        cwd=ROOT,
        input=json.dumps(uses),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def used() -> list[Any]:
    return [use for file in SOURCES for use in uses_of(file, 'trt', CLASSES)]


def test_the_uses_are_found() -> None:
    names = {use.name for use in used()}
    assert names >= {
        'BuilderFlag.TF32',
        'IBuilderConfig.set_timing_cache',
        'ICudaEngine.get_tensor_profile_shape',
        'IExecutionContext.execute_async_v3',
        'OnnxParser.parse',
        'ITimingCache.serialize',
        'Runtime.deserialize_cuda_engine',
    }
    assert len(names) > 40


@pytest.mark.parametrize('requirement', VERSIONS)
def test_what_we_use_is_there_or_guarded(
    requirement: str, stubs: Path, pytestconfig: pytest.Config
) -> None:
    folder = unpacked(requirement, pytestconfig)
    version = requirement.partition('==')[2]
    missing, flags, types, told = VERSIONS[requirement]
    found = probe(
        'tensorrt_bindings',
        used(),
        PYTHONPATH=str(folder),
        LD_LIBRARY_PATH=str(stubs / version.partition('.')[0]),
    )
    assert found == {
        'version': version,
        'missing': missing,
        'unfit': [],
        'network': flags,
        'types': types,
        'log': 'told as ERROR',
        'progress': told,
    }


def test_tensorrt_for_rtx_has_all_that_we_use() -> None:
    pytest.importorskip('tensorrt_rtx', reason='TensorRT for RTX is not installed')
    found = probe('tensorrt_rtx', used())
    assert (found['missing'], found['unfit']) == ([], [])
    assert (found['network'], found['types'], found['progress']) == (STRONG, [], TOLD)


def test_what_is_gone_or_called_wrongly_is_found(tmp_path: Path) -> None:
    pytest.importorskip('tensorrt_rtx', reason='TensorRT for RTX is not installed')
    file = tmp_path / 'source.py'
    file.write_text(
        'trt.BuilderFlag.FP16\n'
        'flavour.trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH\n'
        'config.max_workspace_size\n'
        'self._engine.num_bindings\n'
        'context.execute_async_v2(bindings, stream)\n'
        'parser.supports_model(model)\n'
        'builder.build_serialized_network(network)\n'
        'config.set_timing_cache(cache, ignore=True)\n'
        'self._context.execute_async_v3(stream)\n'
    )
    found = probe('tensorrt_rtx', list(uses_of(file, 'trt', CLASSES)))
    assert found['missing'] == [
        'BuilderFlag.FP16',
        'IBuilderConfig.max_workspace_size',
        'ICudaEngine.num_bindings',
        'IExecutionContext.execute_async_v2',
        'NetworkDefinitionCreationFlag.EXPLICIT_BATCH',
        'OnnxParser.supports_model',
    ]
    assert [line.partition(':')[0] for line in found['unfit']] == ['source.py'] * 2
    assert 'build_serialized_network' in found['unfit'][0]
    assert 'set_timing_cache' in found['unfit'][1]


@pytest.mark.parametrize('requirement', CUDA_VERSIONS)
def test_what_we_use_of_cuda_is_there(requirement: str, pytestconfig: pytest.Config) -> None:
    folder = unpacked(requirement, pytestconfig)
    names = [use.name for file in SOURCES for use in uses_of(file, 'cudart', {})]
    assert len(names) > 25
    script = (
        'try:\n'
        '    from cuda.bindings import runtime as cudart\n'
        'except ImportError:\n'
        '    from cuda import cudart\n'
        'from functools import reduce\n'
        'import sys\n'
        'for name in sys.argv[1:]:\n'
        '    reduce(getattr, name.split("."), cudart)\n'
        'print(cudart.__file__)\n'
    )
    answer = subprocess.run(
        [sys.executable, '-c', script, *names],
        env={**os.environ, 'PYTHONPATH': str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(str(folder))
