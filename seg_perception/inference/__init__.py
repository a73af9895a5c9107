"""Runners: each executes one contract model on one runtime."""
