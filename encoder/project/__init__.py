"""What the project asks: tables, settings, indexes and pins, sources, workspaces, scripts; and the universe of that."""
