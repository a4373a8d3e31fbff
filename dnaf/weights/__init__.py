"""Every download, of the metrics' networks and of the model: addresses, checksums, fetching."""
