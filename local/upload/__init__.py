"""The command that uploads a file through the whole chain."""
