"""The reading engine: any table as a frame of text, its columns found by name, its cells read exactly."""
