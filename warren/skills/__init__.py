"""What a worker can do: functions and command-line programs, each with a name and with schemas for input and output."""
