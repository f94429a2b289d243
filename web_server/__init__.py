"""What every HTTP server of ours does for strangers: bounded heads, times, connections, rates and failed logins."""
