"""Recordings: read, segmented without a graph, compared and reported."""
