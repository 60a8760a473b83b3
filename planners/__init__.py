"""Planners: generators that decide what to ask, and do no input or output themselves."""
