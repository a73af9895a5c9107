"""Scores of labels against truth that came on topics of their own, live or recorded."""
