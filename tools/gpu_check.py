"""All that can be checked on a machine with a GPU: tests, agreement, speed, memory errors.

    python3 -m tools.gpu_check --output results

It needs no network and installs nothing: it takes what is there and says what it skipped, and why.
Python 3.10 or newer, numpy, OpenCV, PyYAML, tqdm and ONNX Runtime must be there; the networks are
made on the spot, so torch and onnx as well for R18 and R50. What is missing can be brought as
wheels, in parts where only small files can be sent: `python3 -m tools.wheel_parts`.

Ends with 0 when every check passed, 1 when one failed, 2 when none failed but some were skipped.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tools.gpu_machine import ROOT, SkippedError, environment, missing, missing_gpu, need

SIZES = {'512x1024': (1024, 512), '1024x2048': (2048, 1024)}
NETWORKS = ('r18', 'r50', 'lite0')
GPU_BACKENDS = ('onnxruntime_cuda', 'tensorrt', 'tensorrt_rtx')
MIN_AGREEMENT = {'fp32': 0.9999, 'fp16': 0.995}
MIN_SPEED_UP, MAX_OVER_RUNNER = 2.0, 1.3

PASS, FAIL, SKIP = 'PASS', 'FAIL', 'SKIP'


@dataclass(frozen=True)
class Line:
    """A line of the summary."""

    verdict: str
    check: str
    found: str


class Check:
    """The checks, their summary, and the folder they work in."""

    def __init__(self, output: Path, runs: int, seconds: float) -> None:
        self.output = output
        self.lines: list[Line] = []
        self.seconds: dict[str, float] = {}
        self._rounds = ['--runs', str(runs), '--seconds', str(seconds)]
        output.mkdir(parents=True, exist_ok=True)
        (output / 'models').mkdir(exist_ok=True)

    def tests(self) -> None:
        """Run the tests of the runners: contract, agreement, memory, graphs, streams."""
        need('pytest')
        # These fetch TensorRT's bindings and need no GPU.
        options = ['--ignore', 'test/inference/tensorrt/test_bindings.py']
        answer = self._pytest('tests', *options)
        counts = re.search(r'^.*\d+ passed.*$', answer.stdout, re.MULTILINE)
        found = counts[0].strip('= ') if counts else f'exit status {answer.returncode}'
        self._judge(answer.returncode == 0, 'tests of all runners', found)

    def gpu_tests(self) -> None:
        """See that the tests that need a GPU were among them."""
        wanted = {'onnxruntime_cuda': 'TestOnnxRuntimeCuda', 'tensorrt': 'TestTensorRt'}
        for backend, name in wanted.items():
            if reason := missing(backend):
                self._add(SKIP, f'runner contract on the GPU, {backend}', reason)
                continue
            answer = self._pytest(f'contract_{backend}', '-k', name)
            passed = re.search(r'(\d+) passed', answer.stdout)
            good = answer.returncode == 0 and bool(passed)
            found = passed[0] if passed else 'none ran'
            self._judge(good, f'runner contract on the GPU, {backend}', found)
        if reason := missing_gpu():
            raise SkippedError(reason)
        need('cuda.bindings.runtime')
        answer = self._pytest('device', '-k', 'test_device')
        self._judge(answer.returncode == 0, 'CUDA memory, streams and graphs', _last(answer.stdout))

    def agreement(self) -> None:
        """Compare labels with the CPU's, with the weights that are bundled."""
        present = self._present()
        models = [self._bundled(precision) for precision in MIN_AGREEMENT]
        report = self._benchmark('model', [*models, '--backends', *present], 'agreement')
        for title, result in report['results'].items():
            least = MIN_AGREEMENT[result['precision']]
            for backend, of in result['runtimes'].items():
                self._judge(
                    of['agreement'] >= least,
                    f'labels of {title}, {backend}: as the CPU on {100 * least:g} % or more',
                    f'{100 * of["agreement"]:.4f} %',
                )
            self._absent(result['absent'], title)

    def models(self) -> None:
        """Measure the bundled model and PSPNets of three backbones in batches of 1 to 6."""
        present = self._present()
        pairs = [[self._bundled(precision) for precision in MIN_AGREEMENT]]
        pairs += [
            [self._pspnet(name, size, precision) for precision in MIN_AGREEMENT]
            for size in SIZES
            for name in NETWORKS
        ]
        for pair in pairs:
            report = self._benchmark(
                'model',
                [*pair, '--backends', *present, '--batch', '1,2,4,6', '--frames', '2'],
                f'model_{pair[0].stem}',
            )
            for title, result in report['results'].items():
                found = '; '.join(
                    f'{name} {of["p50_ms"]["median"]:.2f} ms, {of["images_per_s"]["median"]:.0f} '
                    f'images/s, same labels {100 * of["agreement"]:.3f} %'
                    for name, of in result['runtimes'].items()
                )
                self._judge(bool(result['runtimes']), f'measured {title}', found or 'nothing ran')
                self._absent(result['absent'], title)

    def path(self) -> None:
        """Measure the whole path beside torch eager with the same work before and after."""
        need('torch')
        present = self._present()
        for size in SIZES:
            file = self._pspnet('r50', size, 'fp16')
            chosen = ['--backends', *present, '--published', '--only', *present, 'cuda']
            report = self._benchmark(
                'path',
                ['--model', file, *chosen, '--stages', '--rates', '10,20,30,60'],
                f'path_{file.stem}',
            )
            self.judge_path(report['results'], size)

    def judge_path(self, results: dict[str, Any], size: str) -> None:
        """Judge the paths of R50 in FP16 at a size, by `benchmark path`."""
        own = {name: of for name, of in results.items() if name.startswith('seg_perception')}
        best = min(own, key=lambda name: float(own[name]['frame_ms']['median']), default=None)
        plain = next((name for name in results if 'FP16' in name and 'published' in name), None)
        if best is None or plain is None:
            raise SkippedError(
                f'{size}: this path or torch eager FP16 did not run: {list(results)}'
            )
        faster = results[plain]['frame_ms']['median'] / results[best]['frame_ms']['median']
        check = f'R50 {size} FP16, {best} beside {plain}'
        if size == '512x1024':
            self._judge(faster >= MIN_SPEED_UP, f'{check}: {MIN_SPEED_UP:g}x', f'{faster:.2f}x')
        else:
            self._add(PASS, f'{check}: measured', f'{faster:.2f}x')
        over = results[best]['over_runner']
        self._judge(
            over <= MAX_OVER_RUNNER,
            f'R50 {size} FP16, {best}: whole path over runner, {MAX_OVER_RUNNER:g}x or less',
            f'{over:.2f}x',
        )

    def sanitizer(self) -> None:
        """Look for memory errors in a short run."""
        if reason := missing_gpu():
            raise SkippedError(reason)
        program = shutil.which('compute-sanitizer') or '/usr/local/cuda/bin/compute-sanitizer'
        if not Path(program).exists():
            raise SkippedError('compute-sanitizer is not there')
        tests = [
            'test/inference/tensorrt/test_device.py',
            'test/inference/test_onnxruntime_cuda.py',
        ]
        options = ['--tool', 'memcheck', '--target-processes', 'all', '--error-exitcode', '99']
        pytest = [sys.executable, '-m', 'pytest', '-q', '-k', 'uploaded or (Cuda and color)']
        answer = self._run('sanitizer', [program, *options, *pytest, *tests])
        errors = re.findall(r'ERROR SUMMARY: (\d+)', answer.stdout)
        found = f'{sum(map(int, errors))} errors' if errors else f'status {answer.returncode}'
        self._judge(answer.returncode == 0, 'compute-sanitizer memcheck', found)

    def rtx(self) -> None:
        """Try TensorRT for RTX, which may refuse this GPU."""
        if reason := missing('tensorrt_rtx'):
            raise SkippedError(reason)
        report = self._benchmark(
            'model', [self._bundled('fp32'), '--backends', 'tensorrt_rtx', '--quick'], 'rtx'
        )
        (result,) = report['results'].values()
        found = json.dumps(result['absent']) if result['absent'] else 'ran'
        self._judge(not result['absent'], 'TensorRT for RTX builds and runs', found)

    def run(self, names: Sequence[str]) -> int:
        """Make the checks; returns the exit status."""
        for name in tqdm(names, desc='gpu check', unit='check'):
            check: Callable[[], None] = getattr(self, name)
            began = time.monotonic()
            try:
                check()
            except SkippedError as reason:
                self._add(SKIP, name, str(reason))
            except (OSError, subprocess.SubprocessError, ValueError, RuntimeError) as error:
                self._add(FAIL, name, f'{type(error).__name__}: {error}')
            self.seconds[name] = round(time.monotonic() - began, 1)
            self._write()
        verdicts = {line.verdict for line in self.lines}
        return 1 if FAIL in verdicts else 2 if SKIP in verdicts else 0

    def _present(self) -> list[str]:
        reasons = {backend: missing(backend) for backend in GPU_BACKENDS}
        present = [backend for backend, reason in reasons.items() if not reason]
        if not present:
            raise SkippedError('; '.join(f'{name}: {reason}' for name, reason in reasons.items()))
        return present

    def _bundled(self, precision: str) -> Path:
        from seg_perception.resources import bundled_model

        if precision == 'fp32':
            return bundled_model()
        return self._half(bundled_model())

    def _pspnet(self, name: str, size: str, precision: str) -> Path:
        """Return a PSPNet of stride 8 with seeded random weights: as fast as a trained one."""
        for module in ('torch', 'onnx'):
            need(module)
        path = self.output / 'models' / f'{name}_{size}.onnx'
        if not path.exists():
            from tools.gpu_models import write_pspnet

            write_pspnet(path, f'pspnet_{name}_d8', SIZES[size])
        return path if precision == 'fp32' else self._half(path)

    def _half(self, model: Path) -> Path:
        need('onnx')
        path = self.output / 'models' / f'{model.stem}_fp16.onnx'
        if not path.exists():
            from tools.gpu_models import write_half

            write_half(model, path)
        return path

    def _benchmark(self, kind: str, arguments: Sequence[str | Path], name: str) -> dict[str, Any]:
        folder = self.output / name
        command = [sys.executable, '-m', 'seg_perception', 'benchmark', kind, *map(str, arguments)]
        answer = self._run(name, [*command, *self._rounds, '--output', str(folder)])
        if answer.returncode:
            raise RuntimeError(_last(answer.stdout))
        report: dict[str, Any] = json.loads((folder / f'{kind}.json').read_text())
        return report

    def _pytest(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self._run(name, [sys.executable, '-m', 'pytest', '-q', 'test/inference', *options])

    def _run(self, name: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        (self.output / f'{name}.log').write_text(answer.stdout)
        return answer

    def _absent(self, reasons: dict[str, str], title: str) -> None:
        for backend, reason in reasons.items():
            self._add(FAIL, f'{backend}, {title}', reason)

    def _judge(self, good: bool, check: str, found: str) -> None:
        self._add(PASS if good else FAIL, check, found)

    def _add(self, verdict: str, check: str, found: str) -> None:
        self.lines.append(Line(verdict, check, found))
        tqdm.write(f'{verdict}  {check}: {found}')

    def _write(self) -> None:
        from seg_perception.benchmark.machine import describe_machine

        content = {
            'machine': describe_machine(),
            'lines': [asdict(line) for line in self.lines],
            'seconds': self.seconds,
        }
        (self.output / 'gpu_check.json').write_text(json.dumps(content, indent=2) + '\n')
        summary = [f'{line.verdict}  {line.check}: {line.found}' for line in self.lines]
        (self.output / 'gpu_check.txt').write_text('\n'.join(summary) + '\n')


CHECKS = ('tests', 'gpu_tests', 'agreement', 'models', 'path', 'sanitizer', 'rtx')


def _last(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip('= ') if lines else 'no output'


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python3 -m tools.gpu_check', description="Check and measure this machine's GPU."
    )
    parser.add_argument('--output', type=Path, default=Path('gpu_check'), help='(gpu_check)')
    parser.add_argument('--checks', nargs='+', choices=CHECKS, default=CHECKS, help='(all)')
    parser.add_argument('--runs', type=int, default=3, help='of each measurement (3)')
    parser.add_argument('--seconds', type=float, default=1.0, help='of each turn (1)')
    options = parser.parse_args(argv)
    # Imports of this process must find what its children find.
    sys.path.insert(0, str(ROOT))
    check = Check(options.output.resolve(), options.runs, options.seconds)
    status = check.run(options.checks)
    meaning = {0: 'all passed', 1: 'some failed', 2: 'none failed, some were skipped'}
    print(f'{meaning[status]}; see {check.output / "gpu_check.json"}')
    return status


if __name__ == '__main__':
    sys.exit(main())
