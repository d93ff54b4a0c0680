"""Markers: formulas, the grid of platforms, Z3, wheel tags, shortest markers."""
