"""Runners: each executes one contract model on one runtime."""

from seg_perception.inference.base import ModelError, Runner, RunnerError
from seg_perception.inference.choice import create_runner

__all__ = ['ModelError', 'Runner', 'RunnerError', 'create_runner']
