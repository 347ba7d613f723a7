"""What is past its period is disposed of and booked."""
