"""What makes a role a process: settings, start, drain and stop, signals, health, and the supervisor of many."""
