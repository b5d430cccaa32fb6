"""Rules and values of uploads and events: pure, without input or output."""
