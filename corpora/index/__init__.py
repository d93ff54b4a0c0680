"""The live index and its cache: pages, files, builds, repositories."""
