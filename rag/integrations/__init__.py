"""Ours, in the shapes that other frameworks expect."""
