"""``python -m satlock``."""

from __future__ import annotations

from satlock.cli.main import main

if __name__ == "__main__":
    main()
