"""Comparing resolvers on one world: running them, judging what they say, showing it."""
