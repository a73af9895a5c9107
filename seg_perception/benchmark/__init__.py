"""Measuring: runtimes, the frame path and the node, beside plain baselines."""
