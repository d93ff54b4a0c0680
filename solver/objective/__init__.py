"""Which of all valid locks: tiers, ages, the MaxSAT engine, newest-first."""
