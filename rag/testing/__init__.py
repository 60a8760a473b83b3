"""Contracts that adapters are held to, ours and other people's."""
