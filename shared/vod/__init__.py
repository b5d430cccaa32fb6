"""Sign uploads for Tencent VOD and parse its event notifications."""
