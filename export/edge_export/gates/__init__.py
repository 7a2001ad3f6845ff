"""What an exported model has to reach before its bundle is written."""
