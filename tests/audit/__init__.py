"""What `make audit` asks: known vulnerabilities of what is locked, and secrets in the tree and its history."""
