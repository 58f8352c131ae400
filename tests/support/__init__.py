"""What the end-to-end tests stand on: the built binary, its clients, and proxies that inject faults."""
