"""Answers from many sources: plan, run, read, remember."""
