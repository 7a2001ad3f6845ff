"""What a digest costs on this device, beside what others would make a user pay."""
