"""What is known of vulnerable releases: advisories in the OSV format, from a file or from OSV's API."""
