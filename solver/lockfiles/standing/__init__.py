"""A lock that stands already: what it says, and whether the project still agrees."""
