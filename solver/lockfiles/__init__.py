"""Lockfiles of four formats, read into one small model of what reaches what."""
