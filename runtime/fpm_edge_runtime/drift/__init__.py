"""Is it still right: alarm, shadow, policy, log."""
