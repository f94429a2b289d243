"""What `kept doctor` looks at: each check is a function that returns findings, and none raises or waits for ever."""
