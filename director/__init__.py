"""The director: accepts projects and runs their plans over teams."""
