"""Proofs about a lockfile that need nothing but the file: what no environment installs."""
