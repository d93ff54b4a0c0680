"""Candidates and their ranks, cells, facts, and the clauses that they become."""
