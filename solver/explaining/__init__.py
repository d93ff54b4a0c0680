"""Why and why not: reasons, clashes, ways out, and the words for them."""
