"""Measures, one subject a module; `table` lists them all.

Each is a function of what is known of a question and of what came of it, and tells None where it does not apply.
"""
