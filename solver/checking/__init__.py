"""Checks certificates without any solver; shares no code with what wrote them."""
